using Matih.Connectors.Azure;
using Matih.Connectors.S3;
using Matih.Definition;
using Matih.Storage;

namespace Matih.Connectors;

/// <summary>Opens the stores that a catalog's tables may lie in.</summary>
public static class StoreOpening
{
    /// <param name="limits">Null gives calls as long as a run may wait.</param>
    public static LocationStore Open(StoreAccess access, IIdSource ids, TimeProvider clock, CallLimits? limits = null) => new(kind => Open(kind, access, ids, clock, limits));

    private static IStore Open(StoreKind kind, StoreAccess access, IIdSource ids, TimeProvider clock, CallLimits? limits) => kind switch
    {
        StoreKind.Local => new LocalStore(ids),
        StoreKind.Azure => new AzureBlobStore(access.Azure, ids, clock, limits: limits),
        StoreKind.S3 => new S3Store(access.S3, ids, clock, limits: limits),
        _ => throw new InvalidOperationException($"There is no store of kind {kind}."),
    };
}
