namespace Matih.Parquet.Format;

/// <summary>A page's header, for both versions of data pages and for dictionary pages.</summary>
/// <remarks>Source: parquet.thrift, <c>struct PageHeader</c>, <c>DataPageHeader</c>, <c>DataPageHeaderV2</c>, <c>DictionaryPageHeader</c>.</remarks>
internal struct PageHeader
{
    public PageType Type;
    public int UncompressedBytes;
    public int CompressedBytes;
    public int ValueCount;
    public Encoding Encoding;
    public Encoding LevelEncoding;

    /// <summary>Version 2 only: bytes of both kinds of levels, which lie uncompressed before the values.</summary>
    public int DefinitionLevelBytes;
    public int RepetitionLevelBytes;
    public bool IsCompressed;

    private bool _hasDetail;

    public readonly void Write(PooledBuffer target)
    {
        var writer = new CompactProtocolWriter(target);
        writer.WriteI32(1, (int)Type);
        writer.WriteI32(2, UncompressedBytes);
        writer.WriteI32(3, CompressedBytes);
        var isDictionary = Type == PageType.DictionaryPage;
        var saved = writer.BeginStruct(isDictionary ? 7 : 5);
        writer.WriteI32(1, ValueCount);
        writer.WriteI32(2, (int)Encoding);
        if (!isDictionary)
        {
            writer.WriteI32(3, (int)Encoding.Rle);
            writer.WriteI32(4, (int)Encoding.Rle);
        }
        writer.EndStruct(saved);
        writer.Stop();
    }

    /// <summary>Reads the header at the start of the bytes.</summary>
    public static PageHeader Read(ReadOnlySpan<byte> bytes, out int headerBytes)
    {
        var header = new PageHeader { Type = (PageType)(-1), UncompressedBytes = -1, CompressedBytes = -1, IsCompressed = true, LevelEncoding = Encoding.Rle };
        var reader = new CompactProtocolReader(bytes);
        while (reader.ReadField(out var field, out var type))
        {
            switch (field, type)
            {
                case (1, CompactType.I32):
                    header.Type = (PageType)reader.ReadI32();
                    break;
                case (2, CompactType.I32):
                    header.UncompressedBytes = reader.ReadI32();
                    break;
                case (3, CompactType.I32):
                    header.CompressedBytes = reader.ReadI32();
                    break;
                case (5 or 7 or 8, CompactType.Struct):
                    header.ReadDetail(ref reader, field);
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
        headerBytes = reader.Position;
        header.Check();
        return header;
    }

    private void ReadDetail(ref CompactProtocolReader reader, int which)
    {
        _hasDetail = true;
        var saved = reader.Enter();
        while (reader.ReadField(out var field, out var type))
        {
            if (field == 1 && type == CompactType.I32) ValueCount = reader.ReadI32();
            else if (field == (which == 8 ? 4 : 2) && type == CompactType.I32) Encoding = (Encoding)reader.ReadI32();
            else if (which == 5 && field == 3 && type == CompactType.I32) LevelEncoding = (Encoding)reader.ReadI32();
            else if (which == 8 && field == 5 && type == CompactType.I32) DefinitionLevelBytes = reader.ReadI32();
            else if (which == 8 && field == 6 && type == CompactType.I32) RepetitionLevelBytes = reader.ReadI32();
            else if (which == 8 && field == 7 && type <= CompactType.False) IsCompressed = reader.ReadBool();
            else reader.Skip(type);
        }
        reader.Leave(saved);
    }

    private readonly void Check()
    {
        if (UncompressedBytes < 0 || CompressedBytes < 0 || ValueCount < 0 || DefinitionLevelBytes < 0 || RepetitionLevelBytes < 0)
            throw new InvalidDataException("A page header has no or negative sizes.");
        if (Type != PageType.IndexPage && !_hasDetail) throw new InvalidDataException($"A page header of type {Type} lacks its details.");
        if ((long)DefinitionLevelBytes + RepetitionLevelBytes > Math.Min(UncompressedBytes, CompressedBytes))
            throw new InvalidDataException("A page header's levels are longer than the page.");
    }
}
