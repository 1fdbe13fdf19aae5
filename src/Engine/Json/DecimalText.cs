namespace Matih.Json;

/// <summary>A decimal number as digits and a power of ten, still in its text.</summary>
internal ref struct DecimalText
{
    private const int ExponentMax = 1_000_000_000;

    private ReadOnlySpan<byte> _digits; // with a point in it where there was one
    private bool _isNegative;
    private long _exponent; // of the last digit

    /// <summary>Up to 19 digits with an exponent; false where there are more, or the text is no number.</summary>
    public static bool TryReadShort(ReadOnlySpan<byte> text, out bool isNegative, out ulong digits, out int exponent)
    {
        digits = 0;
        exponent = 0;
        isNegative = false;
        var i = 0;
        if (text.Length > 0 && text[0] is (byte)'-' or (byte)'+')
        {
            isNegative = text[0] == '-';
            i = 1;
        }
        var pointAt = -1;
        var start = i;
        for (; i < text.Length; i++)
        {
            var digit = (uint)(text[i] - '0');
            if (digit <= 9) digits = digits * 10 + digit;
            else if (text[i] == '.' && pointAt < 0) pointAt = i;
            else break;
        }
        var count = i - start - (pointAt < 0 ? 0 : 1);
        if (count is 0 or > 19) return false;
        if (pointAt >= 0) exponent = pointAt + 1 - i;
        if (i == text.Length) return true;
        return (text[i] | 0x20) == 'e' && TryReadExponent(text[(i + 1)..], ref exponent);
    }

    public static bool TryRead(ReadOnlySpan<byte> text, out DecimalText number)
    {
        number = default;
        if (text.Length > 0 && text[0] is (byte)'-' or (byte)'+')
        {
            number._isNegative = text[0] == '-';
            text = text[1..];
        }
        var i = 0;
        var pointAt = -1;
        for (; i < text.Length; i++)
        {
            if (text[i] == '.' && pointAt < 0) pointAt = i;
            else if ((uint)(text[i] - '0') > 9) break;
        }
        if (i - (pointAt < 0 ? 0 : 1) == 0) return false;
        number._digits = text[..i];
        var exponent = 0;
        if (i < text.Length && ((text[i] | 0x20) != 'e' || !TryReadExponent(text[(i + 1)..], ref exponent))) return false;
        number._exponent = (long)exponent - (pointAt < 0 ? 0 : i - pointAt - 1);
        return true;
    }

    /// <summary>The number times 10 to the scale, rounded half away from zero or cut; false above that many digits.</summary>
    public readonly bool TryToScale(int scale, int digitsMax, bool isRounding, out Int128 unscaled)
    {
        unscaled = 0;
        var digits = SkipZeros(_digits);
        var count = digits.Length - (digits.Contains((byte)'.') ? 1 : 0);
        if (count == 0) return true;
        var shift = _exponent + scale;
        var kept = count + Math.Min(0, shift);
        if (kept < 0) return true;
        if (kept + Math.Max(0, shift) > digitsMax) return false;
        UInt128 magnitude = 0;
        ulong low = 0;
        var lowCount = 0;
        var isUp = false;
        var taken = 0;
        foreach (var b in digits)
        {
            if (b == '.') continue;
            if (taken == kept)
            {
                isUp = b >= '5';
                break;
            }
            low = low * 10 + (uint)(b - '0');
            taken++;
            if (++lowCount == 19)
            {
                magnitude = low;
                low = 0;
            }
        }
        if (lowCount >= 19) magnitude = magnitude * PowerOfTen(lowCount - 19) + low;
        else magnitude = low;
        if (shift > 0) magnitude *= PowerOfTen((int)shift);
        if (isRounding && isUp && ++magnitude == PowerOfTen(digitsMax)) return false;
        unscaled = _isNegative ? -(Int128)magnitude : (Int128)magnitude;
        return true;
    }

    private static UInt128 PowerOfTen(int exponent)
    {
        UInt128 power = 1;
        for (var i = 0; i < exponent; i++) power *= 10;
        return power;
    }

    private static ReadOnlySpan<byte> SkipZeros(ReadOnlySpan<byte> digits)
    {
        var first = digits.IndexOfAnyExcept((byte)'0', (byte)'.');
        return first < 0 ? default : digits[first..];
    }

    private static bool TryReadExponent(ReadOnlySpan<byte> text, ref int exponent)
    {
        var isNegative = text.Length > 0 && text[0] == '-';
        if (text.Length > 0 && text[0] is (byte)'-' or (byte)'+') text = text[1..];
        if (text.IsEmpty) return false;
        long value = 0;
        foreach (var b in text)
        {
            if ((uint)(b - '0') > 9) return false;
            value = Math.Min(ExponentMax, value * 10 + (b - '0'));
        }
        exponent += (int)(isNegative ? -value : value);
        return true;
    }
}
