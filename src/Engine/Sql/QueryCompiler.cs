using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Binding;
using Matih.Sql.Execution;
using Matih.Sql.Expressions;
using Matih.Sql.Syntax;

namespace Matih.Sql;

/// <summary>
/// Compiles the stateless part of Flink SQL: <c>[WITH …] SELECT … FROM … WHERE … [UNION ALL …]</c>, one statement or a chain of which each reads
/// the one before. What this engine does not run exactly as Flink does, it refuses, with the position. Thread-safe.
/// </summary>
public static class QueryCompiler
{
    /// <summary>Compiles one statement over a source.</summary>
    public static QueryCompilation Compile(string sql, QueryInput input, QuerySettings settings) => CompileChain([("query", sql)], input, settings);

    /// <summary>
    /// Compiles statements that read one another: the first reads the source, each later one the statement before, all
    /// through <c>{{ input }}</c> or by name. The chain becomes one query over the source, of which only what the last
    /// statement needs is computed.
    /// </summary>
    /// <param name="chain">The transformations' names and texts, at least one.</param>
    public static QueryCompilation CompileChain(IReadOnlyList<(string Name, string Sql)> chain, QueryInput source, QuerySettings settings)
    {
        if (chain.Count == 0) throw new ArgumentException("A chain has at least one statement.", nameof(chain));
        var statements = Parse(chain, out var errors);
        if (!errors.IsEmpty) return new QueryCompilation(null, errors);
        var places = new ExpressionPlaces();
        var bound = Bind(chain, statements, source, places, out errors);
        if (!errors.IsEmpty) return new QueryCompilation(null, errors);
        var plan = PlanOf(bound!, settings);
        var folder = new ConstantFolder(settings);
        plan = Rewrite(plan, folder.Apply);
        errors = FindFailures(chain, plan, folder, places);
        if (!errors.IsEmpty) return new QueryCompilation(null, errors);
        plan = Rewrite(plan, new JsonPushDown(source).Apply);
        if (source.Format == InputFormat.Json) plan = ElementPruning.Apply(plan);
        plan = DropConstantFilters(plan);
        plan = plan with { Inputs = InputCollector.Collect(plan.Expressions) };
        return new QueryCompilation(new CompiledQuery(plan), []) { Unnamed = FindUnnamed(chain, bound!) };
    }

    /// <summary>Pass: text to syntax, statement by statement.</summary>
    private static SelectStatement[] Parse(IReadOnlyList<(string Name, string Sql)> chain, out ImmutableArray<SqlError> errors)
    {
        var found = ImmutableArray.CreateBuilder<SqlError>();
        var statements = new SelectStatement[chain.Count];
        for (var i = 0; i < statements.Length; i++)
        {
            try
            {
                statements[i] = QueryParser.Parse(chain[i].Sql);
            }
            catch (SqlErrorException error)
            {
                found.Add(error.At(chain[i].Sql, i));
            }
        }
        errors = found.ToImmutable();
        return statements;
    }

    /// <summary>Pass: names and types. A later statement's columns are expressions over the source at once; null after an error.</summary>
    private static BoundStatement? Bind(
        IReadOnlyList<(string Name, string Sql)> chain, SelectStatement[] statements, QueryInput source, ExpressionPlaces places, out ImmutableArray<SqlError> errors)
    {
        var found = ImmutableArray.CreateBuilder<SqlError>();
        var input = BoundTable.Of(source);
        BoundStatement? bound = null;
        for (var i = 0; i < statements.Length; i++)
        {
            var failures = new List<SqlErrorException>();
            bound = StatementBinder.Bind(statements[i], input, places, i, failures);
            found.AddRange(failures.Select(failure => failure.At(chain[i].Sql, i)).Distinct().OrderBy(failure => failure.Offset));
            // Without this statement's columns nothing can be said about those after it.
            if (bound is null) break;
            input = bound.AsTable(chain[i].Name);
        }
        errors = found.ToImmutable();
        return bound;
    }

    /// <summary>Pass: the plan of the last statement, into which those before it went.</summary>
    private static QueryPlan PlanOf(BoundStatement bound, QuerySettings settings)
    {
        var first = bound.Branches[0];
        return new QueryPlan(
            new RowType([.. first.Outputs.Select(output => new Field(output.Name, output.Value.Type))]), [],
            [.. bound.Branches.Select(branch => new PlanBranch(branch.Steps, [.. branch.Outputs.Select(output => output.Value)]))], first.HasInput, settings);
    }

    /// <summary>Pass: what fails whatever the row. Without it every row would be rejected that reaches the expression.</summary>
    private static ImmutableArray<SqlError> FindFailures(IReadOnlyList<(string Name, string Sql)> chain, QueryPlan plan, ConstantFolder folder, ExpressionPlaces places)
    {
        var failures =
            from expression in plan.Expressions
            from failure in folder.Failures(expression, places)
            let place = failure.Place ?? default
            select SqlErrorException.Wrong(place.Offset, $"This fails for every row: {failure.Reason}").At(chain[place.Statement].Sql, place.Statement);
        return [.. failures.Distinct().OrderBy(error => error.Statement).ThenBy(error => error.Offset)];
    }

    private static ImmutableArray<SqlError> FindUnnamed(IReadOnlyList<(string Name, string Sql)> chain, BoundStatement last) =>
        [.. last.Unnamed.Select(column => SqlErrorException.Wrong(column.Place.Offset,
            $"The column has no name: add AS and one. Left out, it would be {column.Name}, a name that depends on the columns before it; a table that has this column keeps it with AS `{column.Name}`.")
            .At(chain[column.Place.Statement].Sql, column.Place.Statement))];

    private static QueryPlan Rewrite(QueryPlan plan, Func<Expression, Expression> pass) =>
        plan with { Branches = [.. plan.Branches.Select(branch => branch.Rewrite(pass))] };

    /// <summary>Pass: WHERE TRUE keeps everything.</summary>
    private static QueryPlan DropConstantFilters(QueryPlan plan) =>
        plan with { Branches = [.. plan.Branches.Select(branch => branch with { Steps = [.. branch.Steps.Where(step => step is not PlanStep.Filter { Operand: Expression.Literal { Value.Value: (byte)1 } })] })] };
}
