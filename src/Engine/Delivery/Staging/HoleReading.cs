namespace Matih.Delivery;

/// <summary>Reads a bounded range of one partition from Kafka, on a connection of its own, with the same lane as everything else.</summary>
internal sealed class HoleReading(FlowPlan plan, FlowParts parts, EngineEnvironment environment, OpenedFlow opened)
{
    private readonly HoleCheck _holes = new(plan, parts);
    private long _generation;

    /// <summary>What the range holds, or as much of it as could be read within the time.</summary>
    /// <param name="at">The position to begin at.</param>
    /// <param name="endOffset">Where to stop, excluded.</param>
    public async ValueTask<LaneCheckpoint> ReadAsync(PartitionLedger at, long endOffset, TimeSpan timeMax, CancellationToken cancellationToken)
    {
        await using var source = parts.OpenSource();
        var generation = ++_generation;
        var queue = (await source.AssignAsync([new(at.Partition, at.NextOffset)], 1, generation, cancellationToken)).Single();
        var signal = new AsyncSignal();
        var lane = new Lane(
            parts.CreateLaneParts(opened, RecordLimit.None(), signal, new ActivityClock(environment.Clock.GetTimestamp())), queue, [at], generation, endOffset);
        using var laneToken = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = environment.Tasks.Start($"hole of {plan.Name}", lane.RunAsync, laneToken.Token);
        try
        {
            await WaitAsync(lane, new Dictionary<int, long> { [at.Partition] = endOffset }, timeMax, signal, cancellationToken);
            var checkpoint = await lane.SealAsync(isLast: true);
            await _holes.RequireRealAsync([checkpoint], cancellationToken);
            return checkpoint;
        }
        finally
        {
            laneToken.Cancel();
            await EndAsync(running);
            await lane.DisposeAsync();
        }
    }

    private async ValueTask WaitAsync(Lane lane, IReadOnlyDictionary<int, long> end, TimeSpan timeMax, AsyncSignal signal, CancellationToken cancellationToken)
    {
        var startedAt = environment.Clock.GetTimestamp();
        while (!lane.HasReached(end) && !lane.HasRejected && !lane.Ended.IsCompleted)
        {
            var timeLeft = timeMax - environment.Clock.GetElapsedTime(startedAt);
            if (timeLeft <= TimeSpan.Zero) return;
            await signal.WaitAsync(timeLeft, environment.Clock, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static async ValueTask EndAsync(Task running)
    {
        try
        {
            await running;
        }
        catch (OperationCanceledException)
        {
            // The lane's token ended it.
        }
    }
}
