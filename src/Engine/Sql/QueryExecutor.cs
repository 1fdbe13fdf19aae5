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
    private readonly List<StepRun> _steps = [];
    private readonly BranchRun[] _branches;
    private readonly Column?[] _copies;
    private readonly bool _multiplies;
    private byte[] _producing = [];

    internal QueryExecutor(QueryPlan plan, QueryContext context)
    {
        _plan = plan;
        _context = context;
        _builder = new NodeBuilder(context, plan.Inputs);
        var root = _builder.CreateScope(null);
        _root = root.Frame;
        var known = new Dictionary<(Scope, string), Scope>();
        _branches = [.. plan.Branches.Select(branch =>
        {
            var scope = branch.Steps.Aggregate(root, (from, step) => ScopeBehind(step, from, known));
            return new BranchRun(scope.Frame, [.. branch.Outputs.Select(output => _builder.Build(output, scope))], new FixedColumn<int>(new DataType.Int(), context.Account));
        })];
        _copies = new Column?[plan.Output.Count];
        _multiplies = plan.Branches.Length > 1 || plan.Branches[0].Steps.Any(step => step is PlanStep.Unnest);
    }

    /// <summary>Steps that branches begin with in common are taken once.</summary>
    private Scope ScopeBehind(PlanStep step, Scope from, Dictionary<(Scope, string), Scope> known)
    {
        var key = (from, $"{(step as PlanStep.Unnest)?.Number} {_builder.IdentityOf(step.Operand)}");
        if (known.TryGetValue(key, out var behind)) return behind;
        var operand = _builder.Build(step.Operand, from);
        behind = known[key] = _builder.CreateScope(from);
        _steps.Add(new StepRun(step, operand, from.Frame, behind.Frame, step is PlanStep.Unnest unnest ? _builder.CreateElement(unnest, behind) : null));
        return behind;
    }

    /// <summary>A step with the rows that come to it and those that pass.</summary>
    private sealed record StepRun(PlanStep Step, Node Operand, Frame From, Frame Kept, ElementNode? Element);

    /// <summary>The end of a branch: its rows, its outputs, and which of the rows stay when all outputs are computed.</summary>
    private sealed record BranchRun(Frame Frame, Node[] Outputs, FixedColumn<int> Survivors)
    {
        /// <summary>Whether every row stays.</summary>
        public bool IsWhole { get; set; }

        public int Count => IsWhole ? Frame.Count : Survivors.Count;

        /// <summary>The position in the batch of the record that a row comes from.</summary>
        public int InputRow(int i) => Frame.InputRow(IsWhole ? i : Survivors.Values[i]);
    }

    /// <summary>Rows of the last batch that gave no row, and were not rejected: a WHERE dropped them, or an UNNEST found nothing in them.</summary>
    public int FilteredCount { get; private set; }

    /// <summary>Rows of the last batch that gave rows: as many as the rows that they gave, but for an UNNEST or a UNION ALL.</summary>
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
        foreach (var (step, operand, from, kept, element) in _steps)
        {
            var rejectedBefore = errors.Errors.Count;
            var values = operand.Evaluate();
            // A row that the step's own expression has rejected goes no further, whatever its value.
            var rejected = errors.Errors.Count != rejectedBefore ? errors : null;
            if (step is PlanStep.Unnest unnest) element!.Fill(from, values, unnest, rejected);
            else Filter(from, values, kept, rejected);
        }
        var rows = Project(input.Count, errors);
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

    private ColumnBatch Project(int inputCount, RowErrors errors)
    {
        var rejectedBefore = errors.Errors.Count;
        var operands = new Operand[_branches.Length][];
        for (var i = 0; i < operands.Length; i++) operands[i] = [.. _branches[i].Outputs.Select(output => output.Evaluate())];
        // A row that is rejected takes the record with it: none of its other rows may stay.
        var isWhole = errors.Errors.Count == rejectedBefore && !(_multiplies && errors.Errors.Count != 0);
        var count = 0;
        foreach (var branch in _branches)
        {
            branch.IsWhole = isWhole;
            branch.Survivors.Clear();
            for (var row = 0; !isWhole && row < branch.Frame.Count; row++)
                if (!errors.IsLeftOut(branch.Frame.InputRow(row))) branch.Survivors.Append(row);
            count += branch.Count;
        }
        ProducingCount = _multiplies ? CountProducing(inputCount) : count;
        return new ColumnBatch(_plan.Output, _branches.Length == 1 ? Columns(_branches[0], operands[0]) : Concatenate(operands), count);
    }

    private Column[] Columns(BranchRun branch, Operand[] operands)
    {
        var columns = new Column[operands.Length];
        for (var i = 0; i < columns.Length; i++)
        {
            var (column, isScalar) = operands[i];
            columns[i] = isScalar || !branch.IsWhole ? Append(Begin(i, column), branch, operands[i]) : column;
        }
        return columns;
    }

    /// <summary>The rows of all branches, one branch after the other.</summary>
    private Column[] Concatenate(Operand[][] operands)
    {
        var columns = new Column[_copies.Length];
        for (var i = 0; i < columns.Length; i++)
        {
            columns[i] = Begin(i, operands[0][i].Column);
            for (var branch = 0; branch < operands.Length; branch++) Append(columns[i], _branches[branch], operands[branch][i]);
        }
        return columns;
    }

    private static Column Append(Column copy, BranchRun branch, Operand operand)
    {
        if (operand.IsScalar)
            for (var row = 0; row < branch.Count; row++) copy.AppendRange(operand.Column, 0, 1);
        else if (branch.IsWhole) copy.AppendRange(operand.Column, 0, branch.Count);
        else copy.AppendRows(operand.Column, branch.Survivors.Values);
        return copy;
    }

    /// <summary>The records of the batch that gave rows, each counted once.</summary>
    private int CountProducing(int inputCount)
    {
        if (_producing.Length < Math.Max(1, inputCount)) _producing = new byte[Math.Max(1, inputCount)];
        else _producing.AsSpan().Clear();
        var count = 0;
        foreach (var branch in _branches)
        {
            for (var i = 0; i < branch.Count; i++)
            {
                ref var isCounted = ref _producing[branch.InputRow(i)];
                if (isCounted == 0) count++;
                isCounted = 1;
            }
        }
        return count;
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
        foreach (var branch in _branches) branch.Survivors.Dispose();
        foreach (var copy in _copies) copy?.Dispose();
    }
}
