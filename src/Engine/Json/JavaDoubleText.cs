using System.Globalization;

namespace Matih.Json;

/// <summary>
/// Doubles as Java prints them (<c>Double.toString</c>, JDK 19 and later: the shortest digits that give the same double),
/// which is how Flink turns a JSON number with a fraction into text.
/// </summary>
internal static class JavaDoubleText
{
    /// <summary>Writes the value; at most <see cref="JsonNumber.FractionTextLengthMax"/> bytes.</summary>
    public static int Write(double value, Span<byte> target)
    {
        if (double.IsNaN(value)) return Copy("NaN"u8, target);
        if (double.IsInfinity(value)) return Copy(value > 0 ? "Infinity"u8 : "-Infinity"u8, target);
        var written = 0;
        if (double.IsNegative(value))
        {
            target[written++] = (byte)'-';
            value = -value;
        }
        if (value == 0) return written + Copy("0.0"u8, target[written..]);
        Span<byte> shortest = stackalloc byte[32];
        value.TryFormat(shortest, out var length, default, CultureInfo.InvariantCulture);
        Span<byte> digits = stackalloc byte[32];
        var (count, exponent) = Split(shortest[..length], digits);
        if (count == 1)
        {
            // Java prints at least two digits, the nearest: 4.9E-324 where one digit would do (5E-324).
            value.TryFormat(shortest, out length, "E1", CultureInfo.InvariantCulture);
            (count, exponent) = Split(shortest[..length], digits);
        }
        return written + (value is >= 1e-3 and < 1e7
            ? WritePlain(digits[..count], exponent, target[written..])
            : WriteScientific(digits[..count], exponent, target[written..]));
    }

    /// <summary>Significant digits, and the power of ten of the first of them.</summary>
    private static (int Count, int Exponent) Split(ReadOnlySpan<byte> text, Span<byte> digits)
    {
        var count = 0;
        var exponent = -1;
        var isFraction = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '.')
            {
                isFraction = true;
            }
            else if (text[i] == 'E')
            {
                exponent += int.Parse(text[(i + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
                break;
            }
            else
            {
                if (count > 0 || text[i] != '0') digits[count++] = text[i];
                if (!isFraction && count > 0) exponent++;
                else if (isFraction && count == 0) exponent--;
            }
        }
        while (count > 1 && digits[count - 1] == '0') count--;
        return (count, exponent);
    }

    private static int WritePlain(ReadOnlySpan<byte> digits, int exponent, Span<byte> target)
    {
        var written = 0;
        if (exponent < 0)
        {
            target[written++] = (byte)'0';
            target[written++] = (byte)'.';
            for (var i = -1; i > exponent; i--) target[written++] = (byte)'0';
            return written + Copy(digits, target[written..]);
        }
        for (var i = 0; i <= exponent || i < digits.Length; i++)
        {
            if (i == exponent + 1) target[written++] = (byte)'.';
            target[written++] = i < digits.Length ? digits[i] : (byte)'0';
        }
        return digits.Length > exponent + 1 ? written : written + Copy(".0"u8, target[written..]);
    }

    private static int WriteScientific(ReadOnlySpan<byte> digits, int exponent, Span<byte> target)
    {
        var written = 0;
        target[written++] = digits[0];
        target[written++] = (byte)'.';
        written += Copy(digits.Length == 1 ? "0"u8 : digits[1..], target[written..]);
        target[written++] = (byte)'E';
        exponent.TryFormat(target[written..], out var length, default, CultureInfo.InvariantCulture);
        return written + length;
    }

    private static int Copy(ReadOnlySpan<byte> text, Span<byte> target)
    {
        text.CopyTo(target);
        return text.Length;
    }
}
