using System.Globalization;
using Matih.Host.Output;
using Spectre.Console;

namespace Matih.Host.Demo;

/// <summary>What a demonstration looks like at one moment.</summary>
internal sealed record DemoStatus(long Produced, long Rows, long Uncommitted, long Snapshots, long Files, bool IsWaiting, string Worker);

/// <summary>Says what happens, and shows the numbers: redrawn on a terminal, as lines elsewhere.</summary>
internal sealed class DemoDisplay(Func<DemoStatus> status, bool isLive, TimeProvider clock, TextWriter output) : ProgressDisplay
{
    private readonly Lock _gate = new();
    private readonly RateMeter _rate = new(clock);
    private Action<string>? _divert;

    public void Say(string sentence)
    {
        lock (_gate)
        {
            if (_divert is { } divert) divert(sentence);
            else output.WriteLine(sentence);
        }
    }

    public override void Abandon()
    {
        if (isLive) output.Write("\u001b[?25h");
    }

    protected override Task ShowAsync(CancellationToken end) => isLive ? ShowLiveAsync(end) : ShowLinesAsync(end);

    private async Task ShowLinesAsync(CancellationToken end)
    {
        _rate.Note(status().Produced);
        while (await WaitAsync(TimeSpan.FromSeconds(2), clock, end))
        {
            var now = status();
            Say(string.Create(CultureInfo.InvariantCulture,
                $"produced {now.Produced:N0} ({_rate.Note(now.Produced):N0}/s{(now.IsWaiting ? ", waiting for the table" : "")}), {now.Rows:N0} rows in the table, {now.Uncommitted:N0} not committed yet, snapshots {now.Snapshots}, files {now.Files}; worker {now.Worker}"));
        }
    }

    private async Task ShowLiveAsync(CancellationToken end)
    {
        var console = LineAbove.CreateConsole();
        lock (_gate) _divert = line => console.Write(new LineAbove(line));
        try
        {
            await console.Live(Draw()).StartAsync(async live =>
            {
                do live.UpdateTarget(Draw());
                while (await WaitAsync(TimeSpan.FromMilliseconds(250), clock, end));
                live.UpdateTarget(Draw());
            });
        }
        finally
        {
            lock (_gate) _divert = null;
        }
    }

    private Table Draw()
    {
        var now = status();
        var rate = _rate.Note(now.Produced);
        var table = new Table().Border(TableBorder.Rounded).BorderColor(Color.Grey);
        foreach (var name in (ReadOnlySpan<string>)["produced", "rate/s", "rows in the table", "not committed yet", "snapshots", "files", "worker"])
            table.AddColumn(new TableColumn(new Text(name, new Style(Color.Grey))).RightAligned());
        table.AddRow(
            new Text(Quantity.Count(now.Produced)), new Text(now.IsWaiting ? "waiting" : Quantity.Count(rate)),
            new Text(Quantity.Count(now.Rows), new Style(Color.Green)), new Text(Quantity.Count(now.Uncommitted)),
            new Text(Quantity.Count(now.Snapshots)), new Text(Quantity.Count(now.Files)), new Text(now.Worker));
        return table;
    }
}
