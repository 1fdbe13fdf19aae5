using System.Buffers;
using System.Text.Json;
using Matih.Batches;
using Matih.Decoding;
using Matih.Definition;
using Matih.Hosting;
using Matih.Planning;
using Matih.Sql;

namespace Matih.Host.Statements;

/// <summary>What became of a statement.</summary>
internal abstract record StatementResult
{
    private StatementResult() { }

    /// <summary>It ran.</summary>
    /// <param name="Rows">A JSON array of arrays, values as Flink's gateway prints them.</param>
    /// <param name="RejectedCount">Lines left out, because they are no records of the schema.</param>
    public sealed record Done(RowType Type, ReadOnlyMemory<byte> Rows, int RowCount, int RejectedCount) : StatementResult;

    /// <summary>A pipeline's own statements ran over a sample.</summary>
    /// <param name="Rows">As of <see cref="Done"/>.</param>
    /// <param name="FilteredCount">Lines that gave no row: WHERE left them out, UNNEST found nothing in them, or they are tombstones.</param>
    /// <param name="Rejections">Lines that the source's <c>on_error</c> is about, with their reasons.</param>
    public sealed record Sampled(RowType Type, ReadOnlyMemory<byte> Rows, int RowCount, int LineCount, int FilteredCount, IReadOnlyList<Rejected> Rejections) : StatementResult;

    /// <summary>It cannot be compiled.</summary>
    public sealed record Wrong(SqlError Error) : StatementResult;

    /// <summary>A line of the sample cannot be a row.</summary>
    public sealed record Rejected(long Line, string Reason) : StatementResult;
}

/// <summary>Compiles one statement and runs it over sample records, one a line, named <c>src</c>.</summary>
internal static class StatementRun
{
    private const string SourceName = "src";
    private const int BatchRows = 1000;

    /// <param name="schema">Typed columns of the lines; null where the statement reads <c>value</c>.</param>
    /// <param name="lines">The sample; null runs on no input, which gives one row to a statement without FROM.</param>
    public static StatementResult Run(string sql, RowType? schema, IEnumerable<ReadOnlyMemory<byte>>? lines, StatementOptions options, TimeProvider clock)
    {
        var input = new QueryInput(SourceName, schema, HasRecordMetadata: true, options.Format);
        var compilation = QueryCompiler.Compile(sql, input, options.Query);
        return compilation.Query is { } query ? Run(query, schema, lines, options, clock) : new StatementResult.Wrong(compilation.Errors[0]);
    }

    /// <summary>Runs the statements of a flow as they stand over a sample: its source's schema and options, its transformations.</summary>
    /// <param name="lines">Record values, one a line; the line before is the record before, of partition 0.</param>
    public static StatementResult.Sampled RunFlow(PlannedFlow flow, IEnumerable<ReadOnlyMemory<byte>> lines, TimeZoneInfo zone, TimeProvider clock) => RunFlow(flow, RecordsOf(lines), zone, clock);

    /// <param name="zone">The zone in which the rows show instants.</param>
    /// <param name="clock">The statements' current time, and the timestamp of records that have none.</param>
    public static StatementResult.Sampled RunFlow(PlannedFlow flow, IEnumerable<TestRecord> records, TimeZoneInfo zone, TimeProvider clock)
    {
        var (query, account) = (flow.Plan.Query, MemoryAccount.Unlimited());
        using var decoder = SourceDecoding.CreateDecoder(flow.Definition.Source, query.Inputs, account, registry: null);
        using var executor = query.CreateExecutor(clock, account);
        using var batch = new ManagedRawBatch();
        var errors = new RowErrors();
        var values = new ResultJson(zone);
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, HostJson.Compact);
        json.WriteStartArray();
        var rejections = new List<StatementResult.Rejected>();
        var (rowCount, lineCount, producingCount) = (0, 0, 0);
        var topic = new SampleTopic(clock.GetUtcNow());
        foreach (var chunk in records.Chunk(BatchRows))
        {
            topic.Fill(batch, chunk);
            errors.Clear(batch.Count);
            var rows = executor.Execute(decoder.Decode(batch, errors), errors);
            errors.Sort();
            foreach (var error in errors.Errors) rejections.Add(new StatementResult.Rejected(lineCount + error.Row + 1, error.Reason));
            values.WriteRows(json, rows);
            rowCount += rows.Count;
            producingCount += executor.ProducingCount;
            lineCount += chunk.Length;
        }
        json.WriteEndArray();
        json.Flush();
        return new StatementResult.Sampled(query.Output, buffer.WrittenMemory, rowCount, lineCount, lineCount - producingCount - rejections.Count, rejections);
    }

    private static IEnumerable<TestRecord> RecordsOf(IEnumerable<ReadOnlyMemory<byte>> lines) => lines.Select(line => new TestRecord(line));

    private static StatementResult Run(CompiledQuery query, RowType? schema, IEnumerable<ReadOnlyMemory<byte>>? lines, StatementOptions options, TimeProvider clock)
    {
        var account = MemoryAccount.Unlimited();
        using IRecordDecoder decoder = options.Format == InputFormat.Raw
            ? new RawRecordDecoder(query.Inputs, SourceName, account)
            : new JsonRecordDecoder(query.Inputs, options.Json with { RequiresObject = schema is not null }, SourceName, account);
        using var executor = query.CreateExecutor(clock, account);
        using var batch = new ManagedRawBatch();
        var errors = new RowErrors();
        var values = new ResultJson(options.Query.TimeZone);
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, HostJson.Compact);
        json.WriteStartArray();
        var (rowCount, rejectedCount, firstLine) = (0, 0, 1L);
        var topic = new SampleTopic(clock.GetUtcNow());
        foreach (var chunk in RecordsOf(query.HasInput ? lines ?? [] : [default]).Chunk(BatchRows))
        {
            topic.Fill(batch, chunk);
            errors.Clear(batch.Count);
            var rows = executor.Execute(decoder.Decode(batch, errors), errors);
            // Without input the row has no line: what fails there fails whatever the options say of lines.
            if (errors.Errors.Count != 0 && (!query.HasInput || !options.Json.IgnoreParseErrors))
            {
                var first = errors.Errors.MinBy(error => error.Row);
                return new StatementResult.Rejected(firstLine + first.Row, first.Reason);
            }
            values.WriteRows(json, rows);
            rowCount += rows.Count;
            rejectedCount += errors.Errors.Count;
            firstLine += chunk.Length;
        }
        json.WriteEndArray();
        json.Flush();
        return new StatementResult.Done(query.Output, buffer.WrittenMemory, rowCount, rejectedCount);
    }
}
