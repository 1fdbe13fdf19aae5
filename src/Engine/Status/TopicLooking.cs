using System.Collections.Immutable;
using Matih.Kafka;

namespace Matih.Status;

/// <summary>A flow's topic as one look found it.</summary>
/// <param name="Ranges">What each partition holds, by its id.</param>
/// <param name="At">When Kafka told.</param>
internal sealed record TopicLook(TopicIdentity Identity, ImmutableArray<OffsetRange> Ranges, DateTimeOffset At);

/// <summary>Asks Kafka what a flow's topic holds. Reads no records but for the few that are looked for.</summary>
/// <param name="open">Opens the connection, which the first question needs.</param>
internal sealed class TopicLooking(Func<IRecordSource> open, TimeProvider clock) : IAsyncDisposable
{
    private IRecordSource? _source;

    /// <summary>The connection that answered.</summary>
    public IRecordSource Source => _source ?? throw new InvalidOperationException("Nothing was asked yet.");

    public async ValueTask<TopicLook> LookAsync(CancellationToken cancellationToken)
    {
        _source = open();
        var identity = await _source.IdentifyAsync(cancellationToken);
        var ranges = await _source.RangesAsync([.. Enumerable.Range(0, identity.PartitionCount)], cancellationToken);
        return new TopicLook(identity, [.. ranges], clock.GetUtcNow());
    }

    /// <summary>Whether any of these offsets, or one after it, holds a record: at the end of a partition only marks of transactions may be left.</summary>
    public async ValueTask<bool> HoldsRecordAsync(IEnumerable<PartitionPosition> from, CancellationToken cancellationToken)
    {
        foreach (var (partition, offset) in from)
            if (await Source.ProbeAsync(partition, offset, cancellationToken) is not null) return true;
        return false;
    }

    public async ValueTask DisposeAsync()
    {
        if (_source is not null) await _source.DisposeAsync();
    }
}
