using System.Collections.Immutable;
using Matih.Storage;

namespace Matih.Delivery.Tables;

/// <summary>A state of a table, as the commit that made it described it.</summary>
/// <param name="Id">Unique within the table.</param>
/// <param name="ParentId">The state that the commit stands on; null for the first, and where nobody knows.</param>
/// <param name="Summary">What the commit said about itself; a flow's ledger is one of these texts.</param>
public sealed record TableSnapshot(SnapshotId Id, SnapshotId? ParentId, IReadOnlyDictionary<string, string> Summary);

/// <summary>One step back through a table's history.</summary>
public abstract record HistoryStep
{
    private HistoryStep() { }

    /// <summary>The current state, or one of its ancestors.</summary>
    public sealed record Found(TableSnapshot Snapshot) : HistoryStep;

    /// <summary>An ancestor of which nothing is known any more: what lies before is unknown, too.</summary>
    public sealed record Missing(SnapshotId SnapshotId) : HistoryStep;
}

/// <summary>What a commit was made from, where it applies changes a second time that another one had brought.</summary>
/// <param name="Text">How messages name it.</param>
/// <param name="Snapshot">That other one; null where nothing tells of it any more.</param>
public sealed record AppliedAgain(string Text, TableSnapshot? Snapshot);

/// <summary>
/// What a table, as it stood when it was loaded, tells about its commits. Ledgers are found by it, whatever the table's
/// format. Immutable; methods read files of the table and may be called from several threads.
/// </summary>
/// <remarks>
/// All methods throw <see cref="InvalidTableException"/> where the table's files contradict its format, and
/// <see cref="IOException"/> where the store fails. A file that is gone because somebody expired it is no error: the history
/// ends there.
/// </remarks>
public interface ITableHistory
{
    TableIdentifier Identifier { get; }

    /// <summary>The table's own id: another one where it was dropped and created again under its name.</summary>
    string TableUuid { get; }

    /// <summary>Its folder, without a slash at the end.</summary>
    string Location { get; }

    IStore Store { get; }

    /// <summary>
    /// Whether nothing can be kept beside the folder, and nothing for long in it that the table does not name: what a flow
    /// must find again has to lie within commits.
    /// </summary>
    bool IsConfined { get; }

    /// <summary>The current state; null for a table without commits.</summary>
    TableSnapshot? Head { get; }

    /// <summary>Every state that the table names, ancestors of the current one or not, the oldest first. Reads nothing.</summary>
    IEnumerable<TableSnapshot> Snapshots { get; }

    /// <summary>A state that the table names, ancestor of the current one or not; null where it does not. Reads nothing.</summary>
    TableSnapshot? Find(SnapshotId id);

    /// <summary>
    /// The names that states have beside being the current one: tags, and what else the format has of that kind, so that a
    /// name that is taken is seen. A named state may be unknown all the same.
    /// </summary>
    ImmutableSortedDictionary<string, SnapshotId> Tags { get; }

    /// <summary>The current state and its ancestors, newest first. Ends after the first commit, or with what is missing.</summary>
    /// <remarks>
    /// Order: each state is the parent of the one before, never merely an older one. Nothing is left out: where an ancestor
    /// cannot be found, the walk says so and ends, because a ledger may lie behind it.
    /// </remarks>
    IAsyncEnumerable<HistoryStep> WalkAsync(CancellationToken cancellationToken);

    /// <summary>What a commit applies again (a cherry-pick, a published staged write, a restored version); null where its changes are new.</summary>
    /// <remarks>Duplicates: a commit of ours that is applied again brings its rows a second time, without a ledger that says so.</remarks>
    ValueTask<AppliedAgain?> FindAppliedAgainAsync(TableSnapshot snapshot, CancellationToken cancellationToken);

    /// <summary>Every summary that the table's files still hold, those that only older files of it name included.</summary>
    IAsyncEnumerable<IReadOnlyDictionary<string, string>> ReadAllSummariesAsync(CancellationToken cancellationToken);
}
