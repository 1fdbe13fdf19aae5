using System.Collections.Immutable;
using Matih.Batches;

namespace Matih.Iceberg.Metadata;

/// <summary>SQL types as table types, the way Flink's Iceberg connector maps them.</summary>
/// <remarks>Source: Apache Iceberg documentation, "Flink: type conversion".</remarks>
internal static class TypeMapping
{
    /// <summary>Most structs, lists and maps within one another, a map being two: a list of its entries. Data files hold no more.</summary>
    public const int DepthMax = 100;

    /// <summary>Why a column is nested too deep for a data file, or null: <c>is nested 101 deep, where …</c>.</summary>
    public static string? FaultOfDepth(IcebergType type) =>
        DepthOf(type) is var depth and > DepthMax ? $"is nested {depth} deep, where a data file holds {DepthMax} (a map counts twice)" : null;

    private static int DepthOf(IcebergType type) => type switch
    {
        IcebergType.Struct group => 1 + group.Fields.Aggregate(0, (deepest, field) => Math.Max(deepest, DepthOf(field.Type))),
        IcebergType.List list => 1 + DepthOf(list.Element),
        IcebergType.Map map => 2 + Math.Max(DepthOf(map.Key), DepthOf(map.Value)),
        _ => 0,
    };

    /// <summary>The type of a column of its own, whose nested fields have no ids that mean anything.</summary>
    /// <exception cref="NotSupportedException">No table type holds it (intervals, a ROW without fields).</exception>
    public static IcebergType ToIceberg(DataType type) => ToIceberg(type, static () => 0);

