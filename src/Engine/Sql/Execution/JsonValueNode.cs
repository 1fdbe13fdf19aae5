using Matih.Batches;
using Matih.Json;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Execution;

/// <summary>One JSON_VALUE of a group: a scalar. RETURNING converts nothing.</summary>
internal sealed class JsonValueNode(Frame frame, JsonGroup group, JsonQuestion question, MemoryAccount account) : JsonNode(frame, group, question, account)
{
    public override void Append(int row, JsonMatch match, ReadOnlySpan<byte> document)
    {
        if (match.IsScalar && Path.IsDefinite) AppendScalar(row, match, document);
        else if (IsLax) AppendEmpty(row);
        else if (match.Kind == JsonKind.Missing) AppendError(row, "there is no value", null);
        else AppendError(row, "the value is not a scalar", Name(Path.IsDefinite ? match.Kind : JsonKind.Array));
    }

    private void AppendScalar(int row, JsonMatch match, ReadOnlySpan<byte> document)
    {
        var text = match.In(document);
        switch (Result)
        {
            case BytesColumn column:
                AppendText(column, match, text);
                return;
            case FixedColumn<int> column when match.IsInteger && JsonNumber.TryParseInt64(text, out var number) && number == (int)number:
                column.Append((int)number);
                return;
            case FixedColumn<double> column when match.Kind == JsonKind.Number && !match.IsInteger:
                JsonNumber.TryParseDouble(text, out var value);
                column.Append(value);
                return;
            case FixedColumn<byte> column when match.Kind is JsonKind.True or JsonKind.False:
                column.Append(match.Kind == JsonKind.True ? (byte)1 : (byte)0);
                return;
        }
        Reject(row, $"the value is {Name(match.Kind)}, RETURNING {Question.Type.Name} does not convert it (use CAST(JSON_VALUE(…) AS {Question.Type.Name}))");
    }

    private static void AppendText(BytesColumn column, JsonMatch match, ReadOnlySpan<byte> text)
    {
        switch (match.Kind)
        {
            case JsonKind.String when match.HasEscapes: column.End(JsonText.Unescape(text, column.Begin(text.Length))); break;
            case JsonKind.Number:
                var target = column.Begin(Math.Max(text.Length, JsonNumber.FractionTextLengthMax));
                column.End(JsonNumber.WriteScalarText(text, match.IsInteger, target));
                break;
            default: column.Append(text); break;
        }
    }
}
