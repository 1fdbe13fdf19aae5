using System.Text;

namespace Matih.Host.Output;

/// <summary>Rows in aligned columns, two spaces apart, under their names; also readable when piped on.</summary>
internal sealed class TextTable
{
    private readonly (string Name, bool IsNumber)[] _columns;
    private readonly List<string[]> _rows = [];

    /// <param name="columns">Column names; one that ends in <c>#</c> (not shown) holds numbers and is aligned right.</param>
    public TextTable(params ReadOnlySpan<string> columns)
    {
        _columns = new (string, bool)[columns.Length];
        for (var i = 0; i < columns.Length; i++) _columns[i] = (columns[i].TrimEnd('#'), columns[i].EndsWith('#'));
    }

    public int RowCount => _rows.Count;

    public void Add(params string[] cells)
    {
        if (cells.Length != _columns.Length) throw new ArgumentException($"{cells.Length} cells for {_columns.Length} columns.", nameof(cells));
        _rows.Add(cells);
    }

    public void WriteTo(TextWriter output, string indent = "")
    {
        foreach (var line in Lines()) output.WriteLine(indent + line);
    }

    /// <summary>The names, then the rows.</summary>
    public IReadOnlyList<string> Lines()
    {
        var widths = new int[_columns.Length];
        for (var i = 0; i < widths.Length; i++)
            widths[i] = _rows.Select(row => TextWidth.Of(row[i])).Append(TextWidth.Of(_columns[i].Name)).Max();
        return [.. _rows.Prepend([.. _columns.Select(column => column.Name)]).Select(row => Line(row, widths))];
    }

    private string Line(string[] cells, int[] widths)
    {
        var line = new StringBuilder();
        for (var i = 0; i < cells.Length; i++)
        {
            if (i > 0) line.Append("  ");
            var padding = widths[i] - TextWidth.Of(cells[i]);
            if (_columns[i].IsNumber) line.Append(' ', padding).Append(cells[i]);
            else line.Append(cells[i]).Append(' ', padding);
        }
        return line.ToString().TrimEnd();
    }
}
