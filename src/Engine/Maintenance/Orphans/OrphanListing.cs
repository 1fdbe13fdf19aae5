using System.Runtime.CompilerServices;
using Matih.Iceberg.Catalogs;
using Matih.Storage;

namespace Matih.Maintenance.Orphans;

/// <summary>
/// What the table's folders hold. They are listed twice: before anything is known of what is needed, when little is kept of each
/// file, and then for the names of the few that are left.
/// </summary>
/// <param name="isOld">Whether a file of that time may be an orphan.</param>
internal sealed class OrphanListing(Table table, OrphanFolders folders, Func<DateTimeOffset, bool> isOld)
{
    private readonly HashSet<string> _otherTables = new(StringComparer.Ordinal);

    public OrphanCandidates Candidates { get; } = new();

    /// <summary>Ranges that pipelines may still take, by their age.</summary>
    public List<string> StagedRanges { get; } = [];

    /// <summary>Old side files of ledgers.</summary>
    public List<string> Ledgers { get; } = [];

    public List<FlinkManifestFile> FlinkManifests { get; } = [];

    /// <summary>Metadata files, but for the versions of a file catalog.</summary>
    public List<StoredObject> MetadataFiles { get; } = [];

    /// <summary>Old versions of a file catalog's metadata, in no order.</summary>
    public List<(int Number, OrphanFile File)> OldVersions { get; } = [];

    /// <summary>Folders of other tables within those that were looked through.</summary>
    public IReadOnlyCollection<string> OtherTables => _otherTables;

    public long Count { get; private set; }

    /// <summary>The first look.</summary>
    /// <exception cref="UnsupportedTableException">The store does not say when it wrote a file.</exception>
    public async ValueTask ReadAsync(CancellationToken cancellationToken)
    {
        await foreach (var (item, place, root) in ListAsync(folders.Looked, cancellationToken)) Note(item, place, root);
        if (folders.FlinkManifests is { } elsewhere)
            await foreach (var (item, _, _) in ListAsync([elsewhere], cancellationToken)) NoteFlinkManifest(item.Location);
    }

    /// <summary>The second look: those that are candidates still, and old still. Checksums are left to the caller.</summary>
    public async IAsyncEnumerable<OrphanFile> LeftAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (item, place, root) in ListAsync(folders.Looked, cancellationToken))
        {
            if (item.LastModified == default || !isOld(item.LastModified) || IsOtherTable(place)) continue;
            if (OrphanRules.KindOf(place, root, folders) is { } kind && Candidates.Contains(place))
                yield return new OrphanFile(kind, item.Location, item.LengthBytes, item.LastModified);
        }
    }

    private void Note(StoredObject item, string place, string root)
    {
        Count++;
        if (item.LastModified == default)
            throw new UnsupportedTableException($"The store does not say when it wrote {item.Location}. How old the files of {table.Identifier} are is not known, so none was deleted.");
        if (OrphanRules.OtherTableOf(place, folders) is { } other) _otherTables.Add(other);
        else if (OrphanRules.IsMetadataFile(OrphanFolders.NameOf(place)) && !IsOwnVersion(place)) MetadataFiles.Add(item);
        if (IsOwnVersion(place) && isOld(item.LastModified) && FileCatalog.VersionOf(place) is { } number)
            OldVersions.Add((number, new OrphanFile(OrphanKind.OldVersion, item.Location, item.LengthBytes, item.LastModified)));
        NoteFlinkManifest(item.Location);
        if (OrphanRules.KindOf(place, root, folders) is not { } kind) return;
        var mayBeOrphan = isOld(item.LastModified);
        if (kind == OrphanKind.StagedRange && !mayBeOrphan) StagedRanges.Add(item.Location);
        if (!mayBeOrphan) return;
        if (kind == OrphanKind.Ledger) Ledgers.Add(item.Location);
        Candidates.Add(place);
    }

    /// <summary>In a file catalog the versions in a folder are one table's, whichever was dropped before: the highest is the table.</summary>
    private bool IsOwnVersion(string place) => !table.Traits.NamesMetadata && FileCatalog.VersionOf(place) is not null && folders.IsMetadata(OrphanFolders.FolderOf(place));

    private void NoteFlinkManifest(string location)
    {
        if (FlinkManifestFile.Parse(location) is { } manifest) FlinkManifests.Add(manifest);
    }

    private bool IsOtherTable(string place) => _otherTables.Count != 0 && _otherTables.Any(folder => place.StartsWith($"{folder}/", StringComparison.Ordinal));

    private async IAsyncEnumerable<(StoredObject Item, string Place, string Root)> ListAsync(IEnumerable<string> roots, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var root in roots)
        {
            var plain = StoreLocation.Plain(root);
            await foreach (var item in table.Store.ListAsync($"{root}/", cancellationToken)) yield return (item, StoreLocation.Plain(item.Location), plain);
        }
    }
}
