using Matih.Delivery.IcebergTables;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Delivery;
using Matih.Iceberg.Metadata;
using Matih.Iceberg;

namespace Matih.Engine.Tests.Delivery;

/// <summary>docs/delivery.md, "Checkpoint and commit".</summary>
public sealed class CommitTests
{
    private const string Metadata = ".metadata.json";

    [Fact]
    public async Task An_answer_lost_after_the_commit_was_applied_gives_one_snapshot_and_each_row_once()
    {
        using var flow = await WithTenRowsAsync();
        var before = await SnapshotCountAsync(flow);
        flow.Store.After(Metadata, LoseAnswer(flow));

        await flow.CatchUpAsync();

        Assert.Equal(1, flow.CountOf("commit-unknown"));
        Assert.Equal(before + 1, await SnapshotCountAsync(flow));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task An_answer_lost_under_another_pipeline_s_later_commit_is_still_found()
    {
        using var flow = await WithTenRowsAsync();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        other.Produce(0, 3);
        flow.Store.After(Metadata, async () =>
        {
            await other.CatchUpAsync();
            await LoseAnswer(flow)();
        });

        await flow.CatchUpAsync();

        await flow.AssertHoldsExactlyAsync([.. flow.TopicRecords(), .. other.TopicRecords()]);
    }

    [Fact]
    public async Task An_answer_lost_before_the_table_was_rolled_back_past_the_commit_makes_it_read_again()
    {
        using var flow = await WithTenRowsAsync();
        var before = await flow.HeadAsync();
        flow.Store.After(Metadata, async () =>
        {
            await flow.RollBackAsync(before);
            await LoseAnswer(flow)();
        });

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_commit_that_did_not_get_through_is_tried_again_under_the_same_id()
    {
        using var flow = await WithTenRowsAsync();
        flow.Store.FailBefore(Metadata);

        await flow.CatchUpAsync();

        var unknown = Assert.Single(flow.Entries, entry => entry.Event == "commit-unknown");
        Assert.Contains((await flow.LedgerAsync()).Commit.ToString(), unknown.Message, StringComparison.Ordinal);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_commit_that_another_writer_overtook_keeps_both()
    {
        using var flow = await WithTenRowsAsync();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        other.Produce(0, 7);
        flow.Store.Before(Metadata, () => other.CatchUpAsync());

        await flow.CatchUpAsync();

        await flow.AssertHoldsExactlyAsync([.. flow.TopicRecords(), .. other.TopicRecords()]);
        Assert.Equal(1, flow.CountOf("commit-conflict"));
        Assert.Contains("matih.ledger.returns/lake", (await flow.TableAsync()).Metadata.CurrentSnapshot!.Summary.Keys);
    }

    [Fact]
    public async Task A_zombie_finds_the_newer_epoch_and_doubles_nothing()
    {
        using var flow = await WithTenRowsAsync();
        using var successor = flow.Another();
        flow.Store.Before(Metadata, () => successor.CatchUpAsync());

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Superseded, refusal.ExitCode);
        Assert.Contains("Another writer of orders/lake has taken over: the table's ledger is of epoch ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("on host test, process 1", refusal.Message, StringComparison.Ordinal);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_running_writer_whose_ledger_was_taken_over_exits_and_doubles_nothing()
    {
        using var flow = new FlowHarness();
        using var successor = flow.Another();
        flow.Produce(0, 10);

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            await successor.CatchUpAsync();
            flow.Produce(10, 10);
            await flow.WaitForRowsAsync(20);
        }));
        await successor.CatchUpAsync();

        Assert.Equal(ExitCode.Superseded, refusal.ExitCode);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_rollback_past_a_later_writer_s_commits_opens_the_flow_again_with_a_higher_generation()
    {
        using var flow = new FlowHarness();
        using var successor = flow.Another();
        flow.Produce(0, 10);

        await flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            var before = await flow.HeadAsync();
            await successor.CatchUpAsync();
            await flow.RollBackAsync(before);
            flow.Produce(10, 10);
            await flow.WaitForLogAsync("batch-dropped");
            await flow.WaitForRowsAsync(20);
        });

        await flow.AssertHoldsWholeTopicAsync();
        var ledger = await flow.LedgerAsync();
        Assert.Equal(2, ledger.Generation);
        Assert.Equal(new WriterEpoch(2), ledger.Epoch);
    }

