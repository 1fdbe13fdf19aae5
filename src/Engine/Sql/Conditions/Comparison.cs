using System.Numerics;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;
using Matih.Sql.Strings;
using Matih.Sql.Values;

namespace Matih.Sql.Conditions;

/// <summary>= &lt;&gt; &lt; &lt;= &gt; &gt;= between operands of one type. NaN equals nothing; strings compare by UTF-16 code units, as in Flink.</summary>
internal static class Comparison
{
    /// <summary>Compares operands that are of one type already (decimals may differ in scale).</summary>
    public static Expression Bind(string symbol, Expression left, Expression right)
    {
        var type = TypeRules.NullableLike(new DataType.Boolean(), left.Type, right.Type);
        return new Expression.Apply(KernelFor(symbol, left.Type, right.Type), [left, right], type);
    }

    private static Kernel KernelFor(string symbol, DataType left, DataType right) => left.Layout switch
    {
        Layout.Byte => Fixed<byte>(symbol),
        Layout.Int32 => Fixed<int>(symbol),
        Layout.Int64 => Fixed<long>(symbol),
        Layout.Float => Fixed<float>(symbol),
        Layout.Double => Fixed<double>(symbol),
        Layout.Int128 when ((DataType.Decimal)left).Scale == ((DataType.Decimal)right).Scale => Fixed<Int128>(symbol),
        Layout.Int128 => Decimals(symbol, ((DataType.Decimal)left).Scale, ((DataType.Decimal)right).Scale),
        Layout.List or Layout.Row => Nested(symbol),
        _ => Bytes(symbol, TypeRules.IsText(left)),
    };

    /// <summary>= and &lt;&gt; of arrays, maps and rows; NULL parts are the same as NULL parts.</summary>
    private static Kernel Nested(string symbol) => new(symbol, call =>
    {
        var (left, right) = (call.Arguments[0], call.Arguments[1]);
        var whenSame = symbol == "=" ? (byte)1 : (byte)0;
        var result = call.ResultOf<byte>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++)
            result[i] = !call.IsNull(i) && ColumnValues.AreSame(left.Column, i & left.Mask, right.Column, i & right.Mask) ? whenSame : (byte)(1 - whenSame);
    });

    private static Kernel Fixed<T>(string symbol) where T : unmanaged, IComparisonOperators<T, T, bool> => symbol switch
    {
        "=" => new Kernel("=", Maps.Binary<T, byte, Equal<T>>),
        "<>" => new Kernel("<>", Maps.Binary<T, byte, Unequal<T>>),
        "<" => new Kernel("<", Maps.Binary<T, byte, Less<T>>),
        "<=" => new Kernel("<=", Maps.Binary<T, byte, LessOrEqual<T>>),
        ">" => new Kernel(">", Maps.Binary<T, byte, Greater<T>>),
        _ => new Kernel(">=", Maps.Binary<T, byte, GreaterOrEqual<T>>),
    };

    private static Kernel Decimals(string symbol, int leftScale, int rightScale)
    {
        var holds = Holds(symbol);
        return new Kernel(symbol, call =>
        {
            var left = call.Values<Int128>(0);
            var right = call.Values<Int128>(1);
            var result = call.ResultOf<byte>().AppendUninitialized(call.Count, call.Validity);
            for (var i = 0; i < result.Length; i++)
                result[i] = holds[1 + Math.Sign(DecimalMath.Compare(left[i], leftScale, right[i], rightScale))];
        });
    }

    private static Kernel Bytes(string symbol, bool isText)
    {
        if (symbol is "=" or "<>") return new Kernel(symbol, call => SameBytes(call, symbol == "=" ? (byte)1 : (byte)0));
        var holds = Holds(symbol);
        return new Kernel(symbol, call =>
        {
            var (left, right) = (call.Bytes(0), call.Bytes(1));
            var result = call.ResultOf<byte>().AppendUninitialized(call.Count, call.Validity);
            for (var i = 0; i < result.Length; i++)
                result[i] = holds[1 + Math.Sign(isText ? TextOrder.Compare(left[i], right[i]) : left[i].SequenceCompareTo(right[i]))];
        });
    }

    private static void SameBytes(KernelCall call, byte whenSame)
    {
        var (left, right) = (call.Bytes(0), call.Bytes(1));
        var result = call.ResultOf<byte>().AppendUninitialized(call.Count, call.Validity);
        for (var i = 0; i < result.Length; i++) result[i] = left[i].SequenceEqual(right[i]) ? whenSame : (byte)(1 - whenSame);
    }

    /// <summary>Whether the operator holds for less, equal, greater.</summary>
    private static byte[] Holds(string symbol) => symbol switch
    {
        "=" => [0, 1, 0],
        "<>" => [1, 0, 1],
        "<" => [1, 0, 0],
        "<=" => [1, 1, 0],
        ">" => [0, 0, 1],
        _ => [0, 1, 1],
    };

    private readonly struct Equal<T> : IBinary<T, byte> where T : IComparisonOperators<T, T, bool> { public static byte Apply(T left, T right) => left == right ? (byte)1 : (byte)0; }
    private readonly struct Unequal<T> : IBinary<T, byte> where T : IComparisonOperators<T, T, bool> { public static byte Apply(T left, T right) => left != right ? (byte)1 : (byte)0; }
    private readonly struct Less<T> : IBinary<T, byte> where T : IComparisonOperators<T, T, bool> { public static byte Apply(T left, T right) => left < right ? (byte)1 : (byte)0; }
    private readonly struct LessOrEqual<T> : IBinary<T, byte> where T : IComparisonOperators<T, T, bool> { public static byte Apply(T left, T right) => left <= right ? (byte)1 : (byte)0; }
    private readonly struct Greater<T> : IBinary<T, byte> where T : IComparisonOperators<T, T, bool> { public static byte Apply(T left, T right) => left > right ? (byte)1 : (byte)0; }
    private readonly struct GreaterOrEqual<T> : IBinary<T, byte> where T : IComparisonOperators<T, T, bool> { public static byte Apply(T left, T right) => left >= right ? (byte)1 : (byte)0; }
}
