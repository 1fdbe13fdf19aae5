using System.Collections.Frozen;
using System.Collections.Immutable;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Tables;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Storage;

namespace Matih.Maintenance.Orphans;

/// <summary>The folders that a table's files may lie in: its location, what its properties name, and what pipelines keep beside it.</summary>
/// <remarks>
/// A folder outside of the location may be shared: Iceberg's writers put the files of many tables below one
/// <c>write.data.path</c>, and nothing in a name tells whose a file is. So it is looked through only where a person says that it
/// is this table's alone.
/// </remarks>
internal sealed class OrphanFolders
{
    private const string FlinkManifestsProperty = "flink.manifests.location";

    private readonly FrozenSet<string> _metadata;
    private readonly string? _side;

    private OrphanFolders(Table table, bool looksOutside)
    {
        var metadata = table.Metadata;
        // The folder beside is the table's by its id alone: without one it would be that of all tables around.
        var side = Guid.TryParse(metadata.TableUuid, out _) ? SideFolder.Of(new IcebergHistory(table)) : null;
        _side = side is null ? null : StoreLocation.Plain(side);
        var outside = TableFiles.FoldersOf(metadata).Where(folder => !IsWithin(folder, metadata.Folder)).DistinctBy(StoreLocation.Plain).ToList();
        NotLooked = looksOutside ? [] : [.. outside];
        Looked = Outermost([metadata.Folder, .. side is null ? [] : new[] { side }, .. looksOutside ? outside : []]);
        FlinkManifests = metadata.Properties.GetValueOrDefault(FlinkManifestsProperty) is { Length: > 0 } folder && !Looked.Any(looked => IsWithin(folder, looked)) ? folder.TrimEnd('/') : null;
        _metadata = metadata.MetadataLog.Select(entry => entry.MetadataFile).Append(table.MetadataLocation).Select(FolderOf)
            .Append($"{metadata.Folder}/metadata").Append(new TableFiles(metadata).MetadataFolder).Select(StoreLocation.Plain).ToFrozenSet(StringComparer.Ordinal);
    }

    public static OrphanFolders Of(Table table, bool looksOutside) => new(table, looksOutside);

    /// <summary>To be listed; none lies within another one.</summary>
    public ImmutableArray<string> Looked { get; }

    /// <summary>Outside of the table's location.</summary>
    public ImmutableArray<string> NotLooked { get; }

    /// <summary>Where Flink jobs keep what they are about to commit, if that is none of the folders that are looked through.</summary>
    public string? FlinkManifests { get; }

    /// <summary>Whether metadata of this table lies in the folder.</summary>
    /// <param name="folder">In its plain spelling.</param>
    public bool IsMetadata(string folder) => _metadata.Contains(folder);

    /// <summary>Whether it lies in what pipelines keep beside the table.</summary>
    /// <param name="place">In its plain spelling.</param>
    public bool IsBeside(string place) => _side is not null && place.StartsWith($"{_side}/", StringComparison.Ordinal);

    public static string FolderOf(string location) => location[..location.LastIndexOf('/')];

    public static string NameOf(string location) => location[(location.LastIndexOf('/') + 1)..];

    private static bool IsWithin(string folder, string outer) => $"{StoreLocation.Plain(folder)}/".StartsWith($"{StoreLocation.Plain(outer).TrimEnd('/')}/", StringComparison.Ordinal);

    private static ImmutableArray<string> Outermost(IReadOnlyList<string> folders)
    {
        var distinct = folders.DistinctBy(StoreLocation.Plain).ToList();
        return [.. distinct.Where(folder => !distinct.Any(other => other != folder && IsWithin(folder, other)))];
    }
}
