using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Casting;
using Matih.Sql.Expressions;
using Matih.Sql.Functions;

namespace Matih.Sql.Conditions;

/// <summary>Functions that choose among their arguments; they become CASE, so that only what is chosen is evaluated.</summary>
internal static class ConditionalFunctions
{
    // Each argument of GREATEST nests one CASE deeper.
    private const int ExtremeCountMax = 50;

    public static ImmutableArray<ScalarFunction> All { get; } =
    [
        new("COALESCE", call => Coalesce(call, 1, int.MaxValue)),
        new("IFNULL", call => Coalesce(call, 2, 2)),
        new("NULLIF", NullIf),
        new("IF", If),
        new("GREATEST", call => Extreme(call, ">=")),
        new("LEAST", call => Extreme(call, "<=")),
        new("TYPEOF", TypeOf),
    ];

    private static Expression Coalesce(FunctionCall call, int min, int max)
    {
        call.ExpectCount(min, max);
        var common = CommonType(call, 0);
        var type = call.Arguments.Any(argument => !argument.Type.IsNullable) ? common.NotNull() : common.OrNull();
        var values = Enumerable.Range(0, call.Count).Select(i => Casts.ImplicitCast(call[i], common, call.OffsetOf(i))).ToArray();
        var branches = ImmutableArray.CreateBuilder<(Expression, Expression)>();
        // What follows an argument that is never NULL is never asked.
        var last = Array.FindIndex(values, value => !value.Type.IsNullable);
        if (last < 0) last = values.Length - 1;
        for (var i = 0; i < last; i++) branches.Add((Logic.IsNull(values[i], isNegated: true), values[i]));
        return Choose(branches.ToImmutable(), values[last], type);
    }

    private static Expression NullIf(FunctionCall call)
    {
        call.ExpectCount(2, 2);
        var equal = ComparisonOperators.Compare("=", call[0], call[1], call.Offset);
        var type = call[0].Type.OrNull();
        return Choose([(equal, new Expression.Literal(Constant.Null(type)))], call[0], type);
    }

    private static Expression If(FunctionCall call)
    {
        call.ExpectCount(3, 3);
        for (var i = 0; i < 3; i++)
            if (call[i].Type is DataType.Null) throw TypeRules.BareNull("IF", call.OffsetOf(i));
        if (TypeRules.IsTemporal(call[1].Type) && !call[1].Type.IsSameTypeAs(call[2].Type)) throw Mixed("IF", call[1].Type, call[2].Type, call.OffsetOf(2));
        var common = CommonType(call, 1);
        var type = TypeRules.NullableLike(common, call.Boolean(0).Type, call[1].Type, call[2].Type);
        return Choose(
            [(call.Boolean(0), Casts.ImplicitCast(call[1], common, call.OffsetOf(1)))], Casts.ImplicitCast(call[2], common, call.OffsetOf(2)), type);
    }

    private static DataType CommonType(FunctionCall call, int from)
    {
        var type = call[from].Type;
        for (var i = from + 1; i < call.Count; i++)
            type = Common(type, call[i].Type) ?? throw Mixed(call.Name, type, call[i].Type, call.OffsetOf(i));
        if (type is DataType.Null) throw SqlErrorException.Unsupported(call.Offset, $"{call.Name} of nothing but NULL (give it a type: CAST(NULL AS INT))");
        return type;
    }

    /// <summary>As for CASE, but FLOAT and DOUBLE are DOUBLE, and a DECIMAL before a FLOAT is unclear enough to be refused.</summary>
    private static DataType? Common(DataType left, DataType right)
    {
        if (left is DataType.Decimal && right is DataType.Float) return null;
        if (left is DataType.Float && right is DataType.Double) return TypeRules.NullableLike(right, left, right);
        return TypeRules.Common(left, right);
    }

    public static SqlErrorException Mixed(string name, DataType left, DataType right, int offset)
    {
        // Flink does convert some of these, in ways that depend on the function.
        var mayFlink = TypeRules.IsTemporal(left) && TypeRules.IsTemporal(right) || TypeRules.IsNumeric(left) && TypeRules.IsNumeric(right);
        return new SqlErrorException(offset, $"{name} mixes {left.Name} and {right.Name}; cast them to one type{(mayFlink ? " (`engine: flink` may convert)" : "")}.", mayFlink);
    }

    private static Expression Choose(ImmutableArray<(Expression When, Expression Then)> branches, Expression otherwise, DataType type)
    {
        if (branches.IsEmpty) return otherwise.Type == type ? otherwise : new Expression.Retype(otherwise, type);
        return new Expression.Choice(branches, otherwise, type);
    }

    /// <summary>The largest or smallest argument; NULL where any is.</summary>
    private static Expression Extreme(FunctionCall call, string symbol)
    {
        call.ExpectCount(1, int.MaxValue);
        if (call.Count > ExtremeCountMax) throw call.Unsupported($"{call.Name} of more than {ExtremeCountMax} arguments");
        var common = CommonType(call, 0);
        if (TypeRules.IsApproximate(common)) throw call.Unsupported($"{call.Name} of FLOAT or DOUBLE");
        var result = Casts.ImplicitCast(call[0], common, call.OffsetOf(0));
        for (var i = 1; i < call.Count; i++)
        {
            var next = Casts.ImplicitCast(call[i], common, call.OffsetOf(i));
            var type = TypeRules.NullableLike(common, result.Type, next.Type);
            // Where one is NULL so is the comparison: the second branch gives NULL where the first value is, the rest the second.
            result = new Expression.Choice([(ComparisonOperators.Compare(symbol, result, next, call.Offset), result), (Logic.IsNull(result, false), result)], next, type);
        }
        return result.Type == common ? result : new Expression.Retype(result, TypeRules.NullableLike(common, call.Arguments.Select(argument => argument.Type)));
    }

    private static Expression TypeOf(FunctionCall call)
    {
        call.ExpectCount(1, 1);
        var type = call[0].Type;
        // Flink shows intervals and NULL in other words than it declares them.
        if (type is DataType.DayTimeInterval or DataType.YearMonthInterval) throw call.Unsupported($"TYPEOF of {type.Name}");
        return new Expression.Literal(Constant.Text(type is DataType.Null ? "NULL" : type.ToString()) with { Type = DataType.String });
    }
}
