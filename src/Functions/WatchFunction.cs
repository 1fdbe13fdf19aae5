using Matih.Hosting.Serverless;
using Matih.Telemetry;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Matih.Functions;

/// <summary>Looks at every pipeline now and then, for work that nobody was told of.</summary>
internal sealed class WatchFunction(AppServices app)
{
    [Function("watch")]
    public async Task RunAsync([TimerTrigger($"%{AppSettings.WatchSchedule}%")] TimerInfo timer, [DurableClient] DurableTaskClient client, FunctionContext context)
    {
        _ = timer;
        var loops = new DurableLoops(client);
        foreach (var pipeline in app.Folder.Pipelines)
        {
            try
            {
                await PipelineWatch.LookAsync(pipeline.Name, loops, cancellation => app.ReadStatusAsync(pipeline, cancellation), app.Environment.Clock, app.Log, context.CancellationToken);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                app.Log.Warning("watch-failed", $"Pipeline {pipeline.Name} could not be looked at: {failure.Message} The next look tries again.", ("pipeline", pipeline.Name));
            }
        }
    }
}
