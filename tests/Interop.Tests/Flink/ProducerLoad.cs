namespace Matih.Interop.Tests.Flink;

/// <summary>Produces batch after batch until it is stopped; disposing it stops it as well.</summary>
/// <param name="produce">Produces the batch of that number, from 0, and waits for its delivery.</param>
internal sealed class ProducerLoad : IAsyncDisposable
{
    /// <summary>Records of a batch.</summary>
    public const int Batch = 50;

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _producing;
    private volatile int _batchCount;
    private TaskCompletionSource _produced = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ProducerLoad(Func<int, Task> produce) => _producing = Task.Run(async () =>
    {
        while (!_stop.IsCancellationRequested)
        {
            await produce(_batchCount);
            _batchCount++;
            Interlocked.Exchange(ref _produced, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
            // About a thousand records a second.
            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
    });

    public long Count => (long)_batchCount * Batch;

    /// <summary>Waits until that many are produced in all.</summary>
    public async Task ReachAsync(long count)
    {
        while (true)
        {
            var produced = Volatile.Read(ref _produced).Task;
            if (Count >= count) return;
            await await Task.WhenAny(produced, _producing);
        }
    }

    /// <summary>Waits until that many more are produced.</summary>
    public Task MoreAsync(long count) => ReachAsync(Count + count);

    /// <summary>Ends; the result is how many were produced.</summary>
    public async Task<long> StopAsync()
    {
        await _stop.CancelAsync();
        await _producing;
        return Count;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }
}
