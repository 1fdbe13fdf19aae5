namespace Matih.Definition.Format;

/// <summary>librdkafka properties that <c>properties:</c> must not set, and what to do instead.</summary>
internal static class KafkaPropertyNames
{
    /// <summary>Reserved for the engine: any other value would lose or double records.</summary>
    public static IReadOnlyDictionary<string, string> Reserved { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["enable.auto.commit"] = "positions are kept in the table, not in the consumer group",
        ["enable.auto.offset.store"] = "positions are kept in the table, not in the consumer group",
        ["auto.offset.reset"] = "a lost position must stop the run; where to start is start_offset",
        ["enable.partition.eof"] = "the end of a partition tells positions past control records",
        ["group.instance.id"] = "partitions are assigned by the engine",
        ["group.protocol"] = "the members of a pipeline share its partitions out in one way",
        ["group.remote.assignor"] = "the members of a pipeline share its partitions out in one way",
        ["partition.assignment.strategy"] = "the members of a pipeline share its partitions out in one way",
    };

    /// <summary>Properties that have a key of their own in the definition.</summary>
    public static IReadOnlyDictionary<string, string> Dedicated { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["bootstrap.servers"] = "bootstrap_servers of the connection",
        ["metadata.broker.list"] = "bootstrap_servers of the connection",
        ["group.id"] = "consumer_group of the source",
        ["isolation.level"] = "isolation_level of the source",
        ["check.crcs"] = "check_crcs of the source",
    };

    /// <summary>Names that are not librdkafka's, by habit from other clients.</summary>
    public static string? AdviceFor(string name) => name switch
    {
        "auto.commit.enable" => "is reserved: positions are kept in the table, not in the consumer group",
        "sasl.jaas.config" => "belongs to the Java client; use security.mechanism, username and password of the connection",
        "max.poll.records" => "belongs to the Java client; a micro-batch is bounded by orchestration.max_records",
        "key.deserializer" or "value.deserializer" => "belongs to the Java client; use format of the source",
        _ when name.StartsWith("ssl.truststore.", StringComparison.Ordinal) => "belongs to the Java client; use security.ca of the connection (a PEM file)",
        _ when name.StartsWith("properties.", StringComparison.Ordinal) => $"is spelt as in Flink; here it is '{name["properties.".Length..]}'",
        _ when name.EndsWith("_cb", StringComparison.Ordinal) || name is "opaque" or "default_topic_conf" => "is set by programs, not by text",
        _ => null,
    };

    /// <summary>The same property under its other name, so that it cannot be set twice.</summary>
    public static string Canonical(string name) => name == "sasl.mechanisms" ? "sasl.mechanism" : name;
}
