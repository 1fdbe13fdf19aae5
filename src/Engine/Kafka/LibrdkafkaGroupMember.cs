using System.Collections.Immutable;
using Matih.Kafka.Native;

namespace Matih.Kafka;

/// <summary>
/// A seat in a consumer group through librdkafka, on a connection of its own that never fetches: every assignment is answered
/// at once with an empty one, so that heartbeats continue and the group deals all partitions, while this only learns its share.
/// A task serves the connection for as long as the seat is held. Thread-safe.
/// </summary>
/// <remarks>
/// Shares are dealt by the <c>range</c> strategy and eagerly: every member gives up all, joins again and gets a whole new
/// share, which the old one outlives until then. A new partition is dealt within 10 s of being there, a topic that is missing
/// once it exists. A member that is silent for its session (6 s, unless the connection says otherwise) is dropped; one that
/// finds itself dropped has no share until it has joined again, which it does by itself.
/// </remarks>
public sealed class LibrdkafkaGroupMember : IGroupMember
{
    private const int SliceMillis = 100;

    /// <summary>Longer than librdkafka waits for a coordinator's answer to the good-bye (5 s); the session's end does the rest.</summary>
    private static readonly TimeSpan LeavingMax = TimeSpan.FromSeconds(7);

    private readonly Librdkafka _library;
    private readonly KafkaSettings _settings;
    private readonly string _topic;
    private readonly string _group;
    private readonly TimeProvider _clock;
    private readonly KafkaLog? _log;
    private readonly ClientConnection _connection;
    private readonly CancellationTokenSource _leaving = new();
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = NewSignal();
    private GroupShare? _share;
    private SourceException? _failure;
    private long _version;
    private bool _leavesSilently;
    private Task _serving = Task.CompletedTask;

    private LibrdkafkaGroupMember(Librdkafka library, KafkaSettings settings, string topic, string group, TimeProvider clock, KafkaLog? log)
    {
        _library = library;
        _settings = settings;
        _topic = topic;
        _group = group;
        _clock = clock;
        _log = log;
        _connection = new ClientConnection(
            library,
            LibrdkafkaNative.ConsumerType,
            settings.MemberProperties(topic, group),
            LibrdkafkaNative.EventLog | LibrdkafkaNative.EventError | LibrdkafkaNative.EventRebalance,
            settings.UsesOAuthBearer,
            log)
        {
            OnRebalance = Answer,
            OnError = TakeError,
        };
    }

    public GroupShare? Share
    {
        get { lock (_gate) return _share; }
    }

    /// <summary>Takes a seat. Returns before the group has answered.</summary>
    /// <param name="tasks">Runs what serves the seat until it is left.</param>
    /// <exception cref="SourceException">The settings are wrong; the message lists all that is known to be.</exception>
    public static LibrdkafkaGroupMember Join(
        Librdkafka library, KafkaSettings settings, string topic, string group, TimeProvider clock, ITaskStarter tasks, KafkaLog? log = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(topic);
        ArgumentException.ThrowIfNullOrEmpty(group);
        var errors = settings.Validate();
        if (errors.Count != 0)
            throw new SourceException(SourceErrorKind.Configuration, string.Join(" ", errors.Select(error => error.Message)));
        var member = new LibrdkafkaGroupMember(library, settings, topic, group, clock, log);
        try
        {
            member.Subscribe();
        }
        catch
        {
            member._connection.Dispose();
            throw;
        }
        // The task must run in any case, because it ends the connection.
        member._serving = tasks.Start("group-member", _ => member.ServeAsync(), CancellationToken.None);
        return member;
    }

