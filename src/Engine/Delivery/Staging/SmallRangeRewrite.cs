using System.Collections.Immutable;
using Matih.Batches;
using Matih.Delivery.Tables;
using Matih.Delivery.Writing;
using Matih.Parquet;
using Matih.Storage;

namespace Matih.Delivery.Staging;

/// <summary>
/// Puts the rows of small staged files together into files of the table's target size, so that many members do not make
/// many small files. The files that it read are not registered then, ever.
/// </summary>
/// <param name="createWriter">A writer for rows that were read back.</param>
/// <param name="storedRows">The columns of the staged files, as they are read back.</param>
internal sealed class SmallRangeRewrite(IStore store, Func<SinkWriter> createWriter, RowType storedRows, MemoryAccount memory)
{
    /// <param name="Files">What goes into the table.</param>
    /// <param name="Replaced">Files whose rows are in those.</param>
    public sealed record Result(ImmutableArray<WrittenFile> Files, ImmutableArray<WrittenFile> Replaced);

    public async ValueTask<Result> RunAsync(IReadOnlyCollection<StagedRange> ranges, CancellationToken cancellationToken)
    {
        ImmutableArray<WrittenFile> staged = [.. ranges.SelectMany(range => range.Files)];
        // A file that has its table partition to itself would only be copied.
        if (staged.Length < 2) return new Result(staged, []);

        await using var writer = createWriter();
        foreach (var file in staged)
        {
            var rowCount = await CopyAsync(file, writer, cancellationToken);
            if (rowCount != file.RowCount)
                throw new InvalidTableException($"The staged data file {file.Location} holds {Quantity.Of(rowCount, "row")}, and {Quantity.Count(file.RowCount)} were staged.");
        }
        var files = await writer.FinishAsync(cancellationToken);
        var (before, after) = (staged.Sum(file => file.RowCount), files.Sum(file => file.RowCount));
        return before == after
            ? new Result(files, staged)
            : throw new InvalidOperationException($"{before} staged rows went into files that hold {after}.");
    }

    private async ValueTask<long> CopyAsync(WrittenFile file, SinkWriter writer, CancellationToken cancellationToken)
    {
        var bytes = await store.ReadAsync(file.Location, cancellationToken)
            ?? throw new StoreException(StoreFailureKind.Absent, file.Location, $"The staged data file {file.Location} is gone.");
        ParquetFileReader reader;
        try
        {
            reader = new ParquetFileReader(bytes);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidTableException($"The staged data file {file.Location} cannot be read: {e.Message}", e);
        }
        var columns = new Column[storedRows.Count];
        try
        {
            var count = 0L;
            for (var rowGroup = 0; rowGroup < reader.Metadata.RowGroups.Length; rowGroup++)
            {
                for (var i = 0; i < columns.Length; i++)
                {
                    if (columns[i] is null) columns[i] = Column.Create(reader.Metadata.Columns[i].Type.ReadAs, memory);
                    else columns[i].Clear();
                    reader.ReadColumn(rowGroup, i, columns[i]);
                }
                var rowCount = (int)reader.Metadata.RowGroups[rowGroup].RowCount;
                await writer.WriteAsync(new ColumnBatch(storedRows, columns, rowCount), cancellationToken);
                count += rowCount;
            }
            return count;
        }
        finally
        {
            foreach (var column in columns) column?.Dispose();
        }
    }
}
