namespace Matih.Flink;

/// <summary>
/// Finds names and <c>{{ input }}</c> in a statement that Flink will parse, whose syntax is larger than ours: looks only past
/// literals, quoted names and comments.
/// </summary>
internal static class StatementScan
{
    /// <summary>Where each <c>{{ input }}</c> stands.</summary>
    public static IEnumerable<(int Start, int Length)> Inputs(string sql) => Tokens(sql).Where(token => token.Kind == ScanKind.Input).Select(token => (token.Start, token.Length));

    /// <summary>Every word and quoted name, without backticks: keywords as well, as only a parser can tell.</summary>
    public static IEnumerable<string> Names(string sql) => Tokens(sql).Where(token => token.Kind == ScanKind.Name).Select(token => token.Text);

    /// <summary>The same, with <paramref name="input"/> where <c>{{ input }}</c> stands, in the order of the text.</summary>
    public static IEnumerable<string> Names(string sql, string input) => Tokens(sql).Where(token => token.Kind != ScanKind.Other).Select(token => token.Kind == ScanKind.Input ? input : token.Text);

    /// <summary>Whether some SELECT list holds a star for all columns. <c>COUNT(*)</c> and a product are none.</summary>
    public static bool HasStar(string sql)
    {
        var before = "";
        foreach (var token in Tokens(sql))
        {
            if (token.Text == "*" && (before is "," or "." || IsSelect(before))) return true;
            before = token.Text;
        }
        return false;
    }

    /// <summary>Where the statement ends: behind its last token, without a semicolon and the comments that follow.</summary>
    public static int EndOf(string sql)
    {
        var end = 0;
        foreach (var token in Tokens(sql))
            if (token.Text != ";") end = token.Start + token.Length;
        return end;
    }

    private static bool IsSelect(string word) => word.ToUpperInvariant() is "SELECT" or "DISTINCT" or "ALL";

    private enum ScanKind
    {
        Name,
        Input,
        Other,
    }

    private readonly record struct ScanToken(ScanKind Kind, string Text, int Start, int Length);

    private static IEnumerable<ScanToken> Tokens(string sql)
    {
        for (var i = 0; i < sql.Length;)
        {
            var start = i;
            var rest = sql.AsSpan(i);
            if (char.IsWhiteSpace(sql[i])) i++;
            else if (rest.StartsWith("--")) i = EndOf(sql, "\n", i);
            else if (rest.StartsWith("/*")) i = EndOf(sql, "*/", i + 2);
            else if (rest.StartsWith("{{"))
            {
                i = EndOf(sql, "}}", i);
                yield return new(ScanKind.Input, "", start, i - start);
            }
            else if (sql[i] is '\'' or '`')
            {
                var quote = sql[i];
                // A doubled quote is passed as the end of one text and the start of the next.
                do i = EndOf(sql, quote.ToString(), i + 1);
                while (i < sql.Length && sql[i] == quote);
                yield return quote == '`' ? new(ScanKind.Name, sql[(start + 1)..Math.Max(start + 1, i - 1)].Replace("``", "`", StringComparison.Ordinal), start, i - start) : new(ScanKind.Other, "'", start, i - start);
            }
            else if (IsWordPart(sql[i]))
            {
                while (i < sql.Length && IsWordPart(sql[i])) i++;
                yield return new(ScanKind.Name, sql[start..i], start, i - start);
            }
            else
            {
                i++;
                yield return new(ScanKind.Other, sql[start..i], start, 1);
            }
        }
    }

    private static bool IsWordPart(char letter) => char.IsLetterOrDigit(letter) || letter is '_' or '$';

    private static int EndOf(string sql, string end, int from)
    {
        var found = sql.IndexOf(end, Math.Min(from, sql.Length), StringComparison.Ordinal);
        return found < 0 ? sql.Length : found + end.Length;
    }
}
