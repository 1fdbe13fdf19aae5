using System.Buffers.Binary;
using Matih.Batches;
using Matih.Parquet.Format;
using Matih.Parquet.Reading;

namespace Matih.Parquet;

/// <summary>
/// Reads Parquet files, ours and those of the common writers, nested columns included: data pages of both versions; plain, dictionary,
/// run-length, delta and byte-stream-split encodings; zstd, gzip, Snappy or no compression. For verification and tests: it
/// is not made for speed. Thread-safe.
/// </summary>
/// <remarks>
/// A damaged file gives <see cref="InvalidDataException"/>, what is valid but not readable here (nanoseconds,
/// encryption) gives <see cref="NotSupportedException"/> with the column's name.
/// </remarks>
internal sealed class ParquetFileReader
{
    /// <summary>Magic, footer length and magic again: no file is shorter.</summary>
    private const int FileBytesMin = 12;

    /// <summary>Read at the end of a file at first, so that most footers need one read.</summary>
    private const int TailBytes = 64 << 10;

    private readonly ReadOnlyMemory<byte> _file;

    /// <param name="file">The whole file; must not change while the reader is in use.</param>
    public ParquetFileReader(ReadOnlyMemory<byte> file)
    {
        _file = file;
        CheckMagic(file.Length < FileBytesMin ? default : file.Span[..4]);
        var footerBytes = FooterBytes(file.Span, file.Length);
        Metadata = Guard(() => FooterReader.Read(_file.Span.Slice(_file.Length - 8 - footerBytes, footerBytes), _file.Length - 8 - footerBytes));
    }

    /// <summary>The footer.</summary>
    public ParquetFileMetadata Metadata { get; }

    /// <summary>Reads a footer alone, with one or two reads at the end of the file.</summary>
    /// <param name="lengthBytes">The file's length.</param>
    /// <param name="read">Gives the bytes at an offset; exactly as many as asked for.</param>
    public static async ValueTask<ParquetFileMetadata> ReadMetadataAsync(
        long lengthBytes, Func<long, int, CancellationToken, ValueTask<byte[]>> read, CancellationToken cancellationToken)
    {
        if (lengthBytes < FileBytesMin) CheckMagic(default);
        var tail = await ReadTailAsync(lengthBytes, (int)Math.Min(lengthBytes, TailBytes), read, cancellationToken);
        var footerBytes = FooterBytes(tail, lengthBytes);
        if (footerBytes + 8 > tail.Length) tail = await ReadTailAsync(lengthBytes, footerBytes + 8, read, cancellationToken);
        return Guard(() => FooterReader.Read(tail.AsSpan(tail.Length - 8 - footerBytes, footerBytes), lengthBytes - 8 - footerBytes));
    }

    private static async ValueTask<byte[]> ReadTailAsync(
        long lengthBytes, int count, Func<long, int, CancellationToken, ValueTask<byte[]>> read, CancellationToken cancellationToken)
    {
        var tail = await read(lengthBytes - count, count, cancellationToken);
        return tail.Length == count ? tail : throw new InvalidDataException($"The last {Quantity.Of(count, "byte")} of a Parquet file of {Quantity.Count(lengthBytes)} were asked for, {Quantity.Count(tail.Length)} came.");
    }

    /// <summary>Appends a column of a row group to the target, whose type is the column's <see cref="ParquetType.ReadAs"/>.</summary>
    public void ReadColumn(int rowGroup, int column, Column target)
    {
        ReadChunks(Metadata, rowGroup, column, chunk => _file.Slice((int)chunk.Offset, (int)chunk.CompressedBytes), target);
    }

    /// <summary>All rows of a column, in a new batch column that the caller disposes.</summary>
    public Column ReadColumn(int column, MemoryAccount account)
    {
        var target = Column.Create(Metadata.Columns[column].Type.ReadAs, account);
        for (var rowGroup = 0; rowGroup < Metadata.RowGroups.Length; rowGroup++) ReadColumn(rowGroup, column, target);
        return target;
    }

