using Matih.Delivery;
using Matih.Engine.Tests.Verification;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Delivery;

/// <summary>docs/delivery.md, "Resume": the nearest ledger among the ancestors of the current snapshot.</summary>
public sealed class ResumeTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_rolled_back_table_resumes_from_what_it_holds_with_a_higher_generation(int commitsBack)
    {
        using var flow = new FlowHarness();
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        for (var round = 0; round < 3; round++)
        {
            flow.Produce(round * 10, 10);
            await flow.CatchUpAsync();
        }
        await flow.RollBackAsync((await flow.TableAsync()).Metadata.Lineage().ElementAt(commitsBack).Id);
        flow.Produce(30, 10);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(2, (await flow.LedgerAsync()).Generation);
    }

    [Fact]
    public async Task No_two_timelines_share_a_generation()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var first = await flow.HeadAsync();
        for (var round = 1; round <= 3; round++)
        {
            flow.Produce(round * 10, 10);
            await flow.CatchUpAsync();
            var before = (await flow.LedgerAsync()).Generation;
            await flow.RollBackAsync(first);

            await flow.CatchUpAsync();

            Assert.Equal(before + 1, (await flow.LedgerAsync()).Generation);
        }
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_table_rolled_back_to_before_the_first_commit_is_refused_until_reset()
    {
        using var flow = new FlowHarness();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        other.Produce(0, 3);
        await other.CatchUpAsync();
        var before = await flow.HeadAsync();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await flow.RollBackAsync(before);

        var refusal = await flow.RefusalAsync();
        await flow.CatchUpAsync(new OpenAnswers(Reset: true));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("holds tag matih-orders-lake but no ledger of orders/lake in its current history", refusal.Message, StringComparison.Ordinal);
        await flow.AssertHoldsExactlyAsync([.. flow.TopicRecords(), .. other.TopicRecords()]);
        Assert.Equal(2, (await flow.LedgerAsync()).Generation);
    }

    [Fact]
    public async Task An_expired_parent_is_found_in_an_older_metadata_file()
    {
        using var flow = new FlowHarness();
        await ExpireParentOfHeadAsync(flow);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_ledger_below_snapshots_whose_parents_an_engine_took_out_at_expiry_is_found()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await flow.ForeignAppendAsync();
        await flow.ForeignAppendAsync();
        await flow.ExpireWithoutParentsAsync();
        Assert.Null((await flow.TableAsync()).Metadata.CurrentSnapshot!.ParentId);
        flow.Produce(10, 10);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_history_whose_parents_were_taken_out_and_of_which_no_older_metadata_is_left_is_refused_until_the_tag_is_accepted()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await flow.ForeignAppendAsync();
        await flow.ForeignAppendAsync();
        await flow.ExpireWithoutParentsAsync();
        await flow.DeleteOlderMetadataAsync();
        flow.Produce(10, 10);

        var refusal = await flow.RefusalAsync();
        await flow.CatchUpAsync(FlowHarness.Accepting(refusal));

        Assert.Contains("--accept-tag", refusal.Remedy, StringComparison.Ordinal);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_history_that_cannot_be_proven_is_refused_until_the_tag_is_accepted()
    {
        using var flow = new FlowHarness();
        var expired = await ExpireParentOfHeadAsync(flow);
        await flow.DeleteOlderMetadataAsync();
        flow.Produce(10, 10);

        var refusal = await flow.RefusalAsync();
        await flow.CatchUpAsync(FlowHarness.Accepting(refusal));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains($"ends at the expired snapshot {expired}", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("--accept-tag", refusal.Remedy, StringComparison.Ordinal);
        await flow.AssertHoldsWholeTopicAsync();
        flow.Produce(20, 10);
        await flow.CatchUpAsync();
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_tag_that_has_moved_since_it_was_accepted_is_asked_about_again()
    {
        using var flow = new FlowHarness();
        await ExpireParentOfHeadAsync(flow);
        await flow.DeleteOlderMetadataAsync();
        flow.Produce(10, 10);
        var accepted = FlowHarness.Accepting(await flow.RefusalAsync());
        var before = (await flow.TableAsync()).Metadata.CurrentSnapshotId!.Value;
        await flow.CatchUpAsync(accepted);
        await flow.RollBackAsync(before);
        await flow.DeleteOlderMetadataAsync();

        var refusal = await flow.RefusalAsync(accepted);

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains($"--accept-tag names another commit: {accepted.AcceptedTags.Single()}", refusal.Message, StringComparison.Ordinal);
        Assert.NotEqual(accepted.AcceptedTags, FlowHarness.Accepting(refusal).AcceptedTags);
    }

    [Fact]
    public async Task Without_a_tag_accept_tag_continues_from_nothing()
    {
        using var flow = new FlowHarness();
        await ExpireParentOfHeadAsync(flow);
        await flow.DeleteOlderMetadataAsync();
        var accepted = FlowHarness.Accepting(await flow.RefusalAsync());
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshotRef("matih-orders-lake"));

        var refusal = await flow.RefusalAsync(accepted);

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("--reset", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cherry_picked_commit_of_ours_is_refused()
    {
        using var flow = new FlowHarness();
        var (first, second) = await TwoCommitsAsync(flow);
        await flow.RollBackAsync(first);
        var picked = await flow.ForeignAppendAsync(("source-snapshot-id", second.ToString()));

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains($"Snapshot {picked.Metadata.CurrentSnapshotId} of table shop.orders re-applies snapshot {second}", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cherry_picked_commit_whose_source_is_gone_is_refused()
    {
        using var flow = new FlowHarness();
        await TwoCommitsAsync(flow);
        await flow.ForeignAppendAsync(("source-snapshot-id", "12345"));

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("snapshot 12345", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_published_staged_write_whose_source_is_gone_is_refused()
    {
        using var flow = new FlowHarness();
        await TwoCommitsAsync(flow);
        await flow.ForeignAppendAsync(("published-wap-id", "audit-7"));

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("staged write 'audit-7'", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cherry_pick_of_somebody_else_s_commit_is_nothing_to_us()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var foreign = (await flow.ForeignAppendAsync()).Metadata.CurrentSnapshotId;
        await flow.ForeignAppendAsync(("source-snapshot-id", foreign.ToString()!));
        flow.Produce(10, 10);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_copied_table_is_refused()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await flow.ChangeTableAsync(new TableUpdate.AssignUuid("0f0e0d0c-0000-4000-8000-000000000001"));

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("it is a copy of that table", refusal.Message, StringComparison.Ordinal);
    }

    private static async Task<(SnapshotId First, SnapshotId Second)> TwoCommitsAsync(FlowHarness flow)
    {
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var first = await flow.HeadAsync();
        flow.Produce(10, 10);
        await flow.CatchUpAsync();
        return (first, await flow.HeadAsync());
    }

    /// <summary>A ledger, two foreign commits above it, and the lower one of these expired.</summary>
    private static async Task<SnapshotId> ExpireParentOfHeadAsync(FlowHarness flow)
    {
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var parent = (await flow.ForeignAppendAsync()).Metadata.CurrentSnapshotId!.Value;
        await flow.ForeignAppendAsync();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([parent]));
        return parent;
    }
}
