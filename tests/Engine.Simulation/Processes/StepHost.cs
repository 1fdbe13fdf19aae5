using Matih.Batches;
using Matih.Delivery;
using Matih.Delivery.Opening;
using Matih.Delivery.Steps;
using Matih.Engine.Simulation.World;
using Matih.Kafka;
using Matih.Planning;

namespace Matih.Engine.Simulation.Processes;

/// <summary>
/// A host that drives a flow step by step, as a function with a trigger does: it hands in records as bytes, asks for commits, and
/// dies between two steps now and then. Its trigger hands records out again, and skips some.
/// </summary>
/// <param name="die">Kills the process, unless the weather has cleared up for good.</param>
internal sealed class StepHost(SimulatedWorld world, SimulatedTopic topic, FlowName flow, SimulatedProcess process, Action die, int turnCount, int seed)
{
    /// <summary>A host does other things while it stands by.</summary>
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(20);

    private readonly Random _random = new(seed);
    private readonly Dictionary<int, long> _handedOut = [];
    private (TakeoverWatch Watch, TimeSpan Since)? _standBy;

    /// <exception cref="PipelineException">A person has to look.</exception>
    public async Task DriveAsync(FlowSteps steps, CancellationToken stop, CancellationToken abort)
    {
        for (var turn = 0; turn < turnCount && !stop.IsCancellationRequested; turn++)
        {
            if (_random.Next(12) == 0) die();
            var wait = await TakeStepAsync(steps, abort);
            await process.WaitAsync(TimeSpan.FromTicks(Math.Clamp(wait.Ticks, TimeSpan.TicksPerMillisecond, WaitMax.Ticks)), null, abort);
        }
    }

    private async ValueTask<TimeSpan> TakeStepAsync(FlowSteps steps, CancellationToken abort)
    {
        try
        {
            return _random.Next(3) != 0 ? await StageAsync(steps, abort)
                : steps.IsOpen ? await CommitAsync(steps, abort)
                : await OpenAsync(steps, abort);
        }
        catch (PipelineException superseded) when (superseded.Kind == FailureKind.Superseded)
        {
            return Pause();
        }
    }

    private async ValueTask<TimeSpan> OpenAsync(FlowSteps steps, CancellationToken abort)
    {
        var watch = _standBy is { } standBy ? standBy.Watch.After(world.Simulator.Now - standBy.Since) : null;
        var step = await steps.OpenAsync(OpenAnswers.None, watch, abort);
        _standBy = step is OpenStep.StandBy other ? (other.Watch, world.Simulator.Now) : null;
        return step switch
        {
            OpenStep.StandBy(_, var lookAgainAfter) => lookAgainAfter,
            OpenStep.TryAgain(var after, _) => after,
            _ => Pause(),
        };
    }

    private async ValueTask<TimeSpan> CommitAsync(FlowSteps steps, CancellationToken abort) =>
        await steps.CommitAsync(closes: _random.Next(4) == 0, mayRead: _random.Next(2) == 0, abort) is CommitStep.TryAgain(var after, _) ? after : Pause();

    private async ValueTask<TimeSpan> StageAsync(FlowSteps steps, CancellationToken abort)
    {
        var partition = _random.Next(topic.Partitions.Count);
        using var batch = new ManagedRawBatch();
        try
        {
            await FetchAsync(batch, partition, abort);
        }
        catch (SourceException)
        {
            return Pause();
        }
        if (batch.Count == 0) return Pause();
        var next = batch.Records[^1].Offset + 1;
        var step = await steps.StageAsync(batch, abort);
        switch (step)
        {
            case StageStep.NotYet(var after):
                return after;
            case StageStep.TryAgain(var after, _):
                return after;
            default:
                _handedOut[partition] = next;
                return Pause();
        }
    }

    /// <summary>What the trigger has next. Mostly where it left off; sometimes it hands records out again, or never has some.</summary>
    private async ValueTask FetchAsync(ManagedRawBatch batch, int partition, CancellationToken abort)
    {
        var from = Math.Max(0, _handedOut.GetValueOrDefault(partition) + _random.Next(8) switch { 0 => -_random.Next(30), 1 => _random.Next(10), _ => 0 });
        var count = _random.Next(1, 40);
        var records = await process.CallAsync("kafka trigger", world.Weather.Decide(Service.Kafka, isWrite: false), () =>
        {
            if (partition >= topic.Partitions.Count) return [];
            var log = topic.Partitions[partition];
            List<LogRecord> found = [.. log.Read(from).Take(count)];
            if (found.Count != 0) log.NoteRead(flow.ToString(), found[^1].Offset + 1);
            return found;
        }, fault => new SourceException(SourceErrorKind.Unreachable, $"Nothing could be fetched: {fault.Cause()}."), abort);
        foreach (var record in records) batch.Add(record.Value, null, record.Offset, partition, record.TimestampMillis, TimestampKind.CreateTime);
    }

    private TimeSpan Pause() => TimeSpan.FromSeconds(2 * _random.NextDouble());
}

/// <summary>Between two steps nothing of the engine runs, so that it may start nothing.</summary>
internal sealed class NoTasks : ITaskStarter
{
    public Task Start(string name, Func<CancellationToken, Task> work, CancellationToken cancellationToken) =>
        throw new InvalidOperationException($"'{name}' was started, although steps run in their caller's time.");
}
