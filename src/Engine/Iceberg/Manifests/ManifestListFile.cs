using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Avro;
using Matih.Iceberg.Avro;
using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Manifests;

/// <summary>Manifest lists: the manifests of one snapshot.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Manifest Lists"; versions 1 to 3.</remarks>
internal static class ManifestListFile
{
    /// <exception cref="InvalidTableException">The bytes are no manifest list.</exception>
    public static List<ManifestFile> Read(byte[] bytes, string path)
    {
        try
        {
            var file = AvroFile.Read(bytes);
            var manifests = new List<ManifestFile>();
            foreach (var block in file.Blocks)
            {
                var decoder = new AvroDecoder(block);
                while (!decoder.IsAtEnd) manifests.Add(ReadManifest(ref decoder, ManifestReader.Record(file.Schema)));
            }
            return manifests;
        }
        catch (Exception exception) when (exception is InvalidDataException or ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            throw new InvalidTableException($"The manifest list {path} cannot be read: {exception.Message}. Restore the file, or roll the table back.", exception);
        }
        catch (NotSupportedException exception)
        {
            throw new UnsupportedTableException($"The manifest list {path} cannot be read: {exception.Message}.", exception);
        }
    }

    private static ManifestFile ReadManifest(ref AvroDecoder decoder, AvroSchema.Record schema)
    {
        string? path = null;
        var numbers = new Dictionary<int, long?>();
        ImmutableArray<PartitionFieldSummary>? partitions = null;
        byte[]? key = null;
        foreach (var field in schema.Fields)
        {
            var id = ManifestReader.Id(field, Names);
            switch (id)
            {
                case 500: path = ManifestReader.ReadText(ref decoder, field.Schema); break;
                case >= 501 and <= 506 or >= 512 and <= 517 or 520: numbers[id] = decoder.ReadOptionalLong(field.Schema); break;
                case 507: partitions = ReadSummaries(ref decoder, field.Schema); break;
                case 519: key = decoder.ReadOptionalBytes(field.Schema); break;
                default: decoder.Skip(field.Schema); break;
            }
        }
        return new ManifestFile
        {
            Path = path ?? throw new InvalidDataException("a manifest has no path"),
            LengthBytes = Required(numbers, 501, "length"),
            SpecId = (int)Required(numbers, 502, "partition spec"),
            Content = (ManifestContent)numbers.GetValueOrDefault(517).GetValueOrDefault(),
            SequenceNumber = numbers.GetValueOrDefault(515) ?? 0,
            MinSequenceNumber = numbers.GetValueOrDefault(516) ?? 0,
            AddedSnapshotId = new(Required(numbers, 503, "snapshot")),
            AddedFilesCount = numbers.GetValueOrDefault(504),
            ExistingFilesCount = numbers.GetValueOrDefault(505),
            DeletedFilesCount = numbers.GetValueOrDefault(506),
            AddedRowsCount = numbers.GetValueOrDefault(512),
            ExistingRowsCount = numbers.GetValueOrDefault(513),
            DeletedRowsCount = numbers.GetValueOrDefault(514),
            Partitions = partitions,
            KeyMetadata = key,
            FirstRowId = numbers.GetValueOrDefault(520),
        };
    }

    private static long Required(Dictionary<int, long?> numbers, int id, string what) =>
        numbers.GetValueOrDefault(id) ?? throw new InvalidDataException($"a manifest has no {what}");

    private static ImmutableArray<PartitionFieldSummary>? ReadSummaries(ref AvroDecoder decoder, AvroSchema schema)
    {
        if (decoder.Resolve(schema) is not AvroSchema.Array(var items)) return null;
        var summaries = ImmutableArray.CreateBuilder<PartitionFieldSummary>();
        for (var count = decoder.ReadBlockCount(); count > 0; count = decoder.ReadBlockCount())
        {
            for (; count > 0; count--)
            {
                long? containsNull = null, containsNan = null;
                byte[]? lower = null, upper = null;
                foreach (var field in ManifestReader.Record(decoder.Resolve(items)).Fields)
                {
                    switch (ManifestReader.Id(field, SummaryNames))
                    {
                        case 509: containsNull = decoder.ReadOptionalLong(field.Schema); break;
                        case 518: containsNan = decoder.ReadOptionalLong(field.Schema); break;
                        case 510: lower = decoder.ReadOptionalBytes(field.Schema); break;
                        case 511: upper = decoder.ReadOptionalBytes(field.Schema); break;
                        default: decoder.Skip(field.Schema); break;
                    }
                }
                summaries.Add(new(containsNull != 0, containsNan is { } nan ? nan != 0 : null, lower, upper));
            }
        }
        return summaries.ToImmutable();
    }

