using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Matih.Batches;
using Matih.Sql;

namespace Matih.Engine.Tests.Sql;

/// <summary>Runs queries over rows written as JSON arrays, one value for each input column that the query wants.</summary>
internal sealed class QueryRun : IDisposable
{
    private readonly MemoryAccount _account = MemoryAccount.Unlimited();
    private readonly CompiledQuery _query;
    private readonly QueryExecutor _executor;
    private readonly Column[] _columns;

    public QueryRun(string sql, QueryInput input)
    {
        _query = Compiled(sql, input);
        _executor = _query.CreateExecutor(TimeProvider.System, _account);
        _columns = [.. _query.Inputs.Select(column => Column.Create(column.Type, _account))];
    }

    public RowErrors Errors { get; } = new();
    public int FilteredCount => _executor.FilteredCount;
    public IReadOnlyList<Column> InputColumns => _columns;
    public IReadOnlyList<string> InputNames => [.. _query.Inputs.Select(input => input.Name)];
    public long UsedBytes => _account.UsedBytes;

    public static CompiledQuery Compiled(string sql, QueryInput input)
    {
        var compilation = QueryCompiler.Compile(sql, input, QuerySettings.Default);
        Assert.True(compilation.Query is not null, string.Join('\n', compilation.Errors));
        return compilation.Query;
    }

    /// <summary>The value and type of an expression without columns, or why it is refused because it fails whatever the row.</summary>
    public static string Evaluate(string expression)
    {
        const string Fails = "This fails for every row";
        var sql = $"SELECT {expression} AS r";
        if (QueryCompiler.Compile(sql, Schema("c STRING"), QuerySettings.Default).Errors is [var error] && error.Message.StartsWith(Fails, StringComparison.Ordinal))
            return "fails for every row" + error.Message[Fails.Length..];
        using var run = new QueryRun(sql, Schema("c STRING"));
        var batch = run.Execute();
        return run.Errors.Errors.Count > 0 ? $"rejected: {run.Errors.Errors[0].Reason}" : $"{Json(batch)[2..^2]} :: {batch.Type[0].Type}";
    }

    public static QueryInput Schema(string columns)
    {
        Assert.True(DataTypeSyntax.TryParseColumns(columns, out var type, out var error), error?.ToString());
        return new QueryInput("src", type, false, InputFormat.Json);
    }

    public ColumnBatch Execute(params string[] rows) => Execute(_ => { }, rows);

    public ColumnBatch Execute(Action<RowErrors> prepare, params string[] rows)
    {
        foreach (var column in _columns) column.Clear();
        foreach (var row in rows)
        {
            using var values = JsonDocument.Parse(row);
            for (var i = 0; i < _columns.Length; i++) Append(_columns[i], values.RootElement[i]);
        }
        Errors.Clear(Math.Max(1, rows.Length));
        prepare(Errors);
        return _executor.Execute(new ColumnBatch(new RowType([.. _query.Inputs.Select(column => new Field(column.Name, column.Type))]), _columns, rows.Length), Errors);
    }

    /// <summary>The rows as JSON, then the rejected rows with their reasons.</summary>
    public string Show(params string[] rows)
    {
        var batch = Execute(rows);
        var text = new StringBuilder(Json(batch));
        foreach (var error in Errors.Errors) text.Append($" !{error.Row} {error.Reason}");
        return text.ToString();
    }

    public static string Json(ColumnBatch batch) => Json(batch, TimeZoneInfo.Utc);

    public static string Json(ColumnBatch batch, TimeZoneInfo zone)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartArray();
            new ResultJson(zone).WriteRows(writer, batch);
            writer.WriteEndArray();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void Append(Column column, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null) column.AppendNull();
        else
        {
            switch (column)
            {
                case FixedColumn<byte> truths: truths.Append(value.GetBoolean() ? (byte)1 : (byte)0); break;
                case FixedColumn<int> ints: ints.Append(value.GetInt32()); break;
                case FixedColumn<long> longs: longs.Append(value.GetInt64()); break;
                case FixedColumn<Int128> decimals: decimals.Append(Int128.Parse(value.GetRawText())); break;
                case FixedColumn<double> doubles: doubles.Append(value.GetDouble()); break;
                case BytesColumn bytes: bytes.Append(Encoding.UTF8.GetBytes(value.GetString()!)); break;
                default: throw new NotSupportedException($"No test appends to {column.Type}.");
            }
        }
    }

    public void Dispose()
    {
        _executor.Dispose();
        foreach (var column in _columns) column.Dispose();
    }
}
