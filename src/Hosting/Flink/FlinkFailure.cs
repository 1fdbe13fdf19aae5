using System.Globalization;
using System.Text.RegularExpressions;

namespace Matih.Hosting.Flink;

/// <summary>Why Flink refused a statement or a job failed.</summary>
/// <param name="Cause">The root cause in one line.</param>
/// <param name="Line">Where in the statement, from 1; 0 where Flink does not say.</param>
/// <param name="Column">From 1; 0 where Flink does not say.</param>
/// <param name="Trace">Everything that Flink said.</param>
internal sealed partial record FlinkFailure(string Cause, int Line, int Column, string Trace)
{
    private const string CausedBy = "Caused by: ";

    /// <summary>
    /// The last <c>Caused by:</c> of a Java stack trace is the cause, with two exceptions: line and column stand in an earlier
    /// one, and behind a refusal by the JobManager the cause is on the next line.
    /// </summary>
    public static FlinkFailure Of(string trace)
    {
        var lines = trace.Split('\n');
        var last = Array.FindLastIndex(lines, line => line.StartsWith(CausedBy, StringComparison.Ordinal));
        var cause = last < 0 ? FirstOf(lines) : lines[last][CausedBy.Length..];
        if (cause.Contains("[Internal server error., <Exception on server side:", StringComparison.Ordinal) && last + 1 < lines.Length) cause = lines[last + 1];
        var (line, column) = PlaceIn(trace);
        return new FlinkFailure(WithoutClass(cause.Trim()).TrimEnd('.') + OptionsIn(lines), line, column, trace);
    }

    /// <summary>The source whose connector refused its options, by its table's name; null where none did.</summary>
    public string? Source => SourceTable().Match(Trace) is { Success: true } match ? match.Groups[1].Value : null;

    /// <summary>The options that are wrong, which stand in a list of their own behind the cause.</summary>
    private static string OptionsIn(string[] lines)
    {
        var title = Array.FindLastIndex(lines, line => line is "Unsupported options:" or "Missing required options are:");
        if (title < 0) return "";
        return ": " + string.Join(", ", lines.Skip(title + 1).SkipWhile(line => line.Length == 0).TakeWhile(line => line.Length != 0));
    }

    /// <summary>The first line that is no frame of the stack and no frame around the real one.</summary>
    private static string FirstOf(string[] lines) =>
        Array.Find(lines, line => line.Length != 0 && !line.StartsWith('\t') && !line.StartsWith('<')) ?? "Flink gave no reason";

    private static (int Line, int Column) PlaceIn(string trace)
    {
        var place = Place().Match(trace);
        return place.Success
            ? (int.Parse(place.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture), int.Parse(place.Groups[2].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture))
            : (0, 0);
    }

    /// <summary><c>org.apache.calcite.runtime.CalciteException: text</c> → <c>text</c>; a class without a text stays.</summary>
    private static string WithoutClass(string cause)
    {
        var text = ClassName().Replace(cause, "");
        return text.Length == 0 ? cause : text;
    }

    [GeneratedRegex("(?:From|at) line ([0-9]{1,9}), column ([0-9]{1,9})", RegexOptions.CultureInvariant)]
    private static partial Regex Place();

    [GeneratedRegex(@"Unable to create a source for reading table 'default_catalog\.default_database\.([^']+?)(?:\.topic)?'", RegexOptions.CultureInvariant)]
    private static partial Regex SourceTable();

    [GeneratedRegex(@"^(?:[a-z_][A-Za-z0-9_]*\.)+[A-Z][A-Za-z0-9_$]*: ?", RegexOptions.CultureInvariant)]
    private static partial Regex ClassName();
}
