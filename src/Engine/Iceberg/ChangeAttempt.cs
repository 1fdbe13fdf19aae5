using System.Collections.Immutable;
using Matih.Iceberg.Metadata;

namespace Matih.Iceberg;

/// <summary>What became of one try to build a prepared change on top of a table as it now stands. The family is closed.</summary>
internal abstract record ChangeAttempt
{
    private ChangeAttempt() { }

    /// <summary>To be handed to <see cref="ICatalog.CommitAsync"/> together with the same base table.</summary>
    /// <param name="Snapshot">The snapshot as this attempt would add it.</param>
    /// <param name="WrittenLocations">Files that only this attempt refers to; garbage once the attempt has lost, and its fate is settled.</param>
    /// <param name="UnusedLocations">Files prepared for all attempts that this one does not refer to; garbage once it stands.</param>
    public sealed record Ready(
        Snapshot Snapshot,
        IReadOnlyList<TableRequirement> Requirements,
        IReadOnlyList<TableUpdate> Updates,
        ImmutableArray<string> WrittenLocations,
        ImmutableArray<string> UnusedLocations) : ChangeAttempt;

    /// <summary>Files to be removed are no longer part of the table: compacted, deleted or rewritten by somebody. Nothing was written.</summary>
    public sealed record FilesGone(ImmutableArray<string> Paths) : ChangeAttempt;

    /// <summary>
    /// A delete file of the table takes rows out of a file to be removed, or may do so; the rows would come back with its
    /// replacement. Nothing was written.
    /// </summary>
    public sealed record RowsDeleted(string Path, string DeleteFilePath) : ChangeAttempt;
}
