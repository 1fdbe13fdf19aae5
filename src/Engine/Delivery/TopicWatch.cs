using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery;

/// <summary>
/// Looks at the topic beside the lanes: how far its ends are (at every look, for the lag), and whether partitions were added
/// or the topic was created anew (at every sixth), which ends the session so that opening decides.
/// </summary>
internal sealed class TopicWatch(FlowPlan plan, FlowParts parts, EngineEnvironment environment, SourceLedger source, FlowSession session, AsyncSignal signal)
{
    private const int LooksPerIdentityCheck = 6;

    private readonly CancellationTokenSource _stopped = new();
    private volatile bool _hasChanged;

    public bool HasChanged => _hasChanged;

    public void Stop() => _stopped.Cancel();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopped.Token);
        try
        {
            for (var look = 1; ; look++)
            {
                await LookAsync(look % LooksPerIdentityCheck == 0, either.Token);
                await Task.Delay(plan.TopicLookInterval, environment.Clock, either.Token);
            }
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            // The session ends.
        }
    }

    private async ValueTask LookAsync(bool withIdentity, CancellationToken cancellationToken)
    {
        try
        {
            int[] partitions = [.. source.Partitions.Select(entry => entry.Partition)];
            var ranges = await parts.Source.RangesAsync(partitions, cancellationToken);
            var ends = partitions.Zip(ranges).ToDictionary(pair => pair.First, pair => pair.Second.End);
            parts.Progress.NoteLag(session.Lanes.Sum(lane => lane.Behind(ends)));
            if (!withIdentity) return;

            var topic = await parts.Source.IdentifyAsync(cancellationToken);
            var isSame = topic.PartitionCount == source.Partitions.Length
                && (topic.TopicId is null || source.TopicId is null || topic.TopicId == source.TopicId)
                && (topic.ClusterId is null || source.ClusterId is null || topic.ClusterId == source.ClusterId);
            if (isSame) return;
            _hasChanged = true;
            signal.Set();
        }
        catch (SourceException e)
        {
            parts.Log.Debug("watch-failed", $"Topic '{plan.Topic}' could not be looked at: {e.Message}");
        }
    }
}
