using Matih.Delivery.Ledgers;
using Matih.Kafka;

namespace Matih.Delivery.Topics;

/// <summary>
/// Whether a running session still reads the log that it began with, by records that it has read: some of each partition
/// are remembered, and looked at again later. A topic that was deleted, created again and filled beyond the position gives
/// no error while it is read, nor does a partition whose new leader lacked the last records and has got others since.
/// Brokers and clients that know topic ids and leader epochs notice this themselves, older ones do not.
/// </summary>
/// <remarks>
/// After an unclean election the new leader's log differs from some offset on. What was read between that offset and the
/// position of that moment is replaced; what was read before or after is unchanged. A record in between must therefore be
/// among those remembered: the last record of each batch since the last look is, until there are too many, then every
/// second, every fourth and so on. A replaced stretch that is shorter than their distance can stay unnoticed.
/// Thread-safe.
/// </remarks>
internal sealed class ReadRecordCheck
{
    /// <summary>A topic is created again as a whole, so that a few partitions tell; the others have their turn at later checks.</summary>
    private const int PartitionsPerCheck = 4;

    private readonly ITopic _source;
    private readonly SortedDictionary<int, RememberedRecords> _partitions = [];
    private int _next;

    public ReadRecordCheck(ITopic source, SourceLedger opened)
    {
        _source = source;
        foreach (var entry in opened.Partitions) _partitions.Add(entry.Partition, new RememberedRecords(entry.Last));
    }

    /// <summary>Takes note of the last record of a batch. A lock per batch and partition, which hardly ever waits.</summary>
    public void Note(int partition, Fingerprint last)
    {
        if (_partitions.TryGetValue(partition, out var records)) records.Add(last);
    }

    /// <summary>Looks at remembered records of some partitions again. The first that is another one now, or null.</summary>
    /// <exception cref="SourceException">The topic could not be asked.</exception>
    public async ValueTask<ChangedRecord?> FindChangedAsync(CancellationToken cancellationToken)
    {
        foreach (var (partition, records) in Choose())
        {
            foreach (var expected in records.All())
            {
                var found = await _source.ProbeAsync(partition, expected.Offset, cancellationToken);
                switch (expected.CompareWith(found))
                {
                    case RecordMatch.Other:
                        return new ChangedRecord(partition, expected, found!);
                    case RecordMatch.Same:
                        records.Verify(expected);
                        break;
                    case RecordMatch.Gone when found is not null:
                        // Retention or compaction has removed it. Where nothing at all follows, it may still be replaced.
                        records.Forget(expected);
                        break;
                }
            }
        }
        return null;
    }

    private List<KeyValuePair<int, RememberedRecords>> Choose()
    {
        var known = _partitions.Where(partition => !partition.Value.IsEmpty).ToList();
        var count = Math.Min(PartitionsPerCheck, known.Count);
        var chosen = known.Concat(known).Skip(known.Count == 0 ? 0 : _next % known.Count).Take(count).ToList();
        _next += count;
        return chosen;
    }
}

/// <summary>A record that was read, and what stands at its offset now.</summary>
internal sealed record ChangedRecord(int Partition, Fingerprint Expected, ProbedRecord Found)
{
    /// <summary>As the end of a sentence.</summary>
    public override string ToString() => $"the record at offset {Expected.Offset} of partition {Partition} is not the one that was read";
}
