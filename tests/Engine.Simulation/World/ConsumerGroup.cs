using System.Collections.Immutable;
using Matih.Engine.Simulation.Processes;
using Matih.Engine.Simulation.Scheduling;
using Matih.Kafka;

namespace Matih.Engine.Simulation.World;

/// <summary>
/// The broker's side of a group that deals a topic's partitions to processes. Members beat every two seconds; one that is
/// silent for six is dropped and learns that with its next heartbeat, so that a stopped process still believes in what it had.
/// Members learn of a new deal at different times.
/// </summary>
internal sealed class ConsumerGroup
{
    private static readonly TimeSpan BeatInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SessionTimeout = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan LearningMax = TimeSpan.FromSeconds(3);

    private readonly Simulator _simulator;
    private readonly SimulatedTopic _topic;
    private readonly Weather _weather;
    private readonly Random _random;
    private readonly List<(GroupSeat Seat, TimeSpan LastBeat)> _members = [];
    private long _version;
    private int _dealtPartitionCount;

    public ConsumerGroup(Simulator simulator, SimulatedTopic topic, Weather weather, Random random)
    {
        (_simulator, _topic, _weather, _random) = (simulator, topic, weather, random);
    }

    public GroupSeat Join(SimulatedProcess process)
    {
        var seat = new GroupSeat(this, process);
        _simulator.After(Latency(), () => Enter(seat));
        Beat(seat);
        return seat;
    }

    public void Leave(GroupSeat seat)
    {
        if (_members.RemoveAll(item => item.Seat == seat) != 0) Deal();
    }

    /// <summary>Deals the partitions out again, mostly to others.</summary>
    public void Deal()
    {
        _version++;
        _dealtPartitionCount = _topic.Partitions.Count;
        var seats = _members.Select(item => item.Seat).ToArray();
        _random.Shuffle(seats);
        for (var i = 0; i < seats.Length; i++)
        {
            var (seat, index, version) = (seats[i], i, _version);
            ImmutableArray<int> partitions = [.. Enumerable.Range(0, _dealtPartitionCount).Where(partition => partition % seats.Length == index)];
            _simulator.After(LearningMax * Math.Pow(_random.NextDouble(), 3), () =>
            {
                if (_members.Exists(item => item.Seat == seat)) seat.Learn(new GroupShare(version, partitions));
            });
        }
    }

    private void Enter(GroupSeat seat)
    {
        if (!seat.IsAlive || _members.Exists(item => item.Seat == seat)) return;
        _members.Add((seat, _simulator.Now));
        Deal();
    }

    private void Beat(GroupSeat seat)
    {
        if (!seat.IsAlive && !_members.Exists(item => item.Seat == seat)) return;
        _simulator.After(BeatInterval, () => Beat(seat));
        if (_weather.IsDown(Service.Kafka)) return; // The coordinator is down, too: it counts no time.

        if (seat.IsAlive && !seat.IsStopped)
        {
            var index = _members.FindIndex(item => item.Seat == seat);
            if (index >= 0)
            {
                _members[index] = (seat, _simulator.Now);
            }
            else if (seat.Share is not null)
            {
                seat.Learn(null);
                _simulator.After(Latency(), () => Enter(seat));
            }
        }
        var silent = _members.RemoveAll(item => _simulator.Now - item.LastBeat > SessionTimeout && (!item.Seat.IsAlive || item.Seat.IsStopped));
        if (silent != 0 || _dealtPartitionCount != _topic.Partitions.Count) Deal();
    }

    private TimeSpan Latency() => TimeSpan.FromMilliseconds(1 + 200 * _random.NextDouble());
}

/// <summary>One process's seat.</summary>
internal sealed class GroupSeat(ConsumerGroup group, SimulatedProcess process) : IGroupMember
{
    private readonly List<Action> _waiters = [];
    private bool _hasLeft;

    public GroupShare? Share { get; private set; }

    public bool IsAlive => !_hasLeft && !process.IsDead && process.End is null;

    /// <summary>Stopped by SIGSTOP: neither beats nor learns.</summary>
    public bool IsStopped => process.Context.IsPaused;

    public void Learn(GroupShare? share) => process.Context.Post(() =>
    {
        if (share is not null && Share is { } known && known.Version > share.Version) return;
        Share = share;
        var waiters = _waiters.ToArray();
        _waiters.Clear();
        foreach (var waiter in waiters) waiter();
    });

    public async Task<GroupShare?> ChangedAsync(GroupShare? known, CancellationToken cancellationToken)
    {
        while (Share?.Version == known?.Version) await process.WaitAsync(Timeout.InfiniteTimeSpan, _waiters.Add, cancellationToken);
        return Share;
    }

    public ValueTask DisposeAsync()
    {
        _hasLeft = true;
        if (!process.IsDead) group.Leave(this);
        return default;
    }
}
