using Matih.Batches;
using Matih.Sql.Execution;
using Matih.Sql.Expressions;
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
    private readonly (PlanStep Step, Node Operand, Frame Kept, ElementNode? Element)[] _steps;
    private readonly Node[] _outputs;
    private readonly Column?[] _copies;
    private readonly FixedColumn<int> _survivors;
    private readonly bool _multiplies;

    internal QueryExecutor(QueryPlan plan, QueryContext context)
    {
        _plan = plan;
        _context = context;
        _builder = new NodeBuilder(context, plan.Inputs);
        var scope = _builder.CreateScope(null);
        _root = scope.Frame;
        _steps = new (PlanStep, Node, Frame, ElementNode?)[plan.Steps.Length];
        for (var i = 0; i < _steps.Length; i++)
        {
            var operand = _builder.Build(plan.Steps[i].Operand, scope);
            scope = _builder.CreateScope(scope);
            var element = plan.Steps[i] is PlanStep.Unnest unnest ? _builder.CreateElement(unnest, scope) : null;
            _steps[i] = (plan.Steps[i], operand, scope.Frame, element);
        }
        _outputs = [.. plan.Outputs.Select(output => _builder.Build(output, scope))];
        _copies = new Column?[_outputs.Length];
        _multiplies = plan.Steps.Any(step => step is PlanStep.Unnest);
        _survivors = new FixedColumn<int>(new DataType.Int(), context.Account);
    }

    /// <summary>Rows of the last batch that gave no row, and were not rejected: a WHERE dropped them, or an UNNEST found nothing in them.</summary>
    public int FilteredCount { get; private set; }

    /// <summary>Rows of the last batch that gave rows: as many as the rows that they gave, but for an UNNEST.</summary>
    public int ProducingCount { get; private set; }

    /// <summary>
    /// Runs the query over a batch whose columns are those of <see cref="CompiledQuery.Inputs"/>, row i being row i of
    /// <paramref name="errors"/>. Rows left out there are not evaluated; rows that fail are rejected there.
    /// </summary>
    public ColumnBatch Execute(ColumnBatch input, RowErrors errors)
    {
        _context.Begin(input);
        _context.Errors = errors;
        FillRoot(input, errors);
        var errorsBefore = errors.Errors.Count;
        var frame = _root;
        foreach (var (step, operand, kept, element) in _steps)
        {
            var rejectedBefore = errors.Errors.Count;
            var values = operand.Evaluate();
            // A row that the step's own expression has rejected goes no further, whatever its value.
            var rejected = errors.Errors.Count != rejectedBefore ? errors : null;
            if (step is PlanStep.Unnest unnest) element!.Fill(frame, values, unnest, rejected);
            else Filter(frame, values, kept, rejected);
            frame = kept;
        }
        var rows = Project(frame, errors);
        FilteredCount = _root.Count - (errors.Errors.Count - errorsBefore) - ProducingCount;
        return rows;
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
        }
        kept.End(frame.Count);
    }

    private ColumnBatch Project(Frame frame, RowErrors errors)
    {
        var rejectedBefore = errors.Errors.Count;
        var operands = new Operand[_outputs.Length];
        for (var i = 0; i < operands.Length; i++) operands[i] = _outputs[i].Evaluate();
        // An element that is rejected takes the record with it: none of its other elements may have become a row.
        var isWhole = errors.Errors.Count == rejectedBefore && !(_multiplies && errors.Errors.Count != 0);
        _survivors.Clear();
        if (!isWhole)
        {
            for (var row = 0; row < frame.Count; row++)
                if (!errors.IsLeftOut(frame.InputRow(row))) _survivors.Append(row);
        }
        var count = isWhole ? frame.Count : _survivors.Count;
        ProducingCount = _multiplies ? CountProducing(frame, isWhole) : count;
        var columns = new Column[operands.Length];
        for (var i = 0; i < columns.Length; i++)
        {
            var (column, isScalar) = operands[i];
            columns[i] = isScalar ? Repeat(i, column, count) : isWhole ? column : Copy(i, column);
        }
        return new ColumnBatch(_plan.Output, columns, count);
    }

    /// <summary>The rows of the batch that the frame's rows come from; those of one row are side by side.</summary>
    private int CountProducing(Frame frame, bool isWhole)
    {
        var (count, last) = (0, -1);
        for (var i = 0; i < (isWhole ? frame.Count : _survivors.Count); i++)
        {
            var row = frame.InputRow(isWhole ? i : _survivors.Values[i]);
            if (row != last) count++;
            last = row;
        }
        return count;
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
