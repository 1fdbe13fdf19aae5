using Matih.Engine.Simulation.Scheduling;
using Matih.Engine.Simulation.World;

namespace Matih.Engine.Simulation.Functions;

/// <summary>What the trigger's consumer group has committed: it outlives hosts and deployments. Never a truth.</summary>
internal sealed class TriggerOffsets
{
    private readonly Dictionary<int, long> _next = [];

    public long? Find(int partition) => _next.TryGetValue(partition, out var next) ? next : null;

    public void Commit(int partition, long next) => _next[partition] = next;
}

/// <summary>
/// The consumer of a Kafka trigger in one host: hands batches of its partitions to the worker, one at a time, and commits their
/// offsets when the function has ended, well or not (observed with version 4.3 of the extension).
/// </summary>
internal sealed class KafkaTrigger(Simulator simulator, SimulatedWorld world, SimulatedTopic topic, IReadOnlyList<string> flows, TriggerOffsets offsets, AppSetup setup, FunctionCounts counts, FunctionsHost host, Random random)
{
    private readonly Dictionary<int, long> _positions = [];
    private bool _isBusy;

    public bool IsCalm { get; set; }

    /// <summary>Nothing is handed over until then.</summary>
    public TimeSpan AsleepUntil { get; set; }

    /// <summary>Every batch is dropped until then, as where the function failed.</summary>
    public TimeSpan DropsUntil { get; set; }

    public IEnumerable<int> Partitions => _positions.Keys;

    /// <summary>The group has dealt these partitions to this consumer. What it has in hand goes on.</summary>
    public void Assign(IReadOnlyCollection<int> partitions)
    {
        foreach (var gone in _positions.Keys.Where(partition => !partitions.Contains(partition)).ToList()) _positions.Remove(gone);
        foreach (var partition in partitions)
            if (!_positions.ContainsKey(partition)) _positions.Add(partition, offsets.Find(partition) ?? 0);
    }

    public void Begin() => PollLater(TimeSpan.FromSeconds(0.2 + random.NextDouble()));

    private void PollLater(TimeSpan wait) => simulator.After(wait, Poll);

    private void Poll()
    {
        if (!host.IsTriggerOf(this)) return;
        var pause = TimeSpan.FromSeconds(IsCalm ? 1 + 2 * random.NextDouble() : 0.1 + 1.5 * random.NextDouble());
        if (_isBusy || host.Worker is not { IsUp: true } || world.Weather.IsDown(Service.Kafka) || simulator.Now < AsleepUntil)
        {
            PollLater(pause);
            return;
        }
        var (batch, ends) = Fetch();
        if (batch.Count == 0)
        {
            foreach (var (partition, end) in ends) _positions[partition] = end;
            PollLater(pause);
            return;
        }
        Describe(batch);
        foreach (var (partition, end) in ends) _positions[partition] = end;
        if (simulator.Now < DropsUntil)
        {
            counts.Add("batch never handed over");
            simulator.Trace.Note(simulator.Now, host.Name, $"trigger drops {batch.Count} records");
            Commit(ends);
            PollLater(pause);
            return;
        }
        _isBusy = true;
        ReadOnlyMemory<byte>[] messages = [.. batch.Select(item => TriggerWire.Write(topic.Name, item.Partition, item.Record))];
        if (!IsCalm && Mischief(0.1))
        {
            counts.Add("batch held back in its host");
            simulator.After(TimeSpan.FromSeconds(60 * random.NextDouble()), () => HandOverWhenUp(messages, ends, setup.RetryCount));
        }
        else HandOver(messages, ends, setup.RetryCount);
        PollLater(pause);
    }

