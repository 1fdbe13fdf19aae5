using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Matih.Hosting.Serverless;

/// <summary>Where the loop of a pipeline is. A closed family.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LoopPhase>))]
public enum LoopPhase
{
    /// <summary>It commits what is staged, checkpoint by checkpoint.</summary>
    Running,

    /// <summary>A person held it; records are staged, and nothing is committed.</summary>
    Paused,

    /// <summary>Something is wrong that stays so until a person has acted and resumes it.</summary>
    Failed,

    /// <summary>Nothing came for the idle timeout, and nothing is left. The next record starts it again.</summary>
    Idle,

    /// <summary>A person ended it, with a last checkpoint where one was possible. Only a person starts it again.</summary>
    Stopped,

    /// <summary>Attempts failed for too long. A timer starts it again.</summary>
    GaveUp,
}

/// <summary>What somebody tells the loop of a pipeline. A closed family.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LoopCommand>))]
public enum LoopCommand
{
    /// <summary>Records were staged.</summary>
    Staged,

    /// <summary>Commit now.</summary>
    Checkpoint,

    Pause,

    /// <summary>Goes on after a pause, or after a failure that a person has dealt with.</summary>
    Resume,

    /// <summary>Commit, and end.</summary>
    Stop,

    /// <summary>Run: a loop that is about to stop, or was just about to end, goes on.</summary>
    Start,
}

/// <summary>A message to the loop of a pipeline.</summary>
/// <param name="RecordCount">Records that were staged since the last message of this sender.</param>
/// <param name="StagedBytes">Bytes of the files that they became.</param>
public sealed record LoopSignal(LoopCommand Command, long RecordCount = 0, long StagedBytes = 0)
{
    /// <summary>By which whoever sent it finds it in <see cref="PipelineLoop.CommandsTakenIn"/>; null where nobody looks.</summary>
    public string? Id { get; init; }

    /// <summary>When a person's command was given, by its sender's clock; null where nobody looks.</summary>
    public DateTimeOffset? GivenAt { get; init; }

    /// <summary>What the sender's definition says; null where the sender does not say.</summary>
    public LoopSettings? Settings { get; init; }
}

/// <summary>
/// The loop of a pipeline as a value, for a host that keeps it between calls: what to wait for, and what follows from what
/// came. It looks at no clock and calls nothing, so that a replay of the same messages gives the same loop.
/// </summary>
/// <remarks>
/// Messages are hints: they may be lost, repeated or late. Whether anything is staged is found out by the commit; a message only
/// makes it happen sooner.
/// </remarks>
public sealed record PipelineLoop
{
    /// <summary>How many commands are remembered by their ids: as many as fit into what is shown, beside a failure.</summary>
    private const int CommandsMax = 32;

    /// <summary>For how long at most a stop waits until a flow can be taken over from a writer that does not move.</summary>
    private const long StopWaitMaxMillis = 300_000;

    /// <summary>The longest wait after a failure.</summary>
    private const long RetryWaitMaxMillis = 60_000;

    /// <summary>How long attempts may fail in a row where none has ever said what the definition wants: it may be gone from the app.</summary>
    private const long UntoldFailureLimitMillis = 3_600_000;

    public required string Pipeline { get; init; }

    public LoopPhase Phase { get; init; } = LoopPhase.Running;

    /// <summary>When <see cref="Phase"/> began.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>When the next commit is due; the beginning of time where it is due at once.</summary>
    public DateTimeOffset DueAt { get; init; }

    /// <summary>Whether the loop ends after the next commit.</summary>
    public bool IsStopping { get; init; }

    /// <summary>When something was last staged, committed or left to do.</summary>
    public DateTimeOffset LastWorkAt { get; init; }

    /// <summary>What the messages since the last commit say.</summary>
    public long SignalledRecordCount { get; init; }

    public long SignalledBytes { get; init; }

