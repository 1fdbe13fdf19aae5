using System.Text;

namespace Matih.Kafka.Native;

/// <summary>The consumer group's offsets, for dashboards, and the mark kept with them. No group is joined.</summary>
internal sealed unsafe class GroupOffsets(ControlConnection control)
{
    private readonly LibrdkafkaNative _native = control.Library.Native;

    public string? ReadMark(CancellationToken cancellationToken)
    {
        if (control.Settings.GroupId is null) return null;
        lock (control.Asking)
        {
            var connection = control.Connect();
            var partitions = Enumerable.Range(0, control.CountPartitions(connection, cancellationToken)).ToArray();
            using var list = PartitionList.Of(_native, control.Topic, partitions, ControlConnection.EndTime);
            try
            {
                ReadCommitted(connection, list, cancellationToken);
            }
            catch (SourceException refusal) when (refusal.Kind == SourceErrorKind.Authorization)
            {
                control.Log?.Invoke(new KafkaLogLine(4, "GROUP", $"{refusal.Message} Whether the group belongs to a table that was dropped cannot be known."));
                return null;
            }
            foreach (ref readonly var entry in list.Entries)
            {
                // Some clients store a terminating zero with it.
                var mark = entry.Metadata == null ? "" : Encoding.UTF8.GetString(entry.Metadata, (int)entry.MetadataLength).TrimEnd('\0');
                if (mark.Length != 0) return mark;
            }
            return null;
        }
    }

    public (bool Stored, string? Reason) Store(IReadOnlyList<PartitionPosition> positions, string mark, CancellationToken cancellationToken)
    {
        if (control.Settings.GroupId is null) return (false, "no consumer group is configured");
        if (positions.Count == 0) return (true, null);
        lock (control.Asking)
        {
            nint queue = 0;
            try
            {
                var connection = control.Connect();
                // librdkafka would hold a commit back until there is a coordinator, even past the call's time. A look at
                // one offset finds out first.
                using (var first = PartitionList.Of(_native, control.Topic, [positions[0].Partition], ControlConnection.EndTime)) ReadCommitted(connection, first, cancellationToken);
                queue = _native.QueueNew(connection.Handle);
                var answer = queue;
                using var list = PartitionList.Of(_native, connection.Handle, control.Topic, positions, mark);
                var error = _native.CommitToQueue(connection.Handle, list.Pointer, queue, 0, 0);
                if (error != NativeErrors.None) return (false, control.Library.Describe(error));
                control.Ask(connection, $"store the offsets of group {control.Settings.GroupId}", slice => AwaitCommit(answer, slice), cancellationToken);
                return (true, null);
            }
            catch (SourceException refusal)
            {
                return (false, refusal.Message);
            }
            finally
            {
                if (queue != 0) _native.QueueDestroy(queue);
            }
        }
    }

    private void ReadCommitted(ClientConnection connection, PartitionList list, CancellationToken cancellationToken)
    {
        var pointer = list.Pointer;
        control.Ask(connection, $"read the offsets of group {control.Settings.GroupId}", slice =>
        {
            var error = _native.Committed(connection.Handle, pointer, slice);
            if (error == NativeErrors.None) error = ControlConnection.FirstError(pointer);
            // A group that may not be looked at never gets a coordinator, which librdkafka tells once, and beside the call.
            connection.Drain();
            return NativeErrors.IsTransient(error) && connection.GroupFault is not null ? NativeErrors.GroupAuthorization : error;
        }, cancellationToken);
        connection.GroupFault = null;
    }

    private int AwaitCommit(nint queue, int sliceMillis)
    {
        var item = _native.QueuePoll(queue, sliceMillis);
        if (item == 0) return NativeErrors.TimedOut;
        var error = _native.EventErrorCode(item);
        if (error == NativeErrors.None && _native.EventPartitions(item) is var list && list != null) error = ControlConnection.FirstError(list);
        _native.EventDestroy(item);
        // The commit has been answered: asking again would wait for nothing.
        return NativeErrors.IsTransient(error)
            ? throw new SourceException(SourceErrorKind.Unreachable, $"Could not store the offsets of group {control.Settings.GroupId}: {control.Library.Describe(error)}.")
            : error;
    }
}
