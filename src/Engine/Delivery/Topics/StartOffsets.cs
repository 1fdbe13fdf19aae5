using System.Collections.Immutable;
using Matih.Definition;
using Matih.Kafka;

namespace Matih.Delivery.Topics;

/// <summary>Where the flows of one source without a ledger begin: as the definition says, and as a person does (<c>--from</c>).</summary>
internal sealed record FlowStarts(StartOffsets Defined, StartOffsets? Answered)
{
    public static FlowStarts Of(ITopic source, StartOffset defined, StartOffset? answered) =>
        new(new StartOffsets(source, defined), answered is null ? null : new StartOffsets(source, answered));
}

/// <summary>
/// The starting offsets of one source, looked up once and shared by all sinks that have no ledger yet, so that they begin at
/// the same records. docs/delivery.md, "Start offsets are looked up once".
/// </summary>
internal sealed class StartOffsets(ITopic source, StartOffset start)
{
    private readonly Lock _gate = new();
    private Task<StartingPoint>? _lookUp;

    public StartOffset Start => start;

    /// <summary>The offsets; who asks while they are looked up waits for the same answer, and who asks after a failure looks again.</summary>
    public async ValueTask<StartingPoint> ResolveAsync(CancellationToken cancellationToken)
    {
        Task<StartingPoint> lookUp;
        lock (_gate)
        {
            if (_lookUp is null or { IsFaulted: true } or { IsCanceled: true }) _lookUp = LookUpAsync(cancellationToken);
            lookUp = _lookUp;
        }
        return await lookUp;
    }

    private async Task<StartingPoint> LookUpAsync(CancellationToken cancellationToken)
    {
        var topic = await source.IdentifyAsync(cancellationToken);
        int[] partitions = [.. Enumerable.Range(0, topic.PartitionCount)];

        // The ends come first: a record that arrives during the look-up is then after the start, never before it.
        var ranges = await source.RangesAsync(partitions, cancellationToken);
        var times = start is StartOffset.AtTime at ? await source.OffsetsForTimeAsync(partitions, at.Time, cancellationToken) : null;
        return new StartingPoint(topic, [.. partitions.Select(partition => new PartitionPosition(partition, start switch
        {
            StartOffset.Earliest => ranges[partition].LogStart,
            StartOffset.AtTime => times![partition] ?? ranges[partition].End,
            _ => ranges[partition].End,
        }))]);
    }
}

/// <summary>Starting offsets, and the topic that they were looked up in: they mean nothing in one that was created again since.</summary>
internal sealed record StartingPoint(TopicIdentity Topic, ImmutableArray<PartitionPosition> Positions);
