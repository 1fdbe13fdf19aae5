using System.Collections.Immutable;

namespace Matih.Iceberg.Metadata;

/// <summary>One field of a partition: a transform of one column.</summary>
/// <param name="SourceId">Field id of the column.</param>
/// <param name="FieldId">Id of the partition field, 1000 or above, unique across all specs of the table.</param>
/// <param name="Name">Name in the partition's path and struct.</param>
public sealed record PartitionField(int SourceId, int FieldId, string Name, Transform Transform);

/// <summary>How rows map to partitions. Immutable; a table keeps all that its manifests were written with.</summary>
public sealed class PartitionSpec
{
    internal const int FirstFieldId = 1000;

    public PartitionSpec(int specId, ImmutableArray<PartitionField> fields) : this(specId, fields, null) { }

    internal PartitionSpec(int specId, ImmutableArray<PartitionField> fields, byte[]? source) => (SpecId, Fields, Source) = (specId, fields, source);

    public int SpecId { get; }
    public ImmutableArray<PartitionField> Fields { get; }
    public bool IsUnpartitioned => Fields.All(item => item.Transform is Transform.Void);
    internal byte[]? Source { get; }

    public static PartitionSpec Unpartitioned { get; } = new(0, []);

    internal int LastFieldId => Fields.Aggregate(FirstFieldId - 1, (last, item) => Math.Max(last, item.FieldId));

    /// <summary>A spec for a new table.</summary>
    /// <param name="fields">Column, transform and field name (null: Iceberg's usual name, such as <c>at_day</c>), in order.</param>
    /// <exception cref="ArgumentException">A column is missing, a transform does not apply to it, or a name is taken.</exception>
    public static PartitionSpec Create(Schema schema, IEnumerable<(string Column, Transform Transform, string? Name)> fields)
    {
        var built = ImmutableArray.CreateBuilder<PartitionField>();
        foreach (var (columnName, transform, givenName) in fields)
        {
            var column = schema.FindColumn(columnName)
                ?? throw new ArgumentException($"The table has no column '{columnName}' to partition by. It has: {string.Join(", ", schema.Fields.Select(field => field.Name))}.");
            if (transform.ResultType(column.Type) is null || transform is Transform.Unknown || IsUnreadable(transform, column.Type))
                throw new ArgumentException($"{transform} cannot partition column '{columnName}' of type {column.Type}.");
            var name = givenName ?? transform.DefaultFieldName(columnName);
            if (built.Any(field => field.Name == name)) throw new ArgumentException($"Two partition fields are named '{name}'.");
            if (schema.FindColumn(name) is { } namesake && !(namesake.Id == column.Id && transform is Transform.Identity))
                throw new ArgumentException($"The partition field '{name}' would have the name of a column. Name it otherwise.");
            built.Add(new PartitionField(column.Id, FirstFieldId + built.Count, name, transform));
        }
        return new(0, built.ToImmutable());
    }

    /// <summary>Whether both have the same fields, ids of spec and fields aside.</summary>
    public bool IsCompatibleWith(PartitionSpec other) =>
        Fields.Length == other.Fields.Length
        && Fields.Zip(other.Fields).All(pair =>
            pair.First.SourceId == pair.Second.SourceId && pair.First.Name == pair.Second.Name && pair.First.Transform == pair.Second.Transform);

    internal PartitionSpec WithId(int specId) => specId == SpecId ? this : new(specId, Fields);

    /// <summary>Whether partition values would be of a fixed type.</summary>
    /// <remarks>
    /// The reference implementation (1.11.0) writes them into manifests with a length before them, against the Avro schema of
    /// its own file, and reads them so: what it writes, others cannot read, and the other way round.
    /// </remarks>
    internal static bool IsUnreadable(Transform transform, IcebergType? source) => transform is Transform.Identity && source is IcebergType.Fixed;
}
