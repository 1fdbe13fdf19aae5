using Matih.Fixtures;
using Matih.Iceberg.Catalogs;

namespace Matih.Interop.Tests.Connectors.Rest;

/// <summary>Our client of REST catalogs against Iceberg's own server, whose answers get lost or are false.</summary>
public sealed class RestCatalogFaultTests(SharedRestCatalog shared) : IClassFixture<SharedRestCatalog>
{
    [Theory]
    [InlineData("commit-then-500=1", true)]
    [InlineData("commit-then-502=1", true)]
    [InlineData("commit-then-503=1", true)]
    [InlineData("commit-then-504=1", true)]
    [InlineData("commit-then-drop=1", true)]
    [InlineData("commit-then-409=1", true)]
    [InlineData("drop-commit=1", false)]
    [InlineData("reject-commit-500=1", false)]
    [InlineData("reject-commit-503=1", false)]
    [InlineData("reject-commit=1", false)]
    [InlineData("reject-commit-429=1", false)]
    public async Task A_commit_whose_answer_is_lost_or_false_stands_once(string fault, bool isApplied)
    {
        var server = await shared.ServerAsync();
        var (catalog, orders) = (RestTables.Client(server), RestTables.NewName());
        var table = Assert.IsType<CommitResult.Committed>(await RestTables.AppendAsync(catalog, (await catalog.CreateAsync(orders, RestTables.Blank(), default)).Table)).Table;
        var (requirements, updates, change) = await RestTables.PrepareAsync(table);
        var commits = await CommitsAsync();
        await server.AddFaultsAsync(fault);

        var result = await catalog.CommitAsync(table, requirements, updates, default);
        var now = (await catalog.LoadAsync(orders, default))!;

        Assert.Equal(isApplied, now.Metadata.FindSnapshot(change.SnapshotId) is not null);
        if (fault.StartsWith("commit-then-409", StringComparison.Ordinal)) Assert.IsType<CommitResult.Committed>(result);
        else if (fault.Contains("429", StringComparison.Ordinal)) Assert.IsType<CommitResult.Conflict>(result);
        else Assert.IsType<CommitResult.Unknown>(result);
        // The same change again, as the ledger does where it finds nothing: it stands once.
        if (!isApplied)
        {
            var (again, moreUpdates, _) = await RestTables.PrepareAsync(now, change);
            Assert.IsType<CommitResult.Committed>(await catalog.CommitAsync(now, again, moreUpdates, default));
        }
        Assert.Equal(2, (await catalog.LoadAsync(orders, default))!.Metadata.Lineage().Count());
        Assert.Equal(commits + (isApplied ? 1 : 2), await CommitsAsync());
        await IcebergReference.CheckAsync(IcebergTarget.Rest(server.Uri, $"{orders}"));

        async Task<int> CommitsAsync() => (await server.FaultsAsync()).GetProperty("commits").GetInt32();
    }
}
