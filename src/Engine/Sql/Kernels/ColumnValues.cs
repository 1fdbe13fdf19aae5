using Matih.Batches;
using Matih.Sql.Values;

namespace Matih.Sql.Kernels;

/// <summary>Single values of columns, of any type: copied, compared, hashed.</summary>
internal static class ColumnValues
{
    /// <summary>Appends the operand's value of a row, or NULL.</summary>
    public static void Append(Column target, Operand source, int row) => target.AppendRange(source.Column, row & source.Mask, 1);

    /// <summary>Appends the operand's values of all rows.</summary>
    public static void AppendAll(Column target, Operand source, int count)
    {
        if (!source.IsScalar)
        {
            target.AppendRange(source.Column, 0, count);
            return;
        }
        for (var row = 0; row < count; row++) target.AppendRange(source.Column, 0, 1);
    }

    /// <summary>Whether two values of one type are the same; NULL is the same as NULL, as Flink compares elements.</summary>
    public static bool AreSame(Column left, int leftRow, Column right, int rightRow)
    {
        if (left.IsNull(leftRow) || right.IsNull(rightRow)) return left.IsNull(leftRow) && right.IsNull(rightRow);
        switch (left)
        {
            case FixedColumn<byte> values: return values.Values[leftRow] == ((FixedColumn<byte>)right).Values[rightRow];
            case FixedColumn<int> values: return values.Values[leftRow] == ((FixedColumn<int>)right).Values[rightRow];
            case FixedColumn<long> values: return values.Values[leftRow] == ((FixedColumn<long>)right).Values[rightRow];
            case FixedColumn<Int128> values: return values.Values[leftRow] == ((FixedColumn<Int128>)right).Values[rightRow];
            case FixedColumn<float> values: return values.Values[leftRow].Equals(((FixedColumn<float>)right).Values[rightRow]);
            case FixedColumn<double> values: return values.Values[leftRow].Equals(((FixedColumn<double>)right).Values[rightRow]);
            case BytesColumn values: return values[leftRow].SequenceEqual(((BytesColumn)right)[rightRow]);
            case RowColumn rows:
                var others = (RowColumn)right;
                for (var i = 0; i < rows.Fields.Length; i++)
                    if (!AreSame(rows.Fields[i], leftRow, others.Fields[i], rightRow)) return false;
                return true;
            case ListColumn lists when lists.Type is DataType.Map: return AreSameMaps(lists, leftRow, (ListColumn)right, rightRow);
            default: return AreSameArrays((ListColumn)left, leftRow, (ListColumn)right, rightRow);
        }
    }

    private static bool AreSameArrays(ListColumn left, int leftRow, ListColumn right, int rightRow)
    {
        if (left.LengthOf(leftRow) != right.LengthOf(rightRow)) return false;
        for (var i = 0; i < left.LengthOf(leftRow); i++)
            if (!AreSame(left.Elements, left.StartOf(leftRow) + i, right.Elements, right.StartOf(rightRow) + i)) return false;
        return true;
    }

    /// <summary>Whether two maps have the same entries, in any order.</summary>
    private static bool AreSameMaps(ListColumn left, int leftRow, ListColumn right, int rightRow)
    {
        if (left.LengthOf(leftRow) != right.LengthOf(rightRow)) return false;
        var (leftEntries, rightEntries) = ((RowColumn)left.Elements, (RowColumn)right.Elements);
        for (var i = left.StartOf(leftRow); i < left.StartOf(leftRow) + left.LengthOf(leftRow); i++)
        {
            var other = FindKey(right, rightRow, leftEntries.Fields[0], i);
            if (other < 0 || !AreSame(leftEntries.Fields[1], i, rightEntries.Fields[1], other)) return false;
        }
        return true;
    }

    /// <summary>Where the map's entry of that key is among the entries of all rows, or -1.</summary>
    public static int FindKey(ListColumn map, int mapRow, Column key, int keyRow)
    {
        var keys = ((RowColumn)map.Elements).Fields[0];
        var start = map.StartOf(mapRow);
        for (var i = start; i < start + map.LengthOf(mapRow); i++)
            if (AreSame(keys, i, key, keyRow)) return i;
        return -1;
    }

    /// <summary>The order of two values that are not NULL, of a type that has one: strings by UTF-16 code units, NaN last.</summary>
    public static int Compare(Column left, int leftRow, Column right, int rightRow, bool isText) => left switch
    {
        FixedColumn<byte> values => values.Values[leftRow].CompareTo(((FixedColumn<byte>)right).Values[rightRow]),
        FixedColumn<int> values => values.Values[leftRow].CompareTo(((FixedColumn<int>)right).Values[rightRow]),
        FixedColumn<long> values => values.Values[leftRow].CompareTo(((FixedColumn<long>)right).Values[rightRow]),
        FixedColumn<Int128> values => values.Values[leftRow].CompareTo(((FixedColumn<Int128>)right).Values[rightRow]),
        FixedColumn<float> values => CompareNumbers(values.Values[leftRow], ((FixedColumn<float>)right).Values[rightRow]),
        FixedColumn<double> values => CompareNumbers(values.Values[leftRow], ((FixedColumn<double>)right).Values[rightRow]),
        BytesColumn values when isText => TextOrder.Compare(values[leftRow], ((BytesColumn)right)[rightRow]),
        BytesColumn values => values[leftRow].SequenceCompareTo(((BytesColumn)right)[rightRow]),
        _ => throw new InvalidOperationException($"{left.Type.Name} has no order."),
    };

