using System.Collections.Immutable;
using Matih.Definition;
using Matih.Delivery;
using Matih.Engine.Tests.Delivery;
using Matih.Hosting;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Tests.Hosting.Serverless;

/// <summary>Processes of a host that is called: their trigger hands in records, and commits are asked for.</summary>
public sealed class ServedPipelineTests
{
    /// <summary>Waits of minutes pass within a test.</summary>
    private static FlowHarness Hurried(int partitionCount = 1, int speed = 10_000) => new(partitionCount) { Clock = new HurriedClock { Speed = speed } };

    private static ServedPipeline Process(FlowHarness flow)
    {
        var environment = new EngineEnvironment(flow.Clock, flow.Ids, new Random(1), new SystemTaskStarter(), flow.Scratch);
        var definition = DefinitionReader.Read("orders.yaml", flow.Definition, new DefinitionInputs
        {
            Environment = _ => null,
            ReadSecretFile = _ => throw new NotSupportedException(),
            BaseDirectory = flow.Warehouse,
            Overrides = flow.Overrides,
            Warehouse = flow.Warehouse,
        }).Definition!;
        return new ServedPipeline(new HostedPipeline("orders.yaml", new LoadedPipeline(definition, [.. flow.Plan()], ""), []), new PipelineRunner(environment, flow, flow), ProcessHints.Own, ProcessHints.IsGone, flow.Clock);
    }

    private static ReadOnlyMemory<byte>[] Messages(FlowHarness flow, int partition, long from, int count) =>
        [.. flow.Topic.Read(partition, from, count).Select(record => new TriggerMessage { Topic = flow.Topic.Name, Partition = partition, Offset = record.Offset, Key = record.Key, Value = record.Value, Timestamp = (record.TimestampMillis, 1) }.ToMemory())];

    private static async Task<StagedBatch> StageAsync(ServedPipeline process, ReadOnlyMemory<byte>[] messages, Func<ValueTask>? wake = null) =>
        await process.StageAsync(process.Flows[0].Flow.Definition.Source, messages, _ => wake?.Invoke() ?? throw new InvalidOperationException("Nobody was to be woken."), default);

    private static async Task<PipelineReport> CommitAsync(ServedPipeline process) => await process.CommitAsync(ImmutableDictionary<string, ReportedWatch>.Empty, default);

    private static async Task<FlowReport> CommitUntilAsync(FlowHarness flow, ServedPipeline process, Func<FlowReport, bool> isReached)
    {
        List<FlowReport> reports = [];
        for (var i = 0; i < 20; i++)
        {
            reports.Add(Assert.Single((await CommitAsync(process)).Flows));
            if (isReached(reports[^1])) return reports[^1];
            flow.Clock.Elapsed += TimeSpan.FromMinutes(1);
        }
        throw new InvalidOperationException($"Not reached: {string.Join('\n', reports)}");
    }

