using Matih.Storage;

namespace Matih.Engine.Tests.Storage;

public sealed class ReadAheadTests
{
    private readonly RequestedReads _reads = new();

    [Fact]
    public async Task Results_come_in_the_order_of_the_items_whatever_order_the_answers_have()
    {
        var reading = ReadAsync(Enumerable.Range(0, 5));

        foreach (var item in (int[])[4, 2, 0, 1, 3]) _reads.Answer(item);

        Assert.Equal([0, 1, 2, 3, 4], await reading);
    }

    [Fact]
    public async Task As_many_run_at_once_as_may_and_the_next_begins_when_the_caller_takes_one()
    {
        var reading = ReadAsync(Enumerable.Range(0, 40));

        Assert.Equal(ReadAhead.CountMax, _reads.Running.Count);
        _reads.Answer(1);
        Assert.Equal(ReadAhead.CountMax - 1, _reads.Running.Count);
        _reads.Answer(0);
        Assert.Equal(ReadAhead.CountMax, _reads.Running.Count);
        for (var item = 2; item < 40; item++) _reads.Answer(item);

        Assert.Equal(Enumerable.Range(0, 40), await reading);
    }

    [Fact]
    public async Task Large_objects_are_read_by_fewer_at_once_and_one_that_is_too_large_alone()
    {
        long[] bytes = [ReadAhead.BytesMax / 2, ReadAhead.BytesMax / 2, 1, ReadAhead.BytesMax + 1, -5];

        var reading = ReadAsync(Enumerable.Range(0, bytes.Length), item => bytes[item]);

        Assert.Equal([0, 1], _reads.Running);
        _reads.Answer(0);
        Assert.Equal([1, 2], _reads.Running);
        _reads.Answer(1);
        Assert.Equal([2], _reads.Running);
        _reads.Answer(2);
        Assert.Equal([3], _reads.Running);
        _reads.Answer(3);
        _reads.Answer(4);
        Assert.Equal([0, 1, 2, 3, 4], await reading);
    }

    [Fact]
    public async Task The_failure_of_the_first_item_that_has_one_ends_all_and_the_others_are_cancelled()
    {
        var reading = ReadAsync(Enumerable.Range(0, 6));

        _reads.Fail(3, "third");
        _reads.Fail(2, "second");
        Assert.False(reading.IsCompleted);
        _reads.Answer(0);
        _reads.Answer(1);

        Assert.Equal("second", (await Assert.ThrowsAsync<IOException>(() => reading)).Message);
        Assert.Equal([4, 5], _reads.Cancelled);
        Assert.Empty(_reads.Running);
    }

    [Fact]
    public async Task A_caller_that_stops_early_leaves_no_read_running()
    {
        var items = Enumerable.Range(0, 6).ReadAheadAsync(_ => 0, _reads.ReadAsync, default).GetAsyncEnumerator(default);
        var first = items.MoveNextAsync();
        _reads.Answer(0);
        Assert.True(await first);

        await items.DisposeAsync();

        Assert.Equal([1, 2, 3, 4, 5], _reads.Cancelled);
    }

    [Fact]
    public async Task A_cancelled_caller_ends_at_once()
    {
        using var stop = new CancellationTokenSource();
        var reading = ReadAsync(Enumerable.Range(0, 3), cancellationToken: stop.Token);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Equal([0, 1, 2], _reads.Cancelled);
    }

    private async Task<List<int>> ReadAsync(IEnumerable<int> items, Func<int, long>? bytesOf = null, CancellationToken cancellationToken = default)
    {
        var results = new List<int>();
        await foreach (var item in items.ReadAheadAsync(bytesOf ?? (_ => 0), _reads.ReadAsync, cancellationToken)) results.Add(item);
        return results;
    }

    /// <summary>Reads that are answered when the test says so, and whose callers continue at once.</summary>
    private sealed class RequestedReads
    {
        private readonly SortedDictionary<int, TaskCompletionSource<int>> _running = [];

        public IReadOnlyCollection<int> Running => _running.Keys;

        public List<int> Cancelled { get; } = [];

        public async ValueTask<int> ReadAsync(int item, CancellationToken cancellationToken)
        {
            var answer = new TaskCompletionSource<int>();
            _running.Add(item, answer);
            using var registration = cancellationToken.Register(() =>
            {
                Cancelled.Add(item);
                Cancelled.Sort();
                Take(item).TrySetCanceled(cancellationToken);
            });
            return await answer.Task;
        }

        public void Answer(int item) => Take(item).SetResult(item);

        public void Fail(int item, string message) => Take(item).SetException(new IOException(message));

        private TaskCompletionSource<int> Take(int item)
        {
            _running.Remove(item, out var answer);
            return answer!;
        }
    }
}
