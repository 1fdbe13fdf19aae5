using Matih.Engine.Tests.Connectors;
using Matih.Engine.Tests.Storage;
using Matih.Hosting.Serverless;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Hosting.Serverless;

/// <summary>A person's command to a loop whose service drops what comes while the loop ends.</summary>
public sealed class LoopMessengerTests : IEngineLog
{
    private readonly LeapingClock _clock = new();
    private readonly Loops _loops = new();

    private Task<bool> CommandAsync(LoopCommand command) =>
        new LoopMessenger(_clock, new SeededIdSource(1), this).CommandAsync(_loops, "p", command, TestContext.Current.CancellationToken).AsTask();

    [Fact]
    public async Task A_start_that_is_dropped_with_the_loop_that_ends_starts_it_again()
    {
        _loops.Run(PipelineLoop.Start("p", default) with { IsStopping = true });
        _loops.Sent = _ => _loops.End(LoopPhase.Stopped);

        Assert.True(await CommandAsync(LoopCommand.Start));

        Assert.Equal((true, LoopPhase.Running, 1), (_loops.IsRunning, _loops.Loop!.Phase, _loops.StartedCount));
    }

    [Fact]
    public async Task A_pause_that_is_dropped_with_the_loop_that_falls_asleep_starts_it_paused()
    {
        _loops.Run(PipelineLoop.Start("p", default));
        _loops.Sent = _ => _loops.End(LoopPhase.Idle);

        Assert.True(await CommandAsync(LoopCommand.Pause));

        Assert.Equal((true, LoopPhase.Paused, 1), (_loops.IsRunning, _loops.Loop!.Phase, _loops.StartedCount));
    }

    [Fact]
    public async Task A_command_that_ends_the_loop_does_not_start_it_again()
    {
        _loops.Run(PipelineLoop.Start("p", default));
        _loops.Sent = signal =>
        {
            _loops.Loop = _loops.Loop!.After(signal, default);
            _loops.End(LoopPhase.Stopped);
        };

        Assert.True(await CommandAsync(LoopCommand.Stop));

        Assert.Equal((false, LoopPhase.Stopped, 0), (_loops.IsRunning, _loops.Loop!.Phase, _loops.StartedCount));
    }

    [Theory]
    [InlineData(LoopCommand.Start, LoopCommand.Stop, LoopPhase.Stopped)]
    [InlineData(LoopCommand.Stop, LoopCommand.Start, LoopPhase.Idle)]
    [InlineData(LoopCommand.Pause, LoopCommand.Resume, LoopPhase.Idle)]
    public async Task An_early_command_does_not_undo_a_later_one_however_many_come_at_once(LoopCommand early, LoopCommand late, LoopPhase end)
    {
        _loops.Run(PipelineLoop.Start("p", default));
        var messenger = new LoopMessenger(_clock, new SeededIdSource(1), this);
        _loops.Sent = signal =>
        {
            _loops.Loop = _loops.Loop!.After(signal, default);
            if (signal.Command != early) return;
            // Before its sender looks, the loop takes in more than it remembers, and ends.
            _clock.Advance(TimeSpan.FromMilliseconds(1));
            Assert.True(_loops.TrySendAsync("p", new LoopSignal(late) { Id = "late", GivenAt = _clock.GetUtcNow() }, default).Result);
            for (var i = 0; i < 100; i++) _loops.Loop = _loops.Loop.After(new LoopSignal(LoopCommand.Checkpoint) { Id = $"{i}" }, default);
            _loops.End(end);
        };

        Assert.True(await messenger.CommandAsync(_loops, "p", early, TestContext.Current.CancellationToken));

        Assert.Equal((false, end, 0), (_loops.IsRunning, _loops.Loop!.Phase, _loops.StartedCount));
        Assert.Equal([early, late], _loops.Signals.Select(signal => signal.Command));
    }

    [Theory]
    [InlineData(LoopCommand.Start, LoopPhase.Stopped)]
    [InlineData(LoopCommand.Pause, LoopPhase.Idle)]
    public async Task A_late_command_that_is_dropped_counts_all_the_same(LoopCommand late, LoopPhase end)
    {
        _loops.Run(PipelineLoop.Start("p", default));
        _loops.Sent = signal => _loops.Loop = _loops.Loop!.After(signal, default);
        Assert.True(await CommandAsync(late == LoopCommand.Start ? LoopCommand.Stop : LoopCommand.Resume));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        _loops.Sent = _ => _loops.End(end);

        Assert.True(await new LoopMessenger(_clock, new SeededIdSource(2), this).CommandAsync(_loops, "p", late, TestContext.Current.CancellationToken));

        Assert.Equal((true, 1), (_loops.IsRunning, _loops.StartedCount));
    }

    [Theory]
    [InlineData(LoopCommand.Checkpoint)]
    [InlineData(LoopCommand.Pause)]
    [InlineData(LoopCommand.Resume)]
    [InlineData(LoopCommand.Stop)]
    public async Task What_was_stopped_only_a_start_begins_again(LoopCommand command)
    {
        _loops.Run(PipelineLoop.Start("p", default));
        _loops.End(LoopPhase.Stopped);

        Assert.True(await CommandAsync(command));
        Assert.Equal((false, LoopPhase.Stopped, 0), (_loops.IsRunning, _loops.Loop!.Phase, _loops.StartedCount));

        Assert.True(await CommandAsync(LoopCommand.Start));
        Assert.Equal((true, LoopPhase.Running, 1), (_loops.IsRunning, _loops.Loop!.Phase, _loops.StartedCount));
    }

