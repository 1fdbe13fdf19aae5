using System.Collections.Immutable;
using Matih.Parquet.Format;

namespace Matih.Parquet;

/// <summary>What a file's footer says.</summary>
/// <param name="Columns">In the file's order.</param>
/// <param name="RowCount">Rows in all row groups.</param>
/// <param name="RowGroups">In the file's order.</param>
/// <param name="KeyValues">The key-value metadata; a key without a value has an empty one.</param>
/// <param name="CreatedBy">The writer's name for itself.</param>
internal sealed record ParquetFileMetadata(
    ImmutableArray<ParquetColumn> Columns,
    long RowCount,
    ImmutableArray<ParquetRowGroup> RowGroups,
    ImmutableArray<KeyValuePair<string, string>> KeyValues,
    string? CreatedBy)
{
    /// <summary>The columns of values, in the order of each row group's chunks.</summary>
    internal ImmutableArray<ParquetLeaf> Leaves { get; init; } = [];

    /// <summary>How each leaf's stored values become values of its type.</summary>
    internal ImmutableArray<StoredColumn> Stored { get; init; } = [];

    /// <summary>The places of a column's leaves among <see cref="Leaves"/>, side by side.</summary>
    internal (int First, int Count) LeavesOf(int column)
    {
        var first = 0;
        while (first < Leaves.Length && Leaves[first].Root < column) first++;
        var end = first;
        while (end < Leaves.Length && Leaves[end].Root == column) end++;
        return (first, end - first);
    }
}

/// <summary>A row group.</summary>
/// <param name="RowCount">Its rows.</param>
/// <param name="Chunks">One for each column of values.</param>
internal sealed record ParquetRowGroup(long RowCount, ImmutableArray<ParquetChunk> Chunks);

/// <summary>One column of one row group.</summary>
/// <param name="Offset">Where its first page starts in the file.</param>
/// <param name="CompressedBytes">Bytes from there on, page headers included.</param>
/// <param name="UncompressedBytes">The same before compression.</param>
/// <param name="ValueCount">Values with NULLs; within lists and maps, of elements, an empty one counting as one.</param>
/// <param name="NullCount">How many are NULL, where the writer says.</param>
/// <param name="Min">Lower bound in plain encoding, where the writer gives one.</param>
/// <param name="Max">Upper bound in plain encoding, where the writer gives one.</param>
/// <param name="Codec">The compression's name in the format, e.g. <c>ZSTD</c>.</param>
/// <param name="Encodings">The encodings' numbers in the format.</param>
internal sealed record ParquetChunk(
    long Offset, long CompressedBytes, long UncompressedBytes, long ValueCount, long? NullCount, byte[]? Min, byte[]? Max, string Codec, ImmutableArray<int> Encodings)
{
    internal CompressionCodec CodecNumber { get; init; }
}
