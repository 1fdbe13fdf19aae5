using System.Buffers.Binary;
using System.Text;

namespace Matih.Engine.Tests.Flink;

/// <summary>Writes savepoints byte by byte, as Flink 1.20, the Kafka connector 3.4 and Iceberg 1.11 lay them out.</summary>
internal sealed class SavepointBytes
{
    public const string Job = "8219c7379f084525a2e252e0c8289e1d";
    public const string Operator = "c27dcf7b54ef6bfd6cff02ca8870b681";

    private readonly MemoryStream _out = new();

    public int Length => (int)_out.Length;

    public byte[] ToArray() => _out.ToArray();

    public SavepointBytes Byte(byte value)
    {
        _out.WriteByte(value);
        return this;
    }

    public SavepointBytes Int(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return Raw(bytes);
    }

    public SavepointBytes Long(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return Raw(bytes);
    }

    public SavepointBytes Utf(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return Byte((byte)(bytes.Length >> 8)).Byte((byte)bytes.Length).Raw(bytes);
    }

    public SavepointBytes Raw(ReadOnlySpan<byte> bytes)
    {
        _out.Write(bytes);
        return this;
    }

    /// <summary>A savepoint of a job with one Kafka source of one instance and one committer. The Java object behind the operators is cut short.</summary>
    public static byte[] Of(long checkpoint, byte[] source, byte[] committer, int version = 4) => new SavepointBytes()
        .Int(0x4960672d).Int(version).Long(checkpoint).Int(0)
        .Int(2).Raw(committer).Raw(source)
        .Raw([0xac, 0xed, 0x00, 0x05]).ToArray();

    /// <summary>A Kafka source; its state is in the metadata, or in a file beside it.</summary>
    public static byte[] Source(params (string Topic, int Partition, long Offset)[] splits) => Source(State("SourceReaderState", [.. splits.Select(split => Split(split.Topic, split.Partition, split.Offset))]));

    public static byte[] Source(byte[] state, bool hasKeys = false) => new SavepointBytes()
        .Raw(Convert.FromHexString("cbc357ccb763df2852fee8c4fc7d55f2")).Int(2).Int(128)
        .Byte(1).Utf("coordinator").Int(3).Raw([1, 2, 3])
        .Int(2)
        .Int(0).Int(0).Int(0).Byte(0).Byte(0).Int(0).Int(0)
        .Int(1).Int(1).Raw(state).Int(0).Byte(hasKeys ? (byte)3 : (byte)0).Byte(0).Int(0).Int(0)
        .ToArray();

    /// <param name="pending">By checkpoint, whether it has files.</param>
    public static byte[] Committer(string job = Job, string id = Operator, params (long Checkpoint, bool HasFiles)[] pending)
    {
        var files = new SavepointBytes().Int(pending.Length);
        foreach (var (checkpoint, hasFiles) in pending)
        {
            var manifests = hasFiles ? new SavepointBytes().Int(2).Int(15).Int(3).Raw("abc"u8).Int(0).Int(0) : new SavepointBytes().Int(2).Int(12).Int(0).Int(0).Int(0);
            files.Long(checkpoint).Byte(0).Int(manifests.Length).Raw(manifests.ToArray());
        }
        var text = new SavepointBytes().Byte((byte)(job.Length + 1)).Raw(Encoding.ASCII.GetBytes(job)).ToArray();
        var head = Head();
        var bytes = new SavepointBytes().Raw(head).Raw(text).Raw(files.ToArray());
        return new SavepointBytes()
            .Raw(Convert.FromHexString(id)).Int(1).Int(1).Byte(0).Int(1).Int(0)
            .Int(1).Byte(4).Int(2)
            .Utf("iceberg-files-committer-state").Byte(0).Int(1).Long(head.Length + text.Length)
            .Utf("iceberg-flink-job-id").Byte(0).Int(1).Long(head.Length)
            .Byte(1).Utf("handle").Int(bytes.Length).Raw(bytes.ToArray())
            .Int(0).Byte(0).Byte(0).Int(0).Int(0)
            .ToArray();
    }

    /// <summary>A list of elements as operator state within the metadata.</summary>
    public static byte[] State(string name, byte[][] elements, byte compression = 0)
    {
        var bytes = new SavepointBytes().Raw(Head(compression));
        var state = new SavepointBytes().Byte(4).Int(1).Utf(name).Byte(0).Int(elements.Length);
        foreach (var element in elements)
        {
            state.Long(bytes.Length);
            bytes.Raw(element);
        }
        return state.Byte(1).Utf("handle").Int(bytes.Length).Raw(bytes.ToArray()).ToArray();
    }

    /// <summary>The same in a file beside the metadata; also gives that file.</summary>
    public static (byte[] State, byte[] File) StateInFile(string fileName, byte[] element)
    {
        var file = new SavepointBytes().Raw(Head()).Raw(element).ToArray();
        return (new SavepointBytes().Byte(4).Int(1).Utf("SourceReaderState").Byte(0).Int(1).Long(Head().Length).Byte(6).Utf(fileName).Long(file.Length).ToArray(), file);
    }

    public static byte[] Split(string topic, int partition, long offset, long stop = long.MinValue, int version = 0)
    {
        var split = new SavepointBytes().Utf(topic).Int(partition).Long(offset).Long(stop).ToArray();
        return new SavepointBytes().Int(8 + split.Length).Int(version).Int(split.Length).Raw(split).ToArray();
    }

    private static byte[] Head(byte compression = 0) => new SavepointBytes().Int(6).Byte(compression).Utf("what Flink says of the serializers").ToArray();
}
