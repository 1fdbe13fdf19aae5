using Matih.Connectors.Sql;
using Matih.Definition;
using Matih.Delivery;
using Matih.Hosting;
using Matih.Iceberg.Metadata;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Delivery;

/// <summary>partition_by and properties count when a table is created: what a definition says otherwise later is said, once, and is no reason to stop.</summary>
public sealed class TableDifferencesTests
{
    [Theory]
    [InlineData("[]", "[id]", "is partitioned by [id], and the definition has no partition_by")]
    [InlineData("[id]", "[]", "is not partitioned, and the definition asks for [id]")]
    [InlineData("['bucket(8, id)']", "['bucket(4, id)', note AS n]", "is partitioned by [bucket(4, id), note AS n], and the definition asks for [bucket(8, id)]")]
    [InlineData("['truncate(4, note) AS start']", "['truncate(4, note)']", "is partitioned by [truncate(4, note)], and the definition asks for [truncate(4, note) AS start]")]
    [InlineData("[note, id]", "[id, note]", "is partitioned by [id, note], and the definition asks for [note, id]")]
    public async Task A_changed_or_removed_partitioning_is_said_with_both_and_the_ways_out(string now, string before, string expected)
    {
        using var flow = new FlowHarness();
        await RunWithAsync(flow, $"sinks.lake.partition_by={before}");

        await RunWithAsync(flow, $"sinks.lake.partition_by={now}");

        Assert.Equal(
            $"Table shop.orders {expected}; the table's own is used, because partition_by counts only when a table is created. " +
            "Change the table where that is meant (in Spark: ALTER TABLE … ADD, DROP or REPLACE PARTITION FIELD; a run takes it up by itself), or make partition_by say what the table has.",
            Only(flow, "partitioning-differs", LogSeverity.Warning));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task What_the_definition_leaves_to_the_table_is_no_difference()
    {
        using var flow = new FlowHarness();
        await RunWithAsync(flow, "sinks.lake.partition_by=['bucket(4, id) AS of_id']", "sinks.lake.properties={ owner: me }");

        await RunWithAsync(flow, "sinks.lake.partition_by=['bucket(4, id)']", "sinks.lake.properties={ owner: me }");
        await RunWithAsync(flow, "sinks.lake.create=false");

        Assert.DoesNotContain(flow.Entries, entry => entry.Event is "partitioning-differs" or "properties-differ" or "properties-of-table");
    }

    [Fact]
    public async Task Changed_properties_are_said_and_a_value_that_people_chose_is_not_shown()
    {
        using var flow = new FlowHarness();
        await RunWithAsync(flow, "sinks.lake.properties={ write.parquet.compression-codec: gzip, note: s3cret }");

        await RunWithAsync(flow, "sinks.lake.properties={ write.parquet.compression-codec: zstd, note: other, added: x }");

        Assert.Equal(
            "Table shop.orders has other properties than the definition says: added (not set in the table), note (in the table another value), write.parquet.compression-codec (in the table 'gzip'); " +
            "the table's own are used, because properties count only when a table is created. " +
            "Change the table where that is meant (in Spark: ALTER TABLE … SET TBLPROPERTIES; a run takes it up by itself), or make properties say what the table has.",
            Only(flow, "properties-differ", LogSeverity.Warning));
        Assert.DoesNotContain(flow.Entries, entry => entry.Message.Contains("s3cret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_removed_property_that_decides_how_files_are_written_is_said()
    {
        using var flow = new FlowHarness();
        await RunWithAsync(flow, "sinks.lake.properties={ write.parquet.compression-codec: gzip, owner: me }");

        await RunWithAsync(flow);

        Assert.Equal(
            "Table shop.orders sets write.parquet.compression-codec = 'gzip', which the definition does not name; it counts. To be without it, remove it from the table (in Spark: ALTER TABLE … UNSET TBLPROPERTIES).",
            Only(flow, "properties-of-table", LogSeverity.Information));
    }

    [Fact]
    public async Task What_a_run_sets_by_itself_when_it_makes_a_table_is_not_said_until_somebody_changes_it()
    {
        using var flow = new FlowHarness();
        var database = $"{flow.Warehouse}/catalog.db";
        var definition = new CatalogDefinition.Sql("c", new SqlDatabase.Sqlite(database), flow.Warehouse, "c");
        flow.CatalogOver = store => new SqlCatalog(definition, store, flow.Ids, flow.Clock);
        string[] overrides = [$"catalogs={{ c: {{ type: sql, uri: 'sqlite:{database}', warehouse: {flow.Warehouse} }} }}", "sinks.lake.catalog=c"];

        await RunWithAsync(flow, overrides);
        await RunWithAsync(flow, overrides);

        Assert.Equal("true", (await flow.TableAsync()).Metadata.Properties["write.metadata.delete-after-commit.enabled"]);
        Assert.Equal(0, flow.CountOf("properties-of-table"));

        await flow.ChangeTableAsync(new TableUpdate.SetProperties(TableMetadata.EmptyProperties.Add("write.metadata.delete-after-commit.enabled", "false")));
        await RunWithAsync(flow, overrides);

        Assert.StartsWith("Table shop.orders sets write.metadata.delete-after-commit.enabled = 'false', ", Only(flow, "properties-of-table", LogSeverity.Information), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_says_it_once_however_often_it_opens_the_table_and_again_where_the_table_has_changed()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        await RunWithAsync(flow);
        flow.Overrides.Add("sinks.lake.partition_by=[id]");
        flow.Overrides.Add("orchestration.max_retries=3");

        await flow.RunDuringAsync(async () =>
        {
            await flow.WaitForLogAsync("partitioning-differs");
            flow.Produce(100, 2);
            await flow.WaitForTableRowsAsync(12);
            // Somebody else's change makes the run open the table again, twice.
            foreach (var note in (string[])["a", "b"])
            {
                var opened = flow.CountOf("resumed");
                await flow.ChangeTableAsync(new TableUpdate.SetProperties(TableMetadata.EmptyProperties.Add("write.parquet.page-row-limit", note == "a" ? "1000" : "2000")));
                flow.Produce(note == "a" ? 200 : 300, 2);
                await flow.WaitForTableRowsAsync(note == "a" ? 14 : 16);
            }
        });

        Assert.Equal(1, flow.CountOf("partitioning-differs"));
        Assert.Equal(2, flow.CountOf("properties-of-table"));
    }

    [Fact]
    public async Task Tables_can_be_asked_without_a_run()
    {
        using var flow = new FlowHarness();
        var beforeTheTable = await CheckAsync(flow);
        Assert.Null(await flow.Catalog.LoadAsync(FlowHarness.Identifier, default));
        flow.Overrides.Add("sinks.lake.create=false");
        var missing = await Assert.ThrowsAsync<PipelineException>(() => CheckAsync(flow));
        await RunWithAsync(flow);

        flow.Overrides.Add("sinks.lake.partition_by=[id]");
        var different = await CheckAsync(flow);
        flow.Overrides.Add("transformations.typed.sql=SELECT id, note AS other FROM {{ input }}");
        var unfit = await Assert.ThrowsAsync<PipelineException>(() => CheckAsync(flow));

        Assert.Empty(beforeTheTable);
        Assert.Equal((FailureKind.BadDefinition, FailureKind.BadDefinition), (missing.Kind, unfit.Kind));
        Assert.Equal("partitioning-differs", Assert.Single(different).Event);
        Assert.Equal(0, flow.CountOf("partitioning-differs"));
    }

    private static Task<IReadOnlyList<LogEntry>> CheckAsync(FlowHarness flow) =>
        new PipelineRunner(new EngineEnvironment(flow.Clock, flow.Ids, new Random(1), new SystemTaskStarter(), flow.Scratch), flow, flow).CheckTablesAsync(flow.Plan(), default);

    private static async Task RunWithAsync(FlowHarness flow, params string[] overrides)
    {
        flow.Overrides.Clear();
        flow.Overrides.AddRange(overrides);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
    }

    private static string Only(FlowHarness flow, string name, LogSeverity severity)
    {
        var entry = Assert.Single(flow.Entries, entry => entry.Event == name);
        Assert.Equal(severity, entry.Severity);
        return entry.Message;
    }
}
