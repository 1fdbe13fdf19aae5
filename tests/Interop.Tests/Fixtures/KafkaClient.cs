using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Matih.Fixtures;

/// <summary>A record to produce, or as an independent consumer saw it. Null key or value is Kafka's null.</summary>
public sealed record KafkaRecord(
    byte[]? Key, byte[]? Value, int Partition = 0, long? TimestampMillis = null, IReadOnlyList<(string Name, byte[]? Value)>? Headers = null, long Offset = -1)
{
    /// <summary>A record with a text value and no key.</summary>
    public static KafkaRecord Text(string value, int partition = 0, long? timestampMillis = null) =>
        new(null, System.Text.Encoding.UTF8.GetBytes(value), partition, timestampMillis);
}

/// <summary>A partition's first readable offset and the offset after its last record.</summary>
public sealed record KafkaOffsets(int Partition, long LogStart, long End);

/// <summary>
/// An independent Kafka client (confluent-kafka for Python, in a helper process that answers in milliseconds where Kafka's
/// own tools take a second each). Thread-safe. Every call returns when the broker has answered.
/// </summary>
public sealed class KafkaClient : IAsyncDisposable
{
    private readonly ExternalProcess _process;
    private readonly ConcurrentDictionary<long, TaskCompletionSource<JsonElement>> _waiting = new();
    private readonly SemaphoreSlim _input = new(1);
    private readonly Task _reading;
    private long _lastId;

    private KafkaClient(ExternalProcess process)
    {
        _process = process;
        _reading = process.Output.ForEachAsync(Answer);
    }

    /// <summary>Starts the helper; its virtual environment is made once, from wheels, in the tools cache.</summary>
    public static async Task<KafkaClient> ConnectAsync(string bootstrap)
    {
        var python = await PythonEnvironment.EnsureAsync("kafka-client", SharedTools.Find("kafka/wheels"), "confluent-kafka");
        var script = Path.Combine(AppContext.BaseDirectory, "Fixtures", "kafka_client.py");
        return new KafkaClient(ExternalProcess.Start(python, [script, bootstrap], keepInputOpen: true));
    }

    /// <summary>Creates a topic and waits until the broker shows it.</summary>
    public Task CreateTopicAsync(string topic, int partitions = 1, params (string Name, string Value)[] configs) =>
        CallAsync("create_topic", new JsonObject { ["topic"] = topic, ["partitions"] = partitions, ["configs"] = Configs(configs) });

    /// <summary>Deletes a topic and waits until it is gone.</summary>
    public Task DeleteTopicAsync(string topic) => CallAsync("delete_topic", new JsonObject { ["topic"] = topic });

    /// <summary>Raises the number of partitions.</summary>
    public Task AddPartitionsAsync(string topic, int partitionsInAll) =>
        CallAsync("add_partitions", new JsonObject { ["topic"] = topic, ["partitions"] = partitionsInAll });

    public Task AlterTopicAsync(string topic, params (string Name, string Value)[] configs) =>
        CallAsync("alter_topic", new JsonObject { ["topic"] = topic, ["configs"] = Configs(configs) });

    /// <summary>The topic's id as Kafka prints it (base64url).</summary>
    public async Task<string> TopicIdAsync(string topic) =>
        (await CallAsync("topic_id", new JsonObject { ["topic"] = topic })).GetString()!;

    public async Task<string> ClusterIdAsync() => (await CallAsync("cluster_id", [])).GetString()!;

    /// <summary>Deletes the records before an offset, as retention does.</summary>
    public Task DeleteRecordsAsync(string topic, int partition, long beforeOffset) =>
        CallAsync("delete_records", new JsonObject { ["topic"] = topic, ["partition"] = partition, ["offset"] = beforeOffset });

    /// <summary>Offsets of every partition, in order; the end counts records of open transactions too.</summary>
    public async Task<IReadOnlyList<KafkaOffsets>> OffsetsAsync(string topic) =>
        [.. (await CallAsync("offsets", new JsonObject { ["topic"] = topic })).EnumerateArray()
            .Select(item => new KafkaOffsets(item[0].GetInt32(), item[1].GetInt64(), item[2].GetInt64()))];