    /// <param name="nextId">Gives the ids of nested fields, those of one row before those within them.</param>
    /// <exception cref="NotSupportedException">No table type holds it.</exception>
    public static IcebergType ToIceberg(DataType type, Func<int> nextId) => type switch
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
        DataType.Timestamp => type.HasNanoseconds ? new IcebergType.TimestampNs() : new IcebergType.Timestamp(),
        DataType.TimestampLtz => type.HasNanoseconds ? new IcebergType.TimestampTzNs() : new IcebergType.TimestampTz(),
        DataType.Array(var element) => ToList(element, nextId),
        DataType.Map map => ToMap(map, nextId),
        DataType.Row { Type: { Count: > 0 } fields } => new IcebergType.Struct(ToFields(fields, nextId)),
        _ => throw new NotSupportedException($"No column of an Iceberg table holds {type.Name}. Cast it in the SQL."),
    };

    /// <summary>The fields of a table or of a struct: NOT NULL ones are required.</summary>
    /// <exception cref="NotSupportedException">No table type holds a field.</exception>
    public static ImmutableArray<NestedField> ToFields(RowType row, Func<int> nextId)
    {
        var ids = row.Fields.Select(_ => nextId()).ToArray();
        return [.. row.Fields.Select((field, i) => new NestedField(ids[i], field.Name, !field.Type.IsNullable, ToIceberg(field.Type, nextId)))];
    }

    private static IcebergType.List ToList(DataType element, Func<int> nextId)
    {
        var id = nextId();
        return new IcebergType.List(id, ToIceberg(element, nextId), !element.IsNullable);
    }

    private static IcebergType.Map ToMap(DataType.Map map, Func<int> nextId)
    {
        var (keyId, valueId) = (nextId(), nextId());
        return new IcebergType.Map(keyId, ToIceberg(map.Key, nextId), valueId, ToIceberg(map.Value, nextId), !map.Value.IsNullable);
    }

    /// <summary>The first of the columns, or of the fields within them, of a type that only tables of format version 3 have; null where there is none.</summary>
    public static (string Path, IcebergType Type)? FindNanoseconds(IEnumerable<NestedField> fields, string prefix = "")
    {
        foreach (var field in fields)
            if (FindNanoseconds(field.Type, prefix + field.Name) is { } found) return found;
        return null;
    }

    /// <inheritdoc cref="FindNanoseconds(IEnumerable{NestedField}, string)"/>
    public static (string Path, IcebergType Type)? FindNanoseconds(IcebergType type, string path) => type switch
    {
        IcebergType.TimestampNs or IcebergType.TimestampTzNs => (path, type),
        IcebergType.List list => FindNanoseconds(list.Element, path + ".element"),
        IcebergType.Map map => FindNanoseconds(map.Key, path + ".key") ?? FindNanoseconds(map.Value, path + ".value"),
        IcebergType.Struct target => FindNanoseconds(target.Fields, path + "."),
        _ => null,
    };

    /// <summary>
    /// Whether values of the SQL type can be written into a column of that type without loss. Integers widen to long, float
    /// widens to double, decimals widen in precision; 16 bytes may be a uuid.
    /// </summary>
    public static bool IsWritable(DataType from, IcebergType to) => FaultOf(from, to, "") is null;

    /// <summary>
    /// Why values of the SQL type cannot be written into a column of that type, or null: <c>'lines.element.sku' of type int cannot
    /// hold STRING</c>. Fields of a row are matched by name; those of the table that the row lacks are NULL.
    /// </summary>
    /// <param name="path">The column's name.</param>
    public static string? FaultOf(DataType from, IcebergType to, string path)
    {
        switch (from, to)
        {
            case (DataType.Array array, IcebergType.List list): return FaultOfPart(array.Element, list.Element, list.IsElementRequired, path + ".element");
            case (DataType.Map map, IcebergType.Map target):
                return FaultOf(map.Key, target.Key, path + ".key") ?? FaultOfPart(map.Value, target.Value, target.IsValueRequired, path + ".value");
            case (DataType.Row row, IcebergType.Struct target): return FaultOfFields(row.Type, target, path);
            case (_, IcebergType.Other): return $"'{path}' has the type {to}, which this build does not write; leave it out of the query";
            default: return IsWritablePrimitive(from, to) ? null : $"'{path}' of type {to} cannot hold {from.Name}";
        }
    }

    private static string? FaultOfFields(RowType row, IcebergType.Struct target, string path)
    {
        foreach (var field in row.Fields)
        {
            if (target.Fields.FirstOrDefault(other => other.Name == field.Name) is not { } column) return $"'{path}' has no field '{field.Name}' (it has {string.Join(", ", target.Fields.Select(other => other.Name))})";
            if (FaultOfPart(field.Type, column.Type, column.IsRequired, $"{path}.{field.Name}") is { } fault) return fault;
        }
        foreach (var missing in target.Fields.Where(field => row.IndexOf(field.Name) < 0))
        {
            if (missing.IsRequired) return $"'{path}.{missing.Name}' is required, and the query's '{path}' has no such field";
            if (missing.InitialDefault is not null || missing.WriteDefault is not null) return $"'{path}.{missing.Name}' has a default, which this build writes for columns only, and the query's '{path}' has no such field";
            if (missing.Type is IcebergType.Other) return $"'{path}.{missing.Name}' has the type {missing.Type}, which this build does not write";
        }
        return null;
    }

    private static string? FaultOfPart(DataType from, IcebergType to, bool isRequired, string path) =>
        isRequired && from.IsNullable ? $"'{path}' is required, and the query's can be NULL" : FaultOf(from, to, path);

    private static bool IsWritablePrimitive(DataType from, IcebergType to) => (from, to) switch
    {
        (DataType.TinyInt or DataType.SmallInt or DataType.Int, IcebergType.Long) => true,
        (DataType.Float, IcebergType.Double) => true,
        (DataType.Decimal source, IcebergType.Decimal target) => source.Scale == target.Scale && source.Precision <= target.Precision,
        (DataType.Binary, IcebergType.Binary) => true,
        (DataType.Binary(16), IcebergType.Uuid) => true,
        (DataType.Array or DataType.Map or DataType.Row or DataType.Null or DataType.DayTimeInterval or DataType.YearMonthInterval, _) => false,
        _ => ToIceberg(from) == to,
    };
}
