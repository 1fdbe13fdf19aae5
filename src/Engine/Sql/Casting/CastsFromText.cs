using System.Globalization;
using System.Text;
using Matih.Batches;
using Matih.Json;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Casting;

/// <summary>Casts of strings: what cannot be read rejects the row, in TRY_CAST it is NULL.</summary>
internal static class CastsFromText
{
    private const int ExcerptLengthMax = 40;

    private delegate bool Reader<T>(ReadOnlySpan<byte> text, out T value);

    public static Kernel? To(DataType type, bool isTry) => type switch
    {
        DataType.TinyInt => Each<int>(type, isTry, (text, out value) => TryReadInt(text, sbyte.MinValue, sbyte.MaxValue, out value)),
        DataType.SmallInt => Each<int>(type, isTry, (text, out value) => TryReadInt(text, short.MinValue, short.MaxValue, out value)),
        DataType.Int => Each<int>(type, isTry, (text, out value) => TryReadInt(text, int.MinValue, int.MaxValue, out value)),
        DataType.BigInt => Each<long>(type, isTry, TryReadLong),
        DataType.Float => Each<float>(type, isTry, TryReadFloat),
        DataType.Double => Each<double>(type, isTry, TryReadDouble),
        DataType.Decimal decimalType => Each<Int128>(type, isTry, (text, out value) => TryReadDecimal(text, decimalType, out value)),
        DataType.Boolean => Each<byte>(type, isTry, TryReadTruth),
        DataType.Date => Each<int>(type, isTry, TemporalText.TryReadDate),
        DataType.Time => Each<int>(type, isTry, TryReadTime),
        DataType.Timestamp timestamp => Each<long>(type, isTry, (text, out value) => TryReadTimestamp(text, timestamp, out value)),
        DataType.TimestampLtz timestamp => Ltz(timestamp, isTry),
        _ => null,
    };

