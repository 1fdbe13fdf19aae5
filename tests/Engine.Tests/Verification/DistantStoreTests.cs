using Matih.Delivery;
using Matih.Engine.Tests.Delivery;
using Matih.Engine.Tests.Storage;
using Matih.Iceberg.Catalogs;

namespace Matih.Engine.Tests.Verification;

/// <summary>How often verification waits for a store far away.</summary>
public sealed class DistantStoreTests
{
    [Fact]
    public async Task A_history_of_many_commits_and_manifests_is_read_in_few_round_trips()
    {
        const int Commits = 48;
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var file = (await flow.LiveFilesAsync())[0];
        for (var i = 0; i < Commits; i++) await flow.RegisterAsync([file with { Path = $"{file.Path}.{i}" }]);
        var far = new RoundTripStore(flow.Store);
        flow.CatalogOver = _ => new FileCatalog(far, flow.Warehouse, flow.Ids, flow.Clock);

        var report = far.Run(() => flow.ReportAsync(isOffline: true));

        TestContext.Current.TestOutputHelper?.WriteLine($"{far.RoundTripCount} round trips, {far.RequestCount} requests");
        Assert.NotEqual(ExitCode.Done, report.ExitCode);
        // Sixteen at once of each: manifests; commits, with first their list and then their manifest; files, which are looked for. And a few for the table.
        Assert.InRange(far.RequestCount, 3 * Commits, 5 * Commits);
        Assert.InRange(far.RoundTripCount, 4 * Commits / 16, 8 * Commits / 16);
        Assert.InRange(far.TogetherMax, 16, 32);
    }
}
