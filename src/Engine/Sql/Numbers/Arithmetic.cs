using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Numbers;

/// <summary>+ − * / % of numbers: types as Flink derives them, integers wrap, division by zero rejects the row.</summary>
internal static class Arithmetic
{
    /// <summary>Binds an operator between numbers, which convert to what it computes in.</summary>
    public static Expression Bind(string symbol, Expression left, Expression right, int offset)
    {
        if (left.Type is DataType.Decimal || right.Type is DataType.Decimal)
        {
            if (!TypeRules.IsApproximate(left.Type) && !TypeRules.IsApproximate(right.Type)) return BindDecimal(symbol, left, right, offset);
        }
        var type = TypeRules.Common(left.Type, right.Type)!;
        var isRemainder = symbol is "%" or "MOD";
        if (isRemainder && TypeRules.IsApproximate(type)) throw SqlErrorException.Wrong(offset, $"{symbol} takes exact numbers, found {left.Type.Name} and {right.Type.Name}.");
        var (first, second) = (Casts.ImplicitCast(left, type, offset), Casts.ImplicitCast(right, type, offset));
        var result = new Expression.Apply(Kernel(symbol, type), [first, second], type);
        // A remainder is of the divisor's type.
        return isRemainder ? Casts.ImplicitCast(result, TypeRules.NullableLike(right.Type, type), offset) : result;
    }

    private static Expression BindDecimal(string symbol, Expression left, Expression right, int offset)
    {
        var (first, second) = (TypeRules.AsDecimal(left.Type), TypeRules.AsDecimal(right.Type));
        var type = symbol switch
        {
            "+" or "-" => TypeRules.Sum(first, second),
            "*" => TypeRules.Product(first, second),
            "/" => TypeRules.Quotient(first, second),
            _ => TypeRules.Remainder(first, second),
        };
        // Flink derives two different types for the remainder otherwise, and fails.
        if (symbol == "%" && !type.IsSameTypeAs(right.Type))
            throw SqlErrorException.Unsupported(offset, $"% between {left.Type.Name} and {right.Type.Name} (Flink fails on it; use MOD)");
        left = Casts.ImplicitCast(left, first, offset);
        right = Casts.ImplicitCast(right, second, offset);
        var result = TypeRules.NullableLike(type, left.Type, right.Type);
        var kernel = ExactKernel(symbol, first, second) ?? DecimalKernel(symbol, first.Scale, second.Scale, type);
        if (!result.IsNullable && type.Precision == DataType.Decimal.PrecisionMax) kernel = kernel with { CanFail = true };
        return new Expression.Apply(kernel, [left, right], result);
    }

    private static Kernel Kernel(string symbol, DataType type) => type switch
    {
        DataType.TinyInt => Integers<Wrap8>(symbol),
        DataType.SmallInt => Integers<Wrap16>(symbol),
        DataType.Int => Integers<Wrap32>(symbol),
        DataType.BigInt => Longs(symbol),
        DataType.Float => Floats<float>(symbol),
        _ => Floats<double>(symbol),
    };

    private static Kernel Integers<TWrap>(string symbol) where TWrap : struct, IWrap => symbol switch
    {
        "+" => new Kernel("+", Maps.Binary<int, int, Add<TWrap>>),
        "-" => new Kernel("-", Maps.Binary<int, int, Subtract<TWrap>>),
        "*" => new Kernel("*", Maps.Binary<int, int, Multiply<TWrap>>),
        "/" => new Kernel("/", DivideInts<TWrap>) { CanFail = true },
        _ => new Kernel("%", RemainderInts) { CanFail = true },
    };

    private static Kernel Longs(string symbol) => symbol switch
    {
        "+" => new Kernel("+", Maps.Binary<long, long, AddLongs>),
        "-" => new Kernel("-", Maps.Binary<long, long, SubtractLongs>),
        "*" => new Kernel("*", Maps.Binary<long, long, MultiplyLongs>),
        "/" => new Kernel("/", DivideLongs) { CanFail = true },
        _ => new Kernel("%", RemainderLongs) { CanFail = true },
    };

    private static Kernel Floats<T>(string symbol) where T : unmanaged, System.Numerics.IFloatingPoint<T> => symbol switch
    {
        "+" => new Kernel("+", Maps.Binary<T, T, AddFloats<T>>),
        "-" => new Kernel("-", Maps.Binary<T, T, SubtractFloats<T>>),
        "*" => new Kernel("*", Maps.Binary<T, T, MultiplyFloats<T>>),
        _ => new Kernel("/", Maps.Binary<T, T, DivideFloats<T>>),
    };

