using System.Globalization;
using Matih.Batches;
using Matih.Json;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Casting;

/// <summary>Casts between numbers, and between numbers and BOOLEAN.</summary>
internal static class CastsOfNumbers
{
    public static Kernel? Find(DataType from, DataType to) => (from.Layout, to) switch
    {
        (Layout.Byte, DataType.TinyInt or DataType.SmallInt or DataType.Int) => Map<byte, int, TruthToInt>(),
        (Layout.Byte, DataType.BigInt) => Map<byte, long, TruthToLong>(),
        (Layout.Byte, DataType.Float) => Map<byte, float, TruthToFloat>(),
        (Layout.Byte, DataType.Double) => Map<byte, double, TruthToDouble>(),
        (Layout.Int32, DataType.Boolean) => Map<int, byte, IntToTruth>(),
        (Layout.Int64, DataType.Boolean) => Map<long, byte, LongToTruth>(),
        // Flink fails where the type has no digit before the point.
        (Layout.Int128, DataType.Boolean) when from is DataType.Decimal { Scale: var scale, Precision: var precision } && scale == precision => null,
        (Layout.Int128, DataType.Boolean) => Map<Int128, byte, DecimalToTruth>(),
        (Layout.Float, DataType.Boolean) => Map<float, byte, FloatToTruth>(),
        (Layout.Double, DataType.Boolean) => Map<double, byte, DoubleToTruth>(),

        (Layout.Int32, DataType.TinyInt) => Map<int, int, IntToByte>(),
        (Layout.Int32, DataType.SmallInt) => Map<int, int, IntToShort>(),
        (Layout.Int32, DataType.BigInt) => Map<int, long, IntToLong>(),
        (Layout.Int32, DataType.Float) => Map<int, float, IntToFloat>(),
        (Layout.Int32, DataType.Double) => Map<int, double, IntToDouble>(),
        (Layout.Int32, DataType.Decimal type) => IntsToDecimal(type),

        (Layout.Int64, DataType.TinyInt) => Map<long, int, LongToByte>(),
        (Layout.Int64, DataType.SmallInt) => Map<long, int, LongToShort>(),
        (Layout.Int64, DataType.Int) => Map<long, int, LongToInt>(),
        (Layout.Int64, DataType.Float) => Map<long, float, LongToFloat>(),
        (Layout.Int64, DataType.Double) => Map<long, double, LongToDouble>(),
        (Layout.Int64, DataType.Decimal type) => LongsToDecimal(type),

        (Layout.Float, DataType.TinyInt) => Map<float, int, FloatToByte>(),
        (Layout.Float, DataType.SmallInt) => Map<float, int, FloatToShort>(),
        (Layout.Float, DataType.Int) => Map<float, int, FloatToInt>(),
        (Layout.Float, DataType.BigInt) => Map<float, long, FloatToLong>(),
        (Layout.Float, DataType.Double) => Map<float, double, FloatToDouble>(),
        (Layout.Double, DataType.TinyInt) => Map<double, int, DoubleToByte>(),
        (Layout.Double, DataType.SmallInt) => Map<double, int, DoubleToShort>(),
        (Layout.Double, DataType.Int) => Map<double, int, DoubleToInt>(),
        (Layout.Double, DataType.BigInt) => Map<double, long, DoubleToLong>(),
        (Layout.Double, DataType.Float) => Map<double, float, DoubleToFloat>(),
        (Layout.Double, DataType.Decimal type) => DoublesToDecimal(type),

        (Layout.Int128, DataType.TinyInt) => DecimalsToInts(((DataType.Decimal)from).Scale, value => unchecked((sbyte)(int)value)),
        (Layout.Int128, DataType.SmallInt) => DecimalsToInts(((DataType.Decimal)from).Scale, value => unchecked((short)(int)value)),
        (Layout.Int128, DataType.Int) => DecimalsToInts(((DataType.Decimal)from).Scale, value => unchecked((int)value)),
        (Layout.Int128, DataType.BigInt) => DecimalsToLongs(((DataType.Decimal)from).Scale),
        (Layout.Int128, DataType.Float) => DecimalsToFloats(((DataType.Decimal)from).Scale),
        (Layout.Int128, DataType.Double) => DecimalsToDoubles(((DataType.Decimal)from).Scale),
        (Layout.Int128, DataType.Decimal type) => DecimalsToDecimals(((DataType.Decimal)from).Scale, type),
        _ => null,
    };

