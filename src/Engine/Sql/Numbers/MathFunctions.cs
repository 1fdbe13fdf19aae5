using System.Collections.Immutable;
using System.Globalization;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Numbers;

/// <summary>Functions of numbers.</summary>
internal static class MathFunctions
{
    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("ABS", Abs),
        new("MOD", Mod),
        OfDouble<SquareRoot>("SQRT"),
        OfDouble<Exponential>("EXP"),
        OfDouble<NaturalLogarithm>("LN"),
        OfDouble<DecimalLogarithm>("LOG10"),
        OfDouble<BinaryLogarithm>("LOG2"),
        new("POWER", call =>
        {
            call.ExpectCount(2, 2);
            return call.Apply(new Kernel("POWER", Maps.Binary<double, double, Power>), new DataType.Double(), call.Double(0), call.Double(1));
        }),
        new("LOG", Logarithm),
        new("PI", call =>
        {
            call.ExpectCount(0, 0);
            return Expression.Literal.Of(new DataType.Double(), Math.PI);
        }),
        new("E", call =>
        {
            call.ExpectCount(0, 0);
            return Expression.Literal.Of(new DataType.Double(), Math.E);
        }),
        new("SIGN", Sign),
        new("ROUND", Rounding.Round),
        new("TRUNCATE", Rounding.Truncate),
        new("FLOOR", Rounding.Floor),
        new("CEIL", Rounding.Ceil),
        new("CEILING", Rounding.Ceil),
        OfDouble<Sine>("SIN"),
        OfDouble<Cosine>("COS"),
        OfDouble<Tangent>("TAN"),
        OfDouble<ArcSine>("ASIN"),
        OfDouble<ArcCosine>("ACOS"),
        OfDouble<ArcTangent>("ATAN"),
        new("ATAN2", call =>
        {
            call.ExpectCount(2, 2);
            if (call.Number(0).Type is DataType.Decimal != call.Number(1).Type is DataType.Decimal) throw call.Unsupported($"ATAN2 of {call[0].Type.Name} and {call[1].Type.Name} (Flink fails on it; cast both to DOUBLE)");
            return call.Apply(new Kernel("ATAN2", Maps.Binary<double, double, ArcTangentOfTwo>), new DataType.Double(), call.Double(0), call.Double(1));
        }),
        OfDouble<HyperbolicSine>("SINH"),
        OfDouble<HyperbolicCosine>("COSH"),
        OfDouble<HyperbolicTangent>("TANH"),
        OfDouble<Cotangent>("COT"),
        OfDouble<ToDegrees>("DEGREES"),
        OfDouble<ToRadians>("RADIANS"),
        new("BIN", call => Digits(call, "B")),
        new("HEX", call => call.Count == 1 && TypeRules.IsText(call[0].Type) ? Hexadecimal(call) : Digits(call, "X")),
    ];

    private static ScalarFunction OfDouble<TOperation>(string name) where TOperation : struct, IUnary<double, double> => new(name, call =>
    {
        call.ExpectCount(1, 1);
        return call.Apply(new Kernel(name, Maps.Unary<double, double, TOperation>), new DataType.Double(), call.Double(0));
    });

    private static Expression Abs(FunctionCall call)
    {
        call.ExpectCount(1, 1);
        var number = call.Number(0);
        return call.Apply(number.Type switch
        {
            DataType.TinyInt => new Kernel("ABS", Maps.Unary<int, int, AbsoluteInt<Arithmetic.Wrap8>>),
            DataType.SmallInt => new Kernel("ABS", Maps.Unary<int, int, AbsoluteInt<Arithmetic.Wrap16>>),
            DataType.Int => new Kernel("ABS", Maps.Unary<int, int, AbsoluteInt<Arithmetic.Wrap32>>),
            DataType.BigInt => new Kernel("ABS", Maps.Unary<long, long, AbsoluteLong>),
            DataType.Decimal => new Kernel("ABS", Maps.Unary<Int128, Int128, AbsoluteDecimal>),
            DataType.Float => new Kernel("ABS", Maps.Unary<float, float, AbsoluteFloat>),
            _ => new Kernel("ABS", Maps.Unary<double, double, AbsoluteDouble>),
        }, number.Type, number);
    }

    private static Expression Mod(FunctionCall call)
    {
        call.ExpectCount(2, 2);
        return Arithmetic.Bind("MOD", call.Number(0), call.Number(1), call.Offset);
    }

    private static Expression Logarithm(FunctionCall call)
    {
        call.ExpectCount(1, 2);
        return call.Count == 1
            ? call.Apply(new Kernel("LN", Maps.Unary<double, double, NaturalLogarithm>), new DataType.Double(), call.Double(0))
            : call.Apply(new Kernel("LOG", Maps.Binary<double, double, LogarithmToBase>), new DataType.Double(), call.Double(0), call.Double(1));
    }

    private static Expression Sign(FunctionCall call)
    {
        call.ExpectCount(1, 1);
        var number = call.Number(0);
        return number.Type switch
        {
            DataType.Decimal type => call.Apply(new Kernel("SIGN", values => SignOfDecimal(values, DecimalMath.Power(type.Scale))), type, number),
            DataType.TinyInt or DataType.SmallInt => throw call.Unsupported($"SIGN of {number.Type.Name} (Flink fails on it; cast it to INT)"),
            { Layout: Layout.Int32 } => call.Apply(new Kernel("SIGN", Maps.Unary<int, int, SignOfInt>), number.Type, number),
            DataType.BigInt => call.Apply(new Kernel("SIGN", Maps.Unary<long, long, SignOfLong>), number.Type, number),
            _ => throw call.Unsupported("SIGN of FLOAT or DOUBLE"),
        };
    }

    /// <summary>A whole number in base 2 or 16; negative ones in two's complement of 64 bits.</summary>
    private static Expression Digits(FunctionCall call, string format)
    {
        call.ExpectCount(1, 1);
        return call.Apply(new Kernel(call.Name, values => WriteDigits(values, format)), DataType.String, call.BigInt(0));
    }

    private static void WriteDigits(KernelCall call, string format)
    {
        var values = call.Values<long>(0);
        Span<byte> text = stackalloc byte[64];
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i))
            {
                call.Result.AppendNull();
                continue;
            }
            values[i].TryFormat(text, out var length, format, CultureInfo.InvariantCulture);
            call.ResultBytes.Append(text[..length]);
        }
    }

    private static Expression Hexadecimal(FunctionCall call) => call.Apply(new Kernel("HEX", WriteHexadecimal), DataType.String, call.Text(0));

    private static void WriteHexadecimal(KernelCall call)
    {
        var texts = call.Bytes(0);
        var result = call.ResultBytes;
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i))
            {
                result.AppendNull();
                continue;
            }
            var text = texts[i];
            Convert.TryToHexString(text, result.Begin(text.Length * 2), out var length);
            result.End(length);
        }
    }

    private static void SignOfDecimal(KernelCall call, Int128 one)
    {
        var values = call.Values<Int128>(0);
        var result = call.ResultOf<Int128>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = Int128.Sign(values[i]) * one;
    }

    private readonly struct AbsoluteInt<TWrap> : IUnary<int, int> where TWrap : struct, Arithmetic.IWrap
    {
        public static int Apply(int value) => value < 0 ? TWrap.Wrap(unchecked(-value)) : value;
    }

    private readonly struct AbsoluteLong : IUnary<long, long> { public static long Apply(long value) => value < 0 ? unchecked(-value) : value; }
    private readonly struct AbsoluteDecimal : IUnary<Int128, Int128> { public static Int128 Apply(Int128 value) => value < 0 ? -value : value; }
    private readonly struct AbsoluteFloat : IUnary<float, float> { public static float Apply(float value) => Math.Abs(value); }
    private readonly struct AbsoluteDouble : IUnary<double, double> { public static double Apply(double value) => Math.Abs(value); }
    private readonly struct SignOfInt : IUnary<int, int> { public static int Apply(int value) => Math.Sign(value); }
    private readonly struct SignOfLong : IUnary<long, long> { public static long Apply(long value) => Math.Sign(value); }
    private readonly struct SquareRoot : IUnary<double, double> { public static double Apply(double value) => Math.Sqrt(value); }
    private readonly struct Exponential : IUnary<double, double> { public static double Apply(double value) => Math.Exp(value); }
    private readonly struct NaturalLogarithm : IUnary<double, double> { public static double Apply(double value) => Math.Log(value); }
    private readonly struct DecimalLogarithm : IUnary<double, double> { public static double Apply(double value) => Math.Log10(value); }
    private readonly struct BinaryLogarithm : IUnary<double, double> { public static double Apply(double value) => Math.Log(value) / Math.Log(2); }
    private readonly struct Power : IBinary<double, double> { public static double Apply(double left, double right) => Math.Pow(left, right); }
    private readonly struct Sine : IUnary<double, double> { public static double Apply(double value) => Math.Sin(value); }
    private readonly struct Cosine : IUnary<double, double> { public static double Apply(double value) => Math.Cos(value); }
    private readonly struct Tangent : IUnary<double, double> { public static double Apply(double value) => Math.Tan(value); }
    private readonly struct ArcSine : IUnary<double, double> { public static double Apply(double value) => Math.Asin(value); }
    private readonly struct ArcCosine : IUnary<double, double> { public static double Apply(double value) => Math.Acos(value); }
    private readonly struct ArcTangent : IUnary<double, double> { public static double Apply(double value) => Math.Atan(value); }
    private readonly struct ArcTangentOfTwo : IBinary<double, double> { public static double Apply(double left, double right) => Math.Atan2(left, right); }
    private readonly struct HyperbolicSine : IUnary<double, double> { public static double Apply(double value) => Math.Sinh(value); }
    private readonly struct HyperbolicCosine : IUnary<double, double> { public static double Apply(double value) => Math.Cosh(value); }
    private readonly struct HyperbolicTangent : IUnary<double, double> { public static double Apply(double value) => Math.Tanh(value); }
    private readonly struct Cotangent : IUnary<double, double> { public static double Apply(double value) => 1.0 / Math.Tan(value); }
    // The constants of Java's Math.toDegrees and toRadians.
    private readonly struct ToDegrees : IUnary<double, double> { public static double Apply(double value) => value * 57.29577951308232; }
    private readonly struct ToRadians : IUnary<double, double> { public static double Apply(double value) => value * 0.017453292519943295; }
    private readonly struct LogarithmToBase : IBinary<double, double> { public static double Apply(double left, double right) => Math.Log(right) / Math.Log(left); }
}
