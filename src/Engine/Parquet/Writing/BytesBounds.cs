using System.Buffers.Binary;

namespace Matih.Parquet.Writing;

/// <summary>Smallest and greatest of the byte strings noted, compared byte by byte, unsigned. Long ones are kept as prefixes.</summary>
internal sealed class BytesBounds
{
    private byte[] _min = [];
    private byte[] _max = [];
    private ulong _minStart;
    private ulong _maxStart;

    public bool HasValue { get; private set; }

    /// <summary>Whether the bound is the value itself and not only its first bytes.</summary>
    public bool IsMinExact { get; private set; }
    public bool IsMaxExact { get; private set; }

    public byte[]? Min => HasValue ? _min : null;

    /// <summary>The greatest value where it is exact: a prefix is no upper bound.</summary>
    public byte[]? Max => HasValue && IsMaxExact ? _max : null;

    public void Note(ReadOnlySpan<byte> value)
    {
        // Nearly all values lie strictly between the bounds, as their first eight bytes already show.
        var start = Start(value);
        if (HasValue && start > _minStart && start < _maxStart) return;
        NoteClosely(value, start);
    }

    private void NoteClosely(ReadOnlySpan<byte> value, ulong start)
    {
        var prefix = value.Length <= ParquetColumnSummary.BoundBytesMax ? value : value[..ParquetColumnSummary.BoundBytesMax];
        var isExact = prefix.Length == value.Length;
        if (!HasValue || prefix.SequenceCompareTo(_min) < 0)
        {
            _min = prefix.ToArray();
            _minStart = start;
            IsMinExact = isExact;
        }
        var order = HasValue ? prefix.SequenceCompareTo(_max) : 1;
        if (order > 0)
        {
            _max = prefix.ToArray();
            _maxStart = start;
            IsMaxExact = isExact;
        }
        else if (order == 0 && !isExact)
        {
            IsMaxExact = false;
        }
        HasValue = true;
    }

    public void Clear()
    {
        HasValue = false;
        _min = [];
        _max = [];
    }

    /// <summary>The first eight bytes as a big-endian number, zeros where there are fewer.</summary>
    private static ulong Start(ReadOnlySpan<byte> value)
    {
        if (value.Length >= 8) return BinaryPrimitives.ReadUInt64BigEndian(value);
        ulong start = 0;
        for (var i = 0; i < value.Length; i++) start |= (ulong)value[i] << (56 - 8 * i);
        return start;
    }
}
