using System.Text.Json;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Tests.Hosting.Serverless;

/// <summary>The loop of a pipeline as a value: every command in every phase, every outcome, and random sequences of both.</summary>
public sealed class PipelineLoopTests
{
    private static readonly DateTimeOffset T0 = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly LoopSettings Settings = new(CheckpointIntervalMillis: 60_000, IdleTimeoutMillis: 300_000, FailureLimitMillis: 600_000, RecordCountMax: 1000, StagedBytesMax: 1_000_000);

    private static readonly ReportedFailure Failure = new("store", "No.", "Look.");

    public static TheoryData<JsonSerializerOptions> Serializers => [JsonSerializerOptions.Default, new JsonSerializerOptions(JsonSerializerDefaults.Web)];

    private static FlowReport Flow(FlowOutcome outcome, long? behind = 0, long wait = 0, string sink = "lake") => new(sink, outcome)
    {
        BehindCount = behind,
        WaitMillis = wait,
        Failure = outcome is FlowOutcome.TryAgain or FlowOutcome.Refused ? Failure : null,
        Watch = outcome == FlowOutcome.StandBy ? new ReportedWatch("6b7a0c2e-7f5b-4f0a-9d62-0d5a4a0d5e11", 20_000) : null,
    };

    private static PipelineReport Report(params FlowReport[] flows) => new([.. flows], Settings);

    private static PipelineLoop In(LoopPhase phase) => PipelineLoop.Start("p", T0).After(Report(Flow(FlowOutcome.Committed)), T0) with { Phase = phase, Failure = phase is LoopPhase.Failed or LoopPhase.GaveUp ? Failure : null };

    [Theory]
    [InlineData(LoopPhase.Running, LoopCommand.Staged, LoopPhase.Running)]
    [InlineData(LoopPhase.Running, LoopCommand.Checkpoint, LoopPhase.Running)]
    [InlineData(LoopPhase.Running, LoopCommand.Pause, LoopPhase.Paused)]
    [InlineData(LoopPhase.Running, LoopCommand.Resume, LoopPhase.Running)]
    [InlineData(LoopPhase.Running, LoopCommand.Stop, LoopPhase.Running)]
    [InlineData(LoopPhase.Running, LoopCommand.Start, LoopPhase.Running)]
    [InlineData(LoopPhase.Paused, LoopCommand.Start, LoopPhase.Paused)]
    [InlineData(LoopPhase.Failed, LoopCommand.Start, LoopPhase.Failed)]
    [InlineData(LoopPhase.Paused, LoopCommand.Staged, LoopPhase.Paused)]
    [InlineData(LoopPhase.Paused, LoopCommand.Checkpoint, LoopPhase.Paused)]
    [InlineData(LoopPhase.Paused, LoopCommand.Pause, LoopPhase.Paused)]
    [InlineData(LoopPhase.Paused, LoopCommand.Resume, LoopPhase.Running)]
    [InlineData(LoopPhase.Paused, LoopCommand.Stop, LoopPhase.Running)]
    [InlineData(LoopPhase.Failed, LoopCommand.Staged, LoopPhase.Failed)]
    [InlineData(LoopPhase.Failed, LoopCommand.Checkpoint, LoopPhase.Failed)]
    [InlineData(LoopPhase.Failed, LoopCommand.Pause, LoopPhase.Failed)]
    [InlineData(LoopPhase.Failed, LoopCommand.Resume, LoopPhase.Running)]
    [InlineData(LoopPhase.Failed, LoopCommand.Stop, LoopPhase.Stopped)]
    public void A_command_leads_from_phase_to_phase(LoopPhase before, LoopCommand command, LoopPhase after)
    {
        var now = T0.AddSeconds(5);

        var loop = In(before).After(new LoopSignal(command, 1, 1), now);

        Assert.Equal(after, loop.Phase);
        Assert.Equal(before == after ? T0 : now, loop.Since);
        Assert.Equal(after == LoopPhase.Running && command is LoopCommand.Checkpoint or LoopCommand.Stop || before != after && after == LoopPhase.Running, loop.IsDue(now));
        Assert.Equal(after == LoopPhase.Running && command == LoopCommand.Stop, loop.IsStopping);
    }

