using System.Runtime.Intrinsics.X86;

namespace Matih.Parquet.Writing;

/// <summary>Distinct numbers in order of appearance, with a hash table of their indices.</summary>
internal sealed class NumberDictionary<T, TOps>(BufferLedger ledger) : IDisposable where T : unmanaged where TOps : struct, INumberOps<T>
{
    private const int SlotCountMin = 512;
    private const int BlockRows = 256;

    /// <summary>
    /// A value that is not found after so many probes is added without being looked for further, perhaps for the second
    /// time (which the format allows): values chosen to collide cannot slow the writer down.
    /// </summary>
    private const int ProbesMax = 64;

    private T[] _values = [];

    /// <summary>Index + 1 of a value, 0 = empty. A power of two, at most half full.</summary>
    private int[] _slots = [];
    private int _slotCount;

    public int Count { get; private set; }

    public ReadOnlySpan<T> Values => _values.AsSpan(0, Count);

    /// <summary>Whether values collide so often that looking them up no longer pays.</summary>
    public bool IsDegenerate { get; private set; }

    /// <remarks>In passes over blocks, as <see cref="BytesDictionary.Index"/> and for the same reason.</remarks>
    public void Index(ReadOnlySpan<T> values, Span<int> indices)
    {
        for (var at = 0; at < values.Length; at += BlockRows)
        {
            var count = Math.Min(BlockRows, values.Length - at);
            EnsureRoom(count);
            IndexBlock(values.Slice(at, count), indices.Slice(at, count));
        }
    }

    private unsafe void IndexBlock(ReadOnlySpan<T> values, Span<int> indices)
    {
        var mask = (uint)_slotCount - 1;
        var positions = stackalloc uint[BlockRows];
        fixed (int* slots = _slots)
        fixed (T* known = _values)
        {
            for (var i = 0; i < values.Length; i++)
            {
                positions[i] = TOps.Hash(values[i]) & mask;
                if (Sse.IsSupported) Sse.Prefetch0(slots + positions[i]);
            }
            for (var i = 0; i < values.Length; i++)
            {
                var index = slots[positions[i]] - 1;
                indices[i] = index;
                if (Sse.IsSupported && index >= 0) Sse.Prefetch0(known + index);
            }
            for (var i = 0; i < values.Length; i++)
            {
                var index = indices[i];
                if (index < 0 || !TOps.IsSame(known[index], values[i])) indices[i] = FindOrAdd(positions[i], values[i]);
            }
        }
    }

    private int FindOrAdd(uint position, T value)
    {
        var mask = (uint)_slotCount - 1;
        for (var probes = 0; probes < ProbesMax; probes++)
        {
            ref var slot = ref _slots[position];
            if (slot == 0)
            {
                slot = Count + 1;
                return Add(value);
            }
            if (TOps.IsSame(_values[slot - 1], value)) return slot - 1;
            position = (position + 1) & mask;
        }
        IsDegenerate = true;
        return Add(value);
    }

    private int Add(T value)
    {
        _values[Count] = value;
        return Count++;
    }

    private void EnsureRoom(int more)
    {
        ledger.Grow(ref _values, Count, Count + more);
        if (_slotCount >= 2 * (Count + more)) return;
        var needed = SlotCountMin;
        while (needed < 2 * (Count + more)) needed *= 2;
        ledger.Return(ref _slots);
        _slots = ledger.Rent<int>(needed);
        _slotCount = needed;
        _slots.AsSpan(0, needed).Clear();
        var mask = (uint)needed - 1;
        for (var index = 0; index < Count; index++)
        {
            var at = TOps.Hash(_values[index]) & mask;
            while (_slots[at] != 0) at = (at + 1) & mask;
            _slots[at] = index + 1;
        }
    }

    public void Clear()
    {
        Count = 0;
        IsDegenerate = false;
        _slotCount = 0;
        ledger.Return(ref _slots);
        ledger.Return(ref _values);
    }

    public void Dispose() => Clear();
}
