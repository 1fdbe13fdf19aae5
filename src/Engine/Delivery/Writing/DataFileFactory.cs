using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Partitioning;
using Matih.Parquet;
using Matih.Storage;

namespace Matih.Delivery.Writing;

/// <summary>Names data files, uniquely, and describes finished ones for the manifests. Thread-safe.</summary>
internal sealed class DataFileFactory(Table table, IIdSource ids)
{
    private readonly TableFiles _files = new(table.Metadata);
    private readonly MetricsSelection _metrics = new(table.Metadata);

    public IStore Store => table.Store;

    public string NewLocation(PartitionKey key) => _files.DataLocation(key, $"{ids.NewUuid():N}.parquet");

    public DataFile Describe(string location, PartitionKey key, ParquetFileSummary summary, int sortOrderId) => DataFile.Written(
        location, key, summary.RowCount, summary.LengthBytes,
        [.. summary.Columns.Select(column => new ColumnMetrics(
            column.FieldId, column.CompressedBytes, column.ValueCount, column.NullCount, column.NanCount, column.LowerBound, column.UpperBound))],
        summary.SplitOffsets, _metrics, sortOrderId);
}
