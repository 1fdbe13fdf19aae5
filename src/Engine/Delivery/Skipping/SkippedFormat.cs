using System.Text.Json;

namespace Matih.Delivery.Skipping;

/// <summary>Skipped records as the members of a JSON object, in ledgers and staged ranges.</summary>
/// <remarks>
/// Ranges are arrays <c>[partition, from, to]</c>, with the number of records as a fourth element where not all offsets are
/// skipped ones; kinds are arrays <c>[text, records, partition, offset, example]</c>.
/// </remarks>
internal static class SkippedFormat
{
    public static void WriteMembers(Utf8JsonWriter json, SkippedRecords skipped)
    {
        json.WriteStartArray("ranges");
        foreach (var range in skipped.Ranges)
        {
            json.WriteStartArray();
            json.WriteNumberValue(range.Partition);
            json.WriteNumberValue(range.FromOffset);
            json.WriteNumberValue(range.ToOffset);
            if (!range.IsWhole) json.WriteNumberValue(range.RecordCount);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteStartArray("kinds");
        foreach (var kind in skipped.Kinds)
        {
            json.WriteStartArray();
            json.WriteStringValue(kind.Text);
            json.WriteNumberValue(kind.RecordCount);
            json.WriteNumberValue(kind.Partition);
            json.WriteNumberValue(kind.Offset);
            json.WriteStringValue(kind.Example);
            json.WriteEndArray();
        }
        json.WriteEndArray();
    }

    public static SkippedRecords Read(JsonElement skipped) => new(
        [.. skipped.GetProperty("ranges").EnumerateArray().Select(ReadRange)],
        [.. skipped.GetProperty("kinds").EnumerateArray().Select(kind => new SkippedKind(
            kind[0].GetString()!, kind[1].GetInt64(), kind[2].GetInt32(), kind[3].GetInt64(), kind[4].GetString()!))]);

    private static SkippedRange ReadRange(JsonElement range)
    {
        var (from, to) = (range[1].GetInt64(), range[2].GetInt64());
        return new SkippedRange(range[0].GetInt32(), from, to, range.GetArrayLength() > 3 ? range[3].GetInt64() : to - from);
    }
}
