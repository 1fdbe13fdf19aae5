namespace Matih.Hosting;

/// <summary>
/// Brings what a piece of work does after a wait back to the thread that the work has for itself. While the work blocks there,
/// everything else of the same piece waits. Work must not block on something that only its own continuation completes.
/// </summary>
internal sealed class WorkThread : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _queue = new();
    private bool _isOver;

    /// <summary>Runs the work on the calling thread to its end; the result is its task, which has ended.</summary>
    public static Task Run(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        var before = Current;
        var context = new WorkThread();
        SetSynchronizationContext(context);
        try
        {
            var task = work(cancellationToken);
            task.ContinueWith(
                (_, state) => ((WorkThread)state!).End(), context, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            context.RunUntilEnd();
            return task;
        }
        finally
        {
            context.End();
            // What the work left behind without waiting for it continues elsewhere; nothing is queued any more.
            foreach (var (callback, state) in context._queue) ToPool(callback, state);
            SetSynchronizationContext(before);
        }
    }

    private void RunUntilEnd()
    {
        while (true)
        {
            (SendOrPostCallback Callback, object? State) next;
            lock (_queue)
            {
                while (!_isOver && _queue.Count == 0) Monitor.Wait(_queue);
                if (_isOver) return;
                next = _queue.Dequeue();
            }
            next.Callback(next.State);
        }
    }

    private void End()
    {
        lock (_queue)
        {
            _isOver = true;
            Monitor.Pulse(_queue);
        }
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (_queue)
        {
            if (!_isOver)
            {
                _queue.Enqueue((d, state));
                Monitor.Pulse(_queue);
                return;
            }
        }
        ToPool(d, state);
    }

    private static void ToPool(SendOrPostCallback callback, object? state) =>
        ThreadPool.UnsafeQueueUserWorkItem(static item => item.Callback(item.State), (Callback: callback, State: state), preferLocal: false);

    /// <summary>Only the thread itself can wait for its own turn: nobody else needs to.</summary>
    public override void Send(SendOrPostCallback d, object? state)
    {
        if (Current != this) throw new NotSupportedException("Work of another thread is posted, not sent.");
        d(state);
    }

    public override SynchronizationContext CreateCopy() => this;
}
