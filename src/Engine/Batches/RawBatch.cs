using System.Runtime.CompilerServices;

namespace Matih.Batches;

/// <summary>What a Kafka record's timestamp means.</summary>
public enum TimestampKind : byte { None, CreateTime, LogAppendTime }

/// <summary>One record as the source handed it over: pointers into memory that the source owns.</summary>
/// <remarks>Lengths are -1 for a null key or value (a tombstone has a null value). Times are milliseconds since the epoch.</remarks>
public unsafe struct RawRecord
{
    public byte* Value;
    public byte* Key;
    public int ValueLength;
    public int KeyLength;
    public long Offset;
    public long TimestampMillis;
    public int Partition;
    public TimestampKind TimestampKind;
}

/// <summary>
/// Records polled together, of one topic, each partition's in offset order. The memory behind them belongs to the source
/// and is valid until <see cref="Release"/> or the next poll into this batch. Not thread-safe.
/// </summary>
public abstract unsafe class RawBatch : IDisposable
{
    private RawRecord[] _records = [];

    /// <summary>The assignment that the records belong to; records of an older one must be thrown away.</summary>
    public long Assignment { get; protected set; }

    public int Count { get; private set; }

    /// <summary>Sum of key and value lengths, bytes.</summary>
    public long PayloadBytes { get; private set; }

    public ReadOnlySpan<RawRecord> Records => _records.AsSpan(0, Count);

    /// <summary>The value's bytes; empty for a tombstone as well (see <see cref="RawRecord.ValueLength"/>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Value(int row)
    {
        ref var record = ref _records[row];
        return record.ValueLength <= 0 ? default : new ReadOnlySpan<byte>(record.Value, record.ValueLength);
    }

    /// <summary>The key's bytes; empty for a null key as well.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Key(int row)
    {
        ref var record = ref _records[row];
        return record.KeyLength <= 0 ? default : new ReadOnlySpan<byte>(record.Key, record.KeyLength);
    }

    /// <summary>The value of the record's last header of that name; false where there is none. A header's value may be null.</summary>
    public abstract bool TryGetHeader(int row, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out bool isNull);

    protected void Add(in RawRecord record)
    {
        if (Count == _records.Length) Array.Resize(ref _records, Math.Max(256, _records.Length * 2));
        _records[Count++] = record;
        PayloadBytes += Math.Max(0, record.ValueLength) + Math.Max(0, record.KeyLength);
    }

    /// <summary>Gives the records' memory back to the source and empties the batch.</summary>
    public void Release()
    {
        ReleaseMemory();
        Count = 0;
        PayloadBytes = 0;
    }

    protected abstract void ReleaseMemory();

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }
}
