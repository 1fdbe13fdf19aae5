using System.Collections.Immutable;

namespace Matih.Delivery.Tables;

/// <summary>
/// A change of a table, prepared once and attempted as often as races demand. All attempts share one id, so that an answer
/// that was lost is found by looking for that id. Not thread-safe; attempt after attempt.
/// </summary>
internal interface ITableChange
{
    /// <summary>The id of the state that the change makes, whichever attempt puts it into the table.</summary>
    /// <remarks>
    /// Duplicates: at most one attempt can ever be in the table, because each of them is refused where the table's head is not
    /// the one that it was built on, or where the id is there already.
    /// </remarks>
    SnapshotId SnapshotId { get; }

    /// <summary>The files that it adds.</summary>
    ImmutableArray<WrittenFile> Files { get; }

    /// <summary>Builds an attempt on a table as it now stands, and writes what only this attempt refers to.</summary>
    /// <exception cref="InvalidTableException">Files of the table are gone; where its head has moved since it was loaded, that is why.</exception>
    ValueTask<ChangeBuild> BuildAsync(ITableVersion table, ChangeTerms terms, CancellationToken cancellationToken);
}

/// <summary>What an attempt brings beside its files.</summary>
/// <param name="Summary">Texts for the summary: ledgers, and who wrote them.</param>
/// <param name="Tag">The tag that pins the new state, and no longer the one that it pinned before.</param>
/// <param name="RemovedTags">Tags that go in the same commit.</param>
/// <param name="KeepsShape">Whether the attempt must fail where the table's schema or partitioning is no longer as it was loaded.</param>
internal sealed record ChangeTerms(IReadOnlyDictionary<string, string> Summary, string Tag, ImmutableArray<string> RemovedTags, bool KeepsShape, DateTimeOffset Now);

/// <summary>What became of building an attempt. The family is closed.</summary>
internal abstract record ChangeBuild
{
    private ChangeBuild() { }

    public sealed record Ready(IChangeAttempt Attempt) : ChangeBuild;

    /// <summary>Files that the change removes are not as it expects them. Nothing was written.</summary>
    public sealed record Refused(FileFault Fault) : ChangeBuild;
}

/// <summary>Why files cannot be taken out of a table. The family is closed.</summary>
internal abstract record FileFault
{
    private FileFault() { }

    /// <summary>They are no longer part of the table: compacted, deleted or rewritten by somebody.</summary>
    public sealed record Gone(ImmutableArray<string> Paths) : FileFault;

    /// <summary>Rows of a file were deleted, or may be, by that other file: they would come back with what replaces it.</summary>
    public sealed record RowsDeleted(string Path, string DeleteFilePath) : FileFault;
}

/// <summary>An attempt that is built on one state of the table and on no other.</summary>
internal interface IChangeAttempt
{
    /// <summary>The state that it was built on; null for a table without commits.</summary>
    SnapshotId? ParentId { get; }

    /// <summary>Files that only this attempt refers to; free to be deleted when another attempt of the change is in the table.</summary>
    ImmutableArray<string> WrittenLocations { get; }

    /// <summary>Files prepared for all attempts of the change that this one does not refer to; free to be deleted when it is in the table.</summary>
    ImmutableArray<string> UnusedLocations { get; }

    /// <summary>Whether it is this attempt that put the change into the table, which holds the change.</summary>
    bool StandsIn(ITableVersion table);

    /// <summary>The compare-and-set: puts the change into the table if the table's head is still the one that this was built on.</summary>
    /// <remarks>
    /// Atomic: readers and other writers see all of it or nothing; files, summary and tags together. Durable once it is answered
    /// with <see cref="AttemptResult.Committed"/>. It may land later than it is answered, or after the caller has given up, but
    /// never on another head.
    /// </remarks>
    /// <exception cref="OperationCanceledException">Cancelled; as with <see cref="AttemptResult.Unknown"/>, the change may be in the table.</exception>
    ValueTask<AttemptResult> CommitAsync(CancellationToken cancellationToken);
}

/// <summary>How an attempt ended. The family is closed.</summary>
internal abstract record AttemptResult
{
    private AttemptResult() { }

    /// <summary>The change is in the table.</summary>
    public sealed record Committed(ITableVersion Table) : AttemptResult;

    /// <summary>The change is not in the table, and this attempt can no longer put it there: another commit came first.</summary>
    public sealed record Conflict(string Reason) : AttemptResult;

    /// <summary>It cannot be known whether the change is in the table, or may still get there. Read the table back; never assume.</summary>
    public sealed record Unknown(Exception Cause) : AttemptResult;
}
