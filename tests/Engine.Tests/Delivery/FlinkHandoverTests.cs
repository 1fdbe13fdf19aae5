using System.Globalization;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Engine.Tests.Flink;
using Matih.Engine.Tests.Verification;
using Matih.Flink;
using Matih.Iceberg.Metadata;
using Matih.Kafka;
using Matih.Telemetry;
using Matih.Verification;

namespace Matih.Engine.Tests.Delivery;

/// <summary>
/// A pipeline goes from this engine to a Flink job and back. The job is played by commits with the summaries that Flink
/// writes; tests/Interop.Tests has real ones.
/// </summary>
public sealed class FlinkHandoverTests
{
    private const string Job = SavepointBytes.Job;

    [Fact]
    public async Task A_job_begins_where_the_ledger_ends_and_new_partitions_at_their_log_start()
    {
        using var flow = await CommittedAsync(10);
        flow.Topic.AddPartitions(1);
        flow.Produce(10, 9);

        var begin = await flow.GiveToFlinkAsync(Job);

        Assert.Equal([new(0, 5), new(1, 5), new(2, 0)], begin);
        var ledger = await flow.LedgerAsync();
        Assert.Equal((new FlinkLedger.Given(Job), false, 2L), (ledger.Flink, ledger.IsOpen, ledger.Generation));
        await flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task A_table_without_a_ledger_gets_one_with_the_offsets_at_which_the_job_begins()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        flow.Overrides.Add("sources.src.start_offset=latest");

        Assert.Equal([new(0, 5), new(1, 5)], await flow.GiveToFlinkAsync(Job));

        flow.Produce(10, 4);
        Assert.Equal([new(0, 5), new(1, 5)], await flow.GiveToFlinkAsync(new string('b', 32)));
        await flow.CatchUpAsync(Ended(new string('b', 32)));
        Assert.Equal(flow.TopicRecords().Where(record => record.Offset >= 5).Order(), await flow.RowsAsync());
    }

