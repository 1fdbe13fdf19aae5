using System.Collections.Immutable;
using System.CommandLine;
using Matih.Definition;
using Matih.Delivery;
using Matih.Host.Health;
using Matih.Host.Output;
using Matih.Host.Runtime;
using Matih.Host.Telemetry;
using Matih.Hosting;
using Matih.Hosting.Flink;
using Matih.Telemetry;

namespace Matih.Host.Commands;

/// <summary><c>matih run</c>: runs a pipeline in this process.</summary>
internal sealed class RunVerb : Verb
{
    private static readonly HelpPage Page = new(
        """
        Runs a pipeline in this process: every flow of the definition from its topic into its table.

        A run continues until it is stopped, unless one of --once, --until-caught-up and --for says otherwise. It begins where
        the table's own ledger says that the rows it holds end; start_offset (or --from) only serves where there is none yet.
        Ctrl-C or SIGTERM: a last checkpoint, then the end; a second one ends at once, which loses nothing either.
        """,
        ["run FILE [--once | --until-caught-up | --for DURATION] [options]"],
        ("Examples",
        [
            ("matih run pipeline.yaml", ""),
            ("matih run pipeline.yaml --member", "one of several processes that share the work"),
            ("matih run pipeline.yaml --once", "a scheduler's micro-batch"),
            ("matih run pipeline.yaml --until-caught-up --log json", "what is there now, then end"),
            ("matih run pipeline.yaml --set orchestration.checkpoint_interval=5s --set sources.clicks.topic=clicks2", ""),
            ("matih run pipeline.yaml --from 2026-05-01T00:00:00Z", "first start from that instant"),
            ("matih run pipeline.yaml --reset --from earliest --yes", "start over; rows in the table stay"),
            ("matih run pipeline.yaml --from-savepoint /savepoints/savepoint-8219c7-1bbecc84a0ee --gateway http://flink:8083", "take over from Flink"),
        ]),
        HelpText.ExitCodes);

    private readonly HostSettings _settings;
    private readonly Argument<string> _file;
    private readonly Option<bool> _once, _untilCaughtUp, _member, _reset, _yes, _supervised;
    private readonly Option<TimeSpan?> _for;
    private readonly FlinkPlace _flink = new();
    private readonly Option<string?> _from, _fromSavepoint, _fromEndedJob, _warehouse, _adopt, _log, _logLevel, _progress, _health;
    private readonly Option<string[]> _set, _acceptTag;

