using System.Collections.Immutable;
using Matih.Parquet.Format;
using Matih.Parquet.Writing;

namespace Matih.Parquet;

/// <summary>
/// Puts row groups together into one Parquet file, whoever encoded them: it counts where each lies and makes the footer. The
/// caller writes <see cref="Magic"/>, the row groups' bytes in the order in which they were added, and the footer.
/// Not thread-safe.
/// </summary>
/// <remarks>Files are of format version 1. A file without row groups is valid.</remarks>
internal sealed class ParquetFileAssembly(ImmutableArray<ParquetColumn> columns, ParquetWriterSettings settings)
{
    private readonly List<RowGroupFooter> _rowGroups = [];

    /// <summary>What a file begins with.</summary>
    public static ReadOnlyMemory<byte> Magic { get; } = FooterWriter.Magic.ToArray();

    /// <summary>The file's length so far, without a footer.</summary>
    public long LengthBytes { get; private set; } = Magic.Length;

    public long RowCount { get; private set; }

    /// <summary>Adds a row group of these columns behind those before.</summary>
    public void Add(EncodedRowGroup group)
    {
        _rowGroups.Add(new RowGroupFooter(LengthBytes, group.RowCount, group.Chunks));
        LengthBytes += group.LengthBytes;
        RowCount += group.RowCount;
    }

    /// <summary>Appends the footer, which ends the file, to the target.</summary>
    public ParquetFileSummary Finish(PooledBuffer target)
    {
        var before = target.Length;
        FooterWriter.Write(columns, _rowGroups, settings, target);
        LengthBytes += target.Length - before;
        var leaves = ParquetLeaf.Of(columns);
        var summaries = ImmutableArray.CreateBuilder<ParquetColumnSummary>(leaves.Length);
        for (var i = 0; i < leaves.Length; i++) summaries.Add(ColumnTotals.Summarize(leaves[i], i, _rowGroups));
        return new ParquetFileSummary(LengthBytes, RowCount, [.. _rowGroups.Select(group => group.Offset)], summaries.MoveToImmutable());
    }
}
