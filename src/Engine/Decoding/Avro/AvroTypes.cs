using System.Globalization;
using Matih.Batches;

namespace Matih.Decoding.Avro;

/// <summary>The SQL types of Avro's: what a source's columns are where a schema, and not the definition, says it.</summary>
/// <remarks>
/// A union of several types is a ROW of one field for each, of which one is not NULL, as Spark reads it; of int and long it is
/// BIGINT, of float and double DOUBLE. Timestamps are instants (TIMESTAMP_LTZ), local timestamps are TIMESTAMP.
/// </remarks>
internal static class AvroTypes
{
    /// <summary>The columns of a record.</summary>
    /// <exception cref="AvroSchemaException">The schema is no record, or columns cannot hold a field.</exception>
    public static RowType RowOf(AvroSchema schema) => schema is AvroSchema.Record record
        ? RowOf(record, "", [record])
        : throw new AvroSchemaException($"the schema is {schema.Name}, expected a record, whose fields are the columns");

    private static RowType RowOf(AvroSchema.Record record, string prefix, List<AvroSchema.Record> around) =>
        new([.. record.Fields.Select(field => new Field(field.Name, TypeOf(field.Type, prefix + field.Name, around)))]);

    private static DataType TypeOf(AvroSchema schema, string path, List<AvroSchema.Record> around) => schema switch
    {
        AvroSchema.Primitive primitive => TypeOf(primitive, path).NotNull(),
        AvroSchema.Enum => DataType.String.NotNull(),
        AvroSchema.Fixed type => TypeOf(type, path).NotNull(),
        AvroSchema.Array array => new DataType.Array(TypeOf(array.Items, path + "[*]", around)).NotNull(),
        AvroSchema.Map map => new DataType.Map(DataType.String.NotNull(), TypeOf(map.Values, path + "[*]", around)).NotNull(),
        AvroSchema.Union union => TypeOf(union, path, around),
        AvroSchema.Record record => TypeOf(record, path, around),
        _ => throw new InvalidOperationException($"Unknown schema {schema}."),
    };

    private static DataType TypeOf(AvroSchema.Record record, string path, List<AvroSchema.Record> around)
    {
        if (around.Contains(record))
            throw new AvroSchemaException($"field {path} is the {record.Name} that it lies in: a type within itself has no end, and no columns. Name the columns that are wanted in `schema`, without it");
        if (record.Fields.IsEmpty) throw new AvroSchemaException($"field {path} is the {record.Name}, which has no fields, so that no column can hold it");
        return new DataType.Row(RowOf(record, path + ".", [.. around, record])).NotNull();
    }

    private static DataType TypeOf(AvroSchema.Union union, string path, List<AvroSchema.Record> around)
    {
        var type = union.Values switch
        {
            [] => throw new AvroSchemaException($"field {path} is always null, which no column can hold"),
            [var one] => TypeOf(one, path, around),
            _ when Widest(union) is { } widest => widest,
            _ => new DataType.Row(new RowType([.. union.Values.Select((value, i) => new Field(MemberName(i), TypeOf(value, $"{path}.{MemberName(i)}", around).OrNull()))])),
        };
        return union.IsNullable ? type.OrNull() : type.NotNull();
    }

    /// <summary>The field of a union's ROW that has the values of a branch, counted without null.</summary>
    public static string MemberName(int index) => string.Create(CultureInfo.InvariantCulture, $"member{index}");

    /// <summary>Whether the values of a union are in the fields of a ROW.</summary>
    public static bool IsSplit(AvroSchema schema) => schema is AvroSchema.Union { Values.Length: > 1 } union && Widest(union) is null;

    private static DataType? Widest(AvroSchema.Union union)
    {
        if (union.Values.All(value => value is AvroSchema.Primitive { Meaning: AvroMeaning.Plain, Kind: AvroSchema.PrimitiveKind.Int or AvroSchema.PrimitiveKind.Long })) return new DataType.BigInt();
        return union.Values.All(value => value is AvroSchema.Primitive { Kind: AvroSchema.PrimitiveKind.Float or AvroSchema.PrimitiveKind.Double }) ? new DataType.Double() : null;
    }

    private static DataType TypeOf(AvroSchema.Primitive type, string path) => type.Meaning switch
    {
        AvroMeaning.Date => new DataType.Date(),
        AvroMeaning.TimeMillis => new DataType.Time(3),
        AvroMeaning.TimeMicros => new DataType.Time(6),
        AvroMeaning.TimestampMillis => new DataType.TimestampLtz(3),
        AvroMeaning.TimestampMicros => new DataType.TimestampLtz(6),
        AvroMeaning.TimestampNanos => new DataType.TimestampLtz(9),
        AvroMeaning.LocalTimestampMillis => new DataType.Timestamp(3),
        AvroMeaning.LocalTimestampMicros => new DataType.Timestamp(6),
        AvroMeaning.LocalTimestampNanos => new DataType.Timestamp(9),
        AvroMeaning.Decimal => Decimal(type.Precision, type.Scale, path),
        _ => type.Kind switch
        {
            AvroSchema.PrimitiveKind.Boolean => new DataType.Boolean(),
            AvroSchema.PrimitiveKind.Int => new DataType.Int(),
            AvroSchema.PrimitiveKind.Long => new DataType.BigInt(),
            AvroSchema.PrimitiveKind.Float => new DataType.Float(),
            AvroSchema.PrimitiveKind.Double => new DataType.Double(),
            AvroSchema.PrimitiveKind.Bytes => DataType.Bytes,
            AvroSchema.PrimitiveKind.String => DataType.String,
            _ => throw new AvroSchemaException($"field {path} is always null, which no column can hold"),
        },
    };

    private static DataType TypeOf(AvroSchema.Fixed type, string path) => type.Meaning switch
    {
        AvroMeaning.Decimal => Decimal(type.Precision, type.Scale, path),
        AvroMeaning.Uuid => DataType.String,
        AvroMeaning.Duration => DurationType,
        _ => type.Size == 0 ? throw new AvroSchemaException($"field {path} has no bytes, so that no column can hold it") : new DataType.Binary(type.Size),
    };

    /// <summary>Months, days and milliseconds, which Avro does not add up.</summary>
    private static DataType.Row DurationType { get; } = new(new RowType([.. new[] { "months", "days", "millis" }.Select(name => new Field(name, new DataType.BigInt().NotNull()))]));

    private static DataType.Decimal Decimal(int precision, int scale, string path) => precision <= DataType.Decimal.PrecisionMax
        ? new DataType.Decimal(precision, scale)
        : throw new AvroSchemaException($"field {path} is a decimal of {precision} digits; a column has at most {DataType.Decimal.PrecisionMax}");
}