    public RunVerb(HostSettings settings) : base("run", "Run a pipeline in this process.", Page)
    {
        _settings = settings;
        _file = Positional("FILE", "The definition, a YAML file.");
        _once = Flag("--once", "One micro-batch: up to max_records or until nothing came for idle_timeout, one commit, end.");
        _untilCaughtUp = Flag("--until-caught-up", "End when all that the topics hold now is committed.");
        _for = Duration("--for", "End after that time, for example 90s or 10m.");
        _member = Flag("--member", "Share the topic's partitions with other processes that run the same definition with --member: all of them read, one commits, and another takes its place when it ends.");
        _from = Text("--from", "earliest|latest|TIME", "Where a flow without a ledger begins, in place of start_offset. TIME is ISO 8601 with its zone.");
        _fromSavepoint = Text("--from-savepoint", "DIR", "Take the records back from the Flink job that `matih deploy` gave them to, at the positions of the savepoint with which `matih flink stop` ended it. Needs --gateway.");
        _fromEndedJob = Text("--from-ended-job", "JOBID", "Take the records back from a Flink job that ended before its first commit, at the positions that `matih deploy` gave it. Needs --gateway.");
        _flink.AddTo(Command);
        _set = Texts("--set", "path=value", "Change a value of the definition, for example orchestration.parallelism=2. Can be given often.");
        _warehouse = Warehouse();
        _reset = Flag("--reset", "Start a new generation at the start offset although a ledger exists. Rows in the table stay: those read again are doubled. Asks first.");
        _yes = Flag("--yes", "Answer yes where --reset would ask.");
        _adopt = Text("--adopt", "NAME", "Continue from the ledger of the pipeline that had that name before it was renamed, sink by sink of the same name; or SINK=PIPELINE/SINK, several separated by commas.");
        _acceptTag = Texts("--accept-tag", "COMMIT", "Continue from the ledger that a flow's tag pins, although the table's history has expired before it: the commit that the refusal named. Can be given for each sink.");
        _log = Choice("--log", "Form of the log lines on the standard error stream.", "text", "json");
        _logLevel = Choice("--log-level", "Least severity that is logged. Default info.", "debug", "info", "warning", "error");
        _progress = Choice("--progress", "How progress is shown: redrawn in place (live, on a terminal), as log lines (plain), or not. Default auto: live where that is possible, else plain.", "auto", "live", "plain", "none");
        _health = Text("--health", "[HOST:]PORT|off", "Where GET /health, /health/live, /health/ready and /metrics are answered. Default: port 8471 of loopback (a free one where it is taken) in continuous runs, off in others. Another interface has to be named: 0.0.0.0:8471.");
        _supervised = Flag("--supervised", "Another process runs this one: leave Ctrl-C to it, and stop when the standard input ends.");
        _supervised.Hidden = true;
        Command.Validators.Add(result =>
        {
            var modes = new Option[] { _once, _untilCaughtUp, _for }.Where(option => result.GetResult(option) is { Implicit: false }).Select(option => option.Name).ToArray();
            if (result.GetResult(_member) is { Implicit: false } && (result.GetResult(_once) is { Implicit: false } || result.GetResult(_untilCaughtUp) is { Implicit: false }))
                result.AddError($"--member cannot be given together with {_once.Name} or {_untilCaughtUp.Name}: a member does not know when the others are done.");
            if (result.GetResult(_fromSavepoint) is { Implicit: false } && result.GetResult(_fromEndedJob) is { Implicit: false }) result.AddError($"{_fromSavepoint.Name} and {_fromEndedJob.Name} cannot be given together: a job that has a savepoint is taken over from that.");
            if (modes.Length > 1) result.AddError($"{string.Join(" and ", modes)} cannot be given together.");
        });
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var environment = SystemEnvironment.Create(_settings);
        var form = LogOptions.FormOf(arguments.GetValue(_log), _settings);
        var terminal = Terminal.OfProcess();
        var log = LogOptions.CreateLog(arguments.GetValue(_log), arguments.GetValue(_logLevel), _settings, environment.Clock, terminal);
        var request = new PipelineRequest(arguments.GetValue(_file)!, arguments.GetValue(_set) ?? [], arguments.GetValue(_warehouse));
        var start = arguments.GetValue(_from) is { } from ? StartOf(from) : null;
        var accepted = (arguments.GetValue(_acceptTag) ?? []).Select(CommitOf).ToImmutableArray();
        var isContinuous = !arguments.GetValue(_once) && !arguments.GetValue(_untilCaughtUp) && arguments.GetValue(_for) is null;
        var address = HealthAddress.Of(arguments.GetValue(_health), _settings, isContinuous);
        var load = PipelineLoading.Load(request, _settings);
        DefinitionReport.Show(load, form, log, Console.Error);
        if (load.Pipeline is not { } pipeline) return ExitCode.BadDefinition;

        var definition = pipeline.Definition;
        if (definition.Orchestration.Engine == DeployTarget.Flink)
            log.Information("engine", $"Pipeline {definition.Metadata.Name}: engine: flink is where `matih deploy` would send it; this run is in its own process.");
        var progress = pipeline.Flows.Select(flow => new FlowProgress(flow.Plan.Name.ToString())).ToArray();
        using var observation = FlowObservation.Observe(progress, environment.Clock);
        using var otlp = OtlpExport.StartIfAsked(_settings, MatihCommand.Version, log);
        using var metrics = address is null ? null : new MetricsPage(TelemetryNames.Meter);
        var display = ProgressDisplay.Create(arguments.GetValue(_progress) ?? "auto", form, progress, log, terminal, environment.Clock);
        using var signals = new StopSignals(message => log.Information("stopping", message), arguments.GetValue(_supervised));
        if (arguments.GetValue(_supervised)) StopWhenInputEnds(signals);

        var connectors = new HostConnectors(_settings, environment, log, definition.Orchestration.Parallelism);
        var runner = new PipelineRunner(environment, connectors, log);
        var isSure = arguments.GetValue(_yes);
        FlinkEnd? end;
        try
        {
            end = await FlinkEndAsync(arguments, connectors, definition, signals.Stop);
        }
        catch (PipelineException failure) when (FailureReport.TakeJson(failure, form, log))
        {
            return failure.ExitCode;
        }
        var answers = new OpenAnswers(
            start, arguments.GetValue(_reset), consequence => Confirm(consequence, isSure, terminal, log, signals.Stop), accepted, arguments.GetValue(_adopt), end);
        var run = new RunRequest(ModeOf(arguments, definition.Orchestration), answers, ProcessHints.Own, ProcessHints.IsGone, arguments.GetValue(_member));
        try
        {
            await using var health = metrics is null ? null : HealthEndpoint.Open(address!, ReportOf(progress, run.Mode, definition.Orchestration, environment.Clock), metrics, log);
            await using (display)
            {
                display.Start();
                await runner.RunAsync(pipeline.Flows, run, progress, signals.Stop, CancellationToken.None);
            }
        }
        catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
        {
            // Stopped before there was anything to checkpoint.
        }
        catch (PipelineException failure) when (FailureReport.TakeJson(failure, form, log))
        {
            return failure.ExitCode;
        }
        catch (Exception bug) when (FailureReport.TakeJson(bug, form, log))
        {
            return HostExit.Crash;
        }
        foreach (var flow in progress) log.Write(EndLine.Of(flow));
        return signals.CleanExitCode;
    }

