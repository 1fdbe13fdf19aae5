using System.Collections.Immutable;
using System.Text;
using Matih.Iceberg.Avro;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Iceberg.Manifests;

/// <summary>Reads manifests of any writer: fields are found by Iceberg field id, else by name; what is not known is skipped.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Manifests", "Sequence Number Inheritance" and "First Row ID Inheritance"; versions 1 to 3.</remarks>
internal static class ManifestReader
{
    /// <param name="manifest">The manifest list's description, whose numbers the entries inherit.</param>
    /// <param name="partitionTypes">Result types of the spec's fields; values of a field without one are left NULL.</param>
    /// <exception cref="InvalidTableException">The bytes are no manifest.</exception>
    public static List<ManifestEntry> Read(byte[] bytes, ManifestFile manifest, PartitionSpec spec, IReadOnlyList<IcebergType?> partitionTypes)
    {
        try
        {
            var file = AvroFile.Read(bytes);
            var entries = new List<ManifestEntry>();
            foreach (var block in file.Blocks)
            {
                var decoder = new AvroDecoder(block);
                while (!decoder.IsAtEnd) entries.Add(ReadEntry(ref decoder, Record(file.Schema), manifest, spec, partitionTypes));
            }
            return RowIdAssignment.Inherit(entries, manifest);
        }
        catch (Exception exception) when (exception is InvalidDataException or ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            throw new InvalidTableException($"The manifest {manifest.Path} cannot be read: {exception.Message}. Restore the file, or roll the table back.", exception);
        }
        catch (NotSupportedException exception)
        {
            throw new UnsupportedTableException($"The manifest {manifest.Path} cannot be read: {exception.Message}.", exception);
        }
    }

    internal static AvroSchema.Record Record(AvroSchema schema) =>
        schema as AvroSchema.Record ?? throw new InvalidDataException("its records are no Avro records");

    private static ManifestEntry ReadEntry(
        ref AvroDecoder decoder, AvroSchema.Record schema, ManifestFile manifest, PartitionSpec spec, IReadOnlyList<IcebergType?> partitionTypes)
    {
        var status = EntryStatus.Existing;
        long? snapshotId = null, sequence = null, fileSequence = null;
        DataFile? file = null;
        foreach (var field in schema.Fields)
        {
            switch (Id(field, EntryIds))
            {
                case 0: status = (EntryStatus)decoder.ReadOptionalLong(field.Schema).GetValueOrDefault(); break;
                case 1: snapshotId = decoder.ReadOptionalLong(field.Schema); break;
                case 3: sequence = decoder.ReadOptionalLong(field.Schema); break;
                case 4: fileSequence = decoder.ReadOptionalLong(field.Schema); break;
                case 2: file = ReadFile(ref decoder, Record(decoder.Resolve(field.Schema)), spec, partitionTypes); break;
                default: decoder.Skip(field.Schema); break;
            }
        }
        if (file is null) throw new InvalidDataException("an entry has no file");
        // A manifest from before version 2 has none itself: its files are older than any.
        var inherited = manifest.SequenceNumber == 0 || status == EntryStatus.Added && manifest.SequenceNumber > 0 ? manifest.SequenceNumber : (long?)null;
        return new(status, new(snapshotId ?? manifest.AddedSnapshotId.Value), sequence ?? inherited, fileSequence ?? inherited, file);
    }