    [Theory]
    [InlineData(LoopCommand.Checkpoint)]
    [InlineData(LoopCommand.Resume)]
    public async Task A_command_that_is_dropped_with_the_loop_that_a_person_stops_does_not_begin_it_again(LoopCommand command)
    {
        _loops.Run(PipelineLoop.Start("p", default) with { IsStopping = true });
        _loops.Sent = _ => _loops.End(LoopPhase.Stopped);

        Assert.True(await CommandAsync(command));

        Assert.Equal((false, LoopPhase.Stopped, 0), (_loops.IsRunning, _loops.Loop!.Phase, _loops.StartedCount));
    }

    [Theory]
    [InlineData(LoopCommand.Checkpoint, LoopPhase.Running)]
    [InlineData(LoopCommand.Pause, LoopPhase.Paused)]
    [InlineData(LoopCommand.Resume, LoopPhase.Running)]
    [InlineData(LoopCommand.Start, LoopPhase.Running)]
    [InlineData(LoopCommand.Stop, LoopPhase.Running)]
    public async Task A_command_starts_a_loop_that_never_ran_gave_up_or_sleeps(LoopCommand command, LoopPhase phase)
    {
        foreach (var before in new LoopPhase?[] { null, LoopPhase.Idle, LoopPhase.GaveUp })
        {
            if (before is { } ended)
            {
                _loops.Run(PipelineLoop.Start("p", default));
                _loops.End(ended);
            }

            Assert.True(await CommandAsync(command));

            Assert.Equal((true, phase, command == LoopCommand.Stop), (_loops.IsRunning, _loops.Loop!.Phase, _loops.Loop.IsStopping));
        }
    }

    [Fact]
    public async Task A_message_that_the_service_cancels_is_none_and_one_that_its_sender_cancels_ends_it()
    {
        List<LogEntry> log = [];
        var messenger = new LoopMessenger(_clock, new SeededIdSource(1), new ListLog(log));
        _loops.Run(PipelineLoop.Start("p", default));
        _loops.Sent = _ => throw new OperationCanceledException("The host goes away.");

        await messenger.TellAsync(_loops, "p", new LoopSignal(LoopCommand.Staged), TestContext.Current.CancellationToken);
        Assert.Contains("The host goes away.", Assert.Single(log).Message, StringComparison.Ordinal);

        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(() => messenger.TellAsync(_loops, "p", new LoopSignal(LoopCommand.Staged), cancelled.Token).AsTask());
    }

    private sealed class ListLog(List<LogEntry> entries) : IEngineLog
    {
        public void Write(LogEntry entry) => entries.Add(entry);
    }

    [Fact]
    public async Task A_loop_that_is_busy_has_the_message_and_its_sender_is_not_kept_waiting()
    {
        _loops.Run(PipelineLoop.Start("p", default));
        var before = _clock.GetTimestamp();

        Assert.False(await CommandAsync(LoopCommand.Checkpoint));

        Assert.InRange(_clock.GetElapsedTime(before), LoopMessenger.CommandWaitMax, LoopMessenger.CommandWaitMax * 2);
        Assert.Equal((LoopCommand.Checkpoint, 0), (Assert.Single(_loops.Signals).Command, _loops.StartedCount));
    }

    [Fact]
    public async Task A_loop_that_somebody_else_starts_meanwhile_gets_the_command()
    {
        _loops.Starting = () => _loops.Run(PipelineLoop.Start("p", default));
        _loops.Sent = signal => _loops.Loop = _loops.Loop!.After(signal, default);

        Assert.True(await CommandAsync(LoopCommand.Pause));

        Assert.Equal((true, LoopPhase.Paused, 0), (_loops.IsRunning, _loops.Loop!.Phase, _loops.StartedCount));
    }

    [Fact]
    public void A_loop_remembers_the_last_commands_and_no_more()
    {
        var loop = Enumerable.Range(0, 50).Aggregate(PipelineLoop.Start("p", default), (loop, i) => loop.After(new LoopSignal(LoopCommand.Checkpoint) { Id = $"{i}" }, default));

        Assert.Equal(Enumerable.Range(18, 32).Select(i => $"{i}"), loop.CommandsTakenIn);
        Assert.Equal(loop.CommandsTakenIn, loop.After(new LoopSignal(LoopCommand.Checkpoint) { Id = "24" }, default).After(new LoopSignal(LoopCommand.Staged, 1, 1), default).CommandsTakenIn);
    }

    void IEngineLog.Write(LogEntry entry) => Assert.Fail(entry.Message);

    /// <summary>One loop at most, which does with a message what the test says.</summary>
    private sealed class Loops : ILoops
    {
        public bool IsRunning { get; private set; }

        public PipelineLoop? Loop { get; set; }

        public int StartedCount { get; private set; }

        public List<LoopSignal> Signals { get; } = [];

        public Action<LoopSignal> Sent { get; set; } = _ => { };

        /// <summary>What happens just before a start.</summary>
        public Action Starting { get; set; } = () => { };

        public void Run(PipelineLoop loop) => (Loop, IsRunning) = (loop, true);

        public void End(LoopPhase phase) => (Loop, IsRunning) = (Loop! with { Phase = phase }, false);

        public ValueTask<bool> TrySendAsync(string pipeline, LoopSignal signal, CancellationToken cancellationToken)
        {
            if (!IsRunning) return new(false);
            Signals.Add(signal);
            Sent(signal);
            return new(true);
        }

        public ValueTask<bool> StartAsync(PipelineLoop loop, CancellationToken cancellationToken)
        {
            Starting();
            if (IsRunning) return new(false);
            StartedCount++;
            Run(loop);
            return new(true);
        }

        public ValueTask<PipelineLoop?> ReadAsync(string pipeline, CancellationToken cancellationToken) => new(Loop);

        public ValueTask<bool> IsRunningAsync(string pipeline, CancellationToken cancellationToken) => new(IsRunning);
    }
}
