using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;

namespace Matih.Sql.Conditions;

/// <summary>The type rules of comparisons and of what is made of them: what converts to what, and what Flink refuses.</summary>
internal static class ComparisonOperators
{
    /// <summary>left = right and the like, after bringing both to one type.</summary>
    public static Expression Compare(string symbol, Expression left, Expression right, int offset)
    {
        if (left.Type is DataType.Null && right.Type is DataType.Null) return new Expression.Literal(Constant.Null(new DataType.Boolean()));
        (left, right) = TypeNulls(left, right, DataType.String);
        if (NestedTypes.IsNested(left.Type) && symbol is not ("=" or "<>"))
            throw SqlErrorException.Wrong(offset, $"'{symbol}' cannot compare {left.Type.Name}: only = and <> compare nested values.");
        if (left.Type is DataType.Row row && right.Type is DataType.Row other && row.Type.Count == other.Type.Count) return CompareRows(symbol, left, right, row.Type.Count, offset);
        (left, right) = ToComparable(symbol, left, right, offset);
        return Comparison.Bind(symbol, left, right);
    }

    /// <summary>Rows are equal where all fields are; a NULL field leaves that open where the others do not decide it.</summary>
    private static Expression CompareRows(string symbol, Expression left, Expression right, int count, int offset)
    {
        var fields = Enumerable.Range(0, count).Select(i => Compare("=", new Expression.FieldOf(left, i), new Expression.FieldOf(right, i), offset)).ToImmutableArray();
        var equal = fields.Length == 1 ? fields[0] : Junction(true, fields);
        return symbol == "=" ? equal : Logic.Not(equal);
    }

    private static (Expression Left, Expression Right) ToComparable(string symbol, Expression left, Expression right, int offset)
    {
        if (TypeRules.Common(left.Type, right.Type) is { } common)
        {
            // Decimals are compared at their own scales.
            if (common is DataType.Decimal) return (AsDecimal(left, offset), AsDecimal(right, offset));
            return (InCommon(left, common, offset), InCommon(right, common, offset));
        }
        if (IsExact(left.Type) && IsExact(right.Type)) return (AsDecimal(left, offset), AsDecimal(right, offset));
        if (TypeRules.IsText(left.Type) && ReadsText(right.Type)) return (ReadText(symbol, left, right.Type, offset), right);
        if (TypeRules.IsText(right.Type) && ReadsText(left.Type)) return (left, ReadText(symbol, right, left.Type, offset));
        // What Flink does with strings here depends on the operator and on what is constant; and it compares LTZ with TIMESTAMP.
        var mayFlink = TypeRules.IsText(left.Type) || TypeRules.IsText(right.Type) || left.Type is DataType.TimestampLtz || right.Type is DataType.TimestampLtz;
        var message = $"'{symbol}' cannot compare {left.Type.Name} with {right.Type.Name}; cast one of them{(mayFlink ? " (`engine: flink` may convert)" : "")}.";
        throw new SqlErrorException(offset, message, mayFlink);
    }

    private static Expression InCommon(Expression operand, DataType common, int offset) =>
        common.HasNanoseconds && !operand.Type.HasNanoseconds ? CastsOfNanoseconds.ForComparison(operand, common) : Casts.ImplicitCast(operand, common, offset);

    private static bool IsExact(DataType type) => TypeRules.IsInteger(type) || type is DataType.Decimal;

    private static Expression AsDecimal(Expression operand, int offset) => Casts.ImplicitCast(operand, TypeRules.AsDecimal(operand.Type), offset);

    /// <summary>
    /// A string that is compared with a date or timestamp is read as one. Where it is none, = and &lt;&gt; of a computed string
    /// are NULL, anything else fails: as in Flink.
    /// </summary>
    private static Expression ReadText(string symbol, Expression text, DataType type, int offset) =>
        Casts.Bind(text, ReadType(type), isTry: symbol is "=" or "<>" && text is not Expression.Literal, offset);

    private static bool ReadsText(DataType type) => type is DataType.Date or DataType.Timestamp;

    private static DataType ReadType(DataType type) => type is DataType.Timestamp ? new DataType.Timestamp(type.HasNanoseconds ? 9 : DataType.Timestamp.MicrosPrecisionMax) : type;

    public static Expression Distinct(Expression left, Expression right, bool isNegated, int offset)
    {
        (left, right) = TypeNulls(left, right, DataType.String);
        if (NestedTypes.IsNested(left.Type))
        {
            (left, right) = ToComparable("=", left, right, offset);
            return Logic.IsDistinct(Comparison.Bind("=", left, right), left, right, isNegated);
        }
        return Logic.IsDistinct(Compare("=", left, right, offset), left, right, isNegated);
    }

    public static Expression Junction(bool isAnd, params ImmutableArray<Expression> operands) =>
        new Expression.Junction(isAnd, operands, TypeRules.NullableLike(new DataType.Boolean(), operands.Select(operand => operand.Type)));

    public static Expression Between(Expression operand, Expression low, Expression high, bool isSymmetric, int offset)
    {
        var inside = Junction(true, Compare(">=", operand, low, offset), Compare("<=", operand, high, offset));
        if (!isSymmetric) return inside;
        return Junction(false, inside, Junction(true, Compare(">=", operand, high, offset), Compare("<=", operand, low, offset)));
    }

    public static Expression In(Expression operand, ImmutableArray<(Expression Value, int Offset)> items)
    {
        foreach (var (value, offset) in items)
            if (TypeRules.IsText(operand.Type) != TypeRules.IsText(value.Type) && (TypeRules.IsNumeric(operand.Type) || TypeRules.IsNumeric(value.Type)))
                throw SqlErrorException.Unsupported(offset, $"IN between {operand.Type.Name} and {value.Type.Name} (cast one of them)");
        if (items.Length == 1) return Compare("=", operand, items[0].Value, items[0].Offset);
        return Junction(false, [.. items.Select(item => Compare("=", operand, item.Value, item.Offset))]);
    }

    /// <summary>Gives an untyped NULL the other operand's type.</summary>
    public static (Expression Left, Expression Right) TypeNulls(Expression left, Expression right, DataType otherwise)
    {
        if (left.Type is DataType.Null) left = new Expression.Literal(Constant.Null(right.Type is DataType.Null ? otherwise : right.Type));
        if (right.Type is DataType.Null) right = new Expression.Literal(Constant.Null(left.Type));
        return (left, right);
    }
}