    [Fact]
    public async Task A_rollback_under_a_running_pipeline_drops_the_batch_and_reads_again()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);

        await flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            var before = await flow.HeadAsync();
            flow.Produce(10, 10);
            await flow.WaitForRowsAsync(20);
            await flow.RollBackAsync(before);
            flow.Produce(20, 10);
            await flow.WaitForLogAsync("batch-dropped");
            await flow.WaitForRowsAsync(40);
        });

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(2, (await flow.LedgerAsync()).Generation);
    }

    [Fact]
    public async Task A_table_that_was_replaced_under_a_running_pipeline_is_refused()
    {
        using var flow = new FlowHarness();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        flow.Produce(0, 10);

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            flow.DropTable();
            await other.CatchUpAsync();
            flow.Produce(10, 10);
            await flow.WaitForRowsAsync(20);
        }));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("it was dropped and created again", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(await flow.RowsAsync());
    }

    [Fact]
    public async Task A_table_that_was_dropped_under_a_running_pipeline_is_refused()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            Directory.Move(flow.TableFolder, flow.TableFolder + "-dropped");
            flow.Produce(10, 10);
            await flow.WaitForRowsAsync(20);
        }));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("Table shop.orders is gone", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Timestamps_rise_even_when_the_clock_jumps_back()
    {
        using var flow = new FlowHarness();
        for (var round = 0; round < 4; round++)
        {
            flow.Produce(round * 10, 10);
            await flow.CatchUpAsync();
            flow.Clock.Jump -= TimeSpan.FromHours(1);
        }

        var times = (await flow.TableAsync()).Metadata.Lineage().Select(snapshot => snapshot.TimestampMillis).Reverse().ToList();

        Assert.Equal(times.Distinct().Order(), times);
        await flow.AssertHoldsWholeTopicAsync();
    }

    /// <summary>
    /// The machine sleeps while a batch is written, somebody removes orphan files meanwhile, and the batch must not be committed
    /// on waking although its manifests are new: its data files may be gone.
    /// </summary>
    [Fact]
    public async Task A_batch_whose_files_were_begun_more_than_twelve_hours_ago_is_dropped_and_read_again()
    {
        using var flow = new FlowHarness();
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Produce(0, 40);
        var sleeps = 0;
        flow.OnSource = source => source.BeforePoll = () =>
        {
            // Every lane has written rows by its fourth poll; there are two.
            if (Interlocked.Increment(ref sleeps) == 12) flow.Clock.Elapsed += TimeSpan.FromHours(13);
        };

        await flow.RunDuringAsync(() => flow.WaitForLogAsync("batch-dropped"));
        await flow.CatchUpAsync();

        Assert.Equal(1, flow.CountOf("batch-dropped"));
        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(40, (await flow.LedgerAsync()).Totals.RecordCount);
    }

    [Theory]
    [InlineData(11.9, true)]
    [InlineData(12.1, false)]
    public async Task A_batch_prepared_more_than_twelve_hours_ago_is_dropped(double hours, bool isCommitted)
    {
        using var flow = await WithTenRowsAsync();
        var table = await flow.TableAsync();
        var before = await flow.LedgerAsync();
        var append = await PreparedChange.PrepareAsync(table, [], flow.Ids, default);
        var next = before with { Commit = new CommitId(flow.Ids.NewUuid()), Base = before.Commit };

        var outcome = await flow.OpenLedger().CommitAsync(new PreparedCommit(next, new IcebergChange(flow.OpenCatalog(null!, flow.Store), append, []), flow.Clock.GetUtcNow().AddHours(-hours)), null, default);

        if (isCommitted) Assert.IsType<CommitOutcome.Committed>(outcome);
        else Assert.Contains("more than 12 hours ago", Assert.IsType<CommitOutcome.Rebased>(outcome).Reason, StringComparison.Ordinal);
        Assert.Equal(isCommitted ? next.Commit : before.Commit, (await flow.LedgerAsync()).Commit);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Retries_that_are_used_up_end_the_run_and_the_next_start_learns_what_stands(bool isApplied)
    {
        using var flow = await WithTenRowsAsync();
        await flow.ChangeTableAsync(new TableUpdate.SetProperties(TableMetadata.EmptyProperties.Add("commit.retry.num-retries", "0")));
        if (isApplied) flow.Store.After(Metadata, LoseAnswer(flow));
        else flow.Store.FailBefore(Metadata);

        var refusal = await flow.RefusalAsync();
        var rowsAfterFailure = (await flow.RowsAsync()).Count;
        await flow.CatchUpAsync();

        Assert.Equal(ExitCode.Environment, refusal.ExitCode);
        Assert.Contains("did not get through in 1 attempt and ", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(isApplied ? 20 : 10, rowsAfterFailure);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Losers_leave_no_manifest_list_behind()
    {
        using var flow = await WithTenRowsAsync();
        flow.Store.Before(Metadata, async () => await flow.ForeignAppendAsync());

        await flow.CatchUpAsync();

        var named = (await flow.TableAsync()).Metadata.Snapshots.Select(snapshot => Path.GetFileName(snapshot.ManifestList)).ToHashSet();
        var found = Directory.GetFiles($"{flow.TableFolder}/metadata", "snap-*.avro").Select(Path.GetFileName);
        Assert.Equal(named.Order(), found.Order());
        await flow.AssertHoldsWholeTopicAsync();
    }

    /// <summary>Ten rows in the table, ten more records in the topic, and one commit to a run.</summary>
    private static async Task<FlowHarness> WithTenRowsAsync()
    {
        var flow = new FlowHarness();
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 10);
        return flow;
    }

    /// <summary>The answer is lost, and the first look at what was written as well.</summary>
    private static Func<Task> LoseAnswer(FlowHarness flow) => () =>
    {
        flow.Store.FailRead(Metadata);
        throw new IOException("connection reset");
    };

    private static async Task<int> SnapshotCountAsync(FlowHarness flow) => (await flow.TableAsync()).Metadata.Snapshots.Length;
}
