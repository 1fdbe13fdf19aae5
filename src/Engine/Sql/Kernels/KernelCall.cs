using Matih.Batches;

namespace Matih.Sql.Kernels;

/// <summary>
/// One function call over the rows of a frame, as its kernel sees it: arguments to read, a result to append
/// <see cref="Count"/> rows to. Reused batch after batch; not thread-safe.
/// </summary>
internal sealed class KernelCall : IDisposable
{
    private readonly QueryContext _context;
    private readonly FixedColumn<byte> _combined;
    private Frame _frame = null!;

    public KernelCall(DataType resultType, int argumentCount, QueryContext context)
    {
        _context = context;
        Arguments = new Operand[argumentCount];
        Result = Column.Create(resultType, context.Account);
        _combined = new FixedColumn<byte>(new DataType.Boolean(), context.Account);
    }

    /// <summary>The arguments' values; most kernels read them through <see cref="Values"/> and <see cref="Bytes"/>.</summary>
    public Operand[] Arguments { get; }

    /// <summary>The column to append to; empty when the kernel starts.</summary>
    public Column Result { get; }

    /// <summary>Number of rows to append.</summary>
    public int Count { get; private set; }

    /// <summary>One byte a row, 0 where some argument is NULL; empty where none is.</summary>
    public ReadOnlySpan<byte> Validity => _combined.Count == 0 ? default : _combined.Values;

    /// <summary>The current time in microseconds since 1970-01-01 UTC; the same for every call of a batch.</summary>
    public long NowMicros => _context.NowMicros;

    /// <summary>The session's time zone.</summary>
    public TimeZoneInfo TimeZone => _context.TimeZone;

    /// <summary>What a kernel wants to keep from batch to batch (a compiled pattern, a buffer); its own, never shared.</summary>
    public object? State { get; set; }

    public ValueReader<T> Values<T>(int argument) where T : unmanaged =>
        new(((FixedColumn<T>)Arguments[argument].Column).Values, Arguments[argument].Mask);

    public BytesReader Bytes(int argument) => new((BytesColumn)Arguments[argument].Column, Arguments[argument].Mask);

    public ListReader Lists(int argument) => new((ListColumn)Arguments[argument].Column, Arguments[argument].Mask);

    public ListColumn ResultList => (ListColumn)Result;

    public FixedColumn<T> ResultOf<T>() where T : unmanaged => (FixedColumn<T>)Result;

    public BytesColumn ResultBytes => (BytesColumn)Result;

    /// <summary>Whether some argument of a strict kernel is NULL at the row.</summary>
    public bool IsNull(int row)
    {
        var validity = Validity;
        return !validity.IsEmpty && validity[row] == 0;
    }

    /// <summary>Rejects the row (its reason goes to the dead letters) and appends NULL in its place.</summary>
    public void Reject(int row, string reason)
    {
        _frame.Reject(row, reason);
        Result.AppendNull();
    }

    /// <summary>
    /// Appends what a value beyond the result's precision becomes: NULL, as in Flink; where the type has no NULL the row is
    /// rejected (Flink fails when it writes such a row).
    /// </summary>
    public void Overflow(int row)
    {
        if (Result.Type.IsNullable) Result.AppendNull();
        else Reject(row, $"The value does not fit {Result.Type}.");
    }

    internal Operand Run(Kernel kernel, Frame frame)
    {
        _frame = frame;
        Count = frame.Count;
        Result.Clear();
        _combined.Clear();
        if (kernel.IsStrict && !CombineValidity())
        {
            Result.AppendNull();
            return new Operand(Result, IsScalar: true);
        }
        kernel.Body(this);
        return new Operand(Result, IsScalar: false);
    }

    /// <summary>False where a scalar argument is NULL, so that every row is.</summary>
    private bool CombineValidity()
    {
        foreach (var argument in Arguments)
        {
            if (argument.Column.NullCount == 0) continue;
            if (argument.IsScalar) return false;
            var validity = argument.Column.Validity;
            if (_combined.Count == 0)
            {
                validity.CopyTo(_combined.AppendUninitialized(Count));
                continue;
            }
            var previous = _combined.Values;
            _combined.Clear();
            var target = _combined.AppendUninitialized(Count);
            for (var i = 0; i < target.Length; i++) target[i] = (byte)(previous[i] & validity[i]);
        }
        return true;
    }

    public void Dispose()
    {
        Result.Dispose();
        _combined.Dispose();
    }
}
