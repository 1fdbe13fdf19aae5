using Matih.Definition;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Delivery;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Delivery;

/// <summary>
/// Every refusal (exit 5) names a way out. Each test goes that very way, and ends with a pipeline that runs on its own again
/// and holds each record once more than before, or once less, exactly as the way says.
/// </summary>
public sealed class WaysOutTests
{
    private static readonly OpenAnswers Reset = new(Reset: true);

    [Fact]
    public async Task From_on_a_known_table_is_left_out_or_goes_with_reset()
    {
        using var flow = await WithTenRowsAsync();
        flow.Produce(10, 4);
        var atEnd = new OpenAnswers(Start: new StartOffset.Latest());

        Assert.Contains("Leave --from out", (await RefusedAsync(flow, atEnd, "--reset together with --from")).Remedy, StringComparison.Ordinal);
        await flow.CatchUpAsync();
        await flow.AssertHoldsWholeTopicAsync();
        await flow.CatchUpAsync(atEnd with { Reset = true });

        await flow.AssertHoldsWholeTopicAsync();
        await AssertHealthyAsync(flow);
    }

    [Fact]
    public async Task A_reset_that_was_not_confirmed_is_given_yes()
    {
        using var flow = await WithTenRowsAsync();

        await RefusedAsync(flow, new OpenAnswers(Reset: true, ConfirmReset: _ => false), "--yes");
        await flow.CatchUpAsync(Reset);

        await AssertDoubledAsync(flow);
    }

    [Fact]
    public async Task A_copied_table_is_reset()
    {
        using var flow = await WithTenRowsAsync();
        await flow.ChangeTableAsync(new TableUpdate.AssignUuid("0f0e0d0c-0000-4000-8000-000000000001"));

        await RefusedAsync(flow, "--reset");
        await flow.CatchUpAsync(Reset);

        await AssertDoubledAsync(flow);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_cherry_picked_commit_is_rolled_back_or_the_pipeline_is_reset(bool rollsBack)
    {
        using var flow = await WithTenRowsAsync();
        var ours = await flow.HeadAsync();
        await flow.ForeignAppendAsync(("source-snapshot-id", ours.ToString()));

        Assert.Contains("Roll the table back to before that snapshot", (await RefusedAsync(flow, "--reset")).Remedy, StringComparison.Ordinal);
        if (rollsBack)
        {
            await flow.RollBackAsync(ours);
            await flow.CatchUpAsync();
            await flow.AssertHoldsWholeTopicAsync();
            await AssertHealthyAsync(flow);
        }
        else
        {
            await flow.CatchUpAsync(Reset);
            await AssertDoubledAsync(flow);
        }
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task A_history_that_is_not_proven_is_accepted_by_its_tag_or_the_pipeline_is_reset(bool hasTag, bool resets)
    {
        using var flow = await WithTenRowsAsync();
        var parent = (await flow.ForeignAppendAsync()).Metadata.CurrentSnapshotId!.Value;
        await flow.ForeignAppendAsync();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([parent]));
        await flow.DeleteOlderMetadataAsync();
        if (!hasTag) await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshotRef("matih-orders-lake"));

        var refusal = await RefusedAsync(flow, resets ? "--reset" : "--accept-tag");
        await flow.CatchUpAsync(resets ? Reset : FlowHarness.Accepting(refusal));

        Assert.Equal(hasTag, refusal.Remedy.Contains("--accept-tag", StringComparison.Ordinal));
        if (resets) await AssertDoubledAsync(flow);
        else await flow.AssertHoldsWholeTopicAsync();
        await AssertHealthyAsync(flow);
    }

    [Fact]
    public async Task A_table_rolled_back_to_before_the_pipeline_is_rolled_forward_again()
    {
        using var flow = new FlowHarness();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        await other.CatchUpAsync();
        var before = await flow.HeadAsync();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var ours = await flow.HeadAsync();
        await flow.RollBackAsync(before);

        Assert.Contains("Roll the table forward again", (await RefusedAsync(flow, "--reset")).Remedy, StringComparison.Ordinal);
        await flow.RollBackAsync(ours);
        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        await AssertHealthyAsync(flow);
    }

