using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Avro;
using Matih.Iceberg.Avro;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Iceberg.Manifests;

/// <summary>Builds one manifest of one partition spec in memory. Not thread-safe.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Manifests", versions 1 to 3.</remarks>
internal sealed class ManifestWriter
{
    /// <summary>Version 1 wants a block size, which means nothing: the reference implementation writes this one.</summary>
    private const long BlockBytes = 64 << 20;

    private readonly int _formatVersion;
    private readonly Schema _schema;
    private readonly PartitionSpec _spec;
    private readonly ImmutableArray<IcebergType> _types;
    private readonly ManifestContent _content;
    private readonly SnapshotId _snapshotId;
    private readonly ArrayBufferWriter<byte> _records = new();
    private readonly AvroEncoder _encoder;
    private readonly PartitionRange[] _ranges;
    private readonly long[] _files = new long[3];
    private readonly long[] _rows = new long[3];
    private long? _minSequenceNumber;

    /// <param name="snapshotId">The snapshot that the manifest is made for.</param>
    /// <param name="formatVersion">The table's.</param>
    public ManifestWriter(
        Schema schema, PartitionSpec spec, ImmutableArray<IcebergType> partitionTypes, ManifestContent content, SnapshotId snapshotId,
        int formatVersion = TableMetadata.FormatVersionDefault)
    {
        _formatVersion = formatVersion;
        _schema = schema;
        _spec = spec;
        _types = partitionTypes;
        _content = content;
        _snapshotId = snapshotId;
        _encoder = new AvroEncoder(_records);
        _ranges = [.. partitionTypes.Select(type => new PartitionRange(type))];
    }

    private bool HasSequenceNumbers => _formatVersion >= TableMetadata.SequenceNumbersFormatVersion;

    private bool HasRowIds => _formatVersion >= TableMetadata.RowIdsFormatVersion;

    /// <summary>A file that the snapshot adds; it gets the snapshot's sequence number, and ids for its rows, by inheritance.</summary>
    public void Add(DataFile file) => Write(EntryStatus.Added, _snapshotId, null, null, file.FirstRowId is null ? file : file with { FirstRowId = null });

    /// <summary>A file that an earlier snapshot added, with the numbers that it has had since.</summary>
    public void Keep(ManifestEntry entry) =>
        Write(EntryStatus.Existing, entry.SnapshotId, entry.SequenceNumber ?? 0, entry.FileSequenceNumber ?? 0, entry.File);

    /// <summary>A file that the snapshot takes out of the table: it keeps its numbers, and is listed once, by this snapshot's manifests only.</summary>
    public void Delete(ManifestEntry entry) =>
        Write(EntryStatus.Deleted, _snapshotId, entry.SequenceNumber ?? 0, entry.FileSequenceNumber ?? 0, entry.File);

    private void Write(EntryStatus status, SnapshotId snapshotId, long? sequenceNumber, long? fileSequenceNumber, DataFile file)
    {
        _encoder.WriteLong((long)status);
        _encoder.WriteOptionalLong(snapshotId.Value);
        if (HasSequenceNumbers)
        {
            _encoder.WriteOptionalLong(sequenceNumber);
            _encoder.WriteOptionalLong(fileSequenceNumber);
        }
        WriteFile(file);
        _files[(int)status]++;
        _rows[(int)status] += file.RecordCount;
        for (var i = 0; i < _ranges.Length; i++) _ranges[i].Include(file.Partition[i]);
        // Readers prune by the least number of live files; deleted ones do not count.
        if (status == EntryStatus.Deleted) return;
        if (sequenceNumber is { } number) _minSequenceNumber = Math.Min(_minSequenceNumber ?? long.MaxValue, number);
    }

    private void WriteFile(DataFile file)
    {
        if (HasSequenceNumbers) _encoder.WriteLong((long)file.Content);
        _encoder.WriteString(file.Path);
        _encoder.WriteString(file.Format);
        for (var i = 0; i < _types.Length; i++) WritePartitionValue(_types[i], file.Partition[i]);
        _encoder.WriteLong(file.RecordCount);
        _encoder.WriteLong(file.FileSizeBytes);
        if (_formatVersion == 1) _encoder.WriteLong(BlockBytes);
        WriteMap(file.ColumnSizes);
        WriteMap(file.ValueCounts);
        WriteMap(file.NullValueCounts);
        WriteMap(file.NanValueCounts);
        WriteMap(file.LowerBounds);
        WriteMap(file.UpperBounds);
        _encoder.WriteOptionalBytes(file.KeyMetadata);
        WriteList(file.SplitOffsets);
        if (HasSequenceNumbers) WriteList(file.EqualityIds is { } ids ? [.. ids.Select(id => (long)id)] : null);
        _encoder.WriteOptionalLong(file.SortOrderId);
        if (HasRowIds) _encoder.WriteOptionalLong(file.FirstRowId);
        if (HasSequenceNumbers) _encoder.WriteOptionalBytes(file.ReferencedDataFile is { } path ? Encoding.UTF8.GetBytes(path) : null);
        if (!HasRowIds) return;
        _encoder.WriteOptionalLong(file.ContentOffset);
        _encoder.WriteOptionalLong(file.ContentSizeBytes);
    }

