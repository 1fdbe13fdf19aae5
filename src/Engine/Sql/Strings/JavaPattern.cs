using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Matih.Sql.Strings;

/// <summary>
/// A regular expression of Java as one of .NET that finds the same in any valid text. Only what surely means the same is
/// taken: characters, <c>.</c>, classes without set operations, <c>\d \w \s</c>, groups, alternatives, greedy and lazy
/// quantifiers over what is not empty, <c>^</c> and <c>$</c>.
/// </summary>
/// <remarks>
/// Java 17 matches code points where .NET matches UTF-16 units, ends lines at more characters, and knows only ASCII digits,
/// letters and blanks as <c>\d \w \s</c>; each of these is spelt out in what is written.
/// </remarks>
internal sealed class JavaPattern
{
    private const string Pair = @"[\uD800-\uDBFF][\uDC00-\uDFFF]";
    private const int RepetitionMax = 1000;

    private readonly string _pattern;
    private readonly StringBuilder _output = new();
    private readonly List<bool> _isRepeated = [];
    private int _at;
    private string? _unsupported;
    private bool _isMalformed;

    private JavaPattern(string pattern, bool isWhole)
    {
        _pattern = pattern;
        if (isWhole) _output.Append(@"\A(?:");
        MatchesEmpty = ParseAlternatives();
        if (isWhole) _output.Append(@")\z");
        if (_unsupported is null && !_isMalformed && _at < pattern.Length) _isMalformed = true;
        if (_unsupported is null && !_isMalformed) Regex = new Regex(_output.ToString(), RegexOptions.CultureInvariant);
    }

    /// <summary>What is not taken; null where all is.</summary>
    public string? Unsupported => _unsupported;

    /// <summary>The expression; null where it is malformed (a parenthesis without its partner), so that Flink finds nothing with it.</summary>
    public Regex? Regex { get; }

    public bool MatchesEmpty { get; }

    public int GroupCount => _isRepeated.Count;

    /// <summary>Whether the group, from 1, lies in something repeated: which repetition it keeps differs between engines.</summary>
    public bool IsRepeated(int group) => _isRepeated[group - 1];

    public static JavaPattern Parse(string pattern) => new(pattern, isWhole: false);

    /// <summary>The expression for the whole of a text.</summary>
    public static JavaPattern ParseWhole(string pattern) => new(pattern, isWhole: true);

    private bool IsStopped => _unsupported is not null || _isMalformed;

    private bool Refuse(string what)
    {
        _unsupported ??= what;
        return false;
    }

    /// <summary>Parses up to a closing parenthesis or the end; says whether it can match nothing.</summary>
    private bool ParseAlternatives()
    {
        var canBeEmpty = ParseSequence();
        while (!IsStopped && _at < _pattern.Length && _pattern[_at] == '|')
        {
            _at++;
            _output.Append('|');
            canBeEmpty |= ParseSequence();
        }
        return canBeEmpty;
    }

    private bool ParseSequence()
    {
        var canBeEmpty = true;
        while (!IsStopped && _at < _pattern.Length && _pattern[_at] is not ('|' or ')'))
        {
            var groupsBefore = GroupCount;
            canBeEmpty &= ParseQuantifier(ParseTerm(), groupsBefore);
        }
        return canBeEmpty;
    }

    private bool ParseTerm()
    {
        var c = _pattern[_at++];
        switch (c)
        {
            case '(': return ParseGroup();
            case '[':
                ParseClass();
                return false;
            case '.':
                _output.Append(CultureInfo.InvariantCulture, $@"(?:{Pair}|[^\n\r\u0085\u2028\u2029\uD800-\uDFFF])");
                return false;
            case '^':
                _output.Append('^');
                return true;
            case '$':
                _output.Append(@"(?=(?:\r\n|(?<!\r)\n|[\r\u0085\u2028\u2029])?\z)");
                return true;
            case '\\': return ParseEscape();
            case '*' or '+' or '?' or '{' or '}': return Refuse($"'{c}' where nothing is to be repeated");
            default:
                if (char.IsHighSurrogate(c)) _output.Append(CultureInfo.InvariantCulture, $"(?:{Escaped(c)}{Escaped(_pattern[_at++])})");
                else _output.Append(Escaped(c));
                return false;
        }
    }

    private static string Escaped(char c) => char.IsAsciiLetterOrDigit(c) ? c.ToString() : $@"\u{(int)c:X4}";

    /// <summary>Any text, line ends included: what the % of SIMILAR TO becomes.</summary>
    public const string AnyText = "(?s:.*)";

    private bool ParseGroup()
    {
        if (string.CompareOrdinal(_pattern, _at - 1, AnyText, 0, AnyText.Length) == 0)
        {
            _at += AnyText.Length - 1;
            _output.Append(CultureInfo.InvariantCulture, $@"(?:{Pair}|[^\uD800-\uDFFF])*");
            return true;
        }
        if (_at < _pattern.Length && _pattern[_at] == '?')
        {
            if (_at + 1 >= _pattern.Length || _pattern[_at + 1] != ':') return Refuse("a group that starts with '(?'");
            _at += 2;
            _output.Append("(?:");
        }
        else
        {
            _isRepeated.Add(false);
            _output.Append('(');
        }
        var canBeEmpty = ParseAlternatives();
        if (IsStopped) return false;
        if (_at == _pattern.Length)
        {
            _isMalformed = true;
            return false;
        }
        _at++;
        _output.Append(')');
        return canBeEmpty;
    }

