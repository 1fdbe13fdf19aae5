using System.Text;

namespace Matih.Kafka;

/// <summary>Which records a reader sees of transactions.</summary>
public enum IsolationLevel
{
    /// <summary>Only records of committed transactions, up to the oldest open one.</summary>
    ReadCommitted,
    /// <summary>Everything, aborted records too.</summary>
    ReadUncommitted,
}

/// <summary>How to reach a cluster and read from it. Data only; <see cref="ToString"/> shows no secrets.</summary>
public sealed record KafkaSettings
{
    private const string IsolationProperty = "isolation.level";

    /// <summary>Host and port of one or more brokers, separated by commas.</summary>
    public required string BootstrapServers { get; init; }

    /// <summary>The group whose offsets dashboards look at; null stores and looks up none. Never joined, never a position.</summary>
    public string? GroupId { get; init; }

    /// <summary>What the broker's logs and quotas call us. Default <c>matih</c>.</summary>
    public string ClientId { get; init; } = "matih";

    /// <summary>Any other librdkafka property; one that stands here wins over the defaults of this record. See <see cref="Validate()"/>.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// What records fetched ahead may take, default 64 MiB: half for keys and values, a quarter for librdkafka's own data per
    /// record, a quarter for answers of brokers on their way (compressed: what one answer unpacks to comes on top).
    /// </summary>
    public long QueueBytes { get; init; } = 64L << 20;

    /// <summary>The most queues that an assignment will have: <see cref="QueueBytes"/> is shared out among them. Default 4.</summary>
    public int QueueCountMax { get; init; } = 4;

    /// <summary>How long a question to the cluster may go unanswered. Default 30 s: longer than a broker's restart usually keeps a partition without leader.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whether the cluster is librdkafka's mock: it cannot look up offsets by time, which is then refused, and has no
    /// controller, which would be asked for topic ids.
    /// </summary>
    public bool IsMockCluster { get; init; }

    /// <summary>Read committed, unless the properties say otherwise.</summary>
    public IsolationLevel Isolation =>
        Properties.TryGetValue(IsolationProperty, out var level) && level == "read_uncommitted" ? IsolationLevel.ReadUncommitted : IsolationLevel.ReadCommitted;

    internal bool UsesOAuthBearer => Mechanism.Equals("OAUTHBEARER", StringComparison.OrdinalIgnoreCase);

    /// <summary>The brokers for a message.</summary>
    internal string Address => KafkaProperties.Shown("bootstrap.servers", BootstrapServers);

    private string Mechanism => Properties.GetValueOrDefault("sasl.mechanisms") ?? Properties.GetValueOrDefault("sasl.mechanism") ?? "";

    /// <summary>All that is wrong with the settings as far as can be known without librdkafka; empty if nothing is.</summary>
    public IReadOnlyList<KafkaPropertyError> Validate()
    {
        var errors = new List<KafkaPropertyError>();
        if (string.IsNullOrWhiteSpace(BootstrapServers)) errors.Add(new("bootstrap.servers", "No broker is given: host and port of at least one are needed."));
        if (GroupId is "") errors.Add(new("group.id", "The consumer group's name is empty."));
        if (QueueBytes < 1 << 20) errors.Add(new("queued.max.messages.kbytes", $"{Quantity.Bytes(QueueBytes)} for records fetched ahead is too little: give at least 1 MiB."));
        foreach (var property in Properties.Keys)
            if (KafkaProperties.Reserved.TryGetValue(property, out var reason))
                errors.Add(new(property, $"The property {property} cannot be set: {reason}."));
        return errors;
    }

    /// <summary>The same settings, for a connection that looks at what transactions hide.</summary>
    internal KafkaSettings ReadingUncommitted() => this with { Properties = new Dictionary<string, string>(Properties) { [IsolationProperty] = "read_uncommitted" } };

