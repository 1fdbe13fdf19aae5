namespace Matih.Delivery;

/// <summary>
/// Offsets may be missing for good reasons (compaction, aborted transactions, control records), and for a bad one: a client
/// that skipped records. A range with holes is therefore counted a second time before it is committed: always for clients
/// known to skip (librdkafka before 2.1.0), else for the first checkpoint with holes and every sixteenth after it.
/// </summary>
internal sealed class HoleCheck(FlowPlan plan, FlowParts parts)
{
    private const int SampleEvery = 16;

    private int _seenCount;

    /// <summary>What is missing, as a sentence; null where every hole is real.</summary>
    public async ValueTask<string?> FindMissingAsync(IReadOnlyList<LaneCheckpoint> checkpoints, CancellationToken cancellationToken)
    {
        var withHoles = checkpoints.SelectMany(checkpoint => checkpoint.Partitions).Where(stretch => stretch.FirstHole is not null).ToList();
        if (withHoles.Count == 0) return null;
        if (_seenCount++ % SampleEvery != 0 && !parts.Source.MaySkipRecords) return null;
        foreach (var (entry, _) in withHoles)
        {
            var count = await parts.Source.CountAsync(entry.Partition, entry.FromOffset, entry.NextOffset, cancellationToken);
            if (count <= entry.RecordCount) continue;
            return $"Offsets {entry.FromOffset} to {entry.NextOffset - 1} of partition {entry.Partition} of topic '{plan.Topic}' gave {entry.RecordCount} records and hold {count}.";
        }
        return null;
    }
}
