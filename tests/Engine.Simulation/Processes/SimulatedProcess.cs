using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Engine.Simulation.Auditing;
using Matih.Engine.Simulation.Scheduling;
using Matih.Engine.Simulation.World;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Engine.Simulation.Processes;

/// <summary>How a process ended.</summary>
internal abstract record ProcessEnd
{
    private ProcessEnd() { }

    public sealed record Done : ProcessEnd;
    public sealed record Failed(PipelineException Exception) : ProcessEnd;
    public sealed record Killed : ProcessEnd;

    /// <summary>An exception that nobody classified: always a fault of the engine.</summary>
    public sealed record Crashed(Exception Exception) : ProcessEnd;
}

/// <summary>
/// One operating-system process that runs a pipeline: a thread, a clock, ids and randomness of its own, and calls to the
/// outside that go through <see cref="CallAsync{T}"/>. Killing it takes effect at once: nothing that it does later reaches the world.
/// </summary>
internal sealed class SimulatedProcess : ITaskStarter, IEngineLog
{
    private readonly Simulator _simulator;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly HashSet<IPendingCall> _pending = [];
    private readonly Random _fates;
    private readonly List<(long AtCall, Action Act)> _atCalls = [];
    private long _callCount;

    public SimulatedProcess(Simulator simulator, int id, string host, int seed, TimeSpan skew, Weather weather)
    {
        _simulator = simulator;
        _fates = new Random(seed ^ 0x5bd1e995);
        Id = id;
        Host = host;
        Context = new SimulatedContext(simulator, id);
        Clock = new SimulatedClock(simulator, Context, skew);
        var ids = new Random(seed);
        Environment = new EngineEnvironment(Clock, new SeededIds(ids), new Random(seed ^ 0x2545f491), this, new MemoryScratch(() => weather.IsFull(Service.Store)));
    }

    public int Id { get; }

    public string Host { get; }

    public SimulatedContext Context { get; }

    public SimulatedClock Clock { get; }

    public EngineEnvironment Environment { get; }

    public CancellationToken StopToken => _stop.Token;

    public bool IsDead { get; private set; }

    public ProcessEnd? End { get; private set; }

    /// <summary>Called once, when the process has ended.</summary>
    public Action<ProcessEnd>? Ended { get; set; }

    public string Name => $"p{Id}@{Host}";

    /// <summary>Starts the process's work at the next turn of its thread.</summary>
    public void Start(Func<CancellationToken, CancellationToken, Task> run) => Context.Post(() => _ = RunAsync(run));

    private async Task RunAsync(Func<CancellationToken, CancellationToken, Task> run)
    {
        ProcessEnd end;
        try
        {
            await run(_stop.Token, _abort.Token);
            end = new ProcessEnd.Done();
        }
        catch (PipelineException e)
        {
            end = new ProcessEnd.Failed(e);
        }
        catch (OperationCanceledException) when (IsDead)
        {
            end = new ProcessEnd.Killed();
        }
        catch (Exception e)
        {
            end = new ProcessEnd.Crashed(e);
        }
        End = IsDead ? new ProcessEnd.Killed() : end;
        _simulator.Trace.Note(_simulator.Now, Name, $"ended: {Describe(End)}");
        try
        {
            Ended?.Invoke(End);
        }
        catch (Exception e)
        {
            // Nobody awaits this method: what the auditor finds here would be lost.
            _simulator.Fail(e);
        }
    }

    private static string Describe(ProcessEnd end) => end switch
    {
        ProcessEnd.Failed(var failure) => $"exit {failure.ExitCode}: {failure.Message}",
        ProcessEnd.Crashed(var crash) => $"CRASHED: {crash}",
        _ => end.GetType().Name,
    };

    public void StopCleanly()
    {
        IsStopping = true;
        Context.Post(_stop.Cancel);
    }

    /// <summary>Whether it was asked to end.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>Lets that many more calls to the outside begin, and does something with the next: so faults hit every step of a commit.</summary>
    public void AfterCalls(int calls, Action act) => _atCalls.Add((_callCount + calls, act));

    public void Kill()
    {
        if (IsDead || End is not null) return;
        IsDead = true;
        _simulator.Trace.Note(_simulator.Now, Name, "killed");
        _simulator.After(TimeSpan.Zero, Unwind);
    }

    /// <summary>Ends what the process was doing, so that its memory comes back; it can no longer touch anything.</summary>
    private void Unwind()
    {
        Context.Run(_abort.Cancel);
        foreach (var call in _pending.ToArray()) call.Abandon();
        _pending.Clear();
        if (!_simulator.RunOut(Context, () => End is not null))
            throw new InvalidOperationException($"{Name} was killed, and its tasks did not end.");
        Context.IsPaused = true;
    }

