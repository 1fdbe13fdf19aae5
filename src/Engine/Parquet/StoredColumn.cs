namespace Matih.Parquet;

/// <summary>How a file stores a column: other writers use more types than Iceberg has.</summary>
/// <param name="Physical">The storage type, which need not be the one that <see cref="ParquetType"/> would choose.</param>
/// <param name="TypeLength">Bytes of a fixed-length value.</param>
/// <param name="Factor">What a stored number is multiplied by: 1000 for milliseconds.</param>
/// <param name="IsUnsigned">Whether a stored 32-bit number is unsigned.</param>
internal sealed record StoredColumn(PhysicalType Physical, int TypeLength, int Factor, bool IsUnsigned);
