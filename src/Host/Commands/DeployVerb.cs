using System.CommandLine;
using Matih.Definition;
using Matih.Delivery;
using Matih.Host.Output;
using Matih.Host.Runtime;
using Matih.Hosting;
using Matih.Hosting.Flink;
using Matih.Telemetry;

namespace Matih.Host.Commands;

/// <summary><c>matih deploy</c>: brings a pipeline onto a Flink cluster.</summary>
internal sealed class DeployVerb : Verb
{
    private static readonly HelpPage Page = new(
        """
        Submits a pipeline to a Flink cluster through its SQL Gateway, waits until its tasks run, and prints the job's id.

        Tables that do not exist are created first. Where a job of the pipeline's name runs, the command refuses: --replace
        stops it with a savepoint and starts the new one from there, so that no record is lost or doubled.
        """,
        ["deploy FILE --gateway URL [options]"],
        ("Examples",
        [
            ("matih deploy pipeline.yaml --gateway http://flink:8083", ""),
            ("matih deploy pipeline.yaml --gateway http://flink:8083 --replace", "an upgrade"),
            ("matih deploy pipeline.yaml --gateway http://flink:8083 --from s3://flink/checkpoints/8a…/chk-42", "after the whole cluster was lost"),
        ]),
        ("Exit codes", [("0", "The job runs."), ("2", "The definition or the command line is wrong, or Flink refuses a statement."), ("3", "The cluster does not answer, a topic does not exist, or the job does not run."), ("5", "A table is written by `matih run` or by another job, it is not known where the job would have to begin, or a statement that only Flink runs has changed and state would go on.")]));

    private readonly HostSettings _settings;
    private readonly Argument<string> _file;
    private readonly FlinkOptions _script = new();
    private readonly FlinkPlace _place = new();
    private readonly Option<bool> _replace, _keepState, _trace;
    private readonly Option<string?> _from, _savepoint, _jobId;
    private readonly Option<TimeSpan?> _wait;

    public DeployVerb(HostSettings settings) : base("deploy", "Bring a pipeline onto a Flink cluster.", Page)
    {
        _settings = settings;
        _file = Positional("FILE", "The definition, a YAML file.");
        _place.AddTo(Command);
        _script.AddTo(Command);
        _replace = Flag("--replace", "Stop a job of this name with a savepoint, and continue from it.");
        _from = Text("--from", "PATH", "Continue from this savepoint or retained checkpoint.");
        _keepState = Flag("--keep-state", "Continue with the state of the job before although a statement that only Flink runs has changed. Right where windows, groups and joins are as they were.");
        _savepoint = Text("--savepoint", "DIR", "Where the savepoint of a replaced job goes, as the cluster sees it. Default: the cluster's own folder.");
        _jobId = Text("--job-id", "ID", "The job's id, 32 hexadecimal digits or a UUID. With the id of an earlier attempt whose fate is unknown, no second job is made.");
        _wait = Duration("--wait", "How long the job may take until its tasks run. Default 2m.");
        _trace = Flag("--trace", "Print the whole stack trace where Flink refuses something.");
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        using var cluster = _place.Open(arguments, _settings);
        var job = Guid.NewGuid();
        if (arguments.GetValue(_jobId) is { } given && !Guid.TryParseExact(given, "N", out job) && !Guid.TryParseExact(given, "D", out job))
            throw new UsageException($"--job-id: '{given}' is no job id, which has 32 hexadecimal digits, with hyphens as in a UUID or without.");
        if (_script.Generate(arguments, arguments.GetValue(_file)!, _settings) is not { } generated) return ExitCode.BadDefinition;
        if (generated.Pipeline.Definition.Orchestration.Engine != DeployTarget.Flink)
            throw new UsageException($"{generated.Script.JobName} says engine: matih, which `matih run` runs. For Flink, write engine: flink under orchestration, or give --set orchestration.engine=flink.");

        var environment = SystemEnvironment.Create(_settings);
        var log = LogOptions.CreateLog(null, "warning", _settings, environment.Clock, Terminal.OfProcess());
        var connectors = new HostConnectors(_settings, environment, log, laneCountMax: 1);
        await using var handover = new HandoverToFlink(environment, connectors, log, ProcessHints.IsGone);
        var savepoints = new SavepointFolder(generated.Pipeline.Definition.Sinks.Select(sink => connectors.OpenStore(sink.Catalog)));
        var deployment = new JobDeployment(cluster, Console.Error.WriteLine);
        var request = new DeploymentRequest(job.ToString("N"))
        {
            Replaces = arguments.GetValue(_replace),
            From = arguments.GetValue(_from) is { } from ? SavepointFolder.Locate(from, _settings.CurrentDirectory) : null,
            KeepsState = arguments.GetValue(_keepState),
            SavepointFolder = arguments.GetValue(_savepoint),
            StartMax = arguments.GetValue(_wait) ?? TimeSpan.FromMinutes(2),
        };
        try
        {
            var running = await deployment.DeployAsync(generated.ScriptAt, generated.Pipeline.Flows, handover, savepoints, request, cancellationToken);
            Console.Out.WriteLine($"{running.JobName} {(running.IsFinished ? "has read all of its sources" : "runs")} as job {running.JobId} on {running.JobManager}");
            return ExitCode.Done;
        }
        catch (FlinkRefusalException refusal)
        {
            FlinkVerb.Show(refusal, arguments.GetValue(_trace));
            return ExitCode.BadDefinition;
        }
    }
}
