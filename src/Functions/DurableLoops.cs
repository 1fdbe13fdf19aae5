using System.Text.Json;
using DurableTask.Core.Exceptions;
using Grpc.Core;
using Matih.Delivery;
using Matih.Hosting.Serverless;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Matih.Functions;

/// <summary>The loops of pipelines as orchestrations: the instance id is the pipeline's name.</summary>
/// <remarks>Every call ends within <see cref="AnswerTimeMax"/>. Where the task hub does not answer or refuses, it fails with a <see cref="PipelineException"/> (store).</remarks>
internal sealed class DurableLoops(DurableTaskClient client) : ILoops
{
    /// <summary>How long a call waits. The Functions host itself tries its storage again for minutes.</summary>
    public static readonly TimeSpan AnswerTimeMax = TimeSpan.FromSeconds(15);

    public ValueTask<bool> TrySendAsync(string pipeline, LoopSignal signal, CancellationToken cancellationToken) => AskAsync(async cancellation =>
    {
        try
        {
            await client.RaiseEventAsync(pipeline, PipelineOrchestrator.Signal, signal, cancellation);
            return true;
        }
        catch (RpcException refusal) when (refusal.StatusCode is StatusCode.NotFound or StatusCode.FailedPrecondition)
        {
            return false;
        }
    }, cancellationToken);

    public ValueTask<bool> StartAsync(PipelineLoop loop, CancellationToken cancellationToken) => AskAsync(async cancellation =>
    {
        try
        {
            await client.ScheduleNewOrchestrationInstanceAsync(PipelineOrchestrator.Name, loop, new StartOrchestrationOptions(loop.Pipeline), cancellation);
            return true;
        }
        // What the client makes of the refusal (seen with its version 1.28).
        catch (OrchestrationAlreadyExistsException)
        {
            return false;
        }
    }, cancellationToken);

    public ValueTask<PipelineLoop?> ReadAsync(string pipeline, CancellationToken cancellationToken) => AskAsync(async cancellation =>
    {
        var instance = await client.GetInstanceAsync(pipeline, getInputsAndOutputs: true, cancellation);
        // An execution that has not run yet shows nothing; it begins with its input.
        return (instance?.SerializedCustomStatus ?? instance?.SerializedInput) is { } status ? JsonSerializer.Deserialize<PipelineLoop>(status, JsonSerializerOptions.Web) : null;
    }, cancellationToken);

    public ValueTask<bool> IsRunningAsync(string pipeline, CancellationToken cancellationToken) => AskAsync(async cancellation =>
        await client.GetInstanceAsync(pipeline, cancellation) is { } instance && !instance.IsCompleted, cancellationToken);

    private static async ValueTask<T> AskAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        end.CancelAfter(AnswerTimeMax);
        try
        {
            return await call(end.Token);
        }
        // The client makes a cancellation of its own of a host that goes away.
        catch (Exception failure) when (failure is RpcException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new PipelineException(FailureKind.Store,
                $"The task hub of Durable Functions did not answer: {(end.IsCancellationRequested ? $"nothing came within {AnswerTimeMax.TotalSeconds:0} s." : (failure as RpcException)?.Status.Detail ?? failure.Message)}",
                "Look at the storage account of the setting AzureWebJobsStorage: whether it can be reached from the app, and whether the app's identity may use its blobs, queues and tables. Then ask again; a command may have been taken in.", failure);
        }
    }
}
