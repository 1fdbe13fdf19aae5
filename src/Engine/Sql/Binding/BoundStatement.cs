using System.Collections.Immutable;
using Matih.Sql.Expressions;

namespace Matih.Sql.Binding;

/// <summary>A statement whose every name is resolved, as expressions over the source.</summary>
/// <param name="Branches">At least one, all with the same columns and types; several where there is a UNION ALL.</param>
/// <param name="Unnamed">The outputs that have no name but the one that Flink makes up, and where their expressions stand.</param>
internal sealed record BoundStatement(ImmutableArray<BoundBranch> Branches, ImmutableArray<(string Name, ExpressionPlace Place)> Unnamed)
{
    /// <summary>The statement as the table of another one.</summary>
    /// <param name="columns">New names of all columns; empty where they keep theirs.</param>
    public BoundTable AsTable(string name, ImmutableArray<string> columns = default)
    {
        var isRenamed = columns is { IsDefaultOrEmpty: false };
        return new BoundTable(name, [.. Branches.Select(branch =>
        {
            var outputs = isRenamed ? [.. columns.Zip(branch.Outputs, (column, output) => (column, output.Value))] : branch.Outputs;
            var scope = new NameScope(name, outputs, ImmutableDictionary<string, Expression>.Empty, false) { Unnamed = isRenamed ? [] : Unnamed };
            return new BoundTable.Rows(scope, branch.Steps, branch.HasInput);
        })]);
    }
}

/// <summary>One way from the source to rows of a statement.</summary>
/// <param name="Steps">UNNESTs and the conditions of WHERE, those of the queries within it first.</param>
internal sealed record BoundBranch(ImmutableArray<PlanStep> Steps, ImmutableArray<(string Name, Expression Value)> Outputs, bool HasInput);

/// <summary>What a FROM reads.</summary>
/// <param name="Name">The table's name in messages.</param>
internal sealed record BoundTable(string Name, ImmutableArray<BoundTable.Rows> Branches)
{
    /// <summary>The one row of a statement without FROM.</summary>
    public static BoundTable Nothing { get; } = new("", [new Rows(null, [], HasInput: false)]);

    public static BoundTable Of(QueryInput source) => new(source.Name, [new Rows(NameScope.Of(source), [], HasInput: true)]);

    /// <summary>Columns, and which rows there are.</summary>
    /// <param name="Scope">Null where there are no columns.</param>
    public sealed record Rows(NameScope? Scope, ImmutableArray<PlanStep> Steps, bool HasInput);
}
