using System.Collections.Immutable;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Iceberg.Manifests;

/// <summary>What a file holds.</summary>
public enum FileContent { Data = 0, PositionDeletes = 1, EqualityDeletes = 2 }

/// <summary>What a writer measured of one column of a file it wrote, bounds whole.</summary>
/// <param name="CompressedBytes">Bytes that the column takes in the file.</param>
/// <param name="ValueCount">Rows, NULL and NaN included.</param>
/// <param name="NanCount">Null for columns that cannot hold NaN.</param>
/// <param name="LowerBound">Smallest value but NULL and NaN, in Iceberg's single-value form; null where there is none.</param>
/// <param name="UpperBound">Largest value, likewise.</param>
public readonly record struct ColumnMetrics(
    int FieldId, long CompressedBytes, long ValueCount, long NullCount, long? NanCount, byte[]? LowerBound, byte[]? UpperBound);

/// <summary>A data or delete file as manifests describe it. Immutable. Maps go from field id to value; null where unknown.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Manifests", struct data_file.</remarks>
public sealed record DataFile
{
    public FileContent Content { get; init; }
    public required string Path { get; init; }
    public string Format { get; init; } = "PARQUET";
    public required int SpecId { get; init; }

    /// <summary>One value per field of the spec.</summary>
    public required ImmutableArray<PartitionValue> Partition { get; init; }

    public required long RecordCount { get; init; }
    public required long FileSizeBytes { get; init; }
    public ImmutableArray<KeyValuePair<int, long>>? ColumnSizes { get; init; }
    public ImmutableArray<KeyValuePair<int, long>>? ValueCounts { get; init; }
    public ImmutableArray<KeyValuePair<int, long>>? NullValueCounts { get; init; }
    public ImmutableArray<KeyValuePair<int, long>>? NanValueCounts { get; init; }
    public ImmutableArray<KeyValuePair<int, byte[]>>? LowerBounds { get; init; }
    public ImmutableArray<KeyValuePair<int, byte[]>>? UpperBounds { get; init; }
    public byte[]? KeyMetadata { get; init; }

    /// <summary>Where the file can be split, ascending byte offsets.</summary>
    public ImmutableArray<long>? SplitOffsets { get; init; }

    public ImmutableArray<int>? EqualityIds { get; init; }
    public int? SortOrderId { get; init; }
    public string? ReferencedDataFile { get; init; }

    /// <summary>A data file that was just written, with the metrics that the table asks for.</summary>
    /// <param name="columns">Whole metrics; <paramref name="metrics"/> decides what of them is kept and how long bounds are.</param>
    /// <param name="sortOrderId">The order that the file's rows are in; that of <see cref="SortOrder.Unsorted"/> for none.</param>
    public static DataFile Written(
        string path,
        PartitionKey partition,
        long recordCount,
        long fileSizeBytes,
        IReadOnlyList<ColumnMetrics> columns,
        IEnumerable<long> splitOffsets,
        MetricsSelection metrics,
        int sortOrderId)
    {
        var kept = columns.OrderBy(column => column.FieldId).Select(metrics.Select).OfType<ColumnMetrics>().ToArray();
        return new DataFile
        {
            Path = path,
            SpecId = partition.SpecId,
            Partition = partition.Values,
            RecordCount = recordCount,
            FileSizeBytes = fileSizeBytes,
            ColumnSizes = [.. kept.Select(column => KeyValuePair.Create(column.FieldId, column.CompressedBytes))],
            ValueCounts = [.. kept.Select(column => KeyValuePair.Create(column.FieldId, column.ValueCount))],
            NullValueCounts = [.. kept.Select(column => KeyValuePair.Create(column.FieldId, column.NullCount))],
            NanValueCounts = [.. kept.Where(column => column.NanCount is not null).Select(column => KeyValuePair.Create(column.FieldId, column.NanCount!.Value))],
            LowerBounds = [.. kept.Where(column => column.LowerBound is not null).Select(column => KeyValuePair.Create(column.FieldId, column.LowerBound!))],
            UpperBounds = [.. kept.Where(column => column.UpperBound is not null).Select(column => KeyValuePair.Create(column.FieldId, column.UpperBound!))],
            SplitOffsets = [.. splitOffsets],
            SortOrderId = sortOrderId,
        };
    }
}
