using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Planning;

namespace Matih.Delivery.Replaying;

/// <summary>Which commits of a flow are to be replayed.</summary>
/// <param name="From">The oldest of them.</param>
/// <param name="To">The newest of them; null is the flow's newest commit when the replay begins.</param>
/// <param name="Confirm">Called with what the replay will do, before anything is read or written; false stops it.</param>
/// <param name="Hint">This process, for other replicas to see.</param>
public sealed record ReplayRequest(CommitId From, CommitId? To, Func<ReplayPreview, bool> Confirm, WriterHint? Hint);

/// <summary>What a replay will do; all of it was checked to be possible.</summary>
/// <param name="Commits">The commits whose files are replaced, oldest first.</param>
/// <param name="Ranges">What is read again.</param>
/// <param name="Replaced">The books of those commits: their rows and files leave the table.</param>
/// <param name="IsWriterOpen">A writer of the flow runs, or did not end cleanly: it is superseded.</param>
public sealed record ReplayPreview(
    FlowName Flow, TableIdentifier Table, ImmutableArray<CommitId> Commits, ImmutableArray<ReplayedRange> Ranges, Books Replaced, bool IsWriterOpen)
{
    public long RecordCount => Ranges.Sum(range => range.RecordCount);
}

/// <summary>What a replay did.</summary>
/// <param name="Commit">Its commit.</param>
/// <param name="Replaced">What left the table.</param>
/// <param name="Books">What came in its place.</param>
public sealed record ReplayReport(CommitId Commit, SnapshotId SnapshotId, Books Replaced, Books Books);