    private static Kernel Map<TIn, TOut, TOperation>() where TIn : unmanaged where TOut : unmanaged where TOperation : struct, IUnary<TIn, TOut> =>
        new("CAST", Maps.Unary<TIn, TOut, TOperation>);

    private static Kernel IntsToDecimal(DataType.Decimal type) => new("CAST", call =>
    {
        var values = call.Values<int>(0);
        for (var i = 0; i < call.Count; i++) AppendRescaled(call, i, values[i], 0, type);
    }) { CanFail = !type.IsNullable };

    private static Kernel LongsToDecimal(DataType.Decimal type) => new("CAST", call =>
    {
        var values = call.Values<long>(0);
        for (var i = 0; i < call.Count; i++) AppendRescaled(call, i, values[i], 0, type);
    }) { CanFail = !type.IsNullable };

    private static Kernel DecimalsToDecimals(int scale, DataType.Decimal type) => new("CAST", call =>
    {
        var values = call.Values<Int128>(0);
        for (var i = 0; i < call.Count; i++) AppendRescaled(call, i, values[i], scale, type);
    }) { CanFail = !type.IsNullable };

    private static void AppendRescaled(KernelCall call, int row, Int128 value, int scale, DataType.Decimal type)
    {
        if (call.IsNull(row)) call.Result.AppendNull();
        else if (DecimalMath.TryRescale(value, scale, type.Scale, type.Precision, out var result)) call.ResultOf<Int128>().Append(result);
        else call.Overflow(row);
    }

