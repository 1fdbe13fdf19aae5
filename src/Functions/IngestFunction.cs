using Matih.Hosting.Serverless;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Core;
using Microsoft.DurableTask.Client;

namespace Matih.Functions;

/// <summary>Stages what a Kafka trigger hands over, then tells the pipeline's loop, best effort.</summary>
internal sealed class IngestFunction(AppServices app)
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
        await BatchIntake.TakeAsync(pipeline, source, messages, app.Messenger, new DurableLoops(client), context.CancellationToken);
    }
}
