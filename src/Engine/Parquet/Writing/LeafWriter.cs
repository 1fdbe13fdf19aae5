using Matih.Batches;

namespace Matih.Parquet.Writing;

/// <summary>
/// Writes one leaf of a file out of the batch column that it lies in. A top-level column goes to its chunk as it is; of nested
/// ones the rows are taken apart into values and levels first. Fields of rows are found by their names.
/// </summary>
/// <remarks>Source: parquet-format, README.md, "Nested Encoding".</remarks>
internal sealed class LeafWriter(ParquetLeaf leaf, WriterContext context) : IDisposable
{
    /// <summary>Stands for a field of a row that the batch does not have: NULL.</summary>
    private const int Absent = -1;

    private readonly NestedSlice? _slice = leaf.IsFlat ? null : new NestedSlice(context.Ledger);
    private readonly int[] _fields = new int[leaf.Nodes.Length];

    public ChunkWriter Chunk { get; } = Bindings.CreateWriter(leaf, context);

    public int Root => leaf.Root;

    /// <summary>Prepares for batches whose top-level column has this type.</summary>
    /// <exception cref="ArgumentException">The type cannot be written to the column.</exception>
    public void Bind(DataType type)
    {
        for (var i = 0; i < leaf.Nodes.Length; i++)
        {
            var node = leaf.Nodes[i];
            switch (node.Kind)
            {
                case LeafNodeKind.Value:
                    if (type.Layout is Layout.List or Layout.Row) throw Bindings.Mismatch(Chunk.Column, type);
                    Chunk.Bind(type);
                    break;
                case LeafNodeKind.List:
                    if (type.Layout != Layout.List) throw Bindings.Mismatch(Chunk.Column, type);
                    type = type.ElementType();
                    break;
                default:
                    if (type is not DataType.Row row) throw Bindings.Mismatch(Chunk.Column, type);
                    _fields[i] = row.Type.IndexOf(node.Name);
                    if (_fields[i] < 0)
                    {
                        _fields[i] = Absent;
                        if (!leaf.Nodes[i + 1].IsOptional) throw new ArgumentException($"Column '{Chunk.Column.Name}' of the Parquet file is required, and the batch's {type} has no field '{node.Name}'.");
                        return;
                    }
                    type = row.Type[_fields[i]].Type;
                    break;
            }
        }
    }

    /// <summary>Refuses rows that cannot be written.</summary>
    /// <exception cref="InvalidOperationException">Names the column and the row.</exception>
    public void Check(Column source, RowSelection rows, long fileRow)
    {
        if (_slice is null)
        {
            Chunk.Check(source, rows, fileRow);
            return;
        }
        if (Leaf(source) is { } values) CheckValues(source, values, rows, fileRow);
        if (leaf.Nodes.Any(node => !node.IsOptional))
            for (var i = 0; i < rows.Count; i++) CheckRequired(0, source, rows[i], rows[i], fileRow + i);
    }

    /// <summary>All values at once; only where one cannot be written is it looked for which row it belongs to, if to one of these.</summary>
    private void CheckValues(Column source, Column values, RowSelection rows, long fileRow)
    {
        if (Chunk.FindRefused(values, new RowSelection(0, values.Count), out _) < 0) return;
        for (var i = 0; i < rows.Count; i++)
        {
            var (start, end) = PlacesOf(source, rows[i]);
            if (Chunk.FindRefused(values, new RowSelection(start, end - start), out var fault) >= 0) throw Chunk.Refused(rows[i], fileRow + i, fault);
        }
    }

    /// <summary>Where a row's values lie in the column of values.</summary>
    private (int Start, int End) PlacesOf(Column source, int row)
    {
        var (start, end) = (row, row + 1);
        for (var i = 0; i < leaf.Nodes.Length - 1; i++)
        {
            if (leaf.Nodes[i].Kind == LeafNodeKind.Struct)
            {
                source = ((RowColumn)source).Fields[_fields[i]];
                continue;
            }
            var list = (ListColumn)source;
            (start, end, source) = (list.Offsets[start], list.Offsets[end], list.Elements);
        }
        return (start, end);
    }

    private void CheckRequired(int depth, Column column, int place, int row, long fileRow)
    {
        var node = leaf.Nodes[depth];
        if (column.IsNull(place))
        {
            if (!node.IsOptional) throw Chunk.RefusedNull(row, fileRow);
            return;
        }
        switch (node.Kind)
        {
            case LeafNodeKind.Struct when _fields[depth] != Absent:
                CheckRequired(depth + 1, ((RowColumn)column).Fields[_fields[depth]], place, row, fileRow);
                break;
            case LeafNodeKind.List:
                var list = (ListColumn)column;
                for (var i = list.StartOf(place); i < list.StartOf(place) + list.LengthOf(place); i++) CheckRequired(depth + 1, list.Elements, i, row, fileRow);
                break;
        }
    }

    /// <summary>Takes rows that <see cref="Check"/> has let through.</summary>
    public void Append(Column source, RowSelection rows)
    {
        if (_slice is null)
        {
            Chunk.Append(source, rows);
            return;
        }
        // Without a column of values there are none: any column will do.
        var values = Leaf(source) ?? source;
        for (var start = 0; start < rows.Count; start += NestedSlice.RowsMax)
        {
            _slice.Clear();
            var end = Math.Min(rows.Count, start + NestedSlice.RowsMax);
            for (var i = start; i < end; i++)
            {
                Shred(0, source, rows[i], 0);
                _slice.EndRow();
            }
            for (var row = 0; row < _slice.RowCount;)
            {
                var count = Chunk.FitNested(values, _slice, row);
                Chunk.AppendNested(values, _slice, row, count);
                row += count;
            }
        }
    }

    private void Shred(int depth, Column column, int place, int repetition)
    {
        var node = leaf.Nodes[depth];
        if (column.IsNull(place))
        {
            _slice!.AddMissing(repetition, node.PresentAt - 1);
            return;
        }
        switch (node.Kind)
        {
            case LeafNodeKind.Value:
                _slice!.AddValue(repetition, node.PresentAt, place);
                break;
            case LeafNodeKind.Struct:
                if (_fields[depth] == Absent) _slice!.AddMissing(repetition, node.PresentAt);
                else Shred(depth + 1, ((RowColumn)column).Fields[_fields[depth]], place, repetition);
                break;
            default:
                var list = (ListColumn)column;
                var (start, length) = (list.StartOf(place), list.LengthOf(place));
                if (length == 0) _slice!.AddMissing(repetition, node.PresentAt);
                for (var i = 0; i < length; i++) Shred(depth + 1, list.Elements, start + i, i == 0 ? repetition : node.RepeatedAt);
                break;
        }
    }

    /// <summary>The column of values below a top-level one; null where the batch lacks a field on the way.</summary>
    private Column? Leaf(Column source)
    {
        for (var i = 0; i < leaf.Nodes.Length - 1; i++)
        {
            if (leaf.Nodes[i].Kind == LeafNodeKind.List) source = ((ListColumn)source).Elements;
            else if (_fields[i] == Absent) return null;
            else source = ((RowColumn)source).Fields[_fields[i]];
        }
        return source;
    }

    public void Dispose()
    {
        Chunk.Dispose();
        _slice?.Dispose();
    }
}
