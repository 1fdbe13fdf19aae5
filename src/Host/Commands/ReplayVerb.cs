using System.Collections.Immutable;
using System.CommandLine;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Replaying;
using Matih.Host.Output;
using Matih.Host.Runtime;
using Matih.Host.Telemetry;
using Matih.Hosting;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Host.Commands;

/// <summary><c>matih replay</c>: computes the rows of whole commits again, with the definition as it is now.</summary>
internal sealed class ReplayVerb : Verb
{
    private const int RangesShownMax = 16;

    private static readonly HelpPage Page = new(
        """
        Takes the records of whole commits from Kafka again, say after the SQL was corrected, and puts the rows that they give
        now in the place of those that they gave then: in one table commit, which takes the commits' data files out and adds
        new ones. Readers see the table before it or after it, nothing between. Positions stay where they are.

        Asks first, and tells what it will do. Refused (exit 5) where Kafka no longer holds all of the records, or where
        files of the commits were compacted, deleted or rewritten, or rows of theirs deleted. Stopped or killed on the way,
        it has changed nothing. A run of the pipeline that is under way is superseded by the replay and ends with exit 4:
        stop it before, or start it again after.
        """,
        ["replay FILE --from-commit ID [--to-commit ID] [--sink NAME] [--yes]"],
        ("Examples",
        [
            ("matih table snapshots analytics.web.clicks", "commit ids, the oldest first"),
            ("matih replay clicks.yaml --from-commit 0b8f4c1e-…", "that commit and all after it"),
            ("matih replay clicks.yaml --from-commit 0b8f4c1e-… --to-commit 0b8f4c1e-… --yes", "that one alone"),
        ]),
        HelpText.ExitCodes);

    private readonly HostSettings _settings;
    private readonly Argument<string> _file;
    private readonly Option<string?> _from, _to, _sink, _warehouse, _log, _logLevel;
    private readonly Option<bool> _yes;
    private readonly Option<string[]> _set;

    public ReplayVerb(HostSettings settings) : base("replay", "Compute the rows of earlier commits again, with the SQL as it is now.", Page)
    {
        _settings = settings;
        _file = Positional("FILE", "The definition, a YAML file.");
        _from = Text("--from-commit", "ID", "The oldest commit to be replayed. Required.");
        _from.Required = true;
        _to = Text("--to-commit", "ID", "The newest commit to be replayed. Default: the pipeline's newest.");
        _sink = Text("--sink", "NAME", "The sink whose table it is; needed where the definition has several.");
        _yes = Flag("--yes", "Answer yes where the replay would ask.");
        _set = Texts("--set", "path=value", "Change a value of the definition first. Can be given often.");
        _warehouse = Warehouse();
        _log = Choice("--log", "Form of the log lines on the standard error stream.", "text", "json");
        _logLevel = Choice("--log-level", "Least severity that is logged. Default info.", "debug", "info", "warning", "error");
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var from = CommitOf("--from-commit", arguments.GetValue(_from)!);
        var to = arguments.GetValue(_to) is { } text ? CommitOf("--to-commit", text) : (CommitId?)null;
        var environment = SystemEnvironment.Create(_settings);
        var form = LogOptions.FormOf(arguments.GetValue(_log), _settings);
        var terminal = Terminal.OfProcess();
        var log = LogOptions.CreateLog(arguments.GetValue(_log), arguments.GetValue(_logLevel), _settings, environment.Clock, terminal);
        var request = new PipelineRequest(arguments.GetValue(_file)!, arguments.GetValue(_set) ?? [], arguments.GetValue(_warehouse));
        var load = PipelineLoading.Load(request, _settings);
        DefinitionReport.Show(load, form, log, Console.Error);
        if (load.Pipeline is not { } pipeline) return ExitCode.BadDefinition;

        var flow = Chosen(pipeline.Flows, arguments.GetValue(_sink));
        using var signals = new StopSignals(_ => log.Information("stopping", "Stopping: a replay that has not committed yet changes nothing."));
        var runner = new PipelineRunner(environment, new HostConnectors(_settings, environment, log, flow.Plan.Parallelism), log);
        using var otlp = OtlpExport.StartIfAsked(_settings, MatihCommand.Version, log);
        var isSure = arguments.GetValue(_yes);
        try
        {
            await runner.ReplayAsync(flow, new ReplayRequest(from, to, preview => Confirm(preview, isSure, form, terminal, log, signals.Stop), ProcessHints.Own), new FlowProgress(flow.Plan.Name.ToString()), signals.Stop);
        }
        catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
        {
            log.Warning("stopped", $"The replay of {flow.Plan.Name} was stopped. matih table ledger shows whether its commit stands; if not, nothing was changed.");
            return signals.WasInterrupted ? ExitCode.Interrupted : HostExit.Terminated;
        }
        catch (PipelineException failure) when (FailureReport.TakeJson(failure, form, log))
        {
            return failure.ExitCode;
        }
        catch (Exception bug) when (FailureReport.TakeJson(bug, form, log))
        {
            return HostExit.Crash;
        }
        return ExitCode.Done;
    }