    public async Task<GroupShare?> ChangedAsync(GroupShare? known, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_leaving.IsCancellationRequested, this);
                if (_failure is not null) throw new SourceException(_failure.Kind, _failure.Message, _failure);
                if (_share?.Version != known?.Version) return _share;
                changed = _changed.Task;
            }
            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Leaves the group, so that the others take over at once and not after the session's end.</summary>
    public async ValueTask DisposeAsync()
    {
        Stop();
        await _serving;
    }

    /// <summary>Ends the connection without a word to the group, as a crash does: it misses this member once the session is over.</summary>
    internal async Task AbandonAsync()
    {
        _leavesSilently = true;
        await DisposeAsync();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Stop()
    {
        lock (_gate)
        {
            _leaving.Cancel();
            _changed.TrySetResult();
        }
    }

    private unsafe void Subscribe()
    {
        // -1: RD_KAFKA_PARTITION_UA, the topic as a whole.
        using var list = PartitionList.Of(_library.Native, _topic, [-1], 0);
        var error = _library.Native.Subscribe(_connection.Handle, list.Pointer);
        if (error != NativeErrors.None)
            throw new SourceException(NativeErrors.KindOf(error), $"Could not join group {_group} for topic {_topic}: {_library.Describe(error)}.");
    }

    private Task ServeAsync()
    {
        try
        {
            var faults = _connection.FaultSequence;
            while (!_leaving.IsCancellationRequested && _failure is null)
            {
                _connection.WaitForGroup(SliceMillis);
                if (_connection.FaultSequence != faults)
                    Fail(new SourceException(
                        SourceErrorKind.Authentication, $"Could not join group {_group} for topic {_topic}: {_settings.Address} refused us: {_connection.Fault}"));
            }
            if (!_leavesSilently) _connection.LeaveGroup(_clock, LeavingMax);
        }
        finally
        {
            _connection.Dispose();
        }
        return Task.CompletedTask;
    }

    /// <summary>Called while the connection is served. The group deals on only once this member has answered.</summary>
    private unsafe void Answer(nint item)
    {
        var native = _library.Native;
        var code = native.EventErrorCode(item);
        if (code == NativeErrors.AssignPartitions)
        {
            var dealt = native.EventPartitions(item);
            var partitions = ImmutableArray.CreateBuilder<int>(dealt->Count);
            for (var i = 0; i < dealt->Count; i++) partitions.Add(dealt->Entries[i].Partition);
            partitions.Sort();
            using var none = new PartitionList(native, 0);
            Accepted(native.Assign(_connection.Handle, none.Pointer));
            Become(partitions.MoveToImmutable());
            return;
        }
        // The old share stands while the group deals again, unless the group has dropped this member.
        var isLost = code != NativeErrors.RevokePartitions || native.AssignmentLost(_connection.Handle) != 0;
        Accepted(native.Assign(_connection.Handle, null));
        if (isLost) Become(null);
    }

    private void Accepted(int error)
    {
        if (error != NativeErrors.None)
            _log?.Invoke(new KafkaLogLine(4, "GROUP", $"Group {_group}: the answer to a new assignment was refused: {_library.Describe(error)}."));
    }

    private void Become(ImmutableArray<int>? partitions)
    {
        lock (_gate)
        {
            // Dealt again with the same outcome, or still without a seat: no change.
            if (partitions is null ? _share is null : _share is not null && _share.Partitions.SequenceEqual(partitions.Value)) return;
            _share = partitions is null ? null : new GroupShare(++_version, partitions.Value);
            Signal();
        }
        _log?.Invoke(partitions is null
            ? new KafkaLogLine(5, "GROUP", $"Group {_group} has dropped this member, which joins again.")
            : new KafkaLogLine(6, "GROUP", $"Group {_group} gives this member partitions [{string.Join(", ", partitions.Value)}] of topic {_topic}."));
    }

    /// <summary>Errors that need somebody's help end the seat; librdkafka gets past all others, and has logged them.</summary>
    private void TakeError(int code, string text)
    {
        var remedy = code switch
        {
            NativeErrors.GroupAuthorization => $"The principal needs the right (ACL) to Read group {_group}.",
            NativeErrors.TopicAuthorization => $"The principal needs the rights (ACLs) to Describe and Read topic {_topic}.",
            NativeErrors.InconsistentGroupProtocol => $"Consumers of another kind are in the group: end them, or give this pipeline a consumer_group of its own.",
            NativeErrors.InvalidSessionTimeout => "Set session.timeout.ms in the connection's properties to what the broker allows (group.min.session.timeout.ms to group.max.session.timeout.ms).",
            NativeErrors.InvalidGroupId => "Correct the consumer_group.",
            NativeErrors.Fatal => "Start again.",
            _ => null,
        };
        if (remedy is not null)
            Fail(new SourceException(
                NativeErrors.KindOf(code), $"Could not stay in group {_group} for topic {_topic} at {_settings.Address}: {text.TrimEnd('.')}. {remedy}"));
    }

    private void Fail(SourceException failure)
    {
        lock (_gate)
        {
            if (_failure is not null) return;
            _failure = failure;
            _share = null;
            Signal();
        }
    }

    /// <summary>Under the gate.</summary>
    private void Signal()
    {
        _changed.TrySetResult();
        _changed = NewSignal();
    }
}
