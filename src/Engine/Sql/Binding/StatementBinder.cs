using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Syntax;

namespace Matih.Sql.Binding;

/// <summary>A statement whose every name is resolved, as expressions over the source.</summary>
/// <param name="Unnamed">The outputs that have no name but the one that Flink makes up, and where their expressions stand.</param>
internal sealed record BoundStatement(
    ImmutableArray<PlanStep> Steps, ImmutableArray<(string Name, Expression Value)> Outputs, bool HasInput, ImmutableArray<(string Name, ExpressionPlace Place)> Unnamed);

/// <summary>Pass: binds one statement; errors of its entries are collected, so that all are reported at once.</summary>
internal static class StatementBinder
{
    public static BoundStatement? Bind(SelectStatement statement, NameScope table, ExpressionPlaces places, int index, List<SqlErrorException> errors)
    {
        var before = errors.Count;
        var scope = statement.From is null ? FromScope.Empty : new FromScope([(statement.From.Alias, CheckTable(statement.From, table, errors))]);
        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        foreach (var join in statement.Joins) Collect(errors, () => scope = Unnesting.Bind(join, scope, places, index, steps));
        var binder = new Binder(scope, places, index);
        var unnamed = ImmutableArray.CreateBuilder<(string, ExpressionPlace)>();
        var outputs = BindItems(statement, scope, binder, index, unnamed, errors);
        if (statement.Where is { } where) Collect(errors, () => steps.Add(new PlanStep.Filter(binder.BindCondition(where, "WHERE"))));
        CheckNames(statement, outputs, errors);
        return errors.Count == before ? new BoundStatement(steps.ToImmutable(), outputs, statement.From is not null, unnamed.ToImmutable()) : null;
    }

    private static NameScope CheckTable(TableReference from, NameScope table, List<SqlErrorException> errors)
    {
        if (from.Name is not null && from.Name != table.Table)
            errors.Add(SqlErrorException.Wrong(from.Offset, $"There is no table '{from.Name}'{NearestName.Suggest(from.Name, [table.Table])} This statement reads '{table.Table}' (or {{{{ input }}}})."));
        return table;
    }

    private static ImmutableArray<(string Name, Expression Value)> BindItems(
        SelectStatement statement, FromScope scope, Binder binder, int index, ImmutableArray<(string, ExpressionPlace)>.Builder unnamed, List<SqlErrorException> errors)
    {
        var outputs = ImmutableArray.CreateBuilder<(string, Expression)>();
        foreach (var item in statement.Items)
        {
            Collect(errors, () =>
            {
                if (item is { Expression: not (null or SqlNode.Name), Alias: null }) unnamed.Add((NameOf(item, outputs.Count), new ExpressionPlace(index, item.Offset)));
                if (item.Expression is not null) outputs.Add((NameOf(item, outputs.Count), CheckHeld(binder.Bind(item.Expression), item.Offset)));
                else if (statement.From is null) throw SqlErrorException.Wrong(item.Offset, "SELECT * needs a FROM.");
                else
                {
                    foreach (var part in scope.Expand(item))
                    {
                        outputs.AddRange(part.Star.Select(field => (field.Name, CheckHeld(field.Value, item.Offset, field.Name))));
                        unnamed.AddRange(part.Unnamed);
                    }
                }
            });
        }
        return outputs.ToImmutable();
    }

    private static Expression CheckHeld(Expression value, int offset, string? column = null)
    {
        if (value.Type is DataType.Null) throw SqlErrorException.Unsupported(offset, "A NULL without a type as a column (write CAST(NULL AS INT))");
        if (value.Type is DataType.DayTimeInterval or DataType.YearMonthInterval) throw SqlErrorException.Unsupported(offset, "An interval as a column");
        if (TypeRules.WhyNotHeld(value.Type) is { } what) throw SqlErrorException.Unsupported(offset, column is null ? what : $"{what} (column '{column}')");
        return value;
    }

    /// <summary>As Flink: the alias, the column's own name, or EXPR$ and the position.</summary>
    private static string NameOf(SelectItem item, int position) => item.Alias ?? (item.Expression is SqlNode.Name name ? name.Parts[^1] : $"EXPR${position}");

    private static void CheckNames(SelectStatement statement, ImmutableArray<(string Name, Expression Value)> outputs, List<SqlErrorException> errors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, _) in outputs)
        {
            if (names.Add(name)) continue;
            var items = statement.Items.Where(item => item.Expression is not null && NameOf(item, -1) == name).ToList();
            errors.Add(SqlErrorException.Unsupported((items.Count > 0 ? items[^1] : statement.Items[^1]).Offset, $"The column name '{name}' given twice (give one an alias)"));
        }
    }

    private static void Collect(List<SqlErrorException> errors, Action bind)
    {
        try
        {
            bind();
        }
        catch (SqlErrorException error)
        {
            errors.Add(error);
        }
    }
}
