using Google.Protobuf;

namespace Matih.Engine.Tests.Hosting.Serverless;

/// <summary>
/// A record as the Kafka extension sends it, written by Google's library: the oracle of our reader. Proto3 leaves fields out that
/// have their default value, unless they are optional and set.
/// </summary>
internal sealed record TriggerMessage
{
    public string Topic { get; init; } = "shop.orders";

    public int Partition { get; init; }

    public long Offset { get; init; }

    public byte[]? Key { get; init; }

    public byte[]? Value { get; init; }

    public (long Millis, int Kind)? Timestamp { get; init; } = (1_700_000_000_000, 1);

    public IReadOnlyList<(string Name, byte[]? Value)> Headers { get; init; } = [];

    /// <summary>Fields of numbers that nobody has given out yet, of every wire type that is still written.</summary>
    public bool HasUnknownFields { get; init; }

    public byte[] ToBytes() => Write(output =>
    {
        if (HasUnknownFields) WriteUnknown(output);
        if (Topic.Length != 0) WriteText(output, 1, Topic);
        if (Partition != 0) WriteVarint(output, 2, Partition);
        if (Offset != 0) WriteVarint(output, 3, Offset);
        if (Key is not null) WriteBytes(output, 4, Key);
        if (Value is not null) WriteBytes(output, 5, Value);
        if (Timestamp is var (millis, kind))
        {
            WriteBytes(output, 6, Write(part =>
            {
                if (millis != 0) WriteVarint(part, 1, millis);
                if (kind != 0) WriteVarint(part, 2, kind);
                if (HasUnknownFields) WriteUnknown(part);
            }));
        }
        foreach (var (name, value) in Headers)
        {
            WriteBytes(output, 7, Write(part =>
            {
                if (HasUnknownFields) WriteUnknown(part);
                if (name.Length != 0) WriteText(part, 1, name);
                if (value is not null) WriteBytes(part, 2, value);
            }));
        }
        if (HasUnknownFields) WriteUnknown(output);
    });

    public ReadOnlyMemory<byte> ToMemory() => ToBytes();

    public static byte[] Write(Action<CodedOutputStream> write)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream)) write(output);
        return stream.ToArray();
    }

    public static void WriteVarint(CodedOutputStream output, int field, long value)
    {
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt64(value);
    }

    public static void WriteBytes(CodedOutputStream output, int field, byte[] value)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(value));
    }

    public static void WriteText(CodedOutputStream output, int field, string value)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteString(value);
    }

    private static void WriteUnknown(CodedOutputStream output)
    {
        WriteVarint(output, 9, long.MinValue);
        WriteBytes(output, 15, [1, 2, 3]);
        output.WriteTag(1000, WireFormat.WireType.Fixed32);
        output.WriteFixed32(uint.MaxValue);
        output.WriteTag(1001, WireFormat.WireType.Fixed64);
        output.WriteFixed64(ulong.MaxValue);
    }
}
