using Matih.Hosting.Serverless;
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
        await PipelineWatch.LookAtAllAsync(app.Folder.Pipelines.Select(pipeline => pipeline.Name), async (name, cancellation) =>
            await PipelineWatch.LookAsync(name, loops, reading => app.ReadStatusAsync(app.Folder.Find(name)!, reading), app.Environment.Clock, app.Log, cancellation), app.Log, context.CancellationToken);
    }
}
