using System.Text;
using Matih.Sql.Kernels;

namespace Matih.Sql.Strings;

/// <summary>Patterns of SIMILAR TO.</summary>
/// <remarks>
/// As Calcite's Like.sqlToRegexSimilar, which Flink 1.20 calls: % and _ become expressions of Java, \\ and $ stand for themselves, and
/// what remains is Java's regular expression: a dot is any character but a line end, ^ the beginning.
/// </remarks>
internal static class SimilarPattern
{
    /// <summary>Characters that mean something else than themselves.</summary>
    public const string Specials = "[]()|^-+*_%?{}";
    private const string JavaSpecials = "[]()|^-+*?{}$\\.";

    private static readonly (string Name, string Set)[] Classes =
    [
        ("[:ALPHA:]", "A-Za-z"), ("[:UPPER:]", "A-Z"), ("[:LOWER:]", "a-z"), ("[:DIGIT:]", "0-9"), ("[:ALNUM:]", "A-Za-z0-9"), ("[:WHITESPACE:]", @"\s"),
    ];

    /// <summary>The pattern as Java's expression for a whole text; null, with the reason, where Flink fails on it.</summary>
    public static string? ToJava(string pattern, char? escape, out string error)
    {
        error = "";
        var java = new StringBuilder();
        var isInClass = false;
        for (var at = 0; at < pattern.Length; at++)
        {
            var c = pattern[at];
            if (c == escape)
            {
                at++;
                if (at == pattern.Length || (pattern[at] != escape && !Specials.Contains(pattern[at], StringComparison.Ordinal)))
                {
                    error = "the escape character stands before something other than a special character and itself";
                    return null;
                }
                if (JavaSpecials.Contains(pattern[at], StringComparison.Ordinal)) java.Append('\\');
                java.Append(pattern[at]);
            }
            else if (isInClass)
            {
                if (c == ']') isInClass = false;
                else if (c == '[' && TakeClass(pattern, ref at, java)) continue;
                else if (c is not ('-' or '^') && Specials.Contains(c, StringComparison.Ordinal))
                {
                    error = $"'{c}' stands in a character class";
                    return null;
                }
                java.Append(c);
            }
            else
            {
                isInClass = c == '[';
                if (c == ']')
                {
                    error = "']' has no '[' before it";
                    return null;
                }
                java.Append(c switch { '_' => ".", '%' => JavaPattern.AnyText, '\\' => @"\\", '$' => @"\$", _ => c.ToString() });
            }
        }
        return java.ToString();
    }

    private static bool TakeClass(string pattern, ref int at, StringBuilder java)
    {
        foreach (var (name, set) in Classes)
        {
            if (string.Compare(pattern, at, name, 0, name.Length, StringComparison.Ordinal) != 0
                && string.Compare(pattern, at, name.ToLowerInvariant(), 0, name.Length, StringComparison.Ordinal) != 0) continue;
            java.Append(set);
            at += name.Length - 1;
            return true;
        }
        return false;
    }

    public static Kernel KernelOf(string name, JavaPattern pattern) => new(name, call =>
    {
        var result = call.ResultOf<byte>().AppendUninitialized(call.Count, call.Validity);
        for (var row = 0; row < result.Length; row++)
            result[row] = !call.IsNull(row) && pattern.Regex!.IsMatch(RegularExpressions.Decode(call, call.Bytes(0)[row])) ? (byte)1 : (byte)0;
    });
}
