using Matih.Host.Runtime;
using Matih.Telemetry;

namespace Matih.Host.Output;

/// <summary>The numbers of all flows on the terminal, redrawn in place; log lines scroll above them.</summary>
internal sealed class LiveProgress(IReadOnlyList<FlowProgress> flows, Terminal terminal, TimeProvider clock) : ProgressDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly string[] Names = ["flow", "in", "rate/s", "out", "filtered", "skipped", "unread", "uncommitted", "committed", "files", "last commit", "next"];
    private readonly RateMeter[] _meters = [.. flows.Select(_ => new RateMeter(clock))];

    protected override async Task ShowAsync(CancellationToken end)
    {
        do terminal.Show(Draw);
        while (await WaitAsync(Interval, clock, end));
        terminal.Show(Draw);
        terminal.Leave();
    }

    private IReadOnlyList<string> Draw(int width) => LiveBlock.Lines(Names, [.. flows.Select((flow, i) => Values(flow, _meters[i].Note(flow.ReadCount)))], width);

    private string[] Values(FlowProgress flow, double rate) =>
    [
        flow.Flow, Quantity.Count(flow.ReadCount), Quantity.Count(rate), Quantity.Count(flow.ProducedCount), Quantity.Count(flow.FilteredCount),
        Quantity.Count(flow.SkippedCount), Lag(flow, flow.Lag?.Unread), Lag(flow, flow.Lag?.Uncommitted), Quantity.Count(flow.CommittedRowCount),
        $"{Quantity.Count(flow.FileCount)} ({Quantity.Bytes(flow.FileBytes)})", Ago(flow.LastCommit), Ahead(flow.NextCheckpoint),
    ];

    /// <summary>With its age where the brokers no longer answer.</summary>
    private string Lag(FlowProgress flow, long? offsets) =>
        offsets is not { } count ? "-" : LagText.SilenceOf(flow, clock) is { } silence ? $"{Quantity.Count(count)}, {DurationText.Show(Positive(silence))} ago" : Quantity.Count(count);

    private string Ago(DateTimeOffset? instant) => instant is { } at ? DurationText.Show(Positive(clock.GetUtcNow() - at)) + " ago" : "-";

    private string Ahead(DateTimeOffset? instant) => instant is { } at ? "in " + DurationText.Show(Positive(at - clock.GetUtcNow())) : "-";

    /// <summary>To the second, so that the display does not flicker.</summary>
    private static TimeSpan Positive(TimeSpan time) => TimeSpan.FromSeconds(Math.Max(0, Math.Round(time.TotalSeconds)));
}
