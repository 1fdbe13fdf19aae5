using System.Collections.Concurrent;
using Matih.Storage;

namespace Matih.Engine.Tests.Storage;

/// <summary>
/// A store far away: each request takes one round trip, and those that are sent together take it together. It counts the round
/// trips of work that is run on one thread, without a clock.
/// </summary>
internal sealed class RoundTripStore(IStore inner) : IStore
{
    private readonly WorkThread _thread = new();
    private readonly List<TaskCompletionSource> _waiting = [];
    private int _answering;

    /// <summary>Round trips that followed one another.</summary>
    public int RoundTripCount { get; private set; }

    public int RequestCount { get; private set; }

    /// <summary>The most requests that were under way at the same time.</summary>
    public int TogetherMax { get; private set; }

    /// <summary>Requests that nobody has awaited to their end.</summary>
    public int OpenCount => _waiting.Count + _answering;

    /// <summary>Runs work that waits for nothing but the store. It answers when everything waits for it.</summary>
    public T Run<T>(Func<Task<T>> work)
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(_thread);
        try
        {
            var result = work();
            while (!result.IsCompleted)
            {
                if (_thread.RunNext(waits: _answering > 0)) continue;
                Assert.NotEmpty(_waiting);
                RoundTripCount++;
                TogetherMax = Math.Max(TogetherMax, _waiting.Count);
                TaskCompletionSource[] sent = [.. _waiting];
                _waiting.Clear();
                _answering += sent.Length;
                foreach (var request in sent) request.TrySetResult();
            }
            return result.GetAwaiter().GetResult();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private async ValueTask<T> SendAsync<T>(Func<ValueTask<T>> answer, CancellationToken cancellationToken)
    {
        RequestCount++;
        var turn = new TaskCompletionSource();
        _waiting.Add(turn);
        await using (cancellationToken.Register(() =>
        {
            if (_waiting.Remove(turn)) turn.TrySetCanceled(cancellationToken);
        }))
        {
            await turn.Task;
        }
        try
        {
            return await answer();
        }
        finally
        {
            _answering--;
        }
    }

    public ValueTask<byte[]?> ReadAsync(string location, CancellationToken cancellationToken) => SendAsync(() => inner.ReadAsync(location, cancellationToken), cancellationToken);

    public ValueTask<byte[]> ReadRangeAsync(string location, long offset, int count, CancellationToken cancellationToken) =>
        SendAsync(() => inner.ReadRangeAsync(location, offset, count, cancellationToken), cancellationToken);

    public ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken) => SendAsync(() => inner.LengthAsync(location, cancellationToken), cancellationToken);

    public async IAsyncEnumerable<StoredObject> ListAsync(string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var page = await SendAsync(async () => await inner.ListAsync(prefix, cancellationToken).ToListAsync(cancellationToken), cancellationToken);
        foreach (var item in page) yield return item;
    }

    public ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        SendAsync(() => inner.PutIfAbsentAsync(location, content, cancellationToken), cancellationToken);

    public async ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => await SendAsync(async () =>
    {
        await inner.PutAsync(location, content, cancellationToken);
        return true;
    }, cancellationToken);

    public async ValueTask DeleteAsync(string location, CancellationToken cancellationToken) => await SendAsync(async () =>
    {
        await inner.DeleteAsync(location, cancellationToken);
        return true;
    }, cancellationToken);

    /// <summary>What is written is not counted.</summary>
    public ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken) => inner.CreateAsync(location, cancellationToken);

    private sealed class WorkThread : SynchronizationContext
    {
        private readonly BlockingCollection<(SendOrPostCallback Callback, object? State)> _work = [];

        public override void Post(SendOrPostCallback d, object? state) => _work.Add((d, state));

        public bool RunNext(bool waits)
        {
            if (!_work.TryTake(out var next, waits ? Timeout.Infinite : 0)) return false;
            next.Callback(next.State);
            return true;
        }
    }
}
