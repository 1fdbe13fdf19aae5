using System.Globalization;

namespace Matih.Json;

/// <summary>
/// Numbers out of the text of JSON numbers (RFC 8259, section 6), exactly. The texts are valid numbers; a leading plus
/// sign, <c>.5</c> and <c>5.</c> are understood as well, for numbers in strings.
/// </summary>
internal static class JsonNumber
{
    /// <summary>Longest text that <see cref="WriteScalarText"/> makes of a number with fraction or exponent.</summary>
    public const int FractionTextLengthMax = 32;

    private const ulong ExactDoubleIntegerMax = 1UL << 53;

    private static ReadOnlySpan<double> PowersOfTen =>
    [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];

    /// <summary>An integer without fraction or exponent; false beyond 64 bits.</summary>
    public static bool TryParseInt64(ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        var i = text.Length > 0 && text[0] is (byte)'-' or (byte)'+' ? 1 : 0;
        if (i == text.Length) return false;
        var isNegative = text[0] == '-';
        ulong magnitude = 0;
        for (var start = i; i < text.Length; i++)
        {
            var digit = (uint)(text[i] - '0');
            if (digit > 9) return false;
            if (i - start >= 18 && magnitude > (ulong.MaxValue - digit) / 10) return false;
            magnitude = magnitude * 10 + digit;
        }
        if (magnitude > (ulong)long.MaxValue + (isNegative ? 1UL : 0UL)) return false;
        value = isNegative ? (long)(0 - magnitude) : (long)magnitude;
        return true;
    }

    /// <summary>Any number cut to an integer, towards zero; false beyond 64 bits.</summary>
    public static bool TryTruncateToInt64(ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        if (!DecimalText.TryRead(text, out var number) || !number.TryToScale(0, 19, isRounding: false, out var wide)) return false;
        if (wide < long.MinValue || wide > long.MaxValue) return false;
        value = (long)wide;
        return true;
    }

    /// <summary>A number as the unscaled value of a decimal, rounded half away from zero to the scale.</summary>
    /// <returns>False where it needs more than <paramref name="precision"/> digits, or is no number.</returns>
    public static bool TryParseDecimal(ReadOnlySpan<byte> text, int precision, int scale, out Int128 unscaled)
    {
        unscaled = 0;
        return DecimalText.TryRead(text, out var number) && number.TryToScale(scale, precision, isRounding: true, out unscaled);
    }

    /// <summary>Whether the text is a number, of whatever size.</summary>
    public static bool IsNumber(ReadOnlySpan<byte> text) => DecimalText.TryRead(text, out _);

    /// <summary>The nearest double, infinity beyond its range; false where the text is no number.</summary>
    public static bool TryParseDouble(ReadOnlySpan<byte> text, out double value)
    {
        // Up to 53 bits of digits and 22 of tens are both exact doubles, so that one rounding gives the right result (Clinger 1990).
        if (DecimalText.TryReadShort(text, out var isNegative, out var digits, out var exponent)
            && digits <= ExactDoubleIntegerMax && exponent is >= -22 and <= 22)
        {
            var magnitude = exponent < 0 ? digits / PowersOfTen[-exponent] : digits * PowersOfTen[exponent];
            value = isNegative ? -magnitude : magnitude;
            return true;
        }
        return double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value)
            && text[^1] is >= (byte)'0' and <= (byte)'9' or (byte)'.';
    }

    /// <summary>The nearest float, infinity beyond its range; false where the text is no number.</summary>
    public static bool TryParseFloat(ReadOnlySpan<byte> text, out float value) =>
        float.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value)
        && text[^1] is >= (byte)'0' and <= (byte)'9' or (byte)'.';

    /// <summary>
    /// Writes a JSON number as JSON_VALUE gives it: an integer as it stands, any other as Java prints the nearest double
    /// (<c>1.50</c> → 1.5, <c>1e3</c> → 1000.0, <c>1e7</c> → 1.0E7, <c>1e400</c> → Infinity).
    /// </summary>
    /// <param name="target">At least the text's length, and at least <see cref="FractionTextLengthMax"/>.</param>
    /// <returns>Number of bytes written.</returns>
    public static int WriteScalarText(ReadOnlySpan<byte> text, bool isInteger, Span<byte> target)
    {
        if (isInteger)
        {
            if (text.Length == 2 && text[0] == '-' && text[1] == '0') text = text[1..]; // An integer has no negative zero.
            text.CopyTo(target);
            return text.Length;
        }
        var length = CanonicalLength(text);
        if (length != 0)
        {
            text[..length].CopyTo(target);
            return length;
        }
        TryParseDouble(text, out var value);
        return JavaDoubleText.Write(value, target);
    }

    /// <summary>
    /// How much of the text is what Java would print for its double, or 0 where only converting tells. With at most 15
    /// digits the text is the shortest of its double, trailing zeros aside; from 0.001 to below 10 million it is printed without exponent.
    /// </summary>
    internal static int CanonicalLength(ReadOnlySpan<byte> text)
    {
        if (text.Length > 16) return 0;
        var first = text[0] == '-' ? 1 : 0;
        var point = 0;
        var lastNonZero = 0;
        for (var i = first; i < text.Length; i++)
        {
            var b = text[i];
            if (b == '.') point = i;
            else if ((uint)(b - '0') > 9) return 0;
            else if (b != '0') lastNonZero = i;
        }
        if (point - first > 7) return 0;
        if (text[first] == '0' && (lastNonZero < point || lastNonZero > point + 3) && !IsMilliOrMore(text[(point + 1)..])) return 0;
        return Math.Max(lastNonZero, point + 1) + 1;
    }

    /// <summary>Whether one of the first three fraction digits is not zero.</summary>
    private static bool IsMilliOrMore(ReadOnlySpan<byte> fraction) => fraction[..Math.Min(3, fraction.Length)].ContainsAnyExcept((byte)'0');
}
