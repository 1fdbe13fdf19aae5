using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Matih.Batches;
using Matih.Delivery.Tables;
using Matih.Iceberg.Metadata;
using Matih.Parquet;
using Matih.Storage;

namespace Matih.Maintenance.Compaction;

/// <summary>A file cannot be read by this build, though nothing is wrong with it: it stays as it is.</summary>
internal sealed class UnreadableFileException(string message) : Exception(message);

/// <summary>
/// Reads the rows of a table's data and delete files as columns of the table: by field id, widened where the table's type has
/// been widened since, its default or NULL where the file is older than the column. Not thread-safe; a batch is valid until the next.
/// </summary>
/// <param name="columns">The columns wanted.</param>
/// <param name="absent">Columns that a file must not lack: their values then stand elsewhere.</param>
/// <param name="defaults">What rows of older files have in columns, by field id; NULL in others.</param>
internal sealed class DataFileRows(
    IStore store, ImmutableArray<ParquetColumn> columns, IReadOnlySet<int> absent, IReadOnlyDictionary<int, SuppliedColumn> defaults, MemoryAccount memory) : IDisposable
{
    /// <summary>A file up to this size is read whole, in one request.</summary>
    private const int WholeBytesMax = 4 << 20;

    private readonly Column[] _columns = [.. columns.Select(column => Column.Create(column.Type.ReadAs, memory))];
    private readonly Column?[] _stored = new Column?[columns.Length];

    /// <summary>What columns of files without field ids are; null where the table does not say.</summary>
    public NameMapping? Names { get; init; }

    public RowType Rows { get; } = new([.. columns.Select(column => new Field(column.Name, column.Type.ReadAs))]);

    /// <summary>The rows, one batch for each row group, each with the position in the file of its first.</summary>
    /// <param name="rowCount">Rows that the file must have.</param>
    /// <exception cref="UnreadableFileException">The file has something that this build does not read, or lacks field ids.</exception>
    /// <exception cref="InvalidTableException">The file is gone or damaged, or has another number of rows.</exception>
    public async IAsyncEnumerable<(long FirstRow, ColumnBatch Rows)> ReadAsync(string path, long lengthBytes, long rowCount, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var whole = lengthBytes <= WholeBytesMax ? await store.ReadAsync(path, cancellationToken) ?? throw Gone(path) : null;
        var metadata = whole is null
            ? await GuardAsync(path, () => ParquetFileReader.ReadMetadataAsync(lengthBytes, (offset, count, token) => store.ReadRangeAsync(path, offset, count, token), cancellationToken))
            : await GuardAsync(path, () => ValueTask.FromResult(new ParquetFileReader(whole).Metadata));
        if (metadata.RowCount != rowCount) throw new InvalidTableException($"The file {path} holds {Quantity.Of(metadata.RowCount, "row")}, and the table says {Quantity.Count(rowCount)}. It is not rewritten.");
        if (!MappedColumns.HaveIds(metadata.Columns) && Names is { } names) metadata = metadata with { Columns = MappedColumns.Of(metadata.Columns, names.Fields) };
        var places = PlacesOf(metadata, path);
        var largest = metadata.RowGroups.Select(group => group.Chunks.Sum(chunk => chunk.UncompressedBytes)).DefaultIfEmpty(0).Max();
        if (largest > memory.CeilingBytes / 2)
            throw new UnreadableFileException($"{path} has row groups of {Quantity.Bytes(largest)}, which need more than the {Quantity.Bytes(memory.CeilingBytes)} of memory that maintenance has here.");
        var firstRow = 0L;
        for (var group = 0; group < metadata.RowGroups.Length; group++)
        {
            var count = checked((int)metadata.RowGroups[group].RowCount);
            for (var i = 0; i < _columns.Length; i++)
            {
                _columns[i].Clear();
                if (places[i] < 0)
                {
                    var value = defaults.GetValueOrDefault(columns[i].FieldId);
                    for (var row = 0; row < count; row++)
                    {
                        if (value is null) _columns[i].AppendNull();
                        else value.Append(_columns[i]);
                    }
                    continue;
                }
                var bytes = new Dictionary<long, ReadOnlyMemory<byte>>();
                var (first, leaves) = metadata.LeavesOf(places[i]);
                foreach (var chunk in metadata.RowGroups[group].Chunks.AsSpan(first, leaves).ToArray())
                    bytes[chunk.Offset] = whole is null ? await store.ReadRangeAsync(path, chunk.Offset, checked((int)chunk.CompressedBytes), cancellationToken) : whole.AsMemory((int)chunk.Offset, (int)chunk.CompressedBytes);
                await GuardAsync(path, () =>
                {
                    Read(metadata, group, places[i], i, chunk => bytes[chunk.Offset]);
                    return ValueTask.FromResult(true);
                });
            }
            yield return (firstRow, new ColumnBatch(Rows, _columns, count));
            firstRow += count;
        }
    }

    private void Read(ParquetFileMetadata metadata, int group, int place, int index, Func<ParquetChunk, ReadOnlyMemory<byte>> bytesOf)
    {
        var stored = metadata.Columns[place].Type;
        if (stored == columns[index].Type || (!stored.IsGroup && stored.ReadAs.Layout == _columns[index].Type.Layout))
        {
            ParquetFileReader.ReadChunks(metadata, group, place, bytesOf, _columns[index]);
            return;
        }
        if (_stored[index] is not { } asStored || asStored.Type != stored.ReadAs)
        {
            _stored[index]?.Dispose();
            _stored[index] = asStored = Column.Create(stored.ReadAs, memory);
        }
        asStored.Clear();
        ParquetFileReader.ReadChunks(metadata, group, place, bytesOf, asStored);
        EvolvedColumn.Append(asStored, stored, _columns[index], columns[index].Type);
    }

    /// <summary>Where the file has each column; -1 where it is older than the column.</summary>
    private int[] PlacesOf(ParquetFileMetadata metadata, string path)
    {
        if (!MappedColumns.HaveIds(metadata.Columns) && metadata.Columns.Length > 0)
            throw new UnreadableFileException($"{path} has no field ids (it was added from outside Iceberg), and the table {(Names is null ? $"has no name mapping ({NameMapping.Property})" : "maps none of its columns' names")}.");
        var places = new int[columns.Length];
        for (var i = 0; i < columns.Length; i++)
        {
            var wanted = columns[i];
            places[i] = IndexOf(metadata, wanted.FieldId);
            if (places[i] >= 0)
            {
                if (EvolvedColumn.FaultOf(metadata.Columns[places[i]].Type, wanted.Type, wanted.Name) is { } fault) throw new UnreadableFileException($"Column {fault} in {path}.");
            }
            else if (wanted.IsRequired && !defaults.ContainsKey(wanted.FieldId) || absent.Contains(wanted.FieldId))
            {
                throw new UnreadableFileException($"{path} lacks column '{wanted.Name}', {(wanted.IsRequired ? "which must not be NULL" : "whose value only its partition tells")}.");
            }
        }
        return places;
    }

    private static int IndexOf(ParquetFileMetadata metadata, int fieldId)
    {
        for (var i = 0; i < metadata.Columns.Length; i++)
            if (metadata.Columns[i].FieldId == fieldId) return i;
        return -1;
    }

    private static async ValueTask<T> GuardAsync<T>(string path, Func<ValueTask<T>> read)
    {
        try
        {
            return await read();
        }
        catch (NotSupportedException e)
        {
            throw new UnreadableFileException($"{path}: {e.Message}");
        }
        catch (InvalidDataException e)
        {
            throw new InvalidTableException($"The file {path} of the table cannot be read: {e.Message}", e);
        }
    }

    private static InvalidTableException Gone(string path) => new($"The file {path} of the table is missing. Restore it, or roll the table back.");

    public void Dispose()
    {
        foreach (var column in _columns) column.Dispose();
        foreach (var column in _stored) column?.Dispose();
    }
}
