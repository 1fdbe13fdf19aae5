using System.Collections.Immutable;
using System.CommandLine;
using Matih.Delivery;
using Matih.Host.Output;
using Matih.Host.Runtime;
using Matih.Host.Telemetry;
using Matih.Host.Verification;
using Matih.Hosting;
using Matih.Planning;
using Matih.Verification;

namespace Matih.Host.Commands;

/// <summary><c>matih verify</c>: proves that a pipeline's tables hold every record exactly once.</summary>
internal sealed class VerifyVerb : Verb
{
    private static readonly HelpPage Page = new(
        """
        Proves from the tables alone (and from what Kafka still holds) that every record is in them exactly once: that each
        commit stands on the one before it and takes the offsets up where that one left them, that manifests and data files
        hold what the commits' books say, that whatever other engines removed they replaced row for row, and that the topic
        is still the one that was read.

        It says what it proved, what can no longer be proven and why, and every violation with what was expected, what was
        found and what to do. Nothing is changed, no rows are read, and a running pipeline is not disturbed.
        """,
        ["verify FILE [options]"],
        ("Examples",
        [
            ("matih verify pipeline.yaml", ""),
            ("matih verify pipeline.yaml --offline", "the table alone, without Kafka"),
            ("matih verify pipeline.yaml --sink lake --json | jq '.flows[].violations'", ""),
            ("matih verify pipeline.yaml --count-all", "count every range that the topic still holds again"),
        ]),
        ("Exit codes",
        [
            ("0", "Proven, as far as table and topic still tell; also where the pipeline has never run."),
            ("2", "The definition, its SQL or the command line is wrong."),
            ("3", "Kafka or the store did not answer; everything else was looked at. With --offline Kafka is not asked."),
            ("5", "At least one violation."),
        ]));

    private readonly HostSettings _settings;
    private readonly Argument<string> _file;
    private readonly Option<string[]> _set;
    private readonly Option<string?> _warehouse, _sink, _logLevel;
    private readonly Option<bool> _offline, _countAll, _json;

    public VerifyVerb(HostSettings settings) : base("verify", "Prove that the tables hold every record exactly once.", Page)
    {
        _settings = settings;
        _file = Positional("FILE", "The definition, a YAML file.");
        _warehouse = Warehouse();
        _set = Texts("--set", "path=value", "Change a value of the definition first. Can be given often.");
        _sink = Text("--sink", "NAME", "Verify this sink only.");
        _offline = Flag("--offline", "Leave Kafka out.");
        _countAll = Flag("--count-all", "Count the records of every committed range that the topic still holds, not of the newest commit alone. Reads them all.");
        _json = Flag("--json", "Print one JSON object, to the standard output.");
        _logLevel = Choice("--log-level", "Least severity that is logged, on the standard error stream. Default warning.", "debug", "info", "warning", "error");
        Command.Validators.Add(result =>
        {
            if (result.GetResult(_offline) is { Implicit: false } && result.GetResult(_countAll) is { Implicit: false }) result.AddError("--offline and --count-all cannot be given together.");
        });
    }

    protected override async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var environment = SystemEnvironment.Create(_settings);
        var log = LogOptions.CreateLog(null, arguments.GetValue(_logLevel) ?? "warning", _settings, environment.Clock, Terminal.OfProcess());
        var request = new PipelineRequest(arguments.GetValue(_file)!, arguments.GetValue(_set) ?? [], arguments.GetValue(_warehouse));
        var load = PipelineLoading.Load(request, _settings, isForFlink: null);
        DefinitionReport.WriteText(load, Console.Error);
        if (load.Pipeline is not { } pipeline) return ExitCode.BadDefinition;
        var known = FlinkOnlyFlows.LeaveOut(pipeline, Console.Error);
        if (known.IsEmpty) return ExitCode.BadDefinition;

        var flows = Chosen(known, arguments.GetValue(_sink));
        using var otlp = OtlpExport.StartIfAsked(_settings, MatihCommand.Version, log);
        var connectors = new HostConnectors(_settings, environment, log, laneCountMax: 1);
        var report = await new PipelineVerifier(connectors)
            .VerifyAsync(flows, new VerificationRequest(arguments.GetValue(_offline), arguments.GetValue(_countAll)), cancellationToken);
        if (arguments.GetValue(_json)) JsonOutput.Write(Console.OpenStandardOutput(), json => VerificationJson.Write(report, environment.Clock, json));
        else VerificationText.Write(report, environment.Clock, Console.Out, Terminal.OutputWidth);
        return report.ExitCode;
    }

    private static ImmutableArray<PlannedFlow> Chosen(ImmutableArray<PlannedFlow> flows, string? sink)
    {
        if (sink is null) return flows;
        var chosen = flows.Where(flow => flow.Definition.Sink.Name == sink).ToImmutableArray();
        return chosen.IsEmpty ? throw new UsageException($"--sink: there is no sink '{sink}'; the definition has {string.Join(", ", flows.Select(flow => flow.Definition.Sink.Name))}.") : chosen;
    }
}
