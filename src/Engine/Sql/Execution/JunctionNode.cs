using Matih.Batches;
using Matih.Sql.Kernels;

namespace Matih.Sql.Execution;

/// <summary>
/// AND or OR in three-valued logic. An operand with a frame of its own is evaluated only for the rows that the operands
/// before leave undecided (they may guard it against errors); the others over all rows.
/// </summary>
internal sealed class JunctionNode(Frame frame, bool isAnd, (Node Node, Frame? Reached)[] operands, QueryContext context) : Node(frame)
{
    private const byte Unknown = 2;

    // FALSE decides an AND, TRUE an OR.
    private readonly byte _decided = isAnd ? (byte)0 : (byte)1;
    private readonly FixedColumn<byte> _state = new(new DataType.Boolean(), context.Account);
    private readonly FixedColumn<byte> _result = new(new DataType.Boolean(), context.Account);

    protected override Operand Compute()
    {
        _state.Clear();
        var state = _state.AppendUninitialized(Frame.Count);
        state.Fill((byte)(1 - _decided));
        foreach (var (node, reached) in operands)
        {
            if (reached is null) Combine(state, node.Evaluate(), default, isAll: true);
            else if (Reach(reached, state)) Combine(state, node.Evaluate(), reached.RowsInParent, reached.IsWholeParent);
            else break;
        }
        return Emit(state);
    }

    private bool Reach(Frame reached, ReadOnlySpan<byte> state)
    {
        reached.Begin();
        for (var i = 0; i < state.Length; i++)
            if (state[i] != _decided) reached.Add(i);
        reached.End(state.Length);
        return reached.Count > 0;
    }

    private void Combine(Span<byte> state, Operand operand, ReadOnlySpan<int> rows, bool isAll)
    {
        var values = ((FixedColumn<byte>)operand.Column).Values;
        var mask = operand.Mask;
        var hasNulls = operand.Column.NullCount != 0;
        var count = isAll ? state.Length : rows.Length;
        for (var i = 0; i < count; i++)
        {
            var row = isAll ? i : rows[i];
            if (state[row] == _decided) continue;
            if (hasNulls && operand.IsNull(i)) state[row] = Unknown;
            else if (values[i & mask] == _decided) state[row] = _decided;
        }
    }

    private Operand Emit(ReadOnlySpan<byte> state)
    {
        _result.Clear();
        if (!state.Contains(Unknown))
        {
            state.CopyTo(_result.AppendUninitialized(state.Length));
            return new Operand(_result, IsScalar: false);
        }
        foreach (var truth in state)
        {
            if (truth == Unknown) _result.AppendNull();
            else _result.Append(truth);
        }
        return new Operand(_result, IsScalar: false);
    }

    public override void Dispose()
    {
        _state.Dispose();
        _result.Dispose();
    }
}
