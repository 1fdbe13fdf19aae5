using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Batches;
using Matih.Decoding;
using Matih.Fixtures;
using Matih.Sql;

namespace Matih.Interop.Tests.Decoding;

/// <summary>
/// What a real Flink 1.20 made of JSON documents (<c>flink/semantics.jsonl</c>, section <c>json_format</c>) against our
/// decoder. Every difference is listed with its reason in <c>flink-json-differences.json</c>; the list is checked both ways.
/// </summary>
public sealed class FlinkJsonFormatTests(ITestOutputHelper output)
{
    private const string DifferencesFile = "flink-json-differences.json";

    [Fact]
    public void Documents_become_the_rows_that_flink_makes_of_them()
    {
        var differences = Differences();
        var unlisted = new List<string>();
        int agreed = 0, listed = 0, skipped = 0;
        foreach (var line in File.ReadLines(SharedTools.Find("flink/semantics.jsonl")))
        {
            using var recorded = JsonDocument.Parse(line);
            var sample = recorded.RootElement;
            if (sample.GetProperty("section").GetString() != "json_format") continue;
            var outcome = Decode(sample, out var isSkipped);
            if (isSkipped) skipped++;
            else if (Agrees(sample, outcome)) agreed++;
            else if (differences.Remove(Name(sample))) listed++;
            else unlisted.Add($"{Name(sample)}: Flink {Expected(sample)}, we {outcome}");
        }

        output.WriteLine($"{agreed} agree, {listed} listed differences, {skipped} skipped (other query forms)");
        Assert.True(unlisted.Count == 0, $"{unlisted.Count} differences are not in {DifferencesFile}:\n{string.Join('\n', unlisted)}");
        Assert.True(differences.Count == 0, $"{DifferencesFile} lists what does not differ:\n{string.Join('\n', differences)}");
        Assert.True(agreed >= 180, $"only {agreed} cases were compared");
    }

    /// <summary>Our rows as JSON text, or <c>error: reason</c> where a record is rejected that Flink would fail on.</summary>
    private static string Decode(JsonElement sample, out bool isSkipped)
    {
        isSkipped = false;
        var source = sample.GetProperty("source");
        Assert.True(DataTypeSyntax.TryParseColumns(source.GetProperty("schema").GetString()!, out var schema, out var error), error?.ToString());
        var query = sample.GetProperty("sql").GetString()!;
        var selected = query["SELECT ".Length..query.IndexOf(" FROM ", StringComparison.Ordinal)];
        var names = selected == "*" ? schema.Fields.Select(field => field.Name) : selected.Split(", ");
        var fields = names.Select(name => ColumnOf(schema, name)).ToList();
        isSkipped = fields.Contains(null);
        if (isSkipped) return "";
        var settings = Settings(source.GetProperty("options"));
        try
        {
            InputColumn[] columns = [.. fields.Select(field => field!)];
            using var decoder = new JsonRecordDecoder(columns, settings, "src", MemoryAccount.Unlimited());
            return Rows(decoder, source.GetProperty("lines"), settings.IgnoreParseErrors);
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            return "error: " + exception.Message;
        }
    }

    /// <summary>A column of the schema, or a field within one: <c>r.y.z</c>.</summary>
    private static InputColumn? ColumnOf(RowType schema, string name)
    {
        var parts = name.Split('.');
        if (schema.IndexOf(name) is >= 0 and var whole) return new InputColumn.SchemaField(name, schema[whole].Type);
        if (schema.IndexOf(parts[0]) is not (>= 0 and var index)) return null;
        InputColumn column = new InputColumn.SchemaField(parts[0], schema[index].Type);
        foreach (var part in parts[1..])
        {
            var row = ((DataType.Row)column.Type).Type;
            column = new InputColumn.NestedField(column, part, row[row.IndexOf(part)].Type);
        }
        return column;
    }

    private static JsonDecodeSettings Settings(JsonElement options)
    {
        bool IsTrue(string name) => options.TryGetProperty("json." + name, out var value) && value.GetString() == "true";
        return new JsonDecodeSettings
        {
            FailOnMissingField = IsTrue("fail-on-missing-field"),
            IgnoreParseErrors = IsTrue("ignore-parse-errors"),
            TimestampStandard = options.TryGetProperty("json.timestamp-format.standard", out var standard) && standard.GetString() == "ISO-8601"
                ? TimestampStandard.Iso8601
                : TimestampStandard.Sql,
        };
    }

    private static string Rows(JsonRecordDecoder decoder, JsonElement lines, bool ignoresParseErrors)
    {
        using var batch = new ManagedRawBatch();
        foreach (var line in lines.EnumerateArray()) batch.Add(Encoding.UTF8.GetBytes(line.GetString()!));
        var errors = new RowErrors();
        errors.Clear(batch.Count);
        var columns = decoder.Decode(batch, errors);
        // Flink skips a bad document silently under ignore-parse-errors; we reject it, which on_error: skip turns into the same rows.
        if (errors.Errors.Count != 0 && !ignoresParseErrors) return "error: " + errors.Errors[0].Reason;
        var rows = Enumerable.Range(0, batch.Count).Where(row => !errors.IsLeftOut(row))
            .Select(row => "[" + string.Join(", ", columns.Columns.ToArray().Select(column => Cell(column, row))) + "]");
        return "[" + string.Join(", ", rows) + "]";
    }

