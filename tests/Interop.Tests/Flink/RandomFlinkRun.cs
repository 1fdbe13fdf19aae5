using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Flink;

/// <summary>Some random pipelines as one definition, which <c>matih run</c> and one job of Flink bring into two warehouses.</summary>
internal sealed class RandomFlinkRun(FlinkSession flink, KafkaBroker broker, IReadOnlyList<RandomFlinkPipeline> pipelines)
{
    private readonly FlinkPipeline _group = new(TemporaryDirectory.New(), flink, broker.Bootstrap, KafkaBroker.NewName("random"));

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private string OwnWarehouse => $"{_group.Warehouse}.run";

    public string Definition { get; } = $$"""
        metadata: { name: "${NAME}" }
        sources:
        {{string.Concat(pipelines.Select(pipeline => pipeline.Source))}}{{(pipelines.All(pipeline => pipeline.Transformations.Length == 0) ? "" : "transformations:\n")}}{{string.Concat(pipelines.Select(pipeline => pipeline.Transformations))}}sinks:
        {{string.Concat(pipelines.Select(pipeline => pipeline.Sinks))}}orchestration: { engine: flink, checkpoint_interval: 500ms, parallelism: {{1 + pipelines[0].Seed % 2}}, max_retries: 0 }

        """;

    /// <summary>How many rows of equal tables were compared.</summary>
    public int EqualRowCount { get; private set; }

    /// <summary>Runs both; the result is every difference between their tables, none where they are equal.</summary>
    /// <exception cref="InvalidOperationException">One of them failed.</exception>
    public async Task<IReadOnlyList<string>> CompareAsync()
    {
        await ProduceAsync();
        _group.Write(Definition);
        await Task.WhenAll(RunHereAsync(), RunOnFlinkAsync());
        var differences = new List<string>();
        foreach (var pipeline in pipelines)
            foreach (var table in pipeline.Tables)
                if (await DifferenceAsync(table) is { } difference) differences.Add($"Seed {pipeline.Seed} (MATIH_SEED={pipeline.Seed} MATIH_RUNS=1 repeats it), {table}: {difference}\n{pipeline.Source}{pipeline.Transformations}{pipeline.Sinks}");
        return differences;
    }

    private string TopicOf(RandomFlinkPipeline pipeline) => $"{_group.Topic}.{pipeline.TopicSuffix}";

    private async Task ProduceAsync()
    {
        var client = await broker.ClientAsync();
        foreach (var pipeline in pipelines)
        {
            // Records have times of many years, and no broker may take the old ones away meanwhile.
            await client.CreateTopicAsync(TopicOf(pipeline), pipeline.Partitions, ("retention.ms", "-1"));
            await client.ProduceAsync(TopicOf(pipeline), pipeline.Records);
            // For whoever looks for the cause of a difference.
            _group.WriteFile($"records-{pipeline.Seed}.txt", pipeline.Records.GroupBy(record => record.Partition)
                .SelectMany(partition => partition.Select((record, offset) => $"{partition.Key}@{offset} key {Shown(record.Key)} value {Shown(record.Value)}")));
        }
    }

    /// <summary>Under another name, as the consumer group remembers which table a pipeline of that name has written.</summary>
    private async Task RunHereAsync() =>
        Expect("matih run", await _group.CommandAsync("run", "pipeline.yaml", "--until-caught-up", "--warehouse", OwnWarehouse, "--set", $"metadata.name={_group.Name}-run"));

    private async Task RunOnFlinkAsync()
    {
        var id = Guid.NewGuid().ToString("N");
        Expect("matih deploy", await _group.TryDeployAsync("--job-id", id));
        try
        {
            if (!await WaitUntilReadAsync(id)) return;
        }
        catch
        {
            // Its slots are wanted by the next ones.
            await _group.CommandAsync("flink", "stop", id);
            throw;
        }
        Expect("matih flink stop", await _group.CommandAsync("flink", "stop", id));
    }

    private static void Expect(string command, ProcessOutput output)
    {
        if (output.ExitCode != 0) throw new InvalidOperationException($"{command} failed with exit code {output.ExitCode}: {output.StandardError}");
    }

    /// <summary>
    /// Waits until a checkpoint of the job stands at the end of every partition: what is stopped then has read all, whatever it made of it.
    /// False where the job has ended, as none of its statements can give a row: Flink's planner then leaves the source out.
    /// </summary>
    private async Task<bool> WaitUntilReadAsync(string job)
    {
        using var http = new HttpClient();
        var client = await broker.ClientAsync();
        var ends = new List<(string Topic, int Partition, long End)>();
        var plan = await http.GetStringAsync($"{flink.JobManager}/jobs/{job}/plan");
        foreach (var pipeline in pipelines.Where(pipeline => plan.Contains($"s{pipeline.Seed}.topic", StringComparison.Ordinal)))
            ends.AddRange((await client.OffsetsAsync(TopicOf(pipeline))).Where(partition => partition.End > 0).Select(partition => (TopicOf(pipeline), partition.Partition, partition.End)));
        var limit = DateTime.UtcNow + TimeSpan.FromMinutes(2);
        while (true)
        {
            var checkpoint = await CheckpointAsync(job);
            var missing = ends.Where(end => PositionIn(checkpoint, end.Topic, end.Partition) < end.End).ToList();
            var state = await StateAsync(http, job);
            if (state == "FINISHED" && ends.Count == 0) return false;
            if (state is not ("RUNNING" or "CREATED")) throw new InvalidOperationException($"Flink's job is {state}: {await CauseAsync(http, job)}");
            if (missing.Count == 0 && ends.Count != 0) return true;
            if (DateTime.UtcNow > limit) throw new InvalidOperationException($"No checkpoint of Flink's job stands behind {string.Join(", ", missing)}.");
            await Task.Delay(100);
        }
    }

