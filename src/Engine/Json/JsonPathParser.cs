using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Matih.Batches;

namespace Matih.Json;

/// <summary>One reading of a path's text; see <see cref="JsonPath"/>.</summary>
internal sealed class JsonPathParser(string text)
{
    private readonly ImmutableArray<JsonPathStep>.Builder _steps = ImmutableArray.CreateBuilder<JsonPathStep>();
    private int _end = text.Length;
    private string? _unsupported;

    /// <summary>Where reading stopped.</summary>
    public int Position { get; private set; }

    public string Error { get; private set; } = "";

    private bool IsAtEnd => Position >= _end;

    private char Current => text[Position];

    public JsonPath? Parse()
    {
        SkipBlanks();
        while (_end > Position && char.IsWhiteSpace(text[_end - 1])) _end--;
        var hasMode = TakeMode("strict") is var strict && (strict || TakeMode("lax"));
        var mode = hasMode && !strict ? JsonPathMode.Lax : JsonPathMode.Strict;
        if (!TakeSteps()) return null;
        return new JsonPath(text, mode, hasMode, _steps.ToImmutable(), _unsupported);
    }

    private bool TakeMode(string word)
    {
        var after = Position + word.Length;
        if (after >= _end || !char.IsWhiteSpace(text[after])) return false;
        if (!text.AsSpan(Position, word.Length).Equals(word, StringComparison.OrdinalIgnoreCase)) return false;
        Position = after;
        SkipBlanks();
        return true;
    }

    private bool TakeSteps()
    {
        if (IsAtEnd) return Fail("the path is empty; '$' stands for the whole document");
        if (text[_end - 1] == '.') return FailAt(_end - 1, "the path ends with '.'; a member name must follow it");
        if (Current == '$')
        {
            Position++;
            if (!IsAtEnd && Current is not ('.' or '[')) return Fail($"'.' or '[' must follow '$', found '{Current}'");
        }
        else if (Current == '@')
        {
            return Fail("'@' stands only inside a filter; begin the path with '$'");
        }
        else if (Current != '[' && !TakeName())
        {
            return false;
        }
        while (!IsAtEnd && _unsupported is null)
        {
            if (!TakeStep()) return false;
        }
        return true;
    }

    private bool TakeStep()
    {
        if (Current == '[') return TakeBracket();
        Position++;
        if (Current == '.') return Refuse("a deep scan (..)");
        return Current == '[' ? TakeBracket() : TakeName();
    }

    private bool TakeName()
    {
        if (Current == '*') return TakeWildcard();
        var start = Position;
        while (!IsAtEnd && Current is not ('.' or '['))
        {
            if (Current == '(') return Refuse("a function");
            if (char.IsWhiteSpace(Current)) return Fail("a blank in a member name; write it as ['my name']");
            Position++;
        }
        if (Position == start) return Fail("a member name is missing");
        _steps.Add(new JsonPathStep.Member(text[start..Position]));
        return true;
    }

    private bool TakeBracket()
    {
        Position++;
        SkipBlanks();
        if (IsAtEnd) return Fail("']' is missing");
        switch (Current)
        {
            case '\'' or '"': return TakeQuotedName(Current);
            case '*': return TakeBracketedWildcard();
            case '?': return Refuse("a filter");
            case '(': return Refuse("a script");
            case ':': return Refuse("an array slice");
            case '-' or (>= '0' and <= '9'): return TakeIndex();
            default: return Fail($"an index, a quoted name or a wildcard must follow '[', found '{Current}'");
        }
    }

    private bool TakeBracketedWildcard()
    {
        Position++;
        if (!TakeClosing()) return false;
        _steps.Add(new JsonPathStep.Wildcard());
        return true;
    }

    private bool TakeWildcard()
    {
        Position++;
        if (!IsAtEnd && Current is not ('.' or '[')) return Refuse("a name right behind a wildcard");
        _steps.Add(new JsonPathStep.Wildcard());
        return true;
    }

    private bool TakeQuotedName(char quote)
    {
        var name = new StringBuilder();
        for (Position++; !IsAtEnd && Current != quote; Position++)
        {
            if (Current == '\\' && Position + 1 < _end) Position++;
            name.Append(Current);
        }
        if (IsAtEnd) return Fail($"the closing {quote} is missing");
        Position++;
        SkipBlanks();
        if (!IsAtEnd && Current == ',') return Refuse("a union of names");
        if (!TakeClosing()) return false;
        _steps.Add(new JsonPathStep.Member(name.ToString()));
        return true;
    }

    private bool TakeIndex()
    {
        var start = Position++;
        while (!IsAtEnd && char.IsAsciiDigit(Current)) Position++;
        if (!int.TryParse(text.AsSpan(start, Position - start), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index))
            return FailAt(start, $"'{text[start..Position]}' is not an array index");
        SkipBlanks();
        if (!IsAtEnd && Current == ',') return Refuse("a union of indexes");
        if (!IsAtEnd && Current == ':') return Refuse("an array slice");
        if (!TakeClosing()) return false;
        _steps.Add(new JsonPathStep.Index(index));
        return true;
    }

    private bool TakeClosing()
    {
        SkipBlanks();
        if (IsAtEnd || Current != ']') return Fail("']' is missing");
        Position++;
        return IsAtEnd || Current is '.' or '[' || Fail($"'.' or '[' must follow ']', found '{Current}'");
    }

    private void SkipBlanks()
    {
        while (!IsAtEnd && char.IsWhiteSpace(Current)) Position++;
    }

    private bool Refuse(string what)
    {
        _unsupported = what;
        return true;
    }

    private bool Fail(string error)
    {
        Error = error;
        return false;
    }

    private bool FailAt(int position, string error)
    {
        Position = position;
        return Fail(error);
    }
}