    public Task Start(string name, Func<CancellationToken, Task> work, CancellationToken cancellationToken) => StartAsync(work, cancellationToken);

    private static async Task StartAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        await Task.Yield();
        await work(cancellationToken);
    }

    /// <summary>
    /// A call to a server: the request travels, has its effect there, and the answer travels back, unless the fate of the
    /// call is another. The death of the process loses the answer and, by chance, a request that is still on its way.
    /// </summary>
    /// <param name="effect">Runs on the server; its exceptions travel back.</param>
    /// <param name="failure">What the caller gets where there is no answer.</param>
    /// <param name="falsified">Makes the answer one that does not say what was done; null where answers of this call are always true.</param>
    public ValueTask<T> CallAsync<T>(
        string what, CallFate fate, Func<T> effect, Func<CallFault, Exception> failure, CancellationToken cancellationToken, Func<T, T>? falsified = null)
    {
        CountCall();
        if (IsDead) return ValueTask.FromException<T>(new OperationCanceledException(_abort.Token));
        cancellationToken.ThrowIfCancellationRequested();
        _simulator.Trace.Note(_simulator.Now, Name, fate.Fault == CallFault.None ? what : $"{what} [{fate.Fault}]");
        var call = new PendingCall<T>(cancellationToken, Context, _pending);
        var survivesDeath = _fates.Next(2) == 0;
        _simulator.After(fate.ToServer, () =>
        {
            if (IsDead && !survivesDeath) return;
            if (fate.Fault is CallFault.FailsBefore or CallFault.TurnedAway)
            {
                call.Fail(failure(fate.Fault));
                return;
            }
            if (fate.Fault == CallFault.LandsLate)
            {
                call.Fail(failure(fate.Fault));
                _simulator.After(fate.LateBy, () =>
                {
                    _simulator.Trace.Note(_simulator.Now, Name, $"{what} lands late");
                    try
                    {
                        effect();
                    }
                    catch (Exception e) when (e is not AuditException)
                    {
                        // The caller has given up.
                    }
                });
                return;
            }
            Action answer;
            try
            {
                var result = effect();
                answer = fate.Fault switch
                {
                    CallFault.AnswerLost => () => call.Fail(failure(fate.Fault)),
                    CallFault.FalseAnswer when falsified is not null => () => call.Answer(falsified(result)),
                    _ => () => call.Answer(result),
                };
            }
            catch (Exception e) when (e is not AuditException)
            {
                answer = () => call.Fail(e);
            }
            _simulator.After(fate.ToClient, answer);
        });
        return new ValueTask<T>(call.Task);
    }

    /// <summary>Waits, for a time or for news, whichever comes first. Dies with the process.</summary>
    /// <param name="subscribe">Gets what to call when there is news.</param>
    public async ValueTask WaitAsync(TimeSpan time, Action<Action>? subscribe, CancellationToken cancellationToken)
    {
        CountCall();
        if (IsDead) throw new OperationCanceledException(_abort.Token);
        var call = new PendingCall<bool>(cancellationToken, Context, _pending);
        var timer = time == Timeout.InfiniteTimeSpan ? null : _simulator.After(time, () => call.Answer(true));
        subscribe?.Invoke(() =>
        {
            timer?.Cancel();
            call.Answer(true);
        });
        await call.Task;
    }

    private void CountCall()
    {
        _callCount++;
        for (var i = _atCalls.Count - 1; i >= 0; i--)
        {
            var (atCall, act) = _atCalls[i];
            if (atCall >= _callCount) continue;
            _atCalls.RemoveAt(i);
            act();
        }
    }

    private readonly HashSet<CommitId> _told = [];

    /// <summary>Whether the process knows that the commit got into a table: its catalog has answered so, or it says of its reset that it stands.</summary>
    public bool WasTold(CommitId commit) => _told.Contains(commit);

    public void NoteTold(CommitId commit) => _told.Add(commit);

    private readonly HashSet<string> _acceptedTags = new(StringComparer.Ordinal);

    /// <summary>Whether it has continued from that tag, as <c>--accept-tag</c> allows it to; the answer alone does not show that it was needed.</summary>
    public bool HasAcceptedTag(string tag) => _acceptedTags.Contains(tag);

    public void Write(LogEntry entry)
    {
        if (entry.Event == "tag-accepted") _acceptedTags.Add(entry.Fields.Single(field => field.Name == "tag").Value!.ToString()!);
        if (entry.Event == "reset") NoteTold(new CommitId(Guid.Parse(entry.Fields.Single(field => field.Name == "commit").Value!.ToString()!)));
        _simulator.Trace.Note(_simulator.Now, Name, $"{entry.Event}: {(_simulator.Trace.KeepsLines ? entry.Message : "")}");
    }
}
