using System.Text.Json;
using System.Text.RegularExpressions;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Flink;

/// <summary>A definition for Flink in a folder of its own, brought onto a real cluster by the <c>matih</c> command.</summary>
internal sealed partial class FlinkPipeline(string folder, FlinkSession flink, string bootstrap, string topic)
{
    public string Topic { get; } = topic;

    /// <summary>Jobs of all tests share a cluster, so each pipeline has a name of its own.</summary>
    public string Name { get; } = topic.Replace('.', '-');

    /// <summary>Further variables of the definition.</summary>
    public Dictionary<string, string> Secrets { get; } = [];

    /// <summary>The address of the SQL Gateway that commands use; a proxy's, to disturb them.</summary>
    public string Gateway { get; set; } = flink.Gateway;

    public string Warehouse => Path.Combine(folder, "warehouse");

    public string TableFolder(string table) => Path.Combine([Warehouse, .. table.Split('.')]);

    private Dictionary<string, string?> Environment
    {
        get
        {
            var environment = new Dictionary<string, string?>
            {
                ["BROKER"] = bootstrap, ["TOPIC"] = Topic, ["NAME"] = Name, ["MATIH_FLINK_GATEWAY"] = Gateway, ["MATIH_WAREHOUSE"] = null, ["MATIH_CATALOG"] = null,
            };
            foreach (var (name, secret) in Secrets) environment[name] = secret;
            return environment;
        }
    }

    public void Write(string definition) => File.WriteAllText(Path.Combine(folder, "pipeline.yaml"), definition);

    public Task<ProcessOutput> CommandAsync(params string[] arguments) => MatihProcess.RunAsync(arguments, folder, Environment, TimeSpan.FromMinutes(3));

    public Task<ProcessOutput> TryDeployAsync(params string[] options) =>
        CommandAsync(["deploy", "pipeline.yaml", "--warehouse", Warehouse, "--kafka-connector", "flink-connector-kafka", .. options]);

    /// <summary>Puts a file beside the definition; gives its path.</summary>
    public string WriteFile(string name, IEnumerable<string> lines)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllLines(path, lines);
        return path;
    }

    /// <summary>Deploys; gives the job's id.</summary>
    public async Task<string> DeployAsync(params string[] options)
    {
        var output = (await TryDeployAsync(options)).Expect();
        return JobId().Match(output.StandardOutput).Groups[1].Value;
    }

    /// <summary>Stops the job with a savepoint, after which all that it read is in its tables; gives the savepoint.</summary>
    public async Task<string> StopAsync(string job) => (await CommandAsync("flink", "stop", job)).Expect().StandardOutput.Trim();

    /// <summary>Waits until the table has that many rows, by the reference implementation.</summary>
    public async Task WaitForRowsAsync(string table, long count)
    {
        var limit = DateTime.UtcNow + TimeSpan.FromMinutes(2);
        long found;
        do found = await HasTableAsync(table) ? await IcebergReference.CountAsync(TableFolder(table)) : 0;
        while (found < count && DateTime.UtcNow < limit);
        Assert.Equal(count, found);
    }

    /// <summary>Waits until the job's sources have given that many records to what follows, by Flink's own counts.</summary>
    public async Task WaitForReadAsync(long count)
    {
        using var client = new HttpClient();
        var limit = DateTime.UtcNow + TimeSpan.FromMinutes(2);
        long found;
        do
        {
            await Task.Delay(200);
            found = await CountReadAsync(client);
        }
        while (found < count && DateTime.UtcNow < limit);
        Assert.True(found >= count, $"The job read {found} of {count} records.");
    }

    private async Task<long> CountReadAsync(HttpClient client)
    {
        using var jobs = JsonDocument.Parse(await client.GetStringAsync($"{flink.JobManager}/jobs/overview"));
        var id = jobs.RootElement.GetProperty("jobs").EnumerateArray().Single(job => job.GetProperty("name").GetString() == Name).GetProperty("jid").GetString();
        using var job = JsonDocument.Parse(await client.GetStringAsync($"{flink.JobManager}/jobs/{id}"));
        var source = $"{flink.JobManager}/jobs/{id}/vertices/{job.RootElement.GetProperty("vertices")[0].GetProperty("id").GetString()}/subtasks/metrics";
        using var known = JsonDocument.Parse(await client.GetStringAsync(source));
        var names = known.RootElement.EnumerateArray().Select(metric => metric.GetProperty("id").GetString()!).Where(name => name.StartsWith("Source__", StringComparison.Ordinal) && name.EndsWith(".numRecordsOut", StringComparison.Ordinal)).ToList();
        if (names.Count == 0) return 0;
        using var counts = JsonDocument.Parse(await client.GetStringAsync($"{source}?get={Uri.EscapeDataString(names[0])}&agg=sum"));
        return counts.RootElement.EnumerateArray().Sum(metric => (long)metric.GetProperty("sum").GetDouble());
    }

    /// <summary>The savepoint that a message names.</summary>
    public static string SavepointIn(string message) => Savepoint().Match(message).Value;

    private async Task<bool> HasTableAsync(string table)
    {
        await Task.Delay(200);
        return Directory.Exists(Path.Combine(TableFolder(table), "metadata"));
    }

    /// <summary>The rows, each as compact JSON, in order.</summary>
    public async Task<IReadOnlyList<string>> RowsAsync(string table) =>
        [.. (await IcebergReference.ScanAsync(TableFolder(table))).Select(row => JsonSerializer.Serialize(row)).Order(StringComparer.Ordinal)];

    [GeneratedRegex("file:[^ :]*/savepoint-[0-9a-f-]+")]
    private static partial Regex Savepoint();

    [GeneratedRegex("as job ([0-9a-f]{32}) on")]
    private static partial Regex JobId();
}
