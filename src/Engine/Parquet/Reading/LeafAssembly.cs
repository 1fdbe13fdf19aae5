using System.Collections.Immutable;
using Matih.Batches;

namespace Matih.Parquet.Reading;

/// <summary>
/// Puts the values of one leaf at their places in a nested batch column. Each leaf fills its own column; the rows, lists and
/// maps around it are filled by the first leaf below them, with which the others must agree.
/// </summary>
/// <remarks>Source: parquet-format, README.md, "Nested Encoding".</remarks>
internal sealed class LeafAssembly
{
    private readonly ParquetLeaf _leaf;
    private readonly ImmutableArray<LeafNode> _nodes;
    private readonly Column[] _columns;
    private readonly bool[] _isOwner;
    private readonly int[] _places;
    private readonly int[] _elementsLeft;
    private readonly ValueSink _sink;
    private bool _hasRow;

    /// <param name="target">The column of the leaf's top-level column.</param>
    /// <param name="firstRow">The rows that the target had before this row group.</param>
    /// <param name="before">The leaf before it in the file, with which it may share groups; null for the first.</param>
    public LeafAssembly(ParquetLeaf leaf, StoredColumn stored, Column target, int firstRow, ParquetLeaf? before)
    {
        _leaf = leaf;
        _nodes = leaf.Nodes;
        _columns = new Column[_nodes.Length];
        _isOwner = new bool[_nodes.Length];
        _places = new int[_nodes.Length];
        _elementsLeft = new int[_nodes.Length];
        var isShared = before is not null && before.Root == leaf.Root;
        for (var i = 0; i < _nodes.Length; i++)
        {
            _columns[i] = target;
            _isOwner[i] = !isShared;
            _places[i] = firstRow;
            // Of what the first leaf has filled, the rows before this row group end where the list before it does.
            if (isShared && target is ListColumn filled) firstRow = filled.Offsets[firstRow];
            isShared = isShared && i < before!.Nodes.Length && before.Nodes[i] == _nodes[i];
            target = _nodes[i].Kind switch
            {
                LeafNodeKind.List => ((ListColumn)target).Elements,
                LeafNodeKind.Struct => ((RowColumn)target).Fields[_nodes[i].Index],
                _ => target,
            };
        }
        _sink = new ValueSink(leaf.Named, stored, _columns[^1]);
    }

    /// <summary>Appends a page's entries.</summary>
    /// <param name="values">Values, or the dictionary that the indices refer to; null where no entry has one.</param>
    public void Append(PageValues? values, int[]? indices, int[]? repetitions, int[]? definitions, int count)
    {
        var next = 0;
        for (var i = 0; i < count; i++)
        {
            var definition = definitions is null ? 0 : definitions[i];
            var start = repetitions is null ? 0 : StartOf(repetitions[i]);
            if (!Descend(start, definition)) continue;
            _sink.Append(values!, indices is null ? next : indices[next]);
            next++;
        }
    }

    /// <summary>The node that an entry begins at: the top for a new row, else the element of the list that goes on.</summary>
    private int StartOf(int repetition)
    {
        if (repetition == 0)
        {
            _hasRow = true;
            return 0;
        }
        if (!_hasRow) throw new InvalidDataException("A column chunk begins within a row.");
        for (var i = 0; i < _nodes.Length; i++)
        {
            if (_nodes[i].RepeatedAt != repetition) continue;
            if (_isOwner[i]) ((ListColumn)_columns[i]).Extend();
            else if (--_elementsLeft[i] < 0) throw Disagrees();
            return i + 1;
        }
        throw new InvalidDataException($"No list repeats at level {repetition}.");
    }

    /// <summary>Appends what the entry says of each node; true where it has a value.</summary>
    private bool Descend(int from, int definition)
    {
        for (var i = from; i < _nodes.Length; i++)
        {
            ref readonly var node = ref _nodes.ItemRef(i);
            var isNull = definition < node.PresentAt;
            switch (node.Kind)
            {
                case LeafNodeKind.Value:
                    if (isNull) _columns[i].AppendNull();
                    return !isNull;
                case LeafNodeKind.List:
                    var list = (ListColumn)_columns[i];
                    if (!_isOwner[i]) Compare(i, list, isNull, hasElement: definition >= node.ElementAt);
                    else if (isNull) list.AppendNull();
                    else list.AppendEmpty();
                    if (definition < node.ElementAt) return false;
                    if (_isOwner[i]) list.Extend();
                    break;
                default:
                    if (!_isOwner[i])
                    {
                        if (_places[i] >= _columns[i].Count || _columns[i].IsNull(_places[i]++) != isNull) throw Disagrees();
                    }
                    else if (isNull) ((RowColumn)_columns[i]).EndNull();
                    else ((RowColumn)_columns[i]).EndRow();
                    break;
            }
        }
        throw new InvalidOperationException($"The way to {_leaf.Name} ends at no value.");
    }

    /// <summary>Refuses a list that the first leaf below it saw otherwise.</summary>
    private void Compare(int node, ListColumn list, bool isNull, bool hasElement)
    {
        var place = _places[node]++;
        if (_elementsLeft[node] != 0 || place >= list.Count || list.IsNull(place) != isNull || list.LengthOf(place) > 0 != hasElement) throw Disagrees();
        _elementsLeft[node] = Math.Max(0, list.LengthOf(place) - 1);
    }

    private InvalidDataException Disagrees() => new($"The leaf '{_leaf.Name}' disagrees with the one before it about the groups around them.");
}
