using Matih.Delivery.Ledgers;
using Matih.Iceberg.Catalogs;
using Matih.Storage;

namespace Matih.Delivery.Tables;

/// <summary>
/// Makes sure that a store really refuses to write over what exists: some that speak the protocol ignore preconditions, and
/// with one of those two writers would both win.
/// </summary>
internal static class StoreProbe
{
    /// <exception cref="PipelineException">The store wrote one object twice, or lost what it had accepted.</exception>
    public static async ValueTask RequireConditionalWritesAsync(Table table, IIdSource ids, CancellationToken cancellationToken)
    {
        var store = table.Store;
        var location = $"{SideFolder.Of(table)}/probe-{ids.NewUuid():N}";
        var first = ids.NewUuid().ToByteArray();
        var isFirstPut = await store.PutIfAbsentAsync(location, first, cancellationToken);
        var isSecondPut = await store.PutIfAbsentAsync(location, ids.NewUuid().ToByteArray(), cancellationToken);
        var standing = await store.ReadAsync(location, cancellationToken);
        await store.DeleteAsync(location, cancellationToken);
        // The first answer may be lost and repeated by a client below, which then meets its own write; the content decides.
        if (!isSecondPut && standing is not null && standing.AsSpan().SequenceEqual(first)) return;
        throw PipelineException.Refused(
            $"The store of table {table.Identifier} does not honour conditional writes: of two writes of {location} that were to succeed only where nothing exists, the first was {(isFirstPut ? "accepted" : "refused")}, the second {(isSecondPut ? "accepted" : "refused")}, and {(standing is null ? "nothing" : standing.AsSpan().SequenceEqual(first) ? "the first" : "the second")} stands.",
            "Use a store that has atomic put-if-absent (If-None-Match on S3 and Azure Blob, hard links on a disk), or a catalog service.");
    }
}
