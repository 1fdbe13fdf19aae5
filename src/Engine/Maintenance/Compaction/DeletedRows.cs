using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Matih.Batches;
using Matih.Delivery.Tables;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Parquet;
using Matih.Storage;

namespace Matih.Maintenance.Compaction;

/// <summary>
/// Which rows of data files the table's delete files and deletion vectors have taken out: by position, and by values that are equal. Delete files are
/// read once for a group of data files. Not thread-safe.
/// </summary>
/// <param name="columns">The table's columns; equality deletes of another column cannot be applied.</param>
/// <remarks>Source: Apache Iceberg table spec, "Row-level Deletes"; which file reaches which is <see cref="DeleteScope"/>'s.</remarks>
internal sealed class DeletedRows(Table table, ImmutableArray<ParquetColumn> columns, MemoryAccount memory)
{
    private static readonly ImmutableArray<ParquetColumn> PositionColumns =
        [new(DeleteScope.FilePathFieldId, "file_path", new ParquetType.String(), true), new(DeleteScope.PositionFieldId, "pos", new ParquetType.Long(), true)];

    private static readonly ImmutableDictionary<int, SuppliedColumn> NoDefaults = ImmutableDictionary<int, SuppliedColumn>.Empty;

    private readonly Dictionary<string, Dictionary<string, HashSet<long>>> _positions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EqualRows> _values = new(StringComparer.Ordinal);

    /// <summary>Reads the delete files that may reach the group's files, as far as they name those.</summary>
    /// <exception cref="UnreadableFileException">A delete file cannot be read by this build.</exception>
    /// <exception cref="InvalidTableException">A delete file is gone or damaged.</exception>
    public async ValueTask ReadAsync(CompactionGroup group, CancellationToken cancellationToken)
    {
        var paths = group.Files.Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        foreach (var delete in group.Files.SelectMany(file => file.Deletes).Select(entry => entry.File).DistinctBy(file => file.DeleteName))
        {
            if (delete.IsDeletionVector)
            {
                if (!_positions.ContainsKey(delete.DeleteName)) _positions.Add(delete.DeleteName, await VectorAsync(delete, cancellationToken));
                continue;
            }
            if (!delete.Format.Equals("PARQUET", StringComparison.OrdinalIgnoreCase)) throw new UnreadableFileException($"The delete file {delete.Path} has the format {delete.Format}; Parquet is read.");
            if (delete.Content == FileContent.PositionDeletes) _positions.TryAdd(delete.Path, await PositionsAsync(delete, paths, cancellationToken));
            else if (!_values.ContainsKey(delete.Path)) _values.Add(delete.Path, await ValuesAsync(delete, cancellationToken));
        }
    }

    private async ValueTask<Dictionary<string, HashSet<long>>> PositionsAsync(DataFile delete, HashSet<string> wanted, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, HashSet<long>>(StringComparer.Ordinal);
        using var rows = new DataFileRows(table.Store, PositionColumns, ImmutableHashSet<int>.Empty, NoDefaults, memory);
        await foreach (var (_, batch) in rows.ReadAsync(delete.Path, delete.FileSizeBytes, delete.RecordCount, cancellationToken))
        {
            var (names, positions) = ((BytesColumn)batch[0], (FixedColumn<long>)batch[1]);
            for (var row = 0; row < batch.Count; row++)
            {
                var name = System.Text.Encoding.UTF8.GetString(names[row]);
                if (!wanted.Contains(name)) continue;
                if (!found.TryGetValue(name, out var list)) found.Add(name, list = []);
                list.Add(positions.Values[row]);
            }
        }
        return found;
    }

