using Matih.Status;
using Matih.Telemetry;

namespace Matih.Hosting.Serverless;

/// <summary>
/// Finds work that nobody was told of: a batch that the trigger dropped, a message that was lost, a loop that gave up. It
/// compares a pipeline whose loop does not run with its topic, and starts the loop where something is left to do.
/// </summary>
public static class PipelineWatch
{
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
