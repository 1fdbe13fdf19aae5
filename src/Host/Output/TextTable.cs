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
        var widths = new int[_columns.Length];
        for (var i = 0; i < widths.Length; i++)
            widths[i] = _rows.Select(row => Width(row[i])).Append(Width(_columns[i].Name)).Max();
        WriteRow(output, indent, [.. _columns.Select(column => column.Name)], widths);
        foreach (var row in _rows) WriteRow(output, indent, row, widths);
    }

    private void WriteRow(TextWriter output, string indent, string[] cells, int[] widths)
    {
        var line = new StringBuilder(indent);
        for (var i = 0; i < cells.Length; i++)
        {
            if (i > 0) line.Append("  ");
            var padding = widths[i] - Width(cells[i]);
            if (_columns[i].IsNumber) line.Append(' ', padding).Append(cells[i]);
            else line.Append(cells[i]).Append(' ', padding);
        }
        output.WriteLine(line.ToString().TrimEnd());
    }

    private static int Width(string cell) => cell.EnumerateRunes().Count();
}
