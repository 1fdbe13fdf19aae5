using Matih.Batches;
using Matih.Sql.Kernels;

namespace Matih.Sql.Execution;

/// <summary>A condition of CASE with its value; a frame where only the rows that reach it may evaluate it.</summary>
internal sealed record ChoiceBranch(Node? When, Frame? WhenReached, Node Then, Frame? ThenReached);

/// <summary>
/// CASE: conditions are asked in order, each for the rows that none before took; a branch's value is evaluated for the
/// rows that took it. The last branch has no condition (ELSE).
/// </summary>
internal sealed class ChoiceNode : Node
{
    private readonly ChoiceBranch[] _branches;
    private readonly FixedColumn<int> _taken;
    private readonly Operand[] _values;
    private readonly int[] _next;
    private readonly Column _result;

    public ChoiceNode(Frame frame, ChoiceBranch[] branches, DataType type, QueryContext context) : base(frame)
    {
        _branches = branches;
        _taken = new FixedColumn<int>(new DataType.Int(), context.Account);
        _values = new Operand[branches.Length];
        _next = new int[branches.Length];
        _result = Column.Create(type, context.Account);
    }

    protected override Operand Compute()
    {
        _taken.Clear();
        var taken = _taken.AppendUninitialized(Frame.Count);
        taken.Fill(-1);
        var undecided = taken.Length;
        for (var i = 0; i < _branches.Length; i++)
        {
            var count = undecided == 0 ? 0 : Take(_branches[i], i, taken, undecided);
            undecided -= count;
            EvaluateValue(i, taken, count);
        }
        Merge(taken);
        return new Operand(_result, IsScalar: false);
    }

    /// <summary>Marks the rows that take the branch, and counts them.</summary>
    private int Take(ChoiceBranch branch, int index, Span<int> taken, int undecided)
    {
        if (branch.When is null)
        {
            taken.Replace(-1, index);
            return undecided;
        }
        var reached = branch.WhenReached;
        if (reached is not null)
        {
            reached.Begin();
            for (var row = 0; row < taken.Length; row++)
                if (taken[row] < 0) reached.Add(row);
            reached.End(taken.Length);
        }
        var operand = branch.When.Evaluate();
        var values = ((FixedColumn<byte>)operand.Column).Values;
        var isAll = reached is null || reached.IsWholeParent;
        var count = 0;
        var length = isAll ? taken.Length : reached!.Count;
        for (var i = 0; i < length; i++)
        {
            var row = isAll ? i : reached!.RowsInParent[i];
            if (taken[row] >= 0 || operand.IsNull(i) || values[i & operand.Mask] == 0) continue;
            taken[row] = index;
            count++;
        }
        return count;
    }

    private void EvaluateValue(int index, ReadOnlySpan<int> taken, int count)
    {
        _next[index] = 0;
        if (count == 0) return;
        var branch = _branches[index];
        if (branch.ThenReached is { } reached)
        {
            reached.Begin();
            for (var row = 0; row < taken.Length; row++)
                if (taken[row] == index) reached.Add(row);
            reached.End(taken.Length);
        }
        _values[index] = branch.Then.Evaluate();
    }

    private void Merge(ReadOnlySpan<int> taken)
    {
        _result.Clear();
        switch (_result)
        {
            case FixedColumn<byte> column: MergeFixed(column, taken); break;
            case FixedColumn<int> column: MergeFixed(column, taken); break;
            case FixedColumn<long> column: MergeFixed(column, taken); break;
            case FixedColumn<Int128> column: MergeFixed(column, taken); break;
            case FixedColumn<float> column: MergeFixed(column, taken); break;
            case FixedColumn<double> column: MergeFixed(column, taken); break;
            case BytesColumn column:
                for (var row = 0; row < taken.Length; row++)
                {
                    var (operand, at) = Place(taken[row], row);
                    if (operand.IsNull(at)) column.AppendNull();
                    else column.Append(((BytesColumn)operand.Column)[at & operand.Mask]);
                }
                break;
            default:
                for (var row = 0; row < taken.Length; row++)
                {
                    var (operand, at) = Place(taken[row], row);
                    _result.AppendRange(operand.Column, at & operand.Mask, 1);
                }
                break;
        }
    }

    private void MergeFixed<T>(FixedColumn<T> column, ReadOnlySpan<int> taken) where T : unmanaged
    {
        for (var row = 0; row < taken.Length; row++)
        {
            var (operand, at) = Place(taken[row], row);
            if (operand.IsNull(at)) column.AppendNull();
            else column.Append(((FixedColumn<T>)operand.Column).Values[at & operand.Mask]);
        }
    }

    /// <summary>Where the value of a row is: at the row's own place, or at the next one of the branch's frame.</summary>
    private (Operand Operand, int At) Place(int branch, int row) =>
        (_values[branch], _branches[branch].ThenReached is null ? row : _next[branch]++);

    public override void Dispose()
    {
        _taken.Dispose();
        _result.Dispose();
    }
}
