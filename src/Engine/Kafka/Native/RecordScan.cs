namespace Matih.Kafka.Native;

/// <summary>Fetches records a second time, beside the assignment: the first one at or after an offset, or how many a range holds.</summary>
internal sealed unsafe class RecordScan(ControlConnection control)
{
    private readonly LibrdkafkaNative _native = control.Library.Native;

    public ProbedRecord? Probe(int partition, long offset, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ProbedRecord? found = null;
        ScanFrom(partition, offset, message =>
        {
            int kind;
            found = new ProbedRecord(message->Offset, _native.MessageTimestamp(message, &kind), Fingerprint(message));
            return true;
        }, cancellationToken);
        return found;
    }

    public long Count(int partition, long fromOffset, long toOffset, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fromOffset);
        var count = 0L;
        if (fromOffset < toOffset)
            ScanFrom(partition, fromOffset, message =>
            {
                if (message->Offset < toOffset) count++;
                return message->Offset >= toOffset - 1;
            }, cancellationToken);
        return count;
    }

    public long CountInGaps(int partition, IReadOnlyList<OffsetGap> gaps, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfZero(gaps.Count);
        var (count, current) = (0L, 0);
        ScanFrom(partition, gaps[0].FromOffset, message =>
        {
            while (current < gaps.Count && gaps[current].ToOffset <= message->Offset) current++;
            if (current == gaps.Count) return true;
            if (message->Offset >= gaps[current].FromOffset) count++;
            return current == gaps.Count - 1 && message->Offset >= gaps[current].ToOffset - 1;
        }, cancellationToken);
        return count;
    }

    /// <summary>Looks at a record; true when none after it is wanted.</summary>
    private delegate bool Visit(LibrdkafkaNative.Message* message);

    /// <summary>
    /// Visits the readable records at and after an offset, up to the partition's end. Below the log start the first is the
    /// first of all; beyond the end there is none.
    /// </summary>
    private void ScanFrom(int partition, long offset, Visit visit, CancellationToken cancellationToken)
    {
        lock (control.Asking)
        {
            var connection = control.Connect();
            if (TryScan(connection, partition, offset, visit, cancellationToken)) return;
            var start = control.ListOffsets(connection, [partition], ControlConnection.StartTime, "the log start", cancellationToken)[0];
            if (offset >= start || TryScan(connection, partition, start, visit, cancellationToken)) return;
            throw new SourceException(
                SourceErrorKind.Unreachable, $"Topic {control.Topic}, partition {partition}: the log start moved away from {start} before its first record came. Try again.");
        }
    }

    /// <summary>False where the offset is out of range.</summary>
    private bool TryScan(ClientConnection connection, int partition, long offset, Visit visit, CancellationToken cancellationToken)
    {
        var queue = _native.QueueNew(connection.Handle);
        nint partitionQueue = 0;
        try
        {
            using var name = new NativeText(control.Topic);
            partitionQueue = _native.QueueOfPartition(connection.Handle, name.Pointer, partition);
            _native.QueueForward(partitionQueue, queue);
            using var list = PartitionList.Of(_native, control.Topic, [partition], offset);
            var refusal = _native.Assign(connection.Handle, list.Pointer);
            if (refusal != NativeErrors.None)
                throw new SourceException(NativeErrors.KindOf(refusal), $"Could not fetch from topic {control.Topic}, partition {partition}: {control.Library.Describe(refusal)}.");
            var (isDone, isOutOfRange) = (false, false);
            while (!isDone && !isOutOfRange)
                control.Ask(connection, $"fetch the record at offset {offset} of topic {control.Topic}, partition {partition}", slice =>
                {
                    LibrdkafkaNative.Message* message;
                    if (_native.ConsumeBatch(queue, slice, &message, 1) < 1)
                    {
                        // A position above the last stable offset gets empty answers, and librdkafka reports no end there.
                        isDone = offset >= control.ListOffsets(connection, [partition], ControlConnection.EndTime, "the end", cancellationToken)[0];
                        return isDone ? NativeErrors.None : NativeErrors.TimedOut;
                    }
                    var error = message->Error;
                    isDone = error == NativeErrors.PartitionEnd || (error == NativeErrors.None && visit(message));
                    isOutOfRange = error is NativeErrors.AutoOffsetReset or NativeErrors.OffsetOutOfRange or NativeErrors.LogTruncation;
                    if (error == NativeErrors.None) offset = message->Offset + 1;
                    _native.MessageDestroy(message);
                    return isDone || isOutOfRange ? NativeErrors.None : error;
                }, cancellationToken);
            return !isOutOfRange;
        }
        finally
        {
            // As LibrdkafkaSource.EndAssignment: the next scan may forward only when this one has stopped.
            _native.Assign(connection.Handle, null);
            LibrdkafkaNative.PartitionArray* none;
            if (_native.Assignment(connection.Handle, &none) == NativeErrors.None) _native.PartitionsDestroy(none);
            if (partitionQueue != 0) _native.QueueDestroy(partitionQueue);
            _native.QueueDestroy(queue);
        }
    }

    private static uint Fingerprint(LibrdkafkaNative.Message* message) => RecordFingerprint.Of(
        message->Key == null ? default : new ReadOnlySpan<byte>(message->Key, (int)message->KeyLength),
        message->Payload == null ? default : new ReadOnlySpan<byte>(message->Payload, (int)message->PayloadLength));
}
