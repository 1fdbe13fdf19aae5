using System.Runtime.InteropServices;

namespace Matih.Batches;

/// <summary>
/// A batch of records that the caller adds from managed memory: file replays, samples and tests. The bytes are copied into
/// pinned memory that the batch owns until <see cref="RawBatch.Release"/>.
/// </summary>
public sealed unsafe class ManagedRawBatch : RawBatch
{
    private const int BlockBytes = 64 * 1024;

    private readonly List<byte[]> _blocks = [];
    private readonly List<IReadOnlyList<KeyValuePair<string, byte[]?>>?> _headers = [];
    private int _blockUsed;

    /// <summary>Adds a record after the others.</summary>
    /// <param name="value">Null is a tombstone.</param>
    /// <param name="timestampMillis">Milliseconds since the epoch; without meaning where <paramref name="timestampKind"/> is None.</param>
    /// <param name="headers">In the record's order; a name may come twice and a value may be null.</param>
    public void Add(
        byte[]? value,
        byte[]? key = null,
        long offset = 0,
        int partition = 0,
        long timestampMillis = -1,
        TimestampKind timestampKind = TimestampKind.None,
        IReadOnlyList<KeyValuePair<string, byte[]?>>? headers = null)
    {
        _headers.Add(headers);
        Add(new RawRecord
        {
            Value = value is null ? null : Pin(value),
            ValueLength = value?.Length ?? -1,
            Key = key is null ? null : Pin(key),
            KeyLength = key?.Length ?? -1,
            Offset = offset,
            Partition = partition,
            TimestampMillis = timestampKind == TimestampKind.None ? -1 : timestampMillis,
            TimestampKind = timestampKind,
        });
    }

    /// <summary>Stamps the batch with an assignment's number; default 0.</summary>
    public void SetAssignment(long assignment) => Assignment = assignment;

    public override bool TryGetHeader(int row, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out bool isNull)
    {
        value = default;
        isNull = true;
        if (_headers[row] is not { } headers) return false;
        for (var i = headers.Count - 1; i >= 0; i--)
        {
            if (!System.Text.Encoding.UTF8.GetBytes(headers[i].Key).AsSpan().SequenceEqual(name)) continue;
            value = headers[i].Value;
            isNull = headers[i].Value is null;
            return true;
        }
        return false;
    }

    protected override void ReleaseMemory()
    {
        _headers.Clear();
        _blockUsed = 0;
        if (_blocks.Count > 1) _blocks.RemoveRange(0, _blocks.Count - 1);
    }

    private byte* Pin(ReadOnlySpan<byte> bytes)
    {
        if (_blocks.Count == 0 || _blockUsed + bytes.Length > _blocks[^1].Length)
        {
            _blocks.Add(GC.AllocateUninitializedArray<byte>(Math.Max(BlockBytes, bytes.Length), pinned: true));
            _blockUsed = 0;
        }
        bytes.CopyTo(_blocks[^1].AsSpan(_blockUsed));
        var address = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_blocks[^1], _blockUsed);
        _blockUsed += bytes.Length;
        return address;
    }
}
