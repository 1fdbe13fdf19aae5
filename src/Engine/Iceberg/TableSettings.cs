using System.Collections.Immutable;
using System.Globalization;

namespace Matih.Iceberg;

/// <summary>Which rows are brought together before they are written.</summary>
internal enum DistributionMode
{
    /// <summary>None: every writer writes files of its own.</summary>
    None,
    /// <summary>Those of one table partition.</summary>
    Hash,
    /// <summary>Those of one table partition, and where the table has a sort order the files of one have ranges that do not overlap.</summary>
    Range,
}

/// <summary>A table's properties as typed values, with Iceberg's defaults. A value that cannot be read is refused by name.</summary>
/// <remarks>Source: Apache Iceberg documentation, "Configuration: table properties".</remarks>
internal sealed class TableSettings(ImmutableSortedDictionary<string, string> properties)
{
    /// <summary><c>commit.retry.num-retries</c>, default 4.</summary>
    public int CommitRetryCountMax => (int)Number("commit.retry.num-retries", 4);

    /// <summary><c>commit.retry.min-wait-ms</c>, default 100 ms.</summary>
    public TimeSpan CommitRetryWaitMin => Millis("commit.retry.min-wait-ms", 100);

    /// <summary><c>commit.retry.max-wait-ms</c>, default one minute.</summary>
    public TimeSpan CommitRetryWaitMax => Millis("commit.retry.max-wait-ms", 60_000);

    /// <summary><c>commit.retry.total-timeout-ms</c>, default 30 minutes.</summary>
    public TimeSpan CommitRetryTotalMax => Millis("commit.retry.total-timeout-ms", 1_800_000);

    /// <summary><c>commit.manifest-merge.enabled</c>, default true.</summary>
    public bool IsManifestMergeEnabled => Flag("commit.manifest-merge.enabled", true);

    /// <summary><c>commit.manifest.min-count-to-merge</c>, default 100.</summary>
    public int ManifestMergeCountMin => (int)Number("commit.manifest.min-count-to-merge", 100);

    /// <summary><c>commit.manifest.target-size-bytes</c>, default 8 MiB.</summary>
    public long ManifestTargetBytes => Number("commit.manifest.target-size-bytes", 8L << 20);

    /// <summary><c>write.target-file-size-bytes</c>, default 512 MiB.</summary>
    public long TargetFileBytes => Number("write.target-file-size-bytes", 512L << 20);

    /// <summary><c>write.distribution-mode</c>; left out, rows are brought together as <see cref="DistributionMode.Range"/> says.</summary>
    public DistributionMode DistributionMode => TablePropertyRules.DistributionOf(Text(TablePropertyRules.Distribution, "range"))
        ?? throw new UnsupportedTableException($"The table property {TablePropertyRules.Distribution} is '{properties[TablePropertyRules.Distribution]}'; expected none, hash or range. Correct it in the table.");

    /// <summary><c>write.parquet.compression-codec</c>: zstd (the default), gzip or uncompressed.</summary>
    public string ParquetCompressionCodec => TablePropertyRules.CodecOf(Text(TablePropertyRules.Codec, "zstd"))
        ?? throw new UnsupportedTableException($"The table property {TablePropertyRules.Codec} is '{properties[TablePropertyRules.Codec]}'; this writer knows zstd, gzip and uncompressed. Change it in the table.");

    /// <summary>Whether the table names its codec, so that every column has it.</summary>
    public bool NamesParquetCodec => properties.ContainsKey(TablePropertyRules.Codec);

    /// <summary><c>write.parquet.compression-level</c>; null leaves it to the codec.</summary>
    public int? ParquetCompressionLevel => properties.ContainsKey("write.parquet.compression-level") ? (int)Number("write.parquet.compression-level", 0) : null;

    /// <summary><c>write.parquet.row-group-size-bytes</c>, default 128 MiB.</summary>
    public long ParquetRowGroupBytes => Number("write.parquet.row-group-size-bytes", 128L << 20);

    /// <summary><c>write.parquet.page-size-bytes</c>, default 1 MiB.</summary>
    public long ParquetPageBytes => Number("write.parquet.page-size-bytes", 1L << 20);

    /// <summary><c>write.parquet.page-row-limit</c>, default 20,000.</summary>
    public int ParquetPageRowsMax => (int)Number("write.parquet.page-row-limit", 20_000);

    /// <summary><c>write.parquet.dict-size-bytes</c>, default 2 MiB.</summary>
    public long ParquetDictionaryBytes => Number("write.parquet.dict-size-bytes", 2L << 20);

    /// <summary><c>write.metadata.previous-versions-max</c>, default 100 entries of the metadata log.</summary>
    public int MetadataLogCountMax => (int)Math.Max(1, Number("write.metadata.previous-versions-max", 100));

    /// <summary><c>history.expire.max-snapshot-age-ms</c>, default five days.</summary>
    public long SnapshotAgeMaxMillis => Number(TablePropertyRules.SnapshotAgeMax, 5L * 24 * 3600 * 1000);

    /// <summary><c>history.expire.min-snapshots-to-keep</c> of each branch, default 1.</summary>
    public int SnapshotCountMin => (int)Math.Clamp(Number("history.expire.min-snapshots-to-keep", 1), 1, int.MaxValue);

    /// <summary><c>history.expire.max-ref-age-ms</c> of branches and tags other than main; left out, they stay.</summary>
    public long RefAgeMaxMillis => Number("history.expire.max-ref-age-ms", long.MaxValue);

    /// <summary><c>gc.enabled</c>, default true: whether files may be deleted that the table no longer names. Other tables may name them too.</summary>
    public bool MayDeleteFiles => Flag("gc.enabled", true);

    internal bool IsMetadataDeletedAfterCommit => Flag("write.metadata.delete-after-commit.enabled", false);

    private string Text(string name, string absent) => properties.GetValueOrDefault(name, absent);

    private TimeSpan Millis(string name, long absent) => TimeSpan.FromMilliseconds(Math.Min(Number(name, absent), int.MaxValue));

    private long Number(string name, long absent)
    {
        if (!properties.TryGetValue(name, out var text)) return absent;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return number;
        throw new UnsupportedTableException($"The table property {name} is '{text}'; expected a whole number. Correct it in the table.");
    }

    private bool Flag(string name, bool absent)
    {
        if (!properties.TryGetValue(name, out var text)) return absent;
        if (bool.TryParse(text, out var flag)) return flag;
        throw new UnsupportedTableException($"The table property {name} is '{text}'; expected true or false. Correct it in the table.");
    }
}
