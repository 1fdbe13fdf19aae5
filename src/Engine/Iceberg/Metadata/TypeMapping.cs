using Matih.Batches;

namespace Matih.Iceberg.Metadata;

/// <summary>SQL types as table types, the way Flink's Iceberg connector maps them.</summary>
/// <remarks>Source: Apache Iceberg documentation, "Flink: type conversion".</remarks>
internal static class TypeMapping
{
    /// <exception cref="NotSupportedException">No table type holds it (nested types, intervals, nanoseconds).</exception>
    public static IcebergType ToIceberg(DataType type) => type switch
    {
        DataType.Boolean => new IcebergType.Boolean(),
        DataType.TinyInt or DataType.SmallInt or DataType.Int => new IcebergType.Int(),
        DataType.BigInt => new IcebergType.Long(),
        DataType.Float => new IcebergType.Float(),
        DataType.Double => new IcebergType.Double(),
        DataType.Decimal(var precision, var scale) => new IcebergType.Decimal(precision, scale),
        DataType.Char or DataType.Varchar => new IcebergType.String(),
        DataType.Binary(var length) => new IcebergType.Fixed(length),
        DataType.Varbinary => new IcebergType.Binary(),
        DataType.Date => new IcebergType.Date(),
        DataType.Time => new IcebergType.Time(),
        DataType.Timestamp(var precision) when precision <= DataType.Timestamp.HeldPrecisionMax => new IcebergType.Timestamp(),
        DataType.TimestampLtz(var precision) when precision <= DataType.Timestamp.HeldPrecisionMax => new IcebergType.TimestampTz(),
        _ => throw new NotSupportedException($"No Iceberg column of a version 2 table holds {type.Name}. Cast it in the SQL."),
    };

    /// <summary>
    /// Whether values of the SQL type can be written into a column of that type without loss. Integers widen to long, float
    /// widens to double, decimals widen in precision; 16 bytes may be a uuid.
    /// </summary>
    public static bool IsWritable(DataType from, IcebergType to) => (from, to) switch
    {
        (DataType.TinyInt or DataType.SmallInt or DataType.Int, IcebergType.Long) => true,
        (DataType.Float, IcebergType.Double) => true,
        (DataType.Decimal source, IcebergType.Decimal target) => source.Scale == target.Scale && source.Precision <= target.Precision,
        (DataType.Binary, IcebergType.Binary) => true,
        (DataType.Binary(16), IcebergType.Uuid) => true,
        (DataType.Array or DataType.Map or DataType.Row or DataType.Null or DataType.DayTimeInterval or DataType.YearMonthInterval, _) => false,
        (DataType.Timestamp { Precision: > DataType.Timestamp.HeldPrecisionMax }, _) => false,
        (DataType.TimestampLtz { Precision: > DataType.Timestamp.HeldPrecisionMax }, _) => false,
        _ => ToIceberg(from) == to,
    };
}
