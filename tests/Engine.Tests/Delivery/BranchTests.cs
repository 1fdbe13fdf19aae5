using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Delivery;

/// <summary><c>branch:</c> of a sink: ledger, resume and verification are those of the branch.</summary>
public sealed class BranchTests
{
    private const string Audit = "audit";

    [Fact]
    public async Task Rows_go_to_the_branch_and_main_has_none()
    {
        using var flow = OnBranch();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 10);

        await flow.CatchUpAsync();

        Assert.Null((await flow.TableAsync()).Metadata.CurrentSnapshotId);
        Assert.Equal(20, await RowCountAsync(flow));
        await flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task A_new_branch_stands_on_main_with_its_rows_and_the_pipeline_s_ledger()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var main = await flow.HeadAsync();
        flow.Overrides.Add($"sinks.lake.branch={Audit}");
        flow.Produce(10, 10);

        await flow.CatchUpAsync();

        Assert.Equal(main, await flow.HeadAsync());
        Assert.Equal(20, await RowCountAsync(flow));
        await flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task Published_by_fast_forward_main_has_all_and_the_pipeline_continues_on_either()
    {
        using var flow = OnBranch();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await flow.RollBackAsync((await BranchAsync(flow)).SnapshotId);
        await flow.AssertHoldsWholeTopicAsync();
        flow.Overrides.Clear();
        flow.Produce(10, 10);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(10, await RowCountAsync(flow));
    }

    [Fact]
    public async Task Pipelines_on_main_and_on_a_branch_do_not_disturb_each_other()
    {
        using var main = new FlowHarness(partitionCount: 1);
        main.Produce(0, 10);
        await main.CatchUpAsync();
        using var audit = main.Another(pipeline: "audited");
        audit.Overrides.Add($"sinks.lake.branch={Audit}");
        await audit.CatchUpAsync();
        main.Produce(10, 10);

        await main.CatchUpAsync();
        await audit.CatchUpAsync();
        await main.CatchUpAsync();

        await main.AssertHoldsWholeTopicAsync();
        // The ten rows of main that the branch began with, and the whole topic once.
        Assert.Equal(10 + 20, await RowCountAsync(main));
        await audit.AssertVerifiesAsync();
        // A rollback would have given another generation out.
        Assert.Equal((1, 1), ((await main.LedgerAsync()).Generation, (await main.LedgerAsync()).TakeoverCount + 1));
    }

    [Fact]
    public async Task A_branch_that_somebody_drops_is_not_begun_again_from_main()
    {
        using var flow = OnBranch();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshotRef(Audit));

        var refusal = await flow.RefusalAsync();

        Assert.Contains("rolled back to before the pipeline's first commit", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_branch_that_is_rolled_back_is_filled_again()
    {
        using var flow = OnBranch();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var before = await BranchAsync(flow);
        flow.Produce(10, 10);
        await flow.CatchUpAsync();
        await flow.ChangeTableAsync(new TableUpdate.SetSnapshotRef(Audit, before));

        await flow.CatchUpAsync();

        Assert.Equal(20, await RowCountAsync(flow));
        await flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task A_tag_of_that_name_is_refused()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await flow.ChangeTableAsync(new TableUpdate.SetSnapshotRef(Audit, SnapshotRef.LastingTag(await flow.HeadAsync())));
        flow.Overrides.Add($"sinks.lake.branch={Audit}");

        Assert.Contains("'audit' is a tag of table shop.orders", (await flow.RefusalAsync()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_branch_of_the_pipeline_outlives_a_limit_on_the_age_of_refs()
    {
        using var flow = OnBranch();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();

        Assert.Equal((SnapshotRefKind.Branch, long.MaxValue), ((await BranchAsync(flow)).Kind, (await BranchAsync(flow)).MaxRefAgeMillis));
    }

    [Fact]
    public async Task What_the_definition_says_of_its_commits_stands_in_each_of_them()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("sinks.lake.snapshot_properties={team: web, cost-center: \"17\"}");
        flow.Produce(0, 10);
        await flow.CatchUpAsync();

        Assert.All((await flow.TableAsync()).Metadata.Snapshots, snapshot => Assert.Equal(("web", "17"), (snapshot.Summary["team"], snapshot.Summary["cost-center"])));
        await flow.AssertHoldsWholeTopicAsync();
    }

    private static FlowHarness OnBranch()
    {
        var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add($"sinks.lake.branch={Audit}");
        return flow;
    }

    private static async Task<SnapshotRef> BranchAsync(FlowHarness flow) => (await flow.TableAsync()).Metadata.Refs[Audit];

    private static async Task<long> RowCountAsync(FlowHarness flow)
    {
        var table = await flow.TableAsync();
        return (await SnapshotReader.LiveFilesAsync(table, table.Metadata.FindSnapshot((await BranchAsync(flow)).SnapshotId)!, default)).Sum(file => file.RecordCount);
    }
}
