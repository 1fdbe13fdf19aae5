using System.CommandLine;
using Matih.Delivery;
using Matih.Host.Demo;
using Matih.Host.Output;
using Matih.Host.Runtime;
using Matih.Hosting;

namespace Matih.Host.Commands;

/// <summary><c>matih demo</c>: shows exactly-once delivery on this machine, with nothing else installed.</summary>
internal sealed class DemoVerb : Verb
{
    private static readonly HelpPage Page = new(
        """
        Shows the engine at work with nothing else installed: an embedded Kafka with invented click events in this process,
        and a pipeline in another, which writes them into an Iceberg table. In the middle the pipeline is killed with SIGKILL
        and started again. In the end the rows in the table are counted against what was produced; if they differ, the exit
        code is 1.
        """,
        ["demo [--for DURATION] [--rate N] [--dir DIR] [--partitions N]"],
        ("Examples", [("matih demo", ""), ("matih demo --for 2m --rate 50000", ""), ("matih demo --for 10s --dir ./try --progress plain", "")]),
        ("Exit codes", [("0", "The table holds exactly what was produced."), ("1", "It does not."), ("3", "Something else failed; the message says what.")]));

    private readonly HostSettings _settings;
    private readonly Option<TimeSpan?> _for;
    private readonly Option<int?> _rate, _partitions;
    private readonly Option<string?> _dir, _progress;

    public DemoVerb(HostSettings settings) : base("demo", "See it work: embedded Kafka, a kill, a resume, a count.", Page)
    {
        _settings = settings;
        _for = Duration("--for", "How long events are produced. Default 20s.");
        _rate = Number("--rate", 1, 1_000_000, "The most events a second. Default 20000.");
        _dir = Text("--dir", "DIR", "A new or empty folder for table, definition and log. Default demo-output/TIME.");
        _partitions = Number("--partitions", 1, 64, "Partitions of the topic. Default 4.");
        _progress = Choice("--progress", "How progress is shown: redrawn in place (live, on a terminal), as lines (plain), or not. Default auto: live where that is possible, else plain.", "auto", "live", "plain", "none");
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var environment = SystemEnvironment.Create(_settings);
        var demo = new DemoSettings(
            arguments.GetValue(_for) ?? TimeSpan.FromSeconds(20), arguments.GetValue(_rate) ?? 20_000,
            FreshDirectory(arguments.GetValue(_dir), environment.Clock), arguments.GetValue(_partitions) ?? 4);
        var run = new DemoRun(demo, _settings, environment);
        var progress = arguments.GetValue(_progress) ?? "auto";
        var terminal = Terminal.OfProcess();
        var display = new DemoDisplay(() => run.Status, progress is "live" or "auto" && terminal.CanRedraw, environment.Clock, terminal);
        using var signals = new StopSignals(_ => terminal.WriteLine("Production ends; press Ctrl-C again to leave at once."));
        DemoSummary summary;
        await using (display)
        {
            if (progress != "none") display.Start();
            summary = await run.RunAsync(terminal.WriteLine, signals.Stop);
        }
        summary.WriteTo(Console.Out);
        if (summary.Agrees) return ExitCode.Done;
        await Console.Error.WriteLineAsync($"matih: {Quantity.Of(summary.ProducedCount, "event")} produced, but the table holds {Quantity.Of(summary.RowCount, "row")}. Please report this, with {demo.Directory}.");
        return HostExit.Disagreement;
    }

    private string FreshDirectory(string? option, TimeProvider clock)
    {
        var path = Path.GetFullPath(option ?? Path.Combine("demo-output", clock.GetUtcNow().ToString("yyyyMMdd-HHmmss-fff", System.Globalization.CultureInfo.InvariantCulture)), _settings.CurrentDirectory);
        if (File.Exists(path) || Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
            throw new UsageException($"--dir: {path} exists and is not an empty folder; a demonstration starts with a fresh one.");
        return path;
    }
}
