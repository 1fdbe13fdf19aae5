using System.Buffers.Binary;
using Matih.Parquet.Compression;
using Matih.Parquet.Encodings;
using Matih.Parquet.Format;
using Matih.Batches;

namespace Matih.Parquet.Reading;

/// <summary>Decodes the pages of one column chunk into a batch column.</summary>
internal sealed class ChunkReader(ParquetLeaf leaf, StoredColumn stored, ParquetChunk chunk)
{
    private PageValues? _dictionary;

    /// <summary>Appends the values of a top-level column.</summary>
    public void Read(ReadOnlySpan<byte> bytes, Column target)
    {
        var sink = new ValueSink(leaf.Column, stored, target);
        Read(bytes, (header, levels, page) => ReadValues(header, levels.Definitions, page, sink));
    }

    /// <summary>Hands on the values of a leaf within groups, with their levels.</summary>
    public void Read(ReadOnlySpan<byte> bytes, LeafAssembly assembly) => Read(bytes, (header, levels, page) =>
    {
        var count = levels.Definitions is null ? header.ValueCount : levels.Definitions.AsSpan().Count(leaf.DefinitionMax);
        var (values, indices) = count == 0 ? (null, null) : Decode(header, page, count);
        assembly.Append(values, indices, levels.Repetitions, levels.Definitions, header.ValueCount);
    });

    private delegate void PageBody(PageHeader header, (int[]? Repetitions, int[]? Definitions) levels, ReadOnlySpan<byte> page);

    private void Read(ReadOnlySpan<byte> bytes, PageBody take)
    {
        var left = chunk.ValueCount;
        while (left > 0)
        {
            var header = PageHeader.Read(bytes, out var headerBytes);
            bytes = bytes[headerBytes..];
            if (header.CompressedBytes > bytes.Length) throw new InvalidDataException($"A page of {Quantity.Of(header.CompressedBytes, "byte")} ends past its column chunk.");
            if (header.UncompressedBytes > chunk.UncompressedBytes) throw new InvalidDataException($"A page of {Quantity.Of(header.UncompressedBytes, "byte")} is larger than its column chunk.");
            var body = bytes[..header.CompressedBytes];
            bytes = bytes[header.CompressedBytes..];
            switch (header.Type)
            {
                case PageType.DictionaryPage:
                    ReadDictionary(header, body);
                    break;
                case PageType.DataPage or PageType.DataPageV2:
                    if (header.ValueCount > left) throw new InvalidDataException("The pages hold more values than the column chunk.");
                    left -= header.ValueCount;
                    if (header.Type == PageType.DataPage) ReadPage(header, body, take);
                    else ReadPageV2(header, body, take);
                    break;
            }
        }
    }

    private void ReadDictionary(in PageHeader header, ReadOnlySpan<byte> body)
    {
        if (_dictionary is not null) throw new InvalidDataException("A column chunk has two dictionaries.");
        if (header.Encoding is not (Encoding.Plain or Encoding.PlainDictionary)) throw new NotSupportedException($"A dictionary in encoding {header.Encoding} cannot be read.");
        _dictionary = PageValues.Decode(Decompress(body, header.UncompressedBytes), Encoding.Plain, stored, header.ValueCount);
    }

    private byte[] Decompress(ReadOnlySpan<byte> body, int length)
    {
        var page = new byte[length];
        PageCodec.Decompress(chunk.CodecNumber, body, page);
        return page;
    }

    private void ReadPage(in PageHeader header, ReadOnlySpan<byte> body, PageBody take)
    {
        ReadOnlySpan<byte> page = Decompress(body, header.UncompressedBytes);
        var repetitions = leaf.RepetitionMax == 0 ? null : TakeLevels(ref page, header, leaf.RepetitionMax);
        var definitions = leaf.DefinitionMax == 0 ? null : TakeLevels(ref page, header, leaf.DefinitionMax);
        take(header, (repetitions, definitions), page);
    }

    private static int[] TakeLevels(ref ReadOnlySpan<byte> page, in PageHeader header, int max)
    {
        if (header.LevelEncoding != Encoding.Rle) throw new NotSupportedException($"Definition levels in encoding {header.LevelEncoding} cannot be read.");
        if (page.Length < 4) throw new InvalidDataException("A page ends within its definition levels.");
        var length = BinaryPrimitives.ReadInt32LittleEndian(page);
        if (length < 0 || length > page.Length - 4) throw new InvalidDataException("Definition levels end past their page.");
        var levels = Levels(page.Slice(4, length), header.ValueCount, max);
        page = page[(4 + length)..];
        return levels;
    }

    private void ReadPageV2(in PageHeader header, ReadOnlySpan<byte> body, PageBody take)
    {
        var levelBytes = header.RepetitionLevelBytes + header.DefinitionLevelBytes;
        var repetitions = leaf.RepetitionMax == 0 ? null : Levels(body[..header.RepetitionLevelBytes], header.ValueCount, leaf.RepetitionMax);
        var definitions = leaf.DefinitionMax == 0 ? null : Levels(body.Slice(header.RepetitionLevelBytes, header.DefinitionLevelBytes), header.ValueCount, leaf.DefinitionMax);
        var values = body[levelBytes..];
        // A page whose values are all NULL may have no bytes at all, which is no valid compressed block.
        if (header.IsCompressed && !values.IsEmpty) values = Decompress(values, header.UncompressedBytes - levelBytes);
        take(header, (repetitions, definitions), values);
    }

    private static int[] Levels(ReadOnlySpan<byte> encoded, int count, int max)
    {
        var levels = new int[count];
        HybridDecoder.Decode(encoded, BitPacking.WidthOf((uint)max), levels);
        if (levels.AsSpan().ContainsAnyExceptInRange(0, max)) throw new InvalidDataException($"A level is above {max}.");
        return levels;
    }

    private void ReadValues(in PageHeader header, int[]? levels, ReadOnlySpan<byte> page, ValueSink sink)
    {
        var count = levels is null ? header.ValueCount : levels.AsSpan().Count(1);
        if (count == 0)
        {
            sink.AppendNulls(header.ValueCount);
            return;
        }
        var (values, indices) = Decode(header, page, count);
        sink.Append(values, indices, levels, header.ValueCount);
    }

    private (PageValues Values, int[]? Indices) Decode(in PageHeader header, ReadOnlySpan<byte> page, int count)
    {
        if (header.Encoding is not (Encoding.RleDictionary or Encoding.PlainDictionary)) return (PageValues.Decode(page, header.Encoding, stored, count), null);
        if (_dictionary is null) throw new InvalidDataException("A page refers to a dictionary that the column chunk lacks.");
        if (page.IsEmpty) throw new InvalidDataException("A page of dictionary indices is empty.");
        var indices = new int[count];
        HybridDecoder.Decode(page[1..], page[0], indices);
        foreach (var index in indices)
            if ((uint)index >= (uint)_dictionary.Count) throw new InvalidDataException($"A page refers to entry {index} of a dictionary of {_dictionary.Count}.");
        return (_dictionary, indices);
    }
}
