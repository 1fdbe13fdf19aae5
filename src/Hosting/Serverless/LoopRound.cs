using System.Collections.Immutable;

namespace Matih.Hosting.Serverless;

/// <summary>
/// What a round of a loop waits for. A host replays a round from the beginning, with what came before: the same answers must come
/// in the same order, and nothing of a round may go on elsewhere.
/// </summary>
public interface ILoopContext
{
    /// <summary>When what the round goes on after came.</summary>
    DateTimeOffset Now { get; }

    /// <summary>Ends at a time. Cancelling it makes it void.</summary>
    Task WaitUntilAsync(DateTimeOffset time, CancellationToken cancellationToken);

    /// <summary>The next message; one that was there before ends at once. One that comes after it was cancelled is kept.</summary>
    Task<LoopSignal> ReceiveAsync(CancellationToken cancellationToken);

    /// <summary>What people and functions see of the loop from now on.</summary>
    void Show(PipelineLoop loop);

    /// <summary>Has a commit made.</summary>
    Task<CommitAnswer> CommitAsync(CommitRequest request);
}

/// <summary>What the commit of a pipeline is asked with.</summary>
/// <param name="Watches">By sink.</param>
public sealed record CommitRequest(string Pipeline, ImmutableDictionary<string, ReportedWatch> Watches);

/// <summary>The report of a commit that was asked for, or why there is none: one of them is null.</summary>
public readonly record struct CommitAnswer(PipelineReport? Report, string? Crash);

/// <summary>
/// A round of a pipeline's loop: waits for messages and for the time of the next checkpoint, has a commit made, and takes in what
/// came meanwhile. The next round begins with what it gives.
/// </summary>
/// <remarks>It goes by its input, by what it waits for and by the context's clock, and by nothing else.</remarks>
public static class LoopRound
{
    /// <summary>How many messages one round takes in before a new one begins: its history is replayed at each of them.</summary>
    private const int SignalsMax = 200;

    public static async Task<PipelineLoop> RunAsync(ILoopContext context, PipelineLoop loop)
    {
        // One that is started paused waits long before it gets any further.
        Show(context, loop);
        loop = await WaitAsync(context, loop);
        if (loop.IsDue(context.Now))
        {
            var answer = await context.CommitAsync(new CommitRequest(loop.Pipeline, loop.WatchesAt(context.Now)));
            loop = answer.Report is { } report ? loop.After(report, context.Now) : loop.AfterCrash(answer.Crash!, context.Now);
        }
        loop = await DrainAsync(context, loop);
        Show(context, loop);
        return loop;
    }

    /// <summary>Takes in messages until a commit is due.</summary>
    private static async Task<PipelineLoop> WaitAsync(ILoopContext context, PipelineLoop loop)
    {
        if (loop.IsDue(context.Now)) return loop;
        using var end = new CancellationTokenSource();
        // One timer, however many messages come: a cancelled one stays in the queue until it is due.
        var timer = loop.WakeAt is { } wakeAt ? context.WaitUntilAsync(wakeAt, end.Token) : null;
        for (var taken = 0; taken < SignalsMax && !loop.HasEnded && !loop.IsDue(context.Now); taken++)
        {
            // After a pause or a failure the next round has a timer.
            if (loop.WakeAt is not null && timer is null) break;
            var signal = context.ReceiveAsync(end.Token);
            if (timer is not null) await Task.WhenAny(signal, timer);
            // Both may have come; what came as a message must not be lost.
            if (timer is null || signal.IsCompleted)
            {
                loop = loop.After(await signal, context.Now);
                Show(context, loop);
            }
            if (timer is { IsCompleted: true })
            {
                // It may come early; waiting again for the rest would cost a round.
                loop = loop.AtDueTime(context.Now);
                break;
            }
        }
        Cancel(end);
        return loop;
    }

    /// <summary>Takes in what came during the commit: a message that is kept for the next round would cost one of its own.</summary>
    private static async Task<PipelineLoop> DrainAsync(ILoopContext context, PipelineLoop loop)
    {
        using var end = new CancellationTokenSource();
        while (true)
        {
            var signal = context.ReceiveAsync(end.Token);
            if (!signal.IsCompleted)
            {
                Cancel(end);
                return loop;
            }
            loop = loop.After(await signal, context.Now);
        }
    }

    /// <summary>Without the flows' reports, which nobody looks for there: the service fails a loop that shows more than 16 KB, however many sinks there are.</summary>
    private static void Show(ILoopContext context, PipelineLoop loop) => context.Show(loop with { Flows = [] });

    /// <summary>CancelAsync would hang here for ever: nobody runs its continuation.</summary>
    private static void Cancel(CancellationTokenSource end) => end.Cancel();
}
