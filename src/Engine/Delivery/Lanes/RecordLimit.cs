namespace Matih.Delivery.Lanes;

/// <summary>
/// Shares out a micro-batch's max_records among the lanes of one session. Nothing is reserved: a lane polls first and takes
/// what it got, so that a lane that waits for records keeps none from the others. Thread-safe, without locks.
/// </summary>
/// <param name="countMax">Records that all lanes together may take.</param>
/// <param name="laneCount">Lanes that share them.</param>
internal sealed class RecordLimit(long countMax, int laneCount)
{
    /// <summary>
    /// A poll gets at most this part of an equal share of what is left: the lane that polls last then still finds nearly as
    /// much as the first, and what idle lanes do not want goes to the others piece by piece.
    /// </summary>
    private const int PollsPerShare = 4;

    private const long Unbounded = long.MaxValue / 2;

    private long _left = countMax;
    private volatile bool _isSuspended;

    public static RecordLimit None() => new(Unbounded, 1);

    /// <summary>Whether there is a limit at all, so that records have to be counted against it.</summary>
    public bool IsBounded { get; } = countMax != Unbounded;

    /// <summary>While true nothing may be polled: reading rests until somebody has caught up.</summary>
    public bool IsSuspended
    {
        get => _isSuspended;
        set => _isSuspended = value;
    }

    /// <summary>How many of the wanted records a lane may poll now; 0 while reading rests, and when all were taken.</summary>
    public int PollMax(int wanted)
    {
        var left = Interlocked.Read(ref _left);
        if (_isSuspended || left <= 0) return 0;
        return (int)Math.Min(wanted, left / ((long)laneCount * PollsPerShare) + 1);
    }

    /// <summary>
    /// Takes polled records for good. Fewer are granted only where no more are left: the lane drops the others and has
    /// nothing to poll any more, so that its positions stay without a gap.
    /// </summary>
    public int Take(int polled)
    {
        while (true)
        {
            var left = Interlocked.Read(ref _left);
            var granted = (int)Math.Min(left, polled);
            if (granted <= 0) return 0;
            if (Interlocked.CompareExchange(ref _left, left - granted, left) == left) return granted;
        }
    }

    /// <summary>Whether as many records as allowed were taken.</summary>
    public bool IsReached => Interlocked.Read(ref _left) <= 0;
}
