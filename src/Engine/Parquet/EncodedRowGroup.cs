using Matih.Parquet.Format;

namespace Matih.Parquet;

/// <summary>One encoded row group: its bytes, and what the footer says of it with offsets from its own beginning. The owner disposes it.</summary>
internal sealed class EncodedRowGroup(SegmentQueue bytes, long rowCount, ChunkFooter[] chunks) : IDisposable
{
    /// <summary>What has not been written yet.</summary>
    public SegmentQueue Bytes { get; } = bytes;

    public long LengthBytes { get; } = bytes.LengthBytes;

    public long RowCount { get; } = rowCount;

    public ChunkFooter[] Chunks { get; } = chunks;

    public void Dispose() => Bytes.Dispose();
}
