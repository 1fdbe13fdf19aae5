using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;
using Matih.Batches;
using Matih.Json;

namespace Matih.Decoding;

/// <summary>
/// Appends one JSON value to one column, with the conversions of Flink's json format: numbers in strings, numbers as
/// text, cut fractions, base64. A value that does not convert appends nothing.
/// </summary>
/// <remarks>Source: behaviour of Flink 1.20.3's JSON parser, as recorded in the semantics cases; differences are in docs/inputs.md.</remarks>
internal sealed class JsonFieldWriter(TimestampStandard standard)
{
    private byte[] _scratch = new byte[256];

    /// <summary>Appends the value, a NULL for a JSON null or an overflowing decimal; false, with no row appended, where it does not convert.</summary>
    public bool TryAppend(JsonField field, JsonMatch match, ReadOnlySpan<byte> document)
    {
        var raw = document.Slice(match.Start, match.Length);
        if (field.Conversion == JsonConversion.Scalar)
        {
            AppendScalar((BytesColumn)field.Column, match, raw);
            return true;
        }
        if (match.Kind is JsonKind.Null or JsonKind.Missing)
        {
            field.Column.AppendNull();
            return true;
        }
        if (field.Conversion == JsonConversion.Text)
        {
            AppendText((BytesColumn)field.Column, match, raw);
            return true;
        }
        if (match.Kind is JsonKind.Object or JsonKind.Array) return false;
        if (match.HasEscapes) raw = Unescape(raw);
        var isString = match.Kind == JsonKind.String;
        switch (field.Conversion)
        {
            case JsonConversion.Boolean:
                ((FixedColumn<byte>)field.Column).Append(IsTrue(match.Kind, raw) ? (byte)1 : (byte)0);
                return true;
            case JsonConversion.TinyInt: return TryAppendInt(field, match, raw, sbyte.MinValue, sbyte.MaxValue, cutsFractions: false);
            case JsonConversion.SmallInt: return TryAppendInt(field, match, raw, short.MinValue, short.MaxValue, cutsFractions: false);
            case JsonConversion.Int: return TryAppendInt(field, match, raw, int.MinValue, int.MaxValue, cutsFractions: true);
            case JsonConversion.BigInt:
                if (!TryReadInt(match, raw, cutsFractions: true, out var whole)) return false;
                ((FixedColumn<long>)field.Column).Append(whole);
                return true;
            case JsonConversion.Double:
                if (!TryReadDouble(match.Kind, raw, out var number)) return false;
                ((FixedColumn<double>)field.Column).Append(number);
                return true;
            case JsonConversion.Float:
                if (!TryReadFloat(match.Kind, raw, out var single)) return false;
                ((FixedColumn<float>)field.Column).Append(single);
                return true;
            case JsonConversion.Decimal:
                return TryAppendDecimal(field, match.Kind, raw);
            case JsonConversion.Bytes or JsonConversion.FixedBytes:
                return isString && TryAppendBytes(field, raw);
            case JsonConversion.Date:
                if (!isString || !DateTimeText.TryParseDate(raw, out var days)) return false;
                ((FixedColumn<int>)field.Column).Append(days);
                return true;
            case JsonConversion.Time:
                if (!isString || !DateTimeText.TryParseTime(raw, out var millis)) return false;
                ((FixedColumn<int>)field.Column).Append(millis);
                return true;
            default:
                var isInstant = field.Conversion == JsonConversion.TimestampLtz;
                if (!isString || !DateTimeText.TryParseTimestamp(raw, standard, isInstant, field.Precision, out var micros)) return false;
                ((FixedColumn<long>)field.Column).Append(micros);
                return true;
        }
    }