    private static bool Agrees(JsonElement sample, string outcome)
    {
        if (sample.GetProperty("error").ValueKind != JsonValueKind.Null) return outcome.StartsWith("error: ", StringComparison.Ordinal);
        if (outcome.StartsWith("error: ", StringComparison.Ordinal)) return false;
        using var ours = JsonDocument.Parse(outcome);
        return Same(sample.GetProperty("result"), ours.RootElement);
    }

    private static bool Same(JsonElement expected, JsonElement found)
    {
        if (expected.ValueKind != found.ValueKind) return false;
        return expected.ValueKind switch
        {
            JsonValueKind.Array => expected.GetArrayLength() == found.GetArrayLength() && expected.EnumerateArray().Zip(found.EnumerateArray()).All(pair => Same(pair.First, pair.Second)),
            JsonValueKind.Object => expected.EnumerateObject().Count() == found.EnumerateObject().Count()
                && expected.EnumerateObject().All(member => found.TryGetProperty(member.Name, out var ours) && Same(member.Value, ours)),
            JsonValueKind.Number => expected.GetDouble().Equals(found.GetDouble()),
            JsonValueKind.String => expected.GetString() == found.GetString(),
            _ => true,
        };
    }

    /// <summary>A cell as the SQL Gateway prints it.</summary>
    private static string Cell(Column column, int row)
    {
        if (column.IsNull(row)) return "null";
        var invariant = CultureInfo.InvariantCulture;
        return (column, column.Type) switch
        {
            (FixedColumn<byte> booleans, _) => booleans.Values[row] == 1 ? "true" : "false",
            (FixedColumn<int> days, DataType.Date) => Quote(DateTime.UnixEpoch.AddDays(days.Values[row]).ToString("yyyy-MM-dd", invariant)),
            (FixedColumn<int> millis, DataType.Time) => Quote(TimeSpan.FromMilliseconds(millis.Values[row]).ToString("c", invariant)),
            (FixedColumn<int> ints, _) => ints.Values[row].ToString(invariant),
            (FixedColumn<long> micros, DataType.Timestamp) => Quote(Instant(micros.Values[row])),
            (FixedColumn<long> micros, DataType.TimestampLtz) => Quote(Instant(micros.Values[row]) + "Z"),
            (FixedColumn<long> longs, _) => longs.Values[row].ToString(invariant),
            (FixedColumn<float> floats, _) => Number(floats.Values[row], floats.Values[row].ToString(invariant)),
            (FixedColumn<double> doubles, _) => Number(doubles.Values[row], doubles.Values[row].ToString(invariant)),
            (FixedColumn<Int128> decimals, DataType.Decimal type) => decimals.Values[row].ToString(invariant) + "e-" + type.Scale.ToString(invariant),
            (BytesColumn bytes, DataType.Varbinary) => Quote(Convert.ToBase64String(bytes[row])),
            (BytesColumn text, _) => Quote(Encoding.UTF8.GetString(text[row])),
            (RowColumn rows, DataType.Row type) => "{" + string.Join(", ", type.Type.Fields.Select((field, i) => $"{Quote(field.Name)}: {Cell(rows.Fields[i], row)}")) + "}",
            (ListColumn { Elements: RowColumn entries } maps, DataType.Map) =>
                "{" + string.Join(", ", Enumerable.Range(maps.StartOf(row), maps.LengthOf(row)).Select(i => $"{Cell(entries.Fields[0], i)}: {Cell(entries.Fields[1], i)}")) + "}",
            (ListColumn lists, _) => "[" + string.Join(", ", Enumerable.Range(lists.StartOf(row), lists.LengthOf(row)).Select(i => Cell(lists.Elements, i))) + "]",
            _ => throw new NotSupportedException(column.Type.ToString()),
        };
    }

    private static string Number(double value, string text) => double.IsFinite(value) ? text : Quote(text);

    private static string Instant(long micros) =>
        DateTime.UnixEpoch.AddTicks(micros * 10).ToString("yyyy-MM-ddTHH:mm:ss.FFFFFF", CultureInfo.InvariantCulture);

    private static string Quote(string text) => "\"" + JsonEncodedText.Encode(text) + "\"";

    private static string Expected(JsonElement sample) =>
        sample.GetProperty("error").GetString() is { } error ? "ERROR " + error : sample.GetProperty("result").GetRawText();

    /// <summary>A case by what went in.</summary>
    private static string Name(JsonElement sample)
    {
        var source = sample.GetProperty("source");
        var options = source.GetProperty("options").EnumerateObject().Select(option => $" {option.Name}={option.Value.GetString()}");
        return $"{source.GetProperty("schema").GetString()}{string.Concat(options)} <- {string.Join(" ⏎ ", source.GetProperty("lines").EnumerateArray().Select(line => line.GetString()))}";
    }

    private static HashSet<string> Differences()
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Decoding", DifferencesFile)));
        var names = new HashSet<string>();
        foreach (var difference in file.RootElement.EnumerateArray())
        {
            Assert.False(string.IsNullOrWhiteSpace(difference.GetProperty("reason").GetString()), "a difference needs a reason");
            foreach (var sample in difference.GetProperty("cases").EnumerateArray()) Assert.True(names.Add(sample.GetString()!), $"{sample} is listed twice");
        }
        return names;
    }
}
