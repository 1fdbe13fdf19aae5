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
internal readonly record struct ColumnMetrics(
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
    /// <summary>The id of the file's first row; null for delete files, and where no snapshot of version 3 has listed the file.</summary>
    public long? FirstRowId { get; init; }

    /// <summary>The one data file that a delete file is about; null where it names several.</summary>
    public string? ReferencedDataFile { get; init; }

    /// <summary>Where the deletion vector begins in its Puffin file; null for other files.</summary>
    public long? ContentOffset { get; init; }

    /// <summary>How long the deletion vector is; null for other files.</summary>
    public long? ContentSizeBytes { get; init; }

    /// <summary>Whether this is one of the deletion vectors in a Puffin file.</summary>
    internal bool IsDeletionVector => Content == FileContent.PositionDeletes && Format.Equals("PUFFIN", StringComparison.OrdinalIgnoreCase);

    /// <summary>What tells a delete file from all others: one Puffin file holds several deletion vectors.</summary>
    internal string DeleteName => IsDeletionVector ? $"{Path} (of {ReferencedDataFile})" : Path;

    /// <summary>What the file takes: of a Puffin file, which holds several deletion vectors, this one's part.</summary>
    internal long OwnBytes => ContentSizeBytes ?? FileSizeBytes;

    /// <summary>The file's table partition as folders show it, e.g. <c>date=2026-05-01</c>; a field whose transform is unknown shows no value.</summary>
    public string PartitionIn(TableMetadata metadata)
    {
        if (metadata.FindSpec(SpecId) is not { } spec) return "?";
        var types = metadata.PartitionTypes(spec);
        return string.Join('/', spec.Fields.Select((field, i) => $"{field.Name}={(types[i] is { } type ? PartitionText.Of(field.Transform, type, Partition[i]) : "?")}"));
    }

    /// <summary>A data file that was just written, with the metrics that the table asks for.</summary>
    /// <param name="columns">Whole metrics; <paramref name="metrics"/> decides what of them is kept and how long bounds are.</param>
    /// <param name="sortOrderId">The order that the file's rows are in; that of <see cref="SortOrder.Unsorted"/> for none.</param>
    internal static DataFile Written(
        string path,
        PartitionKey partition,
        long recordCount,
        long fileSizeBytes,
        IReadOnlyList<ColumnMetrics> columns,
        IEnumerable<long> splitOffsets,
        MetricsSelection metrics,
        int sortOrderId)
    {
        var sizes = ImmutableArray.CreateBuilder<KeyValuePair<int, long>>(columns.Count);
        var values = ImmutableArray.CreateBuilder<KeyValuePair<int, long>>(columns.Count);
        var nulls = ImmutableArray.CreateBuilder<KeyValuePair<int, long>>(columns.Count);
        var nans = ImmutableArray.CreateBuilder<KeyValuePair<int, long>>();
        var lower = ImmutableArray.CreateBuilder<KeyValuePair<int, byte[]>>(columns.Count);
        var upper = ImmutableArray.CreateBuilder<KeyValuePair<int, byte[]>>(columns.Count);
        foreach (var whole in columns.OrderBy(column => column.FieldId))
        {
            if (metrics.Select(whole) is not { } column) continue;
            sizes.Add(KeyValuePair.Create(column.FieldId, column.CompressedBytes));
            values.Add(KeyValuePair.Create(column.FieldId, column.ValueCount));
            nulls.Add(KeyValuePair.Create(column.FieldId, column.NullCount));
            if (column.NanCount is { } nanCount) nans.Add(KeyValuePair.Create(column.FieldId, nanCount));
            if (column.LowerBound is not null) lower.Add(KeyValuePair.Create(column.FieldId, column.LowerBound));
            if (column.UpperBound is not null) upper.Add(KeyValuePair.Create(column.FieldId, column.UpperBound));
        }
        return new DataFile
        {
            Path = path,
            SpecId = partition.SpecId,
            Partition = partition.Values,
            RecordCount = recordCount,
            FileSizeBytes = fileSizeBytes,
            ColumnSizes = sizes.DrainToImmutable(),
            ValueCounts = values.DrainToImmutable(),
            NullValueCounts = nulls.DrainToImmutable(),
            NanValueCounts = nans.DrainToImmutable(),
            LowerBounds = lower.DrainToImmutable(),
            UpperBounds = upper.DrainToImmutable(),
            SplitOffsets = [.. splitOffsets],
            SortOrderId = sortOrderId,
        };
    }
}
