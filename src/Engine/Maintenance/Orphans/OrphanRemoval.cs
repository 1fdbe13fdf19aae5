using System.Text.Json;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Storage;

namespace Matih.Maintenance.Orphans;

/// <summary>How orphan files are looked for.</summary>
/// <param name="OlderThan">Younger files stay.</param>
/// <param name="IsDryRun">Whether to look only; nothing is written either.</param>
/// <param name="LooksOutside">Whether folders that the table's properties name outside of its location are this table's alone, and looked through too.</param>
public sealed record OrphanOptions(TimeSpan OlderThan, bool IsDryRun = false, bool LooksOutside = false)
{
    /// <summary>As for Iceberg's own procedure: long enough for jobs that write for a day or two before they commit.</summary>
    public static readonly TimeSpan OlderThanDefault = TimeSpan.FromDays(3);

    /// <summary>Pipelines commit files for 12 hours after they were begun; as long again for clocks that are wrong.</summary>
    public static readonly TimeSpan OlderThanMin = TimeSpan.FromHours(24);
}

/// <summary>
/// Deletes the files in a table's folders that no snapshot names and that nobody is about to commit: those of dropped checkpoints
/// and failed jobs, of attempts that lost, of ledgers that have expired, and what a killed process had begun.
/// </summary>
/// <remarks>
/// It may run beside writers and beside itself, and may be killed at any moment. Files are listed first, and what the table needs
/// is read after it, so that what is committed in between is needed; before files are deleted, the table is loaded once more. Of
/// two places that might be one, the file stays.
/// </remarks>
public sealed class OrphanRemoval(ICatalog catalog, IIdSource ids, TimeProvider clock)
{
    /// <summary>So many files are deleted before the table is looked at again.</summary>
    private const int BatchCount = 10_000;

    /// <returns>Null where there is no such table.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The age is below <see cref="OrphanOptions.OlderThanMin"/>.</exception>
    /// <exception cref="UnsupportedTableException">The table forbids it, or what is needed cannot be known. No file was deleted.</exception>
    /// <exception cref="InvalidTableException">A file that the table needs is missing or damaged. No file was deleted since that was seen.</exception>
    /// <exception cref="StoreException">The store fails.</exception>
    public async ValueTask<OrphanReport?> RunAsync(TableIdentifier identifier, OrphanOptions options, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.OlderThan, OrphanOptions.OlderThanMin);
        if (await catalog.LoadAsync(identifier, cancellationToken) is not { } table) return null;
        RequireAllowed(table);
        var folders = OrphanFolders.Of(table, options.LooksOutside);
        var now = await NowAsync(table, options.IsDryRun, cancellationToken);

        var listing = new OrphanListing(table, folders, writtenAt => now - writtenAt > options.OlderThan);
        await listing.ReadAsync(cancellationToken);
        var needed = new NeededFiles(listing);
        var report = new OrphanReport(identifier, now, listing.Count, folders.Looked, [], []) { NotLooked = folders.NotLooked, OtherTables = [.. listing.OtherTables.Order(StringComparer.Ordinal)] };
        if (listing.Candidates.Count == 0 && listing.OldVersions.Count == 0) return report;