    [Theory]
    [InlineData("purchases")]
    [InlineData("returns")]
    public async Task A_wrong_name_to_adopt_is_corrected_after_a_look_at_the_table(string wrong)
    {
        using var flow = await WithTenRowsAsync();
        using var returns = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        await returns.CatchUpAsync();
        using var renamed = flow.Another(pipeline: "sales");

        await RefusedAsync(renamed, new OpenAnswers(Adopt: wrong), wrong == "returns" ? "Name the pipeline that did" : "matih table ledger");
        var table = await flow.TableAsync();
        var shown = (await LedgerInspection.ReadAsync(new IcebergHistory(table), default)).Single(found => found.Ledger.Sources[0].Topic == "shop.orders");
        await renamed.CatchUpAsync(new OpenAnswers(Adopt: shown.Flow.Pipeline));

        await renamed.AssertHoldsWholeTopicAsync();
        await AssertHealthyAsync(renamed);
    }

    public static TheoryData<string, string> TopicsThatAreNotTheSame => new()
    {
        { "fewer partitions", "has 1 partition" },
        { "another topic id", "was deleted and created again" },
        { "another cluster", "of Kafka cluster cluster-1 so far" },
        { "a shorter topic", "ends at offset" },
        { "other records", "is not the one that was read before" },
    };

    [Theory]
    [MemberData(nameof(TopicsThatAreNotTheSame))]
    public async Task A_topic_that_is_not_the_same_is_started_over(string change, string expected)
    {
        using var flow = await WithTenRowsAsync();
        var before = await flow.RowsAsync();
        flow.Topic.Recreate(change == "fewer partitions" ? 1 : 2, change == "another topic id" ? "topic-2" : change == "fewer partitions" ? null : "topic-1");
        if (change == "another cluster") flow.Topic.ClusterId = "cluster-2";
        flow.Produce(500, change == "a shorter topic" ? 4 : 20);

        Assert.Contains(expected, (await RefusedAsync(flow, "--reset")).Message, StringComparison.Ordinal);
        await flow.CatchUpAsync(Reset);

        await flow.AssertHoldsExactlyAsync([.. before, .. flow.TopicRecords()]);
        await AssertHealthyAsync(flow);
    }