    private static DataFile ReadFile(ref AvroDecoder decoder, AvroSchema.Record schema, PartitionSpec spec, IReadOnlyList<IcebergType?> partitionTypes)
    {
        var content = FileContent.Data;
        string? path = null, format = null, referenced = null;
        var partition = ImmutableArray<PartitionValue>.Empty;
        long records = -1, size = -1;
        ImmutableArray<KeyValuePair<int, long>>? sizes = null, values = null, nulls = null, nans = null;
        ImmutableArray<KeyValuePair<int, byte[]>>? lower = null, upper = null;
        byte[]? key = null;
        ImmutableArray<long>? splits = null, equality = null;
        long? order = null, firstRow = null, contentOffset = null, contentSize = null;
        foreach (var field in schema.Fields)
        {
            switch (Id(field, FileIds))
            {
                case 134: content = (FileContent)decoder.ReadOptionalLong(field.Schema).GetValueOrDefault(); break;
                case 100: path = ReadText(ref decoder, field.Schema); break;
                case 101: format = ReadText(ref decoder, field.Schema); break;
                case 102: partition = ReadPartition(ref decoder, Record(decoder.Resolve(field.Schema)), spec, partitionTypes); break;
                case 103: records = decoder.ReadOptionalLong(field.Schema) ?? -1; break;
                case 104: size = decoder.ReadOptionalLong(field.Schema) ?? -1; break;
                case 108: sizes = ReadCounts(ref decoder, field.Schema); break;
                case 109: values = ReadCounts(ref decoder, field.Schema); break;
                case 110: nulls = ReadCounts(ref decoder, field.Schema); break;
                case 137: nans = ReadCounts(ref decoder, field.Schema); break;
                case 125: lower = ReadBounds(ref decoder, field.Schema); break;
                case 128: upper = ReadBounds(ref decoder, field.Schema); break;
                case 131: key = decoder.ReadOptionalBytes(field.Schema); break;
                case 132: splits = ReadNumbers(ref decoder, field.Schema); break;
                case 135: equality = ReadNumbers(ref decoder, field.Schema); break;
                case 140: order = decoder.ReadOptionalLong(field.Schema); break;
                case 142: firstRow = decoder.ReadOptionalLong(field.Schema); break;
                case 144: contentOffset = decoder.ReadOptionalLong(field.Schema); break;
                case 145: contentSize = decoder.ReadOptionalLong(field.Schema); break;
                case 143: referenced = ReadText(ref decoder, field.Schema); break;
                default: decoder.Skip(field.Schema); break;
            }
        }
        if (path is null || format is null || records < 0 || size < 0) throw new InvalidDataException("an entry lacks its file's path, format, row count or size");
        return new DataFile
        {
            Content = content, Path = path, Format = format, SpecId = spec.SpecId, Partition = partition, RecordCount = records, FileSizeBytes = size,
            ColumnSizes = sizes, ValueCounts = values, NullValueCounts = nulls, NanValueCounts = nans, LowerBounds = lower, UpperBounds = upper,
            KeyMetadata = key, SplitOffsets = splits, EqualityIds = equality is { } ids ? [.. ids.Select(id => (int)id)] : null,
            SortOrderId = (int?)order, FirstRowId = firstRow,
            ReferencedDataFile = referenced, ContentOffset = contentOffset, ContentSizeBytes = contentSize,
        };
    }

    private static ImmutableArray<PartitionValue> ReadPartition(
        ref AvroDecoder decoder, AvroSchema.Record schema, PartitionSpec spec, IReadOnlyList<IcebergType?> types)
    {
        var values = new PartitionValue[spec.Fields.Length];
        for (var i = 0; i < schema.Fields.Count; i++)
        {
            var field = schema.Fields[i];
            var index = IndexOf(spec, field);
            if (index < 0 || types[index] is not { } type) decoder.Skip(field.Schema);
            else values[index] = ReadPartitionValue(ref decoder, field.Schema, type);
        }
        return [.. values];
    }

    private static int IndexOf(PartitionSpec spec, AvroField field)
    {
        for (var i = 0; i < spec.Fields.Length; i++)
            if (field.FieldId is { } id ? spec.Fields[i].FieldId == id : spec.Fields[i].Name == field.Name) return i;
        return -1;
    }

