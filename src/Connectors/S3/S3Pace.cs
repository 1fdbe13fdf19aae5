namespace Matih.Connectors.S3;

/// <summary>
/// How many requests of a store are under way at a time: half as many once the store asks to slow down, and one more after as
/// many successes as there may be requests. Thread-safe.
/// </summary>
internal sealed class S3Pace(TimeProvider clock) : IDisposable
{
    /// <summary>Many requests that were sent together are refused together, and count as one sign.</summary>
    private static readonly TimeSpan SignMin = TimeSpan.FromSeconds(1);

    /// <summary>More would only wait for each other in the network.</summary>
    public const int RequestsMax = 64;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _free = new(RequestsMax);
    private long? _slowedAt;
    private int _limit = RequestsMax;
    private int _surplus;
    private int _successCount;

    public int Limit => _limit;

    public Task EnterAsync(CancellationToken cancellationToken) => _free.WaitAsync(cancellationToken);

    public void Leave(bool isThrottled)
    {
        lock (_lock)
        {
            if (isThrottled) Slow();
            else if (++_successCount >= _limit) Quicken();
            if (_surplus > 0) _surplus--;
            else _free.Release();
        }
    }

    public void Dispose() => _free.Dispose();

    private void Slow()
    {
        _successCount = 0;
        if (_slowedAt is { } before && clock.GetElapsedTime(before) < SignMin) return;
        _slowedAt = clock.GetTimestamp();
        var less = _limit / 2;
        _limit -= less;
        _surplus += less;
        // What nobody holds is taken at once, and the rest when it is given back.
        while (_surplus > 0 && _free.Wait(0, CancellationToken.None)) _surplus--;
    }

    private void Quicken()
    {
        _successCount = 0;
        if (_limit == RequestsMax) return;
        _limit++;
        if (_surplus > 0) _surplus--;
        else _free.Release();
    }
}
