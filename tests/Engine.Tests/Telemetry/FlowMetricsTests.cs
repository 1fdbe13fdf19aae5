using Matih.Batches;
using Matih.Delivery;
using Matih.Delivery.Steps;
using Matih.Engine.Tests.Delivery;
using Matih.Engine.Tests.Storage;
using Matih.Hosting.Telemetry;
using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Telemetry;

/// <summary>What the engine's instruments say of a flow that really runs.</summary>
public sealed class FlowMetricsTests
{
    private readonly string _pipeline = $"m-{Guid.NewGuid():N}";

    [Fact]
    public async Task A_run_counts_its_records_by_fate_and_its_commits()
    {
        using var flow = new FlowHarness { Pipeline = _pipeline };
        flow.Overrides.Add("sources.src.on_error=skip");
        flow.Produce(0, 100);
        for (var i = 0; i < 10; i++) flow.Topic.Append(0, """{"id": -1}""");
        flow.Topic.Append(0, "no JSON");
        using var samples = new MeterSamples(_pipeline);

        await flow.CatchUpAsync();

        var progress = flow.Progress[0];
        Assert.Equal((111, 100, 10, 1), (samples["matih.records.read"], samples["matih.rows.written"], samples["matih.records.filtered"], samples["matih.records.skipped"]));
        Assert.Equal((111, 100, progress.FileCount, progress.FileBytes), (samples["matih.records.committed"], samples["matih.rows.committed"], samples["matih.files.committed"], samples["matih.files.committed.size"]));
        Assert.Equal((progress.ReadBytes, progress.CommitCount), (samples["matih.records.read.size"], samples["matih.commits"]));
        Assert.Equal((0, 0, 0, 0), (samples["matih.records.rejected"], samples["matih.offsets.lost"], samples["matih.commit.conflicts"], samples["matih.failures kafka"]));
        Assert.Equal(progress.CommitCount, samples.CountOf("matih.commit.duration"));
        Assert.True(samples["matih.commit.attempts"] > progress.CommitCount, "the opening commit is an attempt, too");
        Assert.True(samples.CountOf("matih.batch.duration") > 0);
        Assert.True(samples["matih.checkpoint.duration"] >= samples["matih.commit.duration"], "a checkpoint lasts as long as its commit at least");
    }

    [Fact]
    public async Task Gauges_tell_lag_ages_and_memory_as_long_as_the_flow_is_observed()
    {
        using var flow = new FlowHarness { Pipeline = _pipeline };
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        using var samples = new MeterSamples(_pipeline);

        using (FlowObservation.Observe(flow.Progress, flow.Clock))
        {
            flow.Clock.Jump = TimeSpan.FromHours(1);
            samples.Collect();
        }

        Assert.Equal((0, 0), (samples["matih.lag.records shop.orders"], samples["matih.lag.unread"]));
        Assert.Equal((0, 0), (samples["matih.lag.partition shop.orders 0"], samples["matih.lag.partition shop.orders 1"]));
        Assert.InRange(samples["matih.commit.age"]!.Value, 3600, 4000);
        var newest = DateTimeOffset.FromUnixTimeMilliseconds((await flow.LedgerAsync()).Sources[0].NewestTimestampMillis!.Value);
        Assert.Equal((flow.Clock.GetUtcNow() - newest).TotalSeconds, samples["matih.freshness"]!.Value, 10.0);
        Assert.Equal((0, 0), (samples["matih.uncommitted.age"], samples["matih.retries"]));
        Assert.Equal(flow.Plan()[0].Plan.MemoryBytes / 4 * 3, samples["matih.memory.ceiling"]);
        Assert.True(samples["matih.memory.used"] >= 0);
        samples.Collect();
        Assert.Null(samples["matih.commit.age"]);
    }

    [Fact]
    public async Task A_bad_record_that_stops_the_flow_is_one_rejected_record_and_one_failure()
    {
        using var flow = new FlowHarness { Pipeline = _pipeline };
        flow.Produce(0, 4);
        flow.Topic.Append(0, "no JSON");
        using var samples = new MeterSamples(_pipeline);

        await Assert.ThrowsAsync<PipelineException>(() => flow.CatchUpAsync());

        Assert.Equal((1, 1), (samples["matih.records.rejected"], samples["matih.failures record-rejected"]));
        Assert.Equal(4, samples["matih.rows.committed"]);
    }

    [Fact]
    public async Task Every_attempt_that_fails_is_a_failure_of_its_kind()
    {
        using var flow = new FlowHarness { Pipeline = _pipeline };
        flow.Overrides.Add("orchestration.max_retries=2");
        flow.Clock.Speed = 1000;
        flow.Produce(0, 4);
        await flow.CatchUpAsync();
        flow.Store.IsDown = _ => true;
        using var samples = new MeterSamples(_pipeline);

        var failure = await flow.RefusalAsync();

        Assert.Equal(3, samples[$"matih.failures {FailureWord.Of(failure.Kind)}"]);
        Assert.Equal(FailureWord.All.Length, samples.Seen.Count(sample => sample.Instrument.Name == "matih.failures"));
    }

