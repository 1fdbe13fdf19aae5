using System.Collections.Immutable;

namespace Matih.Parquet;

/// <summary>How pages are compressed.</summary>
internal enum ParquetCompression { None, Gzip, Zstd }

/// <summary>How a <see cref="ParquetFileWriter"/> lays out a file. The defaults are Iceberg's, except where a reason is given.</summary>
internal sealed record ParquetWriterSettings
{
    public static ParquetWriterSettings Default { get; } = new();

    /// <summary>Default zstd.</summary>
    public ParquetCompression Compression { get; init; } = ParquetCompression.Zstd;

    /// <summary>
    /// Level of zstd (1 to 22). Default 1: level 3 (which Iceberg's Java writer takes) made a million click events 0.15 %
    /// smaller, JSON orders of high entropy 2 % larger, and took 1.3 and 1.8 times the CPU.
    /// </summary>
    public int ZstdLevel { get; init; } = 1;

    /// <summary>
    /// Bytes up to which a column chunk is left uncompressed. Default 4 KiB: building a codec's tables takes longer than reading
    /// the chunk, and files of many table partitions have tens of thousands of such chunks. 0 compresses all.
    /// </summary>
    public int UncompressedBytesMax { get; init; } = 4 << 10;

    /// <summary>A row group is closed once its encoded size reaches this: <c>write.parquet.row-group-size-bytes</c>, 128 MiB.</summary>
    public long RowGroupBytes { get; init; } = 128L << 20;

    /// <summary>Uncompressed bytes at which a page is cut: <c>write.parquet.page-size-bytes</c>, 1 MiB.</summary>
    public int PageBytes { get; init; } = 1 << 20;

    /// <summary>Rows at which a page is cut: <c>write.parquet.page-row-limit</c>, 20,000.</summary>
    public int PageRowCountMax { get; init; } = 20_000;

    /// <summary>
    /// Uncompressed bytes of a chunk's dictionary, past which further pages are written plain:
    /// <c>write.parquet.dict-size-bytes</c>, 2 MiB. 0 writes no dictionaries.
    /// </summary>
    public int DictionaryBytesMax { get; init; } = 2 << 20;

    /// <summary>
    /// Whether values without a dictionary may be delta-encoded (DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY). Ascending
    /// timestamps then take a third of the bytes at the same CPU. Default false all the same: Iceberg's vectorized reader in
    /// Spark, on by default there, refuses these encodings before Iceberg 1.11 (apache/iceberg issue 7162).
    /// </summary>
    public bool AllowDeltaEncodings { get; init; }

    /// <summary>The footer's <c>created_by</c>.</summary>
    public string CreatedBy { get; init; } = "Matih version 0.1.0";

    /// <summary>The footer's key-value metadata, e.g. <c>iceberg.schema</c>.</summary>
    public ImmutableArray<KeyValuePair<string, string>> KeyValues { get; init; } = [];

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ZstdLevel, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ZstdLevel, 22);
        ArgumentOutOfRangeException.ThrowIfLessThan(RowGroupBytes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(PageBytes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(PageBytes, 256 << 20);
        ArgumentOutOfRangeException.ThrowIfLessThan(PageRowCountMax, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(PageRowCountMax, 10_000_000);
        ArgumentOutOfRangeException.ThrowIfNegative(DictionaryBytesMax);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(DictionaryBytesMax, 256 << 20);
    }
}