    [Fact]
    public void A_timer_that_fires_early_makes_a_commit_due_and_no_second_timer()
    {
        var loop = PipelineLoop.Start("p", T0).After(Report(Flow(FlowOutcome.Committed)), T0);
        var early = T0.AddMilliseconds(59_100);

        Assert.False(loop.IsDue(early));
        Assert.True(loop.AtDueTime(early).IsDue(early));
        Assert.Equal(loop, loop.AtDueTime(T0.AddMinutes(1)));
        Assert.False((loop with { Phase = LoopPhase.Paused }).AtDueTime(early).IsDue(early));
    }

    [Fact]
    public void What_was_stopped_takes_no_command_but_to_start()
    {
        var loop = In(LoopPhase.Stopped);

        Assert.True(loop.HasEnded);
        Assert.Null(loop.WakeAt);
        foreach (var command in Enum.GetValues<LoopCommand>())
        {
            var after = loop.After(new LoopSignal(command, 5000, 5_000_000), T0.AddDays(1));
            if (command == LoopCommand.Start) Assert.True(after is { Phase: LoopPhase.Running, IsStopping: false, Failure: null } && after.IsDue(T0.AddDays(1)));
            else Assert.Same(loop, after);
        }
    }

    [Theory]
    [InlineData(LoopPhase.Idle, LoopCommand.Staged, LoopPhase.Running)]
    [InlineData(LoopPhase.Idle, LoopCommand.Checkpoint, LoopPhase.Running)]
    [InlineData(LoopPhase.Idle, LoopCommand.Pause, LoopPhase.Paused)]
    [InlineData(LoopPhase.Idle, LoopCommand.Resume, LoopPhase.Running)]
    [InlineData(LoopPhase.Idle, LoopCommand.Stop, LoopPhase.Running)]
    [InlineData(LoopPhase.GaveUp, LoopCommand.Staged, LoopPhase.GaveUp)]
    [InlineData(LoopPhase.GaveUp, LoopCommand.Checkpoint, LoopPhase.Running)]
    [InlineData(LoopPhase.GaveUp, LoopCommand.Pause, LoopPhase.Paused)]
    [InlineData(LoopPhase.GaveUp, LoopCommand.Resume, LoopPhase.Running)]
    [InlineData(LoopPhase.GaveUp, LoopCommand.Stop, LoopPhase.Running)]
    [InlineData(LoopPhase.Idle, LoopCommand.Start, LoopPhase.Running)]
    [InlineData(LoopPhase.GaveUp, LoopCommand.Start, LoopPhase.Running)]
    public void What_comes_while_a_loop_ends_makes_it_go_on_as_it_would_start_one(LoopPhase before, LoopCommand command, LoopPhase after)
    {
        var ending = In(before);
        var now = T0.AddSeconds(5);

        var loop = ending.After(new LoopSignal(command, 1, 1), now);

        Assert.True(ending.HasEnded);
        Assert.Equal(after, loop.Phase);
        Assert.Equal(after == LoopPhase.Running, loop.IsDue(now));
        Assert.Equal(command == LoopCommand.Stop, loop.IsStopping);
        Assert.Equal(before == after, loop.Failure == ending.Failure && loop.Since == ending.Since);
    }

