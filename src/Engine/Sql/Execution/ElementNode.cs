using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Execution;

/// <summary>The elements of an UNNEST, one for each row of its frame, which it fills.</summary>
internal sealed class ElementNode : Node
{
    private const int None = -1;

    private readonly FixedColumn<int> _places;
    private readonly Column _column;
    private Operand _list;
    private bool _isWhole;

    /// <param name="frame">The rows that UNNEST gives.</param>
    /// <param name="type">That of an element, or NULL.</param>
    public ElementNode(Frame frame, DataType type, MemoryAccount account) : base(frame)
    {
        _places = new FixedColumn<int>(new DataType.Int(), account);
        _column = Column.Create(type, account);
    }

    /// <summary>Fills the frame with a row for each element of the parent's rows.</summary>
    /// <param name="rejected">Where rows were rejected while the list was evaluated; null where none was.</param>
    public void Fill(Frame parent, Operand list, PlanStep.Unnest unnest, RowErrors? rejected)
    {
        _list = list;
        _places.Clear();
        var lists = (ListColumn)list.Column;
        Frame.Begin();
        for (var row = 0; row < parent.Count; row++)
        {
            if (rejected is not null && rejected.IsLeftOut(parent.InputRow(row))) continue;
            var before = _places.Count;
            var start = lists.StartOf(row & list.Mask);
            for (var place = start; place < start + lists.LengthOf(row & list.Mask); place++)
                if (!unnest.SkipsNull || !lists.Elements.IsNull(place)) Add(row, place);
            if (unnest.KeepsEmpty && _places.Count == before) Add(row, None);
        }
        Frame.EndRepeated();
        _isWhole = !list.IsScalar && IsWhole(_places.Values, lists.Elements.Count);
    }

    private void Add(int row, int place)
    {
        Frame.Add(row);
        _places.Append(place);
    }

    private static bool IsWhole(ReadOnlySpan<int> places, int count)
    {
        if (places.Length != count) return false;
        for (var i = 0; i < places.Length; i++)
            if (places[i] != i) return false;
        return true;
    }

    protected override Operand Compute()
    {
        var elements = ((ListColumn)_list.Column).Elements;
        if (_isWhole) return new Operand(elements, IsScalar: false);
        _column.Clear();
        var places = _places.Values;
        while (!places.IsEmpty)
        {
            var end = places.IndexOf(None);
            if (end < 0) end = places.Length;
            _column.AppendRows(elements, places[..end]);
            places = places[end..];
            if (places.IsEmpty) break;
            _column.AppendNull();
            places = places[1..];
        }
        return new Operand(_column, IsScalar: false);
    }

    public override void Dispose()
    {
        _places.Dispose();
        _column.Dispose();
    }
}
