using Matih.Host.Output;

namespace Matih.Host.Demo;

/// <summary>What a demonstration looks like at one moment.</summary>
internal sealed record DemoStatus(long Produced, long Rows, long Uncommitted, long Snapshots, long Files, bool IsWaiting, string Worker);

/// <summary>Shows the numbers of a demonstration: redrawn in place on a terminal, as lines elsewhere.</summary>
internal sealed class DemoDisplay(Func<DemoStatus> status, bool isLive, TimeProvider clock, Terminal terminal) : ProgressDisplay
{
    private static readonly string[] Names = ["worker", "produced", "rate/s", "rows in the table", "not committed yet", "snapshots", "files"];
    private readonly RateMeter _rate = new(clock);

    protected override async Task ShowAsync(CancellationToken end)
    {
        if (!isLive)
        {
            _rate.Note(status().Produced);
            while (await WaitAsync(TimeSpan.FromSeconds(2), clock, end)) terminal.WriteLine(Line(status()));
            return;
        }
        do terminal.Show(Draw);
        while (await WaitAsync(TimeSpan.FromMilliseconds(250), clock, end));
        terminal.Show(Draw);
        terminal.Leave();
    }

    private string Line(DemoStatus now) =>
        $"produced {Quantity.Count(now.Produced)} ({Quantity.Count(_rate.Note(now.Produced))}/s{(now.IsWaiting ? ", waiting for the table" : "")}), {Quantity.Of(now.Rows, "row")} in the table, {Quantity.Count(now.Uncommitted)} not committed yet, snapshots {Quantity.Count(now.Snapshots)}, files {Quantity.Count(now.Files)}; worker {now.Worker}";

    private IReadOnlyList<string> Draw(int width)
    {
        var now = status();
        var rate = _rate.Note(now.Produced);
        return LiveBlock.Lines(Names,
        [
            [now.Worker, Quantity.Count(now.Produced), now.IsWaiting ? "waiting" : Quantity.Count(rate), Quantity.Count(now.Rows), Quantity.Count(now.Uncommitted),
             Quantity.Count(now.Snapshots), Quantity.Count(now.Files)],
        ], width);
    }
}
