using System.Collections.Immutable;
using Matih.Parquet.Format;

namespace Matih.Parquet.Reading;

/// <summary>Reads a footer's Thrift structs.</summary>
/// <remarks>Source: parquet.thrift, <c>struct FileMetaData</c> and those below it.</remarks>
internal static class FooterReader
{
    public static ParquetFileMetadata Read(ReadOnlySpan<byte> footer, long footerOffset)
    {
        var columns = new List<ParquetColumn>();
        var stored = new List<StoredColumn>();
        ImmutableArray<ParquetLeaf> leaves = [];
        var rowGroups = ImmutableArray.CreateBuilder<ParquetRowGroup>();
        var keyValues = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        string? createdBy = null;
        long rowCount = -1;
        var reader = new CompactProtocolReader(footer);
        while (reader.ReadField(out var field, out var type))
        {
            switch (field, type)
            {
                case (2, CompactType.List):
                    leaves = SchemaReader.Read(ref reader, columns, stored);
                    break;
                case (3, CompactType.I64):
                    rowCount = reader.ReadI64();
                    break;
                case (4, CompactType.List):
                    for (var left = reader.ReadList(CompactType.Struct); left > 0; left--) rowGroups.Add(ReadRowGroup(ref reader));
                    break;
                case (5, CompactType.List):
                    for (var left = reader.ReadList(CompactType.Struct); left > 0; left--) keyValues.Add(ReadKeyValue(ref reader));
                    break;
                case (6, CompactType.Binary):
                    createdBy = reader.ReadString();
                    break;
                case (8, _):
                    throw new NotSupportedException("The Parquet file is encrypted, which is not read.");
                default:
                    reader.Skip(type);
                    break;
            }
        }
        var metadata = new ParquetFileMetadata([.. columns], rowCount, rowGroups.ToImmutable(), keyValues.ToImmutable(), createdBy) { Leaves = leaves, Stored = [.. stored] };
        Check(metadata, footerOffset);
        return metadata;
    }

    private static void Check(ParquetFileMetadata metadata, long footerOffset)
    {
        if (metadata.RowCount < 0) throw new InvalidDataException("The Parquet footer has no row count.");
        long rows = 0;
        foreach (var group in metadata.RowGroups)
        {
            if (group.RowCount < 0 || group.RowCount > metadata.RowCount - rows) throw new InvalidDataException("The Parquet row groups have more rows than the file.");
            rows += group.RowCount;
            if (group.Chunks.Length != metadata.Leaves.Length)
                throw new InvalidDataException($"A Parquet row group has {Quantity.Of(group.Chunks.Length, "column")}, the schema {Quantity.Count(metadata.Leaves.Length)}.");
            for (var i = 0; i < group.Chunks.Length; i++) Check(group.Chunks[i], metadata.Leaves[i].RepetitionMax != 0, group.RowCount, footerOffset);
        }
        if (rows != metadata.RowCount) throw new InvalidDataException($"The Parquet row groups have {Quantity.Of(rows, "row")}, the footer says {Quantity.Count(metadata.RowCount)}.");
    }

    private static void Check(ParquetChunk chunk, bool isRepeated, long rowCount, long footerOffset)
    {
        if (isRepeated ? chunk.ValueCount < rowCount : chunk.ValueCount != rowCount) throw new InvalidDataException($"A Parquet column chunk has {Quantity.Of(chunk.ValueCount, "value")}, its row group {Quantity.Of(rowCount, "row")}.");
        if (chunk.Offset < 4 || chunk.CompressedBytes < 0 || chunk.UncompressedBytes < 0 || chunk.Offset > footerOffset || chunk.CompressedBytes > footerOffset - chunk.Offset)
            throw new InvalidDataException($"A Parquet column chunk at {chunk.Offset} of {Quantity.Of(chunk.CompressedBytes, "byte")} does not lie before the footer at {footerOffset}.");
    }

