using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Matih.Avro;

namespace Matih.Iceberg.Avro;

/// <summary>An Avro object container file: key-value metadata and blocks of records of one schema.</summary>
/// <remarks>Source: Apache Avro specification 1.11, "Object Container Files".</remarks>
internal sealed class AvroFile
{
    private const int SyncBytes = 16;
    private const int BlockBytesMax = 1 << 30;
    private static ReadOnlySpan<byte> Magic => "Obj\u0001"u8;

    private AvroFile(AvroSchema schema, IReadOnlyDictionary<string, byte[]> metadata, IReadOnlyList<byte[]> blocks) =>
        (Schema, Metadata, Blocks) = (schema, metadata, blocks);

    public AvroSchema Schema { get; }
    public IReadOnlyDictionary<string, byte[]> Metadata { get; }

    /// <summary>The records' encodings, decompressed, block by block; each block holds whole records.</summary>
    public IReadOnlyList<byte[]> Blocks { get; }

    /// <exception cref="InvalidDataException">The bytes are no such file.</exception>
    /// <exception cref="NotSupportedException">The file is compressed in a way that is not known here.</exception>
    public static AvroFile Read(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.StartsWith(Magic)) throw new InvalidDataException("it does not start as an Avro file does");
        var decoder = new AvroDecoder(bytes[Magic.Length..]);
        var metadata = ReadMetadata(ref decoder);
        var sync = decoder.Take(SyncBytes);
        if (!metadata.TryGetValue("avro.schema", out var schema)) throw new InvalidDataException("it has no Avro schema");
        var codec = metadata.TryGetValue("avro.codec", out var name) ? Encoding.UTF8.GetString(name) : "null";
        var blocks = new List<byte[]>();
        while (!decoder.IsAtEnd)
        {
            _ = decoder.ReadLong();
            blocks.Add(Decompress(codec, decoder.ReadBytes()));
            if (!decoder.Take(SyncBytes).SequenceEqual(sync)) throw new InvalidDataException("a block ends without the file's marker");
        }
        try
        {
            return new(AvroSchema.Parse(schema), metadata, blocks);
        }
        catch (FormatException exception)
        {
            throw new InvalidDataException(exception.Message, exception);
        }
    }

    private static Dictionary<string, byte[]> ReadMetadata(ref AvroDecoder decoder)
    {
        var metadata = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        for (var count = decoder.ReadBlockCount(); count > 0; count = decoder.ReadBlockCount())
            for (; count > 0; count--)
                metadata[Encoding.UTF8.GetString(decoder.ReadBytes())] = decoder.ReadBytes().ToArray();
        return metadata;
    }

    private static byte[] Decompress(string codec, ReadOnlySpan<byte> block)
    {
        switch (codec)
        {
            case "null":
                return block.ToArray();
            case "deflate":
                using (var inflated = new MemoryStream())
                {
                    using (var stream = new DeflateStream(new MemoryStream(block.ToArray()), CompressionMode.Decompress)) stream.CopyTo(inflated);
                    return inflated.ToArray();
                }
            case "snappy":
                return Snappy(block);
            default:
                throw new NotSupportedException(
                    $"it is compressed with '{codec}'; null, deflate and snappy can be read. Rewrite the table's manifests with one of these");
        }
    }

    /// <remarks>Source: Snappy format description, github.com/google/snappy; Avro adds a big-endian CRC-32 of the plain bytes.</remarks>
    private static byte[] Snappy(ReadOnlySpan<byte> block)
    {
        if (block.Length < sizeof(uint)) throw new InvalidDataException("a snappy block is cut short");
        var input = block[..^sizeof(uint)];
        var length = ReadSnappyLength(ref input);
        var output = new byte[length];
        var written = 0;
        while (!input.IsEmpty)
        {
            var tag = input[0];
            int count, distance;
            switch (tag & 3)
            {
                case 0:
                    count = tag >> 2;
                    var extra = count >= 60 ? count - 59 : 0;
                    if (extra > 0)
                    {
                        count = 0;
                        for (var i = extra; i > 0; i--) count = count << 8 | input[i];
                    }
                    count++;
                    input[(1 + extra)..].Slice(0, count).CopyTo(output.AsSpan(written));
                    written += count;
                    input = input[(1 + extra + count)..];
                    continue;
                case 1:
                    count = (tag >> 2 & 7) + 4;
                    distance = (tag >> 5) << 8 | input[1];
                    input = input[2..];
                    break;
                case 2:
                    count = (tag >> 2) + 1;
                    distance = BinaryPrimitives.ReadUInt16LittleEndian(input[1..]);
                    input = input[3..];
                    break;
                default:
                    count = (tag >> 2) + 1;
                    distance = BinaryPrimitives.ReadInt32LittleEndian(input[1..]);
                    input = input[5..];
                    break;
            }
            if (distance <= 0 || distance > written || written + count > output.Length) throw new InvalidDataException("a snappy block refers outside itself");
            for (var i = 0; i < count; i++, written++) output[written] = output[written - distance];
        }
        if (written != length) throw new InvalidDataException($"a snappy block gives {Quantity.Of(written, "byte")}, not {Quantity.Count(length)}");
        return output;
    }

    private static int ReadSnappyLength(ref ReadOnlySpan<byte> input)
    {
        var length = 0L;
        for (var shift = 0; ; shift += 7)
        {
            if (input.IsEmpty || shift > 28) throw new InvalidDataException("a snappy block has no length");
            var item = input[0];
            input = input[1..];
            length |= (long)(item & 0x7F) << shift;
            if (item < 0x80) break;
        }
        return length <= BlockBytesMax ? (int)length : throw new InvalidDataException($"a snappy block of {Quantity.Of(length, "byte")}");
    }

    /// <summary>The file's content.</summary>
    /// <param name="metadata">Besides the schema and the codec, which are added.</param>
    /// <param name="sync">Any 16 bytes that do not occur in the data but by chance.</param>
    public static byte[] Write(
        ReadOnlySpan<byte> schema, IEnumerable<KeyValuePair<string, byte[]>> metadata, long recordCount, ReadOnlySpan<byte> records, Guid sync)
    {
        var entries = new List<KeyValuePair<string, byte[]>> { new("avro.schema", schema.ToArray()), new("avro.codec", "deflate"u8.ToArray()) };
        entries.AddRange(metadata);
        var file = new ArrayBufferWriter<byte>();
        file.Write(Magic);
        var encoder = new AvroEncoder(file);
        encoder.WriteLong(entries.Count);
        foreach (var (key, value) in entries)
        {
            encoder.WriteString(key);
            encoder.WriteBytes(value);
        }
        encoder.WriteLong(0);
        var marker = sync.ToByteArray();
        file.Write(marker);
        if (recordCount > 0)
        {
            encoder.WriteLong(recordCount);
            encoder.WriteBytes(Deflate(records));
            file.Write(marker);
        }
        return file.WrittenSpan.ToArray();
    }

    private static byte[] Deflate(ReadOnlySpan<byte> bytes)
    {
        using var deflated = new MemoryStream();
        using (var stream = new DeflateStream(deflated, CompressionLevel.Fastest, leaveOpen: true)) stream.Write(bytes);
        return deflated.ToArray();
    }
}
