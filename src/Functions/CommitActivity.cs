using Matih.Hosting.Serverless;
using Microsoft.Azure.Functions.Worker;

namespace Matih.Functions;

/// <summary>Commits what is staged of a pipeline.</summary>
internal sealed class CommitActivity(AppServices app)
{
    public const string Name = "commit";

    [Function(Name)]
    public async Task<PipelineReport> RunAsync([ActivityTrigger] CommitRequest request, FunctionContext context)
    {
        var pipeline = app.Find(request.Pipeline) ?? throw new InvalidOperationException(
            $"This app has no pipeline '{request.Pipeline}' any more: its definition was taken out, or has errors (see the log at the start of the app).");
        var report = await pipeline.CommitAsync(request.Watches, context.CancellationToken);
        report.LogFailures(request.Pipeline, app.Log);
        return report;
    }
}
