using Matih.Batches;
using Matih.Kafka;

namespace Matih.Engine.Simulation.World;

/// <summary>One queue of an assignment: records arrive in pieces, and an idle one waits longer than asked, as under load.</summary>
internal sealed class TopicQueue : IRecordQueue
{
    /// <summary>A poll of an idle queue is stretched up to this, so that idle hours do not cost a seed millions of polls.</summary>
    private static readonly TimeSpan IdleWaitMax = TimeSpan.FromSeconds(8);

    private readonly TopicClient _client;
    private readonly long _assignment;
    private readonly long _generation;
    private readonly int _incarnation;
    private readonly Random _random;
    private readonly Dictionary<int, long> _next = [];
    private readonly Dictionary<int, long> _toldEnd = [];
    private readonly Dictionary<int, int> _knownTails = [];
    private readonly HashSet<(int Partition, long Offset)> _skipped = [];
    private readonly List<int> _partitions;
    private TimeSpan _idleWait;

    public TopicQueue(TopicClient client, long assignment, long generation, PartitionPosition[] positions, ClientHabits habits, Random random)
    {
        _client = client;
        _assignment = assignment;
        _generation = generation;
        _incarnation = client.Log.Incarnation;
        _random = random;
        _partitions = [.. positions.Select(position => position.Partition)];
        foreach (var (partition, offset) in positions)
        {
            var rewound = offset - random.Next(habits.RewindsBy + 1);
            _next[partition] = partition < client.Log.Partitions.Count ? Math.Max(Math.Min(offset, client.Log.Partitions[partition].LogStart), rewound) : offset;
            if (habits.SkipsRecords && !client.Weather.IsFair && random.Next(2) == 0)
                for (var i = random.Next(1, 4); i > 0; i--) _skipped.Add((partition, offset + random.Next(12)));
        }
    }

    public IReadOnlyList<int> Partitions => _partitions;

    public RawBatch CreateBatch() => new ManagedRawBatch();

    public async ValueTask PollAsync(RawBatch batch, int recordsMax, TimeSpan wait, List<SourceEvent> events, CancellationToken cancellationToken)
    {
        batch.Release();
        var managed = (ManagedRawBatch)batch;
        managed.SetAssignment(_generation);
        await _client.Process.WaitAsync(TimeSpan.FromMilliseconds(0.5 + 3 * _random.NextDouble()), null, cancellationToken);
        if (Fill(managed, recordsMax, events))
        {
            _idleWait = wait;
            return;
        }
        await _client.Process.WaitAsync(_idleWait, _client.Log.WhenChanged, cancellationToken);
        if (!Fill(managed, recordsMax, events)) _idleWait = TimeSpan.FromTicks(Math.Min(IdleWaitMax.Ticks, Math.Max(wait.Ticks, 2 * _idleWait.Ticks)));
    }

    /// <summary>Takes what is there; whether anything was.</summary>
    private bool Fill(ManagedRawBatch batch, int recordsMax, List<SourceEvent> events)
    {
        if (!_client.IsCurrent(_assignment) || _client.Weather.IsDown(Service.Kafka)) return false;
        var first = _random.Next(_partitions.Count);
        for (var i = 0; i < _partitions.Count && batch.Count < recordsMax; i++)
        {
            var partition = _partitions[(first + i) % _partitions.Count];
            // Whoever reads a topic that is deleted gets errors for its partitions until it is there again.
            if (_client.Log.Incarnation != _incarnation && !_client.ReadsOn || partition >= _client.Log.Partitions.Count)
            {
                events.Add(new SourceEvent.Failed(partition, "Broker: Unknown topic or partition"));
                return true;
            }
            if (!FillFrom(partition, batch, recordsMax, events)) return true;
        }
        return batch.Count != 0 || events.Count != 0;
    }

    /// <summary>
    /// Newer clients know the leader epoch of the last record that they were given, and ask a new leader how far it goes.
    /// </summary>
    private bool HasLostItsPlace(int partition, PartitionLog log)
    {
        if (!_client.Log.TellsId || !_knownTails.TryGetValue(partition, out var known)) return false;
        _knownTails[partition] = log.LostTails.Count;
        return log.LostTails.Skip(known).Any(tail => tail.FromOffset < _next[partition]);
    }

    private bool FillFrom(int partition, ManagedRawBatch batch, int recordsMax, List<SourceEvent> events)
    {
        var log = _client.Log.Partitions[partition];
        if (_next[partition] < log.LogStart || _next[partition] > log.HighWatermark)
        {
            events.Add(new SourceEvent.OffsetOutOfRange(partition, $"offset {_next[partition]} is out of range"));
            return false;
        }
        if (HasLostItsPlace(partition, log))
        {
            events.Add(new SourceEvent.OffsetOutOfRange(partition, $"the log was truncated below offset {_next[partition]}"));
            return false;
        }
        var piece = Math.Min(recordsMax - batch.Count, 1 + _random.Next(1, 40));
        foreach (var record in log.Read(_next[partition]))
        {
            if (piece-- == 0) return true;
            _next[partition] = record.Offset + 1;
            _client.NoteRead(log, _next[partition]);
            _knownTails.TryAdd(partition, log.LostTails.Count);
            if (_skipped.Contains((partition, record.Offset))) continue;
            batch.Add(record.Value, null, record.Offset, partition, record.TimestampMillis, TimestampKind.CreateTime);
        }
        var end = log.LastStable;
        if (_toldEnd.GetValueOrDefault(partition, -1) == end && _next[partition] == end) return true;
        if (_random.Next(8) == 0) return true;
        _next[partition] = Math.Max(_next[partition], end);
        _client.NoteRead(log, _next[partition]);
        _toldEnd[partition] = end;
        events.Add(new SourceEvent.ReachedEnd(partition, end, _generation));
        return true;
    }
}
