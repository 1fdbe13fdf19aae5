using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Matih.Hosting;

/// <summary>JSON as hosts write it: text unescaped where JSON allows it, because no browser reads it.</summary>
public static class HostJson
{
    public static JsonWriterOptions Compact { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonWriterOptions Indented { get; } = Compact with { Indented = true };

    /// <summary>
    /// A 64-bit id: a string, because JavaScript and others read JSON's numbers as doubles, which hold 53 bits. Offsets, counts,
    /// sizes and times stay below that and are numbers.
    /// </summary>
    public static void WriteId(this Utf8JsonWriter json, string name, SnapshotId? id) => json.WriteString(name, id?.ToString());

    /// <summary>An instant as RFC 3339 has it, in UTC, to the millisecond.</summary>
    public static string TextOf(DateTimeOffset at) => at.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>An instant, or null where there is none.</summary>
    public static void WriteInstant(this Utf8JsonWriter json, string name, DateTimeOffset? at) => json.WriteString(name, at is { } known ? TextOf(known) : null);

    /// <summary>A number, or null where it is not known.</summary>
    public static void WriteNumberOrNull(this Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number) json.WriteNumber(name, number);
        else json.WriteNull(name);
    }
}
