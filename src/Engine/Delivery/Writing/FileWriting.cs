using System.Collections.Immutable;
using Matih.Batches;
using Matih.Delivery.Opening;
using Matih.Delivery.Tables;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;
using Matih.Parquet.Writing;
using Matih.Parquet;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Delivery.Writing;

/// <summary>How a session writes data files: what the lanes' writers and their file sets have in common. Thread-safe.</summary>
/// <param name="Rows">The rows that come in.</param>
/// <param name="Parquet">How files are encoded.</param>
/// <param name="TargetFileBytes">The size at which a file is closed.</param>
/// <param name="Limits">What one lane may hold of rows that wait.</param>
internal sealed class FileWriting(
    RowType rows, TableBinding binding, ParquetWriterSettings parquet, long targetFileBytes, GatheringLimits limits,
    DataFileFactory factory, MemoryAccount memory, IScratchSpace scratch, IEngineLog log)
{
    /// <summary>Bytes of rows that are encoded together: after each batch it is seen whether the file is full.</summary>
    public int BatchBytes { get; } = (int)Math.Clamp(targetFileBytes / 8, 4 << 10, 1 << 20);

    /// <summary>
    /// Table partitions whose rows a lane encodes as they come, each with buffers for every column. Rows of others wait: what
    /// they cost is being copied twice.
    /// </summary>
    private const int DirectKeysUsually = 8;

    private int _hasWarned;

    public RowType Rows { get; } = rows;

    public TableBinding Binding { get; } = binding;

    public ParquetWriterSettings Parquet { get; } = parquet;

    public long TargetFileBytes { get; } = targetFileBytes;

    public GatheringLimits Limits { get; } = limits;

    public MemoryAccount Memory { get; } = memory;

    /// <summary>Whether rows are sorted, so that all of them wait until the last has come.</summary>
    public bool IsSorted => Layout.IsSorted;

    public RowLayout Layout { get; } = new(rows, SortKeyEncoder.Create(binding.Schema, binding.Order, rows) is not null);

    public int DirectKeysMax => IsSorted ? 0 : DirectKeysUsually;

    public RowGathering CreateGathering() => new(Layout, IsSorted ? SortKeyEncoder.Create(Binding.Schema, Binding.Order, Rows) : null, Limits, Memory, scratch);

    public RowGroupEncoder CreateEncoder()
    {
        var encoder = new RowGroupEncoder(Binding.Columns, Parquet, Memory);
        if (encoder.Warning is { } warning && Interlocked.Exchange(ref _hasWarned, 1) == 0) log.Warning("file-encoding", warning);
        return encoder;
    }

    public void Encode(RowGroupEncoder encoder, ColumnBatch batch, RowSelection selection)
    {
        encoder.Check(batch, Binding.ColumnMap.AsSpan(), selection, encoder.RowCount);
        encoder.Append(batch, Binding.ColumnMap.AsSpan(), selection);
    }

    public IStore Store => factory.Store;

    public string NewLocation(PartitionKey key) => factory.NewLocation(key);

    public OpenDataFile CreateFile(PartitionKey key, string location, Action<DataFile> completed) => new(
        location, new ParquetFileAssembly(Binding.Columns, Parquet), factory.Store, Memory,
        (location, summary) => completed(factory.Describe(location, key, summary, IsSorted ? Binding.Order.OrderId : SortOrder.Unsorted.OrderId)));
}
