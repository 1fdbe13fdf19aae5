using System.Collections.Concurrent;
using System.Text.Json;
using DurableTask.Core.Exceptions;
using Grpc.Core;
using Matih.Hosting.Serverless;
using Matih.Telemetry;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Matih.Functions;

/// <summary>Talks to the loops of pipelines: each is an orchestration whose instance id is the pipeline's name.</summary>
internal sealed class LoopClient(AppServices app)
{
    /// <summary>A loop that runs commits by itself; messages only make it sooner, and each costs storage operations.</summary>
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Unsaid> _unsaid = new();

    /// <summary>Counts what was staged, and tells the loop now and then: at once when enough waits for a commit of its own.</summary>
    public async ValueTask NoteStagedAsync(DurableTaskClient client, ServedPipeline pipeline, StagedBatch staged, CancellationToken cancellationToken)
    {
        if (staged.RecordCount == 0) return;
        var settings = pipeline.Settings;
        var pause = TimeSpan.FromMilliseconds(Math.Min(PauseMax.TotalMilliseconds, Math.Min(settings.IdleTimeoutMillis, settings.CheckpointIntervalMillis) / 4.0));
        var clock = app.Environment.Clock;
        LoopSignal signal;
        var unsaid = _unsaid.GetOrAdd(pipeline.Hosted.Name, _ => new Unsaid());
        lock (unsaid)
        {
            unsaid.Records += staged.RecordCount;
            unsaid.Bytes += staged.StagedBytes;
            var isMuch = unsaid.Records >= settings.RecordCountMax || unsaid.Bytes >= settings.StagedBytesMax;
            if (!isMuch && unsaid.SaidAt is { } at && clock.GetElapsedTime(at) < pause) return;
            unsaid.SaidAt = clock.GetTimestamp();
            signal = new LoopSignal(LoopCommand.Staged, unsaid.Records, unsaid.Bytes);
            (unsaid.Records, unsaid.Bytes) = (0, 0);
        }
        await TellAsync(client, pipeline.Hosted.Name, signal, cancellationToken);
    }

    /// <summary>Tells the loop; starts it where it sleeps. A message that fails is none: the timer finds what is staged.</summary>
    public async ValueTask TellAsync(DurableTaskClient client, string pipeline, LoopSignal signal, CancellationToken cancellationToken)
    {
        try
        {
            if (await TrySendAsync(client, pipeline, signal, cancellationToken)) return;
            if (await ReadAsync(client, pipeline, cancellationToken) is { Phase: LoopPhase.Stopped }) return;
            await StartAsync(client, PipelineLoop.Start(pipeline, app.Environment.Clock.GetUtcNow()), cancellationToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            app.Log.Warning("signal-failed", $"Pipeline {pipeline}: its loop could not be told that records were staged: {failure.Message} The timer will find them.", ("pipeline", pipeline));
        }
    }

    /// <returns>False where no loop runs.</returns>
    public static async ValueTask<bool> TrySendAsync(DurableTaskClient client, string pipeline, LoopSignal signal, CancellationToken cancellationToken)
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

    /// <summary>Does what a person asks for, whether the loop runs or not.</summary>
    public async ValueTask CommandAsync(DurableTaskClient client, string pipeline, LoopCommand command, CancellationToken cancellationToken)
    {
        if (await TrySendAsync(client, pipeline, new LoopSignal(command), cancellationToken)) return;
        var now = app.Environment.Clock.GetUtcNow();
        var loop = PipelineLoop.Start(pipeline, now);
        // One that does not run is started as it should then be: paused, or for one last commit.
        if (command is LoopCommand.Pause or LoopCommand.Stop) loop = loop.After(new LoopSignal(command), now);
        await StartAsync(client, loop, cancellationToken);
    }

    /// <summary>Starts the loop. One that runs already stays as it is.</summary>
    /// <returns>Whether this call started it, as far as is known.</returns>
    public async ValueTask<bool> StartAsync(DurableTaskClient client, PipelineLoop loop, CancellationToken cancellationToken)
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

    /// <summary>The loop as it was last written down; null where there never was one.</summary>
    public static async ValueTask<PipelineLoop?> ReadAsync(DurableTaskClient client, string pipeline, CancellationToken cancellationToken)
    {
        var instance = await client.GetInstanceAsync(pipeline, getInputsAndOutputs: true, cancellationToken);
        return instance?.SerializedCustomStatus is { } status ? JsonSerializer.Deserialize<PipelineLoop>(status, JsonSerializerOptions.Web) : null;
    }

    /// <summary>Whether an orchestration of the pipeline runs.</summary>
    public static async ValueTask<bool> IsRunningAsync(DurableTaskClient client, string pipeline, CancellationToken cancellationToken) =>
        await client.GetInstanceAsync(pipeline, cancellationToken) is { } instance && !instance.IsCompleted;

    private sealed class Unsaid
    {
        public long Records, Bytes;
        public long? SaidAt;
    }
}
