using System.Runtime.InteropServices;
using Matih.Batches;

namespace Matih.Bench;

/// <summary>Records in native memory, as those of a topic would lie there.</summary>
public sealed unsafe class MemoryRecords : IDisposable
{
    private readonly byte* _data;
    private readonly long[] _starts;
    private readonly int _gap;

    /// <summary>The lines of a file. One record is one line without its line feed.</summary>
    public MemoryRecords(string path)
    {
        _gap = 1;
        using var file = File.OpenHandle(path);
        var length = RandomAccess.GetLength(file);
        _data = (byte*)NativeMemory.Alloc((nuint)length);
        for (var at = 0L; at < length;) at += RandomAccess.Read(file, new Span<byte>(_data + at, (int)Math.Min(1 << 26, length - at)), at);
        var starts = new List<long> { 0 };
        for (var at = 0L; at < length;)
        {
            at += new ReadOnlySpan<byte>(_data + at, (int)Math.Min(1 << 26, length - at)).IndexOf((byte)'\n') + 1;
            starts.Add(at);
        }
        _starts = [.. starts];
    }

    /// <summary>Other records made of the same ones.</summary>
    public MemoryRecords(MemoryRecords source, Func<ReadOnlySpan<byte>, byte[]> convert)
    {
        var converted = new byte[source.Count][];
        for (var i = 0; i < converted.Length; i++) converted[i] = convert(source[i]);
        _starts = new long[converted.Length + 1];
        for (var i = 0; i < converted.Length; i++) _starts[i + 1] = _starts[i] + converted[i].Length;
        _data = (byte*)NativeMemory.Alloc((nuint)_starts[^1]);
        for (var i = 0; i < converted.Length; i++) converted[i].CopyTo(new Span<byte>(_data + _starts[i], converted[i].Length));
    }

    public int Count => _starts.Length - 1;

    public ReadOnlySpan<byte> this[int index] => new(_data + _starts[index], (int)(_starts[index + 1] - _starts[index] - _gap));

    /// <summary>A batch of records from <paramref name="start"/> on, to be filled again and again.</summary>
    public sealed class Batch(MemoryRecords records) : RawBatch
    {
        public void Fill(int start, int count)
        {
            Release();
            for (var i = start; i < start + count; i++)
            {
                Add(new RawRecord
                {
                    Value = records._data + records._starts[i],
                    ValueLength = (int)(records._starts[i + 1] - records._starts[i] - records._gap),
                    KeyLength = -1,
                    Offset = i,
                    TimestampMillis = 1714521600000,
                    TimestampKind = TimestampKind.CreateTime,
                });
            }
        }

        public override bool TryGetHeader(int row, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out bool isNull)
        {
            value = default;
            isNull = false;
            return false;
        }

        protected override void ReleaseMemory()
        {
            // The records own their memory.
        }
    }

    public void Dispose() => NativeMemory.Free(_data);
}
