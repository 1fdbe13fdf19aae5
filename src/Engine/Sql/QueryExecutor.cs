using Matih.Batches;
using Matih.Sql.Execution;
using Matih.Sql.Kernels;

namespace Matih.Sql;

/// <summary>
/// Runs a query over batches. Not thread-safe. Output columns belong to the executor, or are the input's own where every
/// row is kept; they are valid until the next call. Nothing is allocated per row.
/// </summary>
public sealed class QueryExecutor : IDisposable
{
    private readonly QueryPlan _plan;
    private readonly QueryContext _context;
    private readonly NodeBuilder _builder;
    private readonly Frame _root;
    private readonly (Node Condition, Frame Kept)[] _filters;
    private readonly Node[] _outputs;
    private readonly Column?[] _copies;
    private readonly FixedColumn<int> _survivors;

    internal QueryExecutor(QueryPlan plan, QueryContext context)
    {
        _plan = plan;
        _context = context;
        _builder = new NodeBuilder(context, plan.Inputs);
        var scope = _builder.CreateScope(null);
        _root = scope.Frame;
        _filters = new (Node, Frame)[plan.Filters.Length];
        for (var i = 0; i < _filters.Length; i++)
        {
            var condition = _builder.Build(plan.Filters[i], scope);
            scope = _builder.CreateScope(scope);
            _filters[i] = (condition, scope.Frame);
        }
        _outputs = [.. plan.Outputs.Select(output => _builder.Build(output, scope))];
        _copies = new Column?[_outputs.Length];
        _survivors = new FixedColumn<int>(new DataType.Int(), context.Account);
    }

    /// <summary>Rows of the last batch that a WHERE dropped.</summary>
    public int FilteredCount { get; private set; }

    /// <summary>
    /// Runs the query over a batch whose columns are those of <see cref="CompiledQuery.Inputs"/>, row i being row i of
    /// <paramref name="errors"/>. Rows left out there are not evaluated; rows that fail are rejected there.
    /// </summary>
    public ColumnBatch Execute(ColumnBatch input, RowErrors errors)
    {
        _context.Begin(input);
        _context.Errors = errors;
        FilteredCount = 0;
        FillRoot(input, errors);
        var frame = _root;
        foreach (var (condition, kept) in _filters)
        {
            var rejectedBefore = errors.Errors.Count;
            var operand = condition.Evaluate();
            Filter(frame, operand, kept, errors.Errors.Count != rejectedBefore ? errors : null);
            frame = kept;
        }
        return Project(frame, errors);
    }

    private void FillRoot(ColumnBatch input, RowErrors errors)
    {
        var count = _plan.HasInput ? input.Count : 1;
        if (!_plan.HasInput || !errors.IsAnyLeftOut)
        {
            _root.FillWhole(count);
            return;
        }
        _root.Begin();
        var leftOut = errors.LeftOut;
        for (var row = 0; row < count; row++)
            if (leftOut[row] == 0) _root.Add(row);
        _root.End(count);
    }

    /// <param name="rejected">Where rows were rejected by the condition itself (it may be TRUE all the same); null where none was.</param>
    private void Filter(Frame frame, Operand condition, Frame kept, RowErrors? rejected)
    {
        var truths = ((FixedColumn<byte>)condition.Column).Values;
        kept.Begin();
        for (var row = 0; row < frame.Count; row++)
        {
            if (rejected is not null && rejected.IsLeftOut(frame.InputRow(row))) continue;
            if (!condition.IsNull(row) && truths[row & condition.Mask] != 0) kept.Add(row);
            else FilteredCount++;
        }
        kept.End(frame.Count);
    }

    private ColumnBatch Project(Frame frame, RowErrors errors)
    {
        var rejectedBefore = errors.Errors.Count;
        var operands = new Operand[_outputs.Length];
        for (var i = 0; i < operands.Length; i++) operands[i] = _outputs[i].Evaluate();
        var isWhole = errors.Errors.Count == rejectedBefore;
        _survivors.Clear();
        if (!isWhole)
        {
            for (var row = 0; row < frame.Count; row++)
                if (!errors.IsLeftOut(frame.InputRow(row))) _survivors.Append(row);
        }
        var count = isWhole ? frame.Count : _survivors.Count;
        var columns = new Column[operands.Length];
        for (var i = 0; i < columns.Length; i++)
        {
            var (column, isScalar) = operands[i];
            columns[i] = isScalar ? Repeat(i, column, count) : isWhole ? column : Copy(i, column);
        }
        return new ColumnBatch(_plan.Output, columns, count);
    }

    private Column Repeat(int output, Column scalar, int count)
    {
        var copy = Begin(output, scalar);
        for (var row = 0; row < count; row++) copy.AppendRange(scalar, 0, 1);
        return copy;
    }

    private Column Copy(int output, Column column)
    {
        var copy = Begin(output, column);
        copy.AppendRows(column, _survivors.Values);
        return copy;
    }

    private Column Begin(int output, Column like)
    {
        var copy = _copies[output] ??= Column.Create(like.Type, _context.Account);
        copy.Clear();
        return copy;
    }

    public void Dispose()
    {
        _builder.Dispose();
        _survivors.Dispose();
        foreach (var copy in _copies) copy?.Dispose();
    }
}