    [Fact]
    public async Task A_run_refuses_what_was_given_to_flink_and_names_the_way_back()
    {
        using var flow = await CommittedAsync(10);
        var commit = (await flow.DataCommitsAsync())[0];
        await flow.GiveToFlinkAsync(Job);
        flow.Produce(10, 4);

        var refusal = await flow.RefusalAsync();
        var replay = await Assert.ThrowsAsync<PipelineException>(() => flow.ReplayAsync(commit));
        using var renamed = flow.Another(pipeline: "renamed");
        var adoption = await renamed.RefusalAsync(new OpenAnswers(Adopt: "orders"));

        Assert.All([refusal, replay, adoption], found => Assert.Equal(ExitCode.Refused, found.ExitCode));
        Assert.Contains($"records of orders/lake were given to Flink job {Job}", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("--from-savepoint", refusal.Remedy, StringComparison.Ordinal);
        Assert.Equal([refusal.Message, refusal.Message], [replay.Message, adoption.Message]);
        Assert.Equal(10, (await flow.RowsAsync()).Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_topic_that_does_not_exist_is_said_before_anything_is_created(bool isByProperty)
    {
        using var flow = new FlowHarness();
        flow.OnSource = source => source.BeforeIdentify = _ => throw new SourceException(SourceErrorKind.UnknownTopic, "Broker: Unknown topic or partition.");

        var failure = await Assert.ThrowsAsync<PipelineException>(() => flow.GiveToFlinkAsync(Job, isByProperty: isByProperty));

        Assert.Equal("Topic 'shop.orders': Broker: Unknown topic or partition.", failure.Message);
        Assert.StartsWith("Create the topic, or correct its name", failure.Remedy, StringComparison.Ordinal);
        Assert.Equal((ExitCode.Environment, false), (failure.ExitCode, Directory.Exists(flow.TableFolder)));
        Assert.Empty(flow.Entries);
    }

    [Theory]
    [InlineData(false, "start-not-committed", "so the job begins where Flink finds start_offset")]
    [InlineData(true, "topic-not-looked-up", "so whether there is such a topic is left to Flink")]
    public async Task Brokers_that_only_flink_reaches_are_a_warning(bool isByProperty, string name, string consequence)
    {
        using var flow = new FlowHarness();
        flow.OnSource = source => source.Trouble = "connection refused";

        await flow.GiveToFlinkAsync(Job, isByProperty: isByProperty);

        var warning = Assert.Single(flow.Entries, entry => entry.Severity == LogSeverity.Warning);
        Assert.Equal(name, warning.Event);
        Assert.StartsWith("The brokers do not answer from here (Could not ask about topic shop.orders: connection refused), ", warning.Message, StringComparison.Ordinal);
        Assert.Contains(consequence, warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Programs_that_know_nothing_of_hand_overs_cannot_read_the_ledger()
    {
        using var flow = await CommittedAsync(2);
        await flow.GiveToFlinkAsync(Job);

        Assert.StartsWith("{\"v\":2,", (await flow.TableAsync()).Metadata.CurrentSnapshot!.Summary["matih.ledger.orders/lake"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_may_be_alive_keeps_the_table()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.RunUntilKilledAsync(() => Task.FromResult(flow.CommittedRowCount >= 10));
        flow.IsGone = _ => false;

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.GiveToFlinkAsync(Job));
        await flow.CatchUpAsync();
        await flow.GiveToFlinkAsync(Job);

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("A run of orders/lake on test (process 1) may be alive", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_commits_at_the_same_moment_keeps_the_table_or_loses_it_whole()
    {
        using var flow = await CommittedAsync(10);
        flow.Produce(10, 4);
        using var other = flow.Another();
        other.Store.Before(".metadata.json", () => flow.CatchUpAsync());

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => other.GiveToFlinkAsync(Job));

        Assert.Contains("was written while orders/lake was given to a Flink job", refusal.Message, StringComparison.Ordinal);
        Assert.Null((await flow.LedgerAsync()).Flink);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_running_writer_commits_nothing_more_after_the_hand_over()
    {
        using var flow = await CommittedAsync(10);
        flow.Produce(10, 4);
        using var deploys = flow.Another();
        flow.Store.Before(".metadata.json", () => deploys.GiveToFlinkAsync(Job));

        await flow.RefusalAsync();

        Assert.Equal(10, (await flow.RowsAsync()).Count);
        Assert.Equal(new FlinkLedger.Given(Job), (await flow.LedgerAsync()).Flink);
    }

    [Fact]
    public async Task A_job_that_continues_from_a_savepoint_is_not_given_what_a_run_has_written()
    {
        using var flow = await CommittedAsync(10);

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.GiveToFlinkAsync(Job, restores: true));

        Assert.Contains("a savepoint of before knows nothing of that", refusal.Message, StringComparison.Ordinal);
        Assert.StartsWith("Deploy without --from and --replace", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sinks_at_different_places_of_a_source_are_not_given_to_one_job()
    {
        using var flow = new FlowHarness { Definition = SeveralSinksTests.TwoSinks };
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await flow.RollBackAsync((await flow.TableAsync()).Metadata.Lineage().Last().Id);
        flow.Produce(10, 4);

        var rolledBack = await Assert.ThrowsAsync<PipelineException>(() => flow.GiveToFlinkAsync(Job));
        flow.Definition = flow.Definition.Replace("  copy:", "  fresh: { type: iceberg, input: typed, table: shop.fresh, mode: append }\n  copy:", StringComparison.Ordinal);
        await flow.CatchUpAsync();
        flow.Definition = flow.Definition.Replace("shop.fresh", "shop.other", StringComparison.Ordinal).Replace("  fresh:", "  other:", StringComparison.Ordinal);
        var different = await Assert.ThrowsAsync<PipelineException>(() => flow.GiveToFlinkAsync(Job));

        Assert.Contains("was rolled back past commits of orders/lake", rolledBack.Message, StringComparison.Ordinal);
        Assert.Contains("stand at different places of source 'src', because table shop.other holds nothing yet", different.Message, StringComparison.Ordinal);
        Assert.Null((await flow.LedgerAsync()).Flink);
    }

    [Fact]
    public async Task A_sink_that_is_added_while_a_job_has_the_others_goes_the_way_of_a_run()
    {
        using var flow = await GivenAsync();
        flow.Definition = flow.Definition.Replace("sinks:\n", "sinks:\n  fresh: { type: iceberg, table: shop.fresh, mode: append }\n", StringComparison.Ordinal);

        var replaced = await Assert.ThrowsAsync<PipelineException>(() => flow.GiveToFlinkAsync(Job, restores: true));
        var begun = await Assert.ThrowsAsync<PipelineException>(() => flow.GiveToFlinkAsync(Job));

        Assert.Contains("shop.fresh was given to no Flink job", replaced.Message, StringComparison.Ordinal);
        Assert.Contains("stand at different places of source 'src'", begun.Message, StringComparison.Ordinal);
        foreach (var refusal in new[] { replaced, begun })
            Assert.Contains("take the records back with `matih run --from-savepoint` and the definition that was deployed, run the new one with `matih run --until-caught-up`", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_statement_that_only_flink_runs_is_not_put_in_the_place_of_one_that_a_job_runs_by_the_ledger()
    {
        using var flow = await GivenAsync();

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.GiveToFlinkAsync(new string('b', 32), restores: true, isByProperty: true));

        Assert.StartsWith($"Flink job {Job} has the records of orders/lake in table shop.orders", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("matih run", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_says_which_statements_its_last_jobs_had_where_only_flink_runs_them()
    {
        using var flow = new FlowHarness();
        var (first, second) = (new string('1', 32), new string('2', 32));
        await flow.GiveToFlinkAsync(first, isByProperty: true, statementHash: "aa");
        await flow.GiveToFlinkAsync(second, restores: true, isByProperty: true, statementHash: "bb");

        await flow.GiveToFlinkAsync(Job, restores: true, isByProperty: true, statementHash: "cc");

        var given = Assert.Single(flow.GivenBefore);
        Assert.Equal((second, $"{second}=bb {first}=aa"), (given.Job, given.Statements.ToString()));
    }

    [Fact]
    public async Task A_run_takes_the_records_back_at_the_savepoint_s_positions()
    {
        using var flow = await GivenAsync();
        await FlinkCommitsAsync(flow, checkpoint: 7);
        flow.Produce(20, 6);

        await flow.CatchUpAsync(Answer(flow, checkpoint: 8, pending: 7));

        var ledger = await flow.LedgerAsync();
        Assert.Null(ledger.Flink);
        Assert.Equal((16, 3L), (ledger.Totals.ProducedCount, ledger.Generation));
        var rows = await flow.RowsAsync();
        Assert.Equal(flow.TopicRecords().Where(record => record.Offset is < 5 or >= 10).Order(), rows);
        await flow.AssertVerifiesAsync();
    }

    [Theory]
    [MemberData(nameof(Unproven))]
    public async Task What_is_not_proven_is_not_taken_back(string expected, string what)
    {
        using var flow = await GivenAsync();
        var answer = await UnprovenAsync(flow, what);
        var before = await flow.HeadAsync();

        var refusal = await flow.RefusalAsync(answer);

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, await flow.HeadAsync());
    }

    public static TheoryData<string, string> Unproven() => new()
    {
        { "The savepoint is of Flink job bbbb", "other job" },
        { "it holds the job's checkpoint 9, and the savepoint is older, number 8", "older savepoint" },
        { "it ends at the job's checkpoint 7, and files of checkpoint 8 were still to be committed", "last commit missing" },
        { $"it holds no commit of operator {SavepointBytes.Operator}, which had files of checkpoint 8 to commit", "no commit" },
        { "above the hand-over is of another engine", "another engine" },
        { "above the hand-over is of Flink job bbbb", "another job's commit" },
        { "is not in the savepoint", "another operator" },
        { "2 operators of the job have written to it, for 1 sink", "two operators" },
        { "was rolled back past commits of Flink job", "rolled back" },
        { "checkpoint 8 once, and now ends at 9, without that", "rolled back and gone on" },
        { "holds no position of partition 1 of topic 'shop.orders', which has 2 partitions", "partition missing" },
        { "holds no position of partition 2 of topic 'shop.orders', which has 3 partitions", "partition added" },
        { "holds a position of partition 2 of topic 'shop.orders', which has 2 partitions", "partition too many" },
        { "says offset 11 of partition 1 of topic 'shop.orders', which ends at 10", "beyond the end" },
        { "says offset 8 of partition 0 of topic 'shop.orders', which begins at 9", "records gone" },
        { "says offset 4 of partition 0 of topic 'shop.orders', which lies before 5", "before the hand-over" },
        { "is not the one that was given to Flink (CreatedAgain)", "topic created again" },
        { "is not the one that was given to Flink (OtherCluster)", "other cluster" },
        { "The record at offset 4 of partition 0 of topic 'shop.orders' is not the one", "topic refilled" },
        { "knows no source 'other'", "other source" },
    };

    private static async Task<OpenAnswers> UnprovenAsync(FlowHarness flow, string what)
    {
        var other = new string('b', 32);
        if (what is not ("no commit" or "another engine" or "another job's commit" or "other source")) await FlinkCommitsAsync(flow, checkpoint: 7);
        switch (what)
        {
            case "other job": return Answer(flow, job: other);
            case "older savepoint": await FlinkCommitsAsync(flow, checkpoint: 9); return Answer(flow);
            case "last commit missing" or "no commit": return Answer(flow, pending: 8);
            case "another engine": await flow.ForeignAppendAsync(); return Answer(flow);
            case "another job's commit": await FlinkCommitsAsync(flow, 7, job: other); return Answer(flow);
            case "another operator": return Answer(flow, committer: other);
            case "two operators": await FlinkCommitsAsync(flow, 8, committer: other); return Answer(flow);
            case "rolled back":
                var kept = await flow.HeadAsync();
                await FlinkCommitsAsync(flow, 8);
                await flow.RollBackAsync(kept);
                return Answer(flow);
            case "rolled back and gone on":
                var left = await flow.HeadAsync();
                await FlinkCommitsAsync(flow, 8);
                await flow.RollBackAsync(left);
                await FlinkCommitsAsync(flow, 9);
                return Answer(flow, checkpoint: 10);
            case "partition missing": return Answer(flow, positions: [(0, 10)]);
            case "partition added": flow.Topic.AddPartitions(1); return Answer(flow);
            case "partition too many": return Answer(flow, positions: [(0, 10), (1, 10), (2, 0)]);
            case "beyond the end": return Answer(flow, positions: [(0, 10), (1, 11)]);
            case "records gone": flow.Topic.DeleteBefore(0, 9); return Answer(flow, positions: [(0, 8), (1, 10)]);
            case "before the hand-over": return Answer(flow, positions: [(0, 4), (1, 10)]);
            case "topic created again": flow.Topic.Recreate(2, "topic-2"); return Answer(flow);
            case "other cluster": flow.Topic.ClusterId = "cluster-2"; return Answer(flow);
            case "topic refilled":
                flow.Topic.Recreate(2, flow.Topic.TopicId);
                flow.Produce(100, 40);
                return Answer(flow);
            case "other source": flow.Definition = flow.Definition.Replace("src", "other", StringComparison.Ordinal); return Answer(flow);
            default: throw new ArgumentException(what);
        }
    }

    [Fact]
    public async Task A_commit_of_the_job_that_comes_while_the_records_are_taken_back_is_not_overlooked()
    {
        using var flow = await GivenAsync();
        await FlinkCommitsAsync(flow, checkpoint: 7);
        flow.Store.Before(".metadata.json", () => FlinkCommitsAsync(flow, checkpoint: 9));

        var refusal = await flow.RefusalAsync(Answer(flow));

        Assert.Contains("the savepoint is older", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(new FlinkLedger.Given(Job), (await flow.LedgerAsync()).Flink);
    }

    [Fact]
    public async Task Records_that_were_given_again_while_they_are_taken_back_stay_with_the_later_job()
    {
        using var flow = await GivenAsync();
        using var deploys = flow.Another();
        var later = new string('b', 32);
        flow.Store.Before(".metadata.json", () => deploys.GiveToFlinkAsync(later, restores: true));

        var refusal = await flow.RefusalAsync(Answer(flow));

        Assert.Equal(ExitCode.Superseded, refusal.ExitCode);
        Assert.Equal(new FlinkLedger.Given(later, Job, "file:/savepoint-1"), (await flow.LedgerAsync()).Flink);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_job_commits_in_the_name_of_the_one_before_it_counts_where_it_comes_first(bool isFirst)
    {
        using var flow = await GivenAsync();
        var later = new string('b', 32);
        await flow.GiveToFlinkAsync(later, restores: true);
        if (!isFirst) await FlinkCommitsAsync(flow, checkpoint: 9, later);
        await FlinkCommitsAsync(flow, checkpoint: 8);
        if (isFirst) await FlinkCommitsAsync(flow, checkpoint: 9, later);
        var answer = Answer(flow, later, checkpoint: 10, pending: 9);

        if (isFirst) await flow.CatchUpAsync(answer);
        else Assert.Contains($"stands below one of job {Job}", (await flow.RefusalAsync(answer)).Message, StringComparison.Ordinal);

        Assert.Equal(isFirst ? null : new FlinkLedger.Given(later, Job, "file:/savepoint-1"), (await flow.LedgerAsync()).Flink);
    }

    [Theory]
    [InlineData(7, true)]
    [InlineData(8, false)]
    public async Task Sinks_that_share_a_table_are_taken_back_where_each_of_them_has_committed(long pendingOfOther, bool isProven)
    {
        var other = new string('b', 32);
        using var flow = new FlowHarness { Definition = SeveralSinksTests.TwoSinks.Replace("shop.copies", "shop.orders", StringComparison.Ordinal) };
        flow.Produce(0, 20);
        await flow.GiveToFlinkAsync(Job);
        await FlinkCommitsAsync(flow, checkpoint: 7);
        await FlinkCommitsAsync(flow, checkpoint: 7, committer: other);
        var savepoint = ((FlinkEnd.WithSavepoint)Answer(flow).Flink!).Savepoint;
        var answer = new OpenAnswers(Flink: new FlinkEnd.WithSavepoint(savepoint with { Committers = [new(SavepointBytes.Operator, 7), new(other, pendingOfOther)] }));

        if (isProven) await flow.CatchUpAsync(answer);
        else Assert.Contains("files of checkpoint 8 were still to be committed", (await flow.RefusalAsync(answer)).Message, StringComparison.Ordinal);

        Assert.Equal([isProven ? null : new FlinkLedger.Given(Job), isProven ? null : new FlinkLedger.Given(Job)], [(await flow.LedgerAsync("orders/lake")).Flink, (await flow.LedgerAsync("orders/copy")).Flink]);
    }

    [Fact]
    public async Task Commits_of_other_pipelines_and_rewrites_between_do_no_harm()
    {
        using var flow = await GivenAsync();
        await FlinkCommitsAsync(flow, checkpoint: 6);
        using var other = flow.Another(pipeline: "returns");
        await other.CatchUpAsync(new OpenAnswers(Start: new Matih.Definition.StartOffset.Latest()));
        await FlinkCommitsAsync(flow, checkpoint: 7);

        await flow.CatchUpAsync(Answer(flow));

        Assert.Equal([new(0, 10), new(1, 10)], (await flow.LedgerAsync()).Sources[0].Partitions.Select(entry => new PartitionPosition(entry.Partition, entry.NextOffset)));
    }

    [Fact]
    public async Task A_savepoint_is_refused_where_nothing_was_given_and_beside_other_answers()
    {
        using var flow = await CommittedAsync(10);

        var own = await flow.RefusalAsync(Answer(flow));
        var both = await flow.RefusalAsync(Answer(flow) with { Reset = true });

        Assert.Contains("holds no ledger of orders/lake that gives its records to a Flink job", own.Message, StringComparison.Ordinal);
        Assert.Contains("cannot be given together with --reset", both.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_ended_before_its_first_commit_gives_back_what_it_was_given()
    {
        using var flow = await GivenAsync();

        await flow.CatchUpAsync(Ended(Job));

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Contains((await flow.ReportAsync()).Flows[0].Findings, finding => finding is VerificationFinding.NotProvable { Code: FindingCode.Flink } missing && missing.Text.EndsWith("it was given: none.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_job_that_has_committed_or_had_a_savepoint_does_not_give_back_what_it_was_given()
    {
        using var flow = await GivenAsync();
        var later = new string('b', 32);
        var other = await flow.RefusalAsync(Ended(later));
        var before = await flow.HeadAsync();
        await FlinkCommitsAsync(flow, checkpoint: 7);

        var committed = await flow.RefusalAsync(Ended(Job));
        await flow.RollBackAsync(before);
        var rolledBack = await flow.RefusalAsync(Ended(Job));
        using var continued = await GivenAsync();
        await continued.GiveToFlinkAsync(later, restores: true);
        var restored = await continued.RefusalAsync(Ended(later));

        Assert.Contains($"--from-ended-job names Flink job {later}", other.Message, StringComparison.Ordinal);
        Assert.Contains($"holds commits of Flink job {Job}, or did once", committed.Message, StringComparison.Ordinal);
        Assert.Equal(committed.Message, rolledBack.Message);
        Assert.Contains($"continued from a savepoint of job {Job}", restored.Message, StringComparison.Ordinal);
        Assert.Equal(10, (await flow.RowsAsync()).Count);
    }

    [Fact]
    public async Task A_job_that_began_before_there_was_a_ledger_gets_one_without_offsets_and_is_taken_back()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 20);
        var nothing = await Assert.ThrowsAsync<PipelineException>(() => flow.GiveToFlinkAsync(Job, restores: true));
        Assert.False(Directory.Exists(flow.TableFolder));
        await flow.GiveToFlinkAsync(new string('b', 32), isByProperty: true);

        Assert.Empty(await flow.GiveToFlinkAsync(Job, restores: true));
        await FlinkCommitsAsync(flow, checkpoint: 7);
        var ended = await flow.RefusalAsync(Ended(Job));
        flow.Produce(20, 6);
        await flow.CatchUpAsync(Answer(flow));

        Assert.Contains("was given to no Flink job for orders/lake", nothing.Message, StringComparison.Ordinal);
        Assert.Contains("continued from a savepoint, so that", ended.Message, StringComparison.Ordinal);
        Assert.Equal(flow.TopicRecords().Where(record => record.Offset >= 10).Order(), await flow.RowsAsync());
        await flow.AssertVerifiesAsync();
    }

    [Theory]
    [InlineData("other job", "gives its records to job 8219")]
    [InlineData("older", "holds checkpoint 9 of Flink job")]
    [InlineData("rolled back", "was rolled back past commits of Flink job")]
    [InlineData("rolled back and gone on", "checkpoint 9 once, and now ends at 11, without that")]
    [InlineData("beyond the topic", "which ends at")]
    [InlineData("other topic", "reads topic 'else'")]
    [InlineData("the job before", "which has committed rows since")]
    public async Task A_job_continues_from_nothing_but_the_newest_savepoint_of_the_job_before_it(string what, string reason)
    {
        using var flow = await GivenAsync();
        await FlinkCommitsAsync(flow, checkpoint: 7);
        var before = await flow.HeadAsync();
        await FlinkCommitsAsync(flow, checkpoint: 9);
        var later = new string('b', 32);
        var good = ((FlinkEnd.WithSavepoint)Answer(flow, checkpoint: 12).Flink!).Savepoint;
        if (what.StartsWith("rolled back", StringComparison.Ordinal)) await flow.RollBackAsync(before);
        if (what == "rolled back and gone on") await FlinkCommitsAsync(flow, checkpoint: 11);
        if (what == "the job before")
        {
            await flow.GiveToFlinkAsync(later, restores: true, good);
            await FlinkCommitsAsync(flow, checkpoint: 1, later);
        }
        var head = await flow.HeadAsync();
        var savepoint = what switch
        {
            "other job" => good with { JobId = new string('c', 32) },
            "older" => good with { CheckpointId = 8 },
            "beyond the topic" => good with { Positions = [good.Positions[0] with { NextOffset = 1000 }, good.Positions[1]] },
            "other topic" => good with { Positions = [.. good.Positions, new SavepointPosition("else", 0, 1)] },
            _ => good,
        };

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.GiveToFlinkAsync(new string('d', 32), restores: true, savepoint));

        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(head, await flow.HeadAsync());
    }

    [Fact]
    public async Task A_job_that_continues_a_failed_continuation_is_known_with_the_job_that_wrote()
    {
        using var flow = await GivenAsync();
        await FlinkCommitsAsync(flow, checkpoint: 7);
        var savepoint = ((FlinkEnd.WithSavepoint)Answer(flow, checkpoint: 8).Flink!).Savepoint;

        await flow.GiveToFlinkAsync(new string('b', 32), restores: true, savepoint);
        await flow.GiveToFlinkAsync(new string('c', 32), restores: true, savepoint);

        Assert.Equal(new FlinkLedger.Given(new string('c', 32), Job, "file:/savepoint-1"), (await flow.LedgerAsync()).Flink);
    }

    private static OpenAnswers Ended(string job) => new(Flink: new FlinkEnd.WithoutCommit(job));

    [Theory]
    [InlineData(7L, true)]
    [InlineData(8L, false)]
    [InlineData(null, false)]
    public async Task A_savepoint_whose_files_are_committed_is_refused_where_the_job_would_not_find_that_commit(long? pending, bool isRefused)
    {
        using var flow = await GivenAsync();
        await FlinkCommitsAsync(flow, checkpoint: 7);
        await flow.ForeignAppendAsync();
        await ExpireAllButHeadAsync(flow);
        var savepoint = ((FlinkEnd.WithSavepoint)Answer(flow, pending: pending).Flink!).Savepoint;

        var refusal = await Record.ExceptionAsync(() => flow.GiveToFlinkAsync(new string('d', 32), restores: true, savepoint)) as PipelineException;

        Assert.Equal(isRefused, refusal is { ExitCode: ExitCode.Refused });
        if (isRefused) Assert.Contains("the snapshot that says so has expired", refusal!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_begins_beside_another_pipeline_of_its_topic_is_warned_of_it()
    {
        using var flow = await GivenAsync();
        using var renamed = flow.Another(pipeline: "renamed");

        await renamed.GiveToFlinkAsync(new string('d', 32));

        Assert.Contains("its records are written a second time", Assert.Single(renamed.Entries, entry => entry.Event == "other-ledger").Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "or start over with --reset.")]
    [InlineData(true, "or deploy it under another pipeline name, into another table.")]
    public async Task A_job_under_which_the_table_was_rolled_back_is_not_replaced(bool isByProperty, string wayOut)
    {
        using var flow = isByProperty ? new FlowHarness() : await GivenAsync();
        if (isByProperty) await flow.GiveToFlinkAsync(Job, isByProperty: true);
        await FlinkCommitsAsync(flow, checkpoint: 7);
        var before = await flow.HeadAsync();
        await FlinkCommitsAsync(flow, checkpoint: 8);
        await flow.RollBackAsync(before);
        await FlinkCommitsAsync(flow, checkpoint: 9);
        var head = await flow.HeadAsync();

        // Nobody has read the savepoint: it is made when the job is stopped.
        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.GiveToFlinkAsync(new string('d', 32), restores: true, isByProperty: isByProperty));

        Assert.Contains("was rolled back past commits of Flink job", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith(wayOut, refusal.Remedy, StringComparison.Ordinal);
        Assert.Equal(head, await flow.HeadAsync());
    }

    [Fact]
    public async Task A_table_rolled_back_to_before_the_hand_over_is_refused_while_its_tag_tells_of_it()
    {
        using var flow = await CommittedAsync(10);
        var before = await flow.HeadAsync();
        await flow.GiveToFlinkAsync(Job);
        await flow.RollBackAsync(before);

        var refusal = await flow.RefusalAsync();

        Assert.Contains($"was rolled back to before orders/lake was given to Flink job {Job}", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verification_does_not_call_a_table_proven_that_a_job_writes()
    {
        using var flow = await GivenAsync();
        await FlinkCommitsAsync(flow, checkpoint: 7);
        var given = (await flow.ReportAsync()).Flows[0];
        await flow.CatchUpAsync(Answer(flow));
        var back = (await flow.ReportAsync()).Flows[0];

        Assert.Contains(given.Findings, finding => finding is VerificationFinding.NotProvable { Code: FindingCode.Flink } missing && missing.Text.Contains($"What Flink job {Job} writes", StringComparison.Ordinal));
        Assert.Contains(back.Findings, finding => finding is VerificationFinding.NotProvable { Code: FindingCode.Flink } missing && missing.Text.Contains("offsets 5 to 9 of partition 0 of topic 'shop.orders', 5 to 9 of partition 1", StringComparison.Ordinal));
        Assert.Empty(given.Violations.Concat(back.Violations));
    }

    private static async Task<FlowHarness> CommittedAsync(int count)
    {
        var flow = new FlowHarness();
        flow.Produce(0, count);
        await flow.CatchUpAsync();
        return flow;
    }

    /// <summary>Five records of each partition are in the table, and the next five are the job's.</summary>
    private static async Task<FlowHarness> GivenAsync()
    {
        var flow = await CommittedAsync(10);
        await flow.GiveToFlinkAsync(Job);
        flow.Produce(10, 10);
        return flow;
    }

    /// <summary>As another engine's procedure does it; older metadata files still tell of what went.</summary>
    private static async Task ExpireAllButHeadAsync(FlowHarness flow)
    {
        var metadata = (await flow.TableAsync()).Metadata;
        var kept = metadata.Refs.Values.Select(item => item.SnapshotId).ToHashSet();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([.. metadata.Snapshots.Select(item => item.Id).Where(id => !kept.Contains(id))]));
    }

    private static Task FlinkCommitsAsync(FlowHarness flow, long checkpoint, string job = Job, string committer = SavepointBytes.Operator) => flow.ForeignAppendAsync(
        ("flink.job-id", job), ("flink.operator-id", committer), ("flink.max-committed-checkpoint-id", checkpoint.ToString(CultureInfo.InvariantCulture)));

    private static OpenAnswers Answer(FlowHarness flow, string job = Job, long checkpoint = 8, long? pending = null, string committer = SavepointBytes.Operator, (int Partition, long Offset)[]? positions = null) => new(
        Flink: new FlinkEnd.WithSavepoint(new Savepoint(checkpoint, job, [.. (positions ?? [(0, 10), (1, 10)]).Select(place => new SavepointPosition(flow.Topic.Name, place.Partition, place.Offset))], [new SavepointCommitter(committer, pending)])));
}
