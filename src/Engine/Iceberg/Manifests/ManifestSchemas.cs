using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Manifests;

/// <summary>The structs of manifests and manifest lists of each format version, in the order that they are written.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Manifests" and "Manifest Lists".</remarks>
internal static class ManifestSchemas
{
    private static readonly IcebergType Int = new IcebergType.Int();
    private static readonly IcebergType Long = new IcebergType.Long();
    private static readonly IcebergType Text = new IcebergType.String();
    private static readonly IcebergType Bytes = new IcebergType.Binary();
    private static readonly IcebergType Flag = new IcebergType.Boolean();

    public static IcebergType.Struct ManifestList(int formatVersion) => new([
        Required(500, "manifest_path", Text),
        Required(501, "manifest_length", Long),
        Required(502, "partition_spec_id", Int),
        .. Since(TableMetadata.SequenceNumbersFormatVersion, formatVersion,
            Required(517, "content", Int),
            Required(515, "sequence_number", Long),
            Required(516, "min_sequence_number", Long)),
        Required(503, "added_snapshot_id", Long),
        Required(504, "added_files_count", Int),
        Required(505, "existing_files_count", Int),
        Required(506, "deleted_files_count", Int),
        Required(512, "added_rows_count", Long),
        Required(513, "existing_rows_count", Long),
        Required(514, "deleted_rows_count", Long),
        Optional(507, "partitions", new IcebergType.List(508, new IcebergType.Struct([
            Required(509, "contains_null", Flag),
            Optional(518, "contains_nan", Flag),
            Optional(510, "lower_bound", Bytes),
            Optional(511, "upper_bound", Bytes),
        ]), IsElementRequired: true)),
        Optional(519, "key_metadata", Bytes),
        .. Since(TableMetadata.RowIdsFormatVersion, formatVersion, Optional(520, "first_row_id", Long)),
    ]);

    /// <summary>The struct of a spec's partition values.</summary>
    public static IcebergType.Struct Partition(PartitionSpec spec, IReadOnlyList<IcebergType> types) =>
        new([.. spec.Fields.Select((field, index) => Optional(field.FieldId, field.Name, types[index]))]);

    public static IcebergType.Struct Entry(IcebergType.Struct partition, int formatVersion) => new([
        Required(0, "status", Int),
        Optional(1, "snapshot_id", Long),
        .. Since(TableMetadata.SequenceNumbersFormatVersion, formatVersion,
            Optional(3, "sequence_number", Long),
            Optional(4, "file_sequence_number", Long)),
        Required(2, "data_file", new IcebergType.Struct([
            .. Since(TableMetadata.SequenceNumbersFormatVersion, formatVersion, Required(134, "content", Int)),
            Required(100, "file_path", Text),
            Required(101, "file_format", Text),
            Required(102, "partition", partition),
            Required(103, "record_count", Long),
            Required(104, "file_size_in_bytes", Long),
            .. formatVersion == 1 ? [Required(105, "block_size_in_bytes", Long)] : Array.Empty<NestedField>(),
            Optional(108, "column_sizes", new IcebergType.Map(117, Int, 118, Long, true)),
            Optional(109, "value_counts", new IcebergType.Map(119, Int, 120, Long, true)),
            Optional(110, "null_value_counts", new IcebergType.Map(121, Int, 122, Long, true)),
            Optional(137, "nan_value_counts", new IcebergType.Map(138, Int, 139, Long, true)),
            Optional(125, "lower_bounds", new IcebergType.Map(126, Int, 127, Bytes, true)),
            Optional(128, "upper_bounds", new IcebergType.Map(129, Int, 130, Bytes, true)),
            Optional(131, "key_metadata", Bytes),
            Optional(132, "split_offsets", new IcebergType.List(133, Long, true)),
            .. Since(TableMetadata.SequenceNumbersFormatVersion, formatVersion, Optional(135, "equality_ids", new IcebergType.List(136, Int, true))),
            Optional(140, "sort_order_id", Int),
            .. Since(TableMetadata.RowIdsFormatVersion, formatVersion, Optional(142, "first_row_id", Long)),
            .. Since(TableMetadata.SequenceNumbersFormatVersion, formatVersion, Optional(143, "referenced_data_file", Text)),
            .. Since(TableMetadata.RowIdsFormatVersion, formatVersion,
                Optional(144, "content_offset", Long),
                Optional(145, "content_size_in_bytes", Long)),
        ])),
    ]);

    private static ReadOnlySpan<NestedField> Since(int first, int formatVersion, params NestedField[] fields) => formatVersion >= first ? fields : [];

    private static NestedField Required(int id, string name, IcebergType type) => new(id, name, true, type);

    private static NestedField Optional(int id, string name, IcebergType type) => new(id, name, false, type);
}