    /// <summary>Produces records, in order per partition, and waits for their delivery.</summary>
    /// <param name="compression">none, gzip, snappy, lz4 or zstd.</param>
    public Task ProduceAsync(string topic, IEnumerable<KafkaRecord> records, string compression = "none") =>
        CallAsync("produce", new JsonObject { ["topic"] = topic, ["compression"] = compression, ["records"] = Records(records) });

    /// <summary>Produces text values to partition 0, or to one that is named.</summary>
    public Task ProduceTextAsync(string topic, IEnumerable<string> values, int partition = 0) =>
        ProduceAsync(topic, values.Select(value => KafkaRecord.Text(value, partition)));

    /// <summary>Produces every line of a file, line i to partition i modulo <paramref name="partitions"/>; some 300,000 records a second.</summary>
    public async Task<long> ProduceFileAsync(string topic, string path, int partitions = 1, string compression = "zstd") =>
        (await CallAsync("produce_file", new JsonObject { ["topic"] = topic, ["path"] = path, ["partitions"] = partitions, ["compression"] = compression })).GetInt64();

    /// <summary>Begins a transaction of a new transactional producer.</summary>
    public async Task<KafkaTransaction> BeginTransactionAsync(string? transactionalId = null)
    {
        var id = transactionalId ?? KafkaBroker.NewName("transaction");
        await CallAsync("begin", new JsonObject { ["id"] = id });
        return new KafkaTransaction(this, id);
    }

    /// <summary>All records from the log's start to its end now, by partition and offset, as a read-committed consumer sees them.</summary>
    public async Task<IReadOnlyList<KafkaRecord>> ConsumeAsync(string topic, bool readUncommitted = false) =>
        [.. (await CallAsync("consume", new JsonObject { ["topic"] = topic, ["uncommitted"] = readUncommitted })).EnumerateArray().Select(ParseRecord)];

    /// <summary>
    /// The offsets that a group has committed for a topic, by partition; partitions without one are left out. This
    /// client stores metadata with a terminating zero, and reads metadata without one past its end.
    /// </summary>
    public async Task<IReadOnlyDictionary<int, (long Offset, string? Metadata)>> GroupOffsetsAsync(string group, string topic) =>
        (await CallAsync("group_offsets", new JsonObject { ["group"] = group, ["topic"] = topic })).EnumerateArray()
            .ToDictionary(item => item[0].GetInt32(), item => (item[1].GetInt64(), item[2].GetString()));

    /// <summary>Sets a group's offsets from outside, as an operator would.</summary>
    public Task CommitGroupOffsetAsync(string group, string topic, int partition, long offset, string metadata = "") =>
        CallAsync("commit_group", new JsonObject { ["group"] = group, ["topic"] = topic, ["partition"] = partition, ["offset"] = offset, ["metadata"] = metadata });

    public async Task<KafkaGroup> GroupAsync(string group)
    {
        var answer = await CallAsync("describe_group", new JsonObject { ["group"] = group });
        return new KafkaGroup(
            answer.GetProperty("assignor").GetString()!,
            [.. answer.GetProperty("members").EnumerateArray().Select(member => member.EnumerateArray().Select(item => (item[0].GetString()!, item[1].GetInt32())).ToArray())]);
    }

    /// <summary>Deletes a group that has no members, with its offsets.</summary>
    public Task DeleteGroupAsync(string group) => CallAsync("delete_group", new JsonObject { ["group"] = group });

    /// <summary>The names of all topics.</summary>
    public async Task<IReadOnlyList<string>> TopicNamesAsync() => [.. (await CallAsync("topic_names", [])).EnumerateArray().Select(name => name.GetString()!)];

    /// <summary>Adds a rule (ACL) for a user.</summary>
    /// <param name="right">For example <c>ALL</c> or <c>DESCRIBE</c>.</param>
    /// <param name="resource"><c>GROUP</c> or <c>TOPIC</c>.</param>
    public Task AddAclAsync(string user, bool allow, string right, string resource, string name) =>
        CallAsync("add_acl", new JsonObject { ["principal"] = $"User:{user}", ["allow"] = allow, ["right"] = right, ["resource"] = resource, ["name"] = name });