    /// <summary>A sum or product that cannot need more than 38 digits: nothing to round, nothing to check. Null where it can.</summary>
    private static Kernel? ExactKernel(string symbol, DataType.Decimal left, DataType.Decimal right)
    {
        if (symbol == "*") return left.Precision + right.Precision < DataType.Decimal.PrecisionMax ? new Kernel("*", Maps.Binary<Int128, Int128, MultiplyExact>) : null;
        var scale = Math.Max(left.Scale, right.Scale);
        if (symbol is not ("+" or "-") || Math.Max(left.Precision - left.Scale, right.Precision - right.Scale) + scale >= DataType.Decimal.PrecisionMax) return null;
        if (left.Scale == right.Scale) return symbol == "+" ? new Kernel("+", Maps.Binary<Int128, Int128, AddExact>) : new Kernel("-", Maps.Binary<Int128, Int128, SubtractExact>);
        var leftUnit = DecimalMath.Power(scale - left.Scale);
        var rightUnit = symbol == "+" ? DecimalMath.Power(scale - right.Scale) : -DecimalMath.Power(scale - right.Scale);
        return new Kernel(symbol, call => AddScaled(call, leftUnit, rightUnit));
    }

    private static void AddScaled(KernelCall call, Int128 leftUnit, Int128 rightUnit)
    {
        var left = call.Values<Int128>(0);
        var right = call.Values<Int128>(1);
        var result = call.ResultOf<Int128>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = left[i] * leftUnit + right[i] * rightUnit;
    }

    private static Kernel DecimalKernel(string symbol, int leftScale, int rightScale, DataType.Decimal type)
    {
        var (precision, scale) = (type.Precision, type.Scale);
        return symbol switch
        {
            "+" => new Kernel("+", call => EachDecimal(call, (a, b, out r) => DecimalMath.TryAdd(a, leftScale, b, rightScale, precision, scale, out r))),
            "-" => new Kernel("-", call => EachDecimal(call, (a, b, out r) => DecimalMath.TryAdd(a, leftScale, -b, rightScale, precision, scale, out r))),
            "*" => new Kernel("*", call => EachDecimal(call, (a, b, out r) => DecimalMath.TryMultiply(a, leftScale, b, rightScale, precision, scale, out r))),
            "/" => new Kernel("/", call => EachQuotient(call, (a, b, out r) => DecimalMath.TryDivide(a, leftScale, b, rightScale, precision, scale, out r))) { CanFail = true },
            _ => new Kernel("%", call => EachQuotient(call, (a, b, out r) =>
                DecimalMath.TryRescale(DecimalMath.Remainder(a, leftScale, b, rightScale), Math.Max(leftScale, rightScale), scale, precision, out r))) { CanFail = true },
        };
    }

    private delegate bool DecimalOperation(Int128 left, Int128 right, out Int128 result);

