using System.Buffers;
using System.Text;
using System.Text.Json;
using Matih.Batches;
using Matih.Decoding;
using Matih.Hosting;
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
    public static StatementResult Run(string sql, RowType? schema, IEnumerable<string>? lines, StatementOptions options, TimeProvider clock)
    {
        var input = new QueryInput(SourceName, schema, HasRecordMetadata: true, options.Format);
        var compilation = QueryCompiler.Compile(sql, input, options.Query);
        return compilation.Query is { } query ? Run(query, schema, lines, options, clock) : new StatementResult.Wrong(compilation.Errors[0]);
    }

    private static StatementResult Run(CompiledQuery query, RowType? schema, IEnumerable<string>? lines, StatementOptions options, TimeProvider clock)
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
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var chunk in (query.HasInput ? lines ?? [] : [""]).Chunk(BatchRows))
        {
            batch.Release();
            for (var i = 0; i < chunk.Length; i++)
                batch.Add(Encoding.UTF8.GetBytes(chunk[i]), offset: firstLine - 1 + i, timestampMillis: now, timestampKind: TimestampKind.CreateTime);
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
