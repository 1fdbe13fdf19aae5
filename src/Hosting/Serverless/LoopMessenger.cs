using System.Collections.Concurrent;
using Matih.Storage;
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
public sealed class LoopMessenger(TimeProvider clock, IIdSource ids, IEngineLog log)
{
    /// <summary>A loop that runs commits by itself; messages only make it sooner, and each costs storage operations.</summary>
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(5);

    /// <summary>How long a person's request waits for the loop.</summary>
    public static readonly TimeSpan CommandWaitMax = TimeSpan.FromSeconds(10);

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
            signal = new LoopSignal(LoopCommand.Staged, unsaid.Records, unsaid.Bytes) { Settings = settings };
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
        // The client of the service makes of a host that is going away a cancellation that nobody here asked for.
        catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            log.Warning("signal-failed", $"Pipeline {pipeline}: its loop could not be told that records were staged: {failure.Message} The timer will find them.", ("pipeline", pipeline));
        }
    }

    /// <summary>
    /// Does what a person asks for, whether the loop runs or not. A message that comes while a loop ends is dropped by its service;
    /// so this waits until the loop shows that it has taken the command in, and starts a loop that has ended without it.
    /// </summary>
    /// <returns>False where the loop is busy for longer than <see cref="CommandWaitMax"/>: it has the message, and takes it in after its commit.</returns>
    public async ValueTask<bool> CommandAsync(ILoops loops, string pipeline, LoopCommand command, CancellationToken cancellationToken)
    {
        var signal = new LoopSignal(command) { Id = ids.NewUuid().ToString("N"), GivenAt = clock.GetUtcNow() };
        var begun = clock.GetTimestamp();
        do
        {
            if (await loops.TrySendAsync(pipeline, signal, cancellationToken))
            {
                if (await WaitUntilTakenInAsync(loops, pipeline, signal, begun, cancellationToken) is { } isTakenIn) return isTakenIn;
                continue;
            }
            // As the loop itself would have it: only a start begins again what a person stopped.
            if (command != LoopCommand.Start && await loops.ReadAsync(pipeline, cancellationToken) is { Phase: LoopPhase.Stopped }) return true;
            var now = clock.GetUtcNow();
            // One that does not run is started as it should then be: paused, or for one last commit. It knows of the command.
            if (await loops.StartAsync(PipelineLoop.Start(pipeline, now).After(signal, now), cancellationToken)) return true;
        }
        while (clock.GetElapsedTime(begun) < CommandWaitMax);
        return false;
    }

    /// <returns>Whether the loop has taken the command in, after the longest wait; null where it has ended without it.</returns>
    private async ValueTask<bool?> WaitUntilTakenInAsync(ILoops loops, string pipeline, LoopSignal signal, long begun, CancellationToken cancellationToken)
    {
        for (var pause = TimeSpan.FromMilliseconds(100); clock.GetElapsedTime(begun) < CommandWaitMax; pause *= 1.5)
        {
            await Task.Delay(pause, clock, cancellationToken);
            // In this order: what ends in between has shown all that it took in.
            var isRunning = await loops.IsRunningAsync(pipeline, cancellationToken);
            var loop = await loops.ReadAsync(pipeline, cancellationToken);
            if (loop is not null && loop.CommandsTakenIn.Contains(signal.Id!)) return true;
            // It may have taken in more than it remembers since: what is out of date must not begin it again. The clocks of instances
            // differ by far less than a person takes to change their mind.
            if (!isRunning) return loop is not null && loop.IsOutdated(signal) ? true : null;
        }
        return false;
    }

    private sealed class Unsaid
    {
        public long Records, Bytes;
        public long? SaidAt;
    }
}
