using System.Collections.Immutable;

namespace Matih.Iceberg.Manifests;

/// <summary>What a manifest says happened to a file.</summary>
internal enum EntryStatus { Existing = 0, Added = 1, Deleted = 2 }

/// <summary>A file in a manifest, with all that it inherits from the manifest list filled in.</summary>
/// <param name="SnapshotId">The snapshot that added the file, or deleted it.</param>
/// <param name="SequenceNumber">The age of the rows; null until the commit that adds the file.</param>
/// <param name="FileSequenceNumber">The commit that added the file; null until then.</param>
internal sealed record ManifestEntry(EntryStatus Status, SnapshotId SnapshotId, long? SequenceNumber, long? FileSequenceNumber, DataFile File)
{
    public bool IsLive => Status != EntryStatus.Deleted;
}

/// <summary>What kind of files a manifest lists.</summary>
internal enum ManifestContent { Data = 0, Deletes = 1 }

/// <summary>The range of one partition field over a manifest's files; bounds in single-value form.</summary>
internal sealed record PartitionFieldSummary(bool ContainsNull, bool? ContainsNan, byte[]? LowerBound, byte[]? UpperBound);

/// <summary>A manifest as a manifest list describes it. Immutable.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Manifest Lists", struct manifest_file.</remarks>
internal sealed record ManifestFile
{
    /// <summary>Stands for the sequence number of the commit that will add the manifest.</summary>
    internal const long Unassigned = -1;

    public required string Path { get; init; }
    public required long LengthBytes { get; init; }
    public required int SpecId { get; init; }
    public ManifestContent Content { get; init; }
    public long SequenceNumber { get; init; } = Unassigned;
    public long MinSequenceNumber { get; init; } = Unassigned;
    public required SnapshotId AddedSnapshotId { get; init; }

    /// <summary>Counts of files and rows by status; null where an old writer left them out.</summary>
    public long? AddedFilesCount { get; init; }
    public long? ExistingFilesCount { get; init; }
    public long? DeletedFilesCount { get; init; }
    public long? AddedRowsCount { get; init; }
    public long? ExistingRowsCount { get; init; }
    public long? DeletedRowsCount { get; init; }
    public ImmutableArray<PartitionFieldSummary>? Partitions { get; init; }
    public byte[]? KeyMetadata { get; init; }

    /// <summary>What its files' row ids are counted from; null for delete manifests, and where no snapshot of version 3 has listed it.</summary>
    public long? FirstRowId { get; init; }

    /// <summary>Whether it may list a file that is part of the table.</summary>
    internal bool MayHaveLiveFiles => AddedFilesCount is not 0 || ExistingFilesCount is not 0;
}