    private static Kernel Each<T>(DataType type, bool isTry, Reader<T> read) where T : unmanaged => new(isTry ? "TRY_CAST" : "CAST", call =>
    {
        var texts = call.Bytes(0);
        var result = call.ResultOf<T>();
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) result.AppendNull();
            else if (read(texts[i], out var value)) result.Append(value);
            else Refuse(call, i, texts[i], type, isTry);
        }
    }) { CanFail = !isTry };

    private static Kernel Ltz(DataType.TimestampLtz type, bool isTry) => new(isTry ? "TRY_CAST" : "CAST", call =>
    {
        var texts = call.Bytes(0);
        var result = call.ResultOf<long>();
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) result.AppendNull();
            else if (TryReadInstant(texts[i], type, call.TimeZone, out var instant)) result.Append(instant);
            else Refuse(call, i, texts[i], type, isTry);
        }
    }) { CanFail = !isTry };

    private static void Refuse(KernelCall call, int row, ReadOnlySpan<byte> text, DataType type, bool isTry)
    {
        if (isTry) call.Result.AppendNull();
        else call.Reject(row, $"CAST: '{Excerpt(text)}' is no {type.Name}{Hint(type)}");
    }

    private static string Hint(DataType type) => type switch
    {
        { HasNanoseconds: true } => $"; expected 'yyyy-MM-dd HH:mm:ss[.fraction]' without T and zone, within {Nanoseconds.Range}.",
        DataType.Timestamp or DataType.TimestampLtz => "; expected 'yyyy-MM-dd HH:mm:ss[.fraction]' without T and zone.",
        DataType.Date => "; expected 'yyyy-MM-dd'.",
        DataType.Time => "; expected 'HH:mm:ss'.",
        DataType.Boolean => "; expected true, t, yes, y, 1 or false, f, no, n, 0.",
        _ => " (TRY_CAST makes it NULL).",
    };

    public static string Excerpt(ReadOnlySpan<byte> text)
    {
        var whole = Encoding.UTF8.GetString(text[..Math.Min(text.Length, ExcerptLengthMax * 4)]);
        return whole.Length <= ExcerptLengthMax ? whole : whole[..ExcerptLengthMax] + "…";
    }

    /// <summary>A whole number; a fraction is cut, digits only. Blanks around it are passed over.</summary>
    public static bool TryReadLong(ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        text = text.Trim((byte)' ');
        var start = text.Length > 0 && text[0] is (byte)'-' or (byte)'+' ? 1 : 0;
        if (start == text.Length) return false;
        var point = text.IndexOf((byte)'.');
        var whole = point < 0 ? text : text[..point];
        if (point >= 0 && text[(point + 1)..].ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false;
        return whole.Length == start || JsonNumber.TryParseInt64(whole, out value);
    }

    private static bool TryReadInt(ReadOnlySpan<byte> text, int min, int max, out int value)
    {
        var isRead = TryReadLong(text, out var wide) && wide >= min && wide <= max;
        value = isRead ? (int)wide : 0;
        return isRead;
    }

    /// <summary>As Java's Double.parseDouble, except hexadecimal: blanks around it, NaN, Infinity, a suffix f or d.</summary>
    public static bool TryReadDouble(ReadOnlySpan<byte> text, out double value)
    {
        if (TryReadSpecial(ref text, out value)) return true;
        return IsNumber(text) && JsonNumber.TryParseDouble(text, out value);
    }

    private static bool TryReadFloat(ReadOnlySpan<byte> text, out float value)
    {
        if (TryReadSpecial(ref text, out var special))
        {
            value = (float)special;
            return true;
        }
        value = 0;
        return IsNumber(text) && float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }

    private static bool TryReadSpecial(ref ReadOnlySpan<byte> text, out double value)
    {
        while (text.Length > 0 && text[0] <= ' ') text = text[1..];
        while (text.Length > 0 && text[^1] <= ' ') text = text[..^1];
        var isNegative = text.Length > 0 && text[0] == '-';
        var unsigned = text.Length > 0 && text[0] is (byte)'-' or (byte)'+' ? text[1..] : text;
        value = unsigned.SequenceEqual("NaN"u8) ? double.NaN : double.PositiveInfinity;
        if (isNegative) value = -value;
        if (unsigned.SequenceEqual("NaN"u8) || unsigned.SequenceEqual("Infinity"u8)) return true;
        if (text.Length > 1 && (text[^1] | 0x20) is 'f' or 'd') text = text[..^1];
        return false;
    }

    /// <summary>Sign, digits with or without a point, exponent: nothing else.</summary>
    private static bool IsNumber(ReadOnlySpan<byte> text)
    {
        if (text.Length > 0 && text[0] is (byte)'-' or (byte)'+') text = text[1..];
        var digits = 0;
        var at = 0;
        for (var hasPoint = false; at < text.Length; at++)
        {
            if (text[at] == '.' && !hasPoint) hasPoint = true;
            else if (char.IsAsciiDigit((char)text[at])) digits++;
            else break;
        }
        if (digits == 0) return false;
        if (at == text.Length) return true;
        if ((text[at++] | 0x20) != 'e') return false;
        if (at < text.Length && text[at] is (byte)'-' or (byte)'+') at++;
        return at < text.Length && !text[at..].ContainsAnyExceptInRange((byte)'0', (byte)'9');
    }

    private static bool TryReadDecimal(ReadOnlySpan<byte> text, DataType.Decimal type, out Int128 value)
    {
        text = text.Trim(" \n\t"u8);
        value = 0;
        return IsNumber(text) && JsonNumber.TryParseDecimal(text, type.Precision, type.Scale, out value);
    }

    private static bool TryReadTruth(ReadOnlySpan<byte> text, out byte value)
    {
        value = 0;
        if (text.Length is 0 or > 5) return false;
        Span<byte> lower = stackalloc byte[5];
        for (var i = 0; i < text.Length; i++) lower[i] = text[i] is >= (byte)'A' and <= (byte)'Z' ? (byte)(text[i] | 0x20) : text[i];
        ReadOnlySpan<byte> word = lower[..text.Length];
        if (word.SequenceEqual("true"u8) || word.SequenceEqual("t"u8) || word.SequenceEqual("yes"u8) || word.SequenceEqual("y"u8) || word.SequenceEqual("1"u8)) value = 1;
        else if (!word.SequenceEqual("false"u8) && !word.SequenceEqual("f"u8) && !word.SequenceEqual("no"u8) && !word.SequenceEqual("n"u8) && !word.SequenceEqual("0"u8)) return false;
        return true;
    }

    /// <summary>H, H:m or H:m:s, a fraction is cut: TIME(0) is what the cast gives.</summary>
    private static bool TryReadTime(scoped ReadOnlySpan<byte> text, out int millis)
    {
        millis = 0;
        text = text.Trim((byte)' ');
        Span<byte> whole = stackalloc byte[8];
        if (text.Length <= 5 && text.Count((byte)':') < 2)
        {
            // What is missing is zero.
            text.CopyTo(whole);
            var rest = text.Contains((byte)':') ? ":0"u8 : ":0:0"u8;
            if (text.Length + rest.Length > whole.Length) return false;
            rest.CopyTo(whole[text.Length..]);
            text = whole[..(text.Length + rest.Length)];
        }
        if (!TemporalText.TryReadClock(text, 1, out var micros, out _, out var isWhole) || !isWhole || micros == CivilDate.MicrosPerDay) return false;
        millis = (int)(micros / CivilDate.MicrosPerSecond) * 1000;
        return true;
    }

    private static bool TryReadTimestamp(ReadOnlySpan<byte> text, DataType.Timestamp type, out long value) =>
        TemporalText.TryReadTimestamp(text, out value, out var below) && TemporalText.TryFit(ref value, below, type.Precision);

    private static bool TryReadInstant(ReadOnlySpan<byte> text, DataType.TimestampLtz type, TimeZoneInfo zone, out long value)
    {
        if (!TemporalText.TryReadTimestamp(text, out value, out var below)) return false;
        value = SessionZone.ToInstant(value, zone);
        return TemporalText.TryFit(ref value, below, type.Precision);
    }
}
