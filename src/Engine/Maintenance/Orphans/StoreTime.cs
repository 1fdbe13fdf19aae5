using Matih.Storage;

namespace Matih.Maintenance.Orphans;

/// <summary>What time it is by a store's clock: it writes an object, and looks when the store says that it did.</summary>
internal static class StoreTime
{
    private const int LooksMax = 6;

    private const string Prefix = "matih-clock-";

    /// <summary>Whether a killed process left the object behind.</summary>
    public static bool IsProbe(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <param name="folder">Where the object may lie for a moment.</param>
    /// <exception cref="UnsupportedTableException">The store does not say when it writes objects.</exception>
    /// <exception cref="StoreException">It fails, or does not list what was written.</exception>
    public static async ValueTask<DateTimeOffset> ReadAsync(IStore store, string folder, IIdSource ids, TimeProvider clock, CancellationToken cancellationToken)
    {
        var location = $"{folder}/{Prefix}{ids.NewUuid():N}";
        await store.PutAsync(location, "When is it?"u8.ToArray(), cancellationToken);
        try
        {
            // A list may be late with what was written a moment ago.
            for (var look = 0; look < LooksMax; look++)
            {
                if (look != 0) await Task.Delay(TimeSpan.FromSeconds(1 << (look - 1)), clock, cancellationToken);
                await foreach (var item in store.ListAsync(location, cancellationToken))
                    return item.LastModified != default ? item.LastModified : throw new UnsupportedTableException($"The store does not say when it wrote {location}. How old its files are is not known, so none was deleted.");
            }
            throw new StoreException(StoreFailureKind.Absent, location, $"{location} was written to learn the store's time, and is not listed. No file was deleted.");
        }
        finally
        {
            // What is left behind is an orphan itself, and goes one day.
            await FileDeletion.DeleteAsync(store, [location], path => path, cancellationToken);
        }
    }
}
