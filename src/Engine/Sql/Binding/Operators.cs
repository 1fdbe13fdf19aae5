using Matih.Batches;
using Matih.Sql.Conditions;
using Matih.Sql.Expressions;
using Matih.Sql.Strings;
using Matih.Sql.Temporal;
using Matih.Sql.Values;

namespace Matih.Sql.Binding;

/// <summary>The type rules of +, || and LIKE and their like: what converts to what, and what Flink refuses.</summary>
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

    private static void RefuseNull(string symbol, Expression left, Expression right, int offset)
    {
        if (left.Type is DataType.Null || right.Type is DataType.Null) throw TypeRules.BareNull($"'{symbol}'", offset);
    }

    public static Expression Like(Expression text, Expression pattern, Expression? escape, int offset)
    {
        (text, pattern) = ComparisonOperators.TypeNulls(text, pattern, DataType.String);
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

    public static Expression Similar(Expression text, Expression pattern, Expression? escape, int offset)
    {
        (text, pattern) = ComparisonOperators.TypeNulls(text, pattern, DataType.String);
        if (!TypeRules.IsText(text.Type) || !TypeRules.IsText(pattern.Type))
            throw SqlErrorException.Wrong(offset, $"SIMILAR TO takes strings, found {text.Type.Name} SIMILAR TO {pattern.Type.Name}.");
        var type = TypeRules.NullableLike(new DataType.Boolean(), text.Type, pattern.Type);
        if (pattern is not Expression.Literal { Value: var literal }) throw SqlErrorException.Unsupported(offset, "SIMILAR TO with a computed pattern (write it as a string)");
        if (literal.IsNull) return new Expression.Literal(Constant.Null(type));
        char? escaped = escape switch
        {
            null => null,
            // Escape characters that are special themselves have rules of their own.
            Expression.Literal { Value.Value: byte[] and [var single] } when TypeRules.IsText(escape.Type) && single is < 0x80 and not (byte)':' and not (byte)'"' and not (byte)'\\'
                && !SimilarPattern.Specials.Contains((char)single, StringComparison.Ordinal) => (char)single,
            _ => throw SqlErrorException.Unsupported(offset, "This ESCAPE of SIMILAR TO (one character that is not special itself, such as '!', is)"),
        };
        var java = SimilarPattern.ToJava(literal.AsText(), escaped, out var error) ?? throw SqlErrorException.Wrong(offset, $"In the pattern {literal} {error}; Flink fails on it.");
        var parsed = JavaPattern.ParseWhole(java);
        if (parsed.Unsupported is { } what) throw SqlErrorException.Unsupported(offset, $"{what} in the pattern {literal}");
        if (parsed.Regex is null) throw SqlErrorException.Wrong(offset, $"The pattern {literal} is malformed; Flink fails on it.");
        return new Expression.Apply(SimilarPattern.KernelOf($"SIMILAR TO {literal} {escaped}".TrimEnd(), parsed), [text], type);
    }
}
