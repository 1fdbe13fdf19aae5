using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Syntax;

namespace Matih.Sql.Binding;

/// <summary>Pass: a join with UNNEST becomes a step of the plan and a table whose columns are the element, or its parts.</summary>
internal static class Unnesting
{
    /// <summary>Appends the join's steps, and gives the scope with its columns.</summary>
    public static FromScope Bind(UnnestJoin join, FromScope scope, ExpressionPlaces places, int statement, ImmutableArray<PlanStep>.Builder steps)
    {
        var list = new Binder(scope, places, statement).Bind(join.List);
        if (list.Type.Layout != Layout.List) throw SqlErrorException.Wrong(join.List.Offset, $"UNNEST takes an ARRAY or a MAP, found {list.Type.Name}.");
        var number = places.NumberUnnest();
        var type = list.Type.ElementType();
        var isRow = list.Type is DataType.Array { Element: DataType.Row };
        var element = new Expression.Element(number, join.KeepsEmpty ? type.OrNull() : isRow ? type.NotNull() : type);
        steps.Add(new PlanStep.Unnest(number, list, join.KeepsEmpty, SkipsNull: isRow));
        var table = new NameScope(join.Alias ?? "", Columns(join, element), ImmutableDictionary<string, Expression>.Empty, false);
        var joined = new FromScope(scope.Tables.Add((join.Alias, table)));
        if (join.Condition is { } condition) steps.Add(new PlanStep.Filter(new Binder(joined, places, statement).BindCondition(condition, "ON")));
        return joined;
    }

    private static ImmutableArray<(string Name, Expression Value)> Columns(UnnestJoin join, Expression.Element element)
    {
        ImmutableArray<Expression> parts = element.Type is DataType.Row row
            ? [.. Enumerable.Range(0, row.Type.Count).Select(i => new Expression.FieldOf(element, i))]
            : [element];
        if (!join.Columns.IsEmpty && join.Columns.Length != parts.Length)
            throw SqlErrorException.Wrong(join.Offset, $"UNNEST gives {Quantity.Of(parts.Length, "column")}, found {Quantity.Of(join.Columns.Length, "name")} for them.");
        if (!join.Columns.IsEmpty) return [.. join.Columns.Zip(parts)];
        if (element.Type is DataType.Row fields) return [.. fields.Type.Fields.Select((field, i) => (field.Name, parts[i]))];
        return join.Alias is { } name
            ? [(name, element)]
            : throw SqlErrorException.Unsupported(join.Offset, "UNNEST without a name for its column (write UNNEST(…) AS u(x))");
    }
}
