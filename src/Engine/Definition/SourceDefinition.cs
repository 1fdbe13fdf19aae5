using Matih.Batches;
using Matih.Registry;

namespace Matih.Definition;

/// <summary>What a record's value is.</summary>
public enum RecordFormat
{
    /// <summary>One JSON document; anything else is a bad record.</summary>
    Json,
    /// <summary>Any bytes, handed on as text.</summary>
    Raw,
    /// <summary>Avro, written with a schema that the record names and a schema registry knows.</summary>
    Avro,
}

/// <summary>What becomes of a record that cannot be read.</summary>
public enum ErrorPolicy
{
    /// <summary>The run commits everything before it and stops. The default, because nothing is left out unseen.</summary>
    Fail,
    /// <summary>It is left out and counted in the ledger.</summary>
    Skip,
}

/// <summary>What happens where retention removed records that were not read yet.</summary>
public enum LostOffsetsPolicy
{
    /// <summary>The run refuses to continue and names the range. The default.</summary>
    Fail,
    /// <summary>The range is written into the ledger as lost.</summary>
    Skip,
}

/// <summary>How timestamps are written in JSON text, in Flink's words.</summary>
public enum JsonTimestampFormat
{
    /// <summary><c>2026-05-01 12:00:00.123</c>.</summary>
    Sql,
    /// <summary><c>2026-05-01T12:00:00.123</c>.</summary>
    Iso8601,
}

/// <summary>How typed columns are filled from JSON; Flink's options of the same names.</summary>
/// <param name="FailOnMissingField">A missing field makes a bad record; otherwise it is NULL.</param>
/// <param name="IgnoreParseErrors">A value that does not fit its column is NULL; otherwise it makes a bad record.</param>
/// <param name="TimestampFormat">How timestamps are written.</param>
public sealed record JsonDefinition(bool FailOnMissingField, bool IgnoreParseErrors, JsonTimestampFormat TimestampFormat);

/// <summary>A Kafka topic to read.</summary>
public sealed record SourceDefinition
{
    public required string Name { get; init; }

    /// <summary>Everything to hand to librdkafka for this source: the connection's properties, then the source's own, with <c>group.id</c>, <c>isolation.level</c> and <c>check.crcs</c>.</summary>
    public required KafkaConnection Connection { get; init; }

    public required string Topic { get; init; }

    /// <summary>The group that positions are shown under; never where they are read from.</summary>
    public required string ConsumerGroup { get; init; }

    public required RecordFormat Format { get; init; }

    public required StartOffset Start { get; init; }

    /// <summary>The value's typed fields; null where only <c>value</c> as text is wanted, or where they are not looked up yet. Every type can be held in a column.</summary>
    public required RowType? Schema { get; init; }

    /// <summary>Where the schema is that says the fields; null where the definition does. <see cref="SourceSchemas"/> looks it up.</summary>
    public SourceSchema? SchemaPlace { get; init; }

    /// <summary>The schema that was found there: what the values are taken for.</summary>
    public RegisteredSchema? Reader { get; init; }

    public required JsonDefinition Json { get; init; }

    public required ErrorPolicy OnError { get; init; }

    public required LostOffsetsPolicy OnLostOffsets { get; init; }

    /// <summary>Whether records of aborted and open transactions are left unread (<c>isolation.level</c>). Default true.</summary>
    public required bool ReadsCommittedOnly { get; init; }

    /// <summary>Whether the checksums of Kafka's record batches are verified. Default true.</summary>
    public required bool ChecksCrcs { get; init; }

    /// <summary>Null where none is given; only Avro needs one.</summary>
    public required RegistryDefinition? SchemaRegistry { get; init; }

    public required DefinitionPosition Position { get; init; }
}
