namespace Matih.Parquet.Format;

/// <summary>A row group as the footer records it; its chunks' offsets are relative to its own.</summary>
internal sealed record RowGroupFooter(long Offset, long RowCount, ChunkFooter[] Chunks);

/// <summary>Writes the file's footer: metadata, its length and the magic.</summary>
/// <remarks>Source: parquet.thrift, <c>struct FileMetaData</c>; parquet-format, README.md, "File format".</remarks>
internal static class FooterWriter
{
    public static ReadOnlySpan<byte> Magic => "PAR1"u8;

    public static void Write(IReadOnlyList<ParquetColumn> columns, List<RowGroupFooter> rowGroups, ParquetWriterSettings settings, PooledBuffer target)
    {
        var start = target.Length;
        var writer = new CompactProtocolWriter(target);
        writer.WriteI32(1, 1);
        writer.BeginList(2, CompactType.Struct, 1 + columns.Sum(SchemaFormat.ElementCount));
        WriteRoot(ref writer, columns.Count);
        foreach (var column in columns) SchemaFormat.Write(ref writer, column);
        writer.WriteI64(3, rowGroups.Sum(group => group.RowCount));
        writer.BeginList(4, CompactType.Struct, rowGroups.Count);
        for (var i = 0; i < rowGroups.Count; i++) WriteRowGroup(ref writer, rowGroups[i], i);
        if (!settings.KeyValues.IsDefaultOrEmpty) WriteKeyValues(ref writer, settings);
        writer.WriteString(6, settings.CreatedBy);
        WriteColumnOrders(ref writer, ParquetLeaf.Of([.. columns]).Length);
        writer.Stop();
        Span<byte> length = stackalloc byte[4];
        BitConverter.TryWriteBytes(length, target.Length - start);
        target.Append(length);
        target.Append(Magic);
    }

    private static void WriteRoot(ref CompactProtocolWriter writer, int columnCount)
    {
        var root = writer.BeginElement();
        writer.WriteString(4, "table");
        writer.WriteI32(5, columnCount);
        writer.EndStruct(root);
    }

    private static void WriteRowGroup(ref CompactProtocolWriter writer, RowGroupFooter group, int ordinal)
    {
        var saved = writer.BeginElement();
        writer.BeginList(1, CompactType.Struct, group.Chunks.Length);
        foreach (var chunk in group.Chunks) WriteChunk(ref writer, chunk, group.Offset);
        long uncompressedBytes = 0, compressedBytes = 0;
        foreach (var chunk in group.Chunks)
        {
            uncompressedBytes += chunk.UncompressedBytes;
            compressedBytes += chunk.CompressedBytes;
        }
        writer.WriteI64(2, uncompressedBytes);
        writer.WriteI64(3, group.RowCount);
        writer.WriteI64(5, group.Offset);
        writer.WriteI64(6, compressedBytes);
        // An i16 in the format: files of more row groups leave it out.
        if (ordinal <= short.MaxValue) writer.WriteI16(7, (short)ordinal);
        writer.EndStruct(saved);
    }

    private static void WriteChunk(ref CompactProtocolWriter writer, ChunkFooter chunk, long groupOffset)
    {
        var saved = writer.BeginElement();
        // file_offset is deprecated; the chunk's own offset is what Java writes and old readers expect.
        writer.WriteI64(2, groupOffset + (chunk.DictionaryOffset ?? chunk.DataOffset));
        var metadata = writer.BeginStruct(3);
        writer.WriteI32(1, (int)chunk.Leaf.Column.Type.Physical);
        WriteEncodings(ref writer, chunk);
        writer.BeginList(3, CompactType.Binary, chunk.Leaf.Path.Length);
        foreach (var name in chunk.Leaf.Path) writer.WriteElement(name);
        writer.WriteI32(4, (int)chunk.Codec);
        writer.WriteI64(5, chunk.ValueCount);
        writer.WriteI64(6, chunk.UncompressedBytes);
        writer.WriteI64(7, chunk.CompressedBytes);
        writer.WriteI64(9, groupOffset + chunk.DataOffset);
        if (chunk.DictionaryOffset is { } dictionaryOffset) writer.WriteI64(11, groupOffset + dictionaryOffset);
        WriteStatistics(ref writer, chunk);
        WritePageCounts(ref writer, chunk);
        writer.EndStruct(metadata);
        writer.EndStruct(saved);
    }

    private static void WriteEncodings(ref CompactProtocolWriter writer, ChunkFooter chunk)
    {
        Span<Encoding> encodings = stackalloc Encoding[chunk.Pages.Length + 1];
        var count = 0;
        foreach (var page in chunk.Pages)
            if (!encodings[..count].Contains(page.Encoding)) encodings[count++] = page.Encoding;
        // Definition levels are encoded so.
        if (!encodings[..count].Contains(Encoding.Rle)) encodings[count++] = Encoding.Rle;
        writer.BeginList(2, CompactType.I32, count);
        foreach (var encoding in encodings[..count]) writer.WriteElement((int)encoding);
    }

    private static void WriteStatistics(ref CompactProtocolWriter writer, ChunkFooter chunk)
    {
        var saved = writer.BeginStruct(12);
        writer.WriteI64(3, chunk.NullCount);
        if (chunk.Max is not null) writer.WriteBinary(5, chunk.Max);
        if (chunk.Min is not null) writer.WriteBinary(6, chunk.Min);
        if (chunk.Max is not null) writer.WriteBool(7, chunk.IsMaxExact);
        if (chunk.Min is not null) writer.WriteBool(8, chunk.IsMinExact);
        if (chunk.NanCount is { } nanCount) writer.WriteI64(9, nanCount);
        writer.EndStruct(saved);
    }

    private static void WritePageCounts(ref CompactProtocolWriter writer, ChunkFooter chunk)
    {
        writer.BeginList(13, CompactType.Struct, chunk.Pages.Length);
        foreach (var (type, encoding, count) in chunk.Pages)
        {
            var saved = writer.BeginElement();
            writer.WriteI32(1, (int)type);
            writer.WriteI32(2, (int)encoding);
            writer.WriteI32(3, count);
            writer.EndStruct(saved);
        }
    }

    private static void WriteKeyValues(ref CompactProtocolWriter writer, ParquetWriterSettings settings)
    {
        writer.BeginList(5, CompactType.Struct, settings.KeyValues.Length);
        foreach (var (key, value) in settings.KeyValues)
        {
            var saved = writer.BeginElement();
            writer.WriteString(1, key);
            writer.WriteString(2, value);
            writer.EndStruct(saved);
        }
    }

    /// <summary>All columns have the order that their type defines; without this readers ignore the bounds.</summary>
    private static void WriteColumnOrders(ref CompactProtocolWriter writer, int columnCount)
    {
        writer.BeginList(7, CompactType.Struct, columnCount);
        for (var i = 0; i < columnCount; i++)
        {
            var saved = writer.BeginElement();
            writer.WriteEmptyStruct(1);
            writer.EndStruct(saved);
        }
    }
}
