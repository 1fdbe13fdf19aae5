namespace Matih.Definition.Format;

/// <summary>Where the options of Flink's Kafka connector and JSON format are in a definition, for those who come from Flink.</summary>
internal static class FlinkNames
{
    private static readonly Dictionary<string, string> Keys = new(StringComparer.Ordinal)
    {
        ["connector"] = "sources.NAME.type",
        ["properties.bootstrap.servers"] = "sources.NAME.connection",
        ["properties.group.id"] = "sources.NAME.consumer_group",
        ["properties.isolation.level"] = "sources.NAME.isolation_level",
        ["scan.startup.mode"] = "sources.NAME.start_offset",
        ["scan.startup.timestamp-millis"] = "sources.NAME.start_offset",
        ["table.local-time-zone"] = "orchestration.time_zone",
        ["value.format"] = "sources.NAME.format",
        ["json.fail-on-missing-field"] = "sources.NAME.json.fail_on_missing_field",
        ["json.ignore-parse-errors"] = "sources.NAME.json.ignore_parse_errors",
        ["json.timestamp-format.standard"] = "sources.NAME.json.timestamp_format",
    };

    /// <summary>The key that does what Flink's option does; null for what is no option of Flink's.</summary>
    /// <param name="option">With the format's prefix or without it.</param>
    public static string? KeyOf(string option) => Keys.GetValueOrDefault(option) ?? Keys.GetValueOrDefault("json." + option);
}
