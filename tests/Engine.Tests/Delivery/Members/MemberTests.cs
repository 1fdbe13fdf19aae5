using Matih.Delivery.IcebergTables;
using Matih.Delivery.Skipping;
using Matih.Delivery.Tables;
using Matih.Delivery;
using Matih.Iceberg.Manifests;

namespace Matih.Engine.Tests.Delivery;

/// <summary>docs/delivery.md, "Members and staged ranges": several processes on one pipeline.</summary>
public sealed class MemberTests
{
    [Fact]
    public async Task Members_read_their_partitions_and_the_holder_of_the_lowest_commits_for_all()
    {
        using var committer = Member(0, 3);
        using var second = Another(committer, 1, 4);
        using var third = Another(committer, 2, 5);
        committer.Produce(0, 600);

        await committer.RunDuringAsync(() => second.RunDuringAsync(() => third.RunDuringAsync(() => committer.WaitForRowsAsync(600))));

        await committer.AssertHoldsWholeTopicAsync();
        Assert.Equal(0, second.CommittedRowCount);
        Assert.Equal(0, third.CommittedRowCount);
        Assert.NotEqual(0, second.CountOf("staged"));
        Assert.NotEqual(0, third.CountOf("staged"));
    }

    [Fact]
    public async Task Small_staged_ranges_become_few_files_and_leave_nothing_behind()
    {
        using var committer = Member(0);
        using var reader = Another(committer, 1, 2, 3, 4, 5);
        await committer.RunDuringAsync(() => committer.WaitForLogAsync("started"));
        committer.Produce(0, 600);
        await reader.RunDuringAsync(() => reader.WaitForLogAsync(entries => entries.Count(entry => entry.Event == "staged") >= 5));

        await committer.RunDuringAsync(() => committer.WaitForRowsAsync(600));

        var table = await committer.TableAsync();
        var files = await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default);
        Assert.InRange(files.Count, 1, 3);
        Assert.Equal(files.Count, Directory.GetFiles(committer.TableFolder, "*.parquet", SearchOption.AllDirectories).Length);
        Assert.Empty(StagedRecords(committer));
        await committer.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task What_a_member_skipped_is_listed_by_the_one_that_commits()
    {
        using var committer = Member(0);
        using var reader = Another(committer, 1, 2, 3, 4, 5);
        foreach (var member in (FlowHarness[])[committer, reader]) member.Overrides.Add("sources.src.on_error=skip");
        await committer.RunDuringAsync(() => committer.WaitForLogAsync("started"));
        for (var i = 0; i < 3; i++) committer.Topic.Append(1, "no json");
        committer.Produce(0, 60);
        committer.Topic.Append(5, "no json");
        await reader.RunDuringAsync(() => reader.WaitForLogAsync(entries => entries.Count(entry => entry.Event == "staged") >= 5));

        await committer.RunDuringAsync(() => committer.WaitForRowsAsync(60));

        var skipped = SkippedRecords.Merge((await SkippedInspection.ReadAsync(new IcebergHistory(await committer.TableAsync()), default)).Commits.Select(commit => commit.Records!));
        Assert.Equal([new SkippedRange(1, 0, 3, 3), new SkippedRange(5, 10, 11, 1)], skipped.Ranges);
        Assert.Equal(4, Assert.Single(skipped.Kinds).RecordCount);
        await committer.AssertVerifiesAsync();
    }

    [Fact]
    public async Task What_a_dead_member_staged_is_committed_and_its_partitions_continue_behind_it()
    {
        using var committer = Member(0);
        using var dead = Another(committer, 1, 2, 3, 4, 5);
        await committer.RunDuringAsync(() => committer.WaitForLogAsync("started"));
        committer.Produce(0, 300);
        await dead.RunUntilKilledAsync(() => Task.FromResult(StagedRecords(committer).Length >= 5));
        committer.Produce(300, 300);

        committer.Seat!.Deal(0, 1, 2, 3, 4, 5);
        await committer.RunDuringAsync(() => committer.WaitForRowsAsync(600));

        await committer.AssertHoldsWholeTopicAsync();
        Assert.Empty(StagedRecords(committer));
    }

    [Fact]
    public async Task Another_member_takes_over_when_the_one_that_commits_dies()
    {
        using var first = Member(0, 1, 2);
        using var second = Another(first, 3, 4, 5);
        first.Produce(0, 300);

        var taking = second.RunDuringAsync(async () =>
        {
            await first.RunUntilKilledAsync(() => Task.FromResult(first.CommittedRowCount > 0));
            second.Seat!.Deal(0, 1, 2, 3, 4, 5);
            second.Produce(300, 300);
            await second.WaitForRowsAsync(1);
            await second.WaitForTableRowsAsync(600);
        });
        await taking;

        await second.AssertHoldsWholeTopicAsync();
        Assert.Equal(1, second.CountOf("taken-over"));
    }

