using System.Text.Json;
using Matih.Delivery;
using Matih.Engine.Tests.Delivery;
using Matih.Fixtures;
using Matih.Interop.Tests.Connectors.Sql;

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