    private async ValueTask<Dictionary<string, HashSet<long>>> VectorAsync(DataFile vector, CancellationToken cancellationToken)
    {
        if (vector is not { ReferencedDataFile: { } path, ContentOffset: { } offset, ContentSizeBytes: { } length })
            throw new InvalidTableException($"The deletion vector {vector.Path} does not say which file it is of, or where it lies.");
        try
        {
            var positions = DeletionVector.Read(await table.Store.ReadRangeAsync(vector.Path, offset, checked((int)length), cancellationToken));
            if (positions.Count != vector.RecordCount) throw new InvalidDataException($"it holds {Quantity.Of(positions.Count, "position")}, and the table says {Quantity.Count(vector.RecordCount)}");
            return new Dictionary<string, HashSet<long>>(StringComparer.Ordinal) { [path] = positions };
        }
        catch (Exception e) when (e is InvalidDataException || e is StoreException { Kind: StoreFailureKind.Absent })
        {
            throw new InvalidTableException($"The deletion vector of {path} in {vector.Path} cannot be read: {e.Message}. Restore the file, or roll the table back.", e);
        }
    }

    private async ValueTask<EqualRows> ValuesAsync(DataFile delete, CancellationToken cancellationToken)
    {
        if (delete.EqualityIds is not { IsEmpty: false } ids) throw new InvalidTableException($"The equality delete file {delete.Path} names no columns.");
        int[] places = [.. ids.Select(id => PlaceOf(id, delete.Path))];
        var equal = new EqualRows(places);
        using var rows = new DataFileRows(table.Store, [.. places.Select(place => columns[place] with { IsRequired = false })], ids.ToHashSet(), NoDefaults, memory);
        await foreach (var (_, batch) in rows.ReadAsync(delete.Path, delete.FileSizeBytes, delete.RecordCount, cancellationToken)) equal.Add(batch);
        return equal;
    }

    private int PlaceOf(int fieldId, string path)
    {
        for (var i = 0; i < columns.Length; i++)
            if (columns[i].FieldId == fieldId) return i;
        throw new UnreadableFileException($"The equality delete file {path} compares field {fieldId}, which the table's schema no longer has.");
    }

    /// <summary>The rows of a batch that are left, ascending.</summary>
    /// <param name="firstRow">The position in the file of the batch's first row.</param>
    /// <param name="left">At least as long as the batch.</param>
    /// <returns>How many are left.</returns>
    public int Select(CompactableFile file, long firstRow, ColumnBatch rows, Span<int> left)
    {
        var positions = file.Deletes.Select(delete => _positions.GetValueOrDefault(delete.File.DeleteName)?.GetValueOrDefault(file.Path)).OfType<HashSet<long>>().ToList();
        var values = file.Deletes.Select(delete => _values.GetValueOrDefault(delete.File.Path)).OfType<EqualRows>().ToList();
        var count = 0;
        for (var row = 0; row < rows.Count; row++)
        {
            var isDeleted = false;
            foreach (var set in positions) isDeleted |= set.Contains(firstRow + row);
            for (var i = 0; i < values.Count && !isDeleted; i++) isDeleted = values[i].Contains(rows, row);
            if (!isDeleted) left[count++] = row;
        }
        return count;
    }

    /// <summary>The rows of an equality delete file, as keys of bytes.</summary>
    /// <param name="places">The columns compared, among the table's.</param>
    private sealed class EqualRows(int[] places)
    {
        private readonly HashSet<byte[]> _keys = new(BytesComparer.Instance);
        private readonly RowBytes _key = new();

        public void Add(ColumnBatch deletes)
        {
            for (var row = 0; row < deletes.Count; row++)
            {
                _key.Clear();
                for (var i = 0; i < places.Length; i++) _key.Append(deletes[i], row);
                _keys.Add(_key.Span.ToArray());
            }
        }

        public bool Contains(ColumnBatch rows, int row)
        {
            _key.Clear();
            foreach (var place in places) _key.Append(rows[place], row);
            return _keys.GetAlternateLookup<ReadOnlySpan<byte>>().Contains(_key.Span);
        }
    }

    private sealed class BytesComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static BytesComparer Instance { get; } = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
