using System.Text;
using Matih.Kafka;

namespace Matih.Engine.Tests.Delivery;

/// <summary>A Kafka topic in memory that a test shapes: records, offsets without one, deleted records, added partitions, another identity.</summary>
internal sealed class ScriptedTopic
{
    private readonly Lock _lock = new();
    private readonly List<Partition> _partitions = [];

    public ScriptedTopic(string name, int partitionCount)
    {
        Name = name;
        AddPartitions(partitionCount);
    }

    public string Name { get; }

    public string? ClusterId { get; set; } = "cluster-1";

    public string? TopicId { get; set; } = "topic-1";

    public string? GroupMark { get; set; }

    public bool RefusesGroupOffsets { get; set; }

    public Dictionary<int, long> GroupOffsets { get; } = [];

    public int PartitionCount
    {
        get
        {
            lock (_lock) return _partitions.Count;
        }
    }

    public void AddPartitions(int count)
    {
        lock (_lock)
            for (var i = 0; i < count; i++) _partitions.Add(new Partition());
    }

    /// <summary>Appends one record and returns its offset.</summary>
    public long Append(int partition, string? value, string? key = null, long timestampMillis = 1_700_000_000_000)
    {
        lock (_lock)
        {
            var at = _partitions[partition];
            at.Records.Add(new Record(at.End, value is null ? null : Encoding.UTF8.GetBytes(value), key is null ? null : Encoding.UTF8.GetBytes(key), timestampMillis));
            return at.End++;
        }
    }

    /// <summary>Leaves offsets without records: control records, aborted transactions, compaction.</summary>
    public void AppendGap(int partition, int count)
    {
        lock (_lock) _partitions[partition].End += count;
    }

    /// <summary>Puts a record at an offset that held none, which no broker does: what a client that passed it over has missed.</summary>
    public void Fill(int partition, long offset, string value)
    {
        lock (_lock)
        {
            var records = _partitions[partition].Records;
            records.Insert(records.FindIndex(record => record.Offset > offset), new Record(offset, Encoding.UTF8.GetBytes(value), null, 1_700_000_000_000));
        }
    }

    /// <summary>What compaction does: these records are gone, the log's ends stay.</summary>
    public void Compact(int partition, Predicate<long> isGone)
    {
        lock (_lock) _partitions[partition].Records.RemoveAll(record => isGone(record.Offset));
    }

    /// <summary>What retention does: the log then starts there.</summary>
    public void DeleteBefore(int partition, long offset)
    {
        lock (_lock)
        {
            var at = _partitions[partition];
            at.Start = offset;
            at.End = Math.Max(at.End, offset);
            at.Records.RemoveAll(record => record.Offset < offset);
        }
    }

    /// <summary>What compaction does: the offset stays, its record goes.</summary>
    public void Compact(int partition, long offset)
    {
        lock (_lock) _partitions[partition].Records.RemoveAll(record => record.Offset == offset);
    }

    /// <summary>An unclean leader election: the records from there on are gone, and others have taken their offsets, and more.</summary>
    public void ElectUncleanly(int partition, long from, int count)
    {
        lock (_lock)
        {
            var at = _partitions[partition];
            at.Records.RemoveAll(record => record.Offset >= from);
            at.End = from;
            for (var i = 0; i < count; i++) at.Records.Add(new Record(at.End++, Encoding.UTF8.GetBytes($"{{\"id\": {900000 + i}, \"note\": \"new\"}}"), null, 1_700_000_000_001));
        }
    }

    /// <summary>The topic is deleted and created again, empty.</summary>
    public void Recreate(int partitionCount, string? topicId)
    {
        lock (_lock)
        {
            _partitions.Clear();
            TopicId = topicId;
            for (var i = 0; i < partitionCount; i++) _partitions.Add(new Partition());
        }
    }

    /// <summary>A transaction is open from there on: readers of committed records see nothing more until it ends.</summary>
    public void OpenTransaction(int partition, long from)
    {
        lock (_lock) _partitions[partition].OpenFrom = from;
    }

    /// <summary>The transaction is committed, behind which one control record stands.</summary>
    public void CommitTransaction(int partition)
    {
        lock (_lock)
        {
            _partitions[partition].OpenFrom = null;
            _partitions[partition].End++;
        }
    }

    /// <param name="committedOnly">Whether the range ends where the oldest open transaction begins.</param>
    public OffsetRange Range(int partition, bool committedOnly = false)
    {
        lock (_lock) return new OffsetRange(_partitions[partition].Start, End(_partitions[partition], committedOnly));
    }

    public IReadOnlyList<Record> Read(int partition, long fromOffset, int countMax, bool committedOnly = false)
    {
        lock (_lock)
        {
            var end = End(_partitions[partition], committedOnly);
            return [.. _partitions[partition].Records.Where(record => record.Offset >= fromOffset && record.Offset < end).Take(countMax)];
        }
    }

    private static long End(Partition at, bool committedOnly) => committedOnly && at.OpenFrom is { } from ? from : at.End;

    internal sealed record Record(long Offset, byte[]? Value, byte[]? Key, long TimestampMillis);

    private sealed class Partition
    {
        public List<Record> Records { get; } = [];
        public long Start { get; set; }
        public long End { get; set; }
        public long? OpenFrom { get; set; }
    }
}
