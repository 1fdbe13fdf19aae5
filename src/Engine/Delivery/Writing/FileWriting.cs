using Matih.Batches;
using Matih.Delivery.Tables;
using Matih.Parquet.Writing;
using Matih.Parquet;
using Matih.Storage;

namespace Matih.Delivery.Writing;

/// <summary>How a session writes data files: what the lanes' writers and their file sets have in common. Thread-safe.</summary>
/// <param name="rows">The rows that come in.</param>
/// <param name="Parquet">How files are encoded.</param>
/// <param name="TargetFileBytes">The size at which a file is closed.</param>
/// <param name="Limits">What one lane may hold of rows that wait.</param>
internal sealed class FileWriting(
    RowType rows, TableBinding binding, ParquetWriterSettings parquet, long targetFileBytes, GatheringLimits limits,
    IStore store, IIdSource ids, MemoryAccount memory, IScratchSpace scratch)
{
    /// <summary>Bytes of rows that are encoded together: after each batch it is seen whether the file is full.</summary>
    public int BatchBytes { get; } = (int)Math.Clamp(targetFileBytes / 8, 4 << 10, 1 << 20);

    /// <summary>
    /// Table partitions whose rows a lane encodes as they come, each with buffers for every column. Rows of others wait: what
    /// they cost is being copied twice.
    /// </summary>
    private const int DirectKeysUsually = 8;

    /// <summary>The rows that come in, with the columns that the binding supplies.</summary>
    public RowType Rows { get; } = binding.Extend(rows);

    public TableBinding Binding { get; } = binding;

    public ParquetWriterSettings Parquet { get; } = parquet;

    public long TargetFileBytes { get; } = targetFileBytes;

    public GatheringLimits Limits { get; } = limits;

    /// <summary>What completing a checkpoint's files may take of the memory; lanes gather and encode the next one's rows meanwhile.</summary>
    public long CompletionBytes { get; } = memory.CeilingBytes / 4;

    public MemoryAccount Memory { get; } = memory;

    /// <summary>Whether rows are sorted, so that all of them wait until the last has come.</summary>
    public bool IsSorted => Layout.IsSorted;

    public RowLayout Layout { get; } = new(binding.Extend(rows), binding.CreateSortKeys(binding.Extend(rows)) is not null);

    public int DirectKeysMax => IsSorted ? 0 : DirectKeysUsually;

    public SuppliedColumns CreateSupplied() => new(Rows, Binding.Supplied, Memory);

    public RowGathering CreateGathering() => new(Layout, IsSorted ? Binding.CreateSortKeys(Rows) : null, Limits, Memory, scratch);

    public RowGroupEncoder CreateEncoder() => new(Binding.Columns, Parquet, Memory);

    public void Encode(RowGroupEncoder encoder, ColumnBatch batch, RowSelection selection)
    {
        encoder.Check(batch, Binding.ColumnMap.AsSpan(), selection, encoder.RowCount);
        encoder.Append(batch, Binding.ColumnMap.AsSpan(), selection);
    }

    public IStore Store { get; } = store;

    public string NewLocation(TablePartition key) => Binding.NewLocation(key, ids);

    public OpenDataFile CreateFile(TablePartition key, string location, Action<WrittenFile> completed) => new(
        location, new ParquetFileAssembly(Binding.Columns, Parquet), Store, Memory,
        (location, summary) => completed(Binding.Describe(location, key, summary, IsSorted)));
}
