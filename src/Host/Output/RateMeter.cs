namespace Matih.Host.Output;

/// <summary>How fast a counter rises, over the last few seconds. Not thread-safe.</summary>
internal sealed class RateMeter(TimeProvider clock)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);
    private readonly Queue<(long Timestamp, long Count)> _samples = new();

    /// <summary>Notes the counter and gives its rise per second; 0 at the first call.</summary>
    public double Note(long count)
    {
        var now = clock.GetTimestamp();
        _samples.Enqueue((now, count));
        while (_samples.Count > 2 && clock.GetElapsedTime(_samples.Peek().Timestamp, now) > Window) _samples.Dequeue();
        var (start, before) = _samples.Peek();
        var seconds = clock.GetElapsedTime(start, now).TotalSeconds;
        return seconds <= 0 ? 0 : (count - before) / seconds;
    }
}
