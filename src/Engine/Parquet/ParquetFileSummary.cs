using System.Collections.Immutable;

namespace Matih.Parquet;

/// <summary>What a finished file holds: the figures that an Iceberg manifest entry records.</summary>
/// <param name="LengthBytes">The file's length.</param>
/// <param name="RowCount">Rows in the file.</param>
/// <param name="SplitOffsets">Where each row group starts, ascending.</param>
/// <param name="Columns">One entry for each column of values, in the file's order.</param>
internal sealed record ParquetFileSummary(
    long LengthBytes, long RowCount, ImmutableArray<long> SplitOffsets, ImmutableArray<ParquetColumnSummary> Columns);

/// <summary>The metrics of one column of values over the whole file.</summary>
/// <remarks>
/// Bounds are in Iceberg's single-value binary form (spec, Appendix D) and exact up to
/// <see cref="BoundBytesMax"/> bytes; a longer smallest value gives its prefix (still a lower bound), a longer greatest
/// value gives no upper bound. Bounds of UUIDs are widened or left out so that they hold however a reader compares UUIDs. NaN is in no bound; a zero is -0.0 as lower and +0.0 as upper bound. Both are null where no
/// value can be named (all NULL, all NaN, no rows), and within lists and maps.
/// </remarks>
/// <param name="FieldId">As in <see cref="ParquetColumn"/>.</param>
/// <param name="CompressedBytes">Bytes of its chunks in the file, page headers included.</param>
/// <param name="ValueCount">Values with NULLs and NaNs: the number of rows; within lists and maps, of elements, an empty one counting as one.</param>
/// <param name="NullCount">How many are NULL.</param>
/// <param name="NanCount">How many are NaN; null where the type has no NaN.</param>
internal sealed record ParquetColumnSummary(
    int FieldId, long CompressedBytes, long ValueCount, long NullCount, long? NanCount, byte[]? LowerBound, byte[]? UpperBound)
{
    public const int BoundBytesMax = 4096;
}
