using Matih.Connectors.Azure;
using Matih.Connectors.Rest;
using Matih.Connectors.S3;
using Matih.Connectors.Sql;
using Matih.Definition;
using Matih.Iceberg.Catalogs;
using Matih.Storage;

namespace Matih.Connectors;

/// <summary>Opens catalogs of every kind. Nothing is asked of a server before the first call.</summary>
public static class CatalogOpening
{
    /// <param name="store">What <see cref="StoreOpening"/> opened for the same definition: a catalog that lends credentials adds to it.</param>
    /// <param name="limits">Null gives calls as long as a run may wait.</param>
    public static ICatalog Open(CatalogDefinition catalog, LocationStore store, IIdSource ids, TimeProvider clock, CallLimits? limits = null) => catalog switch
    {
        CatalogDefinition.File file => new FileCatalog(store, file.Warehouse, ids, clock),
        CatalogDefinition.Rest rest => RestCatalog.Open(rest, store, ids, clock, RestParts.Real(rest, clock) with { Limits = limits, Lending = rest.IsVendingAsked ? Lending(ids, clock, limits) : null }),
        CatalogDefinition.Sql sql => new SqlCatalog(sql, store, ids, clock, limits),
        _ => throw new InvalidOperationException($"Unknown catalog {catalog.Name}."),
    };

    private static LentStoreOpening Lending(IIdSource ids, TimeProvider clock, CallLimits? limits) => new(
        (access, keys) => new S3Store(access, ids, clock, async cancellationToken =>
        {
            var lent = await keys(cancellationToken);
            return new S3SessionCredentials(lent.AccessKeyId, lent.SecretAccessKey, lent.SessionToken, lent.Expires);
        }, limits),
        (access, sas) => new AzureBlobStore(access, ids, clock, sas, limits));
}
