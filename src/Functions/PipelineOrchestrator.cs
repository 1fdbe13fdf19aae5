using System.Collections.Immutable;
using Matih.Hosting.Serverless;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;

namespace Matih.Functions;

/// <summary>The loop of a pipeline: waits for messages and for the time of the next checkpoint, and has commits made.</summary>
/// <remarks>Replayed by Durable Functions: it goes by its input, by what it waits for and by the orchestration's clock, and by nothing else.</remarks>
internal static class PipelineOrchestrator
{
    public const string Name = "pipeline";

    /// <summary>The event that messages come as.</summary>
    public const string Signal = "signal";

    /// <summary>How many messages one execution takes in before it begins a new one: its history is replayed at each of them.</summary>
    private const int SignalsMax = 200;

    [Function(Name)]
    public static async Task RunAsync([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        var loop = context.GetInput<PipelineLoop>() ?? throw new InvalidOperationException("A pipeline's loop is started with its state.");
        // An execution begins without one, and this one may wait for long.
        context.SetCustomStatus(loop);
        loop = await WaitAsync(context, loop);
        if (loop.IsDue(context.CurrentUtcDateTime)) loop = await CommitAsync(context, loop);
        loop = await DrainAsync(context, loop);
        context.SetCustomStatus(loop);
        if (!loop.HasEnded) context.ContinueAsNew(loop, preserveUnprocessedEvents: true);
    }

    /// <summary>Takes in messages until a commit is due.</summary>
    private static async Task<PipelineLoop> WaitAsync(TaskOrchestrationContext context, PipelineLoop loop)
    {
        if (loop.IsDue(context.CurrentUtcDateTime)) return loop;
        using var end = new CancellationTokenSource();
        // One timer, however many messages come: a cancelled one stays in the queue until it is due.
        var timer = loop.WakeAt is { } wakeAt ? context.CreateTimer(wakeAt.UtcDateTime, end.Token) : null;
        for (var taken = 0; taken < SignalsMax && !loop.HasEnded && !loop.IsDue(context.CurrentUtcDateTime); taken++)
        {
            // After a pause or a failure the next execution has a timer.
            if (loop.WakeAt is not null && timer is null) break;
            var signal = context.WaitForExternalEvent<LoopSignal>(Signal, end.Token);
            if (timer is not null) await Task.WhenAny(signal, timer);
            // Both may have come; what came as a message must not be lost.
            if (timer is null || signal.IsCompleted)
            {
                loop = loop.After(await signal, context.CurrentUtcDateTime);
                context.SetCustomStatus(loop);
            }
            if (timer is { IsCompleted: true })
            {
                loop = loop.AtDueTime(context.CurrentUtcDateTime);
                break;
            }
        }
        // CancelAsync would hang here for ever: nobody runs its continuation.
#pragma warning disable CA1849
        end.Cancel();
#pragma warning restore CA1849
        return loop;
    }

    private static async Task<PipelineLoop> CommitAsync(TaskOrchestrationContext context, PipelineLoop loop)
    {
        try
        {
            var report = await context.CallActivityAsync<PipelineReport>(CommitActivity.Name, new CommitRequest(loop.Pipeline, loop.WatchesAt(context.CurrentUtcDateTime)));
            return loop.After(report, context.CurrentUtcDateTime);
        }
        catch (TaskFailedException failure)
        {
            return loop.AfterCrash(failure.FailureDetails.ErrorMessage, context.CurrentUtcDateTime);
        }
    }

    /// <summary>Takes in what came during the commit: a message that is kept for the next execution would cost one of its own.</summary>
    private static async Task<PipelineLoop> DrainAsync(TaskOrchestrationContext context, PipelineLoop loop)
    {
        using var end = new CancellationTokenSource();
        while (true)
        {
            var signal = context.WaitForExternalEvent<LoopSignal>(Signal, end.Token);
            if (!signal.IsCompleted)
            {
#pragma warning disable CA1849
                end.Cancel();
#pragma warning restore CA1849
                return loop;
            }
            loop = loop.After(await signal, context.CurrentUtcDateTime);
        }
    }
}

/// <summary>What the commit of a pipeline is asked with.</summary>
/// <param name="Watches">By sink.</param>
internal sealed record CommitRequest(string Pipeline, ImmutableDictionary<string, ReportedWatch> Watches);