    /// <summary>How the Flink job ended from which records are taken back, as its JobManager says; null where none are.</summary>
    private async Task<FlinkEnd?> FlinkEndAsync(ParseResult arguments, HostConnectors connectors, PipelineDefinition definition, CancellationToken cancellationToken)
    {
        var (folder, job) = (arguments.GetValue(_fromSavepoint), arguments.GetValue(_fromEndedJob));
        if (folder is null && job is null) return null;
        using var cluster = _flink.Open(arguments, _settings);
        if (folder is not null) return new FlinkEnd.WithSavepoint(await new StoppedJob(cluster, new SavepointFolder(definition.Sinks.Select(sink => connectors.OpenStore(sink.Catalog)))).ReadAsync(SavepointFolder.Locate(folder, _settings.CurrentDirectory), cancellationToken));
        await new JobWatch(cluster).RequireEndedUnreadAsync(job!, cancellationToken);
        return new FlinkEnd.WithoutCommit(job!);
    }

    /// <summary>A micro-batch commits once, at its end, so that nothing waits too long in it.</summary>
    private static HealthReport ReportOf(FlowProgress[] progress, RunMode mode, OrchestrationDefinition orchestration, TimeProvider clock)
    {
        var limits = new HealthLimits(mode is RunMode.Once ? TimeSpan.MaxValue : orchestration.CheckpointInterval + orchestration.CommitFailureLimit);
        return new HealthReport(new PipelineHealth(progress, clock, limits), MatihCommand.Version, clock);
    }

    private RunMode ModeOf(ParseResult arguments, OrchestrationDefinition orchestration)
    {
        if (arguments.GetValue(_once)) return new RunMode.Once(orchestration.MaxRecords, orchestration.IdleTimeout);
        if (arguments.GetValue(_untilCaughtUp)) return new RunMode.UntilCaughtUp();
        return arguments.GetValue(_for) is { } duration ? new RunMode.For(duration) : new RunMode.Continuous();
    }

    private static Guid CommitOf(string text) => Guid.TryParseExact(text, "D", out var commit)
        ? commit
        : throw new UsageException($"--accept-tag: '{text}' is not the id of a commit, such as 58af1c97-4ddd-bea9-3303-6e50a2f6a767. The refusal that asks for this option names it.");

    internal static StartOffset StartOf(string text) => StartOffset.TryParse(text, out var start)
        ? start!
        : throw new UsageException($"--from: '{text}' is neither earliest nor latest nor a time with its zone, such as 2026-05-01T00:00:00Z.");

    /// <summary>Says in any case what stays; where nobody can be asked, the answer is no.</summary>
    private static bool Confirm(string consequence, bool isSure, Terminal terminal, EngineLogWriter log, CancellationToken stop)
    {
        if (!isSure && terminal.CanAsk) return terminal.Ask($"{consequence}\nReset?", stop);
        log.Warning("reset-question", consequence);
        return isSure;
    }

    private static void StopWhenInputEnds(StopSignals signals)
    {
        var watch = new Thread(() =>
        {
            while (Console.In.Read() >= 0)
            {
                // What the supervisor writes means nothing; that it is there does.
            }
            signals.RequestStop();
        }) { IsBackground = true, Name = "supervisor" };
        watch.Start();
    }
}
