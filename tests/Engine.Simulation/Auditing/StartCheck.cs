using System.Collections.Immutable;
using Matih.Definition;
using Matih.Engine.Simulation.Scheduling;
using Matih.Engine.Simulation.World;
using Matih.Planning;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>Does a flow begin where its start says, and where a run's one look-up of that start says?</summary>
internal static class StartCheck
{
    /// <exception cref="AuditException">It does not.</exception>
    public static void Require(FlowName flow, SimulatedTopic topic, ImmutableSortedDictionary<int, long> starts, ProcessOrder order)
    {
        if (order is { Mode: null, IsDriven: false }) throw new AuditException($"A replay starts {flow}.");
        var start = order.Answers.Start ?? (order.Pipeline.StartsAtLatest ? new StartOffset.Latest() : new StartOffset.Earliest());
        if (start is StartOffset.AtTime at) RequireTime(flow, topic, starts, at);
        if (!order.StartsAll || order.FirstLookUp is not { } lookedUp) return;
        if (lookedUp.Count != starts.Count) throw new AuditException($"{flow} starts with {starts.Count} partitions; its run first looked them up with {lookedUp.Count}.");
        foreach (var (partition, offset) in starts)
        {
            var expected = start switch
            {
                StartOffset.Earliest => lookedUp[partition].LogStart,
                StartOffset.Latest => lookedUp[partition].End,
                _ => offset,
            };
            if (offset != expected) throw new AuditException($"{flow} starts at {start} with offset {offset} in partition {partition}; its run first looked that up as {expected}.");
        }
    }

    /// <summary>No record of that time or later lies before the start, and none of the time before comes after it.</summary>
    private static void RequireTime(FlowName flow, SimulatedTopic topic, ImmutableSortedDictionary<int, long> starts, StartOffset.AtTime at)
    {
        var millis = at.Time.ToUnixTimeMilliseconds();
        foreach (var (partition, offset) in starts)
        {
            var log = topic.Partitions[partition];
            foreach (var record in log.Records)
            {
                if (!record.IsReadable || record.Offset < log.LogStart) continue;
                if (record.Offset < offset && record.TimestampMillis >= millis)
                    throw new AuditException($"{flow} starts at {at} with offset {offset} in partition {partition}, after the record at {record.Offset}, which is of {SimulatedClock.Epoch.AddMilliseconds(record.TimestampMillis - SimulatedClock.Epoch.ToUnixTimeMilliseconds()):O}.");
            }
        }
    }
}