    private static PartitionValue ReadPartitionValue(ref AvroDecoder decoder, AvroSchema schema, IcebergType type)
    {
        switch (decoder.Resolve(schema))
        {
            case AvroSchema.Primitive(AvroPrimitive.Null): return PartitionValue.Null;
            case AvroSchema.Primitive(AvroPrimitive.Boolean): return PartitionValue.Of(decoder.ReadBoolean() ? 1 : 0);
            case AvroSchema.Primitive(AvroPrimitive.Int or AvroPrimitive.Long): return PartitionValue.Of(decoder.ReadLong());
            case AvroSchema.Primitive(AvroPrimitive.Float):
                var value = decoder.ReadFloat();
                // A float column may have become a double since the manifest was written.
                return type is IcebergType.Double ? PartitionValue.OfDouble(value) : PartitionValue.OfFloat(value);
            case AvroSchema.Primitive(AvroPrimitive.Double): return PartitionValue.OfDouble(decoder.ReadDouble());
            case AvroSchema.Primitive(AvroPrimitive.Bytes or AvroPrimitive.String): return OfBytes(decoder.ReadBytes(), type);
            case AvroSchema.Fixed(var size): return OfBytes(decoder.Take(size), type);
            case var other: throw new InvalidDataException($"a partition value of type {type} is written as {other}");
        }
    }

    private static PartitionValue OfBytes(ReadOnlySpan<byte> bytes, IcebergType type) =>
        type is IcebergType.Decimal ? PartitionValue.Of(DecimalBytes.Read(bytes)) : PartitionValue.Of(bytes);

    private static ImmutableArray<KeyValuePair<int, long>>? ReadCounts(ref AvroDecoder decoder, AvroSchema schema)
    {
        if (decoder.Resolve(schema) is not AvroSchema.Array(AvroSchema.Record entry)) return null;
        var map = ImmutableArray.CreateBuilder<KeyValuePair<int, long>>();
        for (var count = decoder.ReadBlockCount(); count > 0; count = decoder.ReadBlockCount())
            for (; count > 0; count--)
                map.Add(new((int)decoder.ReadOptionalLong(entry.Fields[0].Schema)!.Value, decoder.ReadOptionalLong(entry.Fields[1].Schema) ?? 0));
        return map.ToImmutable();
    }

    private static ImmutableArray<KeyValuePair<int, byte[]>>? ReadBounds(ref AvroDecoder decoder, AvroSchema schema)
    {
        if (decoder.Resolve(schema) is not AvroSchema.Array(AvroSchema.Record entry)) return null;
        var map = ImmutableArray.CreateBuilder<KeyValuePair<int, byte[]>>();
        for (var count = decoder.ReadBlockCount(); count > 0; count = decoder.ReadBlockCount())
            for (; count > 0; count--)
                map.Add(new((int)decoder.ReadOptionalLong(entry.Fields[0].Schema)!.Value, decoder.ReadOptionalBytes(entry.Fields[1].Schema) ?? []));
        return map.ToImmutable();
    }

    private static ImmutableArray<long>? ReadNumbers(ref AvroDecoder decoder, AvroSchema schema)
    {
        if (decoder.Resolve(schema) is not AvroSchema.Array(var items)) return null;
        var list = ImmutableArray.CreateBuilder<long>();
        for (var count = decoder.ReadBlockCount(); count > 0; count = decoder.ReadBlockCount())
            for (; count > 0; count--) list.Add(decoder.ReadOptionalLong(items) ?? 0);
        return list.ToImmutable();
    }

    internal static string? ReadText(ref AvroDecoder decoder, AvroSchema schema) =>
        decoder.ReadOptionalBytes(schema) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    /// <summary>The field's Iceberg id: as written, else that of its name, else -1.</summary>
    internal static int Id(AvroField field, IReadOnlyDictionary<string, int> ids) => field.FieldId ?? ids.GetValueOrDefault(field.Name, -1);

    private static readonly Dictionary<string, int> EntryIds = Ids(ManifestSchemas.Entry(new IcebergType.Struct([]), TableMetadata.FormatVersionMax));

    private static readonly Dictionary<string, int> FileIds = Ids((IcebergType.Struct)ManifestSchemas.Entry(new IcebergType.Struct([]), TableMetadata.FormatVersionMax).Fields[^1].Type);

    internal static Dictionary<string, int> Ids(IcebergType.Struct type) => type.Fields.ToDictionary(field => field.Name, field => field.Id);
}
