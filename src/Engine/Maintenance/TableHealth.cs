using Matih.Delivery.Ledgers;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;

namespace Matih.Maintenance;

/// <summary>What makes a table slow to read and to commit to, in numbers.</summary>
/// <param name="SmallBytes">Data files below that are small: three quarters of the table's target size.</param>
/// <param name="OldestSnapshotMillis">Of the oldest snapshot that the table names; null for a table without any.</param>
/// <param name="MetadataBytes">Length of the metadata file, which is read whole by whoever opens the table; null where the catalog keeps it to itself.</param>
/// <param name="LastCompaction">The newest snapshot of our own maintenance in the table's history; null where there is none.</param>
public sealed record TableHealth(
    long DataFileCount, long DataBytes, long SmallFileCount, long SmallBytes, long DeleteFileCount, int ManifestCount, int SnapshotCount, long? OldestSnapshotMillis, long? MetadataBytes, Snapshot? LastCompaction)
{
    /// <summary>A reader opens each file by itself, which costs as much as reading some megabytes of it.</summary>
    private const long SmallFileCountMax = 1_000;

    private const long DeleteFileCountMax = 100;

    private const int SnapshotCountMax = 5_000;

    private const int ManifestCountMax = 500;

    private const long MetadataBytesMax = 16L << 20;

    /// <exception cref="InvalidTableException">A manifest is missing or damaged.</exception>
    public static async ValueTask<TableHealth> ReadAsync(Table table, CancellationToken cancellationToken)
    {
        var metadata = table.Metadata;
        var smallBytes = new Compaction.CompactionTerms(new TableSettings(metadata.Properties).TargetFileBytes, long.MaxValue).SmallBytes;
        var (files, bytes, small, deletes, manifestCount) = (0L, 0L, 0L, 0L, 0);
        if (metadata.CurrentSnapshot is { } head)
        {
            var manifests = await SnapshotReader.ManifestsAsync(table, head, cancellationToken);
            manifestCount = manifests.Count;
            await foreach (var (manifest, contents) in SnapshotReader.ContentsAsync(table, manifests, cancellationToken))
            {
                foreach (var entry in contents.Entries)
                {
                    if (!entry.IsLive) continue;
                    if (manifest.Content == ManifestContent.Deletes)
                    {
                        deletes++;
                        continue;
                    }
                    files++;
                    bytes += entry.File.FileSizeBytes;
                    if (entry.File.FileSizeBytes < smallBytes) small++;
                }
            }
        }
        return new TableHealth(
            files, bytes, small, smallBytes, deletes, manifestCount, metadata.Snapshots.Length, metadata.Snapshots.Select(snapshot => (long?)snapshot.TimestampMillis).Min(),
            table.MetadataLocation.Length == 0 ? null : await table.Store.LengthAsync(table.MetadataLocation, cancellationToken),
            FindLastCompaction(metadata));
    }

    /// <summary>The newest snapshot of our own maintenance in the table's history; null where there is none.</summary>
    internal static Snapshot? FindLastCompaction(TableMetadata metadata) => metadata.Lineage().FirstOrDefault(snapshot => snapshot.Summary.ContainsKey(LedgerKeys.Maintenance));

    /// <summary>What is beyond what readers and commits bear well, each with the remedy.</summary>
    public IEnumerable<TableWarning> Warnings()
    {
        const string Remedy = "`matih maintain`, or `maintenance: on` of the sink";
        if (SmallFileCount > SmallFileCountMax && SmallFileCount * 2 > DataFileCount)
            yield return new("small-files", $"{Quantity.Count(SmallFileCount)} of {Quantity.Of(DataFileCount, "data file")} are small (below {Quantity.Bytes(SmallBytes)}): {Remedy} puts them together.");
        if (DeleteFileCount > DeleteFileCountMax)
            yield return new("delete-files", $"Readers apply {Quantity.Of(DeleteFileCount, "delete file")}: {Remedy} rewrites the files that they reach.");
        if (SnapshotCount > SnapshotCountMax || MetadataBytes > MetadataBytesMax)
            yield return new("snapshots", $"The table names {Quantity.Of(SnapshotCount, "snapshot")}{(MetadataBytes is { } length ? $" in {Quantity.Bytes(length)} of metadata" : "")}, which every reader and commit loads: {Remedy} expires old ones. Where it did so already, a shorter retention (history.expire.max-snapshot-age-ms) or a longer checkpoint_interval helps.");
        if (ManifestCount > ManifestCountMax)
            yield return new("manifests", $"A reader opens {Quantity.Of(ManifestCount, "manifest")} to plan: {Remedy} puts them together.");
    }
}

/// <summary>A limit that a table has passed.</summary>
/// <param name="Code">What it is about: <c>small-files</c>, <c>delete-files</c>, <c>snapshots</c>, <c>manifests</c>.</param>
/// <param name="Text">What was found, and what to do.</param>
public sealed record TableWarning(string Code, string Text);
