using System.Globalization;
using Matih.Batches;
using Matih.Sql.Execution;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;
using Matih.Sql.Temporal;
using Matih.Sql.Values;

namespace Matih.Sql.Numbers;

/// <summary>ROUND (half away from zero), TRUNCATE, FLOOR and CEIL of numbers.</summary>
internal static class Rounding
{
    public static Expression Round(FunctionCall call) => ToDigits(call, isCutting: false);

    public static Expression Truncate(FunctionCall call) => ToDigits(call, isCutting: true);

    public static Expression Floor(FunctionCall call) => ToWhole(call, isUp: false);

    public static Expression Ceil(FunctionCall call) => ToWhole(call, isUp: true);

    private static Expression ToDigits(FunctionCall call, bool isCutting)
    {
        call.ExpectCount(1, 2);
        var number = call.Number(0);
        var digits = call.Count == 1 ? 0 : DigitsOf(call);
        if (digits is null) return new Expression.Literal(Constant.Null(number.Type));
        var count = digits.Value;
        var name = $"{call.Name}({count})";
        switch (number.Type)
        {
            case DataType.Decimal type:
                var rounded = TypeRules.Rounded(type, count);
                if (rounded == type) return number;
                var kernel = new Kernel(name, values => RoundDecimals(values, type.Scale, count, rounded, isCutting));
                return call.Apply(kernel with { CanFail = !number.Type.IsNullable }, rounded, number);
            case DataType.Double: return call.Apply(new Kernel(name, values => RoundDoubles(values, count, isCutting)), number.Type, number);
            case DataType.Float: throw call.Unsupported($"{call.Name} of FLOAT");
            case DataType.BigInt when count < 0: return call.Apply(new Kernel(name, values => RoundLongs(values, -count, isCutting)), number.Type, number);
            case DataType.TinyInt or DataType.SmallInt when isCutting || count < 0:
                throw call.Unsupported($"{call.Name} of {number.Type.Name} (cast it to INT)");
            case { Layout: Layout.Int32 } when count < 0: return call.Apply(new Kernel(name, values => RoundInts(values, -count, isCutting)), number.Type, number);
            default: return number;
        }
    }

    /// <summary>The number of digits, which the type of the result depends on; null for NULL.</summary>
    private static int? DigitsOf(FunctionCall call)
    {
        if (ConstantFolder.Fold(call.Int(1)) is not Expression.Literal literal) throw call.Unsupported($"{call.Name} to a computed number of digits");
        if (literal.Value.IsNull) return null;
        var digits = (int)literal.Value.Value!;
        return digits is >= -DataType.Decimal.PrecisionMax and <= 400 ? digits : throw call.Unsupported($"{call.Name} to {Quantity.Of(digits, "digit")}");
    }

