using System.Text;
using System.Text.Json;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Sql;

/// <summary>
/// What a real Flink 1.20 made of some 1,700 expressions (<c>flink/semantics.jsonl</c>) against our SQL engine: values,
/// types with nullability, and errors. What we refuse at compile time is counted, what differs must be listed with its
/// reason in <c>flink-sql-differences.json</c>, and the list is checked both ways.
/// </summary>
public sealed class FlinkSqlTests(ITestOutputHelper output)
{
    private const string DifferencesFile = "flink-sql-differences.json";

    /// <summary>The sections of expressions; those of formats are the decoder's tests' matter.</summary>
    private static readonly HashSet<string> Sections =
        ["json_value", "json_query", "cast", "arithmetic", "logic", "strings", "time", "zone", "aggregates", "windows", "windows_batch", "statements"];

    [Fact]
    public void Expressions_give_what_flink_gives_or_are_refused()
    {
        var differences = FlinkDifferences.Read(DifferencesFile);
        var tally = new SortedDictionary<string, SectionTally>(StringComparer.Ordinal);
        var unlisted = new List<string>();
        var refusals = new List<string>();
        foreach (var line in File.ReadLines(SharedTools.Find("flink/semantics.jsonl")))
        {
            using var recorded = JsonDocument.Parse(line);
            var sample = new FlinkSample(recorded.RootElement);
            if (!Sections.Contains(sample.Section)) continue;
            if (!tally.TryGetValue(sample.Section, out var section)) tally[sample.Section] = section = new SectionTally();
            var verdict = sample.Judge();
            if (verdict.Outcome == FlinkOutcome.Agree) section.Agree++;
            else if (verdict.Outcome == FlinkOutcome.Refused)
            {
                section.Refused++;
                refusals.Add($"{sample.Section} {sample.Name}: {verdict.Detail}");
            }
            else if (differences.Remove(sample.Name)) section.Listed++;
            else
            {
                section.Wrong++;
                unlisted.Add($"{sample.Section} {sample.Name} | {sample.Sql}\n    Flink {sample.Expected}\n    we    {verdict.Detail}");
            }
        }

        Report(tally, unlisted, refusals);
        Assert.True(unlisted.Count == 0, $"{unlisted.Count} differences are not in {DifferencesFile}:\n{string.Join('\n', unlisted)}");
        Assert.True(differences.Count == 0, $"{DifferencesFile} lists what does not differ:\n{string.Join('\n', differences)}");
        foreach (var name in (string[])["json_value", "logic"])
            Assert.True(tally[name].Agree >= 0.9 * tally[name].Total, $"{name}: only {tally[name]}");
    }

    private void Report(SortedDictionary<string, SectionTally> tally, List<string> unlisted, List<string> refusals)
    {
        foreach (var (name, section) in tally) output.WriteLine($"{name,-14} {section}");
        if (Environment.GetEnvironmentVariable("MATIH_SQL_REPORT") is { Length: > 0 } file)
            File.WriteAllText(file, string.Join('\n', tally.Select(section => $"{section.Key,-14} {section.Value}")) + "\n\nWRONG\n" + string.Join('\n', unlisted) + "\n\nREFUSED\n" + string.Join('\n', refusals) + "\n", Encoding.UTF8);
    }

    private sealed class SectionTally
    {
        public int Agree { get; set; }
        public int Refused { get; set; }
        public int Wrong { get; set; }
        public int Listed { get; set; }

        public int Total => Agree + Refused + Wrong + Listed;

        public override string ToString() => $"{Agree} agree, {Refused} refused, {Listed} listed differences, {Wrong} wrong ({100.0 * Agree / Math.Max(1, Total):F0} % agree)";
    }
}
