using Matih.Definition;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Replaying;
using Matih.Delivery.Tables;
using Matih.Delivery;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg;

namespace Matih.Engine.Tests.Delivery;

/// <summary>Replay: whole commits read again, their files replaced by new ones in one table commit.</summary>
public sealed class ReplayTests
{
    private const string Mended = "WHERE id >= 0";
    private const string Wrong = "WHERE id >= 0 AND MOD(id, 4) <> 0";

    [Fact]
    public async Task Commits_are_made_anew_with_the_mended_SQL_and_the_run_goes_on_where_it_stood()
    {
        using var flow = await WithCommitsAsync(Wrong, 3);
        var commits = await flow.DataCommitsAsync();
        var before = await flow.LedgerAsync();
        flow.Definition = flow.Definition.Replace(Wrong, Mended, StringComparison.Ordinal);

        var report = await flow.ReplayAsync(commits[0]);

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal((30, 22, 30), (report.Books.RecordCount, report.Replaced.AddedRowCount, report.Books.AddedRowCount));
        var after = await flow.LedgerAsync();
        Assert.Equal((before.Commit, before.Generation + 1, false), (after.Base, after.Generation, after.IsOpen));
        Assert.True(after.Epoch.CompareTo(before.Epoch) > 0);
        Assert.Equal(before.Sources[0].Partitions.Select(entry => entry.NextOffset), after.Sources[0].Partitions.Select(entry => entry.NextOffset));
        Assert.All(after.Sources[0].Partitions, entry => Assert.Equal((entry.NextOffset, 0), (entry.FromOffset, entry.RecordCount)));
        Assert.Equal(commits, after.Replay!.Commits);
        Assert.Equal([(0, 0L, 15L, 15L), (1, 0L, 15L, 15L)], after.Replay.Ranges.Select(range => (range.Partition, range.FromOffset, range.ToOffset, range.RecordCount)));
        await AssertTotalsAreTrueAsync(flow);
        flow.Produce(30, 10);
        await flow.CatchUpAsync();
        await flow.AssertHoldsWholeTopicAsync();
        await AssertTotalsAreTrueAsync(flow);
        Assert.Null((await flow.LedgerAsync()).Replay);
    }

