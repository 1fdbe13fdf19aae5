using Matih.Batches;
using Matih.Json;

namespace Matih.Decoding;

/// <summary>How a column's values are made of JSON values.</summary>
internal enum JsonConversion : byte
{
    /// <summary>JSON_VALUE with RETURNING STRING: never fails.</summary>
    Scalar,
    Boolean,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Float,
    Double,
    Decimal,
    Text,
    Bytes,
    FixedBytes,
    Date,
    Time,
    Timestamp,
    TimestampLtz,
}

/// <summary>A column that is filled from the value's JSON document, with what its conversion needs.</summary>
internal sealed class JsonField
{
    private JsonField(string name, DataType type, JsonPath path, JsonConversion conversion, Column column, int precision, int scale, TimestampStandard standard)
    {
        Name = name;
        Type = type;
        Path = path;
        Conversion = conversion;
        Column = column;
        Precision = precision;
        Scale = scale;
        TimestampStandard = standard;
    }

    public string Name { get; }
    public DataType Type { get; }
    public JsonPath Path { get; }
    public JsonConversion Conversion { get; }
    public Column Column { get; }

    /// <summary>Digits of a decimal, fraction digits of a timestamp, bytes of a BINARY.</summary>
    public int Precision { get; }

    public int Scale { get; }
    public TimestampStandard TimestampStandard { get; }

    /// <summary>The field for an input column, or null for one that does not come from the document.</summary>
    /// <exception cref="NotSupportedException">No column holds the type.</exception>
    public static JsonField? For(InputColumn input, Column column, TimestampStandard standard = TimestampStandard.Sql) => input switch
    {
        InputColumn.JsonScalar scalar => new JsonField(scalar.Name, scalar.Type, Parse(scalar.Path), JsonConversion.Scalar, column, 0, 0, standard),
        InputColumn.SchemaField field => Of(field, column, standard),
        _ => null,
    };

    /// <summary>Refuses types of schema fields that format json cannot fill; to be asked before columns are made.</summary>
    public static void Require(InputColumn input)
    {
        if (input is InputColumn.SchemaField field) ConversionOf(field);
    }

    private static JsonField Of(InputColumn.SchemaField field, Column column, TimestampStandard standard)
    {
        var conversion = ConversionOf(field);
        var (precision, scale) = field.FieldType switch
        {
            DataType.Decimal type => (type.Precision, type.Scale),
            DataType.Timestamp type => (type.Precision, 0),
            DataType.TimestampLtz type => (type.Precision, 0),
            DataType.Binary type => (type.Length, 0),
            _ => (0, 0),
        };
        var path = new JsonPath($"$['{field.FieldName}']", JsonPathMode.Strict, false, [new JsonPathStep.Member(field.FieldName)], null);
        return new JsonField(field.FieldName, field.FieldType, path, conversion, column, precision, scale, standard);
    }

    private static JsonConversion ConversionOf(InputColumn.SchemaField field) => field.FieldType switch
    {
        DataType.Boolean => JsonConversion.Boolean,
        DataType.TinyInt => JsonConversion.TinyInt,
        DataType.SmallInt => JsonConversion.SmallInt,
        DataType.Int => JsonConversion.Int,
        DataType.BigInt => JsonConversion.BigInt,
        DataType.Float => JsonConversion.Float,
        DataType.Double => JsonConversion.Double,
        DataType.Decimal => JsonConversion.Decimal,
        DataType.Char or DataType.Varchar => JsonConversion.Text,
        DataType.Binary => JsonConversion.FixedBytes,
        DataType.Varbinary => JsonConversion.Bytes,
        DataType.Date => JsonConversion.Date,
        DataType.Time => JsonConversion.Time,
        DataType.Timestamp { Precision: <= DataType.Timestamp.HeldPrecisionMax } => JsonConversion.Timestamp,
        DataType.TimestampLtz { Precision: <= DataType.Timestamp.HeldPrecisionMax } => JsonConversion.TimestampLtz,
        DataType.Timestamp or DataType.TimestampLtz => throw new NotSupportedException(
            $"Field {field.FieldName}: {field.FieldType} has more than {DataType.Timestamp.HeldPrecisionMax} fraction digits, which no column holds; use precision {DataType.Timestamp.HeldPrecisionMax}."),
        _ => throw new NotSupportedException(
            $"Field {field.FieldName}: format json gives no {field.FieldType} columns; leave the field out of the schema and read it with JSON_VALUE, or declare it STRING to have its JSON text."),
    };

    private static JsonPath Parse(string text)
    {
        if (JsonPath.TryParse(text, out var path, out var error, out var offset)) return path;
        throw new ArgumentException($"JSON path '{text}', offset {offset}: {error}.");
    }
}