    private static void RoundDecimals(KernelCall call, int scale, int digits, DataType.Decimal type, bool isCutting)
    {
        var values = call.Values<Int128>(0);
        var result = call.ResultOf<Int128>();
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i))
            {
                result.AppendNull();
                continue;
            }
            var value = Drop(values[i], scale - digits, isCutting);
            // It has that many fractional digits now; those cut before the point come back as zeros.
            if (DecimalMath.TryRescale(value, digits, type.Scale, type.Precision, out var fitted)) result.Append(fitted);
            else call.Overflow(i);
        }
    }

    /// <summary>The value without its last digits.</summary>
    private static Int128 Drop(Int128 value, int digits, bool isCutting)
    {
        if (digits > DataType.Decimal.PrecisionMax) return 0;
        var unit = DecimalMath.Power(digits);
        return isCutting ? value / unit : DecimalMath.DivideRounding(value, unit);
    }

    private static void RoundInts(KernelCall call, int digits, bool isCutting)
    {
        var values = call.Values<int>(0);
        var result = call.ResultOf<int>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = unchecked((int)RoundWhole(values[i], digits, isCutting));
    }

    private static void RoundLongs(KernelCall call, int digits, bool isCutting)
    {
        var values = call.Values<long>(0);
        var result = call.ResultOf<long>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = unchecked((long)RoundWhole(values[i], digits, isCutting));
    }

    private static Int128 RoundWhole(long value, int digits, bool isCutting) => digits > 19 ? 0 : Drop(value, digits, isCutting) * DecimalMath.Power(digits);

    private static void RoundDoubles(KernelCall call, int digits, bool isCutting)
    {
        var values = call.Values<double>(0);
        var result = call.ResultOf<double>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = RoundDouble(values[i], digits, isCutting);
    }

    /// <summary>Rounds the shortest decimal text of the double, as Java's BigDecimal.valueOf reads it.</summary>
    private static double RoundDouble(double value, int digits, bool isCutting)
    {
        if (!double.IsFinite(value)) return value;
        // Flink rounds by way of a BigDecimal, which knows no negative zero.
        if (value == 0) return 0;
        Span<char> text = stackalloc char[32];
        value.TryFormat(text, out var length, "R", CultureInfo.InvariantCulture);
        var shortest = text[..length];
        var exponentAt = shortest.IndexOf('E');
        var exponent = exponentAt < 0 ? 0 : int.Parse(shortest[(exponentAt + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = exponentAt < 0 ? shortest : shortest[..exponentAt];
        var point = mantissa.IndexOf('.');
        var scale = (point < 0 ? 0 : mantissa.Length - point - 1) - exponent;
        if (scale <= digits) return value;
        Int128 unscaled = 0;
        foreach (var c in mantissa)
            if (char.IsAsciiDigit(c)) unscaled = unscaled * 10 + (c - '0');
        var dropped = Drop(unscaled, scale - digits, isCutting);
        var rounded = double.Parse(string.Create(CultureInfo.InvariantCulture, $"{dropped}E{-digits}"), CultureInfo.InvariantCulture);
        return value < 0 && rounded != 0 ? -rounded : rounded;
    }

    private static Expression ToWhole(FunctionCall call, bool isUp)
    {
        call.ExpectCount(1, 2);
        if (call.Count == 2) return TimeRounding.Bind(call, isUp);
        var number = call.Number(0);
        return number.Type switch
        {
            DataType.Decimal { Scale: 0 } => number,
            DataType.Decimal type => call.Apply(
                new Kernel(call.Name, values => RoundDecimalsToWhole(values, DecimalMath.Power(type.Scale), isUp)), new DataType.Decimal(type.Precision, 0), number),
            DataType.Double => call.Apply(isUp ? new Kernel("CEIL", Maps.Unary<double, double, CeilDouble>) : new Kernel("FLOOR", Maps.Unary<double, double, FloorDouble>), number.Type, number),
            DataType.Float => call.Apply(isUp ? new Kernel("CEIL", Maps.Unary<float, float, CeilFloat>) : new Kernel("FLOOR", Maps.Unary<float, float, FloorFloat>), number.Type, number),
            _ => number,
        };
    }

    private static void RoundDecimalsToWhole(KernelCall call, Int128 unit, bool isUp)
    {
        var values = call.Values<Int128>(0);
        var result = call.ResultOf<Int128>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++)
        {
            var (whole, rest) = Int128.DivRem(values[i], unit);
            result[i] = isUp ? whole + (rest > 0 ? 1 : 0) : whole - (rest < 0 ? 1 : 0);
        }
    }

    private readonly struct CeilDouble : IUnary<double, double> { public static double Apply(double value) => Math.Ceiling(value); }
    private readonly struct FloorDouble : IUnary<double, double> { public static double Apply(double value) => Math.Floor(value); }
    private readonly struct CeilFloat : IUnary<float, float> { public static float Apply(float value) => MathF.Ceiling(value); }
    private readonly struct FloorFloat : IUnary<float, float> { public static float Apply(float value) => MathF.Floor(value); }
}
