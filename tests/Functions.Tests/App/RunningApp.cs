using System.Globalization;
using Matih.Fixtures;

namespace Matih.Functions.Tests.App;

/// <summary>The app that tests run, over an embedded Kafka and a local warehouse, whose table they check to the last record.</summary>
internal sealed class RunningApp : PipelineApp
{
    private const string DurableStorage = "AzureFunctionsJobHost__extensions__durableTask__storageProvider__";

    private const string Definition = """
        metadata: { name: clicks, version: "1.0.0" }
        catalogs:
          lake: { type: file, warehouse: "${LAKE}" }
        sources:
          clicks:
            type: kafka
            connection: ${KAFKA_CONNECTION}
            topic: clicks
            consumer_group: clicks-fn
            format: json
        transformations:
          - name: parse
            type: sql_transform
            sql: SELECT JSON_VALUE(value, '$.id') AS id FROM {{ input }}
        sinks:
          lake: { type: iceberg, table: web.clicks }
        orchestration: { checkpoint_interval: 1s, idle_timeout: 2s }
        """;

    private RunningApp(PipelineSetup setup) : base(setup)
    {
    }

    public string Table => Path.Combine(Warehouse, "web", "clicks");

    public static async Task<RunningApp> StartAsync(SharedStorage storage, string hub, int partitionCount = 2, int instanceCount = 1, Action<RunningApp>? prepare = null)
    {
        var app = new RunningApp(new PipelineSetup((await storage.StartedAsync()).ConnectionString, hub)
        {
            Definition = Definition,
            PartitionCount = partitionCount,
            Settings = new Dictionary<string, string?>
            {
                [DurableStorage + "maxQueuePollingInterval"] = "00:00:01",
                // A commit that a killed host had taken comes back after this.
                [DurableStorage + "workItemQueueVisibilityTimeout"] = "00:00:10",
            },
        });
        prepare?.Invoke(app);
        await app.StartInstancesAsync(instanceCount);
        return app;
    }

    /// <summary>Asserts that the table holds every record that was produced once, by a reader that is not ours, and that verify agrees.</summary>
    public async Task AssertExactAsync()
    {
        var rows = await IcebergReference.ScanAsync(Table);
        Assert.Equal(
            Enumerable.Range(0, Produced.Count).Select(id => id.ToString(CultureInfo.InvariantCulture)).Order(StringComparer.Ordinal),
            rows.Select(row => row.GetProperty("id").GetString()).Order(StringComparer.Ordinal));
        await IcebergReference.CheckAsync(Table);
        Assert.Equal("proven", await VerifyAsync());
    }
}
