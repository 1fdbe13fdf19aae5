using System.Collections.Immutable;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Iceberg;

internal static class TableMetadataSamples
{
    public static ImmutableSortedDictionary<string, string> Properties(params (string Name, string Value)[] properties) =>
        properties.ToImmutableSortedDictionary(property => property.Name, property => property.Value, StringComparer.Ordinal);

    public static TableMetadata New(Schema schema, PartitionSpec? spec = null) => new()
    {
        FormatVersion = 2, TableUuid = "11111111-2222-3333-4444-555555555555", Location = "/warehouse/t", LastUpdatedMillis = 1_000, LastColumnId = schema.HighestFieldId,
        CurrentSchemaId = schema.SchemaId, Schemas = [schema], PartitionSpecs = [spec ?? PartitionSpec.Unpartitioned], LastPartitionId = 999, SortOrders = [SortOrder.Unsorted],
    };

    public static Snapshot Snapshot(long id, long? parent, long sequence, long timestampMillis = 2_000) => new(
        new(id), parent is { } value ? new SnapshotId(value) : null, sequence, timestampMillis, $"/warehouse/t/metadata/snap-{id}.avro",
        new Dictionary<string, string> { ["operation"] = "append" }, 0);

    /// <summary>As another engine might have written it, with members of later days at every level.</summary>
    public const string Foreign =
        """
        {"format-version":2,"table-uuid":"9c12d441-03fe-4693-9a96-a0705ddf69c1","location":"s3://b/t/","last-sequence-number":34,"last-updated-ms":1602638573590,
         "last-column-id":9,"current-schema-id":1,"schemas":[{"type":"struct","schema-id":0,"fields":[{"id":1,"name":"x","required":true,"type":"long"}]},
         {"type":"struct","schema-id":1,"identifier-field-ids":[1],"future":{"a":1},"fields":[{"id":1,"name":"x","required":true,"type":"long","initial-default":7},
         {"id":2,"name":"tags","required":false,"type":{"type":"list","element-id":3,"element":"string","element-required":false}},
         {"id":4,"name":"m","required":false,"type":{"type":"map","key-id":5,"key":"string","value-id":6,"value":"double","value-required":true}},
         {"id":7,"name":"s","required":false,"doc":"nested","type":{"type":"struct","fields":[{"id":8,"name":"g","required":false,"type":"geometry(srid:4326)"},{"id":9,"name":"u","required":false,"type":"uuid"}]}}]}],
         "default-spec-id":1,"partition-specs":[{"spec-id":0,"fields":[]},{"spec-id":1,"note":"kept","fields":[{"name":"x_bucket","transform":"bucket[8]","source-id":1,"field-id":1000}]}],
         "last-partition-id":1000,"default-sort-order-id":3,"sort-orders":[{"order-id":3,"fields":[{"transform":"identity","source-id":1,"direction":"asc","null-order":"nulls-first","new":true}]}],
         "properties":{"read.split.target.size":"134217728"},"current-snapshot-id":3055729675574597004,
         "snapshots":[{"snapshot-id":3051729675574597004,"timestamp-ms":1515100955770,"sequence-number":33,"summary":{"operation":"append","spark.app.id":"local-1"},"manifest-list":"s3://b/1.avro","key-id":"k"},
         {"snapshot-id":3055729675574597004,"parent-snapshot-id":3051729675574597004,"timestamp-ms":1555100955770,"sequence-number":34,"summary":{"operation":"append"},"manifest-list":"s3://b/2.avro","schema-id":1}],
         "refs":{"main":{"snapshot-id":3055729675574597004,"type":"branch","min-snapshots-to-keep":5,"max-snapshot-age-ms":9},"old":{"snapshot-id":3051729675574597004,"type":"tag","max-ref-age-ms":9223372036854775807}},
         "snapshot-log":[{"snapshot-id":3051729675574597004,"timestamp-ms":1515100955770},{"snapshot-id":3055729675574597004,"timestamp-ms":1555100955770}],
         "metadata-log":[{"metadata-file":"s3://b/v1.json","timestamp-ms":1515100}],
         "statistics":[{"snapshot-id":3051729675574597004,"statistics-path":"s3://b/a.puffin","file-size-in-bytes":413,"file-footer-size-in-bytes":42,"blob-metadata":[{"type":"ndv","snapshot-id":3051729675574597004,"sequence-number":1,"fields":[1]}]}],
         "partition-statistics":[{"snapshot-id":3055729675574597004,"statistics-path":"s3://b/p.parquet","file-size-in-bytes":43}],
         "encryption-keys":[{"key-id":"5f819b","key-metadata":"aWNlYmVyZwo="}],"next-thing":{"deep":[1,2,{"x":null}]}}
        """;
}
