using System.Numerics;

namespace Matih.Sql.Values;

/// <summary>
/// Decimals of up to 38 digits as unscaled <see cref="Int128"/> values: exact, then rounded half away from zero to the
/// result's scale; false where the result needs more than its precision.
/// </summary>
internal static class DecimalMath
{
    private const int DigitsMax = 38;

    private static readonly Int128[] Powers = CreatePowers();

    private static Int128[] CreatePowers()
    {
        var powers = new Int128[DigitsMax + 1];
        powers[0] = 1;
        for (var i = 1; i < powers.Length; i++) powers[i] = powers[i - 1] * 10;
        return powers;
    }

    /// <summary>10 to the power of 0 to 38.</summary>
    public static Int128 Power(int exponent) => Powers[exponent];

    /// <summary>Values below it need at most so many digits.</summary>
    public static bool Fits(Int128 value, int precision) => value < Powers[precision] && value > -Powers[precision];

    /// <summary>Brings a value from one scale to another.</summary>
    public static bool TryRescale(Int128 value, int from, int to, int precision, out Int128 result)
    {
        if (to <= from)
        {
            result = from - to > DigitsMax ? 0 : DivideRounding(value, Powers[from - to]);
            return Fits(result, precision);
        }
        result = 0;
        if (to - from > DigitsMax || !Fits(value, DigitsMax - (to - from))) return value == 0;
        result = value * Powers[to - from];
        return Fits(result, precision);
    }

    /// <summary>The quotient, rounded half away from zero; the divisor is positive.</summary>
    public static Int128 DivideRounding(Int128 value, Int128 divisor)
    {
        if (divisor == 1) return value;
        var (quotient, remainder) = Int128.DivRem(value, divisor);
        if (remainder < 0) return -remainder >= divisor + remainder ? quotient - 1 : quotient;
        return remainder >= divisor - remainder ? quotient + 1 : quotient;
    }

    public static bool TryAdd(Int128 left, int leftScale, Int128 right, int rightScale, int precision, int scale, out Int128 result)
    {
        var common = Math.Max(leftScale, rightScale);
        // Below 37 digits the sum of two is below 10^38, which an Int128 holds.
        if (common == scale && TryRescale(left, leftScale, common, 37, out var first) && TryRescale(right, rightScale, common, 37, out var second))
        {
            result = first + second;
            return Fits(result, precision);
        }
        return TryRound(Widen(left, common - leftScale) + Widen(right, common - rightScale), common, precision, scale, out result);
    }

    public static bool TryMultiply(Int128 left, int leftScale, Int128 right, int rightScale, int precision, int scale, out Int128 result)
    {
        if (left >= long.MinValue && left <= long.MaxValue && right >= long.MinValue && right <= long.MaxValue)
            return TryRescale(left * right, leftScale + rightScale, scale, precision, out result);
        return TryRound((BigInteger)left * right, leftScale + rightScale, precision, scale, out result);
    }

    /// <summary>As Flink: rounded to 38 significant digits, then to the scale. The divisor is not 0.</summary>
    public static bool TryDivide(Int128 left, int leftScale, Int128 right, int rightScale, int precision, int scale, out Int128 result)
    {
        if (TryDivideShort(left, right, rightScale - leftScale + scale, precision, out result)) return true;
        // left / right * 10^shift, with so many more digits that the first rounding cannot be seen.
        var extra = DigitsMax + 2;
        var shift = extra + rightScale - leftScale + scale;
        var numerator = BigInteger.Abs(left) * BigInteger.Pow(10, Math.Max(0, shift));
        var denominator = BigInteger.Abs(right) * BigInteger.Pow(10, Math.Max(0, -shift));
        var quotient = BigInteger.DivRem(numerator, denominator, out var rest);
        if (!rest.IsZero) quotient = quotient * 10 + 1; // a digit that stands for what follows
        else quotient *= 10;
        extra++;
        var digits = CountDigits(quotient);
        if (digits > DigitsMax) quotient = RoundDown(quotient, digits - DigitsMax) * BigInteger.Pow(10, digits - DigitsMax);
        quotient = RoundDown(quotient, extra);
        if (quotient >= (BigInteger)Powers[precision])
        {
            result = 0;
            return false;
        }
        result = (left < 0) ^ (right < 0) ? -(Int128)quotient : (Int128)quotient;
        return true;
    }

