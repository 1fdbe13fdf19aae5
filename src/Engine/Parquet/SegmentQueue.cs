namespace Matih.Parquet;

/// <summary>Bytes in pooled segments, appended at the end and taken from the front, never moved in between.</summary>
internal sealed class SegmentQueue(BufferLedger ledger) : IDisposable
{
    private const int SegmentBytesMin = 4 << 10;
    private const int SegmentBytesMax = 1 << 20;

    /// <summary>Below this a queue is copied into another rather than linked, so that the output does not crumble.</summary>
    private const int CopyBytesMax = 64 << 10;

    private readonly BufferLedger _ledger = ledger;
    private readonly Queue<Segment> _full = [];
    private byte[] _tail = [];
    private int _tailLength;

    private readonly record struct Segment(byte[] Array, int Length);

    /// <summary>Bytes in the queue.</summary>
    public long LengthBytes { get; private set; }

    /// <summary>Bytes of memory behind it.</summary>
    public long HeldBytes { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        LengthBytes += bytes.Length;
        while (true)
        {
            var taken = Math.Min(bytes.Length, _tail.Length - _tailLength);
            bytes[..taken].CopyTo(_tail.AsSpan(_tailLength));
            _tailLength += taken;
            bytes = bytes[taken..];
            if (bytes.IsEmpty) return;
            CloseTail();
            _tail = _ledger.Rent<byte>((int)Math.Clamp(LengthBytes, SegmentBytesMin, SegmentBytesMax));
            HeldBytes += _tail.Length;
        }
    }

    /// <summary>Appends all of this queue to another one, which is charged with it from then on; this one becomes empty.</summary>
    public void MoveTo(SegmentQueue target)
    {
        if (LengthBytes <= CopyBytesMax)
        {
            foreach (var segment in _full) target.Append(segment.Array.AsSpan(0, segment.Length));
            target.Append(_tail.AsSpan(0, _tailLength));
            Dispose();
            return;
        }
        CloseTail();
        target.CloseTail();
        foreach (var segment in _full) target._full.Enqueue(segment);
        _ledger.Charge(-HeldBytes);
        target._ledger.Charge(HeldBytes);
        target.LengthBytes += LengthBytes;
        target.HeldBytes += HeldBytes;
        _full.Clear();
        LengthBytes = 0;
        HeldBytes = 0;
    }

    /// <summary>Copies all bytes; they stay in the queue.</summary>
    public void CopyTo(PooledBuffer target)
    {
        foreach (var segment in _full) target.Append(segment.Array.AsSpan(0, segment.Length));
        target.Append(_tail.AsSpan(0, _tailLength));
    }

    /// <summary>Writes and removes segment after segment. One whose write failed stays at the front.</summary>
    public async ValueTask DrainAsync(Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write, CancellationToken cancellationToken)
    {
        CloseTail();
        while (_full.TryPeek(out var segment))
        {
            await write(segment.Array.AsMemory(0, segment.Length), cancellationToken);
            _full.Dequeue();
            LengthBytes -= segment.Length;
            Release(segment.Array);
        }
    }

    public void Dispose()
    {
        CloseTail();
        while (_full.TryDequeue(out var segment)) Release(segment.Array);
        LengthBytes = 0;
    }

    private void Release(byte[] array)
    {
        HeldBytes -= array.Length;
        _ledger.Return(ref array);
    }

    private void CloseTail()
    {
        if (_tailLength != 0) _full.Enqueue(new Segment(_tail, _tailLength));
        else if (_tail.Length != 0) Release(_tail);
        _tail = [];
        _tailLength = 0;
    }
}
