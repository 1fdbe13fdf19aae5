using System.Globalization;
using System.Text;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Iceberg;

/// <summary>Where a table's new files go. Pure: names only, no file is touched.</summary>
/// <remarks>Source: Apache Iceberg documentation, "Configuration: write properties", and the object store file layout.</remarks>
internal sealed class TableFiles
{
    private const int HashBits = 20;
    private const string DataPath = "write.data.path";
    private const string ObjectStoragePath = "write.object-storage.path";
    private const string FolderStoragePath = "write.folder-storage.path";
    private const string MetadataPath = "write.metadata.path";
    private readonly string _dataFolder;
    private readonly bool _isHashed;
    private readonly bool _isPartitionInPath;

    public TableFiles(TableMetadata metadata)
    {
        var settings = metadata.Properties;
        _isHashed = settings.TryGetValue("write.object-storage.enabled", out var hashed) && bool.TryParse(hashed, out var isHashed) && isHashed;
        _isPartitionInPath = !settings.TryGetValue("write.object-storage.partitioned-paths", out var inPath) || !bool.TryParse(inPath, out var isInPath) || isInPath;
        _dataFolder = Folder(settings.GetValueOrDefault(DataPath))
            ?? (_isHashed ? Folder(settings.GetValueOrDefault(ObjectStoragePath)) : null)
            ?? Folder(settings.GetValueOrDefault(FolderStoragePath))
            ?? metadata.Folder + "/data";
        MetadataFolder = Folder(settings.GetValueOrDefault(MetadataPath)) ?? metadata.Folder + "/metadata";
    }

    /// <summary>Where new files of the table's metadata go, without a slash at the end.</summary>
    public string MetadataFolder { get; }

    /// <summary>Every folder that some writer may put files of the table into: its location, and those that its properties name.</summary>
    public static IEnumerable<string> FoldersOf(TableMetadata metadata) =>
        new[] { DataPath, ObjectStoragePath, FolderStoragePath, MetadataPath }.Select(name => Folder(metadata.Properties.GetValueOrDefault(name))).OfType<string>().Prepend(metadata.Folder);

    /// <summary>The location for a data file of that name in that partition.</summary>
    /// <param name="fileName">Unique in the table, with its extension, e.g. <c>00000-3-UUID.parquet</c>.</param>
    public string DataLocation(PartitionKey partition, string fileName)
    {
        var name = partition.Path.Length == 0 ? fileName : $"{partition.Path}/{fileName}";
        if (!_isHashed) return $"{_dataFolder}/{name}";
        return _isPartitionInPath ? $"{_dataFolder}/{HashFolders(name)}/{name}" : $"{_dataFolder}/{HashFolders(name)}-{fileName}";
    }

    /// <summary>The location for a file of the table's metadata.</summary>
    public string MetadataLocation(string fileName) => $"{MetadataFolder}/{fileName}";

    /// <summary>Twenty bits of a hash as folders, so that an object store spreads the load: <c>0101/1100/0011/10100110</c>.</summary>
    private static string HashFolders(string name)
    {
        var hash = (uint)Murmur3.Hash32(Encoding.UTF8.GetBytes(name));
        var bits = Convert.ToString((int)(hash & ((1 << HashBits) - 1)), 2).PadLeft(HashBits, '0');
        return string.Create(CultureInfo.InvariantCulture, $"{bits.AsSpan(0, 4)}/{bits.AsSpan(4, 4)}/{bits.AsSpan(8, 4)}/{bits.AsSpan(12)}");
    }

    private static string? Folder(string? location) => string.IsNullOrEmpty(location) ? null : location.TrimEnd('/');
}