        table = await LoadAgainAsync(table, cancellationToken);
        await RequireAloneAsync(table, listing, cancellationToken);
        await needed.KeepAsync(table, cancellationToken);
        var (files, elsewhere) = await FindAsync(table, listing, cancellationToken);
        report = report with { KeptForFlinkCount = needed.KeptForFlinkCount, NamedElsewhereCount = elsewhere };
        var versions = VersionsBelowLog(table, listing);
        if (options.IsDryRun) return report with { Files = [.. files, .. versions] };
        report = await DeleteAsync(report, table, files, needed, listing.Candidates, cancellationToken);
        return await DeleteVersionsAsync(report, table, versions, cancellationToken);
    }

    /// <summary>
    /// Versions of a file catalog that are older than all that the metadata log names, the oldest first. A writer that slept at one of
    /// them finds, after its put, that what it built on is gone: docs/delivery.md, "The file catalog".
    /// </summary>
    private static List<OrphanFile> VersionsBelowLog(Table table, OrphanListing listing)
    {
        var named = table.Metadata.MetadataLog.Select(entry => entry.MetadataFile).Append(table.MetadataLocation).Select(FileCatalog.VersionOf).ToList();
        if (named.Any(number => number is null)) return [];
        return [.. listing.OldVersions.Where(version => version.Number < named.Min()).OrderBy(version => version.Number).Select(version => version.File)];
    }

    /// <summary>
    /// One after the other, from the lowest on: killed at any moment, there is no gap below which a version is left. Who looks for the
    /// newest version goes upward from the last that it saw, to the first that is not there.
    /// </summary>
    private static async ValueTask<OrphanReport> DeleteVersionsAsync(OrphanReport report, Table table, List<OrphanFile> versions, CancellationToken cancellationToken)
    {
        var deleted = new List<OrphanFile>(report.Files);
        foreach (var version in versions)
        {
            deleted.Add(version);
            try
            {
                await table.Store.DeleteAsync(version.Path, cancellationToken);
            }
            catch (IOException e)
            {
                return report with { Files = deleted, Undeleted = [.. report.Undeleted, (version, e.Message)] };
            }
        }
        return report with { Files = deleted };
    }

    /// <summary>
    /// The earlier one of this machine's time and the store's, which ages are counted from: of a clock that is ahead, the other one
    /// keeps the files.
    /// </summary>
    private async ValueTask<DateTimeOffset> NowAsync(Table table, bool isDryRun, CancellationToken cancellationToken)
    {
        var own = clock.GetUtcNow();
        if (isDryRun) return own;
        var store = await StoreTime.ReadAsync(table.Store, OrphanFolders.FolderOf(table.MetadataLocation), ids, clock, cancellationToken);
        return store < own ? store : own;
    }

    private static void RequireAllowed(Table table)
    {
        if (!new TableSettings(table.Metadata.Properties).MayDeleteFiles)
            throw new UnsupportedTableException($"The table {table.Identifier} has the property gc.enabled=false: other tables may need its files, so its orphan files stay. Set it to true if that is no longer so.");
        if (!table.Traits.KeepsHistory)
            throw new UnsupportedTableException($"The catalog of {table.Identifier} shows one snapshot of the table, and others may be on its branches, whose files would look like orphans. Use the catalog's own clean-up.");
        if (table.FindOtherFolder() is { } other)
            throw new UnsupportedTableException($"The metadata of {table.Identifier} was read from {table.MetadataLocation} and names another folder, {other}: this is a copy, and the files are the original's. Look for orphan files there.");
    }

    private async ValueTask<Table> LoadAgainAsync(Table before, CancellationToken cancellationToken)
    {
        var table = await catalog.LoadAsync(before.Identifier, cancellationToken);
        if (table is null || table.Metadata.TableUuid != before.Metadata.TableUuid)
            throw new InvalidTableException($"The table {before.Identifier} was dropped or replaced while its orphan files were looked for. No file was deleted since that was seen.");
        RequireAllowed(table);
        return table;
    }

    /// <summary>Metadata files of another table among this one's would mean that its files lie here as well, and look like orphans.</summary>
    private static async ValueTask RequireAloneAsync(Table table, OrphanListing listing, CancellationToken cancellationToken)
    {
        var known = table.Metadata.MetadataLog.Select(entry => entry.MetadataFile).Append(table.MetadataLocation).Select(StoreLocation.Plain).ToHashSet(StringComparer.Ordinal);
        var unknown = listing.MetadataFiles.Where(file => !known.Contains(StoreLocation.Plain(file.Location)));
        await foreach (var (location, uuid) in unknown.ReadAheadAsync(_ => 0, UuidAsync, cancellationToken))
        {
            if (uuid is not null && uuid != table.Metadata.TableUuid)
                throw new UnsupportedTableException($"{location} is metadata of another table: its table-uuid is {uuid}, that of {table.Identifier} is {table.Metadata.TableUuid}. The two share a folder, and the files of one would look like orphans of the other. Give each table a folder of its own, or move the file away where that table is gone.");
        }

        // A file that is gone tells of nothing.
        async ValueTask<(string Location, string? Uuid)> UuidAsync(StoredObject file, CancellationToken token)
        {
            try
            {
                return (file.Location, (await MetadataIdentity.FindAsync(table.Store, file.Location, file.LengthBytes, token))?.Uuid);
            }
            catch (Exception e) when (e is JsonException or InvalidDataException or InvalidOperationException or FormatException)
            {
                throw new UnsupportedTableException($"The metadata file {file.Location} cannot be read ({e.Message}), so that nobody knows whose it is, and no file was deleted. Move it away where no table needs it.", e);
            }
        }
    }

    private static async ValueTask<(IReadOnlyList<OrphanFile> Files, int NamedElsewhere)> FindAsync(Table table, OrphanListing listing, CancellationToken cancellationToken)
    {
        var (files, checksums, elsewhere) = (new List<OrphanFile>(), new List<OrphanFile>(), 0);
        await foreach (var file in listing.LeftAsync(cancellationToken))
        {
            if (OrphanRules.IsChecksum(OrphanFolders.NameOf(file.Path))) checksums.Add(file);
            else if (listing.Candidates.IsNamedElsewhere(StoreLocation.Plain(file.Path))) elsewhere++;
            else files.Add(file);
        }
        var gone = files.Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        await foreach (var (checksum, isOrphan) in checksums.ReadAheadAsync(_ => 0, IsOrphanAsync, cancellationToken))
            if (isOrphan) files.Add(checksum);
        return (files, elsewhere);

        async ValueTask<(OrphanFile, bool)> IsOrphanAsync(OrphanFile checksum, CancellationToken token) =>
            (checksum, OrphanRules.SubjectOf(checksum.Path) is var subject && (gone.Contains(subject) || await table.Store.LengthAsync(subject, token) is null));
    }

    private async ValueTask<OrphanReport> DeleteAsync(
        OrphanReport report, Table table, IReadOnlyList<OrphanFile> files, NeededFiles needed, OrphanCandidates candidates, CancellationToken cancellationToken)
    {
        var (deleted, undeleted) = (new List<OrphanFile>(), new List<(OrphanFile, string)>());
        foreach (var batch in files.Chunk(BatchCount))
        {
            var newest = await LoadAgainAsync(table, cancellationToken);
            if (newest.MetadataLocation != table.MetadataLocation) await needed.KeepAsync(table = newest, cancellationToken);
            var left = batch.Where(file => StoreLocation.Plain(file.Path) is var place && candidates.Contains(place) && !candidates.IsNamedElsewhere(place)).ToList();
            undeleted.AddRange(await FileDeletion.DeleteAsync(table.Store, left, file => file.Path, cancellationToken));
            deleted.AddRange(left);
        }
        return report with { Files = deleted, Undeleted = undeleted, KeptForFlinkCount = needed.KeptForFlinkCount };
    }
}
