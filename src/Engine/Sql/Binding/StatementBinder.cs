using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Syntax;

namespace Matih.Sql.Binding;

/// <summary>A statement whose every name is resolved, as expressions over the source.</summary>
/// <param name="Steps">UNNESTs and the conditions of WHERE, those of the queries within it first.</param>
/// <param name="Unnamed">The outputs that have no name but the one that Flink makes up, and where their expressions stand.</param>
internal sealed record BoundStatement(
    ImmutableArray<PlanStep> Steps, ImmutableArray<(string Name, Expression Value)> Outputs, bool HasInput, ImmutableArray<(string Name, ExpressionPlace Place)> Unnamed);

/// <summary>Pass: binds one statement; errors of its entries are collected, so that all are reported at once.</summary>
internal sealed class StatementBinder
{
    private readonly NameScope _input;
    private readonly ExpressionPlaces _places;
    private readonly int _index;
    private readonly List<SqlErrorException> _errors;
    private ImmutableDictionary<string, Table> _tables = ImmutableDictionary<string, Table>.Empty.WithComparers(StringComparer.Ordinal);

    private StatementBinder(NameScope input, ExpressionPlaces places, int index, List<SqlErrorException> errors)
    {
        _input = input;
        _places = places;
        _index = index;
        _errors = errors;
    }

    /// <summary>What a FROM reads: its columns, and which rows there are.</summary>
    private sealed record Table(NameScope? Scope, ImmutableArray<PlanStep> Steps, bool HasInput);

    /// <param name="input">What <c>{{ input }}</c> is.</param>
    public static BoundStatement? Bind(SelectStatement statement, NameScope input, ExpressionPlaces places, int index, List<SqlErrorException> errors) =>
        new StatementBinder(input, places, index, errors).Bind(statement);

    private BoundStatement? Bind(SelectStatement statement)
    {
        var before = _errors.Count;
        var outside = _tables;
        foreach (var common in statement.With)
        {
            if (Bind(common.Query) is { } query) _tables = _tables.SetItem(common.Name, TableOf(query, common.Name, common.Columns, common.Offset));
        }
        var table = _errors.Count > before ? null : FindTable(statement.From);
        if (table is null)
        {
            _tables = outside;
            return null;
        }
        var scope = table.Scope is null ? FromScope.Empty : new FromScope([(statement.From!.Alias, table.Scope)]);
        var steps = ImmutableArray.CreateBuilder<PlanStep>();
        steps.AddRange(table.Steps);
        foreach (var join in statement.Joins) Collect(_errors, () => scope = Unnesting.Bind(join, scope, _places, _index, steps));
        var binder = new Binder(scope, _places, _index);
        var unnamed = ImmutableArray.CreateBuilder<(string, ExpressionPlace)>();
        var outputs = BindItems(statement, scope, binder, _index, unnamed, _errors);
        if (statement.Where is { } where) Collect(_errors, () => steps.Add(new PlanStep.Filter(binder.BindCondition(where, "WHERE"))));
        CheckNames(statement, outputs, _errors);
        _tables = outside;
        return _errors.Count == before ? new BoundStatement(steps.ToImmutable(), outputs, table.HasInput, unnamed.ToImmutable()) : null;
    }

    /// <summary>Null where its query is wrong. Of a table that does not exist the error is noted, and the input taken in its place.</summary>
    private Table? FindTable(TableReference? from)
    {
        if (from is null) return new Table(null, [], HasInput: false);
        if (from.Query is { } query) return Bind(query) is { } bound ? TableOf(bound, from.Alias ?? "", from.Columns, from.Offset) : null;
        if (from.Name is not null && _tables.TryGetValue(from.Name, out var known)) return known;
        if (from.Name is not null && from.Name != _input.Table)
            _errors.Add(SqlErrorException.Wrong(from.Offset, $"There is no table '{from.Name}'{NearestName.Suggest(from.Name, _tables.Keys.Append(_input.Table))} This statement reads '{_input.Table}' (or {{{{ input }}}})."));
        return new Table(_input, [], HasInput: true);
    }

    private Table TableOf(BoundStatement query, string name, ImmutableArray<string> columns, int offset)
    {
        var outputs = query.Outputs;
        if (columns.Length > 0 && columns.Length != outputs.Length)
            _errors.Add(SqlErrorException.Wrong(offset, $"The query has {Quantity.Of(outputs.Length, "column")}, and {Quantity.Of(columns.Length, "name")} for them."));
        else if (columns.Length > 0)
            outputs = [.. columns.Zip(outputs, (column, output) => (column, output.Value))];
        var unnamed = columns.Length > 0 ? [] : query.Unnamed;
        return new Table(new NameScope(name, outputs, ImmutableDictionary<string, Expression>.Empty, false) { Unnamed = unnamed }, query.Steps, query.HasInput);
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
