using System.Text.Json;
using DurableTask.Core.Exceptions;
using Grpc.Core;
using Matih.Hosting.Serverless;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Matih.Functions;

/// <summary>The loops of pipelines as orchestrations: the instance id is the pipeline's name.</summary>
internal sealed class DurableLoops(DurableTaskClient client) : ILoops
{
    public async ValueTask<bool> TrySendAsync(string pipeline, LoopSignal signal, CancellationToken cancellationToken)
    {
        try
        {
            await client.RaiseEventAsync(pipeline, PipelineOrchestrator.Signal, signal, cancellationToken);
            return true;
        }
        catch (RpcException refusal) when (refusal.StatusCode is StatusCode.NotFound or StatusCode.FailedPrecondition)
        {
            return false;
        }
    }

    public async ValueTask<bool> StartAsync(PipelineLoop loop, CancellationToken cancellationToken)
    {
        try
        {
            await client.ScheduleNewOrchestrationInstanceAsync(PipelineOrchestrator.Name, loop, new StartOrchestrationOptions(loop.Pipeline), cancellationToken);
            return true;
        }
        // What the client makes of the refusal (seen with its version 1.28).
        catch (OrchestrationAlreadyExistsException)
        {
            return false;
        }
    }

    public async ValueTask<PipelineLoop?> ReadAsync(string pipeline, CancellationToken cancellationToken)
    {
        var instance = await client.GetInstanceAsync(pipeline, getInputsAndOutputs: true, cancellationToken);
        // An execution that has not run yet shows nothing; it begins with its input.
        return (instance?.SerializedCustomStatus ?? instance?.SerializedInput) is { } status ? JsonSerializer.Deserialize<PipelineLoop>(status, JsonSerializerOptions.Web) : null;
    }

    public async ValueTask<bool> IsRunningAsync(string pipeline, CancellationToken cancellationToken) =>
        await client.GetInstanceAsync(pipeline, cancellationToken) is { } instance && !instance.IsCompleted;
}