    /// <summary>Says in any case what will be done; where nobody can be asked, the answer is no.</summary>
    private static bool Confirm(ReplayPreview preview, bool isSure, LogForm form, Terminal terminal, EngineLogWriter log, CancellationToken stop)
    {
        if (form == LogForm.Json)
        {
            log.Information("replay-preview", Heading(preview) + " " + Effect(preview), ("flow", preview.Flow.ToString()), ("commits", preview.Commits.Length),
                ("records", preview.RecordCount), ("rows", preview.Replaced.AddedRowCount), ("files", preview.Replaced.AddedFileCount), ("is_writer_open", preview.IsWriterOpen));
        }
        else
        {
            foreach (var line in Lines(preview)) terminal.WriteLine(line);
        }
        return isSure || terminal.CanAsk && terminal.Ask("Replay?", stop);
    }

    private static IEnumerable<string> Lines(ReplayPreview preview)
    {
        yield return Heading(preview);
        foreach (var range in preview.Ranges.Take(RangesShownMax))
            yield return $"  partition {range.Partition}: offsets {range.FromOffset} to {range.ToOffset - 1}, {Quantity.Of(range.RecordCount, "record")}";
        if (preview.Ranges.Length > RangesShownMax) yield return $"  and {Quantity.Of(preview.Ranges.Length - RangesShownMax, "further range")}";
        yield return "  " + Effect(preview);
        if (preview.IsWriterOpen) yield return "  A run of the pipeline is under way or did not end cleanly; if it runs, it ends with exit 4.";
    }

    private static string Heading(ReplayPreview preview) =>
        $"Replay of {preview.Flow} in table {preview.Table}: {Quantity.Of(preview.Commits.Length, "commit")}, from {preview.Commits[0]} to {preview.Commits[^1]}.";

    private static string Effect(ReplayPreview preview) =>
        $"Reads {Quantity.Of(preview.RecordCount, "record")} again and replaces {Quantity.Of(preview.Replaced.AddedRowCount, "row")} in {Quantity.Of(preview.Replaced.AddedFileCount, "file")} by what the records give now.";

    private static CommitId CommitOf(string option, string text) => Guid.TryParse(text, out var id)
        ? new CommitId(id)
        : throw new UsageException($"{option}: '{text}' is no commit id. matih table snapshots shows them.");

    private static PlannedFlow Chosen(ImmutableArray<PlannedFlow> flows, string? sink)
    {
        var names = string.Join(", ", flows.Select(flow => flow.Definition.Sink.Name));
        if (sink is null) return flows.Length == 1 ? flows[0] : throw new UsageException($"--sink: the definition has the sinks {names}; name the one whose commits are to be replayed.");
        return flows.FirstOrDefault(flow => flow.Definition.Sink.Name == sink) ?? throw new UsageException($"--sink: there is no sink '{sink}'; the definition has {names}.");
    }
}
