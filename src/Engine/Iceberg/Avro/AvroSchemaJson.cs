using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Avro;

/// <summary>Table types as Avro schemas with field ids.</summary>
/// <remarks>Source: Apache Iceberg table spec, Appendix A, "Avro"; Apache Avro specification 1.11, "Names".</remarks>
internal static class AvroSchemaJson
{
    public static byte[] Of(string recordName, IcebergType.Struct type)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer)) WriteRecord(writer, recordName, type);
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteRecord(Utf8JsonWriter writer, string name, IcebergType.Struct type)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "record");
        writer.WriteString("name", name);
        writer.WriteStartArray("fields");
        foreach (var field in type.Fields)
        {
            var avroName = Name(field.Name);
            writer.WriteStartObject();
            writer.WriteString("name", avroName);
            writer.WritePropertyName("type");
            if (field.IsRequired)
            {
                WriteType(writer, field.Type, $"r{field.Id}");
            }
            else
            {
                writer.WriteStartArray();
                writer.WriteStringValue("null");
                WriteType(writer, field.Type, $"r{field.Id}");
                writer.WriteEndArray();
            }
            if (field.Doc is not null) writer.WriteString("doc", field.Doc);
            if (!field.IsRequired) writer.WriteNull("default");
            writer.WriteNumber("field-id", field.Id);
            if (avroName != field.Name) writer.WriteString("iceberg-field-name", field.Name);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteType(Utf8JsonWriter writer, IcebergType type, string recordName)
    {
        switch (type)
        {
            case IcebergType.Struct nested:
                WriteRecord(writer, recordName, nested);
                break;
            case IcebergType.List list:
                writer.WriteStartObject();
                writer.WriteString("type", "array");
                writer.WritePropertyName("items");
                WriteType(writer, list.Element, $"r{list.ElementId}");
                writer.WriteNumber("element-id", list.ElementId);
                writer.WriteEndObject();
                break;
            case IcebergType.Map map:
                writer.WriteStartObject();
                writer.WriteString("type", "array");
                writer.WritePropertyName("items");
                WriteRecord(writer, $"k{map.KeyId}_v{map.ValueId}", new IcebergType.Struct([
                    new NestedField(map.KeyId, "key", true, map.Key), new NestedField(map.ValueId, "value", map.IsValueRequired, map.Value)]));
                writer.WriteString("logicalType", "map");
                writer.WriteEndObject();
                break;
            case IcebergType.Date:
                WriteLogical(writer, "int", "date");
                break;
            case IcebergType.Time:
                WriteLogical(writer, "long", "time-micros");
                break;
            case IcebergType.Timestamp:
                WriteLogical(writer, "long", "timestamp-micros", isUtc: false);
                break;
            case IcebergType.TimestampTz:
                WriteLogical(writer, "long", "timestamp-micros", isUtc: true);
                break;
            case IcebergType.TimestampNs:
                WriteLogical(writer, "long", "timestamp-nanos", isUtc: false);
                break;
            case IcebergType.TimestampTzNs:
                WriteLogical(writer, "long", "timestamp-nanos", isUtc: true);
                break;
            case IcebergType.Uuid:
                WriteFixed(writer, "uuid_fixed", 16, "uuid");
                break;
            case IcebergType.Fixed(var length):
                WriteFixed(writer, $"fixed_{length}", length, null);
                break;
            case IcebergType.Decimal(var precision, var scale):
                writer.WriteStartObject();
                writer.WriteString("type", "fixed");
                writer.WriteString("name", $"decimal_{precision}_{scale}");
                writer.WriteNumber("size", DecimalBytes.FixedCount(precision));
                writer.WriteString("logicalType", "decimal");
                writer.WriteNumber("precision", precision);
                writer.WriteNumber("scale", scale);
                writer.WriteEndObject();
                break;
            case IcebergType.Binary:
                writer.WriteStringValue("bytes");
                break;
            default:
                writer.WriteStringValue(type.Name);
                break;
        }
    }

    private static void WriteLogical(Utf8JsonWriter writer, string type, string logicalType, bool? isUtc = null)
    {
        writer.WriteStartObject();
        writer.WriteString("type", type);
        writer.WriteString("logicalType", logicalType);
        if (isUtc is { } adjusted) writer.WriteBoolean("adjust-to-utc", adjusted);
        writer.WriteEndObject();
    }

    private static void WriteFixed(Utf8JsonWriter writer, string name, int size, string? logicalType)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "fixed");
        writer.WriteString("name", name);
        writer.WriteNumber("size", size);
        if (logicalType is not null) writer.WriteString("logicalType", logicalType);
        writer.WriteEndObject();
    }

    /// <summary>A name that Avro allows: letters, digits and underscores, no digit first; others as hexadecimal.</summary>
    private static string Name(string name)
    {
        var text = new StringBuilder();
        foreach (var item in name)
        {
            if (char.IsAsciiLetter(item) || item == '_' || (char.IsAsciiDigit(item) && text.Length > 0)) text.Append(item);
            else if (char.IsAsciiDigit(item)) text.Append('_').Append(item);
            else text.Append("_x").Append(((int)item).ToString("X", CultureInfo.InvariantCulture));
        }
        return text.ToString();
    }
}
