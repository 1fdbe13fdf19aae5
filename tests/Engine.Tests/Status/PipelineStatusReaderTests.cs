using Matih.Delivery;
using Matih.Delivery.Steps;
using Matih.Engine.Tests.Delivery;
using Matih.Hosting;
using Matih.Status;

namespace Matih.Engine.Tests.Status;

/// <summary>A status says where a flow stands, and disturbs nothing.</summary>
public sealed class PipelineStatusReaderTests
{
    [Fact]
    public async Task A_flow_that_never_started_has_no_table_and_gets_none()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);

        var pipeline = await flow.PipelineStatusAsync();
        var status = Assert.Single(pipeline.Flows);

        Assert.Equal(("orders", "1", false, ExitCode.Done), (pipeline.Name, pipeline.Version, pipeline.IsOffline, pipeline.ExitCode));
        Assert.Equal((FlowCondition.NeverStarted, false, null), (status.Condition, status.TableExists, status.Ledger));
        Assert.Equal([new PartitionStatus(0, null, 0, 5), new PartitionStatus(1, null, 0, 5)], status.Partitions);
        Assert.Equal((null, null, null), (status.Uncommitted, status.Unstaged, status.Staged));
        Assert.Empty(status.Unread);
        Assert.Empty(Directory.EnumerateFileSystemEntries(flow.Warehouse));
    }

    [Fact]
    public async Task A_flow_that_has_read_everything_is_up_to_date()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();

        var pipeline = await flow.PipelineStatusAsync();
        var status = Assert.Single(pipeline.Flows);

        Assert.Equal(ExitCode.Done, pipeline.ExitCode);
        Assert.Equal((FlowCondition.UpToDate, true), (status.Condition, status.TableExists));
        Assert.Equal((await flow.LedgerAsync()).Commit, status.Ledger!.Ledger.Commit);
        Assert.Equal((await flow.HeadAsync(), await flow.HeadAsync()), (status.SnapshotId!.Value, status.Ledger.SnapshotId));
        Assert.Equal((10, 10), (status.Ledger.Ledger.Totals.RecordCount, status.Ledger.Ledger.Totals.AddedRowCount));
        Assert.All(status.Partitions, partition => Assert.Equal((5, 5, 0, 0), (partition.NextOffset, partition.End, partition.Uncommitted, partition.Unstaged)));
        Assert.Equal((0, 0, 0), (status.Uncommitted, status.Unstaged, status.Staged!.RangeCount));
        Assert.Empty(status.Unread);
    }

    [Fact]
    public async Task Records_that_came_since_the_last_commit_put_it_behind()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 6);

        var status = await flow.StatusAsync();

        Assert.Equal((FlowCondition.Behind, 6, 6), (status.Condition, status.Uncommitted, status.Unstaged));
    }

    [Fact]
    public async Task Offsets_that_hold_no_record_count_as_lag_and_leave_it_up_to_date()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Topic.AppendGap(1, 3);

        var status = await flow.StatusAsync();

        Assert.Equal((FlowCondition.UpToDate, 3, 3), (status.Condition, status.Uncommitted, status.Unstaged));
    }

    [Fact]
    public async Task A_partition_that_the_ledger_does_not_hold_yet_is_read_from_its_start()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 4);
        await flow.CatchUpAsync();
        flow.Topic.AddPartitions(1);
        flow.Topic.Append(1, "{\"id\": 7}");

        var status = await flow.StatusAsync();

        Assert.Equal((FlowCondition.Behind, 1), (status.Condition, status.Uncommitted));
        Assert.Equal((null, 1, 1), (status.Partitions[1].NextOffset, status.Partitions[1].Uncommitted, status.Partitions[1].Unstaged));
    }

    [Fact]
    public async Task What_is_staged_waits_for_a_commit_and_is_counted()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 20);
        await using var steps = flow.OpenSteps();
        await steps.OpenAsync();
        await flow.StageAsync(steps, 0, 0, 4);
        await flow.StageAsync(steps, 0, 4, 6);
        var half = await flow.StatusAsync();
        await flow.StageAsync(steps, 1, 0, 10);

        var status = await flow.StatusAsync();
        var offline = await flow.StatusAsync(isOffline: true);
        Assert.IsType<CommitStep.Committed>(await steps.CommitAsync(closes: false, mayRead: false, default));
        var committed = await flow.StatusAsync();

        Assert.Equal((FlowCondition.Behind, 20, 10), (half.Condition, half.Uncommitted, half.Unstaged));
        Assert.Equal((FlowCondition.StagedWaiting, 20, 0), (status.Condition, status.Uncommitted, status.Unstaged));
        Assert.Equal((3, 0), (status.Staged!.RangeCount, status.Staged.DetachedCount));
        Assert.Equal((20, 20), (status.Staged.Content!.Value.RecordCount, status.Staged.Content.Value.RowCount));
        Assert.True(status.Staged.Content.Value.Bytes > 0);
        Assert.NotNull(status.Staged.OldestAt);
        Assert.Equal([(0, 2, 10L), (1, 1, 10L)], status.Partitions.Select(partition => (partition.Partition, partition.Staged!.RangeCount, partition.StagedTo!.Value)));
        Assert.Equal((FlowCondition.NotCompared, status.Staged), (offline.Condition, offline.Staged));
        Assert.Equal((FlowCondition.UpToDate, 0), (committed.Condition, committed.Staged!.RangeCount));
    }

    [Fact]
    public async Task A_range_behind_offsets_that_nobody_staged_is_told_apart()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        await using var steps = flow.OpenSteps();
        await steps.OpenAsync();
        await flow.StageAsync(steps, 0, 0, 2);
        await flow.StageAsync(steps, 0, 6, 4);

        var status = await flow.StatusAsync();

        Assert.Equal((FlowCondition.Behind, 1, 1), (status.Condition, status.Staged!.RangeCount, status.Staged.DetachedCount));
        Assert.Equal((2L, 8L), (status.Partitions[0].StagedTo, status.Unstaged));
    }

    [Fact]
    public async Task A_damaged_range_does_not_count_because_no_commit_takes_it_in()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        await using var steps = flow.OpenSteps();
        await steps.OpenAsync();
        await flow.StageAsync(steps, 0, 0, 2);
        await flow.StageAsync(steps, 0, 2, 8);
        var second = Directory.EnumerateFiles(flow.Warehouse, "p00000-*0002-*.json", SearchOption.AllDirectories).Single();
        await File.WriteAllTextAsync(second, "{");

        var status = await flow.StatusAsync();

        Assert.Equal((FlowCondition.Behind, 1, 0), (status.Condition, status.Staged!.RangeCount, status.Staged.DetachedCount));
        Assert.Equal((2, 8), (status.Staged.Content!.Value.RecordCount, status.Unstaged));
    }

    [Fact]
    public async Task A_topic_that_was_created_again_is_refused_as_a_start_would()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Topic.Recreate(2, "another-topic-id");

        var pipeline = await flow.PipelineStatusAsync();
        var status = Assert.Single(pipeline.Flows);
        var refusal = await flow.RefusalAsync();

        Assert.Equal((ExitCode.Refused, FlowCondition.Refused), (pipeline.ExitCode, status.Condition));
        Assert.Equal(new FlowRefusal(refusal.Kind, refusal.ExitCode, refusal.Message, refusal.Remedy), status.Refusal);
        Assert.Equal(10, status.Ledger!.Ledger.Totals.RecordCount);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_table_that_was_rolled_back_past_the_flow_is_refused_with_and_without_Kafka(bool isOffline)
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await using (var steps = flow.OpenSteps()) await steps.OpenAsync();
        await flow.ForeignAppendAsync();
        var other = flow.Another(pipeline: "other");
        var before = await flow.HeadAsync();
        await other.CatchUpAsync();
        await other.RollBackAsync(before);

        var status = Assert.Single((await other.PipelineStatusAsync(isOffline)).Flows);

        Assert.Equal((FlowCondition.Refused, ExitCode.Refused), (status.Condition, status.Refusal!.ExitCode));
        Assert.Equal((await other.RefusalAsync()).Message, status.Refusal.Message);
        Assert.Null(status.Ledger);
    }

    [Fact]
    public async Task A_table_that_was_dropped_is_refused_where_the_consumer_group_remembers_it()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.DropTable();

        var status = await flow.StatusAsync();
        var offline = await flow.StatusAsync(isOffline: true);

        Assert.Equal((FlowCondition.Refused, false), (status.Condition, status.TableExists));
        Assert.Contains("The consumer group remembers", status.Refusal!.Message, StringComparison.Ordinal);
        Assert.Equal(FlowCondition.NeverStarted, offline.Condition);
        Assert.False(Directory.Exists(flow.TableFolder));
    }

    [Fact]
    public async Task A_query_that_no_longer_fits_the_table_is_refused_as_a_wrong_definition()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Definition = flow.Definition.Replace("SELECT id, note,", "SELECT note AS id, note,", StringComparison.Ordinal);

        var pipeline = await flow.PipelineStatusAsync();

        Assert.Equal((ExitCode.BadDefinition, FlowCondition.Refused), (pipeline.ExitCode, pipeline.Flows[0].Condition));
        Assert.Equal(FailureKind.BadDefinition, pipeline.Flows[0].Refusal!.Kind);
    }

    [Fact]
    public async Task Without_Kafka_everything_else_is_told_with_the_reason()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await using var steps = flow.OpenSteps();
        await steps.OpenAsync();
        await flow.StageAsync(steps, 0, 0, 5);
        flow.OnSource = source => source.Trouble = "connection refused";

        var pipeline = await flow.PipelineStatusAsync();
        var status = Assert.Single(pipeline.Flows);

        Assert.Equal((ExitCode.Environment, FlowCondition.Unreachable), (pipeline.ExitCode, status.Condition));
        var part = Assert.Single(status.Unread);
        Assert.Equal((StatusPart.Topic, FailureKind.Kafka), (part.Part, part.Kind));
        Assert.Contains("connection refused", part.Message, StringComparison.Ordinal);
        Assert.Equal((1, 5), (status.Staged!.RangeCount, status.Staged.Content!.Value.RecordCount));
        Assert.Equal((0L, null, null), (status.Partitions[0].NextOffset, status.Partitions[0].End, status.Uncommitted));
    }

    [Fact]
    public async Task Offline_asks_Kafka_nothing()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.OnSource = _ => throw new InvalidOperationException("Kafka was asked.");

        var pipeline = await flow.PipelineStatusAsync(isOffline: true);
        var status = Assert.Single(pipeline.Flows);

        Assert.Equal((ExitCode.Done, FlowCondition.NotCompared, 0), (pipeline.ExitCode, status.Condition, status.Staged!.RangeCount));
        Assert.Equal((StatusPart.Topic, null), (Assert.Single(status.Unread).Part, status.Unread[0].Kind));
        Assert.Null(status.TopicReadAt);
    }

    [Fact]
    public async Task What_is_staged_is_unknown_offline_where_the_ledger_lacks_the_topic_s_ids()
    {
        using var flow = new FlowHarness();
        flow.Topic.TopicId = null;
        flow.Produce(0, 10);
        await flow.CatchUpAsync();

        var status = await flow.StatusAsync(isOffline: true);
        var online = await flow.StatusAsync();

        Assert.Equal((FlowCondition.NotCompared, null), (status.Condition, status.Staged));
        Assert.Equal([StatusPart.Topic, StatusPart.Staging], status.Unread.Select(part => part.Part));
        Assert.Equal((FlowCondition.UpToDate, 0), (online.Condition, online.Staged!.RangeCount));
    }

    [Fact]
    public async Task Without_the_table_the_topic_is_told_with_the_reason()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Store.IsDown = _ => true;

        var status = await flow.StatusAsync();

        Assert.Equal((FlowCondition.Unreachable, null), (status.Condition, status.TableExists));
        Assert.Equal((StatusPart.Table, FailureKind.Store), (Assert.Single(status.Unread).Part, status.Unread[0].Kind));
        Assert.Equal([(0L, 5L), (0L, 5L)], status.Partitions.Select(partition => (partition.LogStart!.Value, partition.End!.Value)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Brokers_that_keep_silent_are_waited_for_no_longer_than_half_a_minute(bool endsWhenCancelled)
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var (answer, limit) = (new TaskCompletionSource(), new HeldLimit());
        flow.OnSource = source => source.BeforeIdentify = token => endsWhenCancelled ? answer.Task.WaitAsync(token) : answer.Task;
        // The half minute is over when all that answers has answered.
        var tasks = new NotedTasks(name => { if (name.StartsWith("Staging", StringComparison.Ordinal)) limit.Pass(); });

        var status = Assert.Single((await flow.PipelineStatusAsync(environment: flow.Environment() with { Clock = limit, Tasks = tasks })).Flows);
        answer.SetResult();

        Assert.Equal(TimeSpan.FromSeconds(30), limit.Time);
        Assert.Equal(FlowCondition.Unreachable, status.Condition);
        Assert.Equal("Topic 'shop.orders' was not read within 30 s.", Assert.Single(status.Unread).Message);
        Assert.Equal((10, 0), (status.Ledger!.Ledger.Totals.RecordCount, status.Staged!.RangeCount));
    }

    [Fact]
    public async Task A_reader_that_is_cancelled_says_so()
    {
        using var flow = new FlowHarness();
        using var cancelled = new CancellationTokenSource();
        flow.OnSource = source => source.BeforeIdentify = async token =>
        {
            await cancelled.CancelAsync();
            token.ThrowIfCancellationRequested();
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flow.PipelineStatusAsync(cancellationToken: cancelled.Token));
    }

    [Fact]
    public async Task Rates_are_those_of_the_newest_commits_of_this_flow()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Clock.Jump += TimeSpan.FromMinutes(10);
        await flow.ForeignAppendAsync();
        flow.Produce(10, 30);
        await flow.CatchUpAsync();

        var rates = (await flow.StatusAsync()).Rates!;

        Assert.Equal((40, 40), (rates.RecordCount, rates.RowCount));
        Assert.Equal((await flow.LedgerAsync()).WrittenAtMillis, rates.To.ToUnixTimeMilliseconds());
        Assert.InRange((rates.To - rates.From).TotalMinutes, 10, 11);
        Assert.Equal(40 / (rates.To - rates.From).TotalSeconds, rates.RecordsPerSecond);
    }

    [Fact]
    public async Task Rates_look_back_no_further_than_twenty_commits_and_a_reset()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        await using var steps = flow.OpenSteps();
        await steps.OpenAsync();
        for (var i = 0; i < 25; i++)
        {
            flow.Clock.Jump += TimeSpan.FromSeconds(1);
            flow.Produce(i * 2, 2);
            await flow.StageAsync(steps, 0, i * 2, 2);
            Assert.IsType<CommitStep.Committed>(await steps.CommitAsync(closes: false, mayRead: false, default));
        }
        var many = (await flow.StatusAsync()).Rates!;
        await flow.CatchUpAsync(new OpenAnswers { Reset = true });

        var reset = (await flow.StatusAsync()).Rates;

        Assert.Equal((20, 40), (many.CommitCount, many.RecordCount));
        Assert.InRange(many.RecordsPerSecond, 0.1, 2);
        Assert.True(reset is null || reset.CommitCount < 20, $"{reset}");
    }

    [Fact]
    public async Task An_open_ledger_names_its_writer_and_whether_that_is_known_to_be_gone()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.RunUntilKilledAsync(async () => await flow.Catalog.LoadAsync(FlowHarness.Identifier, default) is not null && (await flow.RowsAsync()).Count == 10);

        var unknown = await flow.StatusAsync();
        var gone = Assert.Single((await flow.PipelineStatusAsync(isGone: hint => hint == flow.Hint)).Flows);

        Assert.True(unknown.Ledger!.Ledger.IsOpen);
        Assert.Equal((flow.Hint, false, true), (unknown.Ledger.Ledger.Writer, unknown.IsWriterKnownGone, gone.IsWriterKnownGone));
        Assert.Equal(FlowCondition.UpToDate, unknown.Condition);
    }

    [Fact]
    public async Task Another_pipeline_s_commits_leave_the_flow_s_last_commit_as_it_is()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var own = await flow.HeadAsync();
        await flow.Another(pipeline: "other").CatchUpAsync();

        var status = await flow.StatusAsync();

        Assert.Equal(own, status.Ledger!.SnapshotId);
        Assert.Equal(await flow.HeadAsync(), status.SnapshotId);
        Assert.NotEqual(own, status.SnapshotId);
    }

    [Fact]
    public async Task Looking_changes_nothing()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 20);
        await flow.CatchUpAsync();
        flow.Produce(20, 10);
        await using var steps = flow.OpenSteps();
        await steps.OpenAsync();
        await flow.StageAsync(steps, 0, 10, 5);
        var before = await ContentsAsync(flow);
        var (mark, offsets, entries) = (flow.Topic.GroupMark, flow.Topic.GroupOffsets.ToArray(), flow.Entries.Count);

        await flow.StatusAsync();
        await flow.StatusAsync(isOffline: true);

        Assert.Equal(before, await ContentsAsync(flow));
        Assert.Equal((mark, entries), (flow.Topic.GroupMark, flow.Entries.Count));
        Assert.Equal(offsets, flow.Topic.GroupOffsets);
        Assert.IsType<CommitStep.Committed>(await steps.CommitAsync(closes: true, mayRead: false, default));
        await flow.AssertVerifiesAsync();

        static async Task<List<(string, string)>> ContentsAsync(FlowHarness flow)
        {
            var files = new List<(string, string)>();
            foreach (var file in Directory.EnumerateFiles(flow.Warehouse, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
                files.Add((file, Convert.ToHexString(await File.ReadAllBytesAsync(file))));
            return files;
        }
    }

    [Fact]
    public async Task Each_sink_stands_for_itself()
    {
        using var flow = new FlowHarness();
        flow.Definition = flow.Definition.Replace("mode: append }", "mode: append }\n  copy: { type: iceberg, table: shop.copies, mode: append }", StringComparison.Ordinal);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        Directory.Delete($"{flow.Warehouse}/shop/copies", recursive: true);

        var pipeline = await flow.PipelineStatusAsync();

        Assert.Equal([("lake", FlowCondition.UpToDate), ("copy", FlowCondition.Refused)], pipeline.Flows.Select(status => (status.Flow.Sink, status.Condition)));
        Assert.Equal(ExitCode.Refused, pipeline.ExitCode);
    }

    [Fact]
    public void Every_condition_has_a_name_of_its_own()
    {
        var names = Enum.GetValues<FlowCondition>().Select(FlowStatus.Name).ToList();

        Assert.Equal(["never-started", "up-to-date", "staged-waiting", "behind", "refused", "unreachable", "not-compared"], names);
    }

    /// <summary>A clock whose one timer is up when the test says so.</summary>
    private sealed class HeldLimit : TimeProvider
    {
        private Action? _pass;

        public TimeSpan Time { get; private set; }

        public void Pass() => _pass!();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Assert.Null(_pass);
            (Time, _pass) = (dueTime, () => callback(state));
            return System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Says which work has ended.</summary>
    private sealed class NotedTasks(Action<string> ended) : ITaskStarter
    {
        public Task Start(string name, Func<CancellationToken, Task> work, CancellationToken cancellationToken)
        {
            var started = new SystemTaskStarter().Start(name, work, cancellationToken);
            // Only once it has ended for whoever waits for it, too.
            started.ContinueWith(_ => ended(name), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
            return started;
        }
    }
}
