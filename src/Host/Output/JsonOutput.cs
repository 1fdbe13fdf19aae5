using System.Text.Json;
using Matih.Hosting;

namespace Matih.Host.Output;

/// <summary>JSON as the command prints it.</summary>
internal static class JsonOutput
{
    /// <summary>Writes one document on one line.</summary>
    public static void WriteLine(Stream output, Action<Utf8JsonWriter> write) => Write(output, HostJson.Compact, write);

    /// <summary>Writes one indented document and a line's end.</summary>
    public static void Write(Stream output, Action<Utf8JsonWriter> write) => Write(output, HostJson.Indented, write);

    private static void Write(Stream output, JsonWriterOptions options, Action<Utf8JsonWriter> write)
    {
        using (var json = new Utf8JsonWriter(output, options)) write(json);
        output.WriteByte((byte)'\n');
        output.Flush();
    }
}
