using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Conditions;
using Matih.Sql.Strings;
using Matih.Sql.Temporal;

namespace Matih.Sql.Binding;

/// <summary>The type rules of operators: what converts to what, and what Flink refuses.</summary>
internal static class Operators
{
    public static Expression Arithmetic(string symbol, Expression left, Expression right, int offset)
    {
        RefuseNull(symbol, left, right, offset);
        if (left.Type is DataType.Date or DataType.Timestamp or DataType.TimestampLtz or DataType.Time or DataType.DayTimeInterval or DataType.YearMonthInterval
            || right.Type is DataType.DayTimeInterval or DataType.YearMonthInterval)
            return TimeArithmetic.Bind(symbol, left, right, offset);
        if (!TypeRules.IsNumeric(left.Type) || !TypeRules.IsNumeric(right.Type))
            throw SqlErrorException.Wrong(offset, $"'{symbol}' takes numbers, found {left.Type.Name} {symbol} {right.Type.Name}.");
        return Numbers.Arithmetic.Bind(symbol, left, right, offset);
    }

    public static Expression Concatenate(Expression left, Expression right, int offset)
    {
        RefuseNull("||", left, right, offset);
        var isText = TypeRules.IsText(left.Type) && TypeRules.IsText(right.Type);
        if (!isText) throw SqlErrorException.Unsupported(offset, $"'||' between {left.Type.Name} and {right.Type.Name} (cast them to STRING)");
        return new Expression.Apply(TextFunctions.Concatenation, [left, right], TypeRules.NullableLike(ConcatenatedType(left.Type, right.Type), left.Type, right.Type));
    }

    private static DataType ConcatenatedType(DataType left, DataType right)
    {
        var length = (long)TypeRules.TextLength(left) + TypeRules.TextLength(right);
        if (left is DataType.Char && right is DataType.Char && length < int.MaxValue) return new DataType.Char((int)length);
        return new DataType.Varchar((int)Math.Min(length, DataType.Varchar.LengthMax));
    }

    /// <summary>left = right and the like, after bringing both to one type.</summary>
    public static Expression Compare(string symbol, Expression left, Expression right, int offset)
    {
        if (left.Type is DataType.Null && right.Type is DataType.Null) return new Expression.Literal(Constant.Null(new DataType.Boolean()));
        (left, right) = TypeNulls(left, right, DataType.String);
        (left, right) = ToComparable(symbol, left, right, offset);
        return Comparison.Bind(symbol, left, right);
    }

    private static (Expression Left, Expression Right) ToComparable(string symbol, Expression left, Expression right, int offset)
    {
        if (TypeRules.Common(left.Type, right.Type) is { } common)
        {
            // Decimals are compared at their own scales.
            if (common is DataType.Decimal) return (AsDecimal(left, offset), AsDecimal(right, offset));
            return (Casts.ImplicitCast(left, common, offset), Casts.ImplicitCast(right, common, offset));
        }
        if (IsExact(left.Type) && IsExact(right.Type)) return (AsDecimal(left, offset), AsDecimal(right, offset));
        if (TypeRules.IsText(left.Type) && ReadsText(right.Type)) return (ReadText(symbol, left, right.Type, offset), right);
        if (TypeRules.IsText(right.Type) && ReadsText(left.Type)) return (left, ReadText(symbol, right, left.Type, offset));
        // What Flink does with strings here depends on the operator and on what is constant; and it compares LTZ with TIMESTAMP.
        var mayFlink = TypeRules.IsText(left.Type) || TypeRules.IsText(right.Type) || left.Type is DataType.TimestampLtz || right.Type is DataType.TimestampLtz;
        var message = $"'{symbol}' cannot compare {left.Type.Name} with {right.Type.Name}; cast one of them{(mayFlink ? " (`engine: flink` may convert)" : "")}.";
        throw new SqlErrorException(offset, message, mayFlink);
    }

    private static bool IsExact(DataType type) => TypeRules.IsInteger(type) || type is DataType.Decimal;

