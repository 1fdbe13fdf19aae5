using System.Runtime.ExceptionServices;

namespace Matih.Engine.Simulation.Scheduling;

/// <summary>
/// Runs a whole world on the thread that made it: events in simulated time, and between them one callback of one process
/// after the other, which of them is up to the seed. Nothing else ever runs, so that a seed always gives the same run.
/// </summary>
internal sealed class Simulator(int seed, Trace trace)
{
    /// <summary>No scenario takes a hundredth of it: more is a loop without end.</summary>
    private const long StepCountMax = 10_000_000;

    private readonly PriorityQueue<SimulatedEvent, (long At, long Order)> _events = new();
    private readonly List<SimulatedContext> _ready = [];
    private readonly int _threadId = Environment.CurrentManagedThreadId;
    private long _order;
    private volatile string? _foreignPost;
    private Exception? _fault;

    /// <summary>Which of several things that could happen next does.</summary>
    public Random Choices { get; } = new(seed);

    public Trace Trace { get; } = trace;

    /// <summary>Simulated time since the beginning.</summary>
    public TimeSpan Now { get; private set; }

    public long StepCount { get; private set; }

    public SimulatedEvent After(TimeSpan delay, Action act)
    {
        var happening = new SimulatedEvent(act);
        _events.Enqueue(happening, (Now.Ticks + Math.Max(0, delay.Ticks), _order++));
        return happening;
    }

    public void MarkReady(SimulatedContext context)
    {
        if (!_ready.Contains(context)) _ready.Add(context);
    }

    public void MarkIdle(SimulatedContext context) => _ready.Remove(context);

    /// <summary>Whether the caller runs in the simulation. A post from elsewhere has left it: the seed fails, because it could not be replayed.</summary>
    public bool IsOwnThread(SendOrPostCallback callback)
    {
        if (Environment.CurrentManagedThreadId == _threadId) return true;
        _foreignPost = $"{callback.Method.DeclaringType}.{callback.Method.Name} was posted from another thread:\n{Environment.StackTrace}";
        return false;
    }

    /// <summary>Runs until the condition holds (true), or the time has come, or nothing is left to happen (false).</summary>
    public bool RunUntil(Func<bool> isDone, TimeSpan until)
    {
        RunOn(isDone, until);
        ThrowIfForeign(isWaiting: !isDone());
        return isDone();
    }

    private void RunOn(Func<bool> isDone, TimeSpan until)
    {
        while (true)
        {
            if (_fault is not null) ExceptionDispatchInfo.Throw(_fault);
            if (isDone()) break;
            if (StepCount > StepCountMax) throw new InvalidOperationException($"The simulation ran away: {StepCount} steps and still no end, at {Now}.");
            if (_ready.Count != 0)
            {
                RunOne(_ready.Count == 1 ? _ready[0] : _ready[Choices.Next(_ready.Count)]);
                continue;
            }
            if (!TryNext(until, out var happening)) break;
            Trace.Step(Now.Ticks, -1);
            StepCount++;
            happening.Act();
        }
    }

    /// <summary>Lets that much time pass. Unlike <see cref="RunUntil"/> it does not wait for work that has left the simulation: the next step finds it.</summary>
    public void Pass(TimeSpan time)
    {
        RunOn(() => false, Now + time);
    }

    /// <summary>Ends the run with that, where the caller's own exception would reach nobody.</summary>
    public void Fail(Exception fault) => _fault ??= fault;

    /// <summary>Runs what a process still has to do, with no time passing and nobody else running: the end of a killed one.</summary>
    public bool RunOut(SimulatedContext context, Func<bool> isDone)
    {
        for (var step = 0; step < 100_000; step++)
        {
            if (!context.HasWork) break;
            RunOne(context);
        }
        return isDone();
    }

    public void RunOne(SimulatedContext context)
    {
        Trace.Step(Now.Ticks, context.Id);
        StepCount++;
        context.RunOne(Choices);
        if (_foreignPost is not null) ThrowIfForeign(isWaiting: false);
    }

    private bool TryNext(TimeSpan until, out SimulatedEvent happening)
    {
        while (_events.TryPeek(out happening!, out var key))
        {
            if (happening.IsCancelled)
            {
                _events.Dequeue();
                continue;
            }
            if (key.At > until.Ticks)
            {
                Now = until;
                return false;
            }
            _events.Dequeue();
            Now = TimeSpan.FromTicks(key.At);
            return true;
        }
        if (until > Now) Now = until;
        return false;
    }

    private void ThrowIfForeign(bool isWaiting)
    {
        // Work that has left for the thread pool comes back from there, a little later.
        if (isWaiting && _foreignPost is null) Thread.Sleep(20);
        if (_foreignPost is { } post) throw new NotDeterministicException(post);
    }
}

/// <summary>Something that happens at a time, unless it is cancelled before.</summary>
internal sealed class SimulatedEvent(Action act)
{
    public bool IsCancelled { get; private set; }

    public void Act() => act();

    public void Cancel() => IsCancelled = true;
}

/// <summary>The engine has left the simulation's thread; what it did there cannot be replayed.</summary>
internal sealed class NotDeterministicException(string message) : Exception(message);
