using System.Text.Json;
using Matih.Delivery.Skipping;

namespace Matih.Hosting;

/// <summary>Records that were skipped, as JSON.</summary>
public static class SkippedJson
{
    /// <summary>The members <c>ranges</c> and <c>kinds</c>.</summary>
    public static void WriteMembers(SkippedRecords skipped, Utf8JsonWriter json)
    {
        json.WriteStartArray("ranges");
        foreach (var range in skipped.Ranges)
        {
            json.WriteStartObject();
            json.WriteNumber("partition", range.Partition);
            json.WriteNumber("from_offset", range.FromOffset);
            json.WriteNumber("to_offset", range.ToOffset);
            json.WriteNumber("records", range.RecordCount);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("kinds");
        foreach (var kind in skipped.Kinds)
        {
            json.WriteStartObject();
            json.WriteString("text", kind.Text);
            json.WriteNumber("records", kind.RecordCount);
            json.WriteNumber("partition", kind.Partition);
            json.WriteNumber("offset", kind.Offset);
            json.WriteString("example", kind.Example);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
