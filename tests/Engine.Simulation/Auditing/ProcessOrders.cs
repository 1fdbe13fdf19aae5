using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Engine.Simulation.Scenarios;
using Matih.Planning;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>What a process was started to do, and with which of a person's answers.</summary>
/// <param name="Mode">Null for a replay.</param>
internal sealed record ProcessOrder(PipelineSetup Pipeline, RunMode? Mode, OpenAnswers Answers, TimeSpan StartedAt)
{
    private readonly Dictionary<FlowName, long> _committed = [];
    private readonly Dictionary<FlowName, long> _seen = [];

    /// <summary>Where each partition of the topic ended for readers when the process was started.</summary>
    public required IReadOnlyList<long> EndsAtStart { get; init; }

    /// <summary>
    /// The start offsets that the process's first complete look-up gave, from the first offset and the end of each partition.
    /// Null before that, and where some flow had a ledger already, so that looking up served another purpose.
    /// </summary>
    public IReadOnlyList<(long LogStart, long End)>? FirstLookUp { get; set; }

    /// <summary>Whether none of its flows had a ledger when it was started, and it is to start them itself: a member may begin to commit long after it was started.</summary>
    public required bool StartsAll { get; init; }

    /// <summary>Resets of flows that it has done: each may be done once.</summary>
    public HashSet<FlowName> ResetsDone { get; } = [];

    /// <summary>Commits of replays that got into a table.</summary>
    public HashSet<CommitId> Replays { get; } = [];

    /// <summary>Records of the flow that anybody committed since the process was started: a micro-batch goes by what the table holds.</summary>
    public long SeenOf(FlowName flow) => _seen.GetValueOrDefault(flow);

    public void NoteSeen(FlowName flow, long recordCount) => _seen[flow] = SeenOf(flow) + recordCount;

    public long CommittedBy(FlowName flow) => _committed.GetValueOrDefault(flow);

    public void NoteCommitted(FlowName flow, long recordCount) => _committed[flow] = CommittedBy(flow) + recordCount;
}

/// <summary>The orders of all processes, by process id: ledgers name the process that wrote them.</summary>
internal sealed class ProcessOrders
{
    private readonly Dictionary<int, ProcessOrder> _orders = [];

    public void Note(int processId, ProcessOrder order) => _orders.Add(processId, order);

    public void NoteSeen(FlowName flow, long recordCount)
    {
        foreach (var order in _orders.Values)
            if (order.Pipeline.Name == flow.Pipeline) order.NoteSeen(flow, recordCount);
    }

    public bool WasStarted(string pipeline) => _orders.Values.Any(order => order.Pipeline.Name == pipeline);

    public ProcessOrder Of(int processId) => _orders[processId];

    public ProcessOrder? Of(Ledger ledger) => ledger.Writer is { } writer ? _orders.GetValueOrDefault(writer.ProcessId) : null;
}
