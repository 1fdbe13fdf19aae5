using Matih.Batches;
using Matih.Decoding;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Delivery.Skipping;
using Matih.Delivery.Topics;
using Matih.Kafka;
using Matih.Planning;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Delivery;

/// <summary>The components that a flow's run works with; the host or a simulation makes them.</summary>
internal sealed class FlowParts
{
    public required IRecordSource Source { get; init; }
    /// <summary>Another reader of the same topic, for what is read beside the assignment.</summary>
    public required Func<IRecordSource> OpenSource { get; init; }
    /// <summary>The seat among several processes of the pipeline; null for a process that does everything.</summary>
    public required IGroupMember? Member { get; init; }
    public required IStore Store { get; init; }
    public required FlowOpening Opening { get; init; }
    /// <summary>The same, to find out beforehand and without a word whether it would refuse.</summary>
    public required FlowOpening OpeningCheck { get; init; }
    /// <summary>Where the flows of one pipeline wait for each other's checks.</summary>
    public required StartGate Gate { get; init; }
    /// <summary>What the flows of the consumer group keep beside its offsets.</summary>
    public required GroupMarks Marks { get; init; }
    public required TableLedger Ledgers { get; init; }
    public required Func<MemoryAccount, IRecordDecoder> CreateDecoder { get; init; }
    public required MemoryAccount Memory { get; init; }
    public required FlowProgress Progress { get; init; }
    public required IEngineLog Log { get; init; }
    public required WriterHint? Hint { get; init; }
    /// <summary>Spreads waits: 0 to 1. Thread-safe.</summary>
    public required Func<double> NextJitter { get; init; }
    public required Func<OpenedFlow, SinkWriter> CreateWriter { get; init; }
    /// <summary>A writer for rows that were read back from files of the first.</summary>
    public required Func<OpenedFlow, SinkWriter> CreateRewriter { get; init; }
    public required FlowPlan Plan { get; init; }
    /// <summary>What the run has skipped so far.</summary>
    public required RunSkips Skips { get; init; }
    /// <summary>Which of the schema's fields the topic's records were seen to have.</summary>
    public required FieldCheck Fields { get; init; }
    /// <summary>A run warns once, however many sessions it has, that the group's offsets cannot be stored.</summary>
    public bool HasWarnedOfGroup { get; set; }
    public required TimeProvider Clock { get; init; }

    public FlowLanes LanesFor(OpenedFlow opened) => new(Plan, Memory, CreateDecoder, () => CreateWriter(opened), Progress, Log, Clock);
}
