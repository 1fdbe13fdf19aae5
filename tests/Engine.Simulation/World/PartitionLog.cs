namespace Matih.Engine.Simulation.World;

/// <summary>What should become of a record.</summary>
internal enum RecordKind { Row, Filtered, Malformed }

/// <summary>A producer's transaction; null outcome while it is open.</summary>
internal sealed class Transaction
{
    public bool? IsCommitted { get; set; }
}

/// <summary>One offset of a partition: a record, or (with a null value) a control record. Compaction takes the record away and leaves the offset.</summary>
internal sealed class LogRecord(long offset, RecordKind kind, byte[]? value, long timestampMillis, Transaction? transaction)
{
    public long Offset { get; } = offset;

    public RecordKind Kind { get; } = kind;

    public byte[]? Value { get; } = value;

    public long TimestampMillis { get; } = timestampMillis;

    public Transaction? Transaction { get; } = transaction;

    public bool IsCompacted { get; set; }

    /// <summary>Whether a read-committed reader may ever have got it.</summary>
    public bool WasReadable => Value is not null && (Transaction is null || Transaction.IsCommitted == true);

    public bool IsReadable => WasReadable && !IsCompacted;
}

/// <summary>One partition of one incarnation of a topic. Remembers what retention and compaction took, for the auditor.</summary>
internal sealed class PartitionLog
{
    private readonly List<LogRecord> _records = [];

    public long LogStart { get; private set; }

    public long HighWatermark => _records.Count;

    /// <summary>Read-committed readers get nothing from here on: the first offset of the oldest open transaction.</summary>
    public long LastStable
    {
        get
        {
            foreach (var transaction in _open) return transaction.FirstOffset;
            return HighWatermark;
        }
    }

    private readonly List<(Transaction Transaction, long FirstOffset)> _open = [];

    /// <summary>Every offset that ever was, by its offset.</summary>
    public IReadOnlyList<LogRecord> Records => _records;

    public void Append(RecordKind kind, Func<long, byte[]> value, long timestampMillis, Transaction? transaction)
    {
        if (transaction is not null && !_open.Exists(entry => entry.Transaction == transaction)) _open.Add((transaction, HighWatermark));
        _records.Add(new LogRecord(HighWatermark, kind, value(HighWatermark), timestampMillis, transaction));
    }

    public void AppendControl(long timestampMillis) => _records.Add(new LogRecord(HighWatermark, RecordKind.Row, null, timestampMillis, null));

    /// <summary>Ends a transaction in this partition, with the control record that says so.</summary>
    public void End(Transaction transaction, long timestampMillis)
    {
        if (_open.RemoveAll(entry => entry.Transaction == transaction) != 0) AppendControl(timestampMillis);
    }

    public void DeleteBefore(long offset) => LogStart = Math.Max(LogStart, Math.Min(offset, HighWatermark));

    /// <summary>Readable records from an offset on, as far as a read-committed reader may see.</summary>
    public IEnumerable<LogRecord> Read(long from)
    {
        var end = LastStable;
        for (var offset = Math.Max(from, LogStart); offset < end; offset++)
            if (_records[(int)offset].IsReadable) yield return _records[(int)offset];
    }
}