    /// <summary>The properties of the connection that reads records.</summary>
    internal Dictionary<string, string> ReaderProperties(string topic)
    {
        var properties = Common(topic);
        var queues = Math.Max(1, QueueCountMax);
        // An answer being unpacked, and one being received, may be under way while the queues are full.
        properties["fetch.max.bytes"] = Text(Math.Clamp(QueueBytes / 4, 1 << 20, 50 << 20));
        properties["max.partition.fetch.bytes"] = Text(Math.Clamp(QueueBytes / 4 / queues, 256 << 10, 8 << 20));
        properties["queued.max.messages.kbytes"] = Text(Math.Clamp(QueueBytes / 2 / queues >> 10, 256, 2097151));
        // A queued record takes some 400 bytes of librdkafka's own.
        properties["queued.min.messages"] = Text(Math.Clamp(QueueBytes / 4 / queues / 400, 1000, 1_000_000));
        // A partition's end is known once a fetch at the end has been answered, so its wait is the delay of that.
        properties["fetch.wait.max.ms"] = "100";
        // Looked at again after the default of 1 s, a queue would run empty in between.
        properties["fetch.queue.backoff.ms"] = "2";
        Override(properties);
        return properties;
    }

    /// <summary>
    /// The properties of the connection that asks: small queues, and fetches that do not keep other requests waiting. A record that
    /// is looked up comes with its record batch, which a broker gives whole however little is asked for, and nothing behind it.
    /// </summary>
    /// <param name="scans">Whether it fetches long ranges, as fast as they come.</param>
    internal Dictionary<string, string> ControlProperties(string topic, bool scans = false)
    {
        var properties = Common(topic);
        Override(properties);
        properties["queued.min.messages"] = scans ? "50000" : "1";
        properties["queued.max.messages.kbytes"] = "8192";
        if (!scans)
        {
            properties.Remove("fetch.message.max.bytes");
            properties["max.partition.fetch.bytes"] = "1024";
        }
        properties["fetch.wait.max.ms"] = "50";
        properties["fetch.queue.backoff.ms"] = "2";
        properties["statistics.interval.ms"] = "0";
        properties.Remove("fetch.min.bytes");
        // How long librdkafka keeps a commit that has no coordinator, and with it the connection's end.
        properties["session.timeout.ms"] = "6000";
        properties.Remove("heartbeat.interval.ms");
        return properties;
    }

    /// <summary>The properties of a connection that sits in a consumer group and reads nothing.</summary>
    internal Dictionary<string, string> MemberProperties(string topic, string group)
    {
        var properties = Common(topic);
        // A member that died is missed after this long: the shortest that brokers allow by default.
        properties["session.timeout.ms"] = "6000";
        properties["heartbeat.interval.ms"] = "1000";
        Override(properties);
        properties["group.id"] = group;
        // Also how long the group waits for a member that is alive and does not answer. A member answers from a task of its own.
        properties["max.poll.interval.ms"] = "300000";
        // All members must use the same, whichever version they are of.
        properties["partition.assignment.strategy"] = "range";
        // New partitions are noticed within this time.
        properties["topic.metadata.refresh.interval.ms"] = "10000";
        properties["statistics.interval.ms"] = "0";
        return properties;
    }

    private Dictionary<string, string> Common(string topic) => new()
    {
        ["bootstrap.servers"] = BootstrapServers,
        ["client.id"] = ClientId,
        // rd_kafka_assign asks for a group, although none is joined.
        ["group.id"] = GroupId ?? $"matih-{topic}",
        [IsolationProperty] = "read_committed",
        ["check.crcs"] = "true",
        // Back-pressure is not polling, for as long as it takes: the most that librdkafka allows.
        ["max.poll.interval.ms"] = "86400000",
        ["enable.auto.commit"] = "false",
        ["enable.auto.offset.store"] = "false",
        ["auto.offset.reset"] = "error",
        ["enable.partition.eof"] = "true",
        ["allow.auto.create.topics"] = "false",
        ["log.queue"] = "true",
    };

    private void Override(Dictionary<string, string> properties)
    {
        foreach (var (property, value) in Properties) properties[property] = value;
        // Two names of one property: the user's must not meet our default.
        if (Properties.ContainsKey("fetch.message.max.bytes")) properties.Remove("max.partition.fetch.bytes");
    }

    private static string Text(long value) => value.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private bool PrintMembers(StringBuilder text)
    {
        text.Append(System.Globalization.CultureInfo.InvariantCulture, $"BootstrapServers = {Address}, GroupId = {GroupId}, ClientId = {ClientId}, ");
        text.Append(System.Globalization.CultureInfo.InvariantCulture, $"QueueBytes = {QueueBytes}, QueueCountMax = {QueueCountMax}, CallTimeout = {CallTimeout}, IsMockCluster = {IsMockCluster}, Properties = [");
        text.AppendJoin(", ", Properties.Select(property => $"{property.Key}={KafkaProperties.Shown(property.Key, property.Value)}"));
        text.Append(']');
        return true;
    }
}
