using System.Text.Json;
using Matih.Batches;
using Matih.Engine.Tests.Delivery;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Iceberg.Manifests;
using Matih.Interop.Tests.Connectors.Sql;
using Matih.Maintenance.Compaction;
using Matih.Storage;

namespace Matih.Interop.Tests.Delivery;

/// <summary>PyIceberg and the reference implementation change a pipeline's table between its commits, and read what it holds then.</summary>
public sealed class ChangedByOthersTests
{
    [Fact]
    public async Task What_PyIceberg_changes_between_two_runs_is_taken_up_by_the_next()
    {
        await using var tables = SqlTables.OnSqlite();
        using var flow = new FlowHarness(partitionCount: 2) { CatalogOver = _ => tables.Catalog };
        flow.Overrides.Add("sinks.lake.schema_evolution=full");
        flow.Produce(0, 10);
        await flow.CatchUpAsync();

        // An append of its own, columns added, moved, renamed and widened, a spec, properties.
        await tables.PythonAsync(
            """
            from pyiceberg.types import IntegerType, StringType, LongType, StructType, NestedField
            from pyiceberg.transforms import BucketTransform
            table = catalog.load_table("shop.orders")
            with table.update_schema() as update:
                update.add_column("country", StringType(), doc="theirs")
                update.add_column("size", IntegerType())
                update.move_first("note")
            with table.update_spec() as update:
                update.add_field("id", BucketTransform(2), "by_id")
            with table.transaction() as change:
                change.set_properties({"write.parquet.compression-codec": "gzip", "owner": "them"})
            table.append(pa.Table.from_pylist([dict(id=-1, note="theirs", partition=-1, offset=-1, country="NO", size=7)], schema=table.schema().as_arrow()))
            print(json.dumps(None))
            """);
        Select(flow, "id, note, `partition`, `offset`, CAST(CHAR_LENGTH(note) AS BIGINT) AS size");
        flow.Produce(10, 10);
        await flow.CatchUpAsync();
        await tables.PythonAsync(
            """
            table = catalog.load_table("shop.orders")
            with table.update_schema() as update:
                update.rename_column("note", "remark")
                update.delete_column("country")
            print(json.dumps(None))
            """);
        flow.Produce(20, 10);
        var refusal = await flow.RefusalAsync();
        Select(flow, "id, note AS remark, `partition`, `offset`, CAST(CHAR_LENGTH(note) AS BIGINT) AS size");
        await flow.CatchUpAsync();

        Assert.Contains("its column 'note' (field 2) was renamed, and is 'remark' now", refusal.Message, StringComparison.Ordinal);
        var rows = await PyIceberg.ScanAsync((await flow.TableAsync()).MetadataLocation);
        Assert.Equal(
            Enumerable.Range(0, 30).Select(id => $"{id} n{id} {(id < 10 ? "NULL" : $"n{id}".Length)}").Append("-1 theirs 7").Order(StringComparer.Ordinal),
            rows.Select(row => $"{Text(row, "id")} {Text(row, "remark")} {Text(row, "size")}").Order(StringComparer.Ordinal));
        Assert.Equal(["remark", "id", "partition", "offset", "size"], rows[0].EnumerateObject().Select(member => member.Name));
        await IcebergReference.CheckAsync(IcebergTarget.Sqlite(((Matih.Definition.SqlDatabase.Sqlite)tables.Database).Path, tables.Warehouse, "shop.orders", "lake"));
        await flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task Files_without_field_ids_that_were_added_by_name_are_put_together_with_ours()
    {
        await using var tables = SqlTables.OnSqlite();
        using var flow = new FlowHarness(partitionCount: 1) { CatalogOver = _ => tables.Catalog };
        flow.Overrides.Add("sinks.lake.schema_evolution=add");
        Select(flow, "id, note, `partition`, `offset`, CASE WHEN id >= 0 THEN MAP['k', ARRAY[id]] END AS m");
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await tables.PythonAsync(
            """
            import pyarrow.parquet as pq, os
            table = catalog.load_table("shop.orders")
            for n in range(6):
                path = f"{table.location().removeprefix('file://')}/data/outside-{n}.parquet"
                m = pa.map_(pa.string(), pa.field("value", pa.list_(pa.int64()), nullable=False))
                pq.write_table(pa.table({
                    "partition": pa.array([-1, -1], pa.int32()), "note": ["outside", None], "id": pa.array([-n - 1, -n - 101], pa.int64()), "offset": pa.array([-n - 1, -n - 101], pa.int64()),
                    "m": pa.array([[("k", [n, None])], None], m)}, schema=pa.schema([pa.field("partition", pa.int32(), False), pa.field("note", pa.string()), pa.field("id", pa.int64()), pa.field("offset", pa.int64(), False), pa.field("m", m)])), path)
                table.add_files([path])
            print(json.dumps(None))
            """);
        Select(flow, "id, note, `partition`, `offset`, CASE WHEN id >= 0 THEN MAP['k', ARRAY[id]] END AS m, 'x' AS more");
        flow.Produce(10, 10);
        await flow.CatchUpAsync();
        var before = await RowsAsync(flow);

        var ids = new SystemIdSource();
        var environment = new EngineEnvironment(TimeProvider.System, ids, new Random(1), new SystemTaskStarter(), new LocalScratch(tables.Folder, ids));
        var report = (await new TableCompaction(tables.Catalog, environment, new MemoryAccount(64 << 20)).RunAsync(FlowHarness.Identifier, new CompactionTerms(1 << 20, long.MaxValue) { ColdAge = TimeSpan.Zero }, isDryRun: false, default))!;

        Assert.Empty(report.Skipped);
        Assert.Equal(32, before.Count);
        Assert.Equal(before, await RowsAsync(flow));
        var table = await flow.TableAsync();
        Assert.Single(await SnapshotReader.LiveFilesAsync(table, table.Head!, default));
        Assert.Contains("\"names\":[\"more\"]", (await flow.TableAsync()).Metadata.Properties["schema.name-mapping.default"], StringComparison.Ordinal);
        await flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task A_table_that_is_partitioned_and_sorted_by_fields_of_structs_is_written_so()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        await IcebergReference.CreateAsync(flow.TableFolder, "id long, place struct<town: string, zone: struct<n: int>>, partition int required, offset long required", "truncate[1](place.town), bucket[2](place.zone.n)", "--sort", "place.zone.n");
        flow.Overrides.Add("orchestration.checkpoint_interval=10m");
        Select(flow, "id, CASE WHEN MOD(id, 4) < 3 THEN CAST(ROW(note, ROW(CAST(MOD(id * 7, 10) AS INT))) AS ROW<town STRING, zone ROW<n INT>>) END AS place, `partition`, `offset`");
        flow.Produce(0, 40);

        await flow.CatchUpAsync();

        Assert.Equal(40, await IcebergReference.CountAsync(flow.TableFolder));
        await IcebergReference.CheckAsync(flow.TableFolder);
        var files = await IcebergReference.FilesAsync(flow.TableFolder);
        Assert.Equal(3, files.Count);
        var table = await flow.TableAsync();
        Assert.All(await SnapshotReader.LiveFilesAsync(table, table.Head!, default), file => Assert.Equal(table.Metadata.DefaultSortOrderId, file.SortOrderId));
        // The reader gives the rows of each file in the order in which they stand.
        var scanned = (await IcebergReference.ScanAsync(flow.TableFolder)).Select(row => row.GetProperty("place")).Select(place => place.ValueKind == JsonValueKind.Null ? (int?)null : place.GetProperty("zone").GetProperty("n").GetInt32()).ToList();
        Assert.True(scanned.Zip(scanned.Skip(1)).Count(pair => pair.First > pair.Second || (pair.First is not null && pair.Second is null)) <= 2, string.Join(' ', scanned));
    }

    private static async Task<List<string>> RowsAsync(FlowHarness flow) =>
        [.. (await PyIceberg.ScanAsync((await flow.TableAsync()).MetadataLocation)).Select(row => row.ToString()).Order(StringComparer.Ordinal)];

    [Fact]
    public async Task Another_engine_appends_to_the_branch_between_our_commits_and_main_is_moved_to_it()
    {
        using var flow = new FlowHarness(partitionCount: 2);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Overrides.Add("sinks.lake.branch=audit");
        flow.Produce(10, 10);
        await flow.CatchUpAsync();
        await IcebergReference.AppendAsync(flow.TableFolder, ["""{"id":-1,"note":"theirs","partition":-1,"offset":-1}"""], "--branch", "audit");
        flow.Produce(20, 10);

        await flow.CatchUpAsync();

        Assert.Equal(10, await IcebergReference.CountAsync(flow.TableFolder));
        Assert.Equal(31, await IcebergReference.CountAsync(flow.TableFolder, "--ref", "audit"));
        await IcebergReference.CheckAsync(flow.TableFolder);
        await flow.AssertVerifiesAsync();

        var audit = (await flow.TableAsync()).Metadata.Refs["audit"].SnapshotId;
        await IcebergReference.WriteAsync("rollback", flow.TableFolder, "--to", $"{audit}", "--set");
        flow.Overrides.Clear();
        flow.Produce(30, 10);
        await flow.CatchUpAsync();

        var ids = (await IcebergReference.ScanAsync(flow.TableFolder, "--columns", "id")).Select(row => row.GetProperty("id").GetInt64()).Order();
        Assert.Equal(Enumerable.Range(-1, 41).Select(id => (long)id), ids);
        await flow.AssertVerifiesAsync();
    }

    private static void Select(FlowHarness flow, string columns)
    {
        flow.Overrides.RemoveAll(item => item.StartsWith("transformations.", StringComparison.Ordinal));
        flow.Overrides.Add($"transformations.typed.sql=SELECT {columns} FROM {{{{ input }}}}");
    }

    private static string Text(JsonElement row, string name) => row.GetProperty(name).GetString() ?? "NULL";
}
