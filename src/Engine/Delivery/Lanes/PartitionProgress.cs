using Matih.Batches;
using Matih.Delivery.Ledgers;
using Matih.Kafka;

namespace Matih.Delivery.Lanes;

/// <summary>
/// How far a lane has read one partition since the last checkpoint. Offsets only move forward: a record below the position
/// is one that was delivered before and is left out. A batch is first scanned, then accepted, so that a batch which has to
/// be cut at a bad record leaves no trace of the first attempt.
/// </summary>
internal sealed class PartitionProgress
{
    private readonly long _endOffset;
    private PartitionLedger _base;
    private long _next;
    private long _recordCount;
    private Fingerprint? _last;
    private long _maxTimestampMillis;
    private readonly GapList _gaps = new();

    private long _scanNext;
    private long _scanCount;
    private long _scanMaxTimestamp;
    private int _scanLastRow;

    /// <param name="at">Where it begins.</param>
    /// <param name="endOffset">Where it must stop, for a reader of a bounded range; records from there on are left out.</param>
    public PartitionProgress(PartitionLedger at, long endOffset = long.MaxValue)
    {
        _base = at.Unmoved();
        _endOffset = endOffset;
        Rebase();
    }

    public int Partition => _base.Partition;

    public long NextOffset => _next;

    /// <summary>
    /// The first row of the batch that must not be taken (a bad one under <c>on_error: fail</c>, or one beyond the records
    /// that a micro-batch may take), else int.MaxValue. No batch follows one that was cut.
    /// </summary>
    public int CutoffRow { get; set; } = int.MaxValue;

    /// <summary>Whether the partition was read to its end at least once, so that silence means that nothing comes.</summary>
    public bool HasReachedEnd { get; private set; }

    public void BeginScan()
    {
        _scanNext = _next;
        _scanCount = 0;
        _scanMaxTimestamp = _maxTimestampMillis;
        _gaps.BeginScan();
        _scanLastRow = -1;
    }

    /// <summary>Looks at one record; false where it must be left out.</summary>
    public bool Scan(in RawRecord record, int row)
    {
        if (row == CutoffRow && record.Offset > _scanNext)
        {
            // The partition ends just before this record, and what the client gave none of is looked for a second time.
            var end = Math.Min(record.Offset, _endOffset);
            if (end > _scanNext) _gaps.Add(_scanNext, end);
            _scanNext = Math.Max(_scanNext, end);
        }
        if (record.Offset < _scanNext || row >= CutoffRow) return false;
        if (record.Offset >= _endOffset)
        {
            // What lies before the end has come already, because a partition's records come in order.
            if (_scanNext < _endOffset) _gaps.Add(_scanNext, _endOffset);
            _scanNext = Math.Max(_scanNext, _endOffset);
            return false;
        }
        if (record.Offset > _scanNext) _gaps.Add(_scanNext, record.Offset);
        _scanNext = record.Offset + 1;
        _scanCount++;
        _gaps.NoteRecord();
        _scanLastRow = row;
        if (record.TimestampMillis > _scanMaxTimestamp) _scanMaxTimestamp = record.TimestampMillis;
        return true;
    }

    /// <summary>Takes what was scanned. The last of these records, or null where the batch held none of the partition.</summary>
    public Fingerprint? Accept(RawBatch batch)
    {
        _next = _scanNext;
        _recordCount += _scanCount;
        _maxTimestampMillis = _scanMaxTimestamp;
        _gaps.Accept();
        if (_scanLastRow < 0) return null;
        ref readonly var record = ref batch.Records[_scanLastRow];
        _last = new Fingerprint(record.Offset, record.TimestampMillis, RecordFingerprint.Of(batch.Key(_scanLastRow), batch.Value(_scanLastRow)));
        return _last;
    }

    /// <summary>
    /// Moves past what holds no records up to the end that the broker reported (control records, aborted ones); not once a
    /// cut has ended the partition, which the end lies behind.
    /// </summary>
    public void ReachEnd(long nextOffset)
    {
        HasReachedEnd = true;
        nextOffset = Math.Min(nextOffset, _endOffset);
        if (nextOffset <= _next || CutoffRow != int.MaxValue) return;
        _gaps.BeginScan();
        _gaps.Add(_next, nextOffset);
        _gaps.Accept();
        _next = nextOffset;
    }

    /// <summary>What was done since the last checkpoint; the next one begins here.</summary>
    public PartitionStretch Take()
    {
        var entry = new PartitionLedger(
            Partition, _base.NextOffset, _next, _recordCount, _last, _maxTimestampMillis, _base.IsUnreadEarliest && _next == _base.NextOffset);
        var gaps = _gaps.Take();
        _base = entry.Unmoved();
        Rebase();
        return new PartitionStretch(entry, gaps);
    }

    private void Rebase()
    {
        _next = _base.NextOffset;
        _recordCount = 0;
        _last = _base.Last;
        _maxTimestampMillis = _base.MaxTimestampMillis;
        BeginScan();
    }
}

/// <summary>One partition's part of a checkpoint.</summary>
/// <param name="Entry">Its ledger entry.</param>
/// <param name="Gaps">Where in the range no record was seen.</param>
internal readonly record struct PartitionStretch(PartitionLedger Entry, StretchGaps Gaps);
