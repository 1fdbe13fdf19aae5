using System.Globalization;
using System.Text.Json;
using Matih.Batches;
using Matih.Json;
using Matih.Sql.Expressions;
using Matih.Sql.Values;

namespace Matih.Sql;

/// <summary>
/// Writes values as Flink's SQL Gateway gives them in JSON: a DECIMAL is its text with its zeros, bytes are base64, a
/// TIMESTAMP is <c>2024-01-02T03:04:05.5</c>, a TIMESTAMP_LTZ is that in the session's zone with a Z behind it.
/// </summary>
/// <param name="timeZone">The session's zone.</param>
public sealed class ResultJson(TimeZoneInfo timeZone)
{
    /// <summary>Writes a batch's rows, each as an array, into an array that is open.</summary>
    public void WriteRows(Utf8JsonWriter writer, ColumnBatch batch)
    {
        for (var row = 0; row < batch.Count; row++)
        {
            writer.WriteStartArray();
            for (var column = 0; column < batch.Type.Count; column++) WriteValue(writer, batch[column], batch.Type[column].Type, row);
            writer.WriteEndArray();
        }
    }

    /// <summary>Writes one value.</summary>
    public void WriteValue(Utf8JsonWriter writer, Column column, DataType type, int row)
    {
        if (column.IsNull(row))
        {
            writer.WriteNullValue();
            return;
        }
        switch (column)
        {
            case FixedColumn<byte> truths: writer.WriteBooleanValue(truths.Values[row] != 0); break;
            case FixedColumn<int> ints: WriteInt(writer, ints.Values[row], type); break;
            case FixedColumn<long> longs: WriteLong(writer, longs.Values[row], type); break;
            case FixedColumn<Int128> decimals: writer.WriteStringValue(DecimalDigits.Format(decimals.Values[row], ((DataType.Decimal)type).Scale)); break;
            case FixedColumn<float> floats: WriteDouble(writer, double.Parse(floats.Values[row].ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)); break;
            case FixedColumn<double> doubles: WriteDouble(writer, doubles.Values[row]); break;
            case BytesColumn bytes when TypeRules.IsBinary(type): writer.WriteBase64StringValue(bytes[row]); break;
            case BytesColumn texts: writer.WriteStringValue(texts[row]); break;
            case RowColumn rows: WriteRow(writer, rows, (DataType.Row)type, row); break;
            case ListColumn lists when type is DataType.Map map: WriteMap(writer, lists, map, row); break;
            case ListColumn lists:
                writer.WriteStartArray();
                for (var i = lists.StartOf(row); i < lists.StartOf(row) + lists.LengthOf(row); i++) WriteValue(writer, lists.Elements, ((DataType.Array)type).Element, i);
                writer.WriteEndArray();
                break;
        }
    }

    private void WriteRow(Utf8JsonWriter writer, RowColumn rows, DataType.Row type, int row)
    {
        writer.WriteStartObject();
        for (var i = 0; i < rows.Fields.Length; i++)
        {
            writer.WritePropertyName(type.Type[i].Name);
            WriteValue(writer, rows.Fields[i], type.Type[i].Type, row);
        }
        writer.WriteEndObject();
    }

    /// <summary>A member for each entry; its name is the key's JSON without quotes.</summary>
    private void WriteMap(Utf8JsonWriter writer, ListColumn lists, DataType.Map type, int row)
    {
        var entries = (RowColumn)lists.Elements;
        writer.WriteStartObject();
        for (var i = lists.StartOf(row); i < lists.StartOf(row) + lists.LengthOf(row); i++)
        {
            using var key = new MemoryStream();
            using (var keyWriter = new Utf8JsonWriter(key, writer.Options)) WriteValue(keyWriter, entries.Fields[0], type.Key, i);
            using var text = JsonDocument.Parse(key.ToArray());
            writer.WritePropertyName(text.RootElement.ValueKind == JsonValueKind.String ? text.RootElement.GetString()! : text.RootElement.GetRawText());
            WriteValue(writer, entries.Fields[1], type.Value, i);
        }
        writer.WriteEndObject();
    }

    private static void WriteInt(Utf8JsonWriter writer, int value, DataType type)
    {
        Span<byte> text = stackalloc byte[TemporalText.TimestampLengthMax];
        if (type is DataType.Date) writer.WriteStringValue(text[..TemporalText.WriteDate(value, text)]);
        else if (type is DataType.Time) writer.WriteStringValue(Trim(text[..TemporalText.WriteClock(value * 1000L, 3, text)]));
        else writer.WriteNumberValue(value);
    }

    private void WriteLong(Utf8JsonWriter writer, long value, DataType type)
    {
        Span<byte> text = stackalloc byte[TemporalText.TimestampLengthMax];
        switch (type)
        {
            case DataType.Timestamp:
                writer.WriteStringValue(Trim(text[..TemporalText.WriteTimestamp(TemporalText.MicrosOf(value, type, out var below), 9, text, (byte)'T', below)]));
                break;
            case DataType.TimestampLtz:
                var local = Trim(text[..TemporalText.WriteTimestamp(SessionZone.ToLocal(TemporalText.MicrosOf(value, type, out below), timeZone), 9, text, (byte)'T', below)]);
                text[local.Length] = (byte)'Z';
                writer.WriteStringValue(text[..(local.Length + 1)]);
                break;
            default: writer.WriteNumberValue(value); break;
        }
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> clock) => clock.TrimEnd((byte)'0') is [.. var whole, (byte)'.'] ? whole : clock.TrimEnd((byte)'0');

    private static void WriteDouble(Utf8JsonWriter writer, double value)
    {
        Span<byte> text = stackalloc byte[JsonNumber.FractionTextLengthMax];
        var length = JavaDoubleText.Write(value, text);
        if (double.IsFinite(value)) writer.WriteRawValue(text[..length], skipInputValidation: true);
        else writer.WriteStringValue(text[..length]);
    }
}