    [Fact]
    public async Task Members_go_on_after_a_replay_and_nothing_that_was_staged_before_it_counts()
    {
        using var committer = Member(0, 1, 2);
        using var reader = Another(committer, 3, 4, 5);
        using var replay = committer.Another();
        committer.Produce(0, 300);

        await committer.RunDuringAsync(() => reader.RunDuringAsync(async () =>
        {
            await committer.WaitForTableRowsAsync(300);
            await replay.ReplayAsync((await replay.DataCommitsAsync())[0]);
            committer.Produce(300, 300);
            await committer.WaitForTableRowsAsync(600);
        }));

        await committer.AssertHoldsWholeTopicAsync();
        Assert.Equal(2, (await committer.LedgerAsync()).Generation);
        Assert.Equal(1, replay.CountOf("replayed"));
    }

    [Fact]
    public async Task A_partition_that_moves_in_mid_run_is_neither_lost_nor_doubled()
    {
        using var left = Member(0, 1);
        using var right = Another(left, 2, 3, 4, 5);
        left.Produce(0, 300);

        await left.RunDuringAsync(() => right.RunDuringAsync(async () =>
        {
            for (var round = 0; round < 6; round++)
            {
                left.Produce(300 + 50 * round, 50);
                if (round % 2 == 0)
                {
                    right.Seat!.Deal(1, 2, 3, 4, 5);
                    left.Seat!.Deal(0);
                }
                else
                {
                    left.Seat!.Deal(0, 1, 2, 3);
                    right.Seat!.Deal(4, 5);
                }
                var expected = left.TopicRecords().Count();
                await left.WaitForTableRowsAsync(expected);
            }
        }));

        await left.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Two_readers_of_one_partition_leave_ranges_of_which_each_record_is_used_once()
    {
        using var committer = Member(0);
        await committer.RunDuringAsync(() => committer.WaitForLogAsync("started"));
        using var zombie = Another(committer, 1, 2, 3, 4, 5);
        using var heir = Another(committer, 1, 2, 3, 4, 5);
        committer.Produce(0, 300);

        await zombie.RunDuringAsync(() => heir.RunDuringAsync(async () =>
        {
            for (var round = 1; round <= 5; round++)
            {
                committer.Produce(300 * round, 300);
                var before = StagedCount();
                await FlowHarness.WaitUntilAsync(() => StagedCount() >= before + 5);
            }
        }));
        await committer.RunDuringAsync(() => committer.WaitForTableRowsAsync(1800));

        await committer.AssertHoldsWholeTopicAsync();

        int StagedCount() => zombie.CountOf("staged") + heir.CountOf("staged") + heir.CountOf("staged-before") + zombie.CountOf("staged-before");
    }

    [Fact]
    public async Task A_gap_between_staged_ranges_is_read_from_Kafka_by_the_committer()
    {
        using var committer = Member(0);
        await committer.RunDuringAsync(() => committer.WaitForLogAsync("started"));
        using var reader = Another(committer, 1, 2, 3, 4, 5);
        await reader.RunDuringAsync(async () =>
        {
            for (var round = 0; round < 3; round++)
            {
                committer.Produce(60 * round, 60);
                await FlowHarness.WaitUntilAsync(() => StagedRecords(committer).Length >= 5 * (round + 1));
            }
        });
        foreach (var record in StagedRecords(committer).Where(name => name.Contains("/p00001-", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Skip(1).Take(1)) File.Delete(record);

        await committer.RunDuringAsync(() => committer.WaitForRowsAsync(180));

        await committer.AssertHoldsWholeTopicAsync();
        Assert.Equal(1, committer.CountOf("missing-range-read"));
    }

    [Fact]
    public async Task A_range_whose_file_is_gone_is_dropped_and_read_again()
    {
        using var committer = Member(0);
        await committer.RunDuringAsync(() => committer.WaitForLogAsync("started"));
        using var reader = Another(committer, 1, 2, 3, 4, 5);
        committer.Produce(0, 60);
        await reader.RunDuringAsync(() => FlowHarness.WaitUntilAsync(() => StagedRecords(committer).Length >= 5));
        File.Delete(Directory.GetFiles(committer.TableFolder, "*.parquet", SearchOption.AllDirectories)[0]);

        committer.Seat!.Deal(0, 1, 2, 3, 4, 5);
        await committer.RunDuringAsync(() => committer.WaitForRowsAsync(60));

        await committer.AssertHoldsWholeTopicAsync();
        Assert.Equal(1, committer.CountOf("range-dropped"));
    }

    [Theory]
    [InlineData("generation")]
    [InlineData("definition")]
    public async Task Ranges_of_an_older_generation_or_definition_are_never_used(string changed)
    {
        using var committer = Member(0);
        await committer.RunDuringAsync(() => committer.WaitForLogAsync("started"));
        using var reader = Another(committer, 1, 2, 3, 4, 5);
        committer.Produce(0, 60);
        await reader.RunDuringAsync(() => FlowHarness.WaitUntilAsync(() => StagedRecords(committer).Length >= 5));

        committer.Seat = null;
        if (changed == "definition") committer.Definition = committer.Definition.Replace("id >= 0", "id >= 30", StringComparison.Ordinal);
        await committer.CatchUpAsync(changed == "generation" ? new OpenAnswers(Reset: true) : null);

        var expected = committer.TopicRecords().ToList();
        if (changed == "definition") expected = [.. expected.Where(record => record.Offset >= 5)];
        await committer.AssertHoldsExactlyAsync(expected);
        committer.Seat = new ScriptedSeat(0, 1, 2, 3, 4, 5);
        committer.Produce(60, 60);
        await committer.RunDuringAsync(() => committer.WaitForRowsAsync(expected.Count + 60));
        await committer.AssertHoldsExactlyAsync([.. expected, .. committer.TopicRecords().Where(record => record.Offset >= 10)]);
        Assert.Equal(5, StagedRecords(committer).Length);
    }

    [Fact]
    public async Task A_committer_that_was_superseded_becomes_a_reader_and_does_not_end()
    {
        using var first = Member(0, 1, 2);
        using var second = Another(first, 3, 4, 5);
        first.Clock.Speed = 20;
        first.Produce(0, 120);

        await first.RunDuringAsync(() => second.RunDuringAsync(async () =>
        {
            await first.WaitForTableRowsAsync(120);
            // The group has dealt anew, and the first one has not heard of it yet.
            second.Seat!.Deal(0, 1, 2, 3, 4, 5);
            await second.WaitForLogAsync("taken-over");
            first.Produce(120, 120);
            await first.WaitForLogAsync("another-commits");
            second.Seat.Deal(0, 1, 2);
            first.Seat!.Deal(3, 4, 5);
            first.Produce(240, 120);
            await first.WaitForTableRowsAsync(360);
        }));

        await first.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_partition_that_nobody_reads_any_more_is_read_by_the_committer()
    {
        using var committer = Member(0);
        committer.Clock.Speed = 50;
        committer.Produce(0, 60);

        await committer.RunDuringAsync(() => committer.WaitForRowsAsync(60));

        await committer.AssertHoldsWholeTopicAsync();
        Assert.NotEqual(0, committer.CountOf("missing-range-read"));
    }

    [Fact]
    public async Task A_partition_added_while_members_run_is_read_from_its_start()
    {
        using var committer = Member(0, 1, 2);
        using var reader = Another(committer, 3, 4, 5);
        committer.Produce(0, 60);

        await committer.RunDuringAsync(() => reader.RunDuringAsync(async () =>
        {
            await committer.WaitForTableRowsAsync(60);
            committer.Topic.AddPartitions(1);
            committer.Produce(60, 70);
            reader.Seat!.Deal(3, 4, 5, 6);
            await committer.WaitForTableRowsAsync(130);
        }));

        await committer.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_member_without_partitions_stands_by()
    {
        using var committer = Member(0, 1, 2, 3, 4, 5);
        using var idle = Another(committer);
        committer.Produce(0, 60);

        await committer.RunDuringAsync(() => idle.RunDuringAsync(async () =>
        {
            await committer.WaitForRowsAsync(60);
            await idle.WaitForLogAsync("member-share");
        }));

        Assert.Equal(0, idle.CountOf("staged"));
        await committer.AssertHoldsWholeTopicAsync();
    }

    /// <summary>The member that read the records is gone: whoever committed them still looks whether they are the log's.</summary>
    [Fact]
    public async Task An_unclean_election_that_replaced_what_a_member_staged_ends_the_committer()
    {
        using var committer = new FlowHarness(partitionCount: 2) { Seat = new ScriptedSeat(0) };
        committer.Topic.TopicId = null;
        using var reader = Another(committer, 1);

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => committer.RunDuringAsync(async () =>
        {
            await committer.WaitForLogAsync("started");
            await reader.RunDuringAsync(async () =>
            {
                committer.Produce(0, 20);
                await committer.WaitForRowsAsync(20);
            });
            committer.Topic.ElectUncleanly(1, 5, 10);
            await committer.WaitForRowsAsync(1000);
        }));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("the record at offset 9 of partition 1 is not the one that was read", refusal.Message, StringComparison.Ordinal);
    }

    private static FlowHarness Member(params int[] partitions) => new(partitionCount: 6) { Seat = new ScriptedSeat(partitions) };

    private static FlowHarness Another(FlowHarness member, params int[] partitions)
    {
        var other = member.Another();
        other.Seat = new ScriptedSeat(partitions);
        return other;
    }

    private static string[] StagedRecords(FlowHarness flow) =>
        Directory.Exists($"{flow.Warehouse}/shop/_matih") ? Directory.GetFiles($"{flow.Warehouse}/shop/_matih", "p*.json", SearchOption.AllDirectories) : [];
}
