using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Syntax;

namespace Matih.Sql.Binding;

/// <summary>Pass: binds one statement; errors of its entries are collected, so that all are reported at once.</summary>
internal sealed class StatementBinder
{
    private readonly BoundTable _input;
    private readonly ExpressionPlaces _places;
    private readonly int _index;
    private readonly List<SqlErrorException> _errors;
    private ImmutableDictionary<string, BoundTable> _tables = ImmutableDictionary<string, BoundTable>.Empty.WithComparers(StringComparer.Ordinal);

    private StatementBinder(BoundTable input, ExpressionPlaces places, int index, List<SqlErrorException> errors)
    {
        _input = input;
        _places = places;
        _index = index;
        _errors = errors;
    }

    /// <param name="input">What <c>{{ input }}</c> is.</param>
    public static BoundStatement? Bind(SelectStatement statement, BoundTable input, ExpressionPlaces places, int index, List<SqlErrorException> errors) =>
        new StatementBinder(input, places, index, errors).Bind(statement);

    private BoundStatement? Bind(SelectStatement statement, bool isFirst = true)
    {
        var before = _errors.Count;
        var outside = _tables;
        foreach (var common in statement.With)
        {
            if (Bind(common.Query) is { } query) _tables = _tables.SetItem(common.Name, TableOf(query, common.Name, common.Columns, common.Offset));
        }
        var bound = _errors.Count == before ? BindSelect(statement, isFirst) : null;
        foreach (var union in statement.Unions)
        {
            var added = Bind(union, isFirst: false);
            if (added is null || bound is null) bound = null;
            else Collect(_errors, () => bound = Uniting.Unite(bound, added, union.Offset));
        }
        _tables = outside;
        return _errors.Count == before ? bound : null;
    }

    /// <param name="isFirst">Whether the columns have their names from here, and not from a query before UNION ALL.</param>
    private BoundStatement? BindSelect(SelectStatement statement, bool isFirst)
    {
        if (FindTable(statement.From) is not { } table) return null;
        var branches = ImmutableArray.CreateBuilder<BoundBranch>();
        var unnamed = ImmutableArray.CreateBuilder<(string, ExpressionPlace)>();
        foreach (var rows in table.Branches)
        {
            unnamed.Clear();
            if (BindBranch(statement, rows, isFirst, unnamed) is { } branch) branches.Add(branch);
        }
        return branches.Count == table.Branches.Length ? new BoundStatement(branches.ToImmutable(), unnamed.ToImmutable()) : null;
    }

    private BoundBranch? BindBranch(SelectStatement statement, BoundTable.Rows rows, bool isFirst, ImmutableArray<(string, ExpressionPlace)>.Builder unnamed)
    {
        var before = _errors.Count;
        var scope = rows.Scope is null ? FromScope.Empty : new FromScope([(statement.From!.Alias, rows.Scope)]);
        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        steps.AddRange(rows.Steps);
        foreach (var join in statement.Joins) Collect(_errors, () => scope = Unnesting.Bind(join, scope, _places, _index, steps));
        var binder = new Binder(scope, _places, _index);
        var outputs = BindItems(statement, scope, binder, _index, unnamed, _errors);
        if (statement.Where is { } where) Collect(_errors, () => steps.Add(new PlanStep.Filter(binder.BindCondition(where, "WHERE"))));
        if (isFirst) CheckNames(statement, outputs, _errors);
        return _errors.Count == before ? new BoundBranch(steps.ToImmutable(), outputs, rows.HasInput) : null;
    }

    /// <summary>Null where its query is wrong. Of a table that does not exist the error is noted, and the input taken in its place.</summary>
    private BoundTable? FindTable(TableReference? from)
    {
        if (from is null) return BoundTable.Nothing;
        if (from.Query is { } query) return Bind(query) is { } bound ? TableOf(bound, from.Alias ?? "", from.Columns, from.Offset) : null;
        if (from.Name is not null && _tables.TryGetValue(from.Name, out var known)) return known;
        if (from.Name is not null && from.Name != _input.Name)
            _errors.Add(SqlErrorException.Wrong(from.Offset, $"There is no table '{from.Name}'{NearestName.Suggest(from.Name, _tables.Keys.Append(_input.Name))} This statement reads '{_input.Name}' (or {{{{ input }}}})."));
        return _input;
    }

    private BoundTable TableOf(BoundStatement query, string name, ImmutableArray<string> columns, int offset)
    {
        var count = query.Branches[0].Outputs.Length;
        if (columns.Length > 0 && columns.Length != count)
        {
            _errors.Add(SqlErrorException.Wrong(offset, $"The query has {Quantity.Of(count, "column")}, and {Quantity.Of(columns.Length, "name")} for them."));
            columns = [];
        }
        return query.AsTable(name, columns);
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