    [Fact]
    public async Task The_table_changes_in_one_commit_that_says_overwrite()
    {
        using var flow = await WithCommitsAsync(Mended, 2);
        var before = await flow.TableAsync();

        var report = await flow.ReplayAsync((await flow.DataCommitsAsync())[0]);

        var after = await flow.TableAsync();
        Assert.Equal(before.Metadata.CurrentSnapshotId, after.Metadata.CurrentSnapshot!.ParentId);
        Assert.Equal((report.SnapshotId, "overwrite"), (after.Metadata.CurrentSnapshot.Id, after.Metadata.CurrentSnapshot.Operation));
        Assert.Equal(report.SnapshotId, after.Metadata.Refs["matih-orders-lake"].SnapshotId);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task One_commit_in_the_middle_is_replayed_by_itself()
    {
        using var flow = await WithCommitsAsync(Wrong, 3);
        var commits = await flow.DataCommitsAsync();
        var first = (await flow.RowsAsync()).Where(row => row.Offset < 5).ToList();
        var last = (await flow.RowsAsync()).Where(row => row.Offset >= 10).ToList();
        flow.Definition = flow.Definition.Replace(Wrong, Mended, StringComparison.Ordinal);
        ReplayPreview? preview = null;

        await flow.ReplayAsync(commits[1], commits[1], shown =>
        {
            preview = shown;
            return true;
        });

        await flow.AssertHoldsExactlyAsync([.. first, .. flow.TopicRecords().Where(record => record.Offset is >= 5 and < 10), .. last]);
        Assert.Equal((1, 10, 8), (preview!.Commits.Length, preview.RecordCount, preview.Replaced.AddedRowCount));
        Assert.Equal([(0, 5L, 10L), (1, 5L, 10L)], preview.Ranges.Select(range => (range.Partition, range.FromOffset, range.ToOffset)));
        await AssertTotalsAreTrueAsync(flow);
    }

    [Fact]
    public async Task A_commit_whose_records_were_all_filtered_gets_its_rows_and_one_whose_rows_all_go_leaves_none()
    {
        using var flow = await WithCommitsAsync("WHERE id >= 10", 2);
        var commits = await flow.DataCommitsAsync();
        flow.Definition = flow.Definition.Replace("WHERE id >= 10", "WHERE id < 10", StringComparison.Ordinal);

        await flow.ReplayAsync(commits[0]);

        await flow.AssertHoldsExactlyAsync(flow.TopicRecords().Where(record => record.Offset < 5));
        await AssertTotalsAreTrueAsync(flow);
    }

    [Fact]
    public async Task A_replay_can_be_replayed_and_stands_in_the_place_of_what_it_replayed()
    {
        using var flow = await WithCommitsAsync(Wrong, 3);
        var commits = await flow.DataCommitsAsync();
        var first = await flow.ReplayAsync(commits[0], commits[1]);
        flow.Definition = flow.Definition.Replace(Wrong, Mended, StringComparison.Ordinal);

        var refusal = await RefusedAsync(flow, commits[1], commits[2]);
        Assert.Contains($"was replayed by commit {first.Commit} since", refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"--to-commit {first.Commit}", refusal.Remedy, StringComparison.Ordinal);
        await flow.ReplayAsync(commits[1], first.Commit);

        await flow.AssertHoldsWholeTopicAsync();
        await AssertTotalsAreTrueAsync(flow);
        Assert.Equal([commits[2], first.Commit], (await flow.LedgerAsync()).Replay!.Commits);
    }

    [Fact]
    public async Task A_running_writer_is_superseded()
    {
        using var flow = await WithCommitsAsync(Wrong, 2);
        using var replay = flow.Another();
        var commits = await flow.DataCommitsAsync();
        flow.Overrides.Clear();

        var failure = await Assert.ThrowsAsync<PipelineException>(() => flow.RunDuringAsync(async () =>
        {
            flow.Produce(20, 10);
            await flow.WaitForRowsAsync(15 + 7);
            replay.Definition = replay.Definition.Replace(Wrong, Mended, StringComparison.Ordinal);
            await replay.ReplayAsync(commits[0], commits[1]);
            flow.Produce(30, 10);
            await flow.WaitForLogAsync("never");
        }));
        flow.Definition = replay.Definition;
        await flow.CatchUpAsync();

        Assert.Equal(ExitCode.Superseded, failure.ExitCode);
        await flow.AssertHoldsExactlyAsync(flow.TopicRecords().Where(record => record.Offset is < 10 or >= 15 || (record.Offset * 2 + record.Partition) % 4 != 0));
        await AssertTotalsAreTrueAsync(flow);
    }

    [Fact]
    public async Task A_commit_that_comes_between_reading_and_committing_is_built_upon()
    {
        using var flow = await WithCommitsAsync(Wrong, 2);
        using var replay = flow.Another();
        replay.Definition = replay.Definition.Replace(Wrong, Mended, StringComparison.Ordinal);
        flow.Definition = replay.Definition;
        flow.Produce(20, 10);
        replay.Store.Before("metadata.json", () => flow.CatchUpAsync());

        var report = await replay.ReplayAsync((await flow.DataCommitsAsync())[0]);

        await flow.AssertHoldsWholeTopicAsync();
        await AssertTotalsAreTrueAsync(flow);
        Assert.Equal((report.Commit, 20), ((await flow.LedgerAsync()).Commit, report.Books.RecordCount));
    }

    [Fact]
    public async Task A_replay_that_comes_between_wins_and_the_slower_one_changes_nothing()
    {
        using var flow = await WithCommitsAsync(Wrong, 2);
        using var slower = flow.Another();
        var commits = await flow.DataCommitsAsync();
        slower.Store.Before("metadata.json", () => flow.ReplayAsync(commits[0]));

        var refusal = await RefusedAsync(slower, commits[0], commits[1]);

        Assert.Contains("was replayed by commit", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(15, (await flow.RowsAsync()).Distinct().Count());
        await AssertTotalsAreTrueAsync(flow);
    }

    [Fact]
    public async Task A_lost_answer_is_looked_up_and_the_rows_are_there_once()
    {
        using var flow = await WithCommitsAsync(Wrong, 2);
        flow.Definition = flow.Definition.Replace(Wrong, Mended, StringComparison.Ordinal);
        flow.Store.FailAfter("metadata.json");

        await flow.ReplayAsync((await flow.DataCommitsAsync())[0]);

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(2, (await flow.LedgerAsync()).Generation);
    }

    [Fact]
    public async Task A_crash_while_reading_leaves_the_table_as_it_was()
    {
        using var flow = await WithCommitsAsync(Wrong, 2);
        var before = (await flow.TableAsync()).MetadataLocation;
        using var crash = new CancellationTokenSource();
        var polls = 0;
        flow.OnSource = source => source.BeforePoll = () =>
        {
            if (Interlocked.Increment(ref polls) == 3) crash.Cancel();
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await flow.ReplayAsync((await flow.DataCommitsAsync())[0], cancellationToken: crash.Token));

        Assert.Equal(before, (await flow.TableAsync()).MetadataLocation);
        flow.OnSource = null;
        flow.Definition = flow.Definition.Replace(Wrong, Mended, StringComparison.Ordinal);
        await flow.ReplayAsync((await flow.DataCommitsAsync())[0]);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Theory]
    [InlineData("fail")]
    [InlineData("skip")]
    public async Task Bad_records_follow_on_error(string onError)
    {
        using var flow = await WithCommitsAsync(Mended, 1);
        flow.Topic.Append(0, """{"id": "x"}""");
        flow.Overrides.Add("sources.src.on_error=skip");
        await flow.CatchUpAsync();
        var before = (await flow.TableAsync()).MetadataLocation;
        flow.Overrides.Add($"sources.src.on_error={onError}");
        var first = (await flow.DataCommitsAsync())[0];

        if (onError == "fail")
        {
            var failure = await Assert.ThrowsAsync<PipelineException>(() => flow.ReplayAsync(first));
            Assert.Equal(ExitCode.RecordRejected, failure.ExitCode);
            Assert.Contains("The record at offset 5 of partition 0 of topic 'shop.orders' was rejected", failure.Message, StringComparison.Ordinal);
            Assert.Contains("Nothing was replayed; the table is as it was.", failure.Message, StringComparison.Ordinal);
            Assert.Equal(before, (await flow.TableAsync()).MetadataLocation);
        }
        else
        {
            var report = await flow.ReplayAsync(first);
            Assert.Equal((10, 1, 11), (report.Books.ProducedCount, report.Books.SkippedCount, report.Books.RecordCount));
            await flow.AssertHoldsExactlyAsync(flow.TopicRecords().Where(record => record != (0, 5L)));
            await AssertTotalsAreTrueAsync(flow);
        }
    }

    [Fact]
    public async Task Holes_are_read_over_again()
    {
        using var flow = await WithCommitsAsync(Wrong, 1);
        flow.Topic.AppendGap(0, 3);
        flow.Produce(10, 10);
        flow.Topic.AppendGap(1, 2);
        await flow.CatchUpAsync();
        flow.Definition = flow.Definition.Replace(Wrong, Mended, StringComparison.Ordinal);

        await flow.ReplayAsync((await flow.DataCommitsAsync())[0]);

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Files_that_somebody_compacted_are_refused_and_later_commits_can_be_replayed()
    {
        using var flow = await WithCommitsAsync(Wrong, 2);
        var commits = await flow.DataCommitsAsync();
        var ledgerSnapshot = (await flow.TableAsync()).Metadata.Lineage().First(snapshot => LedgerInspection.CommitOf(snapshot.Summary) == commits[0]).Id;
        await ReplaceOneFileAsync(flow, ledgerSnapshot);
        flow.Definition = flow.Definition.Replace(Wrong, Mended, StringComparison.Ordinal);

        var refusal = await RefusedAsync(flow, commits[0], null);
        await flow.ReplayAsync(commits[1]);

        Assert.Contains("were compacted, deleted or rewritten", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(commits[0].ToString(), refusal.Message, StringComparison.Ordinal);
        Assert.Equal(17, (await flow.RowsAsync()).Distinct().Count());
    }

    [Fact]
    public async Task Files_that_are_compacted_under_the_replay_are_refused()
    {
        using var flow = await WithCommitsAsync(Wrong, 1);
        using var other = flow.Another();
        var commits = await flow.DataCommitsAsync();
        flow.Store.Before("metadata.json", async () => await ReplaceOneFileAsync(other, null));

        var refusal = await RefusedAsync(flow, commits[0], null);

        Assert.Contains("Table shop.orders no longer holds ", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(7, (await flow.RowsAsync()).Distinct().Count());
    }

    [Fact]
    public async Task Records_that_retention_took_are_refused_with_their_range_and_later_commits_can_be_replayed()
    {
        using var flow = await WithCommitsAsync(Wrong, 2);
        var commits = await flow.DataCommitsAsync();
        flow.Topic.DeleteBefore(1, 2);

        var refusal = await RefusedAsync(flow, commits[0], null);
        await flow.ReplayAsync(commits[1]);

        Assert.Contains("Partition 1 of topic 'shop.orders' begins at offset 2 now; offsets 0 to 1, which are to be replayed, are gone", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Replay only later commits", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Records_that_compaction_took_are_refused()
    {
        using var flow = await WithCommitsAsync(Wrong, 1);
        flow.Topic.Compact(0, 2);

        var refusal = await RefusedAsync(flow, (await flow.DataCommitsAsync())[0], null);

        Assert.Contains("Offsets 0 to 4 of partition 0 of topic 'shop.orders' held 5 records when they were committed, and hold 4 now", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("topic-2", "cluster-1", "was deleted and created again since")]
    [InlineData("topic-1", "cluster-2", "came from Kafka cluster cluster-1")]
    [InlineData(null, "cluster-1", "is another one")]
    public async Task Another_topic_of_the_same_name_is_refused(string? topicId, string cluster, string expected)
    {
        using var flow = await WithCommitsAsync(Wrong, 1);
        flow.Topic.Recreate(2, topicId);
        flow.Topic.ClusterId = cluster;
        flow.Produce(100, 10);

        var refusal = await RefusedAsync(flow, (await flow.DataCommitsAsync())[0], null);

        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Commits_that_are_not_in_the_lineage_or_in_the_wrong_order_are_refused()
    {
        using var flow = await WithCommitsAsync(Wrong, 2);
        var commits = await flow.DataCommitsAsync();
        var start = LedgerInspection.CommitOf((await flow.TableAsync()).Metadata.Snapshots[0].Summary)!.Value;

        var unknown = await RefusedAsync(flow, new CommitId(Guid.NewGuid()), null);
        var reversed = await RefusedAsync(flow, commits[1], commits[0]);
        var empty = await RefusedAsync(flow, start, start);
        await flow.CatchUpAsync(new OpenAnswers(Reset: true, Start: new StartOffset.Latest()));
        var beforeReset = await RefusedAsync(flow, commits[0], commits[1]);

        Assert.Contains("is not among the commits that orders/lake made", unknown.Message, StringComparison.Ordinal);
        Assert.Contains("does not follow --from-commit", reversed.Message, StringComparison.Ordinal);
        Assert.Contains("read no records", empty.Message, StringComparison.Ordinal);
        Assert.Contains("since its last start or reset", beforeReset.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rolled_back_commit_is_not_replayed()
    {
        using var flow = await WithCommitsAsync(Wrong, 2);
        var commits = await flow.DataCommitsAsync();
        var first = (await flow.TableAsync()).Metadata.Lineage().First(snapshot => LedgerInspection.CommitOf(snapshot.Summary) == commits[0]).Id;
        await flow.RollBackAsync(first);

        var refusal = await RefusedAsync(flow, commits[1], null);
        await flow.ReplayAsync(commits[0]);

        Assert.Contains($"Commit {commits[1]} is not among", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(2, (await flow.LedgerAsync()).Generation);
        await flow.CatchUpAsync();
        Assert.Equal(15, (await flow.RowsAsync()).Distinct().Count());
        Assert.Equal(15, (await flow.RowsAsync()).Count);
    }

    [Fact]
    public async Task A_replay_that_is_not_confirmed_changes_nothing()
    {
        using var flow = await WithCommitsAsync(Wrong, 1);
        var before = (await flow.TableAsync()).MetadataLocation;
        var commit = (await flow.DataCommitsAsync())[0];

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.ReplayAsync(commit, null, _ => false));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("--yes", refusal.Remedy, StringComparison.Ordinal);
        Assert.Equal(before, (await flow.TableAsync()).MetadataLocation);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Whatever_is_replayed_in_whatever_order_every_record_stays_once(int seed)
    {
        var random = new Random(seed);
        using var flow = await WithCommitsAsync(Wrong, 1);
        var produced = 10;
        for (var round = 0; round < 12; round++)
        {
            if (random.Next(2) == 0)
            {
                var count = random.Next(1, 12);
                flow.Produce(produced, count);
                produced += count;
                await flow.CatchUpAsync();
            }
            var commits = await flow.DataCommitsAsync();
            var from = commits[random.Next(commits.Count)];
            if (await Record.ExceptionAsync(() => flow.ReplayAsync(from)) is { } failure)
                Assert.Contains("was replayed by commit", Assert.IsType<PipelineException>(failure).Message, StringComparison.Ordinal);
            await AssertTotalsAreTrueAsync(flow);
        }

        flow.Definition = flow.Definition.Replace(Wrong, Mended, StringComparison.Ordinal);
        await flow.ReplayAsync((await flow.DataCommitsAsync())[0]);

        Assert.True(flow.TopicRecords().Order().SequenceEqual(await flow.RowsAsync()), $"seed {seed}");
    }

    /// <summary>Commits of ten records each, made with that condition.</summary>
    private static async Task<FlowHarness> WithCommitsAsync(string condition, int count)
    {
        var flow = new FlowHarness();
        flow.Definition = flow.Definition.Replace(Mended, condition, StringComparison.Ordinal);
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        for (var round = 0; round < count; round++)
        {
            flow.Produce(round * 10, 10);
            await flow.CatchUpAsync();
        }
        return flow;
    }

    private static async Task<PipelineException> RefusedAsync(FlowHarness flow, CommitId from, CommitId? to)
    {
        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.ReplayAsync(from, to));
        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        return refusal;
    }

    /// <summary>The ledger's totals are what the table holds, and every data file of the table is counted once.</summary>
    private static async Task AssertTotalsAreTrueAsync(FlowHarness flow)
    {
        var totals = (await flow.LedgerAsync()).Totals;
        var table = await flow.TableAsync();
        var files = await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default);
        Assert.Equal((files.Count, files.Sum(file => file.RecordCount)), (totals.AddedFileCount, totals.AddedRowCount));
        Assert.Equal(flow.TopicRecords().LongCount(), totals.RecordCount);
        Assert.Equal(totals.ProducedCount, totals.AddedRowCount);
        Assert.Equal((totals.AddedRowCount.ToString(), totals.AddedFileCount.ToString()), (table.Metadata.CurrentSnapshot!.Summary["total-records"], table.Metadata.CurrentSnapshot.Summary["total-data-files"]));
    }

    /// <summary>What a compaction does to one file: a copy of it under another name takes its place.</summary>
    private static async Task ReplaceOneFileAsync(FlowHarness flow, SnapshotId? addedBy)
    {
        var table = await flow.TableAsync();
        foreach (var manifest in await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default))
        {
            foreach (var entry in await SnapshotReader.EntriesAsync(table, manifest, default))
            {
                if (!entry.IsLive || addedBy is { } wanted && entry.SnapshotId != wanted) continue;
                var copy = entry.File.Path + ".compacted.parquet";
                File.Copy(entry.File.Path, copy);
                var change = await PreparedChange.PrepareAsync(table, [entry.File with { Path = copy }], new FileRemoval([entry.File.Path], KeepsRows: true), flow.Ids, default);
                var attempt = Assert.IsType<ChangeAttempt.Ready>(await change.AttemptAsync(
                    table, table.Metadata.NextTimestampMillis(flow.Clock.GetUtcNow()), new Dictionary<string, string>(), [], default));
                Assert.IsType<CommitResult.Committed>(await flow.Catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, default));
                return;
            }
        }
        throw new InvalidOperationException("There is no such file.");
    }
}