    /// <summary>All of the newest checkpoint's bytes; none where there is no whole one.</summary>
    private async Task<byte[]> CheckpointAsync(string job)
    {
        try
        {
            if (flink.NewestCheckpointOf(job) is not { } newest) return [];
            var bytes = new List<byte>();
            foreach (var file in Directory.GetFiles(newest)) bytes.AddRange(await File.ReadAllBytesAsync(file));
            return [.. bytes];
        }
        catch (IOException)
        {
            // Flink removes a checkpoint when the next one is there.
            return [];
        }
    }

    /// <summary>
    /// A split as Flink's Kafka connector writes it: the topic with its length, the partition, the next offset, and no end, which tells it from the
    /// enumerator's list of partitions. -1 where it is not there.
    /// </summary>
    private static long PositionIn(ReadOnlySpan<byte> checkpoint, string topic, int partition)
    {
        var split = new byte[2 + topic.Length + 4];
        BinaryPrimitives.WriteInt16BigEndian(split, (short)topic.Length);
        Encoding.ASCII.GetBytes(topic, split.AsSpan(2));
        BinaryPrimitives.WriteInt32BigEndian(split.AsSpan(2 + topic.Length), partition);
        for (var at = checkpoint.IndexOf(split); at >= 0; at = checkpoint.IndexOf(split))
        {
            checkpoint = checkpoint[(at + split.Length)..];
            if (checkpoint.Length >= 16 && BinaryPrimitives.ReadInt64BigEndian(checkpoint[8..]) == long.MinValue) return BinaryPrimitives.ReadInt64BigEndian(checkpoint);
        }
        return -1;
    }

    private async Task<string?> StateAsync(HttpClient http, string job)
    {
        using var found = JsonDocument.Parse(await http.GetStringAsync($"{flink.JobManager}/jobs/{job}"));
        return found.RootElement.GetProperty("state").GetString();
    }

    private async Task<string> CauseAsync(HttpClient http, string job)
    {
        using var exceptions = JsonDocument.Parse(await http.GetStringAsync($"{flink.JobManager}/jobs/{job}/exceptions"));
        var causes = (exceptions.RootElement.GetProperty("root-exception").GetString() ?? "").Split('\n').Where(line => line.StartsWith("Caused by:", StringComparison.Ordinal)).ToList();
        return causes.Count == 0 ? "no exception is known" : causes[^1];
    }

    private async Task<string?> DifferenceAsync(string table)
    {
        var ours = Path.Combine([OwnWarehouse, .. table.Split('.')]);
        var theirs = _group.TableFolder(table);
        var (ourShape, theirShape) = (await ShapeAsync(ours), await ShapeAsync(theirs));
        if (ourShape != theirShape) return $"the tables differ.\n  matih {ourShape}\n  Flink {theirShape}";
        var (ourRows, theirRows) = (await RowsAsync(ours), await RowsAsync(theirs));
        var (more, less) = (Without(ourRows, theirRows), Without(theirRows, ourRows));
        if (more.Count + less.Count == 0)
        {
            EqualRowCount += ourRows.Count;
            return null;
        }
        return $"of {ourRows.Count} rows here and {theirRows.Count} on Flink, these are only in one.\n{Shown("matih", more)}{Shown("Flink", less)}";
    }

    private static string Shown(byte[]? text) => text is null ? "null" : JsonSerializer.Serialize(Encoding.UTF8.GetString(text), Relaxed);

    private static string Shown(string engine, List<string> rows) => string.Concat(rows.Order(StringComparer.Ordinal).Take(4).Select(row => $"  {engine} {row}\n")) + (rows.Count > 4 ? $"  {engine} and {rows.Count - 4} more\n" : "");

    private static List<string> Without(IReadOnlyList<string> rows, IReadOnlyList<string> others)
    {
        var counts = others.GroupBy(row => row, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal);
        var left = new List<string>();
        foreach (var row in rows)
        {
            var count = counts.GetValueOrDefault(row);
            if (count == 0) left.Add(row);
            else counts[row] = count - 1;
        }
        return left;
    }

    private static async Task<IReadOnlyList<string>> RowsAsync(string folder) => [.. (await IcebergReference.ScanAsync(folder)).Select(row => row.GetRawText())];

    /// <summary>Names, types, nullability and partition fields.</summary>
    private static async Task<string> ShapeAsync(string folder)
    {
        var info = await IcebergReference.InfoAsync(folder);
        var schema = info.GetProperty("schemas").EnumerateArray().Single(schema => schema.GetProperty("schema-id").GetInt32() == info.GetProperty("current-schema-id").GetInt32()).GetProperty("fields").EnumerateArray().ToList();
        var spec = info.GetProperty("partition-specs").EnumerateArray().Single(spec => spec.GetProperty("spec-id").GetInt32() == info.GetProperty("default-spec-id").GetInt32()).GetProperty("fields").EnumerateArray().ToList();
        var names = schema.ToDictionary(field => field.GetProperty("id").GetInt32(), field => field.GetProperty("name").GetString());
        return string.Join(", ", schema.Select(field => $"{field.GetProperty("name")} {field.GetProperty("type")}{(field.GetProperty("required").GetBoolean() ? " required" : "")}"))
            + " by " + string.Join(", ", spec.Select(field => $"{field.GetProperty("transform")}({names[field.GetProperty("source-id").GetInt32()]}) as {field.GetProperty("name")}"));
    }
}
