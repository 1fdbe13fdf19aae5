using System.Buffers;
using System.Collections.Immutable;
using System.IO.Compression;
using System.Text.Json;
using Matih.Storage;

namespace Matih.Iceberg.Metadata;

/// <summary>Table metadata as the JSON of a metadata file.</summary>
/// <remarks>
/// Source: Apache Iceberg table spec, "Table Metadata Fields" and Appendix C. Schemas, specs, sort orders and snapshots are
/// written back byte for byte as they were read, members of the top level that are not known here as well.
/// </remarks>
public static class TableMetadataJson
{
    /// <param name="bytes">The file's content, plain or compressed with gzip.</param>
    /// <param name="location">The file's name, for messages.</param>
    /// <param name="known">An earlier version, of whose history only what has changed is parsed. Without one the result keeps <paramref name="bytes"/>.</param>
    /// <exception cref="InvalidTableException">The content is no table metadata.</exception>
    /// <exception cref="UnsupportedTableException">The format version is not known.</exception>
    public static TableMetadata Read(byte[] bytes, string location, TableMetadata? known = null) => Checked(location, () =>
    {
        var history = HistoryJson.Cut(bytes is [0x1F, 0x8B, ..] ? Unzip(bytes) : bytes, member: null, known, location);
        using var document = history.ParseRest();
        return ReadMembers(document.RootElement, history, location);
    });

    /// <summary>The same of metadata that a catalog's answer holds. Keeps nothing of the element.</summary>
    /// <param name="json">Metadata out of <see cref="HistoryJson.Rest"/>.</param>
    /// <param name="history">What was cut out of it.</param>
    /// <inheritdoc cref="Read(byte[], string, TableMetadata?)"/>
    public static TableMetadata Read(JsonElement json, HistoryJson history, string location) => Checked(location, () => ReadMembers(json, history, location));

