using Matih.Definition;

namespace Matih.Hosting.Serverless;

/// <summary>Takes in what a Kafka trigger hands over: stages it, then tells the pipeline's loop, best effort.</summary>
public static class BatchIntake
{
    /// <param name="messages">Records as the Kafka extension hands them over.</param>
    /// <exception cref="PipelineException">The batch must be handed in again. Where it never is, a commit reads its records from Kafka.</exception>
    public static async ValueTask TakeAsync(
        ServedPipeline pipeline, SourceDefinition source, ReadOnlyMemory<byte>[] messages, LoopMessenger messenger, ILoops loops, CancellationToken cancellationToken)
    {
        var name = pipeline.Hosted.Name;
        try
        {
            var staged = await pipeline.StageAsync(source, messages, cancellation => messenger.TellAsync(loops, name, new LoopSignal(LoopCommand.Staged), cancellation), cancellationToken);
            await messenger.NoteStagedAsync(loops, pipeline, staged, cancellationToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // The commit meets the same trouble, and shows it to people: the records are still in Kafka.
            await messenger.TellAsync(loops, name, new LoopSignal(LoopCommand.Staged), cancellationToken);
            throw;
        }
    }
}
