using System.Text.Encodings.Web;
using System.Text.Json;
using Matih.Iceberg.Metadata;

namespace Matih.Host.Output;

/// <summary>JSON as the command prints it: text unescaped where JSON allows it, because no browser reads it.</summary>
internal static class JsonOutput
{
    public static JsonWriterOptions Compact { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static JsonWriterOptions Indented { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true };

    /// <summary>Writes one document on one line.</summary>
    public static void WriteLine(Stream output, Action<Utf8JsonWriter> write) => Write(output, Compact, write);

    /// <summary>Writes one indented document and a line's end.</summary>
    public static void Write(Stream output, Action<Utf8JsonWriter> write) => Write(output, Indented, write);

    /// <summary>
    /// A 64-bit id: a string, because JavaScript and others read JSON's numbers as doubles, which hold 53 bits. Offsets, counts,
    /// sizes and times stay below that and are numbers.
    /// </summary>
    public static void WriteId(this Utf8JsonWriter json, string name, SnapshotId? id) => json.WriteString(name, id?.ToString());

    private static void Write(Stream output, JsonWriterOptions options, Action<Utf8JsonWriter> write)
    {
        using (var json = new Utf8JsonWriter(output, options)) write(json);
        output.WriteByte((byte)'\n');
        output.Flush();
    }
}
