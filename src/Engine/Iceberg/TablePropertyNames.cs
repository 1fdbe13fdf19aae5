using System.Collections.Frozen;

namespace Matih.Iceberg;

/// <summary>
/// The table properties that Iceberg documents, whether this program reads them or not. Others are allowed, as engines and
/// people have their own; a name that is nearly one of these is probably a mistake.
/// </summary>
/// <remarks>Source: Apache Iceberg documentation, "Configuration: table properties".</remarks>
internal static class TablePropertyNames
{
    private static readonly FrozenSet<string> Known = FrozenSet.Create(StringComparer.Ordinal,
    [
        .. TablePropertyRules.Names,
        "read.split.target-size", "read.split.metadata-target-size", "read.split.planning-lookback", "read.split.open-file-cost", "read.split.adaptive-size.enabled",
        "read.parquet.vectorization.enabled", "read.parquet.vectorization.batch-size", "read.orc.vectorization.enabled", "read.orc.vectorization.batch-size",
        "write.parquet.page-version", "write.parquet.bloom-filter-max-bytes", "write.parquet.row-group-check-min-record-count", "write.parquet.row-group-check-max-record-count",
        "write.avro.compression-codec", "write.avro.compression-level",
        "write.orc.stripe-size-bytes", "write.orc.block-size-bytes", "write.orc.compression-codec", "write.orc.compression-strategy", "write.orc.vectorized.batch-size",
        "write.orc.bloom.filter.columns", "write.orc.bloom.filter.fpp",
        "write.summary.partition-limit", "write.wap.enabled", "write.upsert.enabled", "write.manifest-lists.enabled",
        "write.distribution-mode", "write.update.distribution-mode", "write.merge.distribution-mode", "write.delete.distribution-mode",
        "write.delete.mode", "write.update.mode", "write.merge.mode", "write.delete.isolation-level", "write.update.isolation-level", "write.merge.isolation-level",
        "write.delete.format.default", "write.delete.granularity", "write.delete.target-file-size-bytes",
        "write.delete.parquet.compression-codec", "write.delete.parquet.compression-level", "write.delete.parquet.row-group-size-bytes", "write.delete.parquet.page-size-bytes",
        "write.delete.parquet.page-row-limit", "write.delete.parquet.dict-size-bytes", "write.delete.avro.compression-codec", "write.delete.avro.compression-level",
        "write.delete.orc.stripe-size-bytes", "write.delete.orc.block-size-bytes", "write.delete.orc.compression-codec", "write.delete.orc.compression-strategy",
        "write.spark.fanout.enabled", "write.spark.accept-any-schema", "write.spark.advisory-partition-size-bytes",
        "commit.status-check.num-retries", "commit.status-check.min-wait-ms", "commit.status-check.max-wait-ms", "commit.status-check.total-timeout-ms",
        "history.expire.max-snapshot-age-ms", "history.expire.min-snapshots-to-keep", "history.expire.max-ref-age-ms",
        "gc.enabled", "compatibility.snapshot-id-inheritance.enabled", "schema.name-mapping.default", "encryption.key-id", "encryption.data-key-length",
    ]);

    /// <summary>Beginnings of names that end in a column's.</summary>
    private static readonly string[] ColumnPrefixes =
        ["write.metadata.metrics.column.", "write.parquet.bloom-filter-enabled.column.", "write.parquet.bloom-filter-fpp.column.", "write.parquet.stats-enabled.column."];

    public static bool IsKnown(string name) => Known.Contains(name) || ColumnPrefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>What the name may have been meant to be; those of columns with the name's own column.</summary>
    public static IEnumerable<string> Candidates(string name)
    {
        var parts = name.Split('.');
        return Known.Order(StringComparer.Ordinal).Concat(
            from prefix in ColumnPrefixes
            let depth = prefix.Count(c => c == '.')
            where parts.Length > depth
            select prefix + string.Join('.', parts[depth..]));
    }
}