    private bool ParseEscape()
    {
        if (_at == _pattern.Length) return Refuse("a backslash at the end");
        var c = _pattern[_at++];
        if (ClassOf(c) is { } set) _output.Append(CultureInfo.InvariantCulture, $"[{set}]");
        else if (char.IsAsciiLetterUpper(c) && ClassOf(char.ToLowerInvariant(c)) is { } other) _output.Append(CultureInfo.InvariantCulture, $@"(?:{Pair}|[^{other}\uD800-\uDFFF])");
        else if (Unescape(c) is { } literal) _output.Append(Escaped(literal));
        else return Refuse($@"'\{c}'");
        return false;
    }

    private static string? ClassOf(char c) => c switch
    {
        'd' => "0-9",
        'w' => "A-Za-z0-9_",
        's' => @"\t\n\u000B\f\r\u0020",
        _ => null,
    };

    private static char? Unescape(char c) => c switch
    {
        't' => '\t',
        'n' => '\n',
        'r' => '\r',
        'f' => '\f',
        _ => char.IsAscii(c) && !char.IsAsciiLetterOrDigit(c) ? c : null,
    };

    private void ParseClass()
    {
        var isNegated = _at < _pattern.Length && _pattern[_at] == '^';
        if (isNegated) _at++;
        var set = new StringBuilder();
        var start = _at;
        while (true)
        {
            if (_at >= _pattern.Length)
            {
                Refuse("a character class that is never closed");
                return;
            }
            if (_pattern[_at] == ']' && _at > start) break;
            if (!ParseClassItem(set, start)) return;
        }
        _at++;
        _output.Append(isNegated ? $@"(?:{Pair}|[^{set}\uD800-\uDFFF])" : $"[{set}]");
    }

    private bool ParseClassItem(StringBuilder set, int start)
    {
        if (_pattern[_at] == '\\' && _at + 1 < _pattern.Length && ClassOf(_pattern[_at + 1]) is { } named)
        {
            // No range starts with a class: a hyphen after it is an ordinary character.
            set.Append(named);
            _at += 2;
            return true;
        }
        if (TakeClassCharacter(start) is not { } first) return false;
        set.Append(Escaped(first));
        if (_at + 1 >= _pattern.Length || _pattern[_at] != '-' || _pattern[_at + 1] == ']') return true;
        _at++;
        if (TakeClassCharacter(start, isRangeEnd: true) is not { } last) return false;
        if (last < first) return Refuse("a range that runs backwards");
        set.Append('-').Append(Escaped(last));
        return true;
    }

    /// <summary>
    /// Takes a character of a class. A single <c>&amp;</c> is itself, two are an intersection; <c>^</c> negates after the
    /// opening bracket alone, but Java also looks at an escaped one; a hyphen that begins an item is itself.
    /// </summary>
    private char? TakeClassCharacter(int start, bool isRangeEnd = false)
    {
        var c = _pattern[_at++];
        if (c == '\\')
        {
            var literal = _at < _pattern.Length ? Unescape(_pattern[_at++]) : null;
            if (literal is null) Refuse("an escape in a character class");
            return literal;
        }
        var isIntersection = c == '&' && ((_at < _pattern.Length && _pattern[_at] == '&') || (_at - 2 >= start && _pattern[_at - 2] == '&'));
        var isNegation = c == '^' && (_at - 1 == start || _pattern[_at - 2] == '[' || isRangeEnd);
        if (c is '[' or ']' || isIntersection || isNegation || char.IsSurrogate(c))
        {
            Refuse($"'{(char.IsSurrogate(c) ? "a character beyond U+FFFF" : isIntersection ? "&&" : c)}' in a character class");
            return null;
        }
        return c;
    }

    /// <summary>What follows a term; says whether term and quantifier together can match nothing.</summary>
    private bool ParseQuantifier(bool canBeEmpty, int groupsBefore)
    {
        if (IsStopped || _at >= _pattern.Length || _pattern[_at] is not ('*' or '+' or '?' or '{')) return canBeEmpty;
        if (canBeEmpty) return Refuse("repeating what can be empty");
        var c = _pattern[_at++];
        var (min, max) = (c == '+' ? 1 : 0, c == '?' ? 1 : int.MaxValue);
        if (c != '{') _output.Append(c);
        else if (!ParseCounts(out min, out max)) return Refuse("this use of '{'");
        if (_at < _pattern.Length && _pattern[_at] == '?')
        {
            _at++;
            _output.Append('?');
        }
        if (_at < _pattern.Length && _pattern[_at] is '*' or '+' or '?' or '{') return Refuse("a quantifier after another");
        if (max > 1)
            for (var group = groupsBefore; group < GroupCount; group++) _isRepeated[group] = true;
        return min == 0;
    }

    private bool ParseCounts(out int min, out int max)
    {
        (min, max) = (0, int.MaxValue);
        var end = _pattern.IndexOf('}', _at);
        if (end < 0) return false;
        var parts = _pattern[_at..end].Split(',');
        if (parts.Length > 2 || !TryCount(parts[0], out min)) return false;
        max = min;
        if (parts.Length == 2 && parts[1].Length == 0) max = int.MaxValue;
        else if (parts.Length == 2 && !TryCount(parts[1], out max)) return false;
        _output.Append('{').Append(_pattern, _at, end - _at).Append('}');
        _at = end + 1;
        return max >= min;
    }

    private static bool TryCount(string text, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count <= RepetitionMax;
}
