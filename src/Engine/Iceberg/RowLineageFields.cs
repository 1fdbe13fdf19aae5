using Matih.Parquet;

namespace Matih.Iceberg;

/// <summary>
/// The columns in which a data file keeps the ids of rows that it got from other files. Where one is NULL or missing, readers
/// count: the row's id from the file's first, and its age from the file's sequence number.
/// </summary>
/// <remarks>Source: Apache Iceberg table spec, "Row Lineage" and "Reserved Field IDs".</remarks>
internal static class RowLineageFields
{
    private const int RowIdFieldId = int.MaxValue - 107;
    private const int LastUpdatedFieldId = int.MaxValue - 108;

    public static ParquetColumn RowId { get; } = new(RowIdFieldId, "_row_id", new ParquetType.Long(), IsRequired: false);

    /// <summary>The sequence number of the commit that last changed the row.</summary>
    public static ParquetColumn LastUpdated { get; } = new(LastUpdatedFieldId, "_last_updated_sequence_number", new ParquetType.Long(), IsRequired: false);
}
