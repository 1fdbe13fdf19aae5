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
            PipelineFormat.Root.WriteSchema(writer);
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
}
