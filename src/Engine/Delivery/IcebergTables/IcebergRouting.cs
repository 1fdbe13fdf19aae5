using Matih.Batches;
using Matih.Delivery.Tables;
using Matih.Iceberg.Partitioning;

namespace Matih.Delivery.IcebergTables;

/// <summary>The values of a partition spec.</summary>
internal sealed record IcebergPartition(PartitionKey Key) : TablePartition;

/// <summary>Rows by the table's partition spec.</summary>
internal sealed class IcebergRouter(PartitionRouter router) : IRowRouter
{
    public RoutedRows Route(ColumnBatch rows)
    {
        var routed = router.Route(rows);
        return new RoutedRows(routed.Groups, routed.GroupCount, routed.Epoch);
    }

    public TablePartition PartitionOf(int number) => new IcebergPartition(router.KeyOf(number));
}

/// <summary>Rows by the table's sort order.</summary>
internal sealed class IcebergSortKeys(SortKeyEncoder encoder) : ISortKeys
{
    public void Encode(ColumnBatch batch, BytesColumn keys) => encoder.Encode(batch, keys);
}
