using System.Collections.Immutable;
using Matih.Connectors.Rest;
using Matih.Definition;
using Matih.Hosting;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Storage;
using RestServer = Matih.Fixtures.RestCatalog;

namespace Matih.Interop.Tests.Connectors.Rest;

/// <summary>Clients of ours for a REST catalog, and commits through them.</summary>
internal static class RestTables
{
    public static readonly SystemIdSource Ids = new();

    /// <summary>The name of a table that no other test has.</summary>
    public static TableIdentifier NewName() => TableIdentifier.Parse($"shop.web.orders_{Ids.NewUuid():N}");

    public static ICatalog Client(RestServer server, string? token = null)
    {
        Assert.True(EndpointUrl.TryParse(server.Uri, out var address));
        var definition = new CatalogDefinition.Rest("rest", address!, null) { Auth = token is null ? new RestAuth.None() : new RestAuth.Bearer(new Secret(token)) };
        return RestCatalog.Open(definition, new LocalStore(Ids), Ids, TimeProvider.System);
    }

    public static NewTable Blank(params (string, string)[] properties) => new(
        new Schema(0, [new NestedField(1, "id", true, new IcebergType.Long()), new NestedField(2, "s", false, new IcebergType.String())]),
        PartitionSpec.Unpartitioned, properties.ToImmutableSortedDictionary(property => property.Item1, property => property.Item2, StringComparer.Ordinal));

    public static async Task<(IReadOnlyList<TableRequirement> Requirements, IReadOnlyList<TableUpdate> Updates, PreparedChange Change)> PrepareAsync(Table table, PreparedChange? change = null)
    {
        change ??= await PreparedChange.PrepareAsync(table, [], Ids, default);
        var ready = Assert.IsType<ChangeAttempt.Ready>(await change.AttemptAsync(
            table, table.Metadata.NextTimestampMillis(TimeProvider.System.GetUtcNow()), new Dictionary<string, string> { ["matih.test"] = "1" },
            [new TableUpdate.SetSnapshotRef("matih-orders-lake", SnapshotRef.LastingTag(change.SnapshotId))], default));
        return (ready.Requirements, ready.Updates, change);
    }

    public static async Task<CommitResult> AppendAsync(ICatalog catalog, Table table)
    {
        var (requirements, updates, _) = await PrepareAsync(table);
        return await catalog.CommitAsync(table, requirements, updates, default);
    }
}