    [Fact]
    public async Task A_batch_of_several_partitions_is_staged_and_committed_and_a_second_delivery_counts_nothing()
    {
        using var flow = Hurried(partitionCount: 2);
        flow.Produce(0, 40);
        await using var process = Process(flow);
        await CommitAsync(process);
        ReadOnlyMemory<byte>[] messages = [.. Messages(flow, 1, 0, 20), .. Messages(flow, 0, 0, 20)];

        var staged = await StageAsync(process, messages);
        var again = await StageAsync(process, messages);
        var report = Assert.Single((await CommitAsync(process)).Flows);
        var late = await StageAsync(process, messages);

        Assert.Equal(40, staged.RecordCount);
        Assert.True(staged.StagedBytes > 0, staged.ToString());
        Assert.Equal((new StagedBatch(0, 0), new StagedBatch(0, 0)), (again, late));
        Assert.Equal((FlowOutcome.Committed, 40L, 40L, 0L), (report.Outcome, report.RecordCount, report.RowCount, report.BehindCount));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Two_sinks_of_one_source_both_get_the_batch()
    {
        using var flow = Hurried();
        flow.Definition = flow.Definition.Replace("lake: {", "second: { type: iceberg, input: typed, table: shop.copies, mode: append }\n  lake: {", StringComparison.Ordinal)
            .Replace("lake: { type: iceberg, table", "lake: { type: iceberg, input: typed, table", StringComparison.Ordinal);
        flow.Produce(0, 10);
        await using var process = Process(flow);
        await CommitAsync(process);

        var staged = await StageAsync(process, Messages(flow, 0, 0, 10));
        var report = await CommitAsync(process);

        Assert.Equal(10, staged.RecordCount);
        Assert.Equal(["lake", "second"], report.Flows.Select(one => one.Sink).Order());
        Assert.All(report.Flows, one => Assert.Equal((FlowOutcome.Committed, 10L), (one.Outcome, one.RowCount)));
        Assert.Equal(flow.TopicRecords(), await flow.RowsAsync());
        Assert.Equal(flow.TopicRecords(), await flow.RowsAsync("shop.copies"));
    }

    [Fact]
    public async Task Where_nobody_has_opened_the_flow_somebody_is_woken_once_and_the_batch_is_staged()
    {
        // A commit has to fit into the patience.
        using var flow = Hurried(speed: 50);
        flow.Produce(0, 5);
        await using var process = Process(flow);
        var wakes = 0;

        var staged = await StageAsync(process, Messages(flow, 0, 0, 5), async () =>
        {
            wakes++;
            await CommitAsync(process);
        });
        await CommitAsync(process);

        Assert.Equal((1, 5L), (wakes, staged.RecordCount));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Patience_ends_when_nobody_opens_the_flow_or_the_store_stays_down()
    {
        using var flow = Hurried();
        flow.Produce(0, 5);
        await using var process = Process(flow);
        var wakes = 0;

        var unopened = await Assert.ThrowsAsync<PipelineException>(() => StageAsync(process, Messages(flow, 0, 0, 5), () => { wakes++; return default; }));
        await CommitAsync(process);
        flow.Store.IsDown = _ => true;
        var down = await Assert.ThrowsAsync<PipelineException>(() => StageAsync(process, Messages(flow, 0, 0, 5)));
        flow.Store.IsDown = null;
        await StageAsync(process, Messages(flow, 0, 0, 5));
        await CommitAsync(process);

        Assert.Equal(1, wakes);
        Assert.Contains("nobody has opened the flow", unopened.Message, StringComparison.Ordinal);
        Assert.Equal(FailureKind.Store, down.Kind);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_bad_record_is_refused_behind_what_came_before_it_and_a_correction_goes_on()
    {
        using var flow = Hurried();
        flow.Produce(0, 3);
        var bad = flow.Topic.Append(0, "no json");
        flow.Produce(3, 3);
        await using (var process = Process(flow))
        {
            await CommitAsync(process);

            var rejected = await Assert.ThrowsAsync<PipelineException>(() => StageAsync(process, Messages(flow, 0, 0, 10)));
            var refused = await CommitUntilAsync(flow, process, report => report.Outcome == FlowOutcome.Refused);

            Assert.Equal(FailureKind.RecordRejected, rejected.Kind);
            Assert.Equal("record-rejected", refused.Failure!.Code);
            Assert.Equal([(0, 0L), (0, 1L), (0, 2L)], await flow.RowsAsync());
        }
        flow.Overrides.Add("sources.src.on_error=skip");
        await using var corrected = Process(flow);

        await CommitUntilAsync(flow, corrected, report => report.BehindCount == 0);

        await flow.AssertHoldsExactlyAsync(flow.TopicRecords().Where(record => record.Offset != bad));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Two_processes_that_stage_and_commit_in_turn_hold_exact_rows_and_do_not_fence_each_other_for_ever(int seed)
    {
        using var flow = Hurried(partitionCount: 2);
        var random = new Random(seed);
        flow.Produce(0, 200);
        await using var first = Process(flow);
        await using var second = Process(flow.Another());
        await CommitAsync(first);
        List<FlowReport> reports = [];
        for (var from = 0; from < 100; from += 10)
        {
            foreach (var partition in (int[])[0, 1])
            {
                if (random.Next(5) == 0) continue; // The trigger drops the batch for good.
                await StageAsync(random.Next(2) == 0 ? first : second, Messages(flow, partition, from, 10));
            }
            reports.AddRange((await CommitAsync(random.Next(2) == 0 ? first : second)).Flows);
        }

        await CommitUntilAsync(flow, first, report => report.BehindCount == 0);

        Assert.All(reports, report => Assert.True(report.Outcome is FlowOutcome.Committed or FlowOutcome.NothingToDo, $"Seed {seed}: {report}"));
        Assert.True(reports.Count(report => report.Outcome == FlowOutcome.Committed) >= 3, $"Seed {seed}: {string.Join('\n', reports)}");
        await flow.AssertHoldsWholeTopicAsync();
    }

    /// <summary>Each time that the first process is about to commit what it found staged, the second one has just done so.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task A_flow_that_is_taken_over_again_and_again_is_opened_again_and_after_four_times_left_to_the_next_call(int takeoverCount)
    {
        // A commit has its time, which a hurried clock would let pass during a takeover.
        using var flow = new FlowHarness(1);
        flow.Produce(0, 60);
        await using var first = Process(flow);
        await using var second = Process(flow.Another());
        await CommitAsync(first);
        await StageAsync(first, Messages(flow, 0, 0, 10));
        var takeovers = 0;
        BeforeTheCommit();

        var report = Assert.Single((await CommitAsync(first)).Flows);

        Assert.Equal(takeoverCount, takeovers);
        if (takeoverCount == 4)
        {
            Assert.Equal((FlowOutcome.TryAgain, 1000L), (report.Outcome, report.WaitMillis));
            Assert.Equal(new ReportedFailure("table-keeps-changing", "Flow orders/lake: the table changed each time that the flow was opened.", "Other writers are at it; the next checkpoint tries again."), report.Failure);
            Assert.Equal(40, (await flow.RowsAsync()).Count);
            report = Assert.Single((await CommitAsync(first)).Flows);
        }
        Assert.Equal((FlowOutcome.Committed, 10L, null), (report.Outcome, report.RecordCount, report.Failure));
        Assert.Equal((takeoverCount + 1) * 10, (await flow.RowsAsync()).Count);
        await StageAsync(first, Messages(flow, 0, 0, 60));
        await CommitAsync(first);
        await flow.AssertHoldsWholeTopicAsync();

        async Task TakeOverAsync()
        {
            var taken = Assert.Single((await CommitAsync(second)).Flows);
            Assert.Equal((FlowOutcome.Committed, 10L), (taken.Outcome, taken.RecordCount));
            await StageAsync(second, Messages(flow, 0, ++takeovers * 10, 10));
            if (takeovers < takeoverCount) BeforeTheCommit();
        }

        // A commit with rows writes its manifest first, which the one that opens the flow has not.
        void BeforeTheCommit() => flow.Store.BeforeCreate("-m0.avro", TakeOverAsync);
    }

    [Fact]
    public async Task A_batch_that_was_never_handed_in_is_read_by_a_later_commit()
    {
        using var flow = Hurried();
        flow.Produce(0, 20);
        await using var process = Process(flow);
        await CommitAsync(process);
        await StageAsync(process, Messages(flow, 0, 10, 10));

        await CommitUntilAsync(flow, process, report => report.BehindCount == 0);

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_commit_whose_process_dies_before_or_after_it_stands_is_continued_by_the_next(bool stands)
    {
        using var flow = Hurried();
        flow.Produce(0, 10);
        var dying = Process(flow);
        await CommitAsync(dying);
        await StageAsync(dying, Messages(flow, 0, 0, 10));
        if (stands) flow.Store.After(".metadata.json", () => throw new OperationCanceledException("killed"));
        else flow.Store.Before(".metadata.json", () => throw new OperationCanceledException("killed"));

        await Assert.ThrowsAnyAsync<Exception>(() => CommitAsync(dying));
        await dying.DisposeAsync();
        await using var next = Process(flow.Another());
        await CommitUntilAsync(flow, next, report => report.BehindCount == 0);

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Batches_that_fail_halfway_are_handed_in_again()
    {
        using var flow = Hurried(partitionCount: 2);
        flow.Produce(0, 20);
        await using var process = Process(flow);
        await CommitAsync(process);
        ReadOnlyMemory<byte>[] messages = [.. Messages(flow, 0, 0, 10), .. Messages(flow, 1, 0, 10)];
        ReadOnlyMemory<byte>[] damaged = [.. messages];
        damaged[^1] = damaged[^1][..3];

        await Assert.ThrowsAsync<FormatException>(() => StageAsync(process, damaged));
        await StageAsync(process, messages[..15]);
        var rest = await StageAsync(process, messages);
        await CommitAsync(process);

        Assert.Equal(10, rest.RecordCount);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task The_ledger_is_closed_after_each_commit_so_that_a_run_takes_over_at_once_and_a_silent_pipeline_is_not_written_to()
    {
        using var flow = Hurried();
        flow.Produce(0, 5);
        await using var process = Process(flow);
        await CommitAsync(process);
        Assert.False((await flow.LedgerAsync()).IsOpen, "after the opening");
        await StageAsync(process, Messages(flow, 0, 0, 5));
        await CommitAsync(process);
        Assert.False((await flow.LedgerAsync()).IsOpen, "after a commit");
        var head = await flow.HeadAsync();

        Assert.Equal(FlowOutcome.NothingToDo, Assert.Single((await CommitAsync(process)).Flows).Outcome);
        Assert.Equal(head, await flow.HeadAsync());
        flow.Produce(5, 5);
        await flow.CatchUpAsync();
        flow.Produce(10, 5);
        await CommitUntilAsync(flow, process, report => report.BehindCount == 0);

        Assert.Equal(0, flow.CountOf("standing-by"));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Offsets_without_records_at_the_end_of_the_topic_do_not_keep_a_pipeline_awake()
    {
        using var flow = Hurried();
        flow.Produce(0, 5);
        flow.Topic.AppendGap(0, 1);
        await using var process = Process(flow);
        await CommitAsync(process);
        await StageAsync(process, Messages(flow, 0, 0, 5));

        await CommitUntilAsync(flow, process, report => report.BehindCount == 0);

        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_bad_record_of_one_partition_holds_up_neither_the_others_of_its_batch_nor_later_batches()
    {
        using var flow = Hurried(partitionCount: 2);
        flow.Produce(0, 4);
        var bad = flow.Topic.Append(0, "no json");
        flow.Produce(4, 4);
        await using var process = Process(flow);
        await CommitAsync(process);

        await Assert.ThrowsAsync<PipelineException>(() => StageAsync(process, [.. Messages(flow, 0, 0, 20), .. Messages(flow, 1, 0, 20)]));
        var refused = await CommitUntilAsync(flow, process, report => report.Outcome == FlowOutcome.Refused);
        flow.Produce(8, 4);
        await StageAsync(process, [.. Messages(flow, 1, 4, 20), .. Messages(flow, 0, bad + 3, 20)]);
        await CommitUntilAsync(flow, process, report => report.Outcome == FlowOutcome.Refused);

        Assert.Equal("record-rejected", refused.Failure!.Code);
        await flow.AssertHoldsExactlyAsync(flow.TopicRecords().Where(record => record.Partition == 1 || record.Offset < bad));
        await flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task Records_without_key_value_or_time_become_the_rows_that_a_run_makes_of_them()
    {
        using var handed = Hurried();
        using var run = Hurried();
        foreach (var flow in new[] { handed, run })
        {
            flow.Overrides.Add("sources.src.on_error=skip");
            flow.Produce(0, 2);
            flow.Topic.Append(0, null, "tombstone");
            flow.Topic.Append(0, null);
            flow.Topic.Append(0, "");
            flow.Topic.Append(0, """{"id":7}""", "", timestampMillis: 0);
            flow.Topic.Append(0, """{"id":8,"note":null}""");
            flow.Produce(20, 2);
        }
        await run.CatchUpAsync();
        await using (var process = Process(handed))
        {
            await CommitAsync(process);
            await StageAsync(process, Messages(handed, 0, 0, 5));
            await StageAsync(process, Messages(handed, 0, 5, 20));
            await CommitAsync(process);
        }
        // The run reads the last record again, and compares it with what the trigger handed over.
        handed.Produce(40, 1);
        run.Produce(40, 1);
        await handed.CatchUpAsync();
        await run.CatchUpAsync();

        Assert.Equal(await run.RowsAsync(), await handed.RowsAsync());
        Assert.Equal((await run.LedgerAsync()).FindSource("src")!.Partitions.AsEnumerable().Select(entry => (entry.NextOffset, entry.Last)), (await handed.LedgerAsync()).FindSource("src")!.Partitions.Select(entry => (entry.NextOffset, entry.Last)));
        await handed.AssertVerifiesAsync();
    }

    [Fact]
    public async Task Two_apps_with_pipelines_of_their_own_on_one_topic_and_one_table_each_add_every_record_once()
    {
        using var flow = Hurried(partitionCount: 2);
        using var second = flow.Another(pipeline: "copies");
        await using var one = Process(flow);
        await using var other = Process(second);
        for (var round = 0; round < 5; round++)
        {
            flow.Produce(round * 10, 10);
            await Task.WhenAll(CommitAsync(one), CommitAsync(other));
            ReadOnlyMemory<byte>[] messages = [.. Messages(flow, 0, round * 5, 5), .. Messages(flow, 1, round * 5, 5)];
            await Task.WhenAll(StageAsync(one, messages, () => default), StageAsync(other, messages, () => default));
        }

        await CommitUntilAsync(flow, one, report => report.BehindCount == 0);
        await CommitUntilAsync(second, other, report => report.BehindCount == 0);

        await flow.AssertHoldsExactlyAsync(flow.TopicRecords().Concat(flow.TopicRecords()));
        await flow.AssertVerifiesAsync();
        await second.AssertVerifiesAsync();
    }
}
