using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Matih.Delivery;
using Matih.Engine.Tests.Architecture;
using Matih.Engine.Tests.Delivery;
using Matih.Engine.Tests.Repository;
using Matih.Fixtures;
using Matih.Host.Health;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Telemetry;

/// <summary>docs/metrics.md and the code name the same instruments and spans, with the same attributes.</summary>
public sealed partial class MetricsDocumentTests
{
    private static readonly string DocumentPath = Path.Combine(SourceTree.Root, "docs", "metrics.md");

    [Fact]
    public void The_page_has_a_row_for_every_instrument_and_every_row_is_one()
    {
        string[] rows = [.. Instruments().Select(Row).Order(StringComparer.Ordinal)];
        string[] Documented() => [.. File.ReadAllLines(DocumentPath).Where(line => line.StartsWith("| `matih.", StringComparison.Ordinal) && line.Count(character => character == '|') == 7)];
        if (Environment.GetEnvironmentVariable("MATIH_UPDATE_GENERATED") == "1") Update(rows);

        Violations.AssertNone(Documented().Except(rows).Select(row => $"no such instrument: {row}")
            .Concat(rows.Except(Documented()).Select(row => $"not on the page (MATIH_UPDATE_GENERATED=1 writes it): {row}")));
        Assert.Equal(rows, Documented());
    }

    [Fact]
    public void The_page_names_no_series_that_there_is_not()
    {
        var families = Instruments().Select(instrument => MetricFamily.Of(instrument.Instrument)).ToArray();
        var known = families.SelectMany(family => PrometheusText.NameOf(family) is var name && family.Kind == MetricKind.Histogram ? new[] { name, $"{name}_bucket", $"{name}_sum", $"{name}_count" } : [name]).ToHashSet();

        var named = SeriesName().Matches(File.ReadAllText(DocumentPath)).Select(found => found.Value).Distinct().ToArray();

        Assert.True(named.Length > 30, $"{named.Length} series");
        Violations.AssertNone(named.Where(name => !known.Contains(name)).Select(name => $"docs/metrics.md names {name}"));
    }

    [Fact]
    public void The_page_has_a_row_for_every_span_and_every_row_is_one()
    {
        var spans = RepositoryNames.SourceFiles.Where(path => path.StartsWith(EngineSources.Root, StringComparison.Ordinal))
            .SelectMany(path => SpanStart().Matches(File.ReadAllText(path)).Select(found => found.Groups[1].Value)).ToHashSet();

        var rows = File.ReadAllLines(DocumentPath).Select(line => SpanRow().Match(line)).Where(found => found.Success).Select(found => found.Groups[1].Value).ToHashSet();

        Assert.True(spans.Count >= 6, $"{spans.Count} spans");
        Assert.Equal(spans.Order(StringComparer.Ordinal), rows.Order(StringComparer.Ordinal));
    }

    /// <summary>Every instrument that there is, with the attributes that its values have.</summary>
    private static (Instrument Instrument, string[] Attributes)[] Instruments()
    {
        var pipeline = $"page-{Guid.NewGuid():N}";
        var flow = new FlowProgress($"{pipeline}/lake");
        var clock = new HurriedClock();
        using var samples = new MeterSamples(pipeline);
        using var observation = FlowObservation.Observe([flow], clock);
        flow.Metrics.BeginAtZero([FailureWord.Of(FailureKind.Kafka)]);
        flow.Metrics.Time(Matih.Telemetry.Instruments.BatchDuration, TimeSpan.FromMilliseconds(1));
        flow.Metrics.Time(Matih.Telemetry.Instruments.CommitDuration, TimeSpan.FromMilliseconds(1));
        flow.Metrics.Time(Matih.Telemetry.Instruments.CheckpointDuration, TimeSpan.FromMilliseconds(1));
        flow.NoteOpened(clock.GetUtcNow().ToUnixTimeMilliseconds(), 7);
        flow.NoteNewestCommitted(clock.GetUtcNow().ToUnixTimeMilliseconds());
        flow.NoteLag(new FlowLag(1, 2, clock.GetTimestamp()) { Topic = "orders", Partitions = [new LaggingPartition(0, 2)] });
        flow.NoteStagedWaiting(new StagedWaiting(1, 2));
        flow.NoteMemory(new MemoryUse(() => 1, 2));
        flow.NoteMaintenance(new MaintainedTable(clock.GetUtcNow(), 1, 1, 1, 1, 1), 1, 1);
        samples.Collect();

        // Whatever exists and was given no value above would be missing from the page.
        using var all = new MeterListener();
        var published = new List<string>();
        all.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name == TelemetryNames.Meter) published.Add(instrument.Name);
        };
        all.Start();
        var seen = samples.Seen.DistinctBy(sample => sample.Instrument.Name).ToArray();
        Assert.Equal(published.Order(StringComparer.Ordinal), seen.Select(sample => sample.Instrument.Name).Order(StringComparer.Ordinal));
        return seen;
    }

    private static string Row((Instrument Instrument, string[] Attributes) sample)
    {
        var family = MetricFamily.Of(sample.Instrument);
        var attributes = string.Join(", ", sample.Attributes.Select(key => $"`{key}`"));
        return $"| `{family.Name}` | `{PrometheusText.NameOf(family)}` | {family.Kind.ToString().ToLowerInvariant()} | `{family.Unit}` | {attributes} | {family.Description} |";
    }

    private static void Update(string[] rows)
    {
        var lines = File.ReadAllLines(DocumentPath).ToList();
        var begin = lines.FindIndex(line => line.StartsWith("| Name | In Prometheus |", StringComparison.Ordinal)) + 2;
        var end = lines.FindIndex(begin, line => !line.StartsWith('|'));
        lines.RemoveRange(begin, end - begin);
        lines.InsertRange(begin, rows);
        File.WriteAllLines(DocumentPath, lines);
    }

    [GeneratedRegex(@"\bmatih_[a-z_]+\b")]
    private static partial Regex SeriesName();

    [GeneratedRegex(@"FlowTrace\.RunAsync\(\s*""(matih\.[a-z]+)""")]
    private static partial Regex SpanStart();

    [GeneratedRegex(@"^\| span `(matih\.[a-z]+)` \|")]
    private static partial Regex SpanRow();
}
