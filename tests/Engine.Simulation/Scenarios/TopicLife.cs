using Matih.Engine.Simulation.Auditing;
using Matih.Engine.Simulation.Scheduling;
using Matih.Engine.Simulation.World;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>What producers and administrators do to the topics.</summary>
internal sealed class TopicLife(Simulator simulator, SimulatedWorld world, Setup setup, Auditor auditor)
{
    private readonly List<(SimulatedTopic Topic, Transaction Transaction)> _open = [];

    public void Produce(string name, int count, int seed)
    {
        var (topic, random) = (world.Kafka.Topics[name], new Random(seed));
        for (var i = 0; i < count; i++) topic.Append(random.Next(topic.Partitions.Count), KindOf(random));
    }

    public void Transact(string name, int count, bool commits, TimeSpan openFor, int seed)
    {
        var (topic, random, transaction) = (world.Kafka.Topics[name], new Random(seed), new Transaction());
        for (var i = 0; i < count; i++) topic.Append(random.Next(topic.Partitions.Count), KindOf(random), transaction);
        _open.Add((topic, transaction));
        simulator.After(openFor, () =>
        {
            if (_open.Remove((topic, transaction))) topic.End(transaction, commits);
        });
    }

    /// <summary>Producers that died long ago: their transactions time out.</summary>
    public void AbortOpenTransactions()
    {
        foreach (var (topic, transaction) in _open) topic.End(transaction, isCommitted: false);
        _open.Clear();
    }

    public void WriteControls(string name, int partition, int count)
    {
        for (var i = 0; i < count; i++) world.Kafka.Topics[name].AppendControl(partition);
    }

    public void Compact(string name, double share, int seed)
    {
        var random = new Random(seed);
        foreach (var log in world.Kafka.Topics[name].Partitions)
            foreach (var record in log.Records.Take((int)(log.LastStable * 0.9)))
                if (random.NextDouble() < share) record.IsCompacted = true;
    }

    public void Retain(string name, int partition, double share, bool isCareless)
    {
        var topic = world.Kafka.Topics[name];
        if (partition >= topic.Partitions.Count) return;
        var log = topic.Partitions[partition];
        var limit = (long)(log.LastStable * share);
        if (!isCareless)
            foreach (var pipeline in setup.Pipelines)
                for (var sink = 0; sink < pipeline.Tables.Length; sink++)
                    limit = Math.Min(limit, auditor.AccountOf(pipeline, sink)?.Ledger.Sources[0].Find(partition)?.NextOffset ?? 0);
        log.DeleteBefore(limit);
        topic.Announce();
    }

    public void Recreate(string name, int refillCount, int seed)
    {
        var topic = world.Kafka.Topics[name];
        // A flow that is just starting may be told the old topic's ends and the new one's id; no ledger could tell that apart.
        foreach (var pipeline in setup.Pipelines)
            for (var sink = 0; sink < pipeline.Tables.Length; sink++)
                if (auditor.AccountOf(pipeline, sink) is null) return;
        AbortOpenTransactions();
        topic.Recreate(topic.Partitions.Count);
        Produce(name, refillCount, seed);
    }

    public void Truncate(string name, int partition, int lostCount, int refillCount, int seed)
    {
        var (topic, random) = (world.Kafka.Topics[name], new Random(seed));
        if (partition >= topic.Partitions.Count) return;
        AbortOpenTransactions();
        topic.Truncate(partition, lostCount);
        for (var i = 0; i < refillCount; i++) topic.Append(partition, KindOf(random));
    }

    private static RecordKind KindOf(Random random) => random.Next(12) switch
    {
        0 => RecordKind.Malformed,
        1 or 2 => RecordKind.Filtered,
        _ => RecordKind.Row,
    };
}
