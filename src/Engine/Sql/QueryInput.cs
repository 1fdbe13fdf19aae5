using Matih.Batches;

namespace Matih.Sql;

/// <summary>What a source's record values are; decides what the decoder can answer on behalf of a query.</summary>
public enum InputFormat
{
    /// <summary>Every value is one JSON document: JSON_VALUE(value, 'path') is answered while decoding.</summary>
    Json,
    /// <summary>Values are handed on as they are.</summary>
    Raw,
    /// <summary>Values are decoded by a schema of their own (Avro, Protobuf, CSV, a change format).</summary>
    Typed,
}

/// <summary>
/// What a query may name. Fields of <paramref name="Schema"/> win over record metadata of the same name.
/// </summary>
/// <param name="Name">The table's name in messages and in FROM; <c>{{ input }}</c> always works.</param>
/// <param name="Schema">The typed columns of the source; null where it declares none.</param>
/// <param name="HasRecordMetadata">
/// Whether value, key, topic, partition, offset, timestamp, timestamp_type, event_timestamp and headers['name'] exist.
/// </param>
/// <param name="Format">What the record values are.</param>
public sealed record QueryInput(string Name, RowType? Schema, bool HasRecordMetadata, InputFormat Format);

/// <summary>What a statement's meaning depends on besides its text.</summary>
public sealed record QuerySettings
{
    public static QuerySettings Default { get; } = new();

    /// <summary>The zone that TIMESTAMP_LTZ is shown and parsed in. Default UTC, so that a result does not depend on the machine.</summary>
    public TimeZoneInfo TimeZone { get; init; } = TimeZoneInfo.Utc;
}