    /// <summary>Removes a rule that allows; it must be there.</summary>
    public Task RemoveAclAsync(string user, string right, string resource, string name) =>
        CallAsync("remove_acl", new JsonObject { ["principal"] = $"User:{user}", ["right"] = right, ["resource"] = resource, ["name"] = name });

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        await _reading;
    }

    internal async Task<JsonElement> CallAsync(string operation, JsonObject arguments)
    {
        var id = Interlocked.Increment(ref _lastId);
        arguments["call"] = id;
        arguments["operation"] = operation;
        var answer = _waiting[id] = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _input.WaitAsync();
        try
        {
            await _process.Input.WriteLineAsync(arguments.ToJsonString());
            await _process.Input.FlushAsync();
        }
        finally
        {
            _input.Release();
        }
        return await answer.Task.WaitAsync(ExternalProcess.WaitMax);
    }

    internal static JsonArray Records(IEnumerable<KafkaRecord> records) =>
        [.. records.Select(record => (JsonNode?)new JsonArray(
            record.Partition,
            Base64(record.Key),
            Base64(record.Value),
            record.TimestampMillis,
            new JsonArray([.. (record.Headers ?? []).Select(header => (JsonNode?)new JsonArray(header.Name, Base64(header.Value)))])))];

    private static JsonObject Configs((string Name, string Value)[] configs)
    {
        var json = new JsonObject();
        foreach (var (name, value) in configs) json[name] = value;
        return json;
    }

    private static string? Base64(byte[]? bytes) => bytes is null ? null : Convert.ToBase64String(bytes);

    private static byte[]? Bytes(JsonElement value) => value.GetString() is { } text ? Convert.FromBase64String(text) : null;

    private static KafkaRecord ParseRecord(JsonElement item) => new(
        Bytes(item[2]), Bytes(item[3]), item[0].GetInt32(), item[4].GetInt64(),
        [.. item[5].EnumerateArray().Select(header => (header[0].GetString()!, Bytes(header[1])))], item[1].GetInt64());

    private void Answer(string? line)
    {
        if (line is null)
        {
            foreach (var pending in _waiting.Values)
                pending.TrySetException(new InvalidOperationException($"The Kafka client process ended:\n{_process.Error.Text}"));
            return;
        }
        using var document = JsonDocument.Parse(line);
        var answer = document.RootElement;
        if (!_waiting.TryRemove(answer.GetProperty("call").GetInt64(), out var waiting)) return;
        if (answer.TryGetProperty("error", out var error)) waiting.SetException(new InvalidOperationException(error.GetString()));
        else waiting.SetResult(answer.GetProperty("result").Clone());
    }
}

/// <summary>A group as its broker sees it: how partitions are dealt, and each member's topics and partitions.</summary>
public sealed record KafkaGroup(string Assignor, IReadOnlyList<IReadOnlyList<(string Topic, int Partition)>> Members);

/// <summary>An open transaction of a producer of its own. Left open, it blocks read-committed consumers until it times out (60 s).</summary>
public sealed class KafkaTransaction(KafkaClient client, string id)
{
    public string TransactionalId => id;

    /// <summary>Produces inside the transaction and waits for the records' delivery.</summary>
    public Task ProduceAsync(string topic, IEnumerable<KafkaRecord> records) =>
        client.CallAsync("produce_transactional", new JsonObject { ["id"] = id, ["topic"] = topic, ["records"] = KafkaClient.Records(records) });

    public Task CommitAsync() => client.CallAsync("commit", new JsonObject { ["id"] = id });

    public Task AbortAsync() => client.CallAsync("abort", new JsonObject { ["id"] = id });

    /// <summary>Begins the same producer's next transaction, after commit or abort.</summary>
    public Task BeginAgainAsync() => client.CallAsync("begin_again", new JsonObject { ["id"] = id });
}
