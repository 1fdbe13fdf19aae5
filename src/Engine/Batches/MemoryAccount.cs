namespace Matih.Batches;

/// <summary>
/// Counts the bytes of all buffers of a run against one ceiling. Thread-safe. Charging never blocks and never fails:
/// the owner of a loop asks <see cref="IsScarce"/> between batches, stops polling and flushes its largest writers.
/// </summary>
public sealed class MemoryAccount(long ceilingBytes)
{
    private long _usedBytes;
    private long _peakBytes;

    public long CeilingBytes { get; } = ceilingBytes;
    public long UsedBytes => Interlocked.Read(ref _usedBytes);
    public long PeakBytes => Interlocked.Read(ref _peakBytes);
    /// <summary>
    /// Five eighths are taken. The rest is for what batches under way still need, so that the ceiling holds: two lanes that
    /// reached the mark at the same moment were seen to take 27 % of the ceiling more (batches of 1/32 each, there as columns
    /// twice, and as growing pages and dictionaries).
    /// </summary>
    public bool IsScarce => UsedBytes >= CeilingBytes / 8 * 5;

    /// <summary>Adds bytes that a buffer grew by; negative gives them back.</summary>
    public void Charge(long bytes)
    {
        var used = Interlocked.Add(ref _usedBytes, bytes);
        var peak = Interlocked.Read(ref _peakBytes);
        while (used > peak)
        {
            var seen = Interlocked.CompareExchange(ref _peakBytes, used, peak);
            if (seen == peak) return;
            peak = seen;
        }
    }

    /// <summary>An account without a ceiling, for tests and tools.</summary>
    public static MemoryAccount Unlimited() => new(long.MaxValue);
}
