using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Matih.Batches;
using Matih.Decoding;
using Matih.Sql;

namespace Matih.Interop.Tests.Sql;

internal enum FlinkOutcome { Agree, Refused, Wrong }

/// <summary>One recorded statement with what Flink gave, and our judgement of ourselves.</summary>
internal sealed class FlinkSample(JsonElement recorded)
{
    public string Section { get; } = recorded.GetProperty("section").GetString()!;
    public string Sql { get; } = recorded.GetProperty("sql").GetString()!;

    private string Form { get; } = recorded.GetProperty("form").GetString()!;
    private string? Error { get; } = recorded.GetProperty("error").GetString();
    private string? Type { get; } = recorded.GetProperty("type").GetString();

    /// <summary>The form and the expression as a constant, which tells the columns' forms apart.</summary>
    public string Name => $"{Form}: {(recorded.TryGetProperty("of", out var of) ? of.GetString() : Sql)}{Zone switch { "UTC" => "", var zone => $" in {zone}" }}";

    public string Expected => Error is null ? $"{recorded.GetProperty("result").GetRawText()} :: {Type}" : $"ERROR {Error}";

    private string Zone => recorded.TryGetProperty("settings", out var settings) && settings.TryGetProperty("table.local-time-zone", out var zone) ? zone.GetString()! : "UTC";

    public (FlinkOutcome Outcome, string Detail) Judge()
    {
        RowType? schema = null;
        if (recorded.TryGetProperty("source", out var source) && !DataTypeSyntax.TryParseColumns(source.GetProperty("schema").GetString()!, out schema, out var schemaError))
            return (FlinkOutcome.Refused, schemaError.ToString());
        var input = new QueryInput("src", schema, false, InputFormat.Json);
        var zone = TimeZoneInfo.FindSystemTimeZoneById(Zone);
        var compilation = QueryCompiler.Compile(Sql, input, new QuerySettings { TimeZone = zone });
        if (compilation.Query is not { } query)
        {
            var isRefused = compilation.Errors.Any(error => error.IsUnsupported);
            var outcome = Error is not null ? FlinkOutcome.Agree : isRefused ? FlinkOutcome.Refused : FlinkOutcome.Wrong;
            return (outcome, string.Join(" ", compilation.Errors));
        }
        var (rows, rejected) = Run(query, schema is null ? null : source, zone);
        if (rejected is not null) return (Error is null ? FlinkOutcome.Wrong : FlinkOutcome.Agree, $"rejected: {rejected}");
        var type = Form == "query" ? query.Output.ToString() : query.Output[0].Type.ToString();
        var detail = $"{rows} :: {type}";
        return (Error is null && type == Type && SameRows(rows) ? FlinkOutcome.Agree : FlinkOutcome.Wrong, detail);
    }

    private static (string Rows, string? Rejected) Run(CompiledQuery query, JsonElement? source, TimeZoneInfo zone)
    {
        var account = MemoryAccount.Unlimited();
        using var executor = query.CreateExecutor(TimeProvider.System, account);
        var errors = new RowErrors();
        errors.Clear(1);
        if (source is null || !query.HasInput) return Read(executor.Execute(new ColumnBatch(new RowType([]), [], 0), errors), errors, zone);
        using var decoder = new JsonRecordDecoder(query.Inputs, new JsonDecodeSettings(), "src", account);
        using var batch = new ManagedRawBatch();
        foreach (var line in source.Value.GetProperty("lines").EnumerateArray()) batch.Add(Encoding.UTF8.GetBytes(line.GetString()!));
        errors.Clear(batch.Count);
        return Read(executor.Execute(decoder.Decode(batch, errors), errors), errors, zone);
    }

    private static (string Rows, string? Rejected) Read(ColumnBatch batch, RowErrors errors, TimeZoneInfo zone)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartArray();
            new ResultJson(zone).WriteRows(writer, batch);
            writer.WriteEndArray();
        }
        return (Encoding.UTF8.GetString(stream.ToArray()), errors.Errors.Count > 0 ? errors.Errors[0].Reason : null);
    }

    private bool SameRows(string rows)
    {
        using var ours = JsonDocument.Parse(rows);
        var expected = recorded.GetProperty("result");
        if (Form == "query") return Same(expected, ours.RootElement);
        return ours.RootElement.GetArrayLength() == 1 && Same(expected, ours.RootElement[0][0]);
    }

    private bool Same(JsonElement expected, JsonElement found)
    {
        // In whole queries a DECIMAL was recorded as a number, so that digits beyond a double's are lost.
        if (expected.ValueKind == JsonValueKind.Number && found.ValueKind == JsonValueKind.String)
            return double.TryParse(found.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && expected.GetDouble().Equals(value);
        if (expected.ValueKind != found.ValueKind) return false;
        return expected.ValueKind switch
        {
            JsonValueKind.Array => expected.GetArrayLength() == found.GetArrayLength() && expected.EnumerateArray().Zip(found.EnumerateArray()).All(pair => Same(pair.First, pair.Second)),
            JsonValueKind.Object => expected.EnumerateObject().Count() == found.EnumerateObject().Count()
                && expected.EnumerateObject().All(member => found.TryGetProperty(member.Name, out var ours) && Same(member.Value, ours)),
            // Both are the shortest text of a double, or whole numbers of at most 64 bits.
            JsonValueKind.Number when expected.TryGetInt64(out var whole) && found.TryGetInt64(out var ours) => whole == ours,
            // Java before version 19 prints some floats with more digits than they need.
            JsonValueKind.Number => expected.GetDouble().Equals(found.GetDouble()) || (Type!.Contains("FLOAT", StringComparison.Ordinal) && expected.GetSingle().Equals(found.GetSingle())),
            JsonValueKind.String => expected.GetString() == found.GetString(),
            _ => true,
        };
    }
}
