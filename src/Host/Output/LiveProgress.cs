using System.Globalization;
using Matih.Host.Runtime;
using Matih.Telemetry;
using Spectre.Console;

namespace Matih.Host.Output;

/// <summary>A table on the terminal that is redrawn in place; log lines scroll above it.</summary>
internal sealed class LiveProgress(IReadOnlyList<FlowProgress> flows, EngineLogWriter log, TimeProvider clock) : ProgressDisplay
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private readonly RateMeter[] _meters = [.. flows.Select(_ => new RateMeter(clock))];

    public override void Abandon() => Console.Error.Write("\u001b[?25h");

    protected override async Task ShowAsync(CancellationToken end)
    {
        var console = LineAbove.CreateConsole();
        log.Divert(line => console.Write(new LineAbove(line)));
        try
        {
            await console.Live(Draw()).StartAsync(async live =>
            {
                do live.UpdateTarget(Draw());
                while (await WaitAsync(Interval, clock, end));
                live.UpdateTarget(Draw());
            });
        }
        finally
        {
            log.Divert(null);
        }
    }

    private Table Draw()
    {
        var table = new Table().Border(TableBorder.Rounded).BorderColor(Color.Grey);
        foreach (var name in (ReadOnlySpan<string>)["flow", "in", "rate/s", "out", "filtered", "skipped", "lag", "committed", "files", "last commit", "next"])
        {
            var column = new TableColumn(new Text(name, new Style(Color.Grey)));
            table.AddColumn(name == "flow" ? column : column.RightAligned());
        }
        for (var i = 0; i < flows.Count; i++)
        {
            var flow = flows[i];
            var rate = _meters[i].Note(flow.ReadCount);
            table.AddRow(
                new Text(flow.Flow), Number(flow.ReadCount), new Text(Quantity.Count(rate)), Number(flow.ProducedCount), Number(flow.FilteredCount),
                flow.SkippedCount == 0 ? Number(0) : new Text(Quantity.Count(flow.SkippedCount), new Style(Color.Yellow)),
                new Text(flow.LagRecords is { } lag ? Quantity.Count(lag) : "-"),
                new Text(Quantity.Count(flow.CommittedRowCount), new Style(Color.Green)),
                new Text(string.Create(CultureInfo.InvariantCulture, $"{flow.FileCount} ({Quantity.Bytes(flow.FileBytes)})")),
                new Text(Ago(flow.LastCommit)), new Text(Ahead(flow.NextCheckpoint)));
        }
        return table;
    }

    private static Text Number(long count) => new(Quantity.Count(count));

    private string Ago(DateTimeOffset? instant) => instant is { } at ? DurationText.Show(Positive(clock.GetUtcNow() - at)) + " ago" : "-";

    private string Ahead(DateTimeOffset? instant) => instant is { } at ? "in " + DurationText.Show(Positive(at - clock.GetUtcNow())) : "-";

    /// <summary>To the second, so that the display does not flicker.</summary>
    private static TimeSpan Positive(TimeSpan time) => TimeSpan.FromSeconds(Math.Max(0, Math.Round(time.TotalSeconds)));
}