    private static int CompareNumbers(double left, double right) =>
        double.IsNaN(left) || double.IsNaN(right) ? double.IsNaN(left).CompareTo(double.IsNaN(right)) : left.CompareTo(right);

    /// <summary>A hash that is the same for values that are the same.</summary>
    public static int Hash(Column column, int row)
    {
        if (column.IsNull(row)) return 0;
        switch (column)
        {
            case FixedColumn<byte> values: return values.Values[row] + 1;
            case FixedColumn<int> values: return values.Values[row].GetHashCode();
            case FixedColumn<long> values: return values.Values[row].GetHashCode();
            case FixedColumn<Int128> values: return values.Values[row].GetHashCode();
            case FixedColumn<float> values: return values.Values[row].GetHashCode();
            case FixedColumn<double> values: return values.Values[row].GetHashCode();
            case BytesColumn values:
                var bytes = new HashCode();
                bytes.AddBytes(values[row]);
                return bytes.ToHashCode();
            case RowColumn rows:
                var hash = 17;
                foreach (var field in rows.Fields) hash = HashCode.Combine(hash, Hash(field, row));
                return hash;
            default:
                var list = (ListColumn)column;
                var sum = list.LengthOf(row);
                // A map's entries have no order, so that theirs must not count.
                for (var i = 0; i < list.LengthOf(row); i++)
                {
                    var element = Hash(list.Elements, list.StartOf(row) + i);
                    sum = list.Type is DataType.Map ? sum + element : HashCode.Combine(sum, element);
                }
                return sum;
        }
    }
}

/// <summary>The distinct values of one row's elements, in the order in which they came. Reused row after row.</summary>
internal sealed class ValueSet
{
    private readonly List<(Column Column, int Row, int Hash)> _values = [];
    private int[] _slots = new int[16];

    public int Count => _values.Count;

    public void Clear()
    {
        _values.Clear();
        Array.Clear(_slots);
    }

    /// <summary>The position of a value, or -1.</summary>
    public int Find(Column column, int row)
    {
        var hash = ColumnValues.Hash(column, row);
        for (var slot = SlotOf(hash); _slots[slot] != 0; slot = (slot + 1) & (_slots.Length - 1))
        {
            var (known, knownRow, knownHash) = _values[_slots[slot] - 1];
            if (knownHash == hash && ColumnValues.AreSame(known, knownRow, column, row)) return _slots[slot] - 1;
        }
        return -1;
    }

    /// <summary>Adds a value; false where it is there already.</summary>
    public bool Add(Column column, int row)
    {
        if (Find(column, row) >= 0) return false;
        _values.Add((column, row, ColumnValues.Hash(column, row)));
        if (_values.Count * 2 > _slots.Length)
        {
            _slots = new int[_slots.Length * 2];
            for (var i = 0; i < _values.Count; i++) Enter(i);
        }
        else Enter(_values.Count - 1);
        return true;
    }

    public void AppendTo(Column target, int index) => target.AppendRange(_values[index].Column, _values[index].Row, 1);

    private void Enter(int index)
    {
        var slot = SlotOf(_values[index].Hash);
        while (_slots[slot] != 0) slot = (slot + 1) & (_slots.Length - 1);
        _slots[slot] = index + 1;
    }

    private int SlotOf(int hash) => (int)((uint)hash * 2654435769u >> 7) & (_slots.Length - 1);
}

/// <summary>Collects the entries of one map; of a key that comes twice the last value counts, at the first one's place. Reused row after row.</summary>
internal sealed class MapEntries
{
    private readonly ValueSet _keys = new();
    private readonly List<(Column Column, int Row)> _values = [];

    public void Clear()
    {
        _keys.Clear();
        _values.Clear();
    }

    public void Add(Column key, int keyRow, Column value, int valueRow)
    {
        if (_keys.Add(key, keyRow)) _values.Add((value, valueRow));
        else _values[_keys.Find(key, keyRow)] = (value, valueRow);
    }

    /// <summary>Appends the map as a row.</summary>
    public void AppendTo(ListColumn target)
    {
        var entries = (RowColumn)target.Elements;
        for (var i = 0; i < _keys.Count; i++)
        {
            _keys.AppendTo(entries.Fields[0], i);
            entries.Fields[1].AppendRange(_values[i].Column, _values[i].Row, 1);
            entries.EndRow();
        }
        target.EndRow();
    }
}
