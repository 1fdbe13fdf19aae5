using System.Buffers;
using System.Runtime.CompilerServices;
using Matih.Batches;

namespace Matih.Parquet;

/// <summary>Counts the buffers of one writer, and passes every change on to the run's account.</summary>
internal sealed class BufferLedger(MemoryAccount account)
{
    public long UsedBytes { get; private set; }

    public void Charge(long bytes)
    {
        UsedBytes += bytes;
        account.Charge(bytes);
    }

    /// <summary>An array of at least that many items from the pool, charged; its content is unspecified.</summary>
    public T[] Rent<T>(int length) where T : unmanaged
    {
        var array = ArrayPool<T>.Shared.Rent(length);
        Charge((long)array.Length * Unsafe.SizeOf<T>());
        return array;
    }

    /// <summary>Gives an array back; it becomes empty.</summary>
    public void Return<T>(ref T[] array) where T : unmanaged
    {
        var returned = array;
        array = [];
        if (returned.Length == 0) return;
        Charge(-(long)returned.Length * Unsafe.SizeOf<T>());
        ArrayPool<T>.Shared.Return(returned);
    }

    /// <summary>Replaces an array by one of at least <paramref name="needed"/> items, at least doubled, with the first <paramref name="used"/> kept.</summary>
    public void Grow<T>(ref T[] array, int used, int needed) where T : unmanaged
    {
        if (needed <= array.Length) return;
        var grown = Rent<T>((int)Math.Min(Array.MaxLength, Math.Max(needed, array.Length * 2L)));
        array.AsSpan(0, used).CopyTo(grown);
        Return(ref array);
        array = grown;
    }
}

/// <summary>A growing byte array from the pool, charged to the account. The owner disposes it.</summary>
internal sealed class PooledBuffer(BufferLedger ledger) : IDisposable
{
    private byte[] _bytes = [];

    public int Length { get; private set; }

    /// <summary>Bytes held.</summary>
    public int CapacityBytes => _bytes.Length;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    /// <summary>The written bytes, for a write that takes its time.</summary>
    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    /// <summary>The written bytes, for changing.</summary>
    public Span<byte> Filled => _bytes.AsSpan(0, Length);

    /// <summary>Where the bytes start; moves when the buffer grows.</summary>
    public ref byte First => ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(_bytes);

    public void Clear() => Length = 0;

    /// <summary>Room for that many bytes after those written; <see cref="Advance"/> takes what was filled.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Reserve(int count)
    {
        if (_bytes.Length - Length < count) GrowFor(count);
        return _bytes.AsSpan(Length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Advance(int count) => Length += count;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        Length += bytes.Length;
    }

    public void AppendByte(byte value)
    {
        Reserve(1)[0] = value;
        Length++;
    }

    public void Dispose()
    {
        ledger.Return(ref _bytes);
        Length = 0;
    }

    private void GrowFor(int count)
    {
        var needed = (long)Length + count;
        if (needed > Array.MaxLength) throw new InvalidOperationException($"A Parquet page would need {Quantity.Of(needed, "byte")}; at most {Quantity.Count(Array.MaxLength)} can be held.");
        ledger.Grow(ref _bytes, Length, (int)Math.Max(256, needed));
    }
}
