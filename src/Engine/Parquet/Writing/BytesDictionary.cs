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

    /// <remarks>
    /// A look-up touches three places at random: slot, start and bytes of an entry. With many distinct values each is likely
    /// to be a cache miss, and a wrong branch after a miss waits for it. So a block of rows goes through in passes, each of
    /// which fetches what the next one needs: measured on 100,000 distinct ids, that halves the time.
    /// </remarks>
    public void Index<TRows>(BytesColumn source, TRows rows, Span<int> indices) where TRows : struct, IRows, allows ref struct
    {
        var data = source.Data;
        var offsets = source.Offsets;
        Span<uint> hashes = stackalloc uint[BlockRows];
        for (var at = 0; at < indices.Length; at += BlockRows)
        {
            var count = Math.Min(BlockRows, indices.Length - at);
            var block = indices.Slice(at, count);
            EnsureRoom(count);
            HashBlock(data, offsets, rows, at, hashes[..count]);
            FindCandidates(hashes[..count], block);
            ResolveBlock(data, offsets, rows, at, hashes, block);
        }
    }

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

    /// <summary>For each hash the first entry that has it, or -1.</summary>
    private unsafe void FindCandidates(ReadOnlySpan<uint> hashes, Span<int> candidates)
    {
        var mask = (uint)_slotCount - 1;
        fixed (ulong* slots = _slots)
        fixed (int* starts = _starts)
        fixed (byte* known = _plain.Filled)
        {
            for (var i = 0; i < hashes.Length; i++)
            {
                var hash = hashes[i];
                var position = hash & mask;
                var slot = slots[position];
                for (var probes = 1; slot != 0 && (uint)(slot >> 32) != hash && probes < ProbesMax; probes++)
                {
                    position = (position + 1) & mask;
                    slot = slots[position];
                }
                var index = (uint)(slot >> 32) == hash ? (int)(uint)slot - 1 : -1;
                candidates[i] = index;
                if (Sse.IsSupported && index >= 0) Sse.Prefetch0(starts + index);
            }
            if (!Sse.IsSupported) return;
            foreach (var index in candidates)
                if (index >= 0) Sse.Prefetch0(known + starts[index]);
        }
    }

    /// <summary>Accepts the candidates that are the value; looks closely at the few others, most of which are new.</summary>
    private void ResolveBlock<TRows>(
        ReadOnlySpan<byte> data, ReadOnlySpan<int> offsets, TRows rows, int at, ReadOnlySpan<uint> hashes, Span<int> indices)
        where TRows : struct, IRows, allows ref struct
    {
        ref var first = ref MemoryMarshal.GetReference(data);
        for (var i = 0; i < indices.Length; i++)
        {
            var row = rows[at + i];
            var start = offsets[row];
            var length = offsets[row + 1] - start;
            var index = indices[i];
            if (index < 0 || !IsEntry(index, ref Unsafe.Add(ref first, start), length)) indices[i] = FindOrAdd(hashes[i], data.Slice(start, length));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsEntry(int index, ref byte value, int length)
    {
        ref var starts = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_starts), index);
        var entry = starts + prefixBytes;
        return Unsafe.Add(ref starts, 1) - entry == length && BytesHash.AreSame(ref Unsafe.Add(ref _plain.First, entry), ref value, length);
    }

    private int FindOrAdd(uint hash, ReadOnlySpan<byte> value)
    {
        var mask = (uint)_slotCount - 1;
        var position = hash & mask;
        for (var probes = 0; probes < ProbesMax; probes++)
        {
            ref var slot = ref _slots[position];
            if (slot == 0)
            {
                slot = (ulong)hash << 32 | (uint)(Count + 1);
                return Add(value);
            }
            var index = (int)(uint)slot - 1;
            if ((uint)(slot >> 32) == hash && this[index].SequenceEqual(value)) return index;
            position = (position + 1) & mask;
        }
        IsDegenerate = true;
        return Add(value);
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
