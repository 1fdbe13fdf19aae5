using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Casting;

/// <summary>CAST and TRY_CAST: which conversions there are, and which kernel makes them.</summary>
/// <remarks>
/// As Flink 1.20 does at run time: numbers never fail (integers wrap, DOUBLE saturates, a DECIMAL that overflows is NULL),
/// strings do, and reject the row. One difference on purpose: a string that is no number is refused as DECIMAL as well,
/// where Flink silently gives 0.
/// </remarks>
internal static class Casts
{
    /// <summary>CAST, or TRY_CAST.</summary>
    public static Expression Bind(Expression operand, DataType target, bool isTry, int offset)
    {
        var type = isTry || operand.Type.IsNullable ? target.OrNull() : target.NotNull();
        // Flink's CAST drops the precision of TIME.
        if (type is DataType.Time) type = TypeRules.NullableLike(new DataType.Time(0), type);
        if (operand.Type is DataType.Null) return new Expression.Literal(Constant.Null(type));
        if (TypeRules.WhyNotHeld(type) is { } what) throw SqlErrorException.Unsupported(offset, what);
        Forbid(operand.Type, type, offset);
        if (operand.Type == type) return operand;
        if (IsRelabelling(operand.Type, type)) return new Expression.Retype(operand, type);
        if (NestedTypes.IsNested(operand.Type) && NestedCasts.Bind(operand, type, isTry, offset) is { } nested) return nested;
        if (CastsOfNanoseconds.Between(operand.Type, type) is { } between) return Bind(Bind(operand, between, isTry, offset), type, isTry, offset);
        var kernel = Find(operand.Type, type, isTry)
            ?? throw SqlErrorException.Unsupported(offset, $"A cast from {operand.Type.Name} to {type.Name}");
        return new Expression.Apply(kernel, [operand], type);
    }

    /// <summary>
    /// The operand in another type of its family, for operators and functions that need it there. Nullability stays.
    /// </summary>
    public static Expression ImplicitCast(Expression operand, DataType target, int offset)
    {
        if (operand.Type is DataType.Null) return new Expression.Literal(Constant.Null(target));
        if (operand.Type.IsSameTypeAs(target) || IsWidening(operand.Type, target)) return operand;
        if (NestedTypes.IsRelabelling(operand.Type, target, IsWidening)) return new Expression.Retype(operand, TypeRules.NullableLike(target, operand.Type));
        return Bind(operand, target, isTry: false, offset);
    }

    /// <summary>Whether every value of the type stands for itself, in the same layout, in the other.</summary>
    private static bool IsWidening(DataType from, DataType to) => (from, to) switch
    {
        (DataType.TinyInt, DataType.SmallInt or DataType.Int) or (DataType.SmallInt, DataType.Int) => true,
        (DataType.Char or DataType.Varchar, DataType.Varchar text) => TypeRules.TextLength(from) <= text.Length,
        (DataType.Timestamp first, DataType.Timestamp second) => first.Precision <= second.Precision && first.HasNanoseconds == second.HasNanoseconds,
        (DataType.TimestampLtz first, DataType.TimestampLtz second) => first.Precision <= second.Precision && first.HasNanoseconds == second.HasNanoseconds,
        (DataType.Binary or DataType.Varbinary, DataType.Varbinary bytes) => TypeRules.BinaryLength(from) <= bytes.Length,
        _ => false,
    };

    private static bool IsRelabelling(DataType from, DataType to) =>
        from.IsSameTypeAs(to) || IsWidening(from, to) || NestedTypes.IsRelabelling(from, to, IsWidening) || (TypeRules.IsText(from) && to is DataType.Varbinary { Length: DataType.Varbinary.LengthMax });

    /// <summary>Casts that Flink refuses, with what it advises.</summary>
    private static void Forbid(DataType from, DataType to, int offset)
    {
        if (TypeRules.IsNumeric(from) && to is DataType.Timestamp)
            throw SqlErrorException.Wrong(offset, $"A number cannot be cast to {to.Name}; use TO_TIMESTAMP(FROM_UNIXTIME(n)).");
        if (TypeRules.IsNumeric(from) && to is DataType.TimestampLtz)
            throw SqlErrorException.Wrong(offset, $"A number cannot be cast to {to.Name}; use TO_TIMESTAMP_LTZ(n, precision).");
        if (from is DataType.Timestamp or DataType.TimestampLtz && TypeRules.IsNumeric(to))
            throw SqlErrorException.Wrong(offset, $"{from.Name} cannot be cast to {to.Name}; use UNIX_TIMESTAMP(CAST(t AS STRING)).");
        var isDateOrTime = from is DataType.Date or DataType.Time;
        if ((isDateOrTime && (TypeRules.IsNumeric(to) || to is DataType.Boolean)) || (to is DataType.Date or DataType.Time && (TypeRules.IsNumeric(from) || from is DataType.Boolean)))
            throw SqlErrorException.Wrong(offset, $"{from.Name} cannot be cast to {to.Name}.");
    }

    private static Kernel? Find(DataType from, DataType to, bool isTry)
    {
        if (NestedTypes.IsNested(from) || NestedTypes.IsNested(to)) return null;
        if (TypeRules.IsText(from)) return TypeRules.IsText(to) ? CastsToText.Fit(to) : CastsFromText.To(to, isTry);
        if (TypeRules.IsText(to)) return CastsToText.From(from, to);
        if (TypeRules.IsNumeric(from) || from is DataType.Boolean) return CastsOfNumbers.Find(from, to);
        return from.HasNanoseconds || to.HasNanoseconds ? CastsOfNanoseconds.Find(from, to, isTry) : CastsOfTime.Find(from, to);
    }
}