    [Theory]
    [InlineData(FlowOutcome.Committed, 0L, 0L, LoopPhase.Running, 60_000L)]
    [InlineData(FlowOutcome.Committed, 40L, 0L, LoopPhase.Running, 60_000L)]
    [InlineData(FlowOutcome.NothingToDo, 0L, 0L, LoopPhase.Running, 60_000L)]
    [InlineData(FlowOutcome.NothingToDo, null, 0L, LoopPhase.Running, 60_000L)]
    [InlineData(FlowOutcome.StandBy, null, 7_000L, LoopPhase.Running, 7_000L)]
    [InlineData(FlowOutcome.StandBy, null, 90_000L, LoopPhase.Running, 60_000L)]
    [InlineData(FlowOutcome.TryAgain, null, 100L, LoopPhase.Running, 1_000L)]
    [InlineData(FlowOutcome.TryAgain, null, 9_000L, LoopPhase.Running, 9_000L)]
    [InlineData(FlowOutcome.Refused, null, 0L, LoopPhase.Failed, null)]
    public void An_outcome_says_when_to_look_again(FlowOutcome outcome, long? behind, long wait, LoopPhase phase, long? dueAfter)
    {
        var loop = PipelineLoop.Start("p", T0).After(Report(Flow(outcome, behind, wait)), T0);

        Assert.Equal(phase, loop.Phase);
        Assert.Equal(dueAfter is { } millis ? T0.AddMilliseconds(millis) : null, loop.WakeAt);
        Assert.Equal(outcome == FlowOutcome.Committed ? T0 : null, loop.LastCommitAt);
        Assert.Equal(outcome is FlowOutcome.TryAgain or FlowOutcome.Refused ? Failure : null, loop.Failure);
        Assert.Equal(outcome == FlowOutcome.TryAgain ? T0 : null, loop.FailingSince);
    }

    [Theory]
    [InlineData(FlowOutcome.Committed)]
    [InlineData(FlowOutcome.NothingToDo)]
    [InlineData(FlowOutcome.TryAgain)]
    [InlineData(FlowOutcome.Refused)]
    public void What_is_stopping_ends_with_its_next_commit_whatever_that_comes_to(FlowOutcome outcome)
    {
        var stopping = In(LoopPhase.Running).After(new LoopSignal(LoopCommand.Stop), T0);

        Assert.Equal(LoopPhase.Stopped, stopping.After(Report(Flow(outcome)), T0).Phase);
        Assert.Equal(LoopPhase.Stopped, stopping.AfterCrash("killed", T0).Phase);
    }

    private static FlowReport StandBy(char commit, long remaining, string sink = "lake") =>
        Flow(FlowOutcome.StandBy, wait: 5000, sink: sink) with { Watch = new ReportedWatch($"{new string(commit, 8)}-7f5b-4f0a-9d62-0d5a4a0d5e11", remaining) };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_stop_waits_until_a_flow_that_stands_by_can_be_taken_over(bool stoodByBefore)
    {
        var loop = stoodByBefore ? In(LoopPhase.Running).After(Report(StandBy('a', 35_000)), T0) : In(LoopPhase.Running);
        loop = loop.After(new LoopSignal(LoopCommand.Stop), T0).After(Report(StandBy('a', 30_000), Flow(FlowOutcome.Committed, sink: "b")), T0);

        Assert.Equal("stopping", LoopJson.Name(loop));
        Assert.Equal(T0.AddSeconds(5), loop.WakeAt);
        Assert.Equal(25_000, loop.WatchesAt(loop.DueAt)["lake"].RemainingMillis);
        loop = loop.After(Report(StandBy('a', 25_000), Flow(FlowOutcome.NothingToDo, sink: "b")), T0.AddSeconds(5));
        Assert.Equal("stopping", LoopJson.Name(loop));
        loop = loop.After(Report(Flow(FlowOutcome.Committed), Flow(FlowOutcome.NothingToDo, sink: "b")), T0.AddSeconds(30));
        Assert.Equal((LoopPhase.Stopped, null), (loop.Phase, loop.Failure));
    }

