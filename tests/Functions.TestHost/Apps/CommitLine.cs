using System.Globalization;
using System.Text.RegularExpressions;
using Matih.Fixtures;

namespace Matih.Functions.TestHost.Apps;

/// <summary>The line that the engine logs after each commit with rows.</summary>
public static partial class CommitLine
{
    /// <summary>Records that were committed; 0 where the line says anything else.</summary>
    public static long RecordsIn(string line) =>
        Pattern().Match(line) is { Success: true } match ? long.Parse(match.Groups[1].ValueSpan, NumberStyles.AllowThousands, CultureInfo.InvariantCulture) : 0;

    /// <summary>Waits until commits of so many records are logged.</summary>
    /// <param name="after">How many lines the log had before.</param>
    public static Task WaitAsync(LineLog log, long records, int after)
    {
        var (line, soFar) = (0, 0L);
        return log.WaitForAsync(text => (soFar += line++ < after ? 0 : RecordsIn(text)) >= records);
    }

    [GeneratedRegex(@" committed [\d,]+ rows? of ([\d,]+) records?")]
    private static partial Regex Pattern();
}
