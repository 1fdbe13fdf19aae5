using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Iceberg.Catalogs;

/// <summary>Which table's metadata a file is, and of when, without reading a long one whole.</summary>
internal static class MetadataIdentity
{
    /// <summary>Of a long file only the beginning is read, where most writers have it.</summary>
    /// <param name="lengthBytes">As a listing showed it; 0 where that is not known.</param>
    /// <returns>Null where there is no such file.</returns>
    public static async ValueTask<(string Uuid, long LastUpdatedMillis)?> FindAsync(IStore store, string location, long lengthBytes, CancellationToken cancellationToken)
    {
        const int BeginBytes = 1024;
        try
        {
            if (lengthBytes > BeginBytes && TableMetadataJson.FindIdentity(await store.ReadRangeAsync(location, 0, BeginBytes, cancellationToken), isWhole: false) is { } found) return found;
        }
        catch (StoreException gone) when (gone.Kind == StoreFailureKind.Absent)
        {
            return null;
        }
        return await store.ReadAsync(location, cancellationToken) is { } bytes ? TableMetadataJson.FindIdentity(bytes, isWhole: true) : null;
    }
}
