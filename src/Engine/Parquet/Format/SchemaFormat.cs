namespace Matih.Parquet.Format;

/// <summary>A column's schema elements: physical type, logical type, and the older converted type for readers that know only that.</summary>
/// <remarks>Source: parquet.thrift, <c>struct SchemaElement</c>, <c>union LogicalType</c>; LogicalTypes.md.</remarks>
internal static class SchemaFormat
{
    public const int LogicalString = 1;
    public const int LogicalMap = 2;
    public const int LogicalList = 3;
    public const int LogicalEnum = 4;
    public const int LogicalDecimal = 5;
    public const int LogicalDate = 6;
    public const int LogicalTime = 7;
    public const int LogicalTimestamp = 8;
    public const int LogicalInteger = 10;
    public const int LogicalJson = 12;
    public const int LogicalBson = 13;
    public const int LogicalUuid = 14;

    public const int UnitMillis = 1;
    public const int UnitMicros = 2;
    public const int UnitNanos = 3;

    public const int Required = 0;
    public const int Optional = 1;
    public const int Repeated = 2;

    /// <summary>How many schema elements a column takes, with all below it.</summary>
    public static int ElementCount(ParquetColumn column) => column.Type switch
    {
        ParquetType.Struct type => 1 + type.Fields.Sum(ElementCount),
        ParquetType.List type => 2 + ElementCount(type.Element),
        ParquetType.Map type => 2 + ElementCount(type.Key) + ElementCount(type.Value),
        _ => 1,
    };

    public static void Write(ref CompactProtocolWriter writer, ParquetColumn column)
    {
        var type = column.Type;
        switch (type)
        {
            case ParquetType.Struct group:
                WriteGroup(ref writer, column, group.Fields.Length, null, 0);
                foreach (var field in group.Fields) Write(ref writer, field);
                return;
            case ParquetType.List list:
                WriteGroup(ref writer, column, 1, ConvertedType.List, LogicalList);
                WriteRepeated(ref writer, "list", 1);
                Write(ref writer, list.Element);
                return;
            case ParquetType.Map map:
                WriteGroup(ref writer, column, 1, ConvertedType.Map, LogicalMap);
                WriteRepeated(ref writer, "key_value", 2);
                Write(ref writer, map.Key);
                Write(ref writer, map.Value);
                return;
        }
        var element = writer.BeginElement();
        writer.WriteI32(1, (int)type.Physical);
        if (type.TypeLength != 0) writer.WriteI32(2, type.TypeLength);
        writer.WriteI32(3, column.IsRequired ? Required : Optional);
        writer.WriteString(4, column.Name);
        if (Converted(type) is { } converted) writer.WriteI32(6, (int)converted);
        if (type is ParquetType.Decimal number)
        {
            writer.WriteI32(7, number.Scale);
            writer.WriteI32(8, number.Precision);
        }
        if (column.FieldId != ParquetColumn.NoFieldId) writer.WriteI32(9, column.FieldId);
        WriteLogical(ref writer, type);
        writer.EndStruct(element);
    }

    private static void WriteGroup(ref CompactProtocolWriter writer, ParquetColumn column, int childCount, ConvertedType? converted, int logical)
    {
        var element = writer.BeginElement();
        writer.WriteI32(3, column.IsRequired ? Required : Optional);
        writer.WriteString(4, column.Name);
        writer.WriteI32(5, childCount);
        if (converted is { } old) writer.WriteI32(6, (int)old);
        if (column.FieldId != ParquetColumn.NoFieldId) writer.WriteI32(9, column.FieldId);
        if (logical != 0)
        {
            var saved = writer.BeginStruct(10);
            writer.WriteEmptyStruct(logical);
            writer.EndStruct(saved);
        }
        writer.EndStruct(element);
    }

    /// <summary>The group between a list or a map and its elements, which has no field id.</summary>
    private static void WriteRepeated(ref CompactProtocolWriter writer, string name, int childCount)
    {
        var element = writer.BeginElement();
        writer.WriteI32(3, Repeated);
        writer.WriteString(4, name);
        writer.WriteI32(5, childCount);
        writer.EndStruct(element);
    }

    private static ConvertedType? Converted(ParquetType type) => type switch
    {
        ParquetType.String => ConvertedType.Utf8,
        ParquetType.Decimal => ConvertedType.Decimal,
        ParquetType.Date => ConvertedType.Date,
        ParquetType.Time => ConvertedType.TimeMicros,
        ParquetType.Timestamp or ParquetType.TimestampTz => ConvertedType.TimestampMicros,
        _ => null,
    };

    private static void WriteLogical(ref CompactProtocolWriter writer, ParquetType type)
    {
        if (type is not (ParquetType.String or ParquetType.Decimal or ParquetType.Date or ParquetType.Time or ParquetType.Timestamp or ParquetType.TimestampTz or ParquetType.TimestampNs or ParquetType.TimestampTzNs
            or ParquetType.Uuid))
            return;
        var logical = writer.BeginStruct(10);
        switch (type)
        {
            case ParquetType.String:
                writer.WriteEmptyStruct(LogicalString);
                break;
            case ParquetType.Date:
                writer.WriteEmptyStruct(LogicalDate);
                break;
            case ParquetType.Uuid:
                writer.WriteEmptyStruct(LogicalUuid);
                break;
            case ParquetType.Decimal number:
                var saved = writer.BeginStruct(LogicalDecimal);
                writer.WriteI32(1, number.Scale);
                writer.WriteI32(2, number.Precision);
                writer.EndStruct(saved);
                break;
            case ParquetType.Time:
                WriteTime(ref writer, LogicalTime, isAdjustedToUtc: false, UnitMicros);
                break;
            default:
                WriteTime(ref writer, LogicalTimestamp, type is ParquetType.TimestampTz or ParquetType.TimestampTzNs, type is ParquetType.TimestampNs or ParquetType.TimestampTzNs ? UnitNanos : UnitMicros);
                break;
        }
        writer.EndStruct(logical);
    }

    private static void WriteTime(ref CompactProtocolWriter writer, int logical, bool isAdjustedToUtc, int unitOfValues)
    {
        var saved = writer.BeginStruct(logical);
        writer.WriteBool(1, isAdjustedToUtc);
        var unit = writer.BeginStruct(2);
        writer.WriteEmptyStruct(unitOfValues);
        writer.EndStruct(unit);
        writer.EndStruct(saved);
    }
}
