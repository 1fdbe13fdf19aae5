using Matih.Batches;
using Matih.Decoding;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Topics;
using Matih.Delivery.Writing;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Lanes;

/// <summary>Makes the lanes of one opened flow: all of them read the same topic, run the same SQL and write for the same table.</summary>
/// <param name="createDecoder">A decoder whose buffers are counted in the account.</param>
/// <param name="createFileSets">File sets of that many lanes, for the table as it was when the flow was opened.</param>
internal sealed class FlowLanes(
    FlowPlan plan, MemoryAccount memory, Func<MemoryAccount, IRecordDecoder> createDecoder, Func<int, FileSets> createFileSets, FlowProgress progress, IEngineLog log, TimeProvider clock)
{
    public FlowName Flow => plan.Name;

    /// <summary>A batch is there several times over: as the client's records, as decoded columns, as the query's, as open pages.</summary>
    private long BatchBytes => Math.Max(64 << 10, memory.CeilingBytes / (16 * plan.Parallelism));

    /// <summary>What that many lanes write in common.</summary>
    public FileSets CreateFileSets(int laneCount) => createFileSets(laneCount);

    /// <param name="positions">Where the lane's partitions stand.</param>
    /// <param name="inCommon">What the lane writes in common with others; null for a lane that writes files of its own.</param>
    /// <param name="readRecords">Takes note of records that a running session has read; null for readers of bounded ranges.</param>
    /// <param name="endOffset">Where a lane of one partition stops.</param>
    public Lane Create(IReadOnlyCollection<PartitionLedger> positions, FileSets? inCommon = null, ReadRecordCheck? readRecords = null, long endOffset = long.MaxValue)
    {
        var writer = new SinkWriter(inCommon ?? createFileSets(1), isAlone: inCommon is null);
        return new Lane(
            new LaneParts(plan.Topic, createDecoder(memory), plan.Query.CreateExecutor(clock, memory), writer, new LaneSettings(plan.OnError), memory, progress, log, clock) { ReadRecords = readRecords },
            positions, endOffset);
    }

    /// <summary>What the readers of one assignment share.</summary>
    public Polling CreatePolling(RecordLimit limit) => new(plan.Topic, new PollSettings(BatchBytes), limit, new AsyncSignal(), clock);
}
