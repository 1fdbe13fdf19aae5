using System.Globalization;
using Matih.Telemetry;

namespace Matih.Host.Output;

/// <summary>A log line for each flow now and then, while something changes.</summary>
internal sealed class PlainProgress(IReadOnlyList<FlowProgress> flows, EngineLogWriter log, TimeProvider clock) : ProgressDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    protected override async Task ShowAsync(CancellationToken end)
    {
        var meters = flows.Select(_ => new RateMeter(clock)).ToArray();
        var shown = new (long, long, long?)[flows.Count];
        for (var i = 0; i < flows.Count; i++) meters[i].Note(flows[i].ReadCount);
        while (await WaitAsync(Interval, clock, end))
        {
            for (var i = 0; i < flows.Count; i++)
            {
                var flow = flows[i];
                var rate = meters[i].Note(flow.ReadCount);
                var state = (flow.ReadCount, flow.CommittedRecordCount, flow.LagRecords);
                if (state == shown[i]) continue;
                shown[i] = state;
                log.Information("progress", Line(flow, rate),
                    ("flow", flow.Flow), ("read", flow.ReadCount), ("rows", flow.ProducedCount), ("filtered", flow.FilteredCount), ("skipped", flow.SkippedCount), ("lost_offsets", flow.LostCount),
                    ("committed_rows", flow.CommittedRowCount), ("rate_per_s", Math.Round(rate)), ("lag", flow.LagRecords), ("files", flow.FileCount), ("bytes", flow.FileBytes));
            }
        }
    }

    internal static string Line(FlowProgress flow, double rate) => string.Create(CultureInfo.InvariantCulture,
        $"Flow {flow.Flow}: {flow.ReadCount:N0} records in ({rate:N0}/s, {Quantity.Bytes(flow.ReadBytes)}), {flow.ProducedCount:N0} rows out, {flow.FilteredCount:N0} filtered, {flow.SkippedCount:N0} skipped{Fates.Offsets(", ", flow.LostCount, 0)}, lag {Lag(flow)}; {flow.CommittedRowCount:N0} rows committed in {flow.CommitCount} commits, {flow.FileCount} files, {Quantity.Bytes(flow.FileBytes)}.");

    internal static string Lag(FlowProgress flow) => flow.LagRecords is { } lag ? Quantity.Count(lag) : "unknown";
}
