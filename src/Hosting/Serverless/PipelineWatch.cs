using Matih.Status;
using Matih.Telemetry;

namespace Matih.Hosting.Serverless;

/// <summary>
/// Finds work that nobody was told of: a batch that the trigger dropped, a message that was lost, a loop that gave up. It
/// compares a pipeline whose loop does not run with its topic, and starts the loop where something is left to do.
/// </summary>
public static class PipelineWatch
{
    /// <summary>How many looks go on at a time: each has a Kafka client of its own, and may wait for its brokers and its catalog.</summary>
    private const int LooksMax = 8;

    /// <summary>Looks at each pipeline. One that cannot be looked at, or takes long, does not keep the others from their turn.</summary>
    public static Task LookAtAllAsync(IEnumerable<string> pipelines, Func<string, CancellationToken, ValueTask> look, IEngineLog log, CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(pipelines, new ParallelOptions { MaxDegreeOfParallelism = LooksMax, CancellationToken = cancellationToken }, async (pipeline, cancellation) =>
        {
            try
            {
                await look(pipeline, cancellation);
            }
            catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                log.Warning("watch-failed", $"Pipeline {pipeline} could not be looked at: {failure.Message} The next look tries again.", ("pipeline", pipeline));
            }
        });

    /// <returns>Whether it has started the loop.</returns>
    public static async ValueTask<bool> LookAsync(
        string pipeline, ILoops loops, Func<CancellationToken, Task<PipelineStatus>> readStatus, TimeProvider clock, IEngineLog log, CancellationToken cancellationToken)
    {
        if (await loops.IsRunningAsync(pipeline, cancellationToken)) return false;
        if (await loops.ReadAsync(pipeline, cancellationToken) is { Phase: LoopPhase.Stopped }) return false;
        var status = await readStatus(cancellationToken);
        foreach (var flow in status.Flows.Where(flow => flow.Condition == FlowCondition.Unreachable))
            log.Warning("watch-unreachable", $"Flow {flow.Flow}: {string.Join(" ", flow.Unread.Select(part => part.Message))}", ("pipeline", pipeline));
        if (!status.Flows.Any(flow => flow.Condition is FlowCondition.NeverStarted or FlowCondition.Behind or FlowCondition.StagedWaiting or FlowCondition.Refused)) return false;
        if (!await loops.StartAsync(PipelineLoop.Start(pipeline, clock.GetUtcNow()), cancellationToken)) return false;
        log.Information("woken", $"Pipeline {pipeline}: work is left and nobody was at it; its loop is started.", ("pipeline", pipeline));
        return true;
    }
}
