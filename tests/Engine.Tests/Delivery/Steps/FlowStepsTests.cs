using System.Collections.Immutable;
using System.Text.Json;
using Matih.Batches;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Steps;
using Matih.Engine.Tests.Verification;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Delivery.Steps;

/// <summary>A pipeline that a host drives: batches are handed in, commits are asked for, and nothing of the engine runs between.</summary>
public sealed class FlowStepsTests : IDisposable
{
    /// <summary>The engine may start nothing: a host that is called has no thread to give.</summary>
    private sealed class NoTasks : ITaskStarter
    {
        public Task Start(string name, Func<CancellationToken, Task> work, CancellationToken cancellationToken) =>
            throw new InvalidOperationException($"'{name}' was started, although steps run in their caller's time.");
    }

    /// <summary>Timers may bound a question to Kafka, but nothing may wait for one: waits come back as values.</summary>
    private sealed class NotedTimers(TimeProvider clock) : TimeProvider
    {
        private int _live;

        public int Live => Volatile.Read(ref _live);

        public bool HasFired { get; private set; }

        public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

        public override long GetTimestamp() => clock.GetTimestamp();

        public override long TimestampFrequency => clock.TimestampFrequency;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Interlocked.Increment(ref _live);
            return new NotedTimer(this, clock.CreateTimer(Note, null, dueTime, period));

            void Note(object? _)
            {
                HasFired = true;
                callback(state);
            }
        }

        private sealed class NotedTimer(NotedTimers owner, ITimer timer) : ITimer
        {
            private int _isDisposed;

            public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(dueTime, period);

            public void Dispose()
            {
                if (Interlocked.Exchange(ref _isDisposed, 1) == 0) Interlocked.Decrement(ref owner._live);
                timer.Dispose();
            }