    /// <summary>Since when attempts fail in a row; null while they do not.</summary>
    public DateTimeOffset? FailingSince { get; init; }

    public int FailureCount { get; init; }

    /// <summary>What a person has to know: why the loop stands, or why the last attempt failed.</summary>
    public ReportedFailure? Failure { get; init; }

    public DateTimeOffset? LastCommitAt { get; init; }

    /// <summary>The flows' last reports.</summary>
    public ImmutableArray<FlowReport> Flows { get; init; } = [];

    public LoopSettings? Settings { get; init; }

    /// <summary>The ids of the last commands, the newest last.</summary>
    public ImmutableArray<string> CommandsTakenIn { get; init; } = [];

    /// <summary>When the latest of the commands that say what the loop should do was given, by its sender's clock.</summary>
    public DateTimeOffset? OrderGivenAt { get; init; }

    /// <summary>A loop that begins with a look at what is there.</summary>
    public static PipelineLoop Start(string pipeline, DateTimeOffset now) => new() { Pipeline = pipeline, Since = now, LastWorkAt = now };

    /// <summary>Whether the loop is over.</summary>
    [JsonIgnore]
    public bool HasEnded => Phase is LoopPhase.Idle or LoopPhase.Stopped or LoopPhase.GaveUp;

    /// <summary>Whether a commit is to be asked for now.</summary>
    public bool IsDue(DateTimeOffset now) => Phase == LoopPhase.Running && now >= DueAt;

    /// <summary>When to look again without a message; null to wait for one, however long.</summary>
    [JsonIgnore]
    public DateTimeOffset? WakeAt => Phase == LoopPhase.Running ? DueAt : null;

    /// <summary>The watches to hand in with the next commit, by sink, as they are after the wait.</summary>
    public ImmutableDictionary<string, ReportedWatch> WatchesAt(DateTimeOffset now) => Flows.Where(flow => flow.Watch is not null)
        .ToImmutableDictionary(flow => flow.Sink, flow => flow.Watch! with { RemainingMillis = Math.Max(0, flow.Watch!.RemainingMillis - (long)(now - ReportedAt).TotalMilliseconds) });

    /// <summary>When <see cref="Flows"/> came.</summary>
    public DateTimeOffset ReportedAt { get; init; }

    /// <summary>
    /// The loop after the timer of <see cref="WakeAt"/> fired. One may fire up to a second early (observed with Azure Storage, whose
    /// queues count in whole seconds): the time has come all the same, as a new timer would fire at once, again and again.
    /// </summary>
    public PipelineLoop AtDueTime(DateTimeOffset now) => now < DueAt ? this with { DueAt = now } : this;

    /// <summary>
    /// Whether a command that is not among <see cref="CommandsTakenIn"/> is out of date: one that was given no earlier says what the
    /// loop should do. Needs no list, so that it holds however many commands there were.
    /// </summary>
    public bool IsOutdated(LoopSignal command) => IsOrder(command) && OrderGivenAt >= command.GivenAt;

    /// <summary>The loop after a message. A command that comes twice counts once.</summary>
    public PipelineLoop After(LoopSignal signal, DateTimeOffset now)
    {
        if (signal.Id is not { } id) return AfterCommand(signal, now);
        if (CommandsTakenIn.Contains(id)) return this;
        var loop = AfterCommand(signal, now) with { CommandsTakenIn = [.. CommandsTakenIn.TakeLast(CommandsMax - 1), id] };
        return IsOrder(signal) && (OrderGivenAt is not { } at || signal.GivenAt > at) ? loop with { OrderGivenAt = signal.GivenAt } : loop;
    }

    /// <summary>Whether a command says what the loop should do from now on, of which the last one counts. One that a stopped loop does not mind says nothing.</summary>
    private bool IsOrder(LoopSignal signal) => signal.Command is LoopCommand.Start or LoopCommand.Stop || signal.Command is LoopCommand.Pause or LoopCommand.Resume && Phase != LoopPhase.Stopped;

