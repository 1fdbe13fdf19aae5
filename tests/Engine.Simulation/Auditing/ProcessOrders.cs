using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Engine.Simulation.Scenarios;
using Matih.Planning;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>What a process was started to do, and with which of a person's answers.</summary>
/// <param name="Mode">Null for a replay, and for a host that drives a flow step by step.</param>
internal sealed record ProcessOrder(PipelineSetup Pipeline, RunMode? Mode, OpenAnswers Answers, TimeSpan StartedAt)
{
    private readonly Dictionary<FlowName, long> _committed = [];
    private readonly Dictionary<FlowName, long> _seen = [];
    private readonly Dictionary<FlowName, List<LedgerAccount>> _stood = [];

    /// <summary>Where each partition of the topic ended for readers when the process was started.</summary>
    public required IReadOnlyList<long> EndsAtStart { get; init; }

    /// <summary>
    /// The start offsets that the process's first complete look-up gave, from the first offset and the end of each partition.
    /// Null before that, and where some flow had a ledger already, so that looking up served another purpose.
    /// </summary>
    public IReadOnlyList<(long LogStart, long End)>? FirstLookUp { get; set; }

    /// <summary>Whether none of its flows had a ledger when it was started, and it is to start them itself: a member may begin to commit long after it was started.</summary>
    public required bool StartsAll { get; init; }

    /// <summary>Whether a host drives the flow step by step.</summary>
    public bool IsDriven { get; init; }

    /// <summary>Whether it commits ranges that were staged before, by others too.</summary>
    public bool CommitsStaged => IsDriven || Pipeline.HasMembers;

    private readonly HashSet<(FlowName Flow, CommitId Commit)> _resets = [];

    /// <summary>Its resets of a flow that got into the table. It was asked for one, and another may follow only where nobody can know of the first.</summary>
    public IEnumerable<CommitId> ResetsOf(FlowName flow) => _resets.Where(reset => reset.Flow == flow).Select(reset => reset.Commit);

    public void NoteReset(FlowName flow, CommitId commit) => _resets.Add((flow, commit));

    /// <summary>Commits of replays that got into a table.</summary>
    public HashSet<CommitId> Replays { get; } = [];

    /// <summary>Records of the flow that anybody committed since the process was started: a micro-batch goes by what the table holds.</summary>
    public long SeenOf(FlowName flow) => _seen.GetValueOrDefault(flow);

    public void NoteSeen(FlowName flow, long recordCount) => _seen[flow] = SeenOf(flow) + recordCount;

    /// <summary>
    /// The flow's ledgers that stood in the table at some time since the process was started, with the one that stood there then.
    /// A run goes by one of these: it need not know of what came after its last look.
    /// </summary>
    public IReadOnlyList<LedgerAccount> StoodOf(FlowName flow) => _stood.TryGetValue(flow, out var stood) ? stood : [];

    public void NoteStood(LedgerAccount account)
    {
        if (!_stood.TryGetValue(account.Flow, out var stood)) _stood.Add(account.Flow, stood = []);
        stood.Add(account);
    }

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

    public void NoteStood(LedgerAccount account)
    {
        foreach (var order in _orders.Values)
            if (order.Pipeline.Name == account.Flow.Pipeline) order.NoteStood(account);
    }

    public bool WasStarted(string pipeline) => _orders.Values.Any(order => order.Pipeline.Name == pipeline);

    public ProcessOrder Of(int processId) => _orders[processId];

    public ProcessOrder? Of(Ledger ledger) => ledger.Writer is { } writer ? _orders.GetValueOrDefault(writer.ProcessId) : null;
}
