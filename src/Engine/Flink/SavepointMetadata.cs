using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Matih.Flink;

/// <summary>Where the bytes of a state are: in the metadata itself, or in a file beside it.</summary>
/// <param name="Bytes">Null where they are in the file.</param>
/// <param name="FileName">The file's name, without a folder; null where there is none.</param>
internal sealed record SavepointHandle(ReadOnlyMemory<byte>? Bytes, string? FileName);

/// <summary>What one parallel instance of an operator keeps: lists of elements, each at an offset of the handle's bytes.</summary>
internal sealed record OperatorState(ImmutableDictionary<string, ImmutableArray<long>> Lists, SavepointHandle Handle);

/// <param name="Id">32 hexadecimal digits.</param>
/// <param name="States">Of all its parallel instances that keep some.</param>
internal sealed record SavepointOperator(string Id, ImmutableArray<OperatorState> States);

/// <summary>
/// The file <c>_metadata</c> of a savepoint or checkpoint, as Flink 1.20 writes it (<c>MetadataV4Serializer</c> and the classes
/// below it; a savepoint of 1.20.3 was compared byte by byte). Anything else is refused, because a guess would be a position.
/// </summary>
/// <remarks>
/// Layout: int magic, int version, long checkpoint id, int count of master states (0), int count of operators; each operator:
/// 16 bytes id, int parallelism, int maximum, handle of the coordinator, int count of instances; each instance: int index, then
/// managed and raw operator state (int count, then that many), managed and raw keyed state (byte type), input and output
/// channels (int count). Behind the operators stand serialized Java objects, which are not read.
/// </remarks>
internal sealed record SavepointMetadata(long CheckpointId, ImmutableArray<SavepointOperator> Operators)
{
    private const int Magic = 0x4960672d;
    private const int Version = 4;

    private const byte NoHandle = 0;
    private const byte BytesHandle = 1;
    private const byte FileHandle = 2;
    private const byte OperatorStateHandle = 4;
    private const byte RelativeFileHandle = 6;

    public static bool HasMark(ReadOnlySpan<byte> bytes) => BinaryPrimitives.TryReadInt32BigEndian(bytes, out var mark) && mark == Magic;

    /// <exception cref="FormatException">The bytes have another version or shape.</exception>
    public static SavepointMetadata Read(ReadOnlyMemory<byte> bytes, string name)
    {
        var data = new JavaData(bytes, name);
        if (data.Int() != Magic) throw new FormatException($"{name} is no metadata of a savepoint: it does not begin with its mark.");
        var version = data.Int();
        if (version != Version) throw new FormatException($"{name} has version {version} of the format; this program knows {Version} (Flink 1.20).");
        var checkpoint = data.Long();
        if (data.Int() is not 0 and var masters) throw data.Unknown($"{masters} master states");
        var operators = ImmutableArray.CreateBuilder<SavepointOperator>();
        for (var left = data.Count(); left > 0; left--) operators.Add(ReadOperator(data));
        return new SavepointMetadata(checkpoint, operators.ToImmutable());
    }

    private static SavepointOperator ReadOperator(JavaData data)
    {
        var id = Convert.ToHexStringLower(data.Bytes(16).Span);
        data.Int();
        data.Int();
        ReadHandle(data);
        var states = ImmutableArray.CreateBuilder<OperatorState>();
        for (var left = data.Count(); left > 0; left--)
        {
            data.Int();
            for (var managed = data.Count(); managed > 0; managed--) states.Add(ReadState(data));
            if (data.Int() is not 0 and var raw) throw data.Unknown($"{raw} raw operator states");
            if ((data.Byte() | data.Byte()) != NoHandle) throw new FormatException("The savepoint holds state by key (a window, a join, an aggregation): positions alone do not say what the job had read and not written yet.");
            if ((data.Int() | data.Int()) != 0) throw data.Unknown("state of channels");
        }
        return new SavepointOperator(id, states.ToImmutable());
    }

    private static OperatorState ReadState(JavaData data)
    {
        if (data.Byte() is not OperatorStateHandle and var type) throw data.Unknown($"operator state of type {type}");
        var lists = ImmutableDictionary.CreateBuilder<string, ImmutableArray<long>>(StringComparer.Ordinal);
        for (var left = data.Count(); left > 0; left--)
        {
            var name = data.Utf();
            data.Byte();
            var offsets = ImmutableArray.CreateBuilder<long>();
            for (var elements = data.Count(); elements > 0; elements--) offsets.Add(data.Long());
            if (!lists.TryAdd(name, offsets.ToImmutable())) throw data.Unknown($"a second state called '{name}'");
        }
        return new OperatorState(lists.ToImmutable(), ReadHandle(data) ?? throw data.Unknown("operator state without bytes"));
    }

    private static SavepointHandle? ReadHandle(JavaData data)
    {
        switch (data.Byte())
        {
            case NoHandle:
                return null;
            case BytesHandle:
                data.Utf();
                return new SavepointHandle(data.Bytes(data.Int()), null);
            case FileHandle:
                data.Long();
                var path = data.Utf();
                return new SavepointHandle(null, path[(path.LastIndexOf('/') + 1)..]);
            case RelativeFileHandle:
                var name = data.Utf();
                data.Long();
                return name.Contains('/', StringComparison.Ordinal) ? throw data.Unknown($"a state in file '{name}'") : new SavepointHandle(null, name);
            case var type:
                throw data.Unknown($"a state handle of type {type}");
        }
    }
}
