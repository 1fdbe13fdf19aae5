using System.Collections.Concurrent;
using Matih.Hosting;

namespace Matih.Engine.Tests.Hosting;

public sealed class SystemTaskStarterTests
{
    private readonly SystemTaskStarter _tasks = new();

    [Fact]
    public async Task Work_has_a_thread_of_its_own_and_comes_back_to_it_after_every_wait()
    {
        var threads = new List<Thread>();

        var isPooled = true;
        await _tasks.Start("work", async token =>
        {
            threads.Add(Thread.CurrentThread);
            // A thread that has ended does not say what it was.
            isPooled = Thread.CurrentThread.IsThreadPoolThread;
            await ElsewhereAsync(token);
            threads.Add(Thread.CurrentThread);
            await InnerAsync(token);
            threads.Add(Thread.CurrentThread);
            await Task.WhenAll(InnerAsync(token), InnerAsync(token));
            threads.Add(Thread.CurrentThread);
            await Task.Yield();
            threads.Add(Thread.CurrentThread);
        }, default);

        Assert.Equal(8, threads.Count);
        Assert.Single(threads.Distinct());
        Assert.False(isPooled);

        async Task InnerAsync(CancellationToken token)
        {
            await ElsewhereAsync(token);
            await Task.Yield();
            // Two at once run by turns on the one thread, so that the list needs no lock.
            threads.Add(Thread.CurrentThread);
        }
    }

    /// <summary>As the answer of a socket does: what waits is continued from a thread of the pool.</summary>
    private static Task ElsewhereAsync(CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource();
        ThreadPool.QueueUserWorkItem(_ => answer.SetResult());
        return answer.Task.WaitAsync(cancellationToken);
    }

    [Fact]
    public async Task While_work_blocks_its_other_continuations_wait_and_nobody_else_does()
    {
        var order = new ConcurrentQueue<string>();
        using var blocked = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        var work = _tasks.Start("work", async _ =>
        {
            var beside = BesideAsync();
            blocked.Set();
            release.Wait();
            order.Enqueue("released");
            await beside;
        }, default);
        blocked.Wait();
        answer.SetResult();
        await _tasks.Start("other", async token =>
        {
            await ElsewhereAsync(token);
            order.Enqueue("other");
        }, default);
        release.Set();
        await work;

        Assert.Equal(["other", "released", "beside"], order);

        async Task BesideAsync()
        {
            await answer.Task;
            order.Enqueue("beside");
        }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task What_work_throws_ends_its_task(bool waitsBefore, bool cancels)
    {
        using var stop = new CancellationTokenSource();

        var work = _tasks.Start("work", async token =>
        {
            if (waitsBefore) await ElsewhereAsync(token);
            if (!cancels) throw new InvalidOperationException("broken");
            stop.Cancel();
            token.ThrowIfCancellationRequested();
        }, stop.Token);

        if (cancels) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work);
        else Assert.Equal("broken", (await Assert.ThrowsAsync<InvalidOperationException>(() => work)).Message);
        Assert.Equal(cancels, work.IsCanceled);
        Assert.Equal(!cancels, work.IsFaulted);
    }

    [Fact]
    public async Task Work_that_throws_before_it_gives_a_task_ends_in_the_same_way()
    {
        var work = _tasks.Start("work", _ => throw new InvalidOperationException("at once"), default);

        Assert.Equal("at once", (await Assert.ThrowsAsync<InvalidOperationException>(() => work)).Message);
    }

    [Fact]
    public async Task Work_that_was_cancelled_before_never_begins()
    {
        var begun = false;

        var work = _tasks.Start("work", _ => { begun = true; return Task.CompletedTask; }, new CancellationToken(canceled: true));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work);
        Assert.False(begun);
    }

    [Fact]
    public async Task A_wait_that_is_cancelled_ends_the_work()
    {
        using var stop = new CancellationTokenSource();
        using var waiting = new ManualResetEventSlim();

        var work = _tasks.Start("work", async token =>
        {
            waiting.Set();
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
        }, stop.Token);
        waiting.Wait();
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => work);
        Assert.True(work.IsCanceled);
    }

    [Fact]
    public async Task Work_may_start_other_work_and_wait_for_it()
    {
        var (outer, inner, after) = (default(Thread), default(Thread), default(Thread));

        await _tasks.Start("outer", async token =>
        {
            outer = Thread.CurrentThread;
            await _tasks.Start("inner", async innerToken =>
            {
                await ElsewhereAsync(innerToken);
                inner = Thread.CurrentThread;
            }, token);
            after = Thread.CurrentThread;
        }, default);

        Assert.Same(outer, after);
        Assert.NotSame(outer, inner);
    }

    [Fact]
    public async Task What_work_leaves_behind_continues_after_its_end()
    {
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task? left = null;

        await _tasks.Start("work", _ =>
        {
            left = LeftAsync();
            return Task.CompletedTask;
        }, default);
        answer.SetResult();

        await left!;

        async Task LeftAsync() => await answer.Task;
    }

    [Fact]
    public async Task What_work_left_behind_continues_although_the_work_threw_at_once()
    {
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task? left = null;

        var work = _tasks.Start("work", _ =>
        {
            left = LeftAsync();
            throw new InvalidOperationException("at once");
        }, default);
        await Assert.ThrowsAsync<InvalidOperationException>(() => work);
        answer.SetResult();

        await left!;

        async Task LeftAsync() => await answer.Task;
    }

    [Fact]
    public async Task Many_at_once_each_stay_on_their_own_thread()
    {
        const int Count = 100, Waits = 50;

        var threads = await Task.WhenAll(Enumerable.Range(0, Count).Select(async i =>
        {
            var seen = new HashSet<Thread>();
            await _tasks.Start($"work {i}", async token =>
            {
                for (var wait = 0; wait < Waits; wait++)
                {
                    await ElsewhereAsync(token);
                    seen.Add(Thread.CurrentThread);
                }
            }, default);
            return Assert.Single(seen);
        }));

        Assert.Equal(Count, threads.Distinct().Count());
    }
}
