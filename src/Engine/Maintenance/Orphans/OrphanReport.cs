using System.Collections.Immutable;

namespace Matih.Maintenance.Orphans;

/// <summary>What a file was to be, by its name and its folder.</summary>
public enum OrphanKind { Data, Manifest, ManifestList, Statistics, Metadata, Ledger, StagedRange, Unfinished, OldVersion }

/// <summary>A file that nothing names and nobody is about to commit.</summary>
/// <param name="Path">As the store lists it.</param>
/// <param name="LastModified">When the store wrote it, by the store's clock.</param>
public sealed record OrphanFile(OrphanKind Kind, string Path, long LengthBytes, DateTimeOffset LastModified);

/// <summary>What the removal of orphan files did to a table, or would do.</summary>
/// <param name="At">The time that ages count from.</param>
/// <param name="ListedCount">Files that lie in <paramref name="Folders"/>.</param>
/// <param name="Folders">Those that were looked through.</param>
/// <param name="Files">What was deleted, or in a dry run what would be.</param>
/// <param name="Undeleted">Files of <paramref name="Files"/> that the store did not delete, each with its reason.</param>
public sealed record OrphanReport(
    TableIdentifier Table, DateTimeOffset At, long ListedCount, ImmutableArray<string> Folders,
    IReadOnlyList<OrphanFile> Files, IReadOnlyList<(OrphanFile File, string Reason)> Undeleted)
{
    /// <summary>Folders of the table's properties that lie outside of its location, and were not looked through.</summary>
    public ImmutableArray<string> NotLooked { get; init; } = [];

    /// <summary>Folders within the table's that are another table's.</summary>
    public ImmutableArray<string> OtherTables { get; init; } = [];

    /// <summary>Manifests of Flink jobs whose files a job may still commit from a checkpoint or savepoint.</summary>
    public int KeptForFlinkCount { get; init; }

    /// <summary>Files that stay because the table names one of that name at a place where none was listed.</summary>
    public int NamedElsewhereCount { get; init; }
}