    private static Expression AsDecimal(Expression operand, int offset) => Casts.ImplicitCast(operand, TypeRules.AsDecimal(operand.Type), offset);

    /// <summary>
    /// A string that is compared with a date or timestamp is read as one. Where it is none, = and &lt;&gt; of a computed string
    /// are NULL, anything else fails: as in Flink.
    /// </summary>
    private static Expression ReadText(string symbol, Expression text, DataType type, int offset) =>
        Casts.Bind(text, ReadType(type), isTry: symbol is "=" or "<>" && text is not Expression.Literal, offset);

    private static bool ReadsText(DataType type) => type is DataType.Date or DataType.Timestamp;

    private static DataType ReadType(DataType type) => type is DataType.Timestamp ? new DataType.Timestamp(DataType.Timestamp.HeldPrecisionMax) : type;

    private static void RefuseNull(string symbol, Expression left, Expression right, int offset)
    {
        if (left.Type is DataType.Null || right.Type is DataType.Null) throw BareNull($"'{symbol}'", offset);
    }

    public static SqlErrorException BareNull(string where, int offset) =>
        SqlErrorException.Wrong(offset, $"{where} takes no NULL without a type; write CAST(NULL AS T).");

    /// <summary>Gives an untyped NULL the other operand's type.</summary>
    private static (Expression Left, Expression Right) TypeNulls(Expression left, Expression right, DataType otherwise)
    {
        if (left.Type is DataType.Null) left = new Expression.Literal(Constant.Null(right.Type is DataType.Null ? otherwise : right.Type));
        if (right.Type is DataType.Null) right = new Expression.Literal(Constant.Null(left.Type));
        return (left, right);
    }

    public static Expression Distinct(Expression left, Expression right, bool isNegated, int offset)
    {
        (left, right) = TypeNulls(left, right, DataType.String);
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

    public static Expression Like(Expression text, Expression pattern, Expression? escape, int offset)
    {
        (text, pattern) = TypeNulls(text, pattern, DataType.String);
        if (!TypeRules.IsText(text.Type) || !TypeRules.IsText(pattern.Type))
            throw SqlErrorException.Wrong(offset, $"LIKE takes strings, found {text.Type.Name} LIKE {pattern.Type.Name}.");
        var type = TypeRules.NullableLike(new DataType.Boolean(), text.Type, pattern.Type);
        if (pattern is Expression.Literal { Value.Value: byte[] and [] }) throw SqlErrorException.Unsupported(offset, "LIKE with an empty pattern (Flink takes it for '%'; write = '')");
        if (pattern is Expression.Literal { Value.IsNull: true }) return new Expression.Literal(Constant.Null(type));
        if (pattern is not Expression.Literal constant)
        {
            if (escape is not null) throw SqlErrorException.Unsupported(offset, "ESCAPE with a computed pattern");
            return new Expression.Apply(LikePattern.Computed, [text, pattern], type);
        }
        var escapeBytes = escape switch
        {
            null => [],
            Expression.Literal { Value.Value: byte[] and [(byte)'\\'] } => throw SqlErrorException.Wrong(offset, "The escape character cannot be '\\'; Flink fails on it. Choose another, such as '!'."),
            Expression.Literal { Value.Value: byte[] bytes } when TypeRules.IsText(escape.Type) && Utf8Text.CountCodePoints(bytes) == 1 => bytes,
            _ => throw SqlErrorException.Unsupported(offset, "ESCAPE with other than one character"),
        };
        if (!LikePattern.TryParse((byte[])constant.Value.Value!, escapeBytes, out var parsed))
            throw SqlErrorException.Wrong(offset, "In this pattern the escape character stands before something other than %, _ and itself.");
        return new Expression.Apply(LikePattern.KernelOf(parsed!) with { Name = $"LIKE {constant.Value} {Convert.ToHexString(escapeBytes)}".TrimEnd() }, [text], type);
    }
}