    [Fact]
    public async Task Lost_races_and_lost_answers_are_counted_beside_the_attempts()
    {
        using var flow = new FlowHarness { Pipeline = _pipeline };
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 10);
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        other.Produce(0, 7);
        flow.Store.Before(".metadata.json", async () =>
        {
            await other.CatchUpAsync();
            flow.Store.FailBefore(".metadata.json");
        });
        using var samples = new MeterSamples(_pipeline);

        await flow.CatchUpAsync();

        Assert.Equal((1, 1), (samples["matih.commit.conflicts"], samples["matih.commit.unconfirmed"]));
        Assert.Equal((1, 3), (samples["matih.commits"], samples["matih.commit.attempts"]));
    }

    [Fact]
    public async Task A_host_that_drives_a_flow_step_by_step_gets_its_lag_and_what_waited_staged()
    {
        using var flow = new FlowHarness { Pipeline = _pipeline };
        flow.Produce(0, 10);
        var planned = Assert.Single(flow.Plan());
        var progress = new FlowProgress(planned.Plan.Name.ToString());
        var environment = new EngineEnvironment(flow.Clock, flow.Ids, new Random(1), new SystemTaskStarter(), flow.Scratch);
        await using var steps = new PipelineRunner(environment, flow, flow).OpenSteps(planned, flow.Hint, flow.IsGone, progress);
        using var samples = new MeterSamples(_pipeline);
        using var observation = FlowObservation.Observe([progress], flow.Clock);
        using var batch = new ManagedRawBatch();
        foreach (var record in flow.Topic.Read(0, 0, 5)) batch.Add(record.Value, record.Key, record.Offset, 0, record.TimestampMillis, TimestampKind.CreateTime);

        Assert.IsType<OpenStep.Opened>(await steps.OpenAsync(OpenAnswers.None, null, default));
        Assert.IsType<StageStep.Staged>(await steps.StageAsync(batch, default));
        Assert.IsType<CommitStep.Committed>(await steps.CommitAsync(closes: false, mayRead: false, default));

        samples.Collect();
        Assert.Equal((5, 5, 1), (samples["matih.records.staged"], samples["matih.records.committed"], samples["matih.commits"]));
        Assert.Equal((5, 0, 5), (samples["matih.lag.records shop.orders"], samples["matih.lag.partition shop.orders 0"], samples["matih.lag.partition shop.orders 1"]));
        Assert.Equal(1, samples["matih.staged.ranges"]);
        Assert.True(samples["matih.staged.size"] > 0);
        Assert.Equal(0, samples["matih.uncommitted.age"]);
        Assert.NotNull(samples["matih.freshness"]);
        Assert.Equal(1, samples.CountOf("matih.checkpoint.duration"));
    }

    [Fact]
    public void Hosts_subscribe_by_the_names_that_the_engine_uses()
    {
        var (meters, sources) = (new List<string>(), new List<string>());

        TelemetrySources.Subscribe(meters.Add, sources.Add);

        Assert.Equal([Instruments.Meter.Name], meters);
        Assert.Equal([TelemetryNames.ActivitySource], sources);
    }

    [Fact]
    public void What_is_written_per_batch_allocates_nothing()
    {
        var flow = new FlowProgress($"{_pipeline}/lake");
        Note();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Note();
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(0, allocated);

        void Note()
        {
            flow.NoteRead(4096, 1 << 20);
            flow.NoteFates(4000, 96, 0);
            flow.Metrics.Time(Instruments.BatchDuration, TimeSpan.FromMilliseconds(1));
        }
    }

    [Fact]
    public void Of_flows_of_one_name_the_newest_counts_and_too_many_partitions_are_one_sum()
    {
        var clock = new HurriedClock();
        var (older, newer) = (new FlowProgress($"{_pipeline}/lake"), new FlowProgress($"{_pipeline}/lake"));
        older.NoteLag(Lag(5, 1));
        newer.NoteLag(Lag(7, FlowObservation.PartitionsMax + 1));
        using var samples = new MeterSamples(_pipeline);
        using var first = FlowObservation.Observe([older], clock);

        samples.Collect();
        var one = (samples["matih.lag.records orders"], samples["matih.lag.partition orders 0"]);
        using (FlowObservation.Observe([newer], clock)) samples.Collect();
        var both = (samples["matih.lag.records orders"], samples["matih.lag.partition orders 0"]);

        Assert.Equal((5, 5), one);
        Assert.Equal((7.0 * (FlowObservation.PartitionsMax + 1), null), both);

        FlowLag Lag(long each, int count) => new(0, each * count, clock.GetTimestamp())
        {
            Topic = "orders",
            Partitions = [.. Enumerable.Range(0, count).Select(partition => new LaggingPartition(partition, each))],
        };
    }
}
