namespace Matih.Decoding;

/// <summary>How text in JSON strings is read as TIMESTAMP and TIMESTAMP_LTZ.</summary>
public enum TimestampStandard
{
    /// <summary><c>2024-01-02 03:04:05.678</c>, with a <c>Z</c> at the end for TIMESTAMP_LTZ.</summary>
    Sql,
    /// <summary><c>2024-01-02T03:04:05.678</c>, with a <c>Z</c> at the end for TIMESTAMP_LTZ; seconds may be left out.</summary>
    Iso8601,
}

/// <summary>The options of Flink's json format that decide what a record becomes.</summary>
/// <remarks>Source: Apache Flink 1.20, "JSON Format", format options; the option is named at each member.</remarks>
public sealed record JsonDecodeSettings
{
    /// <summary><c>fail-on-missing-field</c>: rejects a record that lacks a member of the schema. Default false: the field is NULL.</summary>
    public bool FailOnMissingField { get; init; }

    /// <summary>
    /// <c>ignore-parse-errors</c>: a member of the wrong type becomes NULL. Default false: the record is rejected. A value
    /// that is not one JSON document is rejected in either case, so that no record vanishes without being counted.
    /// </summary>
    public bool IgnoreParseErrors { get; init; }

    /// <summary><c>timestamp-format.standard</c>. Default SQL, as in Flink.</summary>
    public TimestampStandard TimestampStandard { get; init; } = TimestampStandard.Sql;

    /// <summary>
    /// Whether a value must be a JSON object, as it must wherever a schema field is read. To be set for every source with
    /// a <c>schema:</c>, so that a record's fate does not depend on the columns that a query happens to read. Default false.
    /// </summary>
    public bool RequiresObject { get; init; }
}