    private void WritePartitionValue(IcebergType type, PartitionValue value)
    {
        if (value.IsNull)
        {
            _encoder.WriteNull();
            return;
        }
        _encoder.WritePresent();
        switch (type)
        {
            case IcebergType.Boolean:
                _encoder.WriteBoolean(value.Number != 0);
                break;
            case IcebergType.Float:
                _encoder.WriteFloatBits((int)value.Number);
                break;
            case IcebergType.Double:
                _encoder.WriteDoubleBits((long)value.Number);
                break;
            case IcebergType.Decimal(var precision, _):
                var fixedBytes = new byte[DecimalBytes.CountMax];
                System.Buffers.Binary.BinaryPrimitives.WriteInt128BigEndian(fixedBytes, value.Number);
                _encoder.WriteFixed(fixedBytes.AsSpan(DecimalBytes.CountMax - DecimalBytes.FixedCount(precision)));
                break;
            case IcebergType.Fixed or IcebergType.Uuid:
                _encoder.WriteFixed(value.Bytes);
                break;
            case IcebergType.String or IcebergType.Binary:
                _encoder.WriteBytes(value.Bytes);
                break;
            default:
                _encoder.WriteLong((long)value.Number);
                break;
        }
    }

    private void WriteMap(ImmutableArray<KeyValuePair<int, long>>? map)
    {
        if (!Begin(map)) return;
        foreach (var (key, value) in map!.Value)
        {
            _encoder.WriteLong(key);
            _encoder.WriteLong(value);
        }
        if (map.Value.Length > 0) _encoder.WriteLong(0);
    }

    private void WriteMap(ImmutableArray<KeyValuePair<int, byte[]>>? map)
    {
        if (!Begin(map)) return;
        foreach (var (key, value) in map!.Value)
        {
            _encoder.WriteLong(key);
            _encoder.WriteBytes(value);
        }
        if (map.Value.Length > 0) _encoder.WriteLong(0);
    }

    private void WriteList(ImmutableArray<long>? list)
    {
        if (!Begin(list)) return;
        foreach (var item in list!.Value) _encoder.WriteLong(item);
        if (list.Value.Length > 0) _encoder.WriteLong(0);
    }

    /// <summary>Opens an optional array as one block; an empty one is only its end.</summary>
    private bool Begin<T>(ImmutableArray<T>? items)
    {
        _encoder.WriteLong(items is null ? 0 : 1);
        if (items is { } present) _encoder.WriteLong(present.Length);
        return items is not null;
    }

    /// <summary>The manifest's bytes, and how a manifest list describes it once it is stored at <paramref name="path"/>.</summary>
    public (byte[] Bytes, ManifestFile File) Complete(string path, Guid sync)
    {
        var entry = ManifestSchemas.Entry(ManifestSchemas.Partition(_spec, _types), _formatVersion);
        var bytes = AvroFile.Write(
            AvroSchemaJson.Of("manifest_entry", entry),
            [
                new("schema", Json(writer => SchemaJson.WriteSchema(writer, _schema))),
                new("schema-id", Text(_schema.SchemaId)),
                new("partition-spec", Json(writer => SchemaJson.WritePartitionFields(writer, _spec))),
                new("partition-spec-id", Text(_spec.SpecId)),
                new("format-version", Text(_formatVersion)),
                .. HasSequenceNumbers ? new[] { KeyValuePair.Create("content", _content == ManifestContent.Data ? "data"u8.ToArray() : "deletes"u8.ToArray()) } : [],
                new("iceberg.schema", Json(writer => SchemaJson.WriteSchema(writer, new Schema(0, entry.Fields)))),
            ],
            _files.Sum(),
            _records.WrittenSpan,
            sync);
        return (bytes, new ManifestFile
        {
            Path = path,
            LengthBytes = bytes.Length,
            SpecId = _spec.SpecId,
            Content = _content,
            // Files that this snapshot adds get its sequence number, which is above that of all others; so does a manifest without live files.
            MinSequenceNumber = _minSequenceNumber ?? ManifestFile.Unassigned,
            AddedSnapshotId = _snapshotId,
            AddedFilesCount = _files[(int)EntryStatus.Added],
            ExistingFilesCount = _files[(int)EntryStatus.Existing],
            DeletedFilesCount = _files[(int)EntryStatus.Deleted],
            AddedRowsCount = _rows[(int)EntryStatus.Added],
            ExistingRowsCount = _rows[(int)EntryStatus.Existing],
            DeletedRowsCount = _rows[(int)EntryStatus.Deleted],
            Partitions = [.. _ranges.Select(range => range.Summary())],
        });
    }

    private static byte[] Text(int number) => Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture));

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer)) write(writer);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The range of one partition field so far.</summary>
    private sealed class PartitionRange(IcebergType type)
    {
        private bool _containsNull;
        private bool _containsNan;
        private PartitionValue _lower;
        private PartitionValue _upper;

        public void Include(PartitionValue value)
        {
            if (value.IsNull) _containsNull = true;
            else if (value.IsNaN(type)) _containsNan = true;
            else if (_lower.IsNull) _lower = _upper = value;
            else if (PartitionValue.Compare(type, value, _lower) < 0) _lower = value;
            else if (PartitionValue.Compare(type, value, _upper) > 0) _upper = value;
        }

        public PartitionFieldSummary Summary() => new(
            _containsNull,
            _containsNan,
            _lower.IsNull ? null : SingleValue.Write(type, _lower),
            _upper.IsNull ? null : SingleValue.Write(type, _upper));
    }
}
