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

    /// <exception cref="PipelineException">Records are there that the client did not give; the session must begin anew.</exception>
    public async ValueTask RequireRealAsync(IReadOnlyList<LaneCheckpoint> checkpoints, CancellationToken cancellationToken)
    {
        var withHoles = checkpoints.SelectMany(checkpoint => checkpoint.Partitions).Where(stretch => stretch.FirstHole is not null).ToList();
        if (withHoles.Count == 0) return;
        if (_seenCount++ % SampleEvery != 0 && !parts.Source.MaySkipRecords) return;
        foreach (var (entry, _) in withHoles)
        {
            var count = await parts.Source.CountAsync(entry.Partition, entry.FromOffset, entry.NextOffset, cancellationToken);
            if (count <= entry.RecordCount) continue;
            throw new PipelineException(FailureKind.Kafka,
                $"Offsets {entry.FromOffset} to {entry.NextOffset - 1} of partition {entry.Partition} of topic '{plan.Topic}' gave {entry.RecordCount} records, but hold {count}: the Kafka client passed records over.",
                "Nothing of it was committed; the range is read again. If it happens again, use another librdkafka (MATIH_LIBRDKAFKA).");
        }
    }
}
