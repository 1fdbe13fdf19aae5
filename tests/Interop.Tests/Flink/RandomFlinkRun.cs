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

    private string OwnWarehouse => $"{_group.Warehouse}.run";

    public string Definition { get; } = $$"""
        metadata: { name: "${NAME}" }
        sources:
        {{string.Concat(pipelines.Select(pipeline => pipeline.Source))}}{{(pipelines.All(pipeline => pipeline.Transformations.Length == 0) ? "" : "transformations:\n")}}{{string.Concat(pipelines.Select(pipeline => pipeline.Transformations))}}sinks:
        {{string.Concat(pipelines.Select(pipeline => pipeline.Sinks))}}orchestration: { engine: flink, checkpoint_interval: 500ms, parallelism: {{1 + pipelines[0].Seed % 2}}, max_retries: 0 }

        """;

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
            await client.CreateTopicAsync(TopicOf(pipeline), pipeline.Partitions);
            await client.ProduceAsync(TopicOf(pipeline), pipeline.Records);
        }
    }

    /// <summary>Under another name, as the consumer group remembers which table a pipeline of that name has written.</summary>
    private async Task RunHereAsync() =>
        Expect("matih run", await _group.CommandAsync("run", "pipeline.yaml", "--until-caught-up", "--warehouse", OwnWarehouse, "--set", $"metadata.name={_group.Name}-run"));

    private async Task RunOnFlinkAsync()
    {
        var id = Guid.NewGuid().ToString("N");
        Expect("matih deploy", await _group.TryDeployAsync("--job-id", id));
        await WaitUntilReadAsync(id);
        Expect("matih flink stop", await _group.CommandAsync("flink", "stop", id));
    }

    private static void Expect(string command, ProcessOutput output)
    {
        if (output.ExitCode != 0) throw new InvalidOperationException($"{command} failed with exit code {output.ExitCode}: {output.StandardError}");
    }

    /// <summary>Waits until a checkpoint of the job stands at the end of every partition: what is stopped then has read all, whatever it made of it.</summary>
    private async Task WaitUntilReadAsync(string job)
    {
        var ends = new List<(string Topic, int Partition, long End)>();
        var client = await broker.ClientAsync();
        foreach (var topic in pipelines.Select(TopicOf))
            ends.AddRange((await client.OffsetsAsync(topic)).Where(partition => partition.End > 0).Select(partition => (topic, partition.Partition, partition.End)));
        using var http = new HttpClient();
        var limit = DateTime.UtcNow + TimeSpan.FromMinutes(2);
        while (true)
        {
            var checkpoint = await CheckpointAsync(job);
            var missing = ends.Where(end => PositionIn(checkpoint, end.Topic, end.Partition) < end.End).ToList();
            if (missing.Count == 0) return;
            if (await FailureAsync(http, job) is { } failure) throw new InvalidOperationException($"Flink's job failed: {failure}");
            if (DateTime.UtcNow > limit) throw new InvalidOperationException($"No checkpoint of Flink's job stands behind {string.Join(", ", missing)}.");
            await Task.Delay(100);
        }
    }

    /// <summary>All of the newest checkpoint's bytes; none where there is no whole one.</summary>
    private async Task<byte[]> CheckpointAsync(string job)
    {
        try
        {
            var newest = Directory.GetDirectories(flink.CheckpointsOf(job), "chk-*").Where(folder => File.Exists(Path.Combine(folder, "_metadata"))).MaxBy(folder => int.Parse(Path.GetFileName(folder)["chk-".Length..], CultureInfo.InvariantCulture));
            if (newest is null) return [];
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

    /// <summary>A split as Flink's Kafka connector writes it: the topic with its length, the partition, the next offset. -1 where it is not there.</summary>
    private static long PositionIn(ReadOnlySpan<byte> checkpoint, string topic, int partition)
    {
        var split = new byte[2 + topic.Length + 4];
        BinaryPrimitives.WriteInt16BigEndian(split, (short)topic.Length);
        Encoding.ASCII.GetBytes(topic, split.AsSpan(2));
        BinaryPrimitives.WriteInt32BigEndian(split.AsSpan(2 + topic.Length), partition);
        var position = -1L;
        for (var at = checkpoint.IndexOf(split); at >= 0; at = checkpoint.IndexOf(split))
        {
            checkpoint = checkpoint[(at + split.Length)..];
            if (checkpoint.Length >= 8) position = Math.Max(position, BinaryPrimitives.ReadInt64BigEndian(checkpoint));
        }
        return position;
    }

    private async Task<string?> FailureAsync(HttpClient http, string job)
    {
        using var found = JsonDocument.Parse(await http.GetStringAsync($"{flink.JobManager}/jobs/{job}"));
        if (found.RootElement.GetProperty("state").GetString() is "RUNNING" or "CREATED") return null;
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
        return more.Count + less.Count == 0 ? null : $"of {ourRows.Count} rows here and {theirRows.Count} on Flink, these are only in one.\n{Shown("matih", more)}{Shown("Flink", less)}";
    }

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
