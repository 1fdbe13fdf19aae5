namespace Matih.Definition;

/// <summary>Iceberg's partition transforms that can be asked for by name.</summary>
public enum PartitionTransform
{
    Identity,
    Year,
    Month,
    Day,
    Hour,
    Bucket,
    Truncate,
}

/// <summary>
/// One entry of <c>partition_by</c>, not yet resolved against the query's columns. A bare <c>date</c> that names no column
/// stands for the day of the event time; who knows the columns decides (see <see cref="MayBeEventDate"/>).
/// </summary>
/// <param name="Text">The entry as written.</param>
/// <param name="Transform">What is done to the column.</param>
/// <param name="Parameter">Buckets of <see cref="PartitionTransform.Bucket"/>, width of <see cref="PartitionTransform.Truncate"/>; else null.</param>
/// <param name="Column">The column's name, exactly as in the query.</param>
/// <param name="Position">Where the entry stands.</param>
public sealed record PartitionDefinition(
    string Text, PartitionTransform Transform, int? Parameter, string Column, DefinitionPosition Position)
{
    /// <summary>The partition field's name, from <c>… AS name</c>; null takes Iceberg's usual one.</summary>
    public string? FieldName { get; init; }

    /// <summary>The entry is the bare word <c>date</c>: where no column has that name it means <c>day(event_timestamp)</c>, named <c>date</c>.</summary>
    public bool MayBeEventDate => Transform == PartitionTransform.Identity && Text == "date";
}