    /// <summary>Why the value does not convert, with a short excerpt of it.</summary>
    public static string Describe(JsonField field, JsonMatch match, ReadOnlySpan<byte> document)
    {
        const int ExcerptBytesMax = 40;
        var kind = match.Kind switch
        {
            JsonKind.Object => "an object",
            JsonKind.Array => "an array",
            JsonKind.String => "the string",
            JsonKind.Number => "the number",
            _ => "the boolean",
        };
        if (match.Kind is JsonKind.Object or JsonKind.Array) return $"field {field.Name}: expected {field.Type.OrNull()}, found {kind}";
        var raw = match.In(document);
        var shown = Math.Min(raw.Length, ExcerptBytesMax);
        while (shown < raw.Length && (raw[shown] & 0xC0) == 0x80) shown--; // Not inside a character.
        var excerpt = Encoding.UTF8.GetString(raw[..shown]) + (shown < raw.Length ? "…" : "");
        return $"field {field.Name}: expected {field.Type.OrNull()}, found {kind} {(match.Kind == JsonKind.String ? $"\"{excerpt}\"" : excerpt)}";
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AppendScalar(BytesColumn column, JsonMatch match, ReadOnlySpan<byte> raw)
    {
        switch (match.Kind)
        {
            case JsonKind.String when !match.HasEscapes:
            case JsonKind.True or JsonKind.False:
                column.Append(raw);
                break;
            case JsonKind.String:
                column.End(JsonText.Unescape(raw, column.Begin(raw.Length)));
                break;
            case JsonKind.Number:
                column.End(JsonNumber.WriteScalarText(raw, match.IsInteger, column.Begin(Math.Max(raw.Length, JsonNumber.FractionTextLengthMax))));
                break;
            default:
                column.AppendNull();
                break;
        }
    }

    private static void AppendText(BytesColumn column, JsonMatch match, ReadOnlySpan<byte> raw)
    {
        if (match.HasEscapes) column.End(JsonText.Unescape(raw, column.Begin(raw.Length)));
        else if (match.Kind is JsonKind.Object or JsonKind.Array) column.End(JsonText.Compact(raw, column.Begin(raw.Length)));
        else column.Append(raw);
    }

    private static bool TryAppendInt(JsonField field, JsonMatch match, ReadOnlySpan<byte> raw, int min, int max, bool cutsFractions)
    {
        if (!TryReadInt(match, raw, cutsFractions, out var value) || value < min || value > max) return false;
        ((FixedColumn<int>)field.Column).Append((int)value);
        return true;
    }

    private static bool TryReadInt(JsonMatch match, ReadOnlySpan<byte> raw, bool cutsFractions, out long value)
    {
        value = 0;
        if (match.IsInteger) return JsonNumber.TryParseInt64(raw, out value);
        return match.Kind switch
        {
            JsonKind.Number => cutsFractions && JsonNumber.TryTruncateToInt64(raw, out value),
            JsonKind.String => JsonNumber.TryParseInt64(Trim(raw), out value),
            _ => false,
        };
    }

    private static bool TryReadDouble(JsonKind kind, ReadOnlySpan<byte> raw, out double value)
    {
        value = 0;
        if (kind == JsonKind.Number) return JsonNumber.TryParseDouble(raw, out value);
        if (kind != JsonKind.String) return false;
        raw = Trim(raw);
        return JsonNumber.TryParseDouble(raw, out value) || IsNonFinite(raw, out value);
    }

    private static bool TryReadFloat(JsonKind kind, ReadOnlySpan<byte> raw, out float value)
    {
        value = 0;
        if (kind == JsonKind.Number) return JsonNumber.TryParseFloat(raw, out value);
        if (kind != JsonKind.String) return false;
        raw = Trim(raw);
        if (JsonNumber.TryParseFloat(raw, out value)) return true;
        var isNonFinite = IsNonFinite(raw, out var wide);
        value = (float)wide;
        return isNonFinite;
    }

    private static bool IsNonFinite(ReadOnlySpan<byte> text, out double value)
    {
        value = double.NaN;
        if (text.SequenceEqual("NaN"u8)) return true;
        value = text.StartsWith("-"u8) ? double.NegativeInfinity : double.PositiveInfinity;
        return (text is [(byte)'+' or (byte)'-', ..] ? text[1..] : text).SequenceEqual("Infinity"u8);
    }

    private static bool TryAppendDecimal(JsonField field, JsonKind kind, ReadOnlySpan<byte> raw)
    {
        if (kind == JsonKind.String) raw = Trim(raw);
        else if (kind != JsonKind.Number) return false;
        if (JsonNumber.TryParseDecimal(raw, field.Precision, field.Scale, out var unscaled))
        {
            ((FixedColumn<Int128>)field.Column).Append(unscaled);
            return true;
        }
        if (kind == JsonKind.String && !JsonNumber.IsNumber(raw)) return false;
        field.Column.AppendNull(); // Too many digits for the type: NULL, as everywhere in Flink.
        return true;
    }

    private static bool TryAppendBytes(JsonField field, ReadOnlySpan<byte> base64)
    {
        // The decoder passes over white space, Flink's does not.
        if (base64.ContainsAny(" \t\r\n"u8)) return false;
        var column = (BytesColumn)field.Column;
        var target = column.Begin(Base64.GetMaxDecodedFromUtf8Length(base64.Length));
        if (Base64.DecodeFromUtf8(base64, target, out _, out var length) != OperationStatus.Done) return false;
        if (field.Conversion == JsonConversion.FixedBytes && length != field.Precision) return false;
        column.End(length);
        return true;
    }

    private static bool IsTrue(JsonKind kind, ReadOnlySpan<byte> raw) =>
        kind == JsonKind.True || (kind == JsonKind.String && Ascii.EqualsIgnoreCase(Trim(raw), "true"u8));

    /// <summary>Without the characters up to the blank at both ends, as Java trims.</summary>
    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        while (text is [<= 0x20, ..]) text = text[1..];
        while (text is [.., <= 0x20]) text = text[..^1];
        return text;
    }

    private ReadOnlySpan<byte> Unescape(ReadOnlySpan<byte> raw)
    {
        if (_scratch.Length < raw.Length) _scratch = new byte[Math.Max(raw.Length, _scratch.Length * 2)];
        return _scratch.AsSpan(0, JsonText.Unescape(raw, _scratch));
    }
}
