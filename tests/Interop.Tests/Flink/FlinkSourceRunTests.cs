using System.Globalization;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Flink;

/// <summary>Sources that Flink's connectors read, on a real cluster. They end by themselves, so that every count is exact.</summary>
public sealed class FlinkSourceRunTests(SharedFlink flink)
{
    private const string Generated = """
        metadata: { name: "${NAME}" }
        sources:
          rows:
            type: flink
            connector: datagen
            options: { number-of-rows: 5000, fields.id.kind: sequence, fields.id.start: 1, fields.id.end: 5000, fields.name.length: 7 }
            schema: "id BIGINT, name STRING, amount DOUBLE, at TIMESTAMP(3)"
            watermark: { column: at, delay: 36h }
        transformations:
          - { name: named, type: sql_transform, input: rows, sql: "SELECT id, UPPER(name) AS name, amount, at FROM {{ input }}" }
        sinks:
          lake: { type: iceberg, table: gen.rows, mode: append, partition_by: ['bucket(4, id)'] }
        orchestration: { engine: flink, checkpoint_interval: 500ms, parallelism: 1 }
        """;

    /// <summary>Changes as a capture connector gives them, from a file of Debezium's records.</summary>
    private const string Changes = """
        metadata: { name: "${NAME}" }
        sources:
          orders:
            type: flink
            connector: filesystem
            options: { path: "${FILE}", format: debezium-json }
            schema: "id INT, customer STRING, amount DECIMAL(8, 2)"
            primary_key: [id]
        sinks:
          lake: { type: iceberg, table: shop.orders, mode: upsert, key: [id], partition_by: ['bucket(2, id)'] }
        orchestration: { engine: flink, checkpoint_interval: 500ms, parallelism: 1 }
        """;

    [Fact]
    public async Task A_bounded_source_reaches_its_table_row_for_row()
    {
        var pipeline = await NewAsync("datagen", Generated);

        var job = await pipeline.DeployAsync();
        await pipeline.WaitForRowsAsync("gen.rows", 5000);
        var table = pipeline.TableFolder("gen.rows");

        await IcebergReference.CheckAsync(table);
        Assert.Equal(5000, (await IcebergReference.CountByAsync(table, "id")).Count);
        var row = Assert.Single(await DuckDb.QueryAsync($"SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids, MIN(id) AS least, MAX(id) AS most, MAX(LENGTH(name)) AS chars FROM iceberg_scan('{table}')"));
        Assert.Equal("5000 5000 1 5000 7", $"{row.GetProperty("n")} {row.GetProperty("ids")} {row.GetProperty("least")} {row.GetProperty("most")} {row.GetProperty("chars")}");
        (await pipeline.CommandAsync("flink", "status", job, "--watch", "--interval", "100ms")).Expect();
        var again = await pipeline.TryDeployAsync("--job-id", job);
        Assert.Contains($"has read all of its sources as job {job} on", again.Expect().StandardOutput, StringComparison.Ordinal);
        Assert.Equal(5000, await IcebergReference.CountAsync(table));
    }

    [Fact]
    public async Task Changes_are_written_by_upsert_and_never_appended()
    {
        var pipeline = await NewAsync("changes", Changes);
        pipeline.Secrets["FILE"] = pipeline.WriteFile("orders.json",
        [
            .. Enumerable.Range(1, 60).Select(id => Change("null", Row(id, "new", id))),
            .. Enumerable.Range(1, 30).Select(id => Change(Row(id, "new", id), Row(id, "changed", id * 2))),
            .. Enumerable.Range(21, 20).Select(id => Change(id <= 30 ? Row(id, "changed", id * 2) : Row(id, "new", id), "null")),
        ]);

        var appended = await pipeline.TryDeployAsync("--set", "sinks.lake.mode=append", "--set", "sinks.lake.key=");
        var validated = await pipeline.CommandAsync("validate", "pipeline.yaml", "--gateway", pipeline.Gateway, "--set", "sinks.lake.mode=append", "--set", "sinks.lake.key=");
        var ran = await pipeline.CommandAsync("run", "pipeline.yaml", "--once");
        await pipeline.DeployAsync();
        await pipeline.WaitForRowsAsync("shop.orders", 40);
        var otherKey = await pipeline.TryDeployAsync("--set", $"metadata.name={pipeline.Name}-other", "--set", "sinks.lake.key=[customer]", "--set", "sinks.lake.partition_by=[customer]");

        var table = pipeline.TableFolder("shop.orders");
        await IcebergReference.CheckAsync(table);
        var rows = (await IcebergReference.ScanAsync(table)).Select(row => (Id: row.GetProperty("id").GetInt32(), Customer: row.GetProperty("customer").GetString(), Amount: row.GetProperty("amount").GetString())).Order().ToList();
        Assert.Equal([.. Enumerable.Range(1, 60).Where(id => id is <= 20 or > 40)], rows.Select(row => row.Id));
        Assert.All(rows, row => Assert.Equal((row.Id <= 20 ? "changed" : "new", (row.Id <= 20 ? row.Id * 2 : row.Id).ToString("0.00", CultureInfo.InvariantCulture)), (row.Customer, row.Amount)));
        foreach (var refused in new[] { appended, validated })
        {
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains("sinks.lake.mode: the query gives new rows, new versions of rows, deletions, and append would make each of them another row.", refused.StandardError, StringComparison.Ordinal);
        }
        Assert.Equal(2, ran.ExitCode);
        Assert.Contains("sources.orders.type: connector filesystem is Flink's", ran.StandardError, StringComparison.Ordinal);
        Assert.Equal(2, otherKey.ExitCode);
        Assert.Contains("table shop.orders identifies rows by id, and the sink by customer", otherKey.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_group_without_a_window_is_not_appended()
    {
        var pipeline = await NewAsync("grouped", Generated.Replace("SELECT id, UPPER(name) AS name, amount, at FROM {{ input }}", "SELECT id, COUNT(*) AS n FROM {{ input }} GROUP BY id", StringComparison.Ordinal));

        var refused = await pipeline.TryDeployAsync();

        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("sinks.lake.mode: the query gives new rows, new versions of rows, and append", refused.StandardError, StringComparison.Ordinal);
        Assert.False(Directory.Exists(pipeline.TableFolder("gen.rows")));
    }

    [Fact]
    public async Task A_connector_that_the_cluster_lacks_is_named()
    {
        var pipeline = await NewAsync("cdc", Changes.Replace("connector: filesystem", "connector: postgres-cdc", StringComparison.Ordinal));
        pipeline.Secrets["FILE"] = "/none";

        var refused = await pipeline.TryDeployAsync();

        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("sources.orders: Could not find any factory for identifier 'postgres-cdc'", refused.StandardError, StringComparison.Ordinal);
        Assert.False(Directory.Exists(pipeline.TableFolder("shop.orders")));
    }

    private static string Row(int id, string customer, int amount) => string.Create(CultureInfo.InvariantCulture, $$"""{"id":{{id}},"customer":"{{customer}}","amount":{{amount}}.00}""");

    private static string Change(string before, string after) => $$"""{"before":{{before}},"after":{{after}},"op":"{{(before == "null" ? "c" : after == "null" ? "d" : "u")}}"}""";

    private async Task<FlinkPipeline> NewAsync(string stem, string definition)
    {
        var pipeline = new FlinkPipeline(TemporaryDirectory.New(), await flink.SessionAsync(), "", KafkaBroker.NewName(stem));
        pipeline.Write(definition);
        return pipeline;
    }
}