    /// <summary>As <see cref="ReadColumn(int, int, Column)"/>, for who has read only the bytes of the column's chunks: <see cref="ParquetChunk.Offset"/>, <see cref="ParquetChunk.CompressedBytes"/>.</summary>
    /// <param name="bytesOf">Gives the bytes of a chunk.</param>
    public static void ReadChunks(ParquetFileMetadata metadata, int rowGroup, int column, Func<ParquetChunk, ReadOnlyMemory<byte>> bytesOf, Column target)
    {
        var description = metadata.Columns[column];
        if (target.Type.Layout != description.Type.ReadAs.Layout)
            throw new ArgumentException($"Parquet column '{description.Name}' is {description.Type}, read as {description.Type.ReadAs}; the target is {target.Type}.", nameof(target));
        try
        {
            var (first, count) = metadata.LeavesOf(column);
            var before = target.Count;
            for (var i = first; i < first + count; i++)
            {
                var (leaf, chunk) = (metadata.Leaves[i], metadata.RowGroups[rowGroup].Chunks[i]);
                var reader = new ChunkReader(leaf, metadata.Stored[i], chunk);
                if (leaf.IsFlat) reader.Read(bytesOf(chunk).Span, target);
                else reader.Read(bytesOf(chunk).Span, new LeafAssembly(leaf, metadata.Stored[i], target, before, i == first ? null : metadata.Leaves[i - 1]));
            }
            var rowCount = metadata.RowGroups[rowGroup].RowCount;
            if (target.Count - before != rowCount) throw new InvalidDataException($"{Quantity.Of(target.Count - before, "row")} read, the row group has {Quantity.Count(rowCount)}.");
            CheckWhole(target);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"Parquet column '{description.Name}', row group {rowGroup}: {e.Message}", e);
        }
        catch (Exception e) when (IsSignOfDamage(e))
        {
            throw new InvalidDataException($"Parquet column '{description.Name}', row group {rowGroup}: the data is damaged.", e);
        }
    }

    /// <summary>Leaves of one group must agree on its rows, and those of one list on its elements.</summary>
    private static void CheckWhole(Column column)
    {
        switch (column)
        {
            case RowColumn row:
                foreach (var field in row.Fields)
                {
                    if (field.Count != row.Count) throw new InvalidDataException($"A field of a group has {Quantity.Of(field.Count, "row")}, the group {Quantity.Count(row.Count)}.");
                    CheckWhole(field);
                }
                break;
            case ListColumn list:
                if (list.Elements.Count != list.Offsets[^1]) throw new InvalidDataException($"A list has {Quantity.Of(list.Offsets[^1], "element")}, found {Quantity.Count(list.Elements.Count)}.");
                CheckWhole(list.Elements);
                break;
        }
    }

    private static ParquetFileMetadata Guard(Func<ParquetFileMetadata> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (IsSignOfDamage(e))
        {
            throw new InvalidDataException("The Parquet footer is damaged.", e);
        }
    }

    /// <summary>Sizes are checked where they are read; this is the net below for combinations that no check foresaw.</summary>
    private static bool IsSignOfDamage(Exception e) => e is IndexOutOfRangeException or ArgumentException or OverflowException;

    private static int FooterBytes(ReadOnlySpan<byte> tail, long lengthBytes)
    {
        if (tail[^4..].SequenceEqual("PARE"u8)) throw new NotSupportedException("The Parquet file is encrypted, which is not read.");
        CheckMagic(tail[^4..]);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(tail[^8..]);
        if (length > lengthBytes - FileBytesMin) throw new InvalidDataException($"The Parquet footer has {Quantity.Of(length, "byte")}, the file {Quantity.Count(lengthBytes)}.");
        return (int)length;
    }

    private static void CheckMagic(ReadOnlySpan<byte> magic)
    {
        if (!magic.SequenceEqual(FooterWriter.Magic)) throw new InvalidDataException("Not a Parquet file, or one that was cut short: it must start and end with PAR1.");
    }
}
