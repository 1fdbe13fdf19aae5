using Matih.Batches;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;

namespace Matih.Sql.Execution;

/// <summary>
/// An expression made executable over one frame. It keeps its result until the frame is refilled, so that expressions
/// written twice are evaluated once.
/// </summary>
internal abstract class Node(Frame frame) : IDisposable
{
    private long _version = -2;
    private Operand _result;

    protected Frame Frame { get; } = frame;

    /// <summary>The values for the frame's current rows; valid until the frame is refilled.</summary>
    public Operand Evaluate()
    {
        if (_version == Frame.Version) return _result;
        _result = Compute();
        _version = Frame.Version;
        return _result;
    }

    protected abstract Operand Compute();

    public virtual void Dispose() { }
}

/// <summary>A column of the batch.</summary>
internal sealed class InputNode(Frame frame, int index) : Node(frame)
{
    protected override Operand Compute() => new(Frame.Input(index), IsScalar: false);
}

/// <summary>A constant.</summary>
internal sealed class LiteralNode : Node
{
    private readonly Column _column;

    public LiteralNode(Frame frame, Constant constant, MemoryAccount account) : base(frame)
    {
        _column = Column.Create(constant.Type, account);
        constant.AppendTo(_column);
    }

    protected override Operand Compute() => new(_column, IsScalar: true);

    public override void Dispose() => _column.Dispose();
}

/// <summary>What the parent frame has evaluated for all its rows, at this frame's rows.</summary>
internal sealed class CarriedNode(Frame frame, Node source, DataType type, MemoryAccount account) : Node(frame)
{
    private readonly Column _column = Column.Create(type, account);

    protected override Operand Compute()
    {
        var operand = source.Evaluate();
        if (operand.IsScalar || Frame.IsWholeParent) return operand;
        _column.Clear();
        _column.AppendRows(operand.Column, Frame.RowsInParent);
        return new Operand(_column, IsScalar: false);
    }

    public override void Dispose() => _column.Dispose();
}

/// <summary>The operand's own values: another type of the same layout.</summary>
internal sealed class RetypeNode(Frame frame, Node operand) : Node(frame)
{
    protected override Operand Compute() => operand.Evaluate();
}

/// <summary>A field of rows: the field's own column, in which NULL rows are NULL.</summary>
internal sealed class FieldNode(Frame frame, Node row, int index) : Node(frame)
{
    protected override Operand Compute()
    {
        var operand = row.Evaluate();
        return operand with { Column = ((RowColumn)operand.Column).Fields[index] };
    }
}

/// <summary>A kernel over its arguments.</summary>
internal sealed class ApplyNode : Node
{
    private readonly Node[] _arguments;
    private readonly KernelCall _call;
    private readonly Kernel _kernel;

    public ApplyNode(Frame frame, Expression.Apply apply, Node[] arguments, QueryContext context) : base(frame)
    {
        _arguments = arguments;
        _kernel = apply.Kernel;
        _call = new KernelCall(apply.Type, arguments.Length, context);
    }

    protected override Operand Compute()
    {
        for (var i = 0; i < _arguments.Length; i++) _call.Arguments[i] = _arguments[i].Evaluate();
        return _call.Run(_kernel, Frame);
    }

    public override void Dispose() => _call.Dispose();
}
