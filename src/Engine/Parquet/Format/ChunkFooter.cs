namespace Matih.Parquet.Format;

/// <summary>What the footer records of one column chunk.</summary>
/// <remarks>Source: parquet.thrift, <c>struct ColumnChunk</c>, <c>ColumnMetaData</c>, <c>Statistics</c>.</remarks>
internal sealed class ChunkFooter
{
    public required ParquetLeaf Leaf { get; init; }
    public required CompressionCodec Codec { get; init; }

    /// <summary>How many pages there are of each type and encoding.</summary>
    public required (PageType Type, Encoding Encoding, int Count)[] Pages { get; init; }

    public required long ValueCount { get; init; }
    public required long NullCount { get; init; }
    public required long? NanCount { get; init; }
    public required long UncompressedBytes { get; init; }
    public required long CompressedBytes { get; init; }

    /// <summary>From the beginning of the row group, as is <see cref="DataOffset"/>.</summary>
    public required long? DictionaryOffset { get; init; }
    public required long DataOffset { get; init; }

    /// <summary>Plain-encoded; null where there is none.</summary>
    public required byte[]? Min { get; init; }
    public required byte[]? Max { get; init; }
    public required bool IsMinExact { get; init; }
    public required bool IsMaxExact { get; init; }
}
