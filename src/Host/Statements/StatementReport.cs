using System.Text.Json;
using Matih.Batches;
using Matih.Host.Output;

namespace Matih.Host.Statements;

/// <summary>What a statement gave: a table for people, one JSON object for programs.</summary>
internal static class StatementReport
{
    private const int CellCharsMax = 120;
    private const int RejectionsMax = 20;

    public static void WriteJson(StatementResult result, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        switch (result)
        {
            case StatementResult.Done done:
                json.WriteString("type", done.Type.ToString());
                json.WritePropertyName("rows");
                json.WriteRawValue(done.Rows.Span, skipInputValidation: true);
                break;
            case StatementResult.Sampled sampled:
                json.WriteString("type", sampled.Type.ToString());
                json.WritePropertyName("rows");
                json.WriteRawValue(sampled.Rows.Span, skipInputValidation: true);
                json.WriteNumber("lines", sampled.LineCount);
                json.WriteNumber("filtered", sampled.FilteredCount);
                json.WriteStartArray("rejected");
                foreach (var (line, reason) in sampled.Rejections)
                {
                    json.WriteStartObject();
                    json.WriteNumber("line", line);
                    json.WriteString("reason", reason);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                break;
            case StatementResult.Wrong(var error):
                json.WriteString("error", error.Message);
                json.WriteStartObject("position");
                json.WriteNumber("line", error.Line);
                json.WriteNumber("column", error.Column);
                json.WriteNumber("offset", error.Offset);
                json.WriteEndObject();
                break;
            case StatementResult.Rejected rejected:
                json.WriteString("error", $"Line {rejected.Line} of the sample: {rejected.Reason}");
                json.WriteNull("position");
                break;
        }
        json.WriteEndObject();
    }

    /// <summary>Rows to the output, everything else to the error stream.</summary>
    public static void WriteText(StatementResult result, string sql, TextWriter output, TextWriter error)
    {
        switch (result)
        {
            case StatementResult.Done done:
                WriteRows(done.Type, done.Rows, output);
                error.WriteLine($"{Quantity.Of(done.RowCount, "row")} of {done.Type}");
                if (done.RejectedCount != 0) error.WriteLine($"{Quantity.Of(done.RejectedCount, "line")} left out: no record of the schema.");
                break;
            case StatementResult.Sampled sampled:
                WriteRows(sampled.Type, sampled.Rows, output);
                error.WriteLine($"{Quantity.Of(sampled.RowCount, "row")} of {sampled.Type}");
                error.WriteLine($"{Quantity.Of(sampled.LineCount, "line")}: {Quantity.Count(sampled.LineCount - sampled.FilteredCount - sampled.Rejections.Count)} gave rows, {Quantity.Count(sampled.FilteredCount)} filtered, {Quantity.Count(sampled.Rejections.Count)} rejected");
                foreach (var (line, reason) in sampled.Rejections.Take(RejectionsMax)) error.WriteLine($"line {line}: {reason}");
                if (sampled.Rejections.Count > RejectionsMax) error.WriteLine($"… and {Quantity.Of(sampled.Rejections.Count - RejectionsMax, "line")} more; --json prints all.");
                break;
            case StatementResult.Wrong(var fault):
                error.WriteLine(fault.ToString());
                error.WriteLine($"  {sql.Split('\n')[fault.Line - 1].TrimEnd('\r')}");
                error.WriteLine($"  {new string(' ', Math.Max(0, fault.Column - 1))}^");
                break;
            case StatementResult.Rejected rejected:
                error.WriteLine($"line {rejected.Line} of the sample: {rejected.Reason}");
                break;
        }
    }

    private static void WriteRows(RowType type, ReadOnlyMemory<byte> values, TextWriter output)
    {
        var table = new TextTable([.. type.Fields.Select(field => field.Name)]);
        using var rows = JsonDocument.Parse(values);
        foreach (var row in rows.RootElement.EnumerateArray()) table.Add([.. row.EnumerateArray().Select(Cell)]);
        table.WriteTo(output);
    }

    private static string Cell(JsonElement value)
    {
        var text = value.ValueKind switch
        {
            JsonValueKind.Null => "NULL",
            JsonValueKind.String => value.GetString()!.ReplaceLineEndings(" "),
            _ => value.GetRawText(),
        };
        return text.Length <= CellCharsMax ? text : text[..(CellCharsMax - 1)] + "…";
    }
}
