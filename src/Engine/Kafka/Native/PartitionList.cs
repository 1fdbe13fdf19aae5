using System.Text;

namespace Matih.Kafka.Native;

/// <summary>Owns a native list of partitions of one topic, in the order added.</summary>
internal readonly unsafe ref struct PartitionList
{
    private readonly LibrdkafkaNative _native;

    public PartitionList(LibrdkafkaNative native, int capacity)
    {
        _native = native;
        Pointer = native.PartitionsNew(Math.Max(1, capacity));
    }

    public LibrdkafkaNative.PartitionArray* Pointer { get; }

    public ReadOnlySpan<LibrdkafkaNative.PartitionEntry> Entries => new(Pointer->Entries, Pointer->Count);

    public static PartitionList Of(LibrdkafkaNative native, string topic, IReadOnlyList<int> partitions, long offset)
    {
        var list = new PartitionList(native, partitions.Count);
        using var name = new NativeText(topic);
        foreach (var partition in partitions) native.PartitionsAdd(list.Pointer, name.Pointer, partition)->Offset = offset;
        return list;
    }

    /// <param name="metadata">Stored beside each offset; null for none.</param>
    public static PartitionList Of(LibrdkafkaNative native, nint handle, string topic, IReadOnlyList<PartitionPosition> positions, string? metadata)
    {
        var list = new PartitionList(native, positions.Count);
        using var name = new NativeText(topic);
        foreach (var position in positions)
        {
            var entry = native.PartitionsAdd(list.Pointer, name.Pointer, position.Partition);
            entry->Offset = position.NextOffset;
            if (string.IsNullOrEmpty(metadata)) continue;
            // The list frees the metadata with itself, so the memory must be librdkafka's.
            var length = Encoding.UTF8.GetByteCount(metadata);
            entry->Metadata = (byte*)native.AllocateMemory(handle, (nuint)length + 1);
            Encoding.UTF8.GetBytes(metadata, new Span<byte>(entry->Metadata, length));
            entry->Metadata[length] = 0;
            entry->MetadataLength = (nuint)length;
        }
        return list;
    }

    public void Dispose() => _native.PartitionsDestroy(Pointer);
}
