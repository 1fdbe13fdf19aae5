using Matih.Hosting.Serverless;
using Matih.Status;
using Matih.Telemetry;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Matih.Functions;

/// <summary>
/// Finds work that nobody was told of: a batch that the trigger dropped, a message that was lost, a loop that gave up. It
/// compares each pipeline whose loop does not run with its topic, and starts the loop where something is left to do.
/// </summary>
internal sealed class WatchFunction(AppServices app, LoopClient loops)
{
    [Function("watch")]
    public async Task RunAsync([TimerTrigger($"%{AppSettings.WatchSchedule}%")] TimerInfo timer, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        _ = timer;
        foreach (var pipeline in app.Folder.Pipelines)
        {
            try
            {
                await LookAsync(client, pipeline, context.CancellationToken);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                app.Log.Warning("watch-failed", $"Pipeline {pipeline.Name} could not be looked at: {failure.Message} The next look tries again.", ("pipeline", pipeline.Name));
            }
        }
    }

    private async Task LookAsync(DurableTaskClient client, HostedPipeline pipeline, CancellationToken cancellationToken)
    {
        if (await LoopClient.IsRunningAsync(client, pipeline.Name, cancellationToken)) return;
        if (await LoopClient.ReadAsync(client, pipeline.Name, cancellationToken) is { Phase: LoopPhase.Stopped }) return;
        var status = await app.ReadStatusAsync(pipeline, cancellationToken);
        foreach (var flow in status.Flows.Where(flow => flow.Condition == FlowCondition.Unreachable))
            app.Log.Warning("watch-unreachable", $"Flow {flow.Flow}: {string.Join(" ", flow.Unread.Select(part => part.Message))}", ("pipeline", pipeline.Name));
        if (!status.Flows.Any(flow => flow.Condition is FlowCondition.NeverStarted or FlowCondition.Behind or FlowCondition.StagedWaiting or FlowCondition.Refused)) return;
        if (await loops.StartAsync(client, PipelineLoop.Start(pipeline.Name, app.Environment.Clock.GetUtcNow()), cancellationToken))
            app.Log.Information("woken", $"Pipeline {pipeline.Name}: work is left and nobody was at it; its loop is started.", ("pipeline", pipeline.Name));
    }
}
