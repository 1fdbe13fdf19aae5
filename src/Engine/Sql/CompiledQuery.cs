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
        for (var i = 0; i < _plan.Branches.Length; i++)
        {
            if (_plan.Branches.Length > 1) text.Append(CultureInfo.InvariantCulture, $"union  {i + 1} of {_plan.Branches.Length}\n");
            Explain(_plan.Branches[i], text);
        }
        return text.ToString();
    }

    private void Explain(PlanBranch branch, StringBuilder text)
    {
        foreach (var step in branch.Steps) text.Append(CultureInfo.InvariantCulture, $"{step}\n");
        for (var i = 0; i < Output.Count; i++)
            text.Append(CultureInfo.InvariantCulture, $"give   {Output[i].Name} {Output[i].Type} = {branch.Outputs[i]}\n");
    }
}

/// <summary>What the compiler's passes hand to the executor.</summary>
/// <param name="Branches">At least one; the rows of all are the result, each as if it were alone.</param>
internal sealed record QueryPlan(RowType Output, ImmutableArray<InputColumn> Inputs, ImmutableArray<PlanBranch> Branches, bool HasInput, QuerySettings Settings)
{
    /// <summary>Every expression of the plan.</summary>
    public IEnumerable<Expression> Expressions => Branches.SelectMany(branch => branch.Expressions);
}

/// <summary>One way from the input to rows of the result; several are what UNION ALL makes.</summary>
/// <param name="Steps">WHERE conditions and UNNESTs, one after the other; a row must pass each to reach the next.</param>
internal sealed record PlanBranch(ImmutableArray<PlanStep> Steps, ImmutableArray<Expression> Outputs)
{
    public IEnumerable<Expression> Expressions => Steps.Select(step => step.Operand).Concat(Outputs);

    /// <summary>The same with every expression passed through.</summary>
    public PlanBranch Rewrite(Func<Expression, Expression> pass) => new([.. Steps.Select(step => step.With(pass(step.Operand)))], [.. Outputs.Select(pass)]);
}
