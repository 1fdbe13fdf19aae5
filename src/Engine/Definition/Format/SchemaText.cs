using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Matih.Definition.Format;

/// <summary>Writes the format as a JSON Schema (draft 2020-12), for editors that complete and check YAML.</summary>
internal static class SchemaText
{
    public static string Write()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
            writer.WriteString("$id", "urn:matih:definition:1");
            writer.WriteString("title", "Matih pipeline definition");
            WriteKeys(writer, PipelineFormat.Root);
            writer.WriteStartObject("$defs");
            writer.WriteStartObject("reference");
            writer.WriteString("description", "A value with environment variables: ${NAME} or ${NAME:-default}.");
            writer.WriteString("type", "string");
            writer.WriteString("pattern", "\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}");
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    /// <summary>Writes the members that describe a mapping with those keys.</summary>
    public static void WriteKeys(Utf8JsonWriter writer, KeySet keys)
    {
        writer.WriteString("type", "object");
        writer.WriteBoolean("additionalProperties", false);
        if (keys.Keys.Any(key => key.IsRequired))
        {
            writer.WriteStartArray("required");
            foreach (var key in keys.Keys.Where(key => key.IsRequired)) writer.WriteStringValue(key.Name);
            writer.WriteEndArray();
        }
        writer.WriteStartObject("properties");
        foreach (var key in keys.Keys)
        {
            writer.WriteStartObject(key.Name);
            writer.WriteString("description", key.Meaning);
            if (key.DefaultText.Length != 0) WriteDefault(writer, key);
            key.Shape.WriteSchema(writer);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    private static void WriteDefault(Utf8JsonWriter writer, Key key)
    {
        if (key is Key<bool> { Shape: FlagShape } flag) writer.WriteBoolean("default", flag.Default);
        else if (key is Key<long> { Shape: IntegerShape } number) writer.WriteNumber("default", number.Default);
        else writer.WriteString("default", key.DefaultText);
    }
}
