namespace Matih.Engine.Simulation.World;

/// <summary>What should become of a record.</summary>
internal enum RecordKind { Row, Filtered, Malformed }

/// <summary>A producer's transaction; null outcome while it is open.</summary>
internal sealed class Transaction
{
    public bool? IsCommitted { get; set; }
}

/// <summary>One offset of a partition: a record, or (with a null value) a control record. Compaction takes the record away and leaves the offset.</summary>
internal sealed class LogRecord(long offset, long id, RecordKind kind, byte[]? value, long timestampMillis, Transaction? transaction)
{
    /// <summary>Tells the record from every other of the topic, those that stood at the same offset among them; -1 for a control record.</summary>
    public long Id { get; } = id;

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
    private readonly List<LostTail> _lostTails = [];
    private readonly Dictionary<string, long> _readTo = new(StringComparer.Ordinal);

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

    /// <summary>What unclean leader elections took, oldest first. Other records have taken those offsets, or will.</summary>
    public IReadOnlyList<LostTail> LostTails => _lostTails;

    public void Append(RecordKind kind, long id, Func<long, byte[]> value, long timestampMillis, Transaction? transaction)
    {
        if (transaction is not null && !_open.Exists(entry => entry.Transaction == transaction)) _open.Add((transaction, HighWatermark));
        _records.Add(new LogRecord(HighWatermark, id, kind, value(HighWatermark), timestampMillis, transaction));
    }

    public void AppendControl(long timestampMillis) => _records.Add(new LogRecord(HighWatermark, -1, RecordKind.Row, null, timestampMillis, null));

    /// <summary>Ends a transaction in this partition, with the control record that says so.</summary>
    public void End(Transaction transaction, long timestampMillis)
    {
        if (_open.RemoveAll(entry => entry.Transaction == transaction) != 0) AppendControl(timestampMillis);
    }

    public void DeleteBefore(long offset) => LogStart = Math.Max(LogStart, Math.Min(offset, HighWatermark));

    /// <summary>A reader of that flow stands at that offset: it has what lies before.</summary>
    public void NoteRead(string flow, long nextOffset)
    {
        if (!_readTo.TryGetValue(flow, out var known) || known < nextOffset) _readTo[flow] = nextOffset;
    }

    /// <summary>An unclean leader election: the new leader never had the records from there on. No transaction may be open.</summary>
    public void Truncate(long from, TimeSpan now)
    {
        from = Math.Max(from, LogStart);
        if (from >= HighWatermark) return;
        var readers = _readTo.Where(item => item.Value > from).Select(item => item.Key).ToHashSet(StringComparer.Ordinal);
        _lostTails.Add(new LostTail(from, [.. _records.Skip((int)from)], now, readers));
        _records.RemoveRange((int)from, _records.Count - (int)from);
    }

    /// <summary>Whether a row of the flow has to stand for the offset, whichever of the records that stood there it has met.</summary>
    public bool MakesRow(long offset, string flow)
    {
        if (_lostTails.Count == 0) return MakesRow(_records[(int)offset]);
        return At(offset, flow).All(MakesRow);

        static bool MakesRow(LogRecord record) => record.IsReadable && record.Kind == RecordKind.Row;
    }

    /// <summary>The records that a flow may have met at an offset: the one that stands there, and those that it had read before they were lost.</summary>
    public IEnumerable<LogRecord> At(long offset, string flow) => At(offset, tail => tail.Readers.Contains(flow));

    /// <summary>The records that ever stood at an offset.</summary>
    public IEnumerable<LogRecord> EverAt(long offset) => At(offset, _ => true);

    private IEnumerable<LogRecord> At(long offset, Predicate<LostTail> counts)
    {
        if (offset < _records.Count) yield return _records[(int)offset];
        foreach (var tail in _lostTails)
            if (offset >= tail.FromOffset && offset < tail.EndOffset && counts(tail)) yield return tail.Records[(int)(offset - tail.FromOffset)];
    }

    /// <summary>The first offset whose record may not be the one that the flow has read; <see cref="long.MaxValue"/> for none.</summary>
    public long TornFrom(string flow)
    {
        var from = long.MaxValue;
        foreach (var tail in _lostTails)
            if (tail.Readers.Contains(flow)) from = Math.Min(from, tail.FromOffset);
        return from;
    }

    /// <summary>Readable records from an offset on, as far as a read-committed reader may see.</summary>
    public IEnumerable<LogRecord> Read(long from)
    {
        var end = LastStable;
        for (var offset = Math.Max(from, LogStart); offset < end; offset++)
            if (_records[(int)offset].IsReadable) yield return _records[(int)offset];
    }
}

/// <summary>The end of a partition that an unclean leader election took away.</summary>
/// <param name="FromOffset">The first offset that was lost.</param>
/// <param name="At">When.</param>
/// <param name="Readers">The flows that had read from it.</param>
internal sealed record LostTail(long FromOffset, IReadOnlyList<LogRecord> Records, TimeSpan At, IReadOnlySet<string> Readers)
{
    public long EndOffset => FromOffset + Records.Count;
}
