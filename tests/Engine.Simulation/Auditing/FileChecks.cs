using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>Whether a file that a commit of ours adds is written for the table as it stands at that commit.</summary>
internal static class FileChecks
{
    /// <param name="mayLag">
    /// The table's properties or sort order changed a moment ago, on a catalog that cannot compare them: the file may have been
    /// written for the earlier ones.
    /// </param>
    public static void Require(Table table, DataFile file, FileContent content, bool mayLag)
    {
        var metadata = table.Metadata;
        if (file.SpecId != metadata.DefaultSpecId) throw new AuditException($"{file.Path} is of partition spec {file.SpecId}, and the table's is {metadata.DefaultSpecId}.");
        foreach (var (id, name) in content.Columns)
            if (metadata.CurrentSchema.FindColumn(name)?.Id != id) throw new AuditException($"{file.Path} holds column '{name}' under field id {id}, and the table knows it under {metadata.CurrentSchema.FindColumn(name)?.Id}: its values read as NULL.");
        if (!content.HasEqualTwins) throw new AuditException($"{file.Path} holds other values in column 'twin' than in 'id'.");
        var codec = new TableSettings(metadata.Properties).ParquetCompressionCodec;
        // Where a machine lacks a compression library another one is used, so that only whether it is compressed counts.
        if (!mayLag && IsPlain(content.Codec) != IsPlain(codec)) throw new AuditException($"{file.Path} is compressed as {content.Codec}, and the table asks for {codec}.");
        RequirePartition(metadata, file, content);
        if (!mayLag && file.SortOrderId != metadata.DefaultSortOrder.OrderId) throw new AuditException($"{file.Path} is of sort order {file.SortOrderId}, and the table's is {metadata.DefaultSortOrder.OrderId}.");
        RequireSorted(metadata, file, content);
    }

    /// <summary>
    /// One checkpoint leaves at most one file in each table partition that is smaller than the target, or one for each lane where
    /// the table's distribution mode is none. So that partition gets at most ⌈bytes / target⌉ files.
    /// </summary>
    public static void RequireFew(Table table, IReadOnlyList<DataFile> files, int laneCount)
    {
        var settings = new TableSettings(table.Metadata.Properties);
        var smallMax = settings.DistributionMode == DistributionMode.None ? laneCount : 1;
        foreach (var partition in files.GroupBy(file => string.Join('/', file.Partition.Select(value => value.Number))))
        {
            var small = partition.Count(file => file.FileSizeBytes < settings.TargetFileBytes);
            if (small > smallMax)
                throw new AuditException($"A commit adds {partition.Count()} files with {partition.Sum(file => file.FileSizeBytes)} bytes to one table partition ({partition.First().Path}); {small} are below the target of {settings.TargetFileBytes} bytes, and {smallMax} may be.");
        }
    }

    private static void RequireSorted(TableMetadata metadata, DataFile file, FileContent content)
    {
        var order = metadata.SortOrders.First(known => known.OrderId == file.SortOrderId);
        for (var row = 1; row < content.Rows.Length; row++)
        {
            foreach (var field in order.Fields)
            {
                var before = ValueOf(field.SourceId, field.Transform, metadata.CurrentSchema, content.Rows[row - 1]);
                var after = ValueOf(field.SourceId, field.Transform, metadata.CurrentSchema, content.Rows[row]);
                if (before == after) continue;
                if (before < after == field.IsDescending) throw new AuditException($"{file.Path} is of sort order {order.OrderId}, and its rows {row - 1} and {row} are not in that order.");
                break;
            }
        }
    }

    private static bool IsPlain(string codec) => codec.Equals("uncompressed", StringComparison.OrdinalIgnoreCase);

    private static void RequirePartition(TableMetadata metadata, DataFile file, FileContent content)
    {
        var spec = metadata.FindSpec(file.SpecId)!;
        for (var i = 0; i < spec.Fields.Length; i++)
        {
            foreach (var row in content.Rows)
            {
                var expected = ValueOf(spec.Fields[i].SourceId, spec.Fields[i].Transform, metadata.CurrentSchema, row);
                if (file.Partition[i].IsNull || (long)file.Partition[i].Number != expected)
                    throw new AuditException($"{file.Path} is of partition {spec.Fields[i].Name}={file.Partition[i].Number} and holds the row of offset {row.Offset}, which belongs to {expected}.");
            }
        }
    }

    private static long ValueOf(int sourceId, Transform transform, Schema schema, RowOrigin row)
    {
        var value = schema.FindField(sourceId)!.Name switch { "partition" => row.Partition, "offset" => row.Offset, "id" or "twin" => row.Id, var name => throw new AuditException($"Nobody partitions or sorts by '{name}'.") };
        return transform switch
        {
            Transform.Identity => value,
            Transform.Truncate(var width) => value - value % width,
            Transform.Bucket(var count) => (Murmur3.Hash32(value) & int.MaxValue) % count,
            var other => throw new AuditException($"Nobody partitions or sorts by {other}."),
        };
    }
}
