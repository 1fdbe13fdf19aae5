using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Topics;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery.Running;

/// <summary>
/// Looks at the topic beside the lanes: how far its ends are (at every look, for the lag), and at every sixth whether
/// partitions were added, which ends the session so that opening decides, and whether it is still the same topic. One that
/// was created again may have been read for as long as since the last of these looks, so that the run stops and says so.
/// </summary>
internal sealed class TopicWatch(FlowContext flow, ITopic topic, SourceLedger source, LaneGroup lanes, AsyncSignal signal)
{
    private const int LooksPerIdentityCheck = 6;

    private readonly CancellationTokenSource _stopped = new();
    private DateTimeOffset _sameAt = flow.Clock.GetUtcNow();
    private int _fewerPartitionsLooks;
    private volatile SourceLedger? _committed;
    private volatile EndsLook? _ends;
    private volatile bool _hasChanged;
    private volatile PipelineException? _refusal;
    private volatile SourceException? _fault;

    public bool HasChanged => _hasChanged;

    /// <summary>Why the session must end without another commit; null while it need not.</summary>
    public PipelineException? Refusal => _refusal;

    /// <summary>Why the last look failed; null where it did not.</summary>
    public SourceException? Fault => _fault;

    /// <summary>The partitions' ends as last looked up; null before the first look.</summary>
    public IReadOnlyDictionary<int, long>? KnownEnds => _ends?.Ends;

    /// <summary>What lanes have read, to be looked at again.</summary>
    public ReadRecordCheck Records { get; } = new(topic, source);

    public void Stop() => _stopped.Cancel();

    /// <summary>The table's ledger stands there now.</summary>
    public void NoteCommitted(SourceLedger committed)
    {
        _committed = committed;
        NoteLag();
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopped.Token);
        try
        {
            for (var look = 1; ; look++)
            {
                await LookAsync(look % LooksPerIdentityCheck == 0, either.Token);
                await Task.Delay(flow.Plan.TopicLookInterval, flow.Clock, either.Token);
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
            var ranges = await topic.RangesAsync(partitions, cancellationToken);
            var ends = partitions.Zip(ranges).ToDictionary(pair => pair.First, pair => pair.Second.End);
            _ends = new EndsLook(ends, flow.Clock.GetTimestamp());
            NoteLag();
            _fault = null;
            if (!withIdentity) return;

            var lookedAt = flow.Clock.GetUtcNow();
            var now = await topic.IdentifyAsync(cancellationToken);
            if (!source.IsSameId(now.TopicId))
            {
                Refuse($"it was deleted and created again: its id was {source.TopicId} and is {now.TopicId} now");
                return;
            }
            var match = source.CompareWith(now);
            if (match == TopicMatch.OtherCluster || HasOtherPartitions(match, now))
            {
                _hasChanged = true;
                signal.Set();
                return;
            }
            if (await Records.FindChangedAsync(cancellationToken) is { } changed)
            {
                Refuse($"{changed} ({changed.Expected.DifferenceFrom(changed.Found)}), so it was created again and refilled, or lost records in an unclean leader election");
                return;
            }
            _sameAt = lookedAt;
        }
        catch (SourceException e)
        {
            _fault = e;
            flow.Log.Debug("watch-failed", $"Topic '{flow.Plan.Topic}' could not be looked at: {e.Message}");
        }
        finally
        {
            flow.Progress.NoteContact(topic.LastContact);
        }
    }

    private void NoteLag()
    {
        if (_ends is not { } look) return;
        flow.Progress.NoteLag(CommittedLag.Of(
            _committed ?? source, lanes.Readers.SelectMany(reader => reader.Lane.Partitions), look.Ends, lanes.Readers.Sum(reader => reader.Lane.Behind(look.Ends)), look.At));
    }

    /// <summary>
    /// Whether the topic has more partitions than the session reads, or fewer. Partitions are never removed: fewer under the
    /// same topic id are a broker's stale metadata. Where ids are unknown, fewer count when two looks in a row find them.
    /// </summary>
    private bool HasOtherPartitions(TopicMatch match, TopicIdentity now)
    {
        if (match == TopicMatch.Same)
        {
            _fewerPartitionsLooks = 0;
            return now.PartitionCount > source.Partitions.Length;
        }
        if (match == TopicMatch.FewerPartitions && ++_fewerPartitionsLooks >= 2) return true;
        flow.Log.Debug("stale-metadata", $"A broker says that topic '{flow.Plan.Topic}' has {Quantity.Of(now.PartitionCount, "partition")}, not {Quantity.Count(source.Partitions.Length)}; its metadata is taken for stale, and it is asked again.");
        return false;
    }

    private void Refuse(string finding)
    {
        var since = _sameAt.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        _refusal = PipelineException.Refused(
            $"Topic '{flow.Plan.Topic}' is no longer the one that {flow.Name} began to read: {finding}. It was still the same at {since}; commits since then may hold records of the new one, and lack those before them.",
            $"Compare the commits since {since} (matih table snapshots) with the topic. Where they hold records of the new one, roll the table back to the snapshot before them; then start over on the topic as it is now with --reset.");
        signal.Set();
    }

    /// <summary>The partitions' ends, and when they were looked up.</summary>
    private sealed record EndsLook(IReadOnlyDictionary<int, long> Ends, long At);
}
