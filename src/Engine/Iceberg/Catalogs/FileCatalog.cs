using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Iceberg.Catalogs;

/// <summary>
/// A catalog that is nothing but files: the highest <c>vN.metadata.json</c> of a table's folder is the table. A commit is a
/// put-if-absent of the next version. Thread-safe, and safe among any number of processes that use it; engines that
/// rename metadata files without a lock must write in turn with it.
/// </summary>
/// <remarks>
/// Laid out as Hadoop catalogs are (Apache Iceberg table spec, "File System Tables"): Spark's Hadoop catalog, DuckDB,
/// ClickHouse and PyIceberg's static tables read it.
/// </remarks>
public sealed class FileCatalog : ICatalog
{
    private readonly IStore _store;
    private readonly string _warehouse;
    private readonly IIdSource _ids;
    private readonly TimeProvider _clock;

    /// <summary>The newest version of each table that this process has seen.</summary>
    private readonly ConcurrentDictionary<TableIdentifier, int> _seen = new();

    /// <summary>The tables whose newest commit is this process's, each with its metadata file as a listing showed it after the commit.</summary>
    private readonly ConcurrentDictionary<TableIdentifier, (StoredObject File, Table Table)> _own = new();

    /// <param name="warehouse">The folder that holds the namespaces' folders; tables' locations start with this very text.</param>
    public FileCatalog(IStore store, string warehouse, IIdSource ids, TimeProvider clock)
    {
        _store = store;
        _warehouse = warehouse.TrimEnd('/');
        _ids = ids;
        _clock = clock;
    }

    /// <summary>The version that a metadata file of such a catalog has by its name; null for other names.</summary>
    internal static int? VersionOf(string location) => Versions.NumberOf(location);

    public string Name => $"file catalog {_warehouse}";

    /// <summary>The folder that a table of that name has, whether it exists or not.</summary>
    public string TableLocation(TableIdentifier identifier) => $"{_warehouse}/{string.Join('/', identifier.Namespace.Add(identifier.Name))}";