    private static TableMetadata Checked(string location, Func<TableMetadata> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or InvalidDataException or OverflowException)
        {
            throw Invalid(location, exception);
        }
    }

    internal static InvalidTableException Invalid(string location, Exception exception) => new(
        $"{location} is not the metadata of a table: {(exception is KeyNotFoundException ? "a field that the format requires is missing." : exception.Message)} Restore the file, or roll back to the version before it.", exception);

    /// <summary>Only the table's uuid (empty where there is none) and the time of the version, without reading the rest.</summary>
    /// <param name="isWhole">False where the bytes are only the beginning of the file; null is the result where that is too little.</param>
    internal static (string Uuid, long LastUpdatedMillis)? FindIdentity(byte[] bytes, bool isWhole)
    {
        if (bytes is [0x1F, 0x8B, ..]) return FindIdentity(UnzipBeginning(bytes), isWhole: false) ?? (isWhole ? FindIdentity(Unzip(bytes), isWhole: true) : null);
        var reader = new Utf8JsonReader(bytes, isFinalBlock: isWhole, new JsonReaderState(SchemaJson.ReaderOptions));
        string? uuid = null;
        long? updated = null;
        while ((uuid is null || updated is null) && reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth != 1) continue;
            var (isUuid, isTime) = (reader.ValueTextEquals("table-uuid"u8), reader.ValueTextEquals("last-updated-ms"u8));
            if (isUuid && reader.Read()) uuid = reader.GetString() ?? "";
            else if (isTime && reader.Read()) updated = reader.GetInt64();
            else if (!reader.TrySkip()) break;
        }
        return isWhole || uuid is not null && updated is not null ? (uuid ?? "", updated ?? 0) : null;
    }

    /// <summary>The beginning of what a file holds, as far as its own beginning tells.</summary>
    private static byte[] UnzipBeginning(byte[] bytes)
    {
        var text = new byte[1024];
        var length = 0;
        try
        {
            using var stream = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
            while (length < text.Length && stream.Read(text, length, 1) is > 0 and var read) length += read;
        }
        catch (InvalidDataException)
        {
            // It ends in the middle.
        }
        return text[..length];
    }

    private static byte[] Unzip(byte[] bytes)
    {
        using var unzipped = new MemoryStream();
        using (var stream = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress)) stream.CopyTo(unzipped);
        return unzipped.ToArray();
    }

    private static TableMetadata ReadMembers(JsonElement json, HistoryJson history, string location)
    {
        var version = json.GetProperty("format-version").GetInt32();
        if (version is < 1 or > TableMetadata.FormatVersionMax)
            throw new UnsupportedTableException($"{location} has format version {version}; versions 1 to {TableMetadata.FormatVersionMax} can be read. Use a newer build.");
        var schemas = ReadArray(json, "schemas", SchemaJson.ReadSchema);
        if (schemas.IsEmpty) schemas = [SchemaJson.ReadSchema(json.GetProperty("schema"))];
        var specs = ReadArray(json, "partition-specs", SchemaJson.ReadSpec);
        if (specs.IsEmpty) specs = [new PartitionSpec(0, SchemaJson.ReadPartitionFields(json.GetProperty("partition-spec")))];
        var orders = ReadArray(json, "sort-orders", SchemaJson.ReadSortOrder);
        var metadata = new TableMetadata
        {
            FormatVersion = version,
            TableUuid = json.TryGetProperty("table-uuid", out var uuid) ? uuid.GetString() ?? "" : "",
            Location = json.GetProperty("location").GetString()!,
            LastSequenceNumber = version < TableMetadata.SequenceNumbersFormatVersion ? 0 : json.GetProperty("last-sequence-number").GetInt64(),
            NextRowId = version < TableMetadata.RowIdsFormatVersion ? 0 : json.GetProperty("next-row-id").GetInt64(),
            LastUpdatedMillis = json.GetProperty("last-updated-ms").GetInt64(),
            LastColumnId = json.GetProperty("last-column-id").GetInt32(),
            CurrentSchemaId = json.TryGetProperty("current-schema-id", out var schemaId) ? schemaId.GetInt32() : schemas[0].SchemaId,
            Schemas = schemas,
            DefaultSpecId = json.TryGetProperty("default-spec-id", out var specId) ? specId.GetInt32() : specs[0].SpecId,
            PartitionSpecs = specs,
            LastPartitionId = json.TryGetProperty("last-partition-id", out var last) ? last.GetInt32() : specs.Max(spec => spec.LastFieldId),
            DefaultSortOrderId = json.TryGetProperty("default-sort-order-id", out var orderId) ? orderId.GetInt32() : 0,
            SortOrders = orders.IsEmpty ? [SortOrder.Unsorted] : orders,
            Properties = ReadProperties(json),
            CurrentSnapshotId = SnapshotJson.OptionalId(json, "current-snapshot-id"),
            Snapshots = history.Snapshots,
            SnapshotLog = history.Log,
            MetadataLog = ReadArray(json, "metadata-log", item =>
                new MetadataLogEntry(item.GetProperty("timestamp-ms").GetInt64(), item.GetProperty("metadata-file").GetString()!)),
            Refs = ReadRefs(json),
            Statistics = ReadArray(json, "statistics", ReadStatistics),
            PartitionStatistics = ReadArray(json, "partition-statistics", ReadStatistics),
            UnknownMembers = [.. json.EnumerateObject().Where(member => !KnownMembers.Contains(member.Name))
                .Select(member => new JsonMember(member.Name, SchemaJson.Raw(member.Value)))],
        };
        return Checked(metadata, location);
    }

    private static TableMetadata Checked(TableMetadata metadata, string location)
    {
        if (metadata.Schemas.All(schema => schema.SchemaId != metadata.CurrentSchemaId))
            throw new InvalidTableException($"{location} names {metadata.CurrentSchemaId} as its current schema and does not hold it.");
        if (metadata.FindSpec(metadata.DefaultSpecId) is null)
            throw new InvalidTableException($"{location} names {metadata.DefaultSpecId} as its partition spec and does not hold it.");
        if (metadata.CurrentSnapshotId is not { } current) return metadata;
        if (metadata.FindSnapshot(current) is null)
            throw new InvalidTableException($"{location} names {current} as its current snapshot and does not hold it.");
        return metadata.Refs.ContainsKey(SnapshotRef.Main)
            ? metadata
            : metadata with { Refs = metadata.Refs.Add(SnapshotRef.Main, new SnapshotRef(current, SnapshotRefKind.Branch)) };
    }

    private static ImmutableArray<T> ReadArray<T>(JsonElement json, string name, Func<JsonElement, T> read) =>
        json.TryGetProperty(name, out var array) && array.ValueKind == JsonValueKind.Array ? [.. array.EnumerateArray().Select(read)] : [];

    private static ImmutableSortedDictionary<string, string> ReadProperties(JsonElement json)
    {
        var properties = TableMetadata.EmptyProperties.ToBuilder();
        if (json.TryGetProperty("properties", out var members) && members.ValueKind == JsonValueKind.Object)
            foreach (var member in members.EnumerateObject()) properties[member.Name] = SnapshotJson.Text(member.Value);
        return properties.ToImmutable();
    }

    private static ImmutableSortedDictionary<string, SnapshotRef> ReadRefs(JsonElement json)
    {
        var refs = ImmutableSortedDictionary.CreateBuilder<string, SnapshotRef>(StringComparer.Ordinal);
        if (json.TryGetProperty("refs", out var members) && members.ValueKind == JsonValueKind.Object)
            foreach (var member in members.EnumerateObject()) refs[member.Name] = SnapshotJson.ReadRef(member.Value);
        return refs.ToImmutable();
    }

    private static StatisticsEntry ReadStatistics(JsonElement json) => new(SnapshotJson.OptionalId(json, "snapshot-id"), SchemaJson.Raw(json));

    /// <summary>The metadata as a metadata file's content. The texts of snapshots are referred to, not copied.</summary>
    public static ReadOnlySequence<byte> Write(TableMetadata metadata)
    {
        var (begin, middle, end) = WriteRest(metadata);
        return ByteSequence.Of([begin, .. metadata.Snapshots.Journal.Joined(), middle, .. metadata.SnapshotLog.Journal.Joined(), end]);
    }

    /// <summary>The same, compressed with gzip. What was compressed for an earlier version is not again.</summary>
    public static ReadOnlySequence<byte> WriteZipped(TableMetadata metadata)
    {
        var (begin, middle, end) = WriteRest(metadata);
        return ZippedPart.Join(
            [ZippedPart.Of(begin), .. metadata.Snapshots.Journal.JoinedZipped(), ZippedPart.Of(middle), .. metadata.SnapshotLog.Journal.JoinedZipped(), ZippedPart.Of(end)]);
    }

    /// <summary>All but the elements of the two arrays that grow with the history: what comes before, between and after them.</summary>
    private static (ReadOnlyMemory<byte> Begin, ReadOnlyMemory<byte> Middle, ReadOnlyMemory<byte> End) WriteRest(TableMetadata metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer, SnapshotJson.Options);
        var (snapshotsAt, logAt) = Write(writer, metadata);
        writer.Flush();
        var rest = buffer.WrittenMemory;
        return (rest[..snapshotsAt], rest[snapshotsAt..logAt], rest[logAt..]);
    }

    /// <summary>Writes all but the two arrays that grow with the history, which stay empty.</summary>
    /// <returns>Where their elements belong.</returns>
    private static (int SnapshotsAt, int LogAt) Write(Utf8JsonWriter writer, TableMetadata metadata)
    {
        writer.WriteStartObject();
        writer.WriteNumber("format-version", metadata.FormatVersion);
        writer.WriteString("table-uuid", metadata.TableUuid);
        writer.WriteString("location", metadata.Location);
        if (metadata.HasSequenceNumbers) writer.WriteNumber("last-sequence-number", metadata.LastSequenceNumber);
        if (metadata.HasRowIds) writer.WriteNumber("next-row-id", metadata.NextRowId);
        writer.WriteNumber("last-updated-ms", metadata.LastUpdatedMillis);
        writer.WriteNumber("last-column-id", metadata.LastColumnId);
        if (metadata.FormatVersion == 1)
        {
            writer.WritePropertyName("schema");
            SchemaJson.WriteSchema(writer, metadata.CurrentSchema);
            writer.WritePropertyName("partition-spec");
            SchemaJson.WritePartitionFields(writer, metadata.DefaultSpec);
        }
        writer.WriteNumber("current-schema-id", metadata.CurrentSchemaId);
        WriteArray(writer, "schemas", metadata.Schemas, SchemaJson.WriteSchema);
        writer.WriteNumber("default-spec-id", metadata.DefaultSpecId);
        WriteArray(writer, "partition-specs", metadata.PartitionSpecs, SchemaJson.WriteSpec);
        writer.WriteNumber("last-partition-id", metadata.LastPartitionId);
        writer.WriteNumber("default-sort-order-id", metadata.DefaultSortOrderId);
        WriteArray(writer, "sort-orders", metadata.SortOrders, SchemaJson.WriteSortOrder);
        writer.WriteStartObject("properties");
        foreach (var (name, value) in metadata.Properties) writer.WriteString(name, value);
        writer.WriteEndObject();
        // Java readers before 1.0 expect -1, not an absent member, for a table without snapshots; all others accept it.
        writer.WriteNumber("current-snapshot-id", metadata.CurrentSnapshotId?.Value ?? -1);
        writer.WriteStartObject("refs");
        foreach (var (name, value) in metadata.Refs)
        {
            writer.WritePropertyName(name);
            SnapshotJson.WriteRef(writer, value);
        }
        writer.WriteEndObject();
        var snapshotsAt = WriteEmptyArray(writer, "snapshots");
        WriteArray(writer, "statistics", metadata.Statistics, static (writer, entry) => writer.WriteRawValue(entry.Source, skipInputValidation: true));
        WriteArray(writer, "partition-statistics", metadata.PartitionStatistics, static (writer, entry) => writer.WriteRawValue(entry.Source, skipInputValidation: true));
        var logAt = WriteEmptyArray(writer, "snapshot-log");
        WriteArray(writer, "metadata-log", metadata.MetadataLog, static (writer, entry) =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("timestamp-ms", entry.TimestampMillis);
            writer.WriteString("metadata-file", entry.MetadataFile);
            writer.WriteEndObject();
        });
        foreach (var member in metadata.UnknownMembers)
        {
            writer.WritePropertyName(member.Name);
            writer.WriteRawValue(member.Value, skipInputValidation: true);
        }
        writer.WriteEndObject();
        return (snapshotsAt, logAt);
    }

    private static int WriteEmptyArray(Utf8JsonWriter writer, string name)
    {
        writer.WriteStartArray(name);
        var inside = checked((int)(writer.BytesCommitted + writer.BytesPending));
        writer.WriteEndArray();
        return inside;
    }

    private static void WriteArray<T>(Utf8JsonWriter writer, string name, ImmutableArray<T> items, Action<Utf8JsonWriter, T> write)
    {
        writer.WriteStartArray(name);
        foreach (var item in items) write(writer, item);
        writer.WriteEndArray();
    }

    /// <summary>Members read into properties; <c>schema</c> and <c>partition-spec</c> repeat others, and only version 1 has them.</summary>
    private static readonly HashSet<string> KnownMembers = new(StringComparer.Ordinal)
    {
        "format-version", "table-uuid", "location", "last-sequence-number", "next-row-id", "last-updated-ms", "last-column-id", "current-schema-id", "schemas",
        "schema", "default-spec-id", "partition-specs", "partition-spec", "last-partition-id", "default-sort-order-id", "sort-orders", "properties",
        "current-snapshot-id", "refs", "snapshots", "statistics", "partition-statistics", "snapshot-log", "metadata-log",
    };
}