    private static void EachDecimal(KernelCall call, DecimalOperation operation)
    {
        var left = call.Values<Int128>(0);
        var right = call.Values<Int128>(1);
        var result = call.ResultOf<Int128>();
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) result.AppendNull();
            else if (operation(left[i], right[i], out var value)) result.Append(value);
            else call.Overflow(i);
        }
    }

    private static void EachQuotient(KernelCall call, DecimalOperation operation)
    {
        var left = call.Values<Int128>(0);
        var right = call.Values<Int128>(1);
        var result = call.ResultOf<Int128>();
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) result.AppendNull();
            else if (right[i] == 0) call.Reject(i, DivisionByZero);
            else if (operation(left[i], right[i], out var value)) result.Append(value);
            else call.Overflow(i);
        }
    }

    private const string DivisionByZero = "Division by zero.";

    private static void DivideInts<TWrap>(KernelCall call) where TWrap : struct, IWrap
    {
        var left = call.Values<int>(0);
        var right = call.Values<int>(1);
        var result = call.ResultOf<int>();
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) result.AppendNull();
            else if (right[i] == 0) call.Reject(i, DivisionByZero);
            else result.Append(TWrap.Wrap(right[i] == -1 ? unchecked(-left[i]) : left[i] / right[i]));
        }
    }

    private static void RemainderInts(KernelCall call)
    {
        var left = call.Values<int>(0);
        var right = call.Values<int>(1);
        var result = call.ResultOf<int>();
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) result.AppendNull();
            else if (right[i] == 0) call.Reject(i, DivisionByZero);
            else result.Append(right[i] == -1 ? 0 : left[i] % right[i]);
        }
    }

    private static void DivideLongs(KernelCall call)
    {
        var left = call.Values<long>(0);
        var right = call.Values<long>(1);
        var result = call.ResultOf<long>();
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) result.AppendNull();
            else if (right[i] == 0) call.Reject(i, DivisionByZero);
            else result.Append(right[i] == -1 ? unchecked(-left[i]) : left[i] / right[i]);
        }
    }

    private static void RemainderLongs(KernelCall call)
    {
        var left = call.Values<long>(0);
        var right = call.Values<long>(1);
        var result = call.ResultOf<long>();
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) result.AppendNull();
            else if (right[i] == 0) call.Reject(i, DivisionByZero);
            else result.Append(right[i] == -1 ? 0 : left[i] % right[i]);
        }
    }

    /// <summary>−x of a number.</summary>
    public static Expression Negate(Expression operand) => new Expression.Apply(operand.Type switch
    {
        DataType.TinyInt => new Kernel("-", Maps.Unary<int, int, NegateInt<Wrap8>>),
        DataType.SmallInt => new Kernel("-", Maps.Unary<int, int, NegateInt<Wrap16>>),
        DataType.Int or DataType.YearMonthInterval => new Kernel("-", Maps.Unary<int, int, NegateInt<Wrap32>>),
        DataType.BigInt or DataType.DayTimeInterval => new Kernel("-", Maps.Unary<long, long, NegateLong>),
        DataType.Decimal => new Kernel("-", Maps.Unary<Int128, Int128, NegateDecimal>),
        DataType.Float => new Kernel("-", Maps.Unary<float, float, NegateFloat<float>>),
        _ => new Kernel("-", Maps.Unary<double, double, NegateFloat<double>>),
    }, [operand], operand.Type);

    /// <summary>Cuts to the bits of TINYINT, SMALLINT or INT, which share a layout.</summary>
    internal interface IWrap
    {
        static abstract int Wrap(int value);
    }

    internal readonly struct Wrap8 : IWrap { public static int Wrap(int value) => unchecked((sbyte)value); }
    internal readonly struct Wrap16 : IWrap { public static int Wrap(int value) => unchecked((short)value); }
    internal readonly struct Wrap32 : IWrap { public static int Wrap(int value) => value; }

    private readonly struct Add<TWrap> : IBinary<int, int> where TWrap : struct, IWrap { public static int Apply(int left, int right) => TWrap.Wrap(unchecked(left + right)); }
    private readonly struct Subtract<TWrap> : IBinary<int, int> where TWrap : struct, IWrap { public static int Apply(int left, int right) => TWrap.Wrap(unchecked(left - right)); }
    private readonly struct Multiply<TWrap> : IBinary<int, int> where TWrap : struct, IWrap { public static int Apply(int left, int right) => TWrap.Wrap(unchecked(left * right)); }
    private readonly struct NegateInt<TWrap> : IUnary<int, int> where TWrap : struct, IWrap { public static int Apply(int value) => TWrap.Wrap(unchecked(-value)); }
    private readonly struct AddLongs : IBinary<long, long> { public static long Apply(long left, long right) => unchecked(left + right); }
    private readonly struct SubtractLongs : IBinary<long, long> { public static long Apply(long left, long right) => unchecked(left - right); }
    private readonly struct MultiplyLongs : IBinary<long, long> { public static long Apply(long left, long right) => unchecked(left * right); }
    private readonly struct NegateLong : IUnary<long, long> { public static long Apply(long value) => unchecked(-value); }
    private readonly struct AddExact : IBinary<Int128, Int128> { public static Int128 Apply(Int128 left, Int128 right) => left + right; }
    private readonly struct SubtractExact : IBinary<Int128, Int128> { public static Int128 Apply(Int128 left, Int128 right) => left - right; }
    private readonly struct MultiplyExact : IBinary<Int128, Int128> { public static Int128 Apply(Int128 left, Int128 right) => left * right; }
    private readonly struct NegateDecimal : IUnary<Int128, Int128> { public static Int128 Apply(Int128 value) => -value; }
    private readonly struct AddFloats<T> : IBinary<T, T> where T : System.Numerics.IFloatingPoint<T> { public static T Apply(T left, T right) => left + right; }
    private readonly struct SubtractFloats<T> : IBinary<T, T> where T : System.Numerics.IFloatingPoint<T> { public static T Apply(T left, T right) => left - right; }
    private readonly struct MultiplyFloats<T> : IBinary<T, T> where T : System.Numerics.IFloatingPoint<T> { public static T Apply(T left, T right) => left * right; }
    private readonly struct DivideFloats<T> : IBinary<T, T> where T : System.Numerics.IFloatingPoint<T> { public static T Apply(T left, T right) => left / right; }
    private readonly struct NegateFloat<T> : IUnary<T, T> where T : System.Numerics.IFloatingPoint<T> { public static T Apply(T value) => -value; }
}
