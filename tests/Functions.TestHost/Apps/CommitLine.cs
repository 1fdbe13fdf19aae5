using System.Globalization;
using System.Text.RegularExpressions;

namespace Matih.Functions.TestHost.Apps;

/// <summary>The line that the engine logs after each commit with rows.</summary>
public static partial class CommitLine
{
    /// <summary>Records that were committed; 0 where the line says anything else.</summary>
    public static long RecordsIn(string line) =>
        Pattern().Match(line) is { Success: true } match ? long.Parse(match.Groups[1].ValueSpan, NumberStyles.AllowThousands, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@" committed [\d,]+ rows? of ([\d,]+) records?")]
    private static partial Regex Pattern();
}