            public async ValueTask DisposeAsync()
            {
                Dispose();
                await timer.DisposeAsync();
            }
        }
    }

    private readonly List<NotedTimers> _clocks = [];

    public void Dispose() => Assert.All(_clocks, clock => Assert.Equal((0, false), (clock.Live, clock.HasFired)));

    /// <summary>A process that drives the flow step by step.</summary>
    private FlowSteps Process(FlowHarness flow)
    {
        var clock = new NotedTimers(flow.Clock);
        _clocks.Add(clock);
        var environment = new EngineEnvironment(clock, flow.Ids, new Random(1), new NoTasks(), flow.Scratch);
        var planned = Assert.Single(flow.Plan());
        return new PipelineRunner(environment, flow, flow).OpenSteps(planned, flow.Hint, flow.IsGone, new FlowProgress(planned.Plan.Name.ToString()));
    }

    /// <summary>Records as a trigger hands them over: bytes, without anything of the engine's.</summary>
    private static ManagedRawBatch Batch(FlowHarness flow, int partition, long from, int count)
    {
        var batch = new ManagedRawBatch();
        foreach (var record in flow.Topic.Read(partition, from, count))
            batch.Add(record.Value, record.Key, record.Offset, partition, record.TimestampMillis, TimestampKind.CreateTime);
        return batch;
    }

    private static async Task<StageStep> StageAsync(FlowSteps steps, FlowHarness flow, int partition, long from, int count)
    {
        using var batch = Batch(flow, partition, from, count);
        return await steps.StageAsync(batch, default);
    }

    private static async Task<StageStep> StageOffsetsAsync(FlowSteps steps, FlowHarness flow, params long[] offsets)
    {
        using var batch = new ManagedRawBatch();
        foreach (var offset in offsets)
        {
            var record = flow.Topic.Read(0, offset, 1).Single();
            batch.Add(record.Value, record.Key, record.Offset, 0, record.TimestampMillis, TimestampKind.CreateTime);
        }
        return await steps.StageAsync(batch, default);
    }

    private static async Task OpenAsync(FlowSteps steps) => Assert.IsType<OpenStep.Opened>(await steps.OpenAsync(OpenAnswers.None, null, default));

    [Fact]
    public async Task Batches_are_staged_and_committed_one_step_at_a_time()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 20);
        await using var reader = Process(flow);
        await using var committer = Process(flow);

        Assert.IsType<StageStep.NotYet>(await StageAsync(reader, flow, 0, 0, 4));
        await OpenAsync(committer);
        Assert.IsType<CommitStep.NothingToDo>(await committer.CommitAsync(closes: false, mayRead: true, default));
        Assert.Equal(new StageStep.Staged(0, 0, 4, 4), await StageAsync(reader, flow, 0, 0, 4));
        Assert.Equal(new StageStep.Staged(1, 0, 10, 10), await StageAsync(reader, flow, 1, 0, 10));
        var first = Assert.IsType<CommitStep.Committed>(await committer.CommitAsync(closes: false, mayRead: true, default));
        Assert.IsType<StageStep.Covered>(await StageAsync(reader, flow, 1, 3, 7));
        Assert.Equal(new StageStep.Staged(0, 4, 10, 6), await StageAsync(reader, flow, 0, 2, 8));
        Assert.IsType<CommitStep.Committed>(await committer.CommitAsync(closes: true, mayRead: true, default));

        Assert.Equal(14, first.Books.AddedRowCount);
        Assert.False((await flow.LedgerAsync()).IsOpen);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Processes_that_die_between_any_two_steps_lose_and_double_nothing(int seed)
    {
        using var flow = new FlowHarness(partitionCount: 3);
        var random = new Random(seed);
        flow.Produce(0, 300);
        // What a trigger has handed out; it hands the same records out again after a death, and sometimes without one.
        var handedOut = new long[3];
        var processes = new FlowSteps?[3];
        var committers = 0;

        for (var turn = 0; turn < 400 && !await IsDoneAsync(); turn++)
        {
            var chosen = random.Next(processes.Length);
            if (random.Next(3) == 0 && processes[chosen] is { } dying)
            {
                await dying.DisposeAsync(); // Nothing else ends it: what it knew is gone.
                processes[chosen] = null;
            }
            var process = processes[chosen] ??= Process(chosen == 0 ? flow : flow.Another());
            if (random.Next(4) == 0)
            {
                committers += await TryCommitAsync(process) ? 1 : 0;
                continue;
            }
            var partition = random.Next(3);
            var from = Math.Max(0, handedOut[partition] - random.Next(12));
            if (random.Next(5) == 0) from = (await PositionsAsync())[partition]; // A trigger that starts over at the group's offsets.
            var count = random.Next(1, 25);
            if (from >= 100 || await StageAsync(process, flow, partition, from, count) is not StageStep.Staged) continue;
            handedOut[partition] = Math.Min(100, Math.Max(handedOut[partition], from + count));
        }

        foreach (var process in processes)
            if (process is not null) await process.DisposeAsync();
        Assert.True(committers > 1, $"Seed {seed}: only {committers} commits.");
        Assert.True(await IsDoneAsync(), $"Seed {seed}: positions {string.Join(", ", await PositionsAsync())} after all turns.");
        await flow.AssertHoldsWholeTopicAsync();

        async Task<ImmutableArray<long>> PositionsAsync() =>
            await flow.Catalog.LoadAsync(FlowHarness.Identifier, default) is null ? [0, 0, 0] : [.. (await flow.LedgerAsync()).Sources[0].Partitions.Select(entry => entry.NextOffset)];

        async Task<bool> IsDoneAsync() => (await PositionsAsync()).All(position => position == 100);

        async Task<bool> TryCommitAsync(FlowSteps process)
        {
            try
            {
                if (!process.IsOpen && await process.OpenAsync(OpenAnswers.None, null, default) is not OpenStep.Opened) return false;
                if (random.Next(3) == 0) return false;
                return await process.CommitAsync(closes: random.Next(4) == 0, mayRead: true, default) is CommitStep.Committed;
            }
            catch (PipelineException superseded) when (superseded.Kind == FailureKind.Superseded)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task A_second_committer_is_told_to_stand_by_and_how_long()
    {
        using var flow = new FlowHarness { IsGone = _ => false };
        await using var first = Process(flow);
        await OpenAsync(first);
        await using var second = Process(flow.Another());
        await OpenAsync(second); // The first take-over of an open ledger is immediate.
        var other = flow.Another();
        other.IsGone = _ => false;
        await using var third = Process(other);

        var asked = Assert.IsType<OpenStep.StandBy>(await third.OpenAsync(OpenAnswers.None, null, default));
        var half = Assert.IsType<OpenStep.StandBy>(await third.OpenAsync(OpenAnswers.None, asked.Watch.After(asked.Watch.Remaining / 2), default));
        var opened = await third.OpenAsync(OpenAnswers.None, half.Watch.After(half.Watch.Remaining), default);

        Assert.Equal(asked.Watch.Remaining - asked.Watch.Remaining / 2, half.Watch.Remaining);
        Assert.IsType<OpenStep.Opened>(opened);
        Assert.Equal(FailureKind.Superseded, (await Assert.ThrowsAsync<PipelineException>(async () =>
        {
            await StageAsync(second, flow, 0, 0, 1);
            flow.Produce(0, 2);
            await StageAsync(second, flow, 0, 0, 1);
            await second.CommitAsync(closes: false, mayRead: false, default);
        })).Kind);
    }

    [Fact]
    public async Task A_store_that_fails_for_a_while_is_a_value_and_loses_nothing()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await using var steps = Process(flow);
        await OpenAsync(steps);

        flow.Store.IsDown = _ => true;
        var staging = Assert.IsType<StageStep.TryAgain>(await StageAsync(steps, flow, 0, 0, 5));
        var committing = Assert.IsType<CommitStep.TryAgain>(await steps.CommitAsync(closes: false, mayRead: false, default));
        var opening = Assert.IsType<OpenStep.TryAgain>(await steps.OpenAsync(OpenAnswers.None, null, default));
        flow.Store.IsDown = null;
        await OpenAsync(steps);
        await StageAsync(steps, flow, 0, 0, 5);
        await StageAsync(steps, flow, 1, 0, 5);
        await steps.CommitAsync(closes: true, mayRead: false, default);

        Assert.True(staging.After < committing.After && committing.After < opening.After, $"{staging.After}, {committing.After}, {opening.After}");
        Assert.Equal(FailureKind.Store, staging.Failure.Kind);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_batch_behind_offsets_without_records_follows_on_what_was_staged()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Topic.Append(0, """{"id": 1}""");
        flow.Topic.AppendGap(0, 1);
        flow.Topic.Append(0, """{"id": 2}""");
        await using var steps = Process(flow);
        await OpenAsync(steps);

        await StageAsync(steps, flow, 0, 0, 1);
        var behindMarker = await StageAsync(steps, flow, 0, 2, 1);
        await steps.CommitAsync(closes: true, mayRead: false, default);

        Assert.Equal(new StageStep.Staged(0, 1, 3, 1), behindMarker);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task What_nobody_staged_is_read_by_the_commit_in_its_own_time()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 30);
        await using var steps = Process(flow);
        await OpenAsync(steps);
        await StageAsync(steps, flow, 0, 20, 10); // The trigger has dropped the first twenty for good.

        var commits = new List<CommitStep>();
        for (var i = 0; i < 3; i++) commits.Add(await steps.CommitAsync(closes: false, mayRead: true, default));

        Assert.Equal(30, commits.OfType<CommitStep.Committed>().Sum(commit => commit.Books.AddedRowCount));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_bad_record_under_fail_is_refused_after_what_came_before_it()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Topic.Append(0, """{"id": 1}""");
        flow.Topic.Append(0, "no json");
        await using var steps = Process(flow);
        await OpenAsync(steps);

        var rejected = await Assert.ThrowsAsync<PipelineException>(() => StageAsync(steps, flow, 0, 0, 2));
        await steps.CommitAsync(closes: true, mayRead: false, default);

        Assert.Equal(FailureKind.RecordRejected, rejected.Kind);
        await flow.AssertHoldsExactlyAsync([(0, 0)]);
    }

    [Theory]
    [InlineData("another-id")]
    [InlineData(null)]
    public async Task A_topic_that_was_created_again_is_refused_before_anything_of_it_is_committed(string? newId)
    {
        using var flow = new FlowHarness();
        if (newId is null) flow.Topic.TopicId = null;
        flow.Produce(0, 20);
        await using var steps = Process(flow);
        await OpenAsync(steps);
        await StageAsync(steps, flow, 0, 0, 10);
        await StageAsync(steps, flow, 1, 0, 10);
        await steps.CommitAsync(closes: false, mayRead: false, default);

        flow.Topic.Recreate(2, newId);
        flow.Produce(100, 40);
        if (newId is not null) Assert.Equal(FailureKind.Kafka, Assert.IsType<StageStep.TryAgain>(await StageAsync(steps, flow, 0, 10, 10)).Failure.Kind);
        else await StageAsync(steps, flow, 0, 10, 10);
        var refusal = await Assert.ThrowsAsync<PipelineException>(async () => await steps.CommitAsync(closes: false, mayRead: false, default));

        Assert.Equal(FailureKind.WouldLoseOrDouble, refusal.Kind);
        Assert.Equal(20, (await flow.RowsAsync()).Count);
    }

    [Fact]
    public async Task A_partition_that_appears_is_opened_before_it_is_committed()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 3);
        await using var steps = Process(flow);
        await OpenAsync(steps);

        flow.Topic.AddPartitions(1);
        flow.Topic.Append(1, """{"id": 7}""");
        var early = await StageAsync(steps, flow, 1, 0, 1);
        var asked = await steps.CommitAsync(closes: false, mayRead: false, default);
        await OpenAsync(steps);
        await StageAsync(steps, flow, 1, 0, 1);
        await StageAsync(steps, flow, 0, 0, 3);
        await steps.CommitAsync(closes: true, mayRead: false, default);

        Assert.IsType<StageStep.NotYet>(early);
        Assert.IsType<CommitStep.OpenAgain>(asked);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_commit_that_another_writer_overtakes_comes_back_as_a_wait_and_stands_later()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await using var steps = Process(flow);
        await OpenAsync(steps);
        await StageAsync(steps, flow, 0, 0, 5);
        await StageAsync(steps, flow, 1, 0, 5);
        flow.Store.Before(".metadata.json", () => flow.ForeignAppendAsync());

        var first = Assert.IsType<CommitStep.TryAgain>(await steps.CommitAsync(closes: false, mayRead: false, default));
        await OpenAsync(steps);
        Assert.IsType<CommitStep.Committed>(await steps.CommitAsync(closes: true, mayRead: false, default));

        Assert.Equal(FailureKind.Catalog, first.Failure.Kind);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_batch_that_lacks_records_is_never_staged_however_often_it_is_handed_in()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 3);
        flow.Topic.AppendGap(0, 1);
        flow.Produce(3, 6);
        await using var steps = Process(flow);
        await OpenAsync(steps);

        var lacking = new List<StageStep>();
        for (var i = 0; i < 3; i++) lacking.Add(await StageOffsetsAsync(steps, flow, 0, 2, 4));
        var whole = await StageOffsetsAsync(steps, flow, 0, 1, 2, 4);
        for (var i = 0; i < 3; i++) lacking.Add(await StageOffsetsAsync(steps, flow, 5, 7));
        await StageAsync(steps, flow, 0, 5, 5);
        await steps.CommitAsync(closes: true, mayRead: false, default);

        Assert.All(lacking, step => Assert.Contains("lacks records", Assert.IsType<StageStep.Unfit>(step).Failure.Message, StringComparison.Ordinal));
        Assert.Equal(new StageStep.Staged(0, 0, 5, 4), whole);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Theory]
    [InlineData("another-id", "it was deleted and created again")]
    [InlineData(null, "the record at offset 8 of partition 0 is not the one that was read")]
    public async Task A_batch_whose_gaps_are_counted_in_a_topic_that_was_created_again_is_not_staged(string? newId, string expected)
    {
        using var flow = new FlowHarness(partitionCount: 1);
        if (newId is null) flow.Topic.TopicId = null;
        flow.Produce(0, 10);
        flow.OnSource = source => source.BeforeGapCount = () =>
        {
            flow.Topic.Recreate(1, newId);
            flow.Topic.AppendGap(0, 8);
            flow.Produce(100, 2);
        };
        await using var steps = Process(flow);
        await OpenAsync(steps);

        var staged = await StageOffsetsAsync(steps, flow, 0, 1, 2, 3, 4, 8);

        Assert.Contains(expected, Assert.IsType<StageStep.TryAgain>(staged).Failure.Message, StringComparison.Ordinal);
        Assert.Empty(await flow.RowsAsync());
    }

    [Theory]
    [InlineData("another-id")]
    [InlineData(null)]
    public async Task A_batch_that_was_read_before_the_topic_was_created_again_is_not_staged_after_a_person_started_over(string? newId)
    {
        using var flow = new FlowHarness(partitionCount: 1);
        if (newId is null) flow.Topic.TopicId = null;
        flow.Produce(0, 10);
        using var old = Batch(flow, 0, 0, 5);
        using var oldAndLonger = Batch(flow, 0, 0, 10);
        await using (var before = Process(flow)) await OpenAsync(before);
        flow.Topic.Recreate(1, newId);
        flow.Produce(100, 8);
        await using var steps = Process(flow);
        Assert.IsType<OpenStep.Opened>(await steps.OpenAsync(OpenAnswers.None with { Reset = true }, null, default));

        StageStep[] refused = [await steps.StageAsync(old, default), await steps.StageAsync(oldAndLonger, default)];
        await StageAsync(steps, flow, 0, 0, 8);
        await steps.CommitAsync(closes: true, mayRead: false, default);

        Assert.Contains("ends with offset 4 of partition 0, which topic 'shop.orders' does not hold: another record stands there", Assert.IsType<StageStep.Unfit>(refused[0]).Failure.Message, StringComparison.Ordinal);
        Assert.Contains("ends with offset 9 of partition 0, which topic 'shop.orders' does not hold: nothing stands there, or behind it.", Assert.IsType<StageStep.Unfit>(refused[1]).Failure.Message, StringComparison.Ordinal);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_batch_of_records_that_an_unclean_leader_election_has_taken_is_not_staged()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        using var lost = Batch(flow, 0, 5, 5);
        await using var steps = Process(flow);
        await OpenAsync(steps);
        await StageAsync(steps, flow, 0, 0, 5);
        flow.Topic.ElectUncleanly(0, from: 7, count: 3);

        var refused = await steps.StageAsync(lost, default);
        await StageAsync(steps, flow, 0, 5, 5);
        await steps.CommitAsync(closes: true, mayRead: false, default);

        Assert.Contains("or before it lost or deleted records", Assert.IsType<StageStep.Unfit>(refused).Failure.Message, StringComparison.Ordinal);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_batch_behind_records_that_were_deleted_before_anybody_read_them_does_not_pass_them()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 20);
        await using var steps = Process(flow);
        await OpenAsync(steps);
        await StageAsync(steps, flow, 0, 0, 5);
        await steps.CommitAsync(closes: false, mayRead: false, default);

        flow.Topic.DeleteBefore(0, 12); // The trigger has dropped offsets 5 to 11 for good.
        var staged = await StageAsync(steps, flow, 0, 12, 8);
        var asked = await steps.CommitAsync(closes: true, mayRead: false, default);
        var refusal = await Assert.ThrowsAsync<PipelineException>(async () => await steps.OpenAsync(OpenAnswers.None, null, default));

        Assert.Equal(new StageStep.Staged(0, 12, 20, 8), staged);
        Assert.Equal(0, Assert.IsType<CommitStep.Committed>(asked).Books.RecordCount); // It closes the ledger.
        Assert.Contains("no longer holds offsets 5 to 11, which are not in the table", refusal.Message, StringComparison.Ordinal);
        await flow.AssertHoldsExactlyAsync(Enumerable.Range(0, 5).Select(offset => (0, (long)offset)));
    }

    [Fact]
    public async Task A_batch_in_whose_gap_records_may_have_been_deleted_since_is_not_staged()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        flow.OnSource = source => source.BeforeGapCount = () => flow.Topic.DeleteBefore(0, 8);
        await using var steps = Process(flow);
        await OpenAsync(steps);

        var staged = await StageOffsetsAsync(steps, flow, 0, 1, 2, 3, 4, 8); // Offsets 5 to 7 hold records that it lacks.

        Assert.Contains("has been deleted since (it begins at 8 now): the batch that was handed in may lack records", Assert.IsType<StageStep.TryAgain>(staged).Failure.Message, StringComparison.Ordinal);
        Assert.Empty(await flow.RowsAsync());
    }

    [Theory]
    [InlineData("another-id", "it was deleted and created again")]
    [InlineData(null, "the record at offset 9 of partition 0 is not the one that was read")]
    public async Task What_a_commit_reads_from_a_topic_that_was_created_again_is_not_committed(string? newId, string expected)
    {
        using var flow = new FlowHarness(partitionCount: 1);
        if (newId is null) flow.Topic.TopicId = null;
        flow.Produce(0, 30);
        await using var steps = Process(flow);
        await OpenAsync(steps);
        await StageAsync(steps, flow, 0, 0, 10);
        await steps.CommitAsync(closes: false, mayRead: false, default);
        await StageAsync(steps, flow, 0, 20, 10); // Nobody stages the ten before them.
        flow.OnSource = source => source.BeforeAssign = () =>
        {
            flow.Topic.Recreate(1, newId);
            flow.Produce(100, 30);
        };

        var commits = new List<CommitStep>();
        for (var i = 0; i < 3 && commits.All(commit => commit is not CommitStep.TryAgain); i++) commits.Add(await steps.CommitAsync(closes: false, mayRead: true, default));
        var refusal = await Assert.ThrowsAsync<PipelineException>(async () => await steps.OpenAsync(OpenAnswers.None, null, default));

        Assert.Contains(expected, Assert.IsType<CommitStep.TryAgain>(commits[^1]).Failure.Message, StringComparison.Ordinal);
        Assert.Equal(FailureKind.WouldLoseOrDouble, refusal.Kind);
        Assert.Equal(10, (await flow.RowsAsync()).Count);
    }

    [Fact]
    public async Task A_topic_that_seems_to_have_lost_partitions_is_a_wait_first_and_refused_after_five_seconds()
    {
        using var flow = new FlowHarness(partitionCount: 2);
        flow.Topic.TopicId = null;
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.OnSource = source => source.ToldPartitionCount = _ => 1;
        await using var steps = Process(flow);

        Assert.IsType<OpenStep.TryAgain>(await steps.OpenAsync(OpenAnswers.None, null, default));
        Assert.IsType<OpenStep.TryAgain>(await steps.OpenAsync(OpenAnswers.None, null, default));
        flow.Clock.Elapsed += TimeSpan.FromSeconds(5);
        var refusal = await Assert.ThrowsAsync<PipelineException>(async () => await steps.OpenAsync(OpenAnswers.None, null, default));

        Assert.Equal(FailureKind.WouldLoseOrDouble, refusal.Kind);
    }

    [Fact]
    public async Task A_batch_out_of_the_order_of_its_offsets_is_refused()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 3);
        await using var steps = Process(flow);
        await OpenAsync(steps);

        await Assert.ThrowsAsync<ArgumentException>(() => StageOffsetsAsync(steps, flow, 0, 2, 1));
    }

    [Theory]
    [InlineData("CAST('10:00:00.250' AS TIME(3))", "identity")]
    [InlineData("CAST('10:00:00.250' AS TIME(3))", "bucket[3]")]
    [InlineData("CAST(id AS FLOAT) / 4", "identity")]
    [InlineData("CAST(id AS DECIMAL(20, 3))", "truncate[5000]")]
    [InlineData("TO_TIMESTAMP_LTZ(id * 86400000, 3)", "day")]
    [InlineData("CAST(note AS BYTES)", "bucket[5]")]
    [InlineData("CAST(id AS SMALLINT)", "bucket[5]")]
    public async Task Rows_of_small_ranges_lie_where_a_run_puts_them(string value, string transform)
    {
        List<string> ofRun = await FilesAsync(isStaged: false), ofSteps = await FilesAsync(isStaged: true);

        Assert.Equal(ofRun, ofSteps);

        async Task<List<string>> FilesAsync(bool isStaged)
        {
            using var flow = new FlowHarness(partitionCount: 1);
            flow.Overrides.Add("orchestration.checkpoint_interval=1h");
            flow.Definition = flow.Definition.Replace("`offset` FROM", $"`offset`, {value} AS v FROM", StringComparison.Ordinal);
            await flow.CatchUpAsync();
            await PartitionAndSortByAsync(flow, "v", Transform.Parse(transform));
            flow.Produce(0, 20);
            if (isStaged)
            {
                await using var steps = Process(flow);
                await OpenAsync(steps);
                for (var from = 0; from < 20; from += 5) await StageAsync(steps, flow, 0, from, 5);
                Assert.IsType<CommitStep.Committed>(await steps.CommitAsync(closes: true, mayRead: false, default));
            }
            else
            {
                await flow.CatchUpAsync();
            }
            await flow.AssertHoldsWholeTopicAsync();
            return [.. (await flow.LiveFilesAsync()).Select(file => $"{file.Partition[0].Number}: {file.RecordCount} rows, order {file.SortOrderId}").Order(StringComparer.Ordinal)];
        }
    }

    private static async Task PartitionAndSortByAsync(FlowHarness flow, string column, Transform transform)
    {
        var schema = (await flow.TableAsync()).Metadata.CurrentSchema;
        using var order = JsonDocument.Parse($$"""{"order-id":1,"fields":[{"transform":"{{transform}}","source-id":{{schema.FindColumn(column)!.Id}},"direction":"desc","null-order":"nulls-last"}]}""");
        await flow.ChangeTableAsync(
            new TableUpdate.AddSpec(PartitionSpec.Create(schema, [(column, transform, null)])), new TableUpdate.SetDefaultSpec(TableUpdate.LastAdded),
            new TableUpdate.AddSortOrder(SchemaJson.ReadSortOrder(order.RootElement)), new TableUpdate.SetDefaultSortOrder(TableUpdate.LastAdded));
    }

    [Fact]
    public async Task A_run_beside_a_host_takes_over_and_what_the_host_staged_before_counts_once()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 40);
        await using var host = Process(flow.Another());
        await OpenAsync(host);
        await StageAsync(host, flow, 0, 0, 10);

        await flow.CatchUpAsync();
        var superseded = await Assert.ThrowsAsync<PipelineException>(async () => await host.CommitAsync(closes: false, mayRead: true, default));
        flow.Produce(40, 20);
        await OpenAsync(host);
        var staged = await StageAsync(host, flow, 0, 5, 25);
        await StageAsync(host, flow, 1, 20, 10);
        await host.CommitAsync(closes: true, mayRead: false, default);
        await flow.CatchUpAsync();

        Assert.Equal(FailureKind.Superseded, superseded.Kind);
        Assert.Equal(new StageStep.Staged(0, 20, 30, 10), staged);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_batch_of_two_partitions_is_refused()
    {
        using var flow = new FlowHarness();
        await using var steps = Process(flow);
        using var batch = new ManagedRawBatch();
        batch.Add("{}"u8.ToArray(), partition: 0);
        batch.Add("{}"u8.ToArray(), partition: 1);

        await Assert.ThrowsAsync<ArgumentException>(async () => await steps.StageAsync(batch, default));
    }
}
