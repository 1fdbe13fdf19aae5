using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>Whether a file that a commit of ours adds is written for the table as it stands at that commit.</summary>
internal static class FileChecks
{
    /// <param name="mayLag">The table's properties changed a moment ago on a catalog that cannot compare them: the file may go by the earlier ones.</param>
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
    }

    private static bool IsPlain(string codec) => codec.Equals("uncompressed", StringComparison.OrdinalIgnoreCase);

    private static void RequirePartition(TableMetadata metadata, DataFile file, FileContent content)
    {
        var spec = metadata.FindSpec(file.SpecId)!;
        for (var i = 0; i < spec.Fields.Length; i++)
        {
            foreach (var row in content.Rows)
            {
                var expected = ValueOf(spec.Fields[i], metadata.CurrentSchema, row);
                if (file.Partition[i].IsNull || (long)file.Partition[i].Number != expected)
                    throw new AuditException($"{file.Path} is of partition {spec.Fields[i].Name}={file.Partition[i].Number} and holds the row of offset {row.Offset}, which belongs to {expected}.");
            }
        }
    }

    private static long ValueOf(PartitionField field, Schema schema, RowOrigin row)
    {
        var value = schema.FindField(field.SourceId)!.Name switch { "partition" => row.Partition, "offset" => row.Offset, "id" or "twin" => row.Id, var name => throw new AuditException($"Nobody partitions by '{name}'.") };
        return field.Transform switch
        {
            Transform.Identity => value,
            Transform.Truncate(var width) => value - value % width,
            Transform.Bucket(var count) => (Murmur3.Hash32(value) & int.MaxValue) % count,
            var other => throw new AuditException($"Nobody partitions by {other}."),
        };
    }
}
