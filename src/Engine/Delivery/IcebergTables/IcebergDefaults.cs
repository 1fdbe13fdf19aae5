using System.Collections.Immutable;
using Matih.Batches;
using Matih.Delivery.Tables;
using Matih.Iceberg;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;
using Matih.Parquet;

namespace Matih.Delivery.IcebergTables;

/// <summary>Columns with defaults: what is written where the query gives no value, and read where a file is older than the column.</summary>
/// <remarks>Source: Apache Iceberg table spec, "Default values". A column without a value in a file reads as <c>initial-default</c>, so that NULL has to be written.</remarks>
internal static class IcebergDefaults
{
    public static bool HasDefault(NestedField field) => field.InitialDefault is not null || field.WriteDefault is not null;

    /// <summary>What new rows get; null where this build cannot write it.</summary>
    public static SuppliedColumn? ForWriting(NestedField field, ParquetColumn column) => Of(field, column, field.WriteDefault);

    /// <summary>What rows of older files get; null where this build cannot write it.</summary>
    public static SuppliedColumn? ForReading(NestedField field, ParquetColumn column) => Of(field, column, field.InitialDefault);

    private static SuppliedColumn? Of(NestedField field, ParquetColumn column, string? json) =>
        DefaultValue.Parse(field.Type, json) is { } value && !(value.IsNull && field.IsRequired)
            ? new SuppliedColumn(new Field(column.Name, column.ReadAs), target => Append(target, value)) : null;

    /// <summary>The fields within columns that have a default of old rows, by their paths.</summary>
    public static IEnumerable<string> NestedWithInitialDefault(Schema schema) => schema.Fields.SelectMany(field => Within(field.Name, field.Type));

    private static IEnumerable<string> Within(string path, IcebergType type) => type switch
    {
        IcebergType.Struct row => row.Fields.SelectMany(field => (field.InitialDefault is null ? [] : new[] { $"{path}.{field.Name}" }).Concat(Within($"{path}.{field.Name}", field.Type))),
        IcebergType.List list => Within(path + ".element", list.Element),
        IcebergType.Map map => Within(path + ".key", map.Key).Concat(Within(path + ".value", map.Value)),
        _ => [],
    };

    private static void Append(Column target, PartitionValue value)
    {
        if (value.IsNull)
        {
            target.AppendNull();
            return;
        }
        switch (target)
        {
            case FixedColumn<byte> flags: flags.Append((byte)value.Number); break;
            case FixedColumn<int> ints: ints.Append((int)value.Number); break;
            case FixedColumn<long> longs: longs.Append((long)value.Number); break;
            case FixedColumn<Int128> decimals: decimals.Append(value.Number); break;
            case FixedColumn<float> floats: floats.Append(BitConverter.Int32BitsToSingle((int)value.Number)); break;
            case FixedColumn<double> doubles: doubles.Append(BitConverter.Int64BitsToDouble((long)value.Number)); break;
            case BytesColumn bytes: bytes.Append(value.Bytes); break;
            default: throw new InvalidOperationException($"A column of type {target.Type} has no default.");
        }
    }
}
