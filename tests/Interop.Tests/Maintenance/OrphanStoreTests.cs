using Matih.Connectors.Azure;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg;
using Matih.Interop.Tests.Connectors.S3;
using Matih.Maintenance.Orphans;
using Matih.Storage;

namespace Matih.Interop.Tests.Maintenance;

/// <summary>Orphan files on a real object store, whose listings say names and times.</summary>
public sealed class OrphanStoreTests(SharedCeph ceph, SharedAzurite azurite)
{
    private static readonly TableIdentifier Name = TableIdentifier.Parse("ns.t");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task On_S3_names_are_compared_as_they_are_listed_and_a_machine_that_is_ahead_deletes_nothing_young()
    {
        using var store = (await S3Server.OfAsync(ceph)).Open();

        await RequireOldByTheStoreAsync(store, S3Server.NewFolder().TrimEnd('/'), location => location.Replace("s3://", "s3a://", StringComparison.Ordinal));
    }

    [Fact]
    public async Task On_Azure_names_are_compared_as_they_are_listed_and_a_machine_that_is_ahead_deletes_nothing_young()
    {
        var server = await azurite.StartedAsync();
        var store = new AzureBlobStore(server.KeyAccess(), new SystemIdSource(), TimeProvider.System);

        await RequireOldByTheStoreAsync(store, $"abfss://{await server.NewContainerAsync()}@{Azurite.Account}.dfs.core.windows.net/warehouse", location => location.Replace("abfss://", "wasbs://", StringComparison.Ordinal).Replace(".dfs.", ".blob.", StringComparison.Ordinal));
    }

    /// <param name="spell">Another spelling of a location.</param>
    private static async Task RequireOldByTheStoreAsync(IStore store, string warehouse, Func<string, string> spell)
    {
        var (ids, ahead) = (new SystemIdSource(), new AheadClock());
        var catalog = new FileCatalog(store, warehouse, ids, TimeProvider.System);
        var (table, _) = await catalog.CreateAsync(Name, new NewTable(new Schema(0, [new(1, "id", false, new IcebergType.Long())]), PartitionSpec.Unpartitioned, TableMetadata.EmptyProperties), Token);
        string[] folders = ["data", "data/s=a%2Fb+c", "data/s=100%25", "data/s=a b", "data/s=€"];
        var live = folders.Select(folder => $"{warehouse}/ns/t/{folder}/live-{folder.Length}.parquet").ToList();
        var orphans = folders.Select(folder => $"{warehouse}/ns/t/{folder}/orphan-{folder.Length}.parquet").Order(StringComparer.Ordinal).ToList();
        foreach (var location in live.Concat(orphans)) await store.PutAsync(location, "content"u8.ToArray(), Token);
        var named = live.Select((location, index) => index == 0 ? spell(location) : location);
        var change = await PreparedChange.PrepareAsync(table, [.. named.Select(location => new DataFile { Path = location, SpecId = 0, Partition = [], RecordCount = 1, FileSizeBytes = 7 })], FileRemoval.None, ids, Token);
        var attempt = Assert.IsType<ChangeAttempt.Ready>(await change.AttemptAsync(table, table.Metadata.NextTimestampMillis(DateTimeOffset.UtcNow), new Dictionary<string, string>(), [], Token));
        Assert.IsType<CommitResult.Committed>(await catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, Token));
        var before = await ListAsync(store, warehouse);

        var removal = new OrphanRemoval(catalog, ids, ahead);
        var dry = await removal.RunAsync(Name, new OrphanOptions(OrphanOptions.OlderThanDefault, IsDryRun: true), Token);
        var real = await removal.RunAsync(Name, new OrphanOptions(OrphanOptions.OlderThanDefault), Token);

        Assert.Equal(orphans, dry!.Files.Select(file => file.Path).Order(StringComparer.Ordinal));
        Assert.Empty(real!.Files);
        Assert.Equal(before, await ListAsync(store, warehouse));
    }

    private static async Task<List<string>> ListAsync(IStore store, string warehouse) => await store.ListAsync($"{warehouse}/", Token).Select(item => item.Location).Order(StringComparer.Ordinal).ToListAsync(Token);

    /// <summary>A machine's clock that is a month ahead.</summary>
    private sealed class AheadClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromDays(30);
    }
}
