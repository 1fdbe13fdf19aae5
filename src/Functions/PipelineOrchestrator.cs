using Matih.Hosting.Serverless;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;

namespace Matih.Functions;

/// <summary>The loop of a pipeline as an orchestration: each execution is one round.</summary>
internal static class PipelineOrchestrator
{
    public const string Name = "pipeline";

    /// <summary>The event that messages come as.</summary>
    public const string Signal = "signal";

    [Function(Name)]
    public static async Task RunAsync([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        var loop = context.GetInput<PipelineLoop>() ?? throw new InvalidOperationException("A pipeline's loop is started with its state.");
        loop = await LoopRound.RunAsync(new Round(context), loop);
        if (!loop.HasEnded) context.ContinueAsNew(loop, preserveUnprocessedEvents: true);
    }

    private sealed class Round(TaskOrchestrationContext context) : ILoopContext
    {
        public DateTimeOffset Now => context.CurrentUtcDateTime;

        public Task WaitUntilAsync(DateTimeOffset time, CancellationToken cancellationToken) => context.CreateTimer(time.UtcDateTime, cancellationToken);

        public Task<LoopSignal> ReceiveAsync(CancellationToken cancellationToken) => context.WaitForExternalEvent<LoopSignal>(Signal, cancellationToken);

        public void Show(PipelineLoop loop) => context.SetCustomStatus(loop);

        public async Task<CommitAnswer> CommitAsync(CommitRequest request)
        {
            try
            {
                return new CommitAnswer(await context.CallActivityAsync<PipelineReport>(CommitActivity.Name, request), null);
            }
            catch (TaskFailedException failure)
            {
                return new CommitAnswer(null, failure.FailureDetails.ErrorMessage);
            }
        }
    }
}
