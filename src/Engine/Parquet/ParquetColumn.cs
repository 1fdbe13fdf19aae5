using Matih.Batches;

namespace Matih.Parquet;

/// <summary>A column of a Parquet file, or of a group in it.</summary>
/// <param name="FieldId">Iceberg's field id, by which readers find the column; <see cref="NoFieldId"/> where a file has none.</param>
/// <param name="Name">The column's name in the file.</param>
/// <param name="Type">What its values are.</param>
/// <param name="IsRequired">Whether NULL is refused.</param>
internal sealed record ParquetColumn(int FieldId, string Name, ParquetType Type, bool IsRequired)
{
    /// <summary>Stands for "the file gives no field id" (read), or "write none".</summary>
    public const int NoFieldId = -1;

    /// <summary>The batch type of its values: that of <see cref="ParquetType.ReadAs"/>, NOT NULL where it is required.</summary>
    public DataType ReadAs => IsRequired ? Type.ReadAs.NotNull() : Type.ReadAs;
}
