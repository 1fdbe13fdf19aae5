using System.Collections.Immutable;
using System.Text.Json;
using Matih.Batches;
using Matih.Definition;

namespace Matih.Host.Testing;

/// <summary>Rows as texts of some columns of a table.</summary>
/// <param name="Columns">The columns compared, as indexes into the table's.</param>
/// <param name="Rows">Rows as cells of these columns.</param>
internal sealed record ExpectedRows(ImmutableArray<int> Columns, IReadOnlyList<string[]> Rows)
{
    private const string Null = "NULL";

    /// <summary>Reads rows, and reports columns that there are not and values that are none of their types.</summary>
    /// <param name="source">The rows' own key, where an error is about all of them.</param>
    public static ExpectedRows Read(IReadOnlyList<TestRow> rows, RowType type, (DefinitionPosition Position, string Path) source, List<DefinitionError> errors)
    {
        var names = type.Fields.Select(field => field.Name).ToList();
        var named = new SortedSet<int>();
        var read = new List<Dictionary<int, string>>();
        foreach (var row in rows)
        {
            var cells = new Dictionary<int, string>();
            foreach (var value in row.Values)
            {
                var column = names.IndexOf(value.Column);
                if (column < 0)
                {
                    errors.Add(At(value.Position, value.Path, $"there is no column '{value.Column}'{NearestName.Suggest(value.Column, names)} The table gets {string.Join(", ", names)}."));
                    continue;
                }
                using var json = JsonDocument.Parse(value.Json);
                if (ValueText.TryWrite(type[column].Type, json.RootElement, out var text)) cells[column] = text;
                else errors.Add(At(value.Position, value.Path, text));
                named.Add(column);
            }
            read.Add(cells);
        }
        if (rows.Count != 0 && rows.All(row => row.Values.IsEmpty)) errors.Add(At(source.Position, source.Path, $"no row names a column. The table gets {string.Join(", ", names)}."));
        ImmutableArray<int> columns = [.. named];
        return new ExpectedRows(columns, [.. read.Select(cells => columns.Select(column => cells.GetValueOrDefault(column, Null)).ToArray())]);
    }

    /// <summary>The same columns of rows that a query gave.</summary>
    /// <param name="rows">A JSON array of arrays.</param>
    public List<string[]> Of(RowType type, ReadOnlyMemory<byte> rows)
    {
        using var found = JsonDocument.Parse(rows);
        // Without a column there are no rows to compare with, and every one that was found is shown whole.
        var columns = Columns.IsEmpty ? [.. Enumerable.Range(0, type.Count)] : Columns;
        return [.. found.RootElement.EnumerateArray().Select(row => columns.Select(column =>
            ValueText.TryWrite(type[column].Type, row[column], out var text) ? text : row[column].GetRawText()).ToArray())];
    }

    public static DefinitionError At(DefinitionPosition position, string path, string message) => new(position.File, position.Line, position.Column, path, message);
}