    [Theory]
    [InlineData("topic-1", "topic-2")]
    [InlineData(null, null)]
    public async Task A_topic_that_was_created_again_under_a_run_is_started_over_behind_a_rollback(string? before, string? after)
    {
        using var flow = new FlowHarness();
        flow.Topic.Recreate(2, before);
        flow.Clock.Speed = 100;
        flow.Produce(0, 10);
        SnapshotId? good = null;
        List<(int, long)> rows = [];

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            (good, rows) = (await flow.HeadAsync(), await flow.RowsAsync());
            flow.Topic.Recreate(2, after);
            flow.Produce(1000, 100);
            await flow.WaitForLogAsync(_ => false);
        }));
        flow.Clock.Speed = 1;
        Assert.Contains("roll the table back to the snapshot before them; then start over on the topic as it is now with --reset", refusal.Remedy, StringComparison.Ordinal);
        await flow.RollBackAsync(good!.Value);
        await flow.CatchUpAsync(Reset);

        await flow.AssertHoldsExactlyAsync([.. rows, .. flow.TopicRecords()]);
        await AssertHealthyAsync(flow);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Another_topic_gets_a_source_of_another_name_or_the_pipeline_is_reset(bool renames)
    {
        using var flow = await WithTenRowsAsync();
        using var moved = flow.Another(new ScriptedTopic("shop.orders2", 1));
        moved.Produce(0, 6);

        Assert.Contains("Give the new topic a source of another name", (await RefusedAsync(moved, "--reset")).Remedy, StringComparison.Ordinal);
        if (renames) moved.Definition = moved.Definition.Replace("src:", "orders2:", StringComparison.Ordinal).Replace("input: src", "input: orders2", StringComparison.Ordinal);
        await moved.CatchUpAsync(renames ? null : Reset);

        await moved.AssertHoldsExactlyAsync([.. flow.TopicRecords(), .. moved.TopicRecords()]);
        await AssertHealthyAsync(moved);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Offsets_that_retention_took_are_accepted_as_lost(bool whileRunning)
    {
        using var flow = await WithTenRowsAsync();
        if (whileRunning)
        {
            // The log moves on past a position that lanes stand at: no retry is needed to learn what is missing.
            var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.RunDuringAsync(async () =>
            {
                await flow.WaitForLogAsync(_ => flow.CountOf("taken-over") + flow.CountOf("resumed") > 0);
                LoseThree(flow);
                await flow.WaitForLogAsync("never");
            }));
            Assert.Equal(ExitCode.Refused, refusal.ExitCode);
            Assert.Contains("no longer holds offsets 5 to 7", refusal.Message, StringComparison.Ordinal);
            Assert.Contains("on_lost_offsets: skip", refusal.Remedy, StringComparison.Ordinal);
        }
        else
        {
            LoseThree(flow);
            Assert.Contains("no longer holds offsets 5 to 7", (await RefusedAsync(flow, "on_lost_offsets: skip")).Message, StringComparison.Ordinal);
        }
        var before = await flow.RowsAsync();
        flow.Overrides.Add("sources.src.on_lost_offsets=skip");
        await flow.CatchUpAsync();

        await flow.AssertHoldsExactlyAsync(before.Concat(flow.TopicRecords()).Distinct());
        Assert.Equal(3, (await flow.LedgerAsync()).Totals.LostCount);
        await AssertHealthyAsync(flow);
    }

    [Fact]
    public async Task A_running_pipeline_that_may_skip_lost_offsets_goes_on_without_using_up_a_retry()
    {
        using var flow = await WithTenRowsAsync();
        flow.Overrides.Add("sources.src.on_lost_offsets=skip");

        await flow.RunDuringAsync(async () =>
        {
            await flow.WaitForLogAsync(_ => flow.CountOf("taken-over") + flow.CountOf("resumed") > 0);
            LoseThree(flow);
            await flow.WaitForLogAsync("offsets-lost");
        });

        await flow.CatchUpAsync();
        Assert.Equal(3, (await flow.LedgerAsync()).Totals.LostCount);
        await AssertHealthyAsync(flow);
    }

    [Theory]
    [InlineData("newer")]
    [InlineData("gone")]
    [InlineData("altered")]
    public async Task A_ledger_that_cannot_be_read_is_brought_back_or_the_pipeline_is_reset(string fault)
    {
        using var flow = new FlowHarness(partitionCount: fault == "newer" ? 2 : 120);
        flow.Produce(0, 240);
        await flow.CatchUpAsync();
        var before = await flow.LedgerAsync();
        var property = (await flow.TableAsync()).Metadata.CurrentSnapshot!.Summary["matih.ledger.orders/lake"];
        var side = LedgerFormat.ReadSideFile(property)?.Location;
        if (fault == "newer") await flow.ForeignAppendAsync(("matih.ledger.orders/lake", """{"v":2}"""), ("matih.writer", "orders/lake"));
        else if (fault == "gone") File.Move(side!, side + ".backup");
        else
        {
            File.Copy(side!, side + ".backup");
            await File.AppendAllTextAsync(side!, " ");
        }

        var refusal = await RefusedAsync(flow, fault == "altered" ? "Bring the file back from a backup" : "--reset");
        if (fault == "newer") Assert.Contains("roll the table back to before that snapshot", refusal.Remedy, StringComparison.Ordinal);
        else Assert.Contains("Bring the file back from a backup", refusal.Remedy, StringComparison.Ordinal);
        if (fault == "altered")
        {
            File.Move(side + ".backup", side!, overwrite: true);
            await flow.CatchUpAsync();
            await flow.AssertHoldsWholeTopicAsync();
        }
        else
        {
            var rows = await flow.RowsAsync();
            flow.Produce(240, 120); // So that the new ledger's side file is not the very one that is gone.
            await flow.CatchUpAsync(Reset);
            await flow.AssertHoldsExactlyAsync([.. rows, .. flow.TopicRecords()]);
            if (fault == "gone") Assert.True((await flow.LedgerAsync()).Generation > before.Generation, "A reset must begin a new generation, also where only the head of the ledger is left.");
        }
        await AssertHealthyAsync(flow);
    }

    [Fact]
    public async Task A_table_that_was_dropped_under_the_pipeline_is_created_anew_by_a_reset()
    {
        using var flow = await WithTenRowsAsync();

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.RunDuringAsync(async () =>
        {
            await flow.WaitForLogAsync(_ => flow.CountOf("taken-over") + flow.CountOf("resumed") > 0);
            flow.DropTable();
            flow.Produce(10, 10);
            await flow.WaitForLogAsync("never");
        }));
        await flow.CatchUpAsync(Reset);

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("--reset", refusal.Remedy, StringComparison.Ordinal);
        await flow.AssertHoldsWholeTopicAsync();
        await AssertHealthyAsync(flow);
    }

    [Fact]
    public async Task A_flow_whose_tag_belongs_to_another_is_told_so_and_renamed()
    {
        using var flow = new FlowHarness();
        flow.Definition = flow.Definition.Replace("lake:", "b-c:", StringComparison.Ordinal);
        flow.Pipeline = "a";
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        using var second = flow.Another(new ScriptedTopic("shop.returns", 1), "a-b");
        second.Definition = second.Definition.Replace("b-c:", "c:", StringComparison.Ordinal);
        second.Produce(0, 4);

        var refusal = await RefusedAsync(second, "Rename the pipeline or the sink of a-b/c");
        second.Pipeline = "returns";
        await second.CatchUpAsync();
        flow.Produce(10, 10);
        await flow.CatchUpAsync();

        Assert.Contains("Pipeline a/b-c writes to table shop.orders too, and its tag has the name that a-b/c's would have, matih-a-b-c", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("rolled back", refusal.Message, StringComparison.Ordinal);
        await flow.AssertHoldsExactlyAsync([.. flow.TopicRecords(), .. second.TopicRecords()]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reset_or_a_start_that_landed_without_an_answer_is_not_made_again_by_the_next_session(bool resets)
    {
        using var flow = new FlowHarness { Clock = new HurriedClock { Speed = 20 } };
        flow.Overrides.AddRange(["orchestration.checkpoint_interval=1h", "orchestration.max_retries=3"]);
        flow.Produce(0, 10);
        if (resets) await flow.CatchUpAsync();
        else await flow.CatchUpAsync(new OpenAnswers(Start: new StartOffset.Earliest()));
        if (!resets) flow.DropTable();
        if (!resets) flow.Topic.GroupMark = null;
        var properties = TableMetadata.EmptyProperties.Add("commit.retry.num-retries", "0");
        if (resets) await flow.ChangeTableAsync(new TableUpdate.SetProperties(properties));
        else flow.Definition = flow.Definition.Replace("mode: append", "mode: append, properties: { commit.retry.num-retries: \"0\" }", StringComparison.Ordinal);

        // The opening commit lands, but its answer and the look that follows get lost, until its retries run out.
        flow.Store.After(resets ? "metadata.json" : "v2.metadata.json", () =>
        {
            flow.Store.FailRead("metadata.json");
            throw new IOException("connection reset");
        });
        await flow.CatchUpAsync(resets ? Reset : new OpenAnswers(Start: new StartOffset.Earliest()));

        Assert.Equal(1, flow.CountOf("retrying"));
        var generation = (await flow.LedgerAsync()).Generation;
        Assert.Equal(resets ? 2 : 1, generation);
        if (resets) await AssertDoubledAsync(flow);
        else await flow.AssertHoldsWholeTopicAsync();
        Assert.Single((await flow.TableAsync()).Metadata.Lineage(), snapshot =>
            snapshot.Summary.TryGetValue("matih.ledger.orders/lake", out var text) && LedgerFormat.ReadHead(text) is { Base: null } head && head.Generation == generation);
    }

    [Fact]
    public async Task A_reset_that_landed_without_an_answer_below_another_writer_s_commit_is_not_done_again()
    {
        using var flow = new FlowHarness { Clock = new HurriedClock { Speed = 20 } };
        using var other = flow.Another();
        flow.Overrides.AddRange(["orchestration.checkpoint_interval=1h", "orchestration.max_retries=3"]);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await flow.ChangeTableAsync(new TableUpdate.SetProperties(TableMetadata.EmptyProperties.Add("commit.retry.num-retries", "0")));

        // Before the run learns that its reset stands, another one has gone on from there.
        flow.Store.After("metadata.json", () =>
        {
            Task.Run(() => other.CatchUpAsync()).GetAwaiter().GetResult();
            flow.Store.FailRead("metadata.json");
            throw new IOException("connection reset");
        });
        await flow.CatchUpAsync(Reset);

        Assert.Equal(1, flow.CountOf("retrying"));
        Assert.Equal(2, (await flow.LedgerAsync()).Generation);
        await AssertDoubledAsync(flow);
    }

    [Fact]
    public async Task A_reset_that_landed_without_an_answer_and_was_rolled_back_is_done_again_above_its_generation()
    {
        using var flow = new FlowHarness { Clock = new HurriedClock { Speed = 20 } };
        flow.Overrides.AddRange(["orchestration.checkpoint_interval=1h", "orchestration.max_retries=3"]);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var before = await flow.HeadAsync();

        // Before the run learns that its reset stands, somebody rolls the table back past it.
        flow.Store.After("metadata.json", async () =>
        {
            await flow.RollBackAsync(before);
            flow.Store.FailRead("metadata.json");
            throw new IOException("connection reset");
        });
        await flow.CatchUpAsync(Reset);

        Assert.Equal(1, flow.CountOf("commit-unknown"));
        Assert.Equal(1, flow.CountOf("reset"));
        Assert.Equal(3, (await flow.LedgerAsync()).Generation);
        await AssertDoubledAsync(flow);
    }

    [Fact]
    public async Task A_reset_after_a_cherry_pick_keeps_the_ledgers_of_other_pipelines()
    {
        using var flow = new FlowHarness();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        other.Produce(0, 10);
        await other.CatchUpAsync();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await flow.ForeignAppendAsync(("source-snapshot-id", (await flow.HeadAsync()).ToString()));
        await flow.CatchUpAsync(Reset);
        other.Produce(10, 10);

        await other.CatchUpAsync();

        Assert.Equal(20 + 20, (await other.RowsAsync()).Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_way_out_of_an_unproven_history_stays_open_for_the_other_pipelines_of_the_table(bool resets)
    {
        using var flow = new FlowHarness();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        other.Produce(0, 10);
        await other.CatchUpAsync();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var parent = (await flow.ForeignAppendAsync()).Metadata.CurrentSnapshotId!.Value;
        await flow.ForeignAppendAsync();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([parent]));
        await flow.DeleteOlderMetadataAsync();
        await flow.CatchUpAsync(resets ? Reset : FlowHarness.Accepting(await flow.RefusalAsync()));
        other.Produce(10, 10);

        await other.CatchUpAsync(FlowHarness.Accepting(await other.RefusalAsync()));
        await flow.CatchUpAsync();
        await other.CatchUpAsync();

        Assert.Equal((resets ? 20 : 10) + 20, (await other.RowsAsync()).Count);
    }

    [Fact]
    public async Task A_renamed_pipeline_is_adopted_on_a_table_whose_history_another_answer_has_covered()
    {
        using var flow = new FlowHarness();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        other.Produce(0, 10);
        await other.CatchUpAsync();
        var parent = (await flow.ForeignAppendAsync()).Metadata.CurrentSnapshotId!.Value;
        await flow.ForeignAppendAsync();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([parent]));
        await flow.DeleteOlderMetadataAsync();
        await other.CatchUpAsync(FlowHarness.Accepting(await other.RefusalAsync()));
        using var renamed = other.Another(pipeline: "refunds");
        other.Produce(10, 10);

        await renamed.CatchUpAsync(new OpenAnswers(Adopt: "returns"));

        Assert.Equal(20, (await renamed.RowsAsync()).Count);
    }

    [Fact]
    public async Task A_table_rolled_back_past_an_adoption_is_adopted_again_and_stale_generations_stay_out()
    {
        using var flow = await WithTenRowsAsync();
        var before = await flow.HeadAsync();
        using var renamed = flow.Another(pipeline: "purchases");
        flow.Produce(10, 10);
        await renamed.CatchUpAsync(new OpenAnswers(Adopt: "orders"));
        var lost = await renamed.LedgerAsync();
        await flow.RollBackAsync(before);

        Assert.Contains("(orders/lake)", (await RefusedAsync(renamed, "--adopt")).Remedy, StringComparison.Ordinal);
        await renamed.CatchUpAsync(new OpenAnswers(Adopt: "orders"));

        await renamed.AssertHoldsWholeTopicAsync();
        var now = await renamed.LedgerAsync();
        Assert.True(now.Generation > lost.Generation);
        Assert.True(now.Epoch.CompareTo(lost.Epoch) > 0);
        await AssertHealthyAsync(renamed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_table_rolled_back_past_an_adoption_gives_the_old_pipeline_no_generation_twice(bool isAdoptedAgain)
    {
        using var flow = await WithTenRowsAsync();
        var before = await flow.HeadAsync();
        using var renamed = flow.Another(pipeline: "purchases");
        using var last = flow.Another(pipeline: "sales");
        flow.Produce(10, 10);
        await renamed.CatchUpAsync(new OpenAnswers(Adopt: "orders"));
        if (isAdoptedAgain) await last.CatchUpAsync(new OpenAnswers(Adopt: "purchases"));
        var lost = await (isAdoptedAgain ? last : renamed).LedgerAsync();
        await flow.RollBackAsync(before);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        var now = await flow.LedgerAsync();
        Assert.True(now.Generation > lost.Generation);
        Assert.True(now.Epoch.CompareTo(lost.Epoch) > 0);
        await AssertHealthyAsync(flow);
    }

    private static async Task<FlowHarness> WithTenRowsAsync()
    {
        var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        return flow;
    }

    /// <summary>Three records come and go unread: the position then lies below the log start.</summary>
    private static void LoseThree(FlowHarness flow)
    {
        flow.Topic.DeleteBefore(0, 8);
        flow.Topic.Append(0, """{"id": 900, "note": "after"}""");
    }

    private static Task<PipelineException> RefusedAsync(FlowHarness flow, string way) => RefusedAsync(flow, OpenAnswers.None, way);

    /// <summary>The start is refused, names that way, and changes nothing.</summary>
    private static async Task<PipelineException> RefusedAsync(FlowHarness flow, OpenAnswers answers, string way)
    {
        var before = (await flow.TableAsync()).MetadataLocation;
        var refusal = await flow.RefusalAsync(answers);
        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains(way, refusal.Remedy, StringComparison.Ordinal);
        Assert.Equal(before, (await flow.TableAsync()).MetadataLocation);
        return refusal;
    }

    /// <summary>The rows of before stay, and all that the topic holds was read again.</summary>
    private static async Task AssertDoubledAsync(FlowHarness flow) =>
        await flow.AssertHoldsExactlyAsync([.. flow.TopicRecords(), .. flow.TopicRecords()]);

    /// <summary>The pipeline starts without any answer, takes what is new once, and has nothing to do after that.</summary>
    private static async Task AssertHealthyAsync(FlowHarness flow)
    {
        var before = await flow.RowsAsync();
        var known = flow.TopicRecords().ToHashSet();
        flow.Produce(2000, 12);
        await flow.CatchUpAsync();
        await flow.AssertHoldsExactlyAsync([.. before, .. flow.TopicRecords().Except(known)]);
        var head = await flow.HeadAsync();
        await flow.CatchUpAsync();
        Assert.Equal(head, await flow.HeadAsync());
        Assert.False((await flow.LedgerAsync()).IsOpen);
    }
}
