using Matih.Delivery;
using Matih.Engine.Tests.Verification;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Delivery;

/// <summary><c>schema_evolution</c>: a run changes the table's columns in a commit of its own before the first row that needs it.</summary>
public sealed class EvolvingTableTests
{
    private const string WithSize = "SELECT id, note, `partition`, `offset`, CHAR_LENGTH(note) AS size FROM {{ input }} WHERE id >= 0";

    [Fact]
    public async Task A_column_that_the_query_has_and_the_table_lacks_is_added_before_the_first_row()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var before = (await flow.TableAsync()).Metadata;
        Select(flow, WithSize, "add");
        flow.Produce(10, 10);

        await flow.CatchUpAsync();

        var metadata = (await flow.TableAsync()).Metadata;
        var added = metadata.CurrentSchema.FindColumn("size")!;
        Assert.Equal((5, false, "int"), (added.Id, added.IsRequired, added.Type.Name));
        Assert.Equal(before.CurrentSchema.Fields, metadata.CurrentSchema.Fields[..^1]);
        // The first snapshot after it is of the new schema.
        Assert.All(metadata.Snapshots.Where(snapshot => before.FindSnapshot(snapshot.Id) is null), snapshot => Assert.Equal(metadata.CurrentSchemaId, snapshot.SchemaId));
        Assert.Equal("Table shop.orders, for orders/lake: adds column 'size' of type int.", Assert.Single(flow.Entries, entry => entry.Event == "columns-changed").Message);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Without_it_the_run_is_refused_and_says_how_to_allow_it()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        Select(flow, WithSize, mode: null);

        var refusal = await flow.RefusalAsync();

        Assert.Equal(FailureKind.BadDefinition, refusal.Kind);
        Assert.Contains("it has no column 'size'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("schema_evolution: add", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Types_are_widened_and_columns_made_optional_with_full()
    {
        using var flow = new FlowHarness();
        Select(flow, "SELECT CAST(id AS INT) AS id, COALESCE(note, '') AS note, `partition`, `offset` FROM {{ input }}", mode: null);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        Assert.True((await flow.TableAsync()).Metadata.CurrentSchema.FindColumn("note")!.IsRequired);
        Select(flow, "SELECT id, note, `partition`, `offset` FROM {{ input }}", "add");
        Assert.Contains("schema_evolution: full", (await flow.RefusalAsync()).Remedy, StringComparison.Ordinal);
        Select(flow, "SELECT id, note, `partition`, `offset` FROM {{ input }}", "full");
        flow.Produce(10, 10);

        await flow.CatchUpAsync();

        var schema = (await flow.TableAsync()).Metadata.CurrentSchema;
        Assert.Equal(("long", false), (schema.FindColumn("id")!.Type.Name, schema.FindColumn("note")!.IsRequired));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_column_that_somebody_drops_under_the_run_is_not_added_again()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("sinks.lake.schema_evolution=full");
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var schema = (await flow.TableAsync()).Metadata.CurrentSchema;
        await flow.ChangeTableAsync(new TableUpdate.AddSchema(new Schema(0, [.. schema.Fields.Where(field => field.Name != "note")])), new TableUpdate.SetCurrentSchema(TableUpdate.LastAdded));
        flow.Produce(10, 10);

        var refusal = await flow.RefusalAsync();

        Assert.Contains("its column 'note' (field 2) was dropped", refusal.Message, StringComparison.Ordinal);
        Assert.Null((await flow.TableAsync()).Metadata.CurrentSchema.FindColumn("note"));
    }

    [Fact]
    public async Task Another_change_of_the_columns_that_comes_first_is_built_upon()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        Select(flow, WithSize, "add");
        flow.Store.Before(".metadata.json", async () =>
        {
            var schema = (await flow.TableAsync()).Metadata.CurrentSchema;
            await flow.ChangeTableAsync(new TableUpdate.AddSchema(new Schema(0, [.. schema.Fields, new NestedField(5, "theirs", false, new IcebergType.String())])), new TableUpdate.SetCurrentSchema(TableUpdate.LastAdded));
        });
        flow.Produce(10, 10);

        await flow.CatchUpAsync();

        var fields = (await flow.TableAsync()).Metadata.CurrentSchema.Fields;
        Assert.Equal([("theirs", 5), ("size", 6)], fields.Skip(4).Select(field => (field.Name, field.Id)));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Two_sinks_into_one_table_add_their_columns_one_after_the_other()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Definition = flow.Definition.Replace("sinks:\n", "  - name: more\n    type: sql_transform\n    input: src\n    sql: \"SELECT id, note, `partition`, `offset`, id * 2 AS twice FROM {{ input }}\"\nsinks:\n  second: { type: iceberg, table: shop.orders, mode: append, input: more, schema_evolution: add }\n", StringComparison.Ordinal)
            .Replace("mode: append }", "mode: append, input: typed }", StringComparison.Ordinal);
        Select(flow, WithSize, "add");
        flow.Produce(10, 10);

        await flow.CatchUpAsync();

        Assert.Equal(["size", "twice"], (await flow.TableAsync()).Metadata.CurrentSchema.Fields.Skip(4).Select(field => field.Name).Order());
        Assert.Equal(20 + 20, (await flow.RowsAsync()).Count);
    }

    [Fact]
    public async Task A_replay_adds_the_column_that_it_is_meant_to_fill()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        Select(flow, WithSize, "add");

        await flow.ReplayAsync((await flow.DataCommitsAsync())[0]);

        Assert.NotNull((await flow.TableAsync()).Metadata.CurrentSchema.FindColumn("size"));
        Assert.Equal(5, Assert.Single(await flow.LiveFilesAsync()).ValueCounts!.Value.Length);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_replay_that_is_not_confirmed_leaves_the_columns_as_they_are()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        Select(flow, WithSize, "add");

        await Assert.ThrowsAsync<PipelineException>(async () => await flow.ReplayAsync((await flow.DataCommitsAsync())[0], confirm: _ => false));

        Assert.Null((await flow.TableAsync()).Metadata.CurrentSchema.FindColumn("size"));
    }

    private static void Select(FlowHarness flow, string sql, string? mode)
    {
        flow.Overrides.Clear();
        flow.Overrides.Add($"transformations.typed.sql={sql}");
        if (mode is not null) flow.Overrides.Add($"sinks.lake.schema_evolution={mode}");
    }
}
