using Matih.Batches;

namespace Matih.Decoding;

/// <summary>The end of a message about a timestamp that does not fit: by which format and type it would.</summary>
internal static class TimestampHint
{
    public static string Of(JsonField field, ReadOnlySpan<byte> text)
    {
        if (!IsTimestamp(field)) return "";
        var isInstant = field.Conversion == JsonConversion.TimestampLtz;
        if (field.Type.HasNanoseconds && DateTimeText.TryParseTimestamp(text, field.TimestampStandard, isInstant, DataType.Timestamp.MicrosPrecisionMax, out _))
            return $", outside of {Nanoseconds.Range}, where nanoseconds end. It is read with the precision {DataType.Timestamp.MicrosPrecisionMax}";
        // What leaves the format as it is comes first: it concerns this field alone.
        foreach (var standard in (TimestampStandard[])[field.TimestampStandard, Other(field.TimestampStandard)])
        {
            foreach (var asInstant in (bool[])[isInstant, !isInstant])
                if (DateTimeText.TryParseTimestamp(text, standard, asInstant, field.Precision, out _)) return WayOut(field, standard, asInstant);
        }
        return HasOffset(text) ? ". Offsets from UTC other than Z are not read: take the field as STRING" : "";
    }

    public static string OfNumber(JsonField field) =>
        IsTimestamp(field) ? $". A count since 1970 is a BIGINT: give the field that type, and write TO_TIMESTAMP_LTZ(`{field.Name}`, 3) for milliseconds, or 0 for seconds, in the SQL" : "";

    private static bool IsTimestamp(JsonField field) => field.Conversion is JsonConversion.Timestamp or JsonConversion.TimestampLtz;

    private static TimestampStandard Other(TimestampStandard standard) => standard == TimestampStandard.Sql ? TimestampStandard.Iso8601 : TimestampStandard.Sql;

    private static string WayOut(JsonField field, TimestampStandard standard, bool asInstant)
    {
        var format = standard == field.TimestampStandard ? null : $"json: {{ timestamp_format: {(standard == TimestampStandard.Iso8601 ? "iso-8601" : "sql")} }}";
        var type = asInstant == (field.Conversion == JsonConversion.TimestampLtz) ? null : $"the type {(asInstant ? "TIMESTAMP_LTZ" : "TIMESTAMP")}({field.Precision})";
        return $". It is read with {string.Join(" and ", new[] { format, type }.OfType<string>())}";
    }

    /// <summary>Whether the text ends like <c>+02:00</c>, <c>+0200</c> or <c>+02</c> behind a date and a time.</summary>
    private static bool HasOffset(ReadOnlySpan<byte> text) => text.Length > 16 && text[16..].LastIndexOfAny((byte)'+', (byte)'-') >= 0;
}