    /// <summary>Gives the batch to the worker, again as often as the trigger may.</summary>
    private void HandOver(ReadOnlyMemory<byte>[] messages, IReadOnlyDictionary<int, long> ends, int retriesLeft)
    {
        counts.Add("batch handed over");
        host.Ingest(messages, end =>
        {
            switch (end)
            {
                case CallEnd.Done:
                    Commit(ends);
                    break;
                // The host has died with it: whoever gets the partitions next begins at what was committed.
                case CallEnd.Died when !host.IsTriggerOf(this):
                    break;
                case var _ when retriesLeft > 0:
                    counts.Add("batch handed over again after a failure");
                    simulator.After(TimeSpan.FromMilliseconds(200 * random.NextDouble()), () => HandOverWhenUp(messages, ends, retriesLeft - 1));
                    return;
                default:
                    counts.Add("batch lost by the trigger");
                    simulator.Trace.Note(simulator.Now, host.Name, $"trigger drops {messages.Length} records, whose function failed");
                    Commit(ends);
                    break;
            }
            _isBusy = false;
        });
        // The one that had the partition before still has the batch.
        if (!IsCalm && Mischief(0.3) && host.Other(random) is { Worker.IsUp: true } other)
        {
            counts.Add("batch handed to two instances");
            other.Ingest(messages, _ => { });
        }
    }

    private void HandOverWhenUp(ReadOnlyMemory<byte>[] messages, IReadOnlyDictionary<int, long> ends, int retriesLeft)
    {
        if (!host.IsTriggerOf(this)) return;
        if (host.Worker is { IsUp: true }) HandOver(messages, ends, retriesLeft);
        else simulator.After(TimeSpan.FromSeconds(0.5), () => HandOverWhenUp(messages, ends, retriesLeft));
    }

    private void Commit(IReadOnlyDictionary<int, long> ends)
    {
        // What was taken away meanwhile is another one's to commit.
        foreach (var (partition, end) in ends)
            if (_positions.ContainsKey(partition)) offsets.Commit(partition, end);
    }

    private void Describe(List<(int Partition, LogRecord Record)> batch)
    {
        if (batch.Select(item => item.Partition).Distinct().Count() > 1) counts.Add("batch of several partitions");
    }

    /// <summary>Records of several partitions, mixed, and where the trigger then stands in each.</summary>
    private (List<(int Partition, LogRecord Record)> Batch, IReadOnlyDictionary<int, long> Ends) Fetch()
    {
        var batch = new List<(int Partition, LogRecord Record)>();
        var ends = new Dictionary<int, long>();
        var partitions = _positions.Keys.Order().ToArray();
        random.Shuffle(partitions);
        foreach (var partition in partitions)
        {
            var room = setup.BatchMax - batch.Count;
            if (room <= 0) break;
            if (partition >= topic.Partitions.Count) continue;
            var log = topic.Partitions[partition];
            var position = _positions[partition];
            // auto.offset.reset: Earliest
            if (position > log.HighWatermark || position < log.LogStart) position = log.LogStart;
            var from = position;
            if (!IsCalm && Mischief(0.5))
            {
                var isAgain = random.Next(2) == 0;
                counts.Add(isAgain ? "records handed over again" : "records left out");
                from = isAgain ? Math.Max(0, position - random.Next(1, 30)) : position + random.Next(1, 10);
            }
            List<LogRecord> records = [.. log.Read(from).Take(random.Next(1, room + 1))];
            ends[partition] = Math.Max(position, records.Count == 0 ? position : records[^1].Offset + 1);
            if (records.Count == 0) continue;
            foreach (var flow in flows) log.NoteRead(flow, ends[partition]);
            if (!IsCalm && records.Count > 2 && Mischief(0.3))
            {
                counts.Add("batch with a hole");
                records.RemoveRange(random.Next(1, records.Count - 1), 1);
            }
            if (!IsCalm && Mischief(0.3))
            {
                counts.Add("record twice in a batch");
                records.Add(records[random.Next(records.Count)]);
            }
            batch.AddRange(records.Select(record => (partition, record)));
        }
        if (!IsCalm && batch.Count > 1 && Mischief(0.5))
        {
            counts.Add("batch out of order");
            var mixed = batch.ToArray();
            random.Shuffle(mixed);
            batch = [.. mixed];
        }
        return (batch, ends);
    }

    private bool Mischief(double share) => setup.Mischief > 0 && random.NextDouble() < setup.Mischief * share;
}
