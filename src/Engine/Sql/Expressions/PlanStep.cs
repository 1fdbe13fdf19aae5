namespace Matih.Sql.Expressions;

/// <summary>What happens to the rows of a query before its columns are computed, step by step.</summary>
/// <param name="Operand">What the step looks at.</param>
internal abstract record PlanStep(Expression Operand)
{
    /// <summary>The same step over another operand.</summary>
    public PlanStep With(Expression operand) => ReferenceEquals(operand, Operand) ? this : this with { Operand = operand };

    /// <summary>Keeps the rows for which the condition is TRUE.</summary>
    public sealed record Filter(Expression Condition) : PlanStep(Condition)
    {
        public override string ToString() => $"filter {Operand}";
    }

    /// <summary>Makes one row of each element of an array or a map; the element is <see cref="Expression.Element"/> of that number.</summary>
    /// <param name="KeepsEmpty">Whether a row without elements stays, with a NULL element.</param>
    /// <param name="SkipsNull">Whether a NULL element gives no row: as Flink does where elements are rows.</param>
    public sealed record Unnest(int Number, Expression List, bool KeepsEmpty, bool SkipsNull) : PlanStep(List)
    {
        public override string ToString() => $"unnest {Operand} as element {Number}{(KeepsEmpty ? ", or NULL" : "")}";
    }
}