    /// <param name="sequenceNumber">The snapshot's, which manifests made for it get.</param>
    /// <param name="formatVersion">The table's.</param>
    /// <param name="firstRowId">The snapshot's first row id; null below version 3.</param>
    public static byte[] Write(
        IReadOnlyList<ManifestFile> manifests, SnapshotId snapshotId, SnapshotId? parentId, long sequenceNumber, Guid sync,
        int formatVersion = TableMetadata.FormatVersionDefault, long? firstRowId = null)
    {
        var records = new ArrayBufferWriter<byte>();
        var encoder = new AvroEncoder(records);
        foreach (var manifest in manifests) WriteManifest(encoder, manifest, sequenceNumber, formatVersion);
        var schema = ManifestSchemas.ManifestList(formatVersion);
        return AvroFile.Write(
            AvroSchemaJson.Of("manifest_file", schema),
            [
                new("snapshot-id", Text(snapshotId.Value)),
                new("parent-snapshot-id", parentId is { } parent ? Text(parent.Value) : "null"u8.ToArray()),
                .. formatVersion >= TableMetadata.SequenceNumbersFormatVersion ? new[] { KeyValuePair.Create("sequence-number", Text(sequenceNumber)) } : [],
                .. firstRowId is { } first ? new[] { KeyValuePair.Create("first-row-id", Text(first)) } : [],
                new("format-version", Text(formatVersion)),
                new("iceberg.schema", Json(schema)),
            ],
            manifests.Count,
            records.WrittenSpan,
            sync);
    }

    private static void WriteManifest(AvroEncoder encoder, ManifestFile manifest, long sequenceNumber, int formatVersion)
    {
        encoder.WriteString(manifest.Path);
        encoder.WriteLong(manifest.LengthBytes);
        encoder.WriteLong(manifest.SpecId);
        if (formatVersion >= TableMetadata.SequenceNumbersFormatVersion)
        {
            encoder.WriteLong((long)manifest.Content);
            encoder.WriteLong(manifest.SequenceNumber == ManifestFile.Unassigned ? sequenceNumber : manifest.SequenceNumber);
            encoder.WriteLong(manifest.MinSequenceNumber == ManifestFile.Unassigned ? sequenceNumber : manifest.MinSequenceNumber);
        }
        encoder.WriteLong(manifest.AddedSnapshotId.Value);
        encoder.WriteLong(manifest.AddedFilesCount ?? 0);
        encoder.WriteLong(manifest.ExistingFilesCount ?? 0);
        encoder.WriteLong(manifest.DeletedFilesCount ?? 0);
        encoder.WriteLong(manifest.AddedRowsCount ?? 0);
        encoder.WriteLong(manifest.ExistingRowsCount ?? 0);
        encoder.WriteLong(manifest.DeletedRowsCount ?? 0);
        if (manifest.Partitions is { } partitions)
        {
            encoder.WritePresent();
            encoder.WriteLong(partitions.Length);
            foreach (var summary in partitions)
            {
                encoder.WriteBoolean(summary.ContainsNull);
                encoder.WriteLong(summary.ContainsNan is null ? 0 : 1);
                if (summary.ContainsNan is { } containsNan) encoder.WriteBoolean(containsNan);
                encoder.WriteOptionalBytes(summary.LowerBound);
                encoder.WriteOptionalBytes(summary.UpperBound);
            }
            if (partitions.Length > 0) encoder.WriteLong(0);
        }
        else
        {
            encoder.WriteNull();
        }
        encoder.WriteOptionalBytes(manifest.KeyMetadata);
        if (formatVersion >= TableMetadata.RowIdsFormatVersion) encoder.WriteOptionalLong(manifest.FirstRowId);
    }

    private static byte[] Json(IcebergType.Struct type)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer)) SchemaJson.WriteSchema(writer, new Schema(0, type.Fields));
        return buffer.WrittenSpan.ToArray();
    }

    private static byte[] Text(long number) => Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture));

    private static readonly Dictionary<string, int> Names = ManifestReader.Ids(ManifestSchemas.ManifestList(TableMetadata.FormatVersionMax));

    private static readonly Dictionary<string, int> SummaryNames = new(StringComparer.Ordinal)
    {
        ["contains_null"] = 509, ["contains_nan"] = 518, ["lower_bound"] = 510, ["upper_bound"] = 511,
    };
}
