using System.Text;
using Matih.Json;

namespace Matih.Decoding;

/// <summary>
/// Reads a JSON value as a column's value. The text is a string's, without quotes and escapes, or that of a number or
/// boolean; objects, arrays and nulls do not come here.
/// </summary>
/// <remarks>Source: behaviour of Flink 1.20.3's JSON parser, as recorded in the semantics cases; differences are in docs/inputs.md.</remarks>
internal interface IJsonConverter<T>
{
    static abstract Conversion TryRead(JsonField field, JsonMatch match, ReadOnlySpan<byte> text, out T value);
}

internal enum Conversion : byte
{
    Failed,
    Value,
    /// <summary>A decimal with too many digits for its type, as everywhere in Flink.</summary>
    Null,
}

/// <summary>Any text but <c>true</c> is false.</summary>
internal readonly struct BooleanConverter : IJsonConverter<byte>
{
    public static Conversion TryRead(JsonField field, JsonMatch match, ReadOnlySpan<byte> text, out byte value)
    {
        var isTrue = match.Kind == JsonKind.True || (match.Kind == JsonKind.String && Ascii.EqualsIgnoreCase(JavaText.Trim(text), "true"u8));
        value = isTrue ? (byte)1 : (byte)0;
        return Conversion.Value;
    }
}

/// <summary>TINYINT, SMALLINT and INT. Only INT cuts fractions.</summary>
internal readonly struct IntConverter : IJsonConverter<int>
{
    public static Conversion TryRead(JsonField field, JsonMatch match, ReadOnlySpan<byte> text, out int value)
    {
        value = 0;
        var (min, max) = field.Conversion switch
        {
            JsonConversion.TinyInt => (sbyte.MinValue, sbyte.MaxValue),
            JsonConversion.SmallInt => (short.MinValue, short.MaxValue),
            _ => (int.MinValue, int.MaxValue),
        };
        if (!BigIntConverter.TryRead(match, text, cutsFractions: field.Conversion == JsonConversion.Int, out var wide) || wide < min || wide > max) return Conversion.Failed;
        value = (int)wide;
        return Conversion.Value;
    }
}

internal readonly struct BigIntConverter : IJsonConverter<long>
{
    public static Conversion TryRead(JsonField field, JsonMatch match, ReadOnlySpan<byte> text, out long value) =>
        TryRead(match, text, cutsFractions: true, out value) ? Conversion.Value : Conversion.Failed;

    public static bool TryRead(JsonMatch match, ReadOnlySpan<byte> text, bool cutsFractions, out long value)
    {
        if (match.IsInteger) return JsonNumber.TryParseInt64(text, out value);
        value = 0;
        return match.Kind switch
        {
            JsonKind.Number => cutsFractions && JsonNumber.TryTruncateToInt64(text, out value),
            JsonKind.String => JsonNumber.TryParseInt64(JavaText.Trim(text), out value),
            _ => false,
        };
    }
}

internal readonly struct DoubleConverter : IJsonConverter<double>
{
    public static Conversion TryRead(JsonField field, JsonMatch match, ReadOnlySpan<byte> text, out double value)
    {
        if (match.Kind == JsonKind.Number) return JsonNumber.TryParseDouble(text, out value) ? Conversion.Value : Conversion.Failed;
        value = 0;
        if (match.Kind != JsonKind.String) return Conversion.Failed;
        text = JavaText.Trim(text);
        return JsonNumber.TryParseDouble(text, out value) || JavaText.IsNonFinite(text, out value) ? Conversion.Value : Conversion.Failed;
    }
}

internal readonly struct FloatConverter : IJsonConverter<float>
{
    public static Conversion TryRead(JsonField field, JsonMatch match, ReadOnlySpan<byte> text, out float value)
    {
        if (match.Kind == JsonKind.Number) return JsonNumber.TryParseFloat(text, out value) ? Conversion.Value : Conversion.Failed;
        value = 0;
        if (match.Kind != JsonKind.String) return Conversion.Failed;
        text = JavaText.Trim(text);
        if (JsonNumber.TryParseFloat(text, out value)) return Conversion.Value;
        var isNonFinite = JavaText.IsNonFinite(text, out var wide);
        value = (float)wide;
        return isNonFinite ? Conversion.Value : Conversion.Failed;
    }
}

internal readonly struct DecimalConverter : IJsonConverter<Int128>
{
    public static Conversion TryRead(JsonField field, JsonMatch match, ReadOnlySpan<byte> text, out Int128 value)
    {
        value = 0;
        if (match.Kind == JsonKind.String) text = JavaText.Trim(text);
        else if (match.Kind != JsonKind.Number) return Conversion.Failed;
        if (JsonNumber.TryParseDecimal(text, field.Precision, field.Scale, out value)) return Conversion.Value;
        return match.Kind == JsonKind.Number || JsonNumber.IsNumber(text) ? Conversion.Null : Conversion.Failed;
    }
}

internal readonly struct DateConverter : IJsonConverter<int>
{
    public static Conversion TryRead(JsonField field, JsonMatch match, ReadOnlySpan<byte> text, out int value)
    {
        value = 0;
        return match.Kind == JsonKind.String && DateTimeText.TryParseDate(text, out value) ? Conversion.Value : Conversion.Failed;
    }
}

internal readonly struct TimeConverter : IJsonConverter<int>
{
    public static Conversion TryRead(JsonField field, JsonMatch match, ReadOnlySpan<byte> text, out int value)
    {
        value = 0;
        return match.Kind == JsonKind.String && DateTimeText.TryParseTime(text, out value) ? Conversion.Value : Conversion.Failed;
    }
}

/// <summary>TIMESTAMP and TIMESTAMP_LTZ.</summary>
internal readonly struct TimestampConverter : IJsonConverter<long>
{
    public static Conversion TryRead(JsonField field, JsonMatch match, ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        return match.Kind == JsonKind.String
            && DateTimeText.TryParseTimestamp(text, field.TimestampStandard, field.Conversion == JsonConversion.TimestampLtz, field.Precision, out value)
            ? Conversion.Value
            : Conversion.Failed;
    }
}

/// <summary>What Java's parsers of numbers allow around numbers in strings.</summary>
internal static class JavaText
{
    /// <summary>Without the characters up to the blank at both ends.</summary>
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        while (text is [<= 0x20, ..]) text = text[1..];
        while (text is [.., <= 0x20]) text = text[..^1];
        return text;
    }

    public static bool IsNonFinite(ReadOnlySpan<byte> text, out double value)
    {
        value = double.NaN;
        if (text.SequenceEqual("NaN"u8)) return true;
        value = text is [(byte)'-', ..] ? double.NegativeInfinity : double.PositiveInfinity;
        return (text is [(byte)'+' or (byte)'-', ..] ? text[1..] : text).SequenceEqual("Infinity"u8);
    }
}
