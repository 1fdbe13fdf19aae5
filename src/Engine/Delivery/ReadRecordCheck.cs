using Matih.Kafka;

namespace Matih.Delivery;

/// <summary>
/// Whether a running session still reads the topic that it began with, by records that it has read: one of each partition
/// is remembered, and looked at again later. A topic that was deleted and created anew in between, and filled beyond the
/// position, gives no error while it is read; brokers and clients that know topic ids tell it apart, older ones do not.
/// </summary>
/// <remarks>
/// A remembered record gives way to a newer one only once it was found unchanged: whatever was read before that moment was
/// then read from the same topic. Thread-safe.
/// </remarks>
internal sealed class ReadRecordCheck
{
    /// <summary>A topic is created anew as a whole, so that a few partitions tell; the others have their turn at later checks.</summary>
    private const int PartitionsPerCheck = 4;

    private readonly IRecordSource _source;
    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, Fingerprint> _remembered = [];
    private readonly Dictionary<int, Fingerprint> _latest = [];
    private int _next;

    public ReadRecordCheck(IRecordSource source, SourceLedger opened)
    {
        _source = source;
        foreach (var entry in opened.Partitions)
            if (entry.Last is { } last) _remembered.Add(entry.Partition, last);
    }

    /// <summary>Takes note of the last records of a checkpoint.</summary>
    public void Note(IEnumerable<PartitionLedger> entries)
    {
        lock (_gate)
        {
            foreach (var entry in entries)
            {
                if (entry.Last is not { } last) continue;
                _remembered.TryAdd(entry.Partition, last);
                _latest[entry.Partition] = last;
            }
        }
    }

    /// <summary>Looks at some of the records again. The first that is another one now, or null.</summary>
    /// <exception cref="SourceException">The topic could not be asked.</exception>
    public async ValueTask<ChangedRecord?> FindChangedAsync(CancellationToken cancellationToken)
    {
        foreach (var (partition, expected, newer) in Choose())
        {
            var found = await _source.ProbeAsync(partition, expected.Offset, cancellationToken);
            var isGone = found is null || found.Offset != expected.Offset;
            if (!isGone && (found!.Crc32C != expected.Crc32C || found.TimestampMillis != expected.TimestampMillis)) return new ChangedRecord(partition, expected, found);
            lock (_gate)
            {
                // What retention has removed tells nothing any more; the next one may.
                if (newer is { } last) _remembered[partition] = last;
                else if (isGone) _remembered.Remove(partition);
            }
        }
        return null;
    }

    private List<(int Partition, Fingerprint Expected, Fingerprint? Newer)> Choose()
    {
        lock (_gate)
        {
            var count = Math.Min(PartitionsPerCheck, _remembered.Count);
            var chosen = _remembered.Concat(_remembered).Skip(_remembered.Count == 0 ? 0 : _next % _remembered.Count).Take(count)
                .Select(known => (known.Key, known.Value, _latest.TryGetValue(known.Key, out var latest) ? latest : (Fingerprint?)null)).ToList();
            _next += count;
            return chosen;
        }
    }
}

/// <summary>A record that was read, and what stands at its offset now.</summary>
internal sealed record ChangedRecord(int Partition, Fingerprint Expected, ProbedRecord Found);
