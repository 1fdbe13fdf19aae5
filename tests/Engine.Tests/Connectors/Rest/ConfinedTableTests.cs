using Matih.Connectors;
using Matih.Connectors.Rest;
using Matih.Definition;
using Matih.Engine.Tests.Delivery;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Engine.Tests.Connectors.Rest;

/// <summary>Tables beside which nothing can be kept: credentials reach their own folder alone, or what no metadata names is removed after days.</summary>
public sealed class ConfinedTableTests
{
    [Theory]
    [InlineData("s3://63a8e430-6e0b-46f5-k833abtwr6s8tmtsycedn8s4yc3xhuse1b--table-s3", null, true)]
    [InlineData("s3://bucket", null, true)]
    [InlineData("s3://bucket/orders", null, false)]
    [InlineData("s3://bucket/shop/orders/", "s3://bucket/shop/orders", true)]
    [InlineData("s3://bucket/shop/orders", "s3a://bucket/shop", false)]
    [InlineData("s3://bucket/shop/orders", "s3://bucket", false)]
    public async Task A_table_is_confined_where_nothing_can_lie_beside_its_folder(string location, string? lentPrefix, bool isConfined)
    {
        using var rest = new RestSetting();
        rest.Server.Shown = metadata => metadata with { Location = location };
        if (lentPrefix is not null)
            rest.Server.LoadMembers = $$""","storage-credentials":[{"prefix":"{{lentPrefix}}","config":{"s3.access-key-id":"a","s3.secret-access-key":"b"} }]""";
        var lending = new LentStoreOpening((_, _) => rest.Store, (_, _) => rest.Store);
        rest.Catalog = RestCatalog.Open(ScriptedCatalog.Definition(), new LocationStore(_ => rest.Store), rest.Ids, rest.Clock, rest.Server.Parts with { Lending = lending });

        var table = await rest.CreateAsync();

        Assert.Equal(isConfined, table.Traits.IsConfined);
        Assert.True(table.Traits.NamesMetadata);
        Assert.True(table.Traits.KeepsHistory);
    }

    [Fact]
    public async Task A_large_ledger_of_a_confined_table_stands_whole_in_its_commits_and_nothing_lies_beside_it()
    {
        using var flow = new FlowHarness(partitionCount: 150);
        using var server = new ScriptedCatalog(flow.Warehouse, new LocalStore(flow.Ids));
        var definition = ScriptedCatalog.Definition() with { Auth = new RestAuth.SigV4("eu-west-1", "s3tables") };
        var parts = server.Parts with { AwsKeys = _ => new ValueTask<AwsKeys>(new AwsKeys("AKID", "a-secret-key", null)) };
        flow.CatalogOver = store => RestCatalog.Open(definition, store, flow.Ids, flow.Clock, parts);
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Produce(0, 300);
        await flow.CatchUpAsync();
        await flow.ForeignAppendAsync();
        flow.Produce(300, 300);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        Assert.True((await flow.TableAsync()).Metadata.CurrentSnapshot!.Summary["matih.ledger.orders/lake"].Length > 4096);
        Assert.Equal(["orders"], Directory.GetFileSystemEntries($"{flow.Warehouse}/shop").Select(Path.GetFileName));
        Assert.Empty(Directory.GetFiles(flow.TableFolder, "ledger-*", SearchOption.AllDirectories));
    }

    /// <summary>OneLake's virtual tables set it (fabric-docs); it takes nothing from a catalog whose server names the metadata.</summary>
    [Fact]
    public async Task A_table_whose_old_metadata_is_deleted_or_lies_elsewhere_may_be_written_through_a_server()
    {
        using var rest = new RestSetting();
        rest.Server.Shown = metadata => metadata with
        {
            Properties = metadata.Properties.Add("write.metadata.delete-after-commit.enabled", "true").Add("write.metadata.path", $"{rest.Folder}/elsewhere"),
        };

        Assert.IsType<CommitResult.Committed>(await rest.AppendAsync(await rest.CreateAsync()));
    }

    [Fact]
    public async Task A_property_that_cannot_be_read_is_refused_through_a_server_too()
    {
        using var rest = new RestSetting();
        rest.Server.Shown = metadata => metadata with { Properties = metadata.Properties.Add("write.metadata.delete-after-commit.enabled", "perhaps") };

        await Assert.ThrowsAsync<UnsupportedTableException>(async () => await rest.AppendAsync(await rest.CreateAsync()));
    }
}
