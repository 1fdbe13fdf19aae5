using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>What a snapshot holds besides what the ledgers account for.</summary>
/// <param name="ForeignRows">The rows that other engines have added, by id.</param>
/// <param name="Uncertain">Flows whose records somebody has applied a second time above their ledger: what the table holds of them is not known.</param>
/// <param name="Blocked">Those of them that may not continue from their ledger; a reset ends that.</param>
/// <param name="Starts">The commits with which flows began, or began again, at this snapshot or below.</param>
internal sealed record TableState(ImmutableHashSet<long> ForeignRows, ImmutableHashSet<string> Uncertain, ImmutableHashSet<string> Blocked, ImmutableHashSet<CommitId> Starts)
{
    public static TableState Empty { get; } = new([], [], [], []);
}

/// <summary>What other engines did to tables, snapshot by snapshot: each holds what its parent holds, and what it added.</summary>
internal sealed class TableHistory
{
    private readonly Dictionary<SnapshotId, IReadOnlyList<long>> _rows = [];
    private readonly Dictionary<SnapshotId, long> _deleted = [];
    private readonly Dictionary<SnapshotId, string> _picks = [];
    private readonly Dictionary<SnapshotId, TableState> _states = [];
    private readonly HashSet<(string Flow, string Taker)> _takers = [];

    /// <summary>The snapshot, when it comes into the table, adds rows of another engine.</summary>
    public void NoteRows(SnapshotId snapshot, IReadOnlyList<long> ids) => _rows.Add(snapshot, ids);

    /// <summary>The snapshot, when it comes into the table, deletes a row of another engine.</summary>
    public void NoteDeleted(SnapshotId snapshot, long id) => _deleted.Add(snapshot, id);

    /// <summary>The rows of another engine that the snapshot itself added.</summary>
    public IReadOnlyList<long> RowsOf(SnapshotId snapshot) => _rows.GetValueOrDefault(snapshot) ?? [];

    /// <summary>The snapshot, when it comes into the table, applies a commit of that flow again.</summary>
    public void NotePick(SnapshotId snapshot, string flow) => _picks.Add(snapshot, flow);

    /// <summary>The state at a snapshot. To be asked for every snapshot that becomes current.</summary>
    /// <param name="start">The flow's ledger that begins, or begins again, with this commit; null for any other commit.</param>
    public TableState At(Snapshot snapshot, FlowLedger? start)
    {
        if (_states.TryGetValue(snapshot.Id, out var known)) return known;
        var state = snapshot.ParentId is not { } parent ? TableState.Empty
            : _states.GetValueOrDefault(parent) ?? throw new AuditException($"Snapshot {snapshot.Id} stands on {parent}, which was never current.");
        if (_rows.TryGetValue(snapshot.Id, out var ids)) state = state with { ForeignRows = state.ForeignRows.Union(ids) };
        if (_deleted.TryGetValue(snapshot.Id, out var gone)) state = state with { ForeignRows = state.ForeignRows.Remove(gone) };
        if (_picks.TryGetValue(snapshot.Id, out var flow))
        {
            // Who took the flow's ledger over has its rows on its own account now.
            var owners = OwnersOf(flow);
            state = state with { Uncertain = state.Uncertain.Union(owners), Blocked = state.Blocked.Union(owners) };
        }
        if (start is not null) state = state with { Blocked = state.Blocked.Remove(start.Flow.ToString()), Starts = state.Starts.Add(start.Ledger.Commit) };
        _states.Add(snapshot.Id, state);
        return state;
    }

    /// <summary>Somebody has taken the ledger of a flow over.</summary>
    public void NoteTaker(string flow, string taker) => _takers.Add((flow, taker));

    private HashSet<string> OwnersOf(string flow)
    {
        var owners = new HashSet<string>(StringComparer.Ordinal) { flow };
        while (_takers.FirstOrDefault(pair => owners.Contains(pair.Flow) && !owners.Contains(pair.Taker)) is { Taker: { } taker }) owners.Add(taker);
        return owners;
    }

    /// <summary>The state at a snapshot that was current once.</summary>
    public TableState At(SnapshotId snapshot) => _states[snapshot];
}
