using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;

namespace Matih.Sql;

/// <summary>A query ready to run over batches. Immutable and thread-safe; each thread takes an executor of its own.</summary>
public sealed class CompiledQuery
{
    private readonly QueryPlan _plan;

    internal CompiledQuery(QueryPlan plan) => _plan = plan;

    /// <summary>The columns that the query gives.</summary>
    public RowType Output => _plan.Output;

    /// <summary>What the decoder must fill, in this order: only what the query needs.</summary>
    public ImmutableArray<InputColumn> Inputs => _plan.Inputs;

    /// <summary>Whether the query reads a table. Without FROM it gives one row, to an empty input.</summary>
    public bool HasInput => _plan.HasInput;

    /// <summary>Buffers of the executor are charged to <paramref name="account"/>.</summary>
    public QueryExecutor CreateExecutor(TimeProvider clock, MemoryAccount account) =>
        new(_plan, new QueryContext(clock, account, _plan.Settings.TimeZone));

    /// <summary>The plan, for people and tests: what is read, what filters, what is given.</summary>
    public string Explain()
    {
        var text = new StringBuilder();
        foreach (var input in Inputs) text.Append(CultureInfo.InvariantCulture, $"read   {input.Name} {input.Type}\n");
        foreach (var step in _plan.Steps) text.Append(CultureInfo.InvariantCulture, $"{step}\n");
        for (var i = 0; i < Output.Count; i++)
            text.Append(CultureInfo.InvariantCulture, $"give   {Output[i].Name} {Output[i].Type} = {_plan.Outputs[i]}\n");
        return text.ToString();
    }
}

/// <summary>What the compiler's passes hand to the executor.</summary>
/// <param name="Steps">WHERE conditions and UNNESTs, one after the other; a row must pass each to reach the next.</param>
internal sealed record QueryPlan(
    RowType Output, ImmutableArray<InputColumn> Inputs, ImmutableArray<PlanStep> Steps, ImmutableArray<Expression> Outputs, bool HasInput, QuerySettings Settings)
{
    /// <summary>Every expression of the plan.</summary>
    public IEnumerable<Expression> Expressions => Steps.Select(step => step.Operand).Concat(Outputs);
}