    private PipelineLoop AfterCommand(LoopSignal signal, DateTimeOffset now)
    {
        switch (signal.Command)
        {
            case LoopCommand.Staged when Phase == LoopPhase.Running:
                var loop = this with { SignalledRecordCount = SignalledRecordCount + signal.RecordCount, SignalledBytes = SignalledBytes + signal.StagedBytes, LastWorkAt = now };
                if (FailingSince is null && signal.Settings is { } told && told != Settings)
                {
                    var dueAt = ReportedAt + TimeSpan.FromMilliseconds(told.CheckpointIntervalMillis);
                    loop = loop with { Settings = told, DueAt = dueAt < DueAt ? dueAt : DueAt };
                }
                return FailingSince is null && loop.Settings is { } settings && (loop.SignalledRecordCount >= settings.RecordCountMax || loop.SignalledBytes >= settings.StagedBytesMax)
                    ? loop with { DueAt = now }
                    : loop;
            case LoopCommand.Start when HasEnded:
                return Enter(LoopPhase.Running, now) with { DueAt = now, LastWorkAt = now, IsStopping = false, Failure = null, FailingSince = null, FailureCount = 0 };
            case LoopCommand.Start when Phase == LoopPhase.Running:
                return this with { IsStopping = false };
            case LoopCommand.Checkpoint when Phase == LoopPhase.Running:
                return this with { DueAt = now };
            // The last command counts: what is paused before its last commit does not end when it is resumed.
            case LoopCommand.Pause when Phase == LoopPhase.Running:
                return Enter(LoopPhase.Paused, now) with { IsStopping = false };
            case LoopCommand.Resume when Phase is LoopPhase.Paused or LoopPhase.Failed:
                return Enter(LoopPhase.Running, now) with { DueAt = now, LastWorkAt = now, Failure = null, FailingSince = null, FailureCount = 0 };
            case LoopCommand.Stop when Phase == LoopPhase.Running:
                return this with { IsStopping = true, DueAt = now };
            // It came while the loop was ending: what would start one that has ended makes this one go on.
            case LoopCommand.Staged when Phase == LoopPhase.Idle:
            case LoopCommand.Checkpoint or LoopCommand.Pause or LoopCommand.Resume or LoopCommand.Stop when Phase is LoopPhase.Idle or LoopPhase.GaveUp:
                return (Enter(LoopPhase.Running, now) with { DueAt = now, LastWorkAt = now, Failure = null, FailingSince = null, FailureCount = 0 }).AfterCommand(signal, now);
            // A stop has a last commit, and says so; whoever does not want one leaves the loop paused.
            case LoopCommand.Stop when Phase == LoopPhase.Paused:
                return Enter(LoopPhase.Running, now) with { IsStopping = true, DueAt = now };
            // What a person has to see to would fail again; its staged records stay where they are.
            case LoopCommand.Stop when Phase == LoopPhase.Failed:
                return Enter(LoopPhase.Stopped, now);
            default:
                return this;
        }
    }

