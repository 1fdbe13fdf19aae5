using Matih.Batches;
using Matih.Sql.Expressions;

namespace Matih.Sql.Binding;

/// <summary>
/// Pass: of an array of rows that is only unnested, the decoder reads no more than the fields that are used:
/// <c>SELECT l.sku FROM orders CROSS JOIN UNNEST(lines) AS l</c> reads the sku of each line.
/// </summary>
internal static class ElementPruning
{
    public static QueryPlan Apply(QueryPlan plan)
    {
        foreach (var unnest in plan.Branches.SelectMany(branch => branch.Steps).OfType<PlanStep.Unnest>())
            if (unnest.Operand is Expression.Input { Source: InputColumn.SchemaField or InputColumn.NestedField, Type: DataType.Array { Element: DataType.Row row } } input)
                plan = Prune(plan, unnest, input, row);
        return plan;
    }

    private static QueryPlan Prune(QueryPlan plan, PlanStep.Unnest unnest, Expression.Input input, DataType.Row row)
    {
        var uses = new Uses(unnest, input.Source);
        foreach (var branch in plan.Branches)
        {
            foreach (var step in branch.Steps)
                if (!ReferenceEquals(step, unnest)) uses.Visit(step.Operand);
            foreach (var output in branch.Outputs) uses.Visit(output);
        }
        // The array itself, or one of its elements as a whole, may be used somewhere: then everything is needed.
        if (uses.NeedsAll || uses.Fields.Count is 0 || uses.Fields.Count == row.Type.Count) return plan;
        var kept = uses.Fields.Order().ToArray();
        var pruned = new DataType.Row(new RowType([.. kept.Select(index => row.Type[index])])) { IsNullable = row.IsNullable };
        var array = new DataType.Array(pruned) { IsNullable = input.Type.IsNullable };
        InputColumn source = input.Source is InputColumn.NestedField nested ? nested with { FieldType = array } : new InputColumn.SchemaField(input.Source.Name, array);
        var rewrite = new Rewrite(unnest.Number, pruned, kept);
        return plan with
        {
            Branches = [.. plan.Branches.Select(branch => new PlanBranch(
                [.. branch.Steps.Select(step => ReferenceEquals(step, unnest) ? step.With(new Expression.Input(source)) : step.With(rewrite.Apply(step.Operand)))],
                [.. branch.Outputs.Select(rewrite.Apply)]))],
        };
    }

    /// <summary>What is used of an array and of its elements.</summary>
    private sealed class Uses(PlanStep.Unnest unnest, InputColumn array)
    {
        private readonly HashSet<Expression> _seen = new(ReferenceEqualityComparer.Instance);

        public HashSet<int> Fields { get; } = [];
        public bool NeedsAll { get; private set; }

        public void Visit(Expression expression)
        {
            if (!_seen.Add(expression)) return;
            switch (expression)
            {
                case Expression.FieldOf { Operand: Expression.Element { Unnest: var number }, Index: var index } when number == unnest.Number: Fields.Add(index); return;
                case Expression.Element { Unnest: var number } when number == unnest.Number: NeedsAll = true; return;
                case Expression.Input { Source: var source } when source == array || IsAround(source): NeedsAll = true; return;
            }
            foreach (var child in expression.Children) Visit(child);
        }

        /// <summary>Whether the column holds the array as a part of it.</summary>
        private bool IsAround(InputColumn source)
        {
            for (var part = (array as InputColumn.NestedField)?.Parent; part is not null; part = (part as InputColumn.NestedField)?.Parent)
                if (part == source) return true;
            return false;
        }
    }

    private sealed class Rewrite(int number, DataType.Row pruned, int[] kept)
    {
        private readonly Dictionary<Expression, Expression> _done = new(ReferenceEqualityComparer.Instance);

        public Expression Apply(Expression expression)
        {
            if (_done.TryGetValue(expression, out var known)) return known;
            var result = expression is Expression.FieldOf { Operand: Expression.Element { Unnest: var unnest } element, Index: var index } && unnest == number
                ? new Expression.FieldOf(new Expression.Element(number, element.Type.IsNullable ? pruned.OrNull() : pruned.NotNull()), Array.IndexOf(kept, index))
                : ExpressionRewriter.WithChildren(expression, Apply);
            _done[expression] = result;
            return result;
        }
    }
}
