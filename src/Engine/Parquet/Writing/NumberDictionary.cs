using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Matih.Parquet.Writing;

/// <summary>Distinct numbers in order of appearance, with a hash table of their indices.</summary>
internal sealed class NumberDictionary<T, TOps>(BufferLedger ledger) : IDisposable where T : unmanaged where TOps : struct, INumberOps<T>
{
    private const int SlotCountMin = 512;

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

    public void Index(ReadOnlySpan<T> values, Span<int> indices)
    {
        // Room for the worst case is made per block, so that the loop itself never has to grow anything.
        const int Block = 1024;
        for (var at = 0; at < values.Length; at += Block)
        {
            var count = Math.Min(Block, values.Length - at);
            EnsureRoom(count);
            IndexBlock(values.Slice(at, count), indices.Slice(at, count));
        }
    }

    private void IndexBlock(ReadOnlySpan<T> values, Span<int> indices)
    {
        ref var slots = ref MemoryMarshal.GetArrayDataReference(_slots);
        ref var known = ref MemoryMarshal.GetArrayDataReference(_values);
        var mask = (uint)_slotCount - 1;
        var count = Count;
        for (var i = 0; i < values.Length; i++)
        {
            var value = values[i];
            var at = TOps.Hash(value) & mask;
            var probes = 0;
            while (true)
            {
                ref var slot = ref Unsafe.Add(ref slots, at);
                var index = slot - 1;
                if (index >= 0)
                {
                    if (TOps.IsSame(Unsafe.Add(ref known, index), value))
                    {
                        indices[i] = index;
                        break;
                    }
                    at = (at + 1) & mask;
                    if (++probes < ProbesMax) continue;
                    IsDegenerate = true;
                }
                else
                {
                    slot = count + 1;
                }
                Unsafe.Add(ref known, count) = value;
                indices[i] = count++;
                break;
            }
        }
        Count = count;
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
