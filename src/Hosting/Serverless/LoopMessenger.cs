using System.Collections.Concurrent;
using Matih.Telemetry;

namespace Matih.Hosting.Serverless;

/// <summary>Where the loops of pipelines run, one for each pipeline at most. Each call may fail with whatever its service fails with.</summary>
public interface ILoops
{
    /// <summary>Leaves a message for the pipeline's loop.</summary>
    /// <returns>False where no loop runs.</returns>
    ValueTask<bool> TrySendAsync(string pipeline, LoopSignal signal, CancellationToken cancellationToken);

    /// <summary>Starts a pipeline's loop. One that runs already stays as it is.</summary>
    /// <returns>Whether this call started it, as far as is known.</returns>
    ValueTask<bool> StartAsync(PipelineLoop loop, CancellationToken cancellationToken);

    /// <summary>The loop as it was last written down, whether it runs or not; null where there never was one.</summary>
    ValueTask<PipelineLoop?> ReadAsync(string pipeline, CancellationToken cancellationToken);

    ValueTask<bool> IsRunningAsync(string pipeline, CancellationToken cancellationToken);
}

/// <summary>Tells the loops of pipelines what happened and what people want. Thread-safe.</summary>
public sealed class LoopMessenger(TimeProvider clock, IEngineLog log)
{
    /// <summary>A loop that runs commits by itself; messages only make it sooner, and each costs storage operations.</summary>
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Unsaid> _unsaid = new();

    /// <summary>Counts what was staged, and tells the loop now and then: at once when enough waits for a commit of its own.</summary>
    public async ValueTask NoteStagedAsync(ILoops loops, ServedPipeline pipeline, StagedBatch staged, CancellationToken cancellationToken)
    {
        if (staged.RecordCount == 0) return;
        var settings = pipeline.Settings;
        var pause = TimeSpan.FromMilliseconds(Math.Min(PauseMax.TotalMilliseconds, Math.Min(settings.IdleTimeoutMillis, settings.CheckpointIntervalMillis) / 4.0));
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
        await TellAsync(loops, pipeline.Hosted.Name, signal, cancellationToken);
    }

    /// <summary>Tells the loop; starts it where it sleeps. A message that fails is none: the timer finds what is staged.</summary>
    public async ValueTask TellAsync(ILoops loops, string pipeline, LoopSignal signal, CancellationToken cancellationToken)
    {
        try
        {
            if (await loops.TrySendAsync(pipeline, signal, cancellationToken)) return;
            if (await loops.ReadAsync(pipeline, cancellationToken) is { Phase: LoopPhase.Stopped }) return;
            await loops.StartAsync(PipelineLoop.Start(pipeline, clock.GetUtcNow()), cancellationToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.Warning("signal-failed", $"Pipeline {pipeline}: its loop could not be told that records were staged: {failure.Message} The timer will find them.", ("pipeline", pipeline));
        }
    }

    /// <summary>Does what a person asks for, whether the loop runs or not.</summary>
    public async ValueTask CommandAsync(ILoops loops, string pipeline, LoopCommand command, CancellationToken cancellationToken)
    {
        if (await loops.TrySendAsync(pipeline, new LoopSignal(command), cancellationToken)) return;
        var now = clock.GetUtcNow();
        var loop = PipelineLoop.Start(pipeline, now);
        // One that does not run is started as it should then be: paused, or for one last commit.
        if (command is LoopCommand.Pause or LoopCommand.Stop) loop = loop.After(new LoopSignal(command), now);
        await loops.StartAsync(loop, cancellationToken);
    }

    private sealed class Unsaid
    {
        public long Records, Bytes;
        public long? SaidAt;
    }
}
