using System.CommandLine;
using Matih.Connectors;
using Matih.Delivery;
using Matih.Host.Output;
using Matih.Host.Status;
using Matih.Hosting;
using Matih.Status;

namespace Matih.Host.Commands;

/// <summary><c>matih status</c>: where a pipeline stands.</summary>
internal sealed class StatusVerb : Verb
{
    /// <summary>Who asks wants to know soon what does not answer: the same patience as that of <c>catalog check</c>.</summary>
    private static readonly CallLimits Limits = new(AgainMax: TimeSpan.FromSeconds(3), AnswerMax: TimeSpan.FromSeconds(8));

    private static readonly HelpPage Page = new(
        """
        Shows where each flow of a pipeline stands: its newest commit, what is staged and waits for one, how far the table is
        behind the topic, how fast it has been committing, and whether a start would be refused. It answers within half a
        minute, and says of what could not be read why. Nothing is changed, and a running pipeline is not disturbed.

        The state of a flow is one of: never-started; up-to-date; staged-waiting (only a commit is missing); behind (the
        topic holds records that are neither in the table nor staged, as it mostly is while a pipeline runs under load);
        refused (a start would end until a person has acted); unreachable (something did not answer); not-compared
        (--offline). Whether a process is alive is not known from outside: an open ledger says that one means to run.
        """,
        ["status FILE [options]"],
        ("Examples",
        [
            ("matih status pipeline.yaml", ""),
            ("matih status pipeline.yaml --offline", "the table alone, without Kafka"),
            ("matih status pipeline.yaml --json | jq '.flows[] | {flow, state, lag}'", ""),
        ]),
        ("Exit codes",
        [
            ("0", "Everything was read, and a start would go on; whether it is behind, or has never started."),
            ("2", "The definition or the command line is wrong, or the definition does not fit the table."),
            ("3", "Kafka, the catalog or the store did not answer; everything else is shown. With --offline Kafka is not asked."),
            ("5", "A start would refuse to continue, because that would lose or double records."),
        ]));

    private readonly HostSettings _settings;
    private readonly Argument<string> _file;
    private readonly Option<string[]> _set;
    private readonly Option<string?> _warehouse, _logLevel;
    private readonly Option<bool> _offline, _json;

    public StatusVerb(HostSettings settings) : base("status", "Show where a pipeline stands: commits, lag, what waits, what a start would say.", Page)
    {
        _settings = settings;
        _file = Positional("FILE", "The definition, a YAML file.");
        _warehouse = Warehouse();
        _set = Texts("--set", "path=value", "Change a value of the definition first. Can be given often.");
        _offline = Flag("--offline", "Leave Kafka out.");
        _json = Flag("--json", "Print one JSON object, to the standard output.");
        _logLevel = Choice("--log-level", "Least severity that is logged, on the standard error stream. Default warning.", "debug", "info", "warning", "error");
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

        var reader = new PipelineStatusReader(environment, new HostConnectors(_settings, environment, log, laneCountMax: 1, Limits), ProcessHints.IsGone);
        var status = await reader.ReadAsync(pipeline.Definition.Metadata, known, arguments.GetValue(_offline), cancellationToken);
        if (arguments.GetValue(_json)) JsonOutput.Write(Console.OpenStandardOutput(), json => StatusJson.Write(status, json));
        else StatusText.Write(status, Console.Out, Terminal.OutputWidth);
        return status.ExitCode;
    }
}