    [Fact]
    public void A_stop_says_that_it_had_no_last_commit_where_the_other_writer_lives_or_would_be_watched_for_long()
    {
        var stopping = In(LoopPhase.Running).After(new LoopSignal(LoopCommand.Stop), T0).After(Report(StandBy('a', 30_000)), T0);
        foreach (var loop in new[] { stopping.After(Report(StandBy('b', 30_000)), T0.AddSeconds(5)), stopping.After(Report(Flow(FlowOutcome.Committed, sink: "b"), StandBy('a', 300_001)), T0.AddSeconds(5)) })
        {
            Assert.Equal((LoopPhase.Stopped, "other-writer"), (loop.Phase, loop.Failure?.Code));
            Assert.Equal("Pipeline p was stopped without a last commit: another writer of sink lake may be alive. What is staged stays staged.", loop.Failure!.Message);
        }
    }

    [Fact]
    public void A_stop_of_what_is_paused_has_a_last_commit()
    {
        var loop = In(LoopPhase.Paused).After(new LoopSignal(LoopCommand.Stop), T0.AddHours(1));

        Assert.Equal("stopping", LoopJson.Name(loop));
        Assert.True(loop.IsDue(T0.AddHours(1)));
        Assert.Equal(LoopPhase.Stopped, loop.After(Report(Flow(FlowOutcome.Committed)), T0.AddHours(1)).Phase);
    }

    [Fact]
    public void A_command_that_comes_twice_counts_once()
    {
        var start = new LoopSignal(LoopCommand.Start) { Id = "a" };
        var stopping = In(LoopPhase.Running).After(start, T0).After(new LoopSignal(LoopCommand.Stop) { Id = "b" }, T0);

        Assert.Same(stopping, stopping.After(start, T0.AddSeconds(1)));
        Assert.False(stopping.After(start with { Id = "c" }, T0.AddSeconds(1)).IsStopping);
    }

    [Theory]
    [InlineData(20_000, 20)]
    [InlineData(60_000, 60)]
    [InlineData(90_000, 60)]
    public void A_batch_tells_a_loop_that_waits_of_a_changed_interval_which_makes_its_commit_sooner(long interval, int dueAfter)
    {
        var loop = PipelineLoop.Start("p", T0).After(Report(Flow(FlowOutcome.Committed)), T0);
        var changed = Settings with { CheckpointIntervalMillis = interval };

        var told = loop.After(new LoopSignal(LoopCommand.Staged, 1, 1) { Settings = changed }, T0.AddSeconds(1));

        Assert.Equal((T0.AddSeconds(dueAfter), changed), (told.DueAt, told.Settings));
    }

    [Fact]
    public void A_changed_interval_does_not_make_a_loop_that_fails_try_sooner()
    {
        var failing = PipelineLoop.Start("p", T0).After(Report(Flow(FlowOutcome.TryAgain, wait: 30_000)), T0);

        Assert.Equal(failing.DueAt, failing.After(new LoopSignal(LoopCommand.Staged, 1, 1) { Settings = Settings with { CheckpointIntervalMillis = 1 } }, T0.AddSeconds(1)).DueAt);
    }

    [Fact]
    public void A_pause_takes_a_stop_back()
    {
        Assert.False(In(LoopPhase.Running).After(new LoopSignal(LoopCommand.Stop), T0).After(new LoopSignal(LoopCommand.Start), T0).IsStopping);
        var resumed = In(LoopPhase.Running).After(new LoopSignal(LoopCommand.Stop), T0).After(new LoopSignal(LoopCommand.Pause), T0).After(new LoopSignal(LoopCommand.Resume), T0);

        Assert.Equal(LoopPhase.Running, resumed.After(Report(Flow(FlowOutcome.Committed)), T0).Phase);
    }

    [Fact]
    public void One_flow_that_is_refused_stops_the_loop_and_one_that_waits_decides_the_wait()
    {
        var start = PipelineLoop.Start("p", T0);

        Assert.Equal(LoopPhase.Failed, start.After(Report(Flow(FlowOutcome.Committed), Flow(FlowOutcome.TryAgain, sink: "b"), Flow(FlowOutcome.Refused, sink: "c")), T0).Phase);
        Assert.Equal(T0.AddSeconds(3), start.After(Report(Flow(FlowOutcome.Committed), Flow(FlowOutcome.StandBy, wait: 3000, sink: "b")), T0).DueAt);
        Assert.Equal(T0.AddSeconds(4), start.After(Report(Flow(FlowOutcome.Committed), Flow(FlowOutcome.TryAgain, wait: 4000, sink: "b")), T0).DueAt);
    }

