using System.Text;
using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Manifests;

/// <summary>Whether a delete file takes rows out of a data file, as far as manifests tell. In doubt it does.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Scan Planning": the rules by sequence number, partition and path.</remarks>
internal static class DeleteScope
{
    /// <summary>The reserved field of a position delete file that names the data file (spec, "Reserved Field IDs").</summary>
    public const int FilePathFieldId = int.MaxValue - 101;

    /// <summary>The one that says which of its rows, counted from 0.</summary>
    public const int PositionFieldId = int.MaxValue - 102;

    public static bool MayReach(ManifestEntry delete, ManifestEntry data, TableMetadata metadata)
    {
        var deleteAge = delete.SequenceNumber ?? 0;
        var dataAge = data.SequenceNumber ?? 0;
        if (delete.File.Content == FileContent.EqualityDeletes)
            return dataAge < deleteAge && (metadata.FindSpec(delete.File.SpecId) is { Fields.IsEmpty: true } || IsSamePartition(delete.File, data.File));
        return dataAge <= deleteAge && IsSamePartition(delete.File, data.File) && MayName(delete.File, data.File.Path);
    }

    private static bool IsSamePartition(DataFile delete, DataFile data) =>
        delete.SpecId == data.SpecId && delete.Partition.AsSpan().SequenceEqual(data.Partition.AsSpan());

    /// <summary>Position deletes name their file, or tell the range of the paths that they name; bounds may be cut, outwards.</summary>
    private static bool MayName(DataFile delete, string path)
    {
        if (delete.ReferencedDataFile is { } named) return named == path;
        var bytes = Encoding.UTF8.GetBytes(path);
        return (Bound(delete.LowerBounds) is not { } lower || lower.AsSpan().SequenceCompareTo(bytes) <= 0)
            && (Bound(delete.UpperBounds) is not { } upper || upper.AsSpan().SequenceCompareTo(bytes) >= 0);
    }

    private static byte[]? Bound(System.Collections.Immutable.ImmutableArray<KeyValuePair<int, byte[]>>? bounds)
    {
        if (bounds is not { } known) return null;
        foreach (var (field, bound) in known)
            if (field == FilePathFieldId) return bound;
        return null;
    }
}
