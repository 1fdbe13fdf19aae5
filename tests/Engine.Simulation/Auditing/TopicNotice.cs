using Matih.Delivery.Ledgers;
using Matih.Engine.Simulation.World;
using Matih.Kafka;
using Matih.Planning;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>Whether a commit has passed over what its process could have noticed about the topic.</summary>
internal sealed class TopicNotice(FlowName flow, SimulatedTopic topic, SimulatedWorld world)
{
    /// <summary>A run looks at the topic's id twice a minute; where all is calm it has stopped by then.</summary>
    private static readonly TimeSpan NoticedWithin = TimeSpan.FromMinutes(3);

    /// <summary>The topic was deleted and created again, and tells so.</summary>
    public void RequireSameTopic(Ledger ledger)
    {
        if (topic.Incarnation == 0 || topic.TopicId is not { } id || ledger.Sources[0].TopicId == id || ProcessOf(ledger) is not { } process) return;
        if (process.StartedAt > topic.CreatedAt) throw new AuditException($"A run of {flow} that was started after the topic was created again goes on from the positions in the old one.");
        if (world.Simulator.Now - topic.CreatedAt > NoticedWithin && process.PausedAt < topic.CreatedAt && world.Weather.CalmSince < topic.CreatedAt)
            throw new AuditException($"A run of {flow} still commits {(world.Simulator.Now - topic.CreatedAt).TotalSeconds:0} s after the topic was created again.");
    }

    /// <summary>
    /// An unclean leader election took records that the ledger accounts for: who opens the flow on it afterwards finds another
    /// record in the place of the last one that was read, where there is one.
    /// </summary>
    public void RequireSameRecords(Ledger before, Ledger after)
    {
        if (ProcessOf(after) is not { } process) return;
        // A committer takes over what a member had staged before the election; it finds that out when it looks at it again.
        if (before.Writer?.ProcessId == after.Writer!.ProcessId) return;
        foreach (var entry in before.Sources[0].Partitions)
        {
            var log = topic.Partitions[entry.Partition];
            if (entry.Last is not { } last || !IsReplaced(log, last)) continue;
            if (!log.LostTails.Any(tail => tail.FromOffset <= last.Offset && tail.At < process.StartedAt && tail.Readers.Contains(flow.ToString()))) continue;
            // In an open transaction nobody can look at it: it is found a little later.
            if (log.Records[(int)last.Offset].Transaction is not null && world.Simulator.Now - process.StartedAt < NoticedWithin) continue;
            // Lost again, and again under a run that had opened on the records in between: it could not know.
            if (log.LostTails.Any(tail => tail.FromOffset <= last.Offset && tail.At >= process.StartedAt)) continue;
            throw new AuditException($"A run of {flow} continues in partition {entry.Partition} from {entry.NextOffset}, although another record stands at {last.Offset} than the one that was read.");
        }
    }

    /// <summary>
    /// The partition in which an unclean election has replaced the last record that a running process committed, so that it has to
    /// find out by that record; null for none.
    /// </summary>
    public int? FindReplacedUnder(Ledger ledger)
    {
        if (ProcessOf(ledger) is not { } process) return null;
        foreach (var entry in ledger.Sources[0].Partitions)
        {
            var log = topic.Partitions[entry.Partition];
            if (entry.Last is { } last && IsReplaced(log, last)
                && log.LostTails.Any(tail => tail.FromOffset <= last.Offset && tail.At > process.StartedAt && tail.Readers.Contains(flow.ToString()))) return entry.Partition;
        }
        return null;
    }

    /// <summary>Whether another record than the one that was read stands there for everybody to see.</summary>
    public static bool IsReplaced(PartitionLog log, Fingerprint last)
    {
        if (log.LostTails.Count == 0 || last.Offset >= log.LastStable || last.Offset < log.LogStart) return false;
        var record = log.Records[(int)last.Offset];
        return record.IsReadable && (record.TimestampMillis != last.TimestampMillis || RecordFingerprint.Of(default, record.Value) != last.Crc32C);
    }

    private ProcessLife? ProcessOf(Ledger ledger) => ledger.Writer is { } writer ? world.Processes.GetValueOrDefault(writer.ProcessId) : null;
}