    /// <summary>The loop after a commit was asked for.</summary>
    public PipelineLoop After(PipelineReport report, DateTimeOffset now)
    {
        var loop = this with
        {
            Flows = report.Flows,
            ReportedAt = now,
            Settings = report.Settings,
            SignalledRecordCount = 0,
            SignalledBytes = 0,
            LastCommitAt = report.Flows.Any(flow => flow.Outcome == FlowOutcome.Committed) ? now : LastCommitAt,
        };
        if (report.Flows.FirstOrDefault(flow => flow.Outcome == FlowOutcome.Refused) is { } refused)
            return loop.IsStopping ? loop.Enter(LoopPhase.Stopped, now) with { Failure = refused.Failure } : loop.Enter(LoopPhase.Failed, now) with { Failure = refused.Failure };
        if (report.Flows.FirstOrDefault(flow => flow.Outcome == FlowOutcome.TryAgain) is { } failed) return loop.AfterFailure(failed.Failure!, report.Flows.Max(flow => flow.WaitMillis), now);

        loop = loop with { Failure = null, FailingSince = null, FailureCount = 0 };
        var hasWork = report.Flows.Any(flow => flow.Outcome is FlowOutcome.Committed or FlowOutcome.StandBy || flow.BehindCount is null or > 0);
        if (hasWork) loop = loop with { LastWorkAt = now };
        if (loop.IsStopping)
        {
            if (report.Flows.FirstOrDefault(IsHopeless) is { } hopeless) return loop.Enter(LoopPhase.Stopped, now) with { Failure = StoppedWithout(hopeless) };
            if (!report.Flows.Any(flow => flow.Outcome == FlowOutcome.StandBy)) return loop.Enter(LoopPhase.Stopped, now);
        }
        if (!hasWork && now - loop.LastWorkAt >= TimeSpan.FromMilliseconds(report.Settings.IdleTimeoutMillis)) return loop.Enter(LoopPhase.Idle, now);
        return loop with { DueAt = now + TimeSpan.FromMilliseconds(loop.WaitMillis(report)) };
    }

    /// <summary>
    /// Whether a stop waits in vain for a flow that stands by: the other writer has committed since the last report, so it is alive and
    /// will again, or the time until it may be taken for dead is too long.
    /// </summary>
    private bool IsHopeless(FlowReport flow) =>
        flow.Watch is { } watch && (watch.RemainingMillis > StopWaitMaxMillis || Flows.FirstOrDefault(before => before.Sink == flow.Sink)?.Watch is { } before && before.Commit != watch.Commit);

    private ReportedFailure StoppedWithout(FlowReport flow) => new("other-writer",
        $"Pipeline {Pipeline} was stopped without a last commit: another writer of sink {flow.Sink} may be alive. What is staged stays staged.",
        "Where the other writer is meant to go on, nothing is to do: it commits what is in the topic. Else stop it, then start this pipeline and stop it again.");

    /// <summary>The loop after asking for a commit failed as a whole: the process died, or has a bug.</summary>
    public PipelineLoop AfterCrash(string reason, DateTimeOffset now) =>
        AfterFailure(new ReportedFailure("crashed", $"The commit of pipeline {Pipeline} ended early: {reason}", "What it did stands or does not; the next attempt finds out. Look into the app's log if this repeats."), 0, now);

    private PipelineLoop AfterFailure(ReportedFailure failure, long waitMillis, DateTimeOffset now)
    {
        var loop = this with { Failure = failure, FailingSince = FailingSince ?? now, FailureCount = FailureCount + 1, LastWorkAt = now };
        if (loop.IsStopping) return loop.Enter(LoopPhase.Stopped, now);
        if (now - loop.FailingSince >= TimeSpan.FromMilliseconds(loop.Settings?.FailureLimitMillis ?? UntoldFailureLimitMillis)) return loop.Enter(LoopPhase.GaveUp, now);
        var wait = Math.Max(waitMillis, Math.Min(RetryWaitMaxMillis, 1000L << Math.Min(loop.FailureCount - 1, 6)));
        return loop with { DueAt = now + TimeSpan.FromMilliseconds(wait) };
    }

    /// <summary>Until the next checkpoint; sooner where a flow asks for it, or where the end of the idle time comes first.</summary>
    private long WaitMillis(PipelineReport report)
    {
        var wait = report.Flows.Where(flow => flow.WaitMillis > 0).Select(flow => flow.WaitMillis).DefaultIfEmpty(long.MaxValue).Min();
        return Math.Max(1, Math.Min(wait, Math.Min(report.Settings.CheckpointIntervalMillis, report.Settings.IdleTimeoutMillis)));
    }

    private PipelineLoop Enter(LoopPhase phase, DateTimeOffset now) => this with { Phase = phase, Since = now };
}
