using System.Text;

namespace Matih.Sql.Kernels;

/// <summary>What the reasons of an expression's failures have in common: the text without the values in it.</summary>
internal static class ReasonKind
{
    /// <summary>The reason with <c>…</c> in place of what stands in single quotes, and of numbers that are no part of a word.</summary>
    public static string Of(string reason)
    {
        var (open, close) = (reason.IndexOf('\'', StringComparison.Ordinal), reason.LastIndexOf('\''));
        var kind = new StringBuilder(reason.Length);
        for (var i = 0; i < reason.Length; i++)
        {
            if (i == open && close > open)
            {
                // A value may hold quotes itself, so that only the outermost ones are sure.
                kind.Append("'…'");
                i = close;
            }
            else if (char.IsAsciiDigit(reason[i]) && (i == 0 || !char.IsLetterOrDigit(reason[i - 1]) && reason[i - 1] != '_'))
            {
                kind.Append('…');
                while (i + 1 < reason.Length && char.IsAsciiDigit(reason[i + 1])) i++;
            }
            else
            {
                kind.Append(reason[i]);
            }
        }
        return kind.ToString();
    }
}
