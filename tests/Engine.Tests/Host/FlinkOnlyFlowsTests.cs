using Matih.Engine.Tests.Hosting;
using Matih.Host.Commands;
using Matih.Hosting;

namespace Matih.Engine.Tests.Host;

public sealed class FlinkOnlyFlowsTests : IDisposable
{
    private const string Definition = """
        metadata: { name: shop }
        catalogs:
          lake: { type: file, warehouse: /lake }
          hms: { type: hive, uri: "thrift://h:9083", warehouse: "s3://b/w" }
        sources:
          orders: { type: kafka, connection: "b:9092", topic: shop.orders, consumer_group: g, format: json, schema: "id STRING, amount DOUBLE" }
          changes: { type: flink, connector: postgres-cdc, schema: "id INT", primary_key: [id] }
        transformations:
          - { name: counted, type: sql_transform, input: orders, sql: "SELECT id, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE {{ input }}, DESCRIPTOR(event_timestamp), INTERVAL '1' MINUTE)) GROUP BY id, window_start, window_end" }
        sinks:
          newest: { type: iceberg, catalog: lake, input: orders, table: shop.newest, mode: upsert, key: [id] }
          counts: { type: iceberg, catalog: lake, input: counted, table: shop.counts, mode: append }
          copies: { type: iceberg, catalog: lake, input: changes, table: shop.copies, mode: upsert, key: [id] }
          shared: { type: iceberg, catalog: hms, input: orders, table: shop.shared, mode: append }
        orchestration: { engine: flink }
        """;

    private readonly string _file = Path.Combine(Directory.CreateTempSubdirectory("flink-only").FullName, "p.yaml");

    [Fact]
    public void Flows_that_leave_a_ledger_are_looked_at_and_the_others_named_with_what_to_ask()
    {
        File.WriteAllText(_file, Definition);
        var errors = new StringWriter();
        var pipeline = PipelineLoading.Load(new PipelineRequest(_file, [], null), Settings.Of(), isForFlink: null).Pipeline!;

        var known = FlinkOnlyFlows.LeaveOut(pipeline, errors);

        Assert.Equal(["newest"], known.Select(flow => flow.Definition.Sink.Name));
        Assert.Equal(
            [
                "shop/counts: only Flink runs this flow (this engine does not run its statements), and its commits to table shop.counts say nothing of offsets. `matih flink status shop --gateway URL` shows how its job does.",
                "shop/copies: only Flink runs this flow (connector postgres-cdc reads its source), and its commits to table shop.copies say nothing of offsets. `matih flink status shop --gateway URL` shows how its job does.",
                "shop/shared: only Flink runs this flow (catalog 'hms' is a Hive metastore), and its commits to table shop.shared say nothing of offsets. `matih flink status shop --gateway URL` shows how its job does.",
            ],
            errors.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_file)!, recursive: true);
}