    [Theory]
    [InlineData(999, 0, false)]
    [InlineData(1000, 0, true)]
    [InlineData(0, 999_999, false)]
    [InlineData(0, 1_000_000, true)]
    public void Enough_staged_makes_a_commit_due_before_its_time(long records, long bytes, bool isDue)
    {
        var now = T0.AddSeconds(1);
        var running = PipelineLoop.Start("p", T0).After(Report(Flow(FlowOutcome.Committed)), T0);
        var failing = running.After(Report(Flow(FlowOutcome.TryAgain, wait: 30_000)), T0);

        Assert.Equal(isDue, running.After(new LoopSignal(LoopCommand.Staged, records / 2, bytes / 2), now).After(new LoopSignal(LoopCommand.Staged, records - records / 2, bytes - bytes / 2), now).IsDue(now));
        Assert.False(failing.After(new LoopSignal(LoopCommand.Staged, records, bytes), now).IsDue(now));
    }

    [Fact]
    public void Failures_wait_longer_each_time_up_to_a_minute_and_give_up_at_the_limit()
    {
        var (loop, now) = (In(LoopPhase.Running), T0);
        List<double> waits = [];
        while (!loop.HasEnded)
        {
            loop = loop.After(Report(Flow(FlowOutcome.TryAgain)), now);
            if (loop.HasEnded) break;
            waits.Add((loop.DueAt - now).TotalSeconds);
            now = loop.DueAt;
        }

        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60], waits.Take(8));
        Assert.Equal(LoopPhase.GaveUp, loop.Phase);
        Assert.InRange(now - T0, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(11));
    }

    [Fact]
    public void A_loop_whose_first_commit_crashes_for_ever_gives_up_too()
    {
        var (loop, now) = (PipelineLoop.Start("p", T0), T0);
        for (var i = 0; i < 1000 && !loop.HasEnded; i++)
        {
            loop = loop.AfterCrash("no such pipeline", now);
            now = loop.DueAt;
        }

        Assert.Equal(LoopPhase.GaveUp, loop.Phase);
    }

    [Fact]
    public void A_watch_runs_down_and_not_below_nothing()
    {
        var loop = PipelineLoop.Start("p", T0).After(Report(Flow(FlowOutcome.StandBy, wait: 5000), Flow(FlowOutcome.Committed, sink: "b")), T0);

        Assert.Equal(13_000, Assert.Single(loop.WatchesAt(T0.AddSeconds(7))).Value.RemainingMillis);
        Assert.Equal(0, loop.WatchesAt(T0.AddSeconds(20))["lake"].RemainingMillis);
        Assert.Equal(0, loop.WatchesAt(T0.AddDays(3))["lake"].RemainingMillis);
        Assert.Equal(TimeSpan.FromSeconds(13), loop.WatchesAt(T0.AddSeconds(7))["lake"].ToWatch().Remaining);
    }

    [Theory]
    [MemberData(nameof(Serializers), DisableDiscoveryEnumeration = true)]
    public void Every_member_survives_serialization(JsonSerializerOptions options)
    {
        var loop = PipelineLoop.Start("p", T0).After(Report(Flow(FlowOutcome.Committed), Flow(FlowOutcome.StandBy, wait: 5000, sink: "b")), T0)
            .After(Report(Flow(FlowOutcome.TryAgain), Flow(FlowOutcome.StandBy, sink: "b")), T0.AddSeconds(1)).After(new LoopSignal(LoopCommand.Staged, 3, 4), T0.AddSeconds(2));

        var read = RoundTrip(loop, options);

        Assert.Equal(loop with { Flows = [] }, read with { Flows = [] });
        Assert.Equal(loop.Flows.AsEnumerable(), read.Flows);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Whatever_comes_in_whatever_order_the_loop_keeps_its_promises(int seed)
    {
        var random = new Random(seed);
        for (var run = 0; run < 300; run++)
        {
            var (loop, now) = (PipelineLoop.Start("p", T0), T0);
            var quietSince = now; // Since when every look has found nothing, and no message came.
            for (var step = 0; step < 60; step++)
            {
                var what = $"Seed {seed}, run {run}, step {step}: {loop}";
                now += TimeSpan.FromMilliseconds(random.Next(90_000));
                var before = loop;
                var twin = RoundTrip(loop, random.Next(2) == 0 ? JsonSerializerOptions.Default : JsonSerializerOptions.Web);
                var isStart = false;
                Func<PipelineLoop, PipelineLoop> act;
                if (loop.IsDue(now))
                {
                    Assert.True(loop.Phase == LoopPhase.Running, what);
                    if (random.Next(8) == 0) act = one => one.AfterCrash("killed", now);
                    else
                    {
                        var report = RandomReport(random);
                        if (report.Flows.Any(flow => flow.Outcome != FlowOutcome.NothingToDo || flow.BehindCount != 0)) quietSince = now;
                        act = one => one.After(report, now);
                    }
                }
                else
                {
                    var signal = new LoopSignal((LoopCommand)random.Next(random.Next(4) == 0 ? 6 : 2), random.Next(700), random.Next(700_000));
                    act = one => one.After(signal, now);
                    isStart = signal.Command == LoopCommand.Start;
                    if (loop.Phase is LoopPhase.Running or LoopPhase.Idle && signal.Command == LoopCommand.Staged || loop.Phase is LoopPhase.Idle or LoopPhase.GaveUp && signal.Command != LoopCommand.Staged || loop.HasEnded && signal.Command == LoopCommand.Start || loop.Phase is LoopPhase.Paused or LoopPhase.Failed && signal.Command == LoopCommand.Resume) quietSince = now;
                }
                loop = act(before);

                Assert.True(JsonSerializer.Serialize(loop) == JsonSerializer.Serialize(act(twin)), what);
                if (loop.Phase == LoopPhase.Running) Assert.True(loop.WakeAt <= now.AddMinutes(1.5) && loop.IsDue(loop.WakeAt.Value), $"{what} is never due.");
                else Assert.True(loop.WakeAt is null && !loop.IsDue(DateTimeOffset.MaxValue), $"{what} would commit.");
                if (loop.Phase == LoopPhase.Idle && before.Phase != LoopPhase.Idle) Assert.True(now - quietSince >= TimeSpan.FromMinutes(5), $"{what} went to sleep too early.");
                if (before.Phase == LoopPhase.Stopped && !isStart) Assert.True(ReferenceEquals(before, loop), $"{what} lives again.");
            }
        }
    }

    [Fact]
    public void A_loop_without_anything_left_is_idle_after_the_timeout()
    {
        var (loop, now) = (PipelineLoop.Start("p", T0), T0);
        for (var i = 0; i < 20 && !loop.HasEnded; i++, now = loop.DueAt) loop = loop.After(Report(Flow(FlowOutcome.NothingToDo)), now);

        Assert.Equal((LoopPhase.Idle, T0.AddMinutes(5)), (loop.Phase, loop.Since));
    }

    private static PipelineReport RandomReport(Random random) => random.Next(2) == 0
        ? Report(Flow(FlowOutcome.NothingToDo))
        : Report([.. Enumerable.Range(0, random.Next(1, 3)).Select(sink => Flow((FlowOutcome)random.Next(random.Next(5) == 0 ? 5 : 4), random.Next(3) switch { 0 => null, 1 => 0, _ => 9 }, random.Next(30_000), $"sink{sink}"))]);

    private static PipelineLoop RoundTrip(PipelineLoop loop, JsonSerializerOptions options) => JsonSerializer.Deserialize<PipelineLoop>(JsonSerializer.Serialize(loop, options), options)!;
}