    private static ParquetRowGroup ReadRowGroup(ref CompactProtocolReader reader)
    {
        var chunks = ImmutableArray.CreateBuilder<ParquetChunk>();
        long rowCount = -1;
        var saved = reader.Enter();
        while (reader.ReadField(out var field, out var type))
        {
            if (field == 1 && type == CompactType.List)
                for (var left = reader.ReadList(CompactType.Struct); left > 0; left--) chunks.Add(ReadChunk(ref reader));
            else if (field == 3 && type == CompactType.I64) rowCount = reader.ReadI64();
            else reader.Skip(type);
        }
        reader.Leave(saved);
        return new ParquetRowGroup(rowCount, chunks.ToImmutable());
    }

    private static ParquetChunk ReadChunk(ref CompactProtocolReader reader)
    {
        ParquetChunk? chunk = null;
        var saved = reader.Enter();
        while (reader.ReadField(out var field, out var type))
        {
            if (field == 1) throw new NotSupportedException("A Parquet column chunk lies in another file, which is not read.");
            if (field is 8 or 9) throw new NotSupportedException("A Parquet column chunk is encrypted, which is not read.");
            if (field == 3 && type == CompactType.Struct) chunk = ReadChunkMetadata(ref reader);
            else reader.Skip(type);
        }
        reader.Leave(saved);
        return chunk ?? throw new InvalidDataException("A Parquet column chunk has no metadata.");
    }

    private static ParquetChunk ReadChunkMetadata(ref CompactProtocolReader reader)
    {
        var encodings = ImmutableArray.CreateBuilder<int>();
        var codec = CompressionCodec.Uncompressed;
        long values = -1, uncompressed = -1, compressed = -1, dataOffset = -1, dictionaryOffset = 0;
        (long? NullCount, byte[]? Min, byte[]? Max) statistics = default;
        var saved = reader.Enter();
        while (reader.ReadField(out var field, out var type))
        {
            switch (field, type)
            {
                case (2, CompactType.List):
                    for (var left = reader.ReadList(CompactType.I32); left > 0; left--) encodings.Add(reader.ReadI32());
                    break;
                case (4, CompactType.I32): codec = (CompressionCodec)reader.ReadI32(); break;
                case (5, CompactType.I64): values = reader.ReadI64(); break;
                case (6, CompactType.I64): uncompressed = reader.ReadI64(); break;
                case (7, CompactType.I64): compressed = reader.ReadI64(); break;
                case (9, CompactType.I64): dataOffset = reader.ReadI64(); break;
                case (11, CompactType.I64): dictionaryOffset = reader.ReadI64(); break;
                case (12, CompactType.Struct): statistics = ReadStatistics(ref reader); break;
                default: reader.Skip(type); break;
            }
        }
        reader.Leave(saved);
        // Some writers give the dictionary's offset as 0 where there is none.
        var offset = dictionaryOffset > 0 ? Math.Min(dictionaryOffset, dataOffset) : dataOffset;
        return new ParquetChunk(
            offset, compressed, uncompressed, values, statistics.NullCount, statistics.Min, statistics.Max, codec.ToString().ToUpperInvariant(), encodings.ToImmutable())
        { CodecNumber = codec };
    }

    /// <summary>Only the newer bounds are taken: the older fields have no defined order for text and unsigned numbers.</summary>
    private static (long? NullCount, byte[]? Min, byte[]? Max) ReadStatistics(ref CompactProtocolReader reader)
    {
        long? nullCount = null;
        byte[]? min = null, max = null;
        var saved = reader.Enter();
        while (reader.ReadField(out var field, out var type))
        {
            if (field == 3 && type == CompactType.I64) nullCount = reader.ReadI64();
            else if (field == 5 && type == CompactType.Binary) max = reader.ReadBinary().ToArray();
            else if (field == 6 && type == CompactType.Binary) min = reader.ReadBinary().ToArray();
            else reader.Skip(type);
        }
        reader.Leave(saved);
        return (nullCount, min, max);
    }

    private static KeyValuePair<string, string> ReadKeyValue(ref CompactProtocolReader reader)
    {
        string key = "", value = "";
        var saved = reader.Enter();
        while (reader.ReadField(out var field, out var type))
        {
            if (field == 1 && type == CompactType.Binary) key = reader.ReadString();
            else if (field == 2 && type == CompactType.Binary) value = reader.ReadString();
            else reader.Skip(type);
        }
        reader.Leave(saved);
        return new(key, value);
    }
}