    /// <summary>Through the shortest text of the double, as Java's BigDecimal.valueOf.</summary>
    private static Kernel DoublesToDecimal(DataType.Decimal type) => new("CAST", call =>
    {
        var values = call.Values<double>(0);
        Span<byte> text = stackalloc byte[32];
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) call.Result.AppendNull();
            else if (!double.IsFinite(values[i])) call.Reject(i, $"CAST to {type.Name}: {(double.IsNaN(values[i]) ? "NaN" : "Infinity")} is no decimal.");
            else
            {
                values[i].TryFormat(text, out var length, "R", CultureInfo.InvariantCulture);
                if (JsonNumber.TryParseDecimal(text[..length], type.Precision, type.Scale, out var result)) call.ResultOf<Int128>().Append(result);
                else call.Overflow(i);
            }
        }
    }) { CanFail = true };

    private static Kernel DecimalsToInts(int scale, Func<long, int> narrow) => new("CAST", call =>
    {
        var values = call.Values<Int128>(0);
        var result = call.ResultOf<int>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = narrow(unchecked((long)(values[i] / DecimalMath.Power(scale))));
    });

    private static Kernel DecimalsToLongs(int scale) => new("CAST", call =>
    {
        var values = call.Values<Int128>(0);
        var result = call.ResultOf<long>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = unchecked((long)(values[i] / DecimalMath.Power(scale)));
    });

    private static Kernel DecimalsToFloats(int scale) => new("CAST", call =>
    {
        var values = call.Values<Int128>(0);
        Span<byte> text = stackalloc byte[DecimalDigits.LengthMax];
        var result = call.ResultOf<float>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++)
            result[i] = call.IsNull(i) ? 0 : float.Parse(text[..DecimalDigits.Write(values[i], scale, text)], CultureInfo.InvariantCulture);
    });

    private static Kernel DecimalsToDoubles(int scale) => new("CAST", call =>
    {
        var values = call.Values<Int128>(0);
        var result = call.ResultOf<double>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = call.IsNull(i) ? 0 : DecimalMath.ToDouble(values[i], scale);
    });

    private readonly struct TruthToInt : IUnary<byte, int> { public static int Apply(byte value) => value; }
    private readonly struct TruthToLong : IUnary<byte, long> { public static long Apply(byte value) => value; }
    private readonly struct TruthToFloat : IUnary<byte, float> { public static float Apply(byte value) => value; }
    private readonly struct TruthToDouble : IUnary<byte, double> { public static double Apply(byte value) => value; }
    private readonly struct IntToTruth : IUnary<int, byte> { public static byte Apply(int value) => value != 0 ? (byte)1 : (byte)0; }
    private readonly struct LongToTruth : IUnary<long, byte> { public static byte Apply(long value) => value != 0 ? (byte)1 : (byte)0; }
    private readonly struct DecimalToTruth : IUnary<Int128, byte> { public static byte Apply(Int128 value) => value != 0 ? (byte)1 : (byte)0; }
    private readonly struct FloatToTruth : IUnary<float, byte> { public static byte Apply(float value) => value != 0 ? (byte)1 : (byte)0; }
    private readonly struct DoubleToTruth : IUnary<double, byte> { public static byte Apply(double value) => value != 0 ? (byte)1 : (byte)0; }
    private readonly struct IntToByte : IUnary<int, int> { public static int Apply(int value) => unchecked((sbyte)value); }
    private readonly struct IntToShort : IUnary<int, int> { public static int Apply(int value) => unchecked((short)value); }
    private readonly struct IntToLong : IUnary<int, long> { public static long Apply(int value) => value; }
    private readonly struct IntToFloat : IUnary<int, float> { public static float Apply(int value) => value; }
    private readonly struct IntToDouble : IUnary<int, double> { public static double Apply(int value) => value; }
    private readonly struct LongToByte : IUnary<long, int> { public static int Apply(long value) => unchecked((sbyte)value); }
    private readonly struct LongToShort : IUnary<long, int> { public static int Apply(long value) => unchecked((short)value); }
    private readonly struct LongToInt : IUnary<long, int> { public static int Apply(long value) => unchecked((int)value); }
    private readonly struct LongToFloat : IUnary<long, float> { public static float Apply(long value) => value; }
    private readonly struct LongToDouble : IUnary<long, double> { public static double Apply(long value) => value; }
    // A conversion of Java's: NaN is 0, what is too large becomes the largest value; a byte or a short is cut from the int.
    private readonly struct FloatToByte : IUnary<float, int> { public static int Apply(float value) => unchecked((sbyte)ToInt(value)); }
    private readonly struct FloatToShort : IUnary<float, int> { public static int Apply(float value) => unchecked((short)ToInt(value)); }
    private readonly struct FloatToInt : IUnary<float, int> { public static int Apply(float value) => ToInt(value); }
    private readonly struct FloatToLong : IUnary<float, long> { public static long Apply(float value) => ToLong(value); }
    private readonly struct FloatToDouble : IUnary<float, double> { public static double Apply(float value) => value; }
    private readonly struct DoubleToByte : IUnary<double, int> { public static int Apply(double value) => unchecked((sbyte)ToInt(value)); }
    private readonly struct DoubleToShort : IUnary<double, int> { public static int Apply(double value) => unchecked((short)ToInt(value)); }
    private readonly struct DoubleToInt : IUnary<double, int> { public static int Apply(double value) => ToInt(value); }
    private readonly struct DoubleToLong : IUnary<double, long> { public static long Apply(double value) => ToLong(value); }
    private readonly struct DoubleToFloat : IUnary<double, float> { public static float Apply(double value) => (float)value; }

    private static int ToInt(double value) => double.IsNaN(value) ? 0 : value >= int.MaxValue ? int.MaxValue : value <= int.MinValue ? int.MinValue : (int)value;

    private static long ToLong(double value) =>
        double.IsNaN(value) ? 0 : value >= 9.2233720368547758E18 ? long.MaxValue : value <= -9.2233720368547758E18 ? long.MinValue : (long)value;
}
