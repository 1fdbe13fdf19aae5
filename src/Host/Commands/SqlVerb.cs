using System.CommandLine;
using Matih.Batches;
using Matih.Definition;
using Matih.Delivery;
using Matih.Host.Output;
using Matih.Host.Runtime;
using Matih.Host.Statements;
using Matih.Hosting;
using Matih.Planning;
using Matih.Sql;

namespace Matih.Host.Commands;

/// <summary><c>matih sql</c>: tries a statement on a sample, or on no input.</summary>
internal sealed class SqlVerb : Verb
{
    private static readonly HelpPage Page = new(
        """
        Tries a statement of the SQL that transformations use, on lines of a sample file or on no input at all. With --pipeline it tries
        the statements of a definition as they stand, with the schema and the options of its source: what becomes of each line.

        The sample is named src, one record a line; `value` is the line, and with --schema the fields of its JSON are columns.
        Rows go to the standard output, everything else to the standard error stream.
        """,
        ["sql [--schema COLUMNS] [--input FILE] [--json] [--option name=value]… STATEMENT", "sql --pipeline FILE [--sink NAME] --input FILE [--json] [--set path=value]…"],
        ("Names for --option",
        [
            ("format", "json or raw: what a line is. Default json."),
            ("json.ignore_parse_errors", "true: a field of the wrong type is NULL, a line that is no JSON is left out. Default false."),
            ("json.fail_on_missing_field", "true: a line that lacks a field is rejected. Default false."),
            ("json.timestamp_format", "sql or iso-8601: how timestamps are written. Default sql."),
            ("time_zone", "The session's time zone. Default UTC, which every pipeline has."),
        ]),
        ("Examples",
        [
            ("matih sql \"SELECT UPPER('a') AS u, 1.5 + 2 AS n\"", ""),
            ("matih sql --input events.ndjson \"SELECT JSON_VALUE(value, '$.user_id') AS user_id FROM src\"", ""),
            ("matih sql --schema 'c STRING, n INT' --input - --json \"SELECT c FROM src WHERE n > 1\" < sample.ndjson", ""),
            ("matih sql --pipeline orders.yaml --sink lines --input sample.ndjson", ""),
        ]),
        ("Exit codes", [("0", "It ran."), ("2", "The statement, the definition or the command line is wrong."), ("6", "A line of the sample was rejected.")]));

    private readonly HostSettings _settings;
    private readonly Argument<string> _statement;
    private readonly Option<string?> _schema, _input, _pipeline, _sink;
    private readonly Option<bool> _json;
    private readonly Option<string[]> _options, _set;

    public SqlVerb(HostSettings settings) : base("sql", "Try a statement on a sample, or on no input.", Page)
    {
        _settings = settings;
        _statement = Positional("STATEMENT", "SELECT … FROM src WHERE …");
        _statement.Arity = ArgumentArity.ZeroOrOne;
        _schema = Text("--schema", "COLUMNS", "The sample's columns as in a Flink CREATE TABLE: 'c STRING, n INT'.");
        _input = Text("--input", "FILE", "The sample, one record a line; - is the standard input.");
        _json = Flag("--json", "Print one JSON object: {\"type\", \"rows\"} or {\"error\", \"position\"}.");
        _options = Texts("--option", "name=value", "How lines are read; see below. Can be given often.");
        _pipeline = Text("--pipeline", "FILE", "A definition, whose own statements are tried.");
        _sink = Text("--sink", "NAME", "With --pipeline: the sink whose statements are tried. Left out: the only one.");
        _set = Texts("--set", "path=value", "With --pipeline: change a value of the definition first. Can be given often.");
    }

    protected override Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        if (arguments.GetValue(_pipeline) is { } file) return Task.FromResult(RunPipeline(file, arguments));
        if (arguments.GetValue(_sink) is not null || arguments.GetValue(_set) is { Length: > 0 }) throw new UsageException("--sink and --set go with --pipeline.");
        var sql = arguments.GetValue(_statement) ?? throw new UsageException("A STATEMENT is missing, or --pipeline FILE.");
        var options = StatementOptions.Parse(arguments.GetValue(_options) ?? []);
        var result = StatementRun.Run(sql, SchemaOf(arguments.GetValue(_schema)), LinesOf(arguments.GetValue(_input)), options, TimeProvider.System);
        if (arguments.GetValue(_json)) JsonOutput.WriteLine(Console.OpenStandardOutput(), json => StatementReport.WriteJson(result, json));
        else StatementReport.WriteText(result, sql, Console.Out, Console.Error);
        return Task.FromResult(result switch
        {
            StatementResult.Done => ExitCode.Done,
            StatementResult.Wrong => ExitCode.BadDefinition,
            _ => ExitCode.RecordRejected,
        });
    }

    private int RunPipeline(string file, ParseResult arguments)
    {
        if (arguments.GetValue(_statement) is not null || arguments.GetValue(_schema) is not null || arguments.GetValue(_options) is { Length: > 0 })
            throw new UsageException("--pipeline takes the statements, the schema and the options of the definition: leave STATEMENT, --schema and --option out.");
        var lines = LinesOf(arguments.GetValue(_input)) ?? throw new UsageException("--pipeline needs a sample: --input FILE.");
        var load = PipelineLoading.Load(new PipelineRequest(file, arguments.GetValue(_set) ?? [], null), _settings);
        DefinitionReport.WriteText(load, Console.Error);
        if (load.Pipeline is not { } pipeline) return ExitCode.BadDefinition;
        var flow = FlowOf(pipeline, arguments.GetValue(_sink));
        if (flow.Definition.Source.Format == RecordFormat.Avro) throw new UsageException($"--pipeline: source '{flow.Definition.Source.Name}' has format avro, whose records are no lines of text, so that there is no sample to read.");
        var result = StatementRun.RunFlow(flow, lines, TimeZoneInfo.FindSystemTimeZoneById(pipeline.Definition.Orchestration.TimeZone), TimeProvider.System);
        if (arguments.GetValue(_json)) JsonOutput.WriteLine(Console.OpenStandardOutput(), json => StatementReport.WriteJson(result, json));
        else StatementReport.WriteText(result, "", Console.Out, Console.Error);
        return result.Rejections.Count == 0 ? ExitCode.Done : ExitCode.RecordRejected;
    }

    private static PlannedFlow FlowOf(LoadedPipeline pipeline, string? sink)
    {
        var names = string.Join(", ", pipeline.Flows.Select(flow => flow.Definition.Sink.Name));
        if (sink is null) return pipeline.Flows is [var only] ? only : throw new UsageException($"--sink: the definition has several sinks; name one of {names}.");
        return pipeline.Flows.FirstOrDefault(flow => flow.Definition.Sink.Name == sink) ?? throw new UsageException($"--sink: the definition has no sink '{sink}'{NearestName.Suggest(sink, pipeline.Flows.Select(flow => flow.Definition.Sink.Name))} It has {names}.");
    }

    private static RowType? SchemaOf(string? text)
    {
        if (text is null) return null;
        return DataTypeSyntax.TryParseColumns(text, out var columns, out var error) ? columns : throw new UsageException($"--schema: {error}");
    }

    private IEnumerable<ReadOnlyMemory<byte>>? LinesOf(string? input)
    {
        if (input is null) return null;
        try
        {
            // Empty lines are no records.
            return SampleLines.Of(input == "-" ? Console.OpenStandardInput() : File.OpenRead(Path.GetFullPath(input, _settings.CurrentDirectory))).Where(line => !line.IsEmpty);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--input: {input} cannot be read: {exception.Message}");
        }
    }
}
