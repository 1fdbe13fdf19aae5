using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Conditions;

/// <summary>NOT, IS NULL and the other questions that have an answer for NULL, too.</summary>
internal static class Logic
{
    public static Expression Not(Expression operand) =>
        new Expression.Apply(new Kernel("NOT", Maps.Unary<byte, byte, Negation>), [operand], operand.Type);

    public static Expression IsNull(Expression operand, bool isNegated)
    {
        var whenNull = isNegated ? (byte)0 : (byte)1;
        return new Expression.Apply(
            new Kernel(isNegated ? "IS NOT NULL" : "IS NULL", call => AnswerNull(call, whenNull)) { IsStrict = false }, [operand], new DataType.Boolean().NotNull());
    }

    /// <summary>IS [NOT] TRUE, or FALSE.</summary>
    public static Expression IsTruth(Expression operand, bool truth, bool isNegated)
    {
        var (sought, whenFound) = (truth ? (byte)1 : (byte)0, isNegated ? (byte)0 : (byte)1);
        var name = $"IS {(isNegated ? "NOT " : "")}{(truth ? "TRUE" : "FALSE")}";
        return new Expression.Apply(new Kernel(name, call => AnswerTruth(call, sought, whenFound)) { IsStrict = false }, [operand], new DataType.Boolean().NotNull());
    }

    /// <summary>IS [NOT] DISTINCT FROM, out of "equal" and the two "is NULL".</summary>
    public static Expression IsDistinct(Expression equal, Expression left, Expression right, bool isNegated)
    {
        var (whenDistinct, whenSame) = isNegated ? ((byte)0, (byte)1) : ((byte)1, (byte)0);
        return new Expression.Apply(
            new Kernel(isNegated ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM", call => AnswerDistinct(call, whenDistinct, whenSame)) { IsStrict = false },
            [equal, IsNull(left, false), IsNull(right, false)], new DataType.Boolean().NotNull());
    }

    private static void AnswerNull(KernelCall call, byte whenNull)
    {
        var operand = call.Arguments[0];
        var result = call.ResultOf<byte>().AppendUninitialized(call.Count);
        if (operand.Column.NullCount == 0) result.Fill((byte)(1 - whenNull));
        else
        {
            for (var i = 0; i < result.Length; i++) result[i] = operand.IsNull(i) ? whenNull : (byte)(1 - whenNull);
        }
    }

    private static void AnswerTruth(KernelCall call, byte sought, byte whenFound)
    {
        var operand = call.Arguments[0];
        var values = call.Values<byte>(0);
        var result = call.ResultOf<byte>().AppendUninitialized(call.Count);
        for (var i = 0; i < result.Length; i++) result[i] = !operand.IsNull(i) && values[i] == sought ? whenFound : (byte)(1 - whenFound);
    }

    private static void AnswerDistinct(KernelCall call, byte whenDistinct, byte whenSame)
    {
        var equalOperand = call.Arguments[0];
        var equal = call.Values<byte>(0);
        var leftNull = call.Values<byte>(1);
        var rightNull = call.Values<byte>(2);
        var result = call.ResultOf<byte>().AppendUninitialized(call.Count);
        for (var i = 0; i < result.Length; i++)
        {
            var isSame = leftNull[i] != 0 || rightNull[i] != 0 ? leftNull[i] == rightNull[i] : !equalOperand.IsNull(i) && equal[i] != 0;
            result[i] = isSame ? whenSame : whenDistinct;
        }
    }

    private readonly struct Negation : IUnary<byte, byte> { public static byte Apply(byte value) => (byte)(1 - value); }
}
