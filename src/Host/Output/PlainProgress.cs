using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Host.Output;

/// <summary>A log line for each flow now and then, while something changes.</summary>
internal sealed class PlainProgress(IReadOnlyList<FlowProgress> flows, EngineLogWriter log, TimeProvider clock) : ProgressDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    protected override async Task ShowAsync(CancellationToken end)
    {
        var meters = flows.Select(_ => new RateMeter(clock)).ToArray();
        var shown = new (long, long, long?, long?, bool)[flows.Count];
        for (var i = 0; i < flows.Count; i++) meters[i].Note(flows[i].ReadCount);
        while (await WaitAsync(Interval, clock, end))
        {
            for (var i = 0; i < flows.Count; i++)
            {
                var flow = flows[i];
                var rate = meters[i].Note(flow.ReadCount);
                var lag = flow.Lag;
                var state = (flow.ReadCount, flow.CommittedRecordCount, lag?.Unread, lag?.Uncommitted, LagText.SilenceOf(flow, clock) is not null);
                if (state == shown[i]) continue;
                shown[i] = state;
                log.Information("progress", Line(flow, rate, clock),
                    ("flow", flow.Flow), ("read", flow.ReadCount), ("rows", flow.ProducedCount), ("filtered", flow.FilteredCount), ("skipped", flow.SkippedCount), ("lost_offsets", flow.LostCount),
                    ("committed_rows", flow.CommittedRowCount), ("rate_per_s", Math.Round(rate)), ("unread", lag?.Unread), ("uncommitted", lag?.Uncommitted), ("lag_as_of", Moment.Of(lag?.AsOf, clock)?.Text), ("files", flow.FileCount), ("bytes", flow.FileBytes));
            }
        }
    }

    internal static string Line(FlowProgress flow, double rate, TimeProvider clock) =>
        $"Flow {flow.Flow}: {Quantity.Of(flow.ReadCount, "record")} in ({Quantity.Count(rate)}/s, {Quantity.Bytes(flow.ReadBytes)}), {Quantity.Of(flow.ProducedCount, "row")} out, {Quantity.Count(flow.FilteredCount)} filtered, {Quantity.Count(flow.SkippedCount)} skipped{Fates.Offsets(", ", flow.LostCount, 0)}, lag {LagText.Show(flow, clock)}{LagText.Silence(flow, clock)}; {Quantity.Of(flow.CommittedRowCount, "row")} committed in {Quantity.Of(flow.CommitCount, "commit")}, {Quantity.Of(flow.FileCount, "file")}, {Quantity.Bytes(flow.FileBytes)}.";
}
