using System.Collections.Immutable;
using Matih.Batches;
using Matih.Definition.Shapes;

namespace Matih.Definition.Format;

/// <summary>Keys of an entry under <c>sources:</c>.</summary>
internal static class SourceKeys
{
    public static readonly Key<string> Type = new("type", new ChoiceShape<string>([("kafka", "kafka"), ("flink", "flink")],
        ("postgres", "is no source of this engine; use 'flink' with connector postgres-cdc, which a Flink cluster reads, or bring its changes into a Kafka topic")) { EndsMappingWhenNotYet = true }, "The kind of source.")
    {
        IsRequired = true,
        Example = "kafka",
    };

    public static readonly Key<string> Connection = new("connection", new ConnectionShape(),
        "Bootstrap servers (`host:port`, several separated by commas), or the name of an entry under `connections:`.")
    {
        IsRequired = true,
        Example = "broker-1:9092",
    };

    public static readonly Key<string> Topic = new("topic", new NameShape(Grammars.Topic), "The topic to read.") { IsRequired = true, Example = "web.clicks" };

    public static readonly Key<string> ConsumerGroup = new("consumer_group", new NameShape(Grammars.Group),
        "The group under which dashboards see how far the pipeline is. Positions are kept in the table, never read from the group.")
    {
        IsRequired = true,
        Example = "pipeline-clicks",
    };

    public static readonly Key<RecordFormat> Format = new("format", new ChoiceShape<RecordFormat>([("json", RecordFormat.Json), ("avro", RecordFormat.Avro), ("raw", RecordFormat.Raw)],
            ("protobuf", "is not supported in this version; use a JSON topic, or 'raw' for the bytes as text"),
            ("debezium", "is not supported in this version; with 'json' the change envelope can be taken apart by JSON_VALUE(value, '$.after.id')"),
            ("debezium-json", "is not supported in this version; with 'json' the change envelope can be taken apart by JSON_VALUE(value, '$.after.id')")),
        "`json`: every value is one JSON document, anything else is a bad record. `avro`: Avro with the frame of a schema registry's serializers. `raw`: any bytes, handed on as text.")
    {
        IsRequired = true,
        Example = "json",
    };

    public static readonly Key<string?> SchemaRegistry = new("schema_registry", new RegistryShape()!,
        "A schema registry: its address (several that serve the same schemas are separated by commas), or the name of an entry under `registries:`. Format avro needs one; with others it may be left out, and a variable in it may be unset.") { MayBeUnset = true };

    public static readonly Key<StartOffset> StartOffset = new("start_offset", new StartOffsetShape(),
        "Where the first start begins. Later starts continue from the table's ledger whatever this says, and partitions that are added later are read from their start.")
    {
        Default = new StartOffset.Earliest(),
        DefaultText = "earliest",
    };

    public static readonly Key<SourceSchema?> Schema = new("schema", new SourceSchemaShape()!,
        "Typed fields of the JSON document or the Avro record. Left out, SQL sees a JSON document as text in `value`; Avro needs it.");

    public static readonly Key<BoundMapping?> Json = new("json", new MappingShape(JsonKeys.Set)!, "How typed fields are read from JSON.");

    public static readonly Key<ErrorPolicy> OnError = new("on_error", new ChoiceShape<ErrorPolicy>([("fail", ErrorPolicy.Fail), ("skip", ErrorPolicy.Skip)],
            ("dead_letter", "needs a dead-letter table, and none can be configured in this version; use fail or skip")),
        "What becomes of a bad record. `fail` commits everything before it and stops; `skip` leaves it out and counts it in the ledger.")
    {
        DefaultText = "fail",
    };

    public static readonly Key<LostOffsetsPolicy> OnLostOffsets = new("on_lost_offsets",
        new ChoiceShape<LostOffsetsPolicy>([("fail", LostOffsetsPolicy.Fail), ("skip", LostOffsetsPolicy.Skip)]),
        "What happens when retention removed records before they were read. `fail` refuses to continue; `skip` writes the range into the ledger as lost.")
    {
        DefaultText = "fail",
    };

    public static readonly Key<bool> IsolationLevel = new("isolation_level", new ChoiceShape<bool>([("read_committed", true), ("read_uncommitted", false)]),
        "Whether records of open and aborted transactions are read.")
    {
        Default = true,
        DefaultText = "read_committed",
    };

    public static readonly Key<bool> CheckCrcs = new("check_crcs", new FlagShape(), "Whether the checksums of Kafka's record batches are verified.") { Default = true, DefaultText = "true" };

    public static readonly Key<ImmutableArray<TextPair>> Properties = new("properties", new TextMapShape("a mapping of librdkafka properties to values", Grammars.Property),
        "librdkafka properties for this source; they win over those of the connection.") { Default = [] };

    public static readonly KeySet Set = new("sources.NAME", "A Kafka topic. The name is what transformations and sinks call it.",
        Type, Connection, Topic, ConsumerGroup, Format, SchemaRegistry, StartOffset, Schema, Json, OnError, OnLostOffsets, IsolationLevel, CheckCrcs, Properties);
}

/// <summary>Keys of a source's <c>json:</c>.</summary>
internal static class JsonKeys
{
    public static readonly Key<bool> FailOnMissingField = new("fail_on_missing_field", new FlagShape(), "Whether a missing field makes a bad record; otherwise it is NULL.")
    {
        DefaultText = "false",
    };

    public static readonly Key<bool> IgnoreParseErrors = new("ignore_parse_errors", new FlagShape(), "Whether a value that does not fit its column is NULL; otherwise it makes a bad record.")
    {
        DefaultText = "false",
    };

    public static readonly Key<JsonTimestampFormat> TimestampFormat = new("timestamp_format",
        new ChoiceShape<JsonTimestampFormat>([("sql", JsonTimestampFormat.Sql), ("iso-8601", JsonTimestampFormat.Iso8601)]),
        "How timestamps are written: `2026-05-01 12:00:00.123` or `2026-05-01T12:00:00.123`.")
    {
        DefaultText = "sql",
    };

    public static readonly KeySet Set = new("sources.NAME.json", "What Flink's JSON options of these names do, written with `-` there; they need a `schema`.",
        FailOnMissingField, IgnoreParseErrors, TimestampFormat);
}
