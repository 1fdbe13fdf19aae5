using System.Globalization;
using System.Text;
using Matih.Engine.Simulation.Scheduling;

namespace Matih.Engine.Simulation.World;

/// <summary>One topic and its incarnations. Records carry where they stand, so that a row in a table says which record it is.</summary>
internal sealed class SimulatedTopic(Simulator simulator, string name, int partitionCount)
{
    private readonly List<List<PartitionLog>> _incarnations = [NewPartitions(partitionCount)];
    private readonly List<TimeSpan> _createdAt = [simulator.Now];
    private readonly List<Action> _waiters = [];
    private long _id;

    public string Name { get; } = name;

    /// <summary>Counts how often the topic was created; the first is 0.</summary>
    public int Incarnation => _incarnations.Count - 1;

    /// <summary>Null where librdkafka cannot tell.</summary>
    public string? TopicId => TellsId ? IdOf(Incarnation) : null;

    public bool TellsId { get; init; } = true;

    /// <summary>Which of the topics of this name has the id; null where the id tells none.</summary>
    public int? IncarnationOf(string? topicId) =>
        Enumerable.Range(0, _incarnations.Count).Cast<int?>().FirstOrDefault(incarnation => IdOf(incarnation!.Value) == topicId);

    private static string IdOf(int incarnation) => $"topic-id-{incarnation}";

    public IReadOnlyList<PartitionLog> Partitions => _incarnations[^1];

    /// <summary>When the topic was last created.</summary>
    public TimeSpan CreatedAt => _createdAt[^1];

    /// <summary>An unclean leader election of one partition, which loses that many of its last records.</summary>
    public void Truncate(int partition, long count)
    {
        var log = Partitions[partition];
        log.Truncate(log.HighWatermark - count, simulator.Now);
        Announce();
    }

    public IReadOnlyList<PartitionLog> PartitionsOf(int incarnation) => _incarnations[incarnation];

    public void Append(int partition, RecordKind kind, Transaction? transaction = null)
    {
        var id = _id++;
        Partitions[partition].Append(kind, id, offset => Value(kind, partition, offset, id), NowMillis, transaction);
        Announce();
    }

    public void AppendControl(int partition)
    {
        Partitions[partition].AppendControl(NowMillis);
        Announce();
    }

    public void End(Transaction transaction, bool isCommitted)
    {
        transaction.IsCommitted = isCommitted;
        foreach (var partition in Partitions) partition.End(transaction, NowMillis);
        Announce();
    }

    public void AddPartition()
    {
        _incarnations[^1].Add(new PartitionLog());
        Announce();
    }

    /// <summary>Deletes the topic and creates it again, empty.</summary>
    public void Recreate(int partitions)
    {
        _incarnations.Add(NewPartitions(partitions));
        _createdAt.Add(simulator.Now);
        Announce();
    }

    /// <summary>Calls back once, at the next change.</summary>
    public void WhenChanged(Action act) => _waiters.Add(act);

    public void Announce()
    {
        if (_waiters.Count == 0) return;
        var waiters = _waiters.ToArray();
        _waiters.Clear();
        foreach (var waiter in waiters) waiter();
    }

    private byte[] Value(RecordKind kind, int partition, long offset, long id) => Encoding.UTF8.GetBytes(kind switch
    {
        RecordKind.Malformed => string.Create(CultureInfo.InvariantCulture, $$"""{"id": {{id}}, "inc": """),
        RecordKind.Filtered => string.Create(CultureInfo.InvariantCulture, $$"""{"id": {{-1 - id}}, "inc": {{Incarnation}}, "p": {{partition}}, "o": {{offset}}}"""),
        _ => string.Create(CultureInfo.InvariantCulture, $$"""{"id": {{id}}, "inc": {{Incarnation}}, "p": {{partition}}, "o": {{offset}}}"""),
    });

    private long NowMillis => (SimulatedClock.Epoch + simulator.Now).ToUnixTimeMilliseconds();

    private static List<PartitionLog> NewPartitions(int count) => [.. Enumerable.Range(0, count).Select(_ => new PartitionLog())];
}

/// <summary>The topics of one cluster, and what consumer groups have stored.</summary>
internal sealed class KafkaCluster
{
    public Dictionary<string, SimulatedTopic> Topics { get; } = new(StringComparer.Ordinal);

    /// <summary>Groups that deal partitions to the members of a flow, by name.</summary>
    public Dictionary<string, ConsumerGroup> Groups { get; } = new(StringComparer.Ordinal);

    public GroupMarkStore Marks { get; } = new();

    public string Id { get; set; } = "cluster-0";
}
