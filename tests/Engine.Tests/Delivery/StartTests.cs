using Matih.Definition;
using Matih.Delivery;
using Matih.Delivery.Ledgers;

namespace Matih.Engine.Tests.Delivery;

/// <summary>docs/delivery.md, "Start": where a pipeline begins.</summary>
public sealed class StartTests
{
    [Fact]
    public async Task The_start_is_a_commit_without_rows_before_the_first_record_is_read()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        var snapshotsAtFirstPoll = -1;
        flow.OnSource = source => source.BeforePoll = () =>
        {
            if (snapshotsAtFirstPoll < 0) snapshotsAtFirstPoll = Task.Run(() => flow.TableAsync()).GetAwaiter().GetResult().Metadata.Snapshots.Length;
        };

        await flow.RunAsync(new RunMode.Once(1000, TimeSpan.FromMilliseconds(50)));

        Assert.Equal(1, snapshotsAtFirstPoll);
        var start = (await flow.TableAsync()).Metadata.Lineage().Last();
        Assert.Equal("0", start.Summary["added-records"]);
        var ledger = LedgerFormat.Read(start.Summary["matih.ledger.orders/lake"], null);
        Assert.True(ledger.IsOpen);
        Assert.Null(ledger.Base);
        Assert.Equal((1, 1), (ledger.Epoch.Value, ledger.Generation));
    }

    [Fact]
    public async Task Latest_that_was_killed_before_its_first_data_commit_loses_nothing_produced_after_the_start()
    {
        using var flow = new FlowHarness();
        flow.Overrides.Add("sources.src.start_offset=latest");
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Produce(0, 10);
        await flow.RunUntilKilledAsync(() => Task.FromResult(flow.CountOf("started") == 1));
        var expected = flow.TopicRecords().ToHashSet();
        flow.Produce(10, 10);

        await flow.CatchUpAsync();

        await flow.AssertHoldsExactlyAsync(flow.TopicRecords().Except(expected));
    }

    [Fact]
    public async Task A_time_based_start_begins_at_the_first_record_of_that_time_and_at_the_end_where_all_are_older()
    {
        using var flow = new FlowHarness(partitionCount: 2);
        flow.Overrides.Add("sources.src.start_offset=2024-01-01T00:00:00Z");
        var time = DateTimeOffset.Parse("2024-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();
        foreach (var offset in (long[])[-2, -1, 0, 1]) flow.Topic.Append(0, """{"id": 1}""", timestampMillis: time + offset);
        flow.Topic.Append(1, """{"id": 1}""", timestampMillis: time - 1);
        await flow.CatchUpAsync();
        flow.Topic.Append(1, """{"id": 2}""", timestampMillis: time - 1);

        await flow.CatchUpAsync();

        await flow.AssertHoldsExactlyAsync([(0, 2L), (0, 3L), (1, 1L)]);
    }

    [Fact]
    public async Task Start_offsets_are_resolved_once_and_serve_all_sinks()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("sources.src.start_offset=latest");
        flow.Definition = flow.Definition.Replace("lake: {", "second: { type: iceberg, table: shop.second, mode: append }\n  lake: {", StringComparison.Ordinal);
        flow.Produce(0, 10);

        // A record arrives between the two sinks' openings: right after the first one's start commit.
        flow.Store.After("v2.metadata.json", () =>
        {
            flow.Produce(10, 1);
            return Task.CompletedTask;
        });

        await flow.CatchUpAsync();
        await flow.CatchUpAsync();

        Assert.Equal([(0, 10L)], await flow.RowsAsync("shop.orders"));
        Assert.Equal([(0, 10L)], await flow.RowsAsync("shop.second"));
    }

    [Theory]
    [InlineData("earliest")]
    [InlineData("latest")]
    public async Task Partitions_that_appear_while_stopped_start_at_their_log_start(string start)
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add($"sources.src.start_offset={start}");
        await flow.CatchUpAsync();
        flow.Topic.AddPartitions(2);
        flow.Produce(0, 30);
        flow.Topic.DeleteBefore(1, 3);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal(2, flow.CountOf("partition-added"));
    }

    [Fact]
    public async Task Partitions_that_appear_while_running_start_at_their_log_start_even_with_latest()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("sources.src.start_offset=latest");

        await flow.RunDuringAsync(async () =>
        {
            await flow.WaitForLogAsync("started");
            flow.Topic.AddPartitions(2);
            flow.Produce(0, 30);
            await flow.WaitForRowsAsync(30);
        });

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task From_acts_where_no_ledger_exists()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);

        await flow.CatchUpAsync(new OpenAnswers(Start: new StartOffset.Latest()));

        Assert.Empty(await flow.RowsAsync());
    }

    [Fact]
    public async Task From_is_refused_where_a_ledger_exists()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();

        var refusal = await flow.RefusalAsync(new OpenAnswers(Start: new StartOffset.Earliest()));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Equal("--from earliest was given, but table shop.orders already holds a ledger of orders/lake and resumes from it.", refusal.Message);
        Assert.Contains("--reset together with --from", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reset_starts_a_new_generation_and_keeps_the_rows()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        string? asked = null;

        await flow.CatchUpAsync(new OpenAnswers(Reset: true, ConfirmReset: question =>
        {
            asked = question;
            return true;
        }));

        Assert.Equal("orders/lake has written 10 rows to table shop.orders. Rows stay in the table; those whose records are read again will be there twice.", asked);
        await flow.AssertHoldsExactlyAsync([.. flow.TopicRecords(), .. flow.TopicRecords()]);
        Assert.Equal(2, (await flow.LedgerAsync()).Generation);
    }

    [Fact]
    public async Task A_reset_that_is_not_confirmed_changes_nothing()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var before = await flow.HeadAsync();

        var refusal = await flow.RefusalAsync(new OpenAnswers(Reset: true, ConfirmReset: _ => false));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Equal(before, await flow.HeadAsync());
    }

    [Fact]
    public async Task A_pipeline_over_the_same_topic_on_the_same_table_is_warned_of_another_s_ledger()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        using var renamed = flow.Another(pipeline: "purchases");

        await renamed.CatchUpAsync();

        var warning = Assert.Single(renamed.Entries, entry => entry.Event == "other-ledger");
        Assert.Contains("stop and start with --adopt orders/lake", warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Adopt_takes_the_other_pipeline_s_ledger_over_and_the_old_name_is_refused_from_then_on()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 10);
        using var renamed = flow.Another(pipeline: "purchases");

        await renamed.CatchUpAsync(new OpenAnswers(Adopt: "orders"));
        await renamed.AssertHoldsWholeTopicAsync();
        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        await flow.AssertHoldsWholeTopicAsync();
        Assert.DoesNotContain("matih.ledger.orders/lake", (await flow.TableAsync()).Metadata.CurrentSnapshot!.Summary.Keys);
    }

    [Fact]
    public async Task A_running_pipeline_that_was_adopted_doubles_nothing()
    {
        using var flow = new FlowHarness();
        using var renamed = flow.Another(pipeline: "purchases");
        flow.Produce(0, 10);

        var refusal = await Assert.ThrowsAsync<PipelineException>(() => flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            await renamed.CatchUpAsync(new OpenAnswers(Adopt: "orders/lake"));
            flow.Produce(10, 10);
            await flow.WaitForRowsAsync(20);
        }));
        await renamed.CatchUpAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_third_pipeline_does_not_bring_an_adopted_ledger_back()
    {
        using var flow = new FlowHarness();
        using var third = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        using var renamed = flow.Another(pipeline: "purchases");
        flow.Produce(0, 10);
        third.Produce(0, 3);
        await flow.CatchUpAsync();
        await third.CatchUpAsync();
        await renamed.CatchUpAsync(new OpenAnswers(Adopt: "orders"));
        third.Produce(3, 3);
        await third.CatchUpAsync();

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.DoesNotContain("matih.ledger.orders/lake", (await flow.TableAsync()).Metadata.CurrentSnapshot!.Summary.Keys);
    }

    [Fact]
    public async Task Adopting_a_pipeline_that_the_table_does_not_know_is_refused()
    {
        using var flow = new FlowHarness();

        var refusal = await flow.RefusalAsync(new OpenAnswers(Adopt: "purchases"));

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.StartsWith("--adopt purchases: table shop.orders holds no ledger of that pipeline.", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_that_was_renamed_goes_on_where_its_topic_stood()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Definition = flow.Definition.Replace("src:", "renamed:", StringComparison.Ordinal).Replace("input: src", "input: renamed", StringComparison.Ordinal);
        flow.Produce(10, 10);

        await flow.CatchUpAsync();

        await flow.AssertHoldsWholeTopicAsync();
        Assert.Equal("renamed", Assert.Single((await flow.LedgerAsync()).Sources).Name);
    }

    [Fact]
    public async Task A_removed_source_keeps_its_entry_and_an_added_one_gets_a_start_commit()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1));
        other.Definition = other.Definition.Replace("src:", "returns:", StringComparison.Ordinal).Replace("input: src", "input: returns", StringComparison.Ordinal);
        other.Produce(0, 4);

        await other.CatchUpAsync();

        var ledger = await other.LedgerAsync();
        Assert.Equal(["src", "returns"], ledger.Sources.Select(source => source.Name));
        Assert.Equal(10, ledger.FindSource("src")!.Partitions.Sum(entry => entry.NextOffset));
        await other.AssertHoldsExactlyAsync([.. flow.TopicRecords(), .. other.TopicRecords()]);
    }

    [Fact]
    public async Task A_store_that_ignores_preconditions_is_refused_before_anything_is_read()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        flow.Store.IgnoresPreconditions = true;

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("does not honour conditional writes", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("8 were accepted, and one of these stands", refusal.Message, StringComparison.Ordinal);
        flow.Store.IgnoresPreconditions = false;
        await flow.CatchUpAsync();
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_store_that_looks_first_and_writes_then_is_refused_too()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        flow.Store.RacesPreconditions = true;

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Matches("of 8 writes of .* at the same time that were to succeed only where nothing exists, [2-8] were accepted", refusal.Message);
        flow.Store.RacesPreconditions = false;
        await flow.CatchUpAsync();
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_topic_created_again_between_two_attempts_of_a_start_is_refused_and_not_read_from_the_old_offsets()
    {
        using var flow = new FlowHarness(partitionCount: 1) { Clock = new HurriedClock { Speed = 20 } };
        flow.Overrides.Add("orchestration.max_retries=5");
        flow.Overrides.Add("sources.src.start_offset=latest");
        flow.Produce(0, 10);
        var hasFailed = false;
        flow.Store.IsDown = location =>
        {
            if (hasFailed || !location.Contains("/metadata/snap-", StringComparison.Ordinal)) return false;
            hasFailed = true;
            flow.Topic.Recreate(1, "topic-2");
            flow.Produce(100, 20);
            return true;
        };

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("was deleted and created again", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(await flow.RowsAsync());
    }

}
