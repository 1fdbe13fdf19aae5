namespace Matih.Delivery;

/// <summary>Shares out a micro-batch's max_records among lanes. Thread-safe.</summary>
internal sealed class RecordLimit
{
    private readonly long _countMax;
    private long _left;
    private long _usedCount;
    private volatile bool _isSuspended;

    public RecordLimit(long countMax) => (_countMax, _left) = (countMax, countMax);

    public static RecordLimit None() => new(long.MaxValue / 2);

    /// <summary>While true nothing can be reserved: reading rests until somebody has caught up.</summary>
    public bool IsSuspended
    {
        get => _isSuspended;
        set => _isSuspended = value;
    }

    /// <summary>Reserves up to <paramref name="wanted"/> records; 0 when all are reserved or used.</summary>
    public int Reserve(int wanted)
    {
        while (!_isSuspended)
        {
            var left = Interlocked.Read(ref _left);
            var granted = (int)Math.Min(left, wanted);
            if (granted <= 0) return 0;
            if (Interlocked.CompareExchange(ref _left, left - granted, left) == left) return granted;
        }
        return 0;
    }

    /// <summary>Says how many of the reserved records a poll gave; the others can be reserved again.</summary>
    public void Settle(int reserved, int used)
    {
        Interlocked.Add(ref _left, reserved - used);
        Interlocked.Add(ref _usedCount, used);
    }

    /// <summary>Whether as many records as allowed were read.</summary>
    public bool IsReached => Interlocked.Read(ref _usedCount) >= _countMax;
}
