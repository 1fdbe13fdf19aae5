using System.Collections.Immutable;
using Matih.Sql.Expressions;
using Matih.Sql.Syntax;

namespace Matih.Sql.Binding;

/// <summary>What names mean in a statement: the columns of its table, and those of what it is joined with.</summary>
/// <param name="Tables">Each with its alias, if it has one.</param>
internal sealed record FromScope(ImmutableArray<(string? Alias, NameScope Scope)> Tables)
{
    /// <summary>That of a statement without FROM.</summary>
    public static FromScope Empty { get; } = new(ImmutableArray<(string? Alias, NameScope Scope)>.Empty);

    /// <summary>Whether headers['name'] is available.</summary>
    public bool HasHeaders => Tables.Any(table => table.Scope.HasHeaders);

    public IEnumerable<string> TableNames => Tables.Select(NameOf).Where(name => name.Length != 0);

    public IEnumerable<string> ColumnNames => Tables.SelectMany(table => table.Scope.Names);

    /// <summary>The table of that name, or null.</summary>
    public NameScope? FindTable(string name) => Tables.FirstOrDefault(table => NameOf(table) == name).Scope;

    /// <summary>The column of that name, or null.</summary>
    /// <exception cref="SqlErrorException">Two tables have one.</exception>
    public Expression? Find(string name, int offset)
    {
        Expression? found = null;
        foreach (var (_, scope) in Tables)
        {
            if (scope.Find(name) is not { } column) continue;
            // What a row has of itself, such as its offset, gives way to a column.
            if (found is not null && !scope.IsHidden(name))
                throw SqlErrorException.Wrong(offset, $"The column '{name}' is in several tables; put the table's name before it: {string.Join(" or ", Tables.Where(table => table.Scope.Find(name) is not null).Select(table => $"{NameOf(table)}.{name}"))}.");
            found ??= column;
        }
        return found;
    }

    /// <summary>The tables whose columns * or t.* stands for.</summary>
    public IEnumerable<NameScope> Expand(SelectItem item)
    {
        if (item.Table is null) return Tables.Select(table => table.Scope);
        return FindTable(item.Table) is { } table
            ? [table]
            : throw SqlErrorException.Wrong(item.Offset, $"There is no table '{item.Table}'{NearestName.Suggest(item.Table, TableNames)}");
    }

    private static string NameOf((string? Alias, NameScope Scope) table) => table.Alias ?? table.Scope.Table;
}