    /// <summary>
    /// The quotient where it needs no more than 128 bits. The first of Flink's two roundings cannot be seen then: the
    /// divisor is below 10^17, so that a quotient of at most 20 digits is farther from a tie than 18 more digits can tell.
    /// </summary>
    private static bool TryDivideShort(Int128 left, Int128 right, int shift, int precision, out Int128 result)
    {
        result = 0;
        if (shift is < 0 or > 36 || !Fits(right, 17) || !Fits(left, 37 - shift)) return false;
        var magnitude = right < 0 ? -right : right;
        var quotient = DivideRounding(left * Powers[shift], magnitude);
        if (!Fits(quotient, Math.Min(20, precision))) return false;
        result = right < 0 ? -quotient : quotient;
        return true;
    }

    /// <summary>The remainder of truncated division, with the dividend's sign, at the larger scale.</summary>
    public static Int128 Remainder(Int128 left, int leftScale, Int128 right, int rightScale)
    {
        var common = Math.Max(leftScale, rightScale);
        if (TryRescale(left, leftScale, common, DigitsMax, out var first) && TryRescale(right, rightScale, common, DigitsMax, out var second))
            return first % second;
        return (Int128)BigInteger.Remainder(Widen(left, common - leftScale), Widen(right, common - rightScale));
    }

    public static int Compare(Int128 left, int leftScale, Int128 right, int rightScale)
    {
        if (leftScale == rightScale) return left.CompareTo(right);
        var common = Math.Max(leftScale, rightScale);
        if (TryRescale(left, leftScale, common, DigitsMax, out var first) && TryRescale(right, rightScale, common, DigitsMax, out var second))
            return first.CompareTo(second);
        return Widen(left, common - leftScale).CompareTo(Widen(right, common - rightScale));
    }

    private static BigInteger Widen(Int128 value, int digits) => value * BigInteger.Pow(10, digits);

    private static bool TryRound(BigInteger value, int from, int precision, int to, out Int128 result)
    {
        var magnitude = BigInteger.Abs(value);
        magnitude = from > to ? RoundDown(magnitude, from - to) : magnitude * BigInteger.Pow(10, to - from);
        result = 0;
        if (magnitude >= (BigInteger)Powers[precision]) return false;
        result = value.Sign < 0 ? -(Int128)magnitude : (Int128)magnitude;
        return true;
    }

    /// <summary>A magnitude without its last digits, rounded half up.</summary>
    private static BigInteger RoundDown(BigInteger magnitude, int digits)
    {
        var divisor = BigInteger.Pow(10, digits);
        var quotient = BigInteger.DivRem(magnitude, divisor, out var rest);
        return rest * 2 >= divisor ? quotient + 1 : quotient;
    }

    private static int CountDigits(BigInteger magnitude)
    {
        if (magnitude.IsZero) return 1;
        var digits = (int)Math.Floor(BigInteger.Log10(magnitude)) + 1;
        while (BigInteger.Pow(10, digits) <= magnitude) digits++;
        while (digits > 1 && BigInteger.Pow(10, digits - 1) > magnitude) digits--;
        return digits;
    }

    /// <summary>The nearest double.</summary>
    public static double ToDouble(Int128 unscaled, int scale)
    {
        // Both exact: one division, rounded once.
        if (scale <= 22 && unscaled < 1L << 53 && unscaled > -(1L << 53)) return (double)(long)unscaled / PowersOfTen[scale];
        Span<byte> text = stackalloc byte[DecimalDigits.LengthMax];
        return double.Parse(text[..DecimalDigits.Write(unscaled, scale, text)], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static ReadOnlySpan<double> PowersOfTen =>
    [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];
}
