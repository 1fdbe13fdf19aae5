using System.Collections.Immutable;

namespace Matih.Sql;

/// <summary>What compiling gives: a query, or every error that is worth reporting at once.</summary>
public sealed class QueryCompilation
{
    internal QueryCompilation(CompiledQuery? query, ImmutableArray<SqlError> errors) => (Query, Errors) = (query, errors);

    /// <summary>The query; null where there are errors.</summary>
    public CompiledQuery? Query { get; }

    /// <summary>In the order of statements and positions; empty where there is a query.</summary>
    public ImmutableArray<SqlError> Errors { get; }

    /// <summary>Columns of the query that have no name but the one that Flink makes up: right for looking at, wrong for a table.</summary>
    public ImmutableArray<SqlError> Unnamed { get; internal init; } = [];
}
