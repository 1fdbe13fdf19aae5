using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Matih.Batches;

namespace Matih.Parquet.Writing;

/// <summary>Distinct byte strings in order of appearance, laid out as the dictionary page wants them, with a hash table of their indices.</summary>
/// <param name="prefixBytes">4 where plain encoding puts the length before a value, 0 for values of one length.</param>
internal sealed class BytesDictionary(BufferLedger ledger, int prefixBytes) : IDisposable
{
    private const int SlotCountMin = 512;
    private const int BlockRows = 128;

    /// <summary>As in <see cref="NumberDictionary{T, TOps}"/>: a bound on what values chosen to collide can cost.</summary>
    private const int ProbesMax = 64;

    private readonly PooledBuffer _plain = new(ledger);

    /// <summary>Where each entry starts in the plain bytes, prefix included; one more for the end.</summary>
    private int[] _starts = [];

    /// <summary>Hash in the high half, index + 1 in the low one; 0 = empty. A power of two, at most half full.</summary>
    private ulong[] _slots = [];
    private int _slotCount;

    public int Count { get; private set; }

    /// <summary>The entries in plain encoding.</summary>
    public ReadOnlySpan<byte> Plain => _plain.Written;

    /// <summary>Whether values collide so often that looking them up no longer pays.</summary>
    public bool IsDegenerate { get; private set; }

    /// <summary>An entry's bytes.</summary>
    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            var start = _starts[index] + prefixBytes;
            return _plain.Written[start.._starts[index + 1]];
        }
    }

    /// <summary>An entry's bytes as in plain encoding, with the prefix if there is one.</summary>
    public ReadOnlySpan<byte> PlainEntry(int index) => _plain.Written[_starts[index].._starts[index + 1]];

    public void Index<TRows>(BytesColumn source, TRows rows, Span<int> indices) where TRows : struct, IRows, allows ref struct
    {
        var data = source.Data;
        var offsets = source.Offsets;
        Span<uint> hashes = stackalloc uint[BlockRows];
        for (var at = 0; at < indices.Length; at += BlockRows)
        {
            var count = Math.Min(BlockRows, indices.Length - at);
            EnsureRoom(count);
            HashBlock(data, offsets, rows, at, hashes[..count]);
            IndexBlock(data, offsets, rows, at, hashes[..count], indices.Slice(at, count));
        }
    }

    /// <summary>Hashes come first and fetch their slots into the cache, so that the look-ups do not wait one by one.</summary>
    private unsafe void HashBlock<TRows>(ReadOnlySpan<byte> data, ReadOnlySpan<int> offsets, TRows rows, int at, Span<uint> hashes)
        where TRows : struct, IRows, allows ref struct
    {
        var mask = (uint)_slotCount - 1;
        ref var first = ref MemoryMarshal.GetReference(data);
        fixed (ulong* slots = _slots)
        {
            for (var i = 0; i < hashes.Length; i++)
            {
                var row = rows[at + i];
                var start = offsets[row];
                var hash = BytesHash.Of(ref Unsafe.Add(ref first, start), offsets[row + 1] - start);
                hashes[i] = hash;
                if (Sse.IsSupported) Sse.Prefetch0(slots + (hash & mask));
            }
        }
    }

    private void IndexBlock<TRows>(ReadOnlySpan<byte> data, ReadOnlySpan<int> offsets, TRows rows, int at, ReadOnlySpan<uint> hashes, Span<int> indices)
        where TRows : struct, IRows, allows ref struct
    {
        ref var first = ref MemoryMarshal.GetReference(data);
        ref var slots = ref MemoryMarshal.GetArrayDataReference(_slots);
        ref var starts = ref MemoryMarshal.GetArrayDataReference(_starts);
        ref var known = ref MemoryMarshal.GetReference(_plain.Written);
        var mask = (uint)_slotCount - 1;
        for (var i = 0; i < hashes.Length; i++)
        {
            var row = rows[at + i];
            var start = offsets[row];
            var length = offsets[row + 1] - start;
            ref var value = ref Unsafe.Add(ref first, start);
            var hash = hashes[i];
            var position = hash & mask;
            var probes = 0;
            while (true)
            {
                ref var slot = ref Unsafe.Add(ref slots, position);
                if (slot == 0)
                {
                    slot = (ulong)hash << 32 | (uint)(Count + 1);
                    indices[i] = Add(data.Slice(start, length));
                    known = ref MemoryMarshal.GetReference(_plain.Written);
                    break;
                }
                if ((uint)(slot >> 32) == hash)
                {
                    var index = (int)(uint)slot - 1;
                    var entry = Unsafe.Add(ref starts, index) + prefixBytes;
                    if (Unsafe.Add(ref starts, index + 1) - entry == length && BytesHash.AreSame(ref Unsafe.Add(ref known, entry), ref value, length))
                    {
                        indices[i] = index;
                        break;
                    }
                }
                position = (position + 1) & mask;
                if (++probes < ProbesMax) continue;
                IsDegenerate = true;
                indices[i] = Add(data.Slice(start, length));
                known = ref MemoryMarshal.GetReference(_plain.Written);
                break;
            }
        }
    }

    private int Add(ReadOnlySpan<byte> value)
    {
        var target = _plain.Reserve(prefixBytes + value.Length);
        if (prefixBytes != 0) BitConverter.TryWriteBytes(target, value.Length);
        value.CopyTo(target[prefixBytes..]);
        _plain.Advance(prefixBytes + value.Length);
        _starts[Count + 1] = _plain.Length;
        return Count++;
    }

    private void EnsureRoom(int more)
    {
        ledger.Grow(ref _starts, Count == 0 ? 0 : Count + 1, Count + more + 1);
        if (Count == 0) _starts[0] = 0;
        if (_slotCount >= 2 * (Count + more)) return;
        var needed = SlotCountMin;
        while (needed < 2 * (Count + more)) needed *= 2;
        var old = _slots;
        var oldCount = _slotCount;
        _slots = ledger.Rent<ulong>(needed);
        _slotCount = needed;
        _slots.AsSpan(0, needed).Clear();
        var mask = (uint)needed - 1;
        foreach (var slot in old.AsSpan(0, oldCount))
        {
            if (slot == 0) continue;
            var position = (uint)(slot >> 32) & mask;
            while (_slots[position] != 0) position = (position + 1) & mask;
            _slots[position] = slot;
        }
        ledger.Return(ref old);
    }

    public void Clear()
    {
        Count = 0;
        IsDegenerate = false;
        _slotCount = 0;
        ledger.Return(ref _slots);
        ledger.Return(ref _starts);
        _plain.Dispose();
    }

    public void Dispose() => Clear();
}