    public async ValueTask<Table?> LoadAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        // A version that vanishes between listing and reading was withdrawn by its writer, or the table was dropped; of two
        // files with one number (plain and compressed) one is about to be withdrawn: look again.
        const int LooksMax = 5;
        for (var look = 0; look < LooksMax; look++)
        {
            var versions = await FindAsync(identifier, cancellationToken);
            if (versions.Head is not { } file) return null;
            _seen[identifier] = file.Number;
            if (versions.Files.Count(item => item.Number == file.Number) > 1) continue;
            // Nobody but people replaces a version that was confirmed, and a file that they wrote has another length or another time.
            if (_own.TryGetValue(identifier, out var own) && own.File == file.Listed) return own.Table;
            var bytes = await _store.ReadAsync(file.Location, cancellationToken);
            if (bytes is not null) return new Table(identifier, file.Location, TableMetadataJson.Read(bytes, file.Location), _store);
        }
        throw new InvalidTableException($"The newest metadata version of {identifier} could not be found: its file was missing, or stood there twice (plain and compressed), {Quantity.Of(LooksMax, "time")} in a row. Look into {TableLocation(identifier)}/metadata.");
    }

    public async ValueTask<(Table Table, bool IsCreated)> CreateAsync(TableIdentifier identifier, NewTable table, CancellationToken cancellationToken)
    {
        var location = TableLocation(identifier);
        if (table.Location is { } wanted && wanted.TrimEnd('/') != location)
            throw new UnsupportedTableException($"{Name} keeps {identifier} in {location}; it cannot be created in {wanted}.");
        if (await LoadAsync(identifier, cancellationToken) is { } existing) return (existing, false);
        var metadata = CatalogMetadata.Create(location, table, _ids, _clock.GetUtcNow());
        Refuse(identifier, metadata);
        await RefuseNestedAsync(identifier, cancellationToken);
        var isZipped = CatalogMetadata.IsZipped(metadata);
        var file = MetadataLocation(identifier, 1, isZipped);
        var content = CatalogMetadata.Write(metadata, isZipped);
        if (await PutAsync(file, content, cancellationToken) is not { } failure)
        {
            await WriteHintAsync(identifier, 1, isZipped, null, cancellationToken);
            return (new Table(identifier, file, metadata, _store), true);
        }
        // Whether another caller or a lost answer of ours made the table: what stands there is the table.
        if (await LoadAsync(identifier, cancellationToken) is { } found) return (found, found.Metadata.TableUuid == metadata.TableUuid);
        throw new IOException($"The table {identifier} could not be created: {failure.Cause?.Message ?? failure.Reason}", failure.Cause);
    }

    /// <summary>A folder of a table belongs to it alone: who removes its orphan files would remove another table's.</summary>
    private async ValueTask RefuseNestedAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        for (var depth = 0; depth < identifier.Namespace.Length; depth++)
        {
            var outer = new TableIdentifier(identifier.Namespace[..depth], identifier.Namespace[depth]);
            if ((await ListAllAsync(outer, cancellationToken)).Head is not null)
                throw new UnsupportedTableException($"{identifier} cannot be created: it would lie in the folder of table {outer}. Give it another namespace.");
        }
    }

    public async ValueTask<CommitResult> CommitAsync(
        Table baseTable, IReadOnlyList<TableRequirement> requirements, IReadOnlyList<TableUpdate> updates, CancellationToken cancellationToken)
    {
        var identifier = baseTable.Identifier;
        foreach (var requirement in requirements)
            if (requirement.Violation(baseTable.Metadata) is { } violation) return new CommitResult.Conflict(violation);
        var metadata = CatalogMetadata.Next(baseTable, updates, _clock.GetUtcNow());
        Refuse(identifier, metadata);
        var version = Versions.NumberOf(baseTable.MetadataLocation)
            ?? throw new ArgumentException($"{baseTable.MetadataLocation} is no metadata file of {Name}.", nameof(baseTable));
        // As the version before has it: all who build on that write the same name, of which only one can be the first.
        var isZipped = CatalogMetadata.IsZipped(baseTable.Metadata);
        var own = new VersionFile(version + 1, MetadataLocation(identifier, version + 1, isZipped));
        var content = CatalogMetadata.Write(metadata, isZipped);
        if (await PutAsync(own.Location, content, cancellationToken) is { } failure)
            return failure.Cause is null ? new CommitResult.Conflict(failure.Reason) : new CommitResult.Unknown(failure.Cause);
        return await ConfirmAsync(baseTable, new Table(identifier, own.Location, metadata, _store), own, cancellationToken);
    }

    /// <summary>
    /// The put won. It counts only if it stands on what is still the table: a writer that slept while others continued may
    /// have filled a number that had become free again.
    /// </summary>
    private async ValueTask<CommitResult> ConfirmAsync(Table baseTable, Table table, VersionFile own, CancellationToken cancellationToken)
    {
        // Only a commit that stands is remembered; anything else is looked at again.
        _own.TryRemove(table.Identifier, out _);
        StoredObject listed;
        int? hint;
        try
        {
            var after = await ListFromAsync(table.Identifier, own.Number - 1, cancellationToken);
            hint = await ReadHintAsync(table.Identifier, cancellationToken);
            if (hint > after.Head?.Number)
            {
                // Somebody may have deleted versions above the last one that this process saw: the newest stands beyond a gap, which ends the search.
                _seen.TryRemove(table.Identifier, out _);
                after = await ListAllAsync(table.Identifier, cancellationToken);
            }
            listed = after.Files.FirstOrDefault(file => file.Location == own.Location).Listed;
            if (await FaultAsync(baseTable, table, own, after, cancellationToken) is { } fault)
            {
                await _store.DeleteAsync(own.Location, cancellationToken);
                return new CommitResult.Conflict(fault);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return new CommitResult.Unknown(exception);
        }
        _seen[table.Identifier] = own.Number;
        if (listed.LastModified != default) _own[table.Identifier] = (listed, table);
        await WriteHintAsync(table.Identifier, own.Number, CatalogMetadata.IsZipped(table.Metadata), hint, cancellationToken);
        return new CommitResult.Committed(table);
    }

    private async ValueTask<string?> FaultAsync(Table baseTable, Table table, VersionFile own, Versions after, CancellationToken cancellationToken)
    {
        if (after.Files.All(file => file.Location != baseTable.MetadataLocation && file.Number != own.Number - 1))
            return $"version {own.Number - 1} of {table.Identifier}, which this commit builds on, is gone";
        if (after.Files.FirstOrDefault(file => file.Number == own.Number && file.Location != own.Location) is { Location: not null } twin)
            return $"another engine wrote {twin.Location} at the same time";
        if (await MetadataIdentity.FindAsync(_store, baseTable.MetadataLocation, after.Files.FirstOrDefault(file => file.Location == baseTable.MetadataLocation).Listed.LengthBytes, cancellationToken) is not var (uuid, updated))
            return $"version {own.Number - 1} of {table.Identifier}, which this commit builds on, is gone";
        if (uuid != baseTable.Metadata.TableUuid) return $"{table.Identifier} was replaced: table uuid expected {baseTable.Metadata.TableUuid}, found {uuid}";
        if (updated != baseTable.Metadata.LastUpdatedMillis)
            return $"version {own.Number - 1} of {table.Identifier} was replaced: last-updated-ms expected {baseTable.Metadata.LastUpdatedMillis}, found {updated}";
        var head = after.Head!.Value;
        if (head.Number <= own.Number) return null;
        // Somebody is further already. Either built on this very commit, or this commit came far too late.
        var newest = await _store.ReadAsync(head.Location, cancellationToken)
            ?? throw new IOException($"{head.Location} disappeared while the commit of {own.Location} was being confirmed.");
        return IsBuiltUpon(TableMetadataJson.Read(newest, head.Location), baseTable.Metadata, table.Metadata, own)
            ? null
            : $"{table.Identifier} is at version {head.Number} already, this commit wrote {own.Number}";
    }

    /// <summary>Whether the newer metadata holds this commit. No two snapshots of a table share a sequence number, where it has them.</summary>
    /// <exception cref="IOException">It cannot be known.</exception>
    private static bool IsBuiltUpon(TableMetadata newest, TableMetadata before, TableMetadata after, VersionFile own)
    {
        var isLogged = newest.MetadataLog.Contains(new MetadataLogEntry(after.LastUpdatedMillis, own.Location));
        var added = after.Snapshots.FirstOrDefault(snapshot => before.FindSnapshot(snapshot.Id) is null);
        if (added is null) return isLogged;
        if (newest.FindSnapshot(added.Id) is not null) return true;
        if (added.SequenceNumber > 0 && newest.Snapshots.Any(snapshot => snapshot.SequenceNumber == added.SequenceNumber)) return false;
        if (added.SequenceNumber == 0 && isLogged) return true;
        throw new IOException($"Whether {own.Location} counts cannot be known: snapshots of its time have expired already.");
    }

    /// <summary>Null where the object now is ours; else why it is not. A cause means that it may still become so.</summary>
    private async ValueTask<(string Reason, Exception? Cause)?> PutAsync(string location, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        Exception? lost = null;
        try
        {
            if (await _store.PutIfAbsentAsync(location, content, cancellationToken)) return null;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            lost = exception;
        }
        try
        {
            // The content names a snapshot and a manifest list of its own, so equal content is our own request, answered late.
            var found = await _store.ReadAsync(location, cancellationToken);
            if (found is not null && content.IsSameAs(found)) return null;
            if (found is not null) return ($"{location} was written by another commit", null);
            return ($"{location} could not be written", lost ?? new IOException($"{location} existed and then did not."));
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return ($"{location} could not be read back", lost ?? exception);
        }
    }

    private string HintLocation(TableIdentifier identifier) => $"{TableLocation(identifier)}/metadata/version-hint.text";

    /// <summary>The version that is said to be the newest. It may be behind, and other engines may have written anything.</summary>
    private async ValueTask<int?> ReadHintAsync(TableIdentifier identifier, CancellationToken cancellationToken) =>
        await _store.ReadAsync(HintLocation(identifier), cancellationToken) is { } hint
        && int.TryParse(Encoding.UTF8.GetString(hint).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Tells other engines where to look. Best effort: this catalog does not believe it when it looks for the table.</summary>
    /// <param name="isNextZipped">Whether the version after this one will be compressed.</param>
    /// <param name="standing">What the hint says now.</param>
    private async ValueTask WriteHintAsync(TableIdentifier identifier, int version, bool isNextZipped, int? standing, CancellationToken cancellationToken)
    {
        if (standing >= version) return;
        try
        {
            // Two writers may pass each other here; whoever comes last sees the higher version and puts it right.
            while (true)
            {
                await _store.PutAsync(HintLocation(identifier), Encoding.UTF8.GetBytes(version.ToString(CultureInfo.InvariantCulture)), cancellationToken);
                if (await _store.LengthAsync(MetadataLocation(identifier, version + 1, isNextZipped), cancellationToken) is null) return;
                version++;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The commit stands; the next one writes the hint again.
        }
    }

    private static void Refuse(TableIdentifier identifier, TableMetadata metadata)
    {
        if (new TableSettings(metadata.Properties).IsMetadataDeletedAfterCommit)
            throw new UnsupportedTableException(
                $"The table {identifier} has write.metadata.delete-after-commit.enabled, under which a file catalog cannot tell a free version from a deleted one. Remove the property.");
        if (metadata.Properties.ContainsKey("write.metadata.path"))
            throw new UnsupportedTableException($"The table {identifier} has write.metadata.path; a file catalog keeps metadata in the table's own folder. Remove the property.");
    }

    private string MetadataLocation(TableIdentifier identifier, int version, bool isZipped) =>
        string.Create(CultureInfo.InvariantCulture, $"{TableLocation(identifier)}/metadata/v{version}{CatalogMetadata.EndingOf(isZipped)}");

    /// <summary>The versions that may be the newest. The first look at a table lists all of its metadata; later ones list from where the last ended.</summary>
    private async ValueTask<Versions> FindAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        if (_seen.TryGetValue(identifier, out var seen))
        {
            var found = await ListFromAsync(identifier, seen, cancellationToken);
            // A version that was seen and is gone was withdrawn, or the table was dropped.
            if (found.Files.Any(file => file.Number == seen)) return found;
        }
        return await ListAllAsync(identifier, cancellationToken);
    }

    /// <summary>The versions from one on. A table with thousands of them is asked for tens.</summary>
    /// <remarks>
    /// Stores list names by their first letters, and v10 comes before v9. So versions are asked for by all digits but the
    /// last: v123 finds 1230 to 1239. The search ends at a number that is free, because each version is built upon the one
    /// before; who finds that the first is gone has to list all.
    /// </remarks>
    private async ValueTask<Versions> ListFromAsync(TableIdentifier identifier, int first, CancellationToken cancellationToken)
    {
        const int Together = 10;
        var found = new List<VersionFile>();
        for (var next = first; ;)
        {
            if (next < Together) return await ListAllAsync(identifier, cancellationToken);
            var listed = await FindAsync(identifier, Enumerable.Range(next, Together - next % Together), cancellationToken)
                ?? await ListAsync(identifier, (next / Together).ToString(CultureInfo.InvariantCulture), cancellationToken);
            found.AddRange(listed.Where(file => file.Number >= next));
            var newest = found.Select(file => file.Number).DefaultIfEmpty(first).Max();
            if ((newest + 1) / Together == next / Together) return new Versions(found);
            next = newest + 1;
        }
    }

    /// <summary>The files of those versions; null where the store rather lists.</summary>
    private async ValueTask<List<VersionFile>?> FindAsync(TableIdentifier identifier, IEnumerable<int> numbers, CancellationToken cancellationToken)
    {
        var folder = $"{TableLocation(identifier)}/metadata";
        var names = numbers.SelectMany(number => Versions.Endings.Select(ending => string.Create(CultureInfo.InvariantCulture, $"{folder}/v{number}{ending}")));
        var found = await _store.TryFindAsync([.. names], cancellationToken);
        return found?.Select(item => new VersionFile(Versions.NumberOf(item.Location)!.Value, item.Location, item)).ToList();
    }

    private async ValueTask<Versions> ListAllAsync(TableIdentifier identifier, CancellationToken cancellationToken) =>
        new(await ListAsync(identifier, "", cancellationToken));

    private async ValueTask<List<VersionFile>> ListAsync(TableIdentifier identifier, string digits, CancellationToken cancellationToken)
    {
        var files = new List<VersionFile>();
        var folder = $"{TableLocation(identifier)}/metadata";
        // A listing goes deep, and a namespace may have the name of the table: db.t.metadata has its own files below.
        await foreach (var item in _store.ListAsync($"{folder}/v{digits}", cancellationToken))
            if (item.Location.LastIndexOf('/') == folder.Length && Versions.NumberOf(item.Location) is { } number) files.Add(new(number, item.Location, item));
        return files;
    }

    /// <param name="Listed">As a listing showed it; nothing for one that was not listed.</param>
    private readonly record struct VersionFile(int Number, string Location, StoredObject Listed = default);

    private sealed record Versions(IReadOnlyList<VersionFile> Files)
    {
        /// <summary>What follows the number: compressed in either spelling, or plain.</summary>
        public static ImmutableArray<string> Endings { get; } = [".gz.metadata.json", ".metadata.json.gz", ".metadata.json"];

        /// <summary>The file of the highest version, or null where there is none.</summary>
        public VersionFile? Head => Files.Count == 0 ? null : Files.MaxBy(file => file.Number);

        /// <summary>The version that a metadata file's name gives (plain, or compressed in either spelling), or null for other names.</summary>
        public static int? NumberOf(string location)
        {
            var name = location[(location.LastIndexOf('/') + 1)..];
            if (!name.StartsWith('v')) return null;
            foreach (var ending in Endings)
            {
                if (!name.EndsWith(ending, StringComparison.Ordinal)) continue;
                return int.TryParse(name.AsSpan(1, name.Length - 1 - ending.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
            }
            return null;
        }
    }
}
