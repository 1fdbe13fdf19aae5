using Matih.Hosting.Serverless;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Core;
using Microsoft.DurableTask.Client;

namespace Matih.Functions;

/// <summary>Stages what a Kafka trigger hands over, then tells the pipeline's loop, best effort.</summary>
internal sealed class IngestFunction(AppServices app, LoopClient loops)
{
    /// <summary>The function in code, whose place one for each source takes.</summary>
    public const string Prototype = "ingest";

    [Function(Prototype)]
    public async Task RunAsync(
        [KafkaTrigger("none", "none")] CollectionModelBindingData batch,
        [DurableClient] DurableTaskClient client,
        FunctionContext context)
    {
        var function = context.FunctionDefinition.Name;
        var (hosted, source) = app.Folder.FindFunction(function) ?? throw new InvalidOperationException($"The app has no source for function {function}.");
        var pipeline = app.Find(hosted.Name)!;
        var messages = new ReadOnlyMemory<byte>[batch.ModelBindingData.Length];
        for (var i = 0; i < messages.Length; i++) messages[i] = batch.ModelBindingData[i].Content.ToMemory();
        try
        {
            var staged = await pipeline.StageAsync(source, messages, cancellation => loops.TellAsync(client, hosted.Name, new LoopSignal(LoopCommand.Staged), cancellation), context.CancellationToken);
            await loops.NoteStagedAsync(client, pipeline, staged, context.CancellationToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // The commit meets the same trouble, and shows it to people: the records are still in Kafka.
            await loops.TellAsync(client, hosted.Name, new LoopSignal(LoopCommand.Staged), context.CancellationToken);
            throw;
        }
    }
}
