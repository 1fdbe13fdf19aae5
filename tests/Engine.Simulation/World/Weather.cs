using Matih.Engine.Simulation.Scheduling;

namespace Matih.Engine.Simulation.World;

/// <summary>The servers that processes talk to.</summary>
internal enum Service { Store, Catalog, Kafka }

/// <summary>Kinds of trouble that a service can be in for a while.</summary>
internal enum Trouble
{
    /// <summary>Some calls never arrive.</summary>
    Resets,
    /// <summary>Some answers are lost after the effect.</summary>
    LostAnswers,
    /// <summary>Some calls have their effect long after the caller gave up.</summary>
    LateEffects,
    /// <summary>All of these.</summary>
    Mixed,
    /// <summary>Some calls are turned away: nothing is done.</summary>
    Throttling,
    /// <summary>Some answers to changes do not say what was done.</summary>
    FalseAnswers,
    /// <summary>Nothing gets through.</summary>
    Outage,
    /// <summary>Nothing can be written; reads work (a full disk, a quota).</summary>
    DiskFull,
    /// <summary>Everything takes seconds.</summary>
    Slow,
}

/// <summary>How the services fare at the moment: decides the fate of each call, from a stream of its own.</summary>
internal sealed class Weather(Simulator simulator, int seed)
{
    private readonly Random _random = new(seed);
    private readonly List<(Service Service, Trouble Trouble, double Share)> _troubles = [];
    private readonly TimeSpan[] _lastTroubles = [TimeSpan.MinValue, TimeSpan.MinValue, TimeSpan.MinValue];
    private readonly TimeSpan[] _usual = [TimeSpan.FromMilliseconds(4), TimeSpan.FromMilliseconds(8), TimeSpan.FromMilliseconds(2)];

    public void Begin(Service service, Trouble trouble, double share, TimeSpan duration)
    {
        var entry = (service, trouble, share);
        _troubles.Add(entry);
        simulator.After(duration, () =>
        {
            if (_troubles.Remove(entry)) _lastTroubles[(int)service] = simulator.Now;
        });
    }

    /// <summary>When a service was last in trouble; now where it is, before the beginning where it never was.</summary>
    public TimeSpan LastTroubleOf(Service service) => _troubles.Exists(entry => entry.Service == service) ? simulator.Now : _lastTroubles[(int)service];

    /// <summary>When any service was last in trouble.</summary>
    public TimeSpan CalmSince => Enum.GetValues<Service>().Max(LastTroubleOf);

    /// <summary>All is well from now on; effects that are late still come.</summary>
    public void ClearUp()
    {
        foreach (var (service, _, _) in _troubles) _lastTroubles[(int)service] = simulator.Now;
        _troubles.Clear();
        IsFair = true;
    }

    /// <summary>Nothing goes wrong any more, in clients neither.</summary>
    public bool IsFair { get; private set; }

    public bool IsDown(Service service) => _troubles.Exists(entry => entry.Service == service && entry.Trouble == Trouble.Outage);

    /// <summary>Nothing can be written; the local disk, on which rows wait, is as full as the store.</summary>
    public bool IsFull(Service service) => _troubles.Exists(entry => entry.Service == service && entry.Trouble == Trouble.DiskFull);

    public CallFate Decide(Service service, bool isWrite)
    {
        var (there, back) = (Latency(service), Latency(service));
        foreach (var (afflicted, trouble, share) in _troubles)
        {
            if (afflicted != service) continue;
            switch (trouble)
            {
                case Trouble.Outage:
                    return new CallFate(TimeSpan.FromSeconds(1 + 2 * _random.NextDouble()), back, CallFault.FailsBefore, default);
                case Trouble.DiskFull:
                    if (isWrite) return new CallFate(there, back, CallFault.FailsBefore, default);
                    break;
                case Trouble.Slow:
                    (there, back) = (Slowed(there), Slowed(back));
                    break;
                default:
                    if (_random.NextDouble() >= share) break;
                    return new CallFate(there, back, FaultOf(trouble), TimeSpan.FromMilliseconds(Math.Pow(10, 1 + 4.3 * _random.NextDouble())));
            }
        }
        return new CallFate(there, back, CallFault.None, default);
    }

    /// <summary>Two slow phases at once are not as slow as their product: no client waits for hours.</summary>
    private TimeSpan Slowed(TimeSpan time) => TimeSpan.FromTicks(Math.Min((time * (1 + 400 * _random.NextDouble())).Ticks, TimeSpan.FromSeconds(40).Ticks));

    private CallFault FaultOf(Trouble trouble) => trouble switch
    {
        Trouble.Resets => CallFault.FailsBefore,
        Trouble.LostAnswers => CallFault.AnswerLost,
        Trouble.LateEffects => CallFault.LandsLate,
        Trouble.Throttling => CallFault.TurnedAway,
        Trouble.FalseAnswers => CallFault.FalseAnswer,
        _ => (CallFault)_random.Next((int)CallFault.FailsBefore, (int)CallFault.FalseAnswer + 1),
    };

    private TimeSpan Latency(Service service) => _usual[(int)service] * (0.2 + _random.NextDouble() + (_random.Next(50) == 0 ? 100 * _random.NextDouble() : 0));
}
