using System.Collections.Immutable;
using Matih.Batches;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Steps;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Delivery.Steps;

/// <summary>A pipeline that a host drives: batches are handed in, commits are asked for, and nothing of the engine runs between.</summary>
public sealed class FlowStepsTests
{
    /// <summary>The engine may start nothing: a host that is called has no thread to give.</summary>
    private sealed class NoTasks : ITaskStarter
    {
        public Task Start(string name, Func<CancellationToken, Task> work, CancellationToken cancellationToken) =>
            throw new InvalidOperationException($"'{name}' was started, although steps run in their caller's time.");
    }

    /// <summary>A process that drives the flow step by step.</summary>
    private static FlowSteps Process(FlowHarness flow)
    {
        var environment = new EngineEnvironment(flow.Clock, flow.Ids, new Random(1), new NoTasks(), flow.Scratch);
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
