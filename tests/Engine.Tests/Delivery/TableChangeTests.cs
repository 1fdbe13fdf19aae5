using System.Text.Json;
using Matih.Engine.Tests.Verification;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Parquet;
using Matih.Parquet.Format;

namespace Matih.Engine.Tests.Delivery;

/// <summary>Other engines change the table under a run: whether files still fit is known before the commit, on its very base.</summary>
public sealed class TableChangeTests
{
    /// <summary>Somebody changes the table while its run is idle, or between the load of the table and the commit on it.</summary>
    public static TheoryData<bool> Moments => [false, true];

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task A_column_that_was_dropped_and_added_again_gets_the_values_of_later_records(bool isAtTheCommit)
    {
        using var flow = new FlowHarness(partitionCount: 1);

        await ChangeUnderARunAsync(flow, isAtTheCommit, ReplaceNoteAsync);

        var table = await flow.TableAsync();
        var id = table.Metadata.CurrentSchema.FindColumn("note")!.Id;
        var files = await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default);
        Assert.Equal(10, files.Where(file => new ParquetFileReader(File.ReadAllBytes(file.Path)).Metadata.Columns.Any(column => column.FieldId == id)).Sum(file => file.RecordCount));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task Records_after_a_change_of_the_partition_spec_are_partitioned_by_the_new_one(bool isAtTheCommit)
    {
        using var flow = new FlowHarness(partitionCount: 1);

        await ChangeUnderARunAsync(flow, isAtTheCommit, async () =>
        {
            var schema = (await flow.TableAsync()).Metadata.CurrentSchema;
            await flow.ChangeTableAsync(new TableUpdate.AddSpec(PartitionSpec.Create(schema, [("partition", new Transform.Identity(), null)])), new TableUpdate.SetDefaultSpec(TableUpdate.LastAdded));
        });

        var table = await flow.TableAsync();
        var files = await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default);
        Assert.Equal(10, files.Where(file => file.SpecId == table.Metadata.DefaultSpecId).Sum(file => file.RecordCount));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task Records_after_a_change_of_the_write_settings_are_written_by_the_new_ones(bool isAtTheCommit)
    {
        using var flow = new FlowHarness(partitionCount: 1);

        await ChangeUnderARunAsync(flow, isAtTheCommit, () => flow.ChangeTableAsync(new TableUpdate.SetProperties(TableMetadata.EmptyProperties.Add("write.parquet.compression-codec", "gzip"))));

        var table = await flow.TableAsync();
        var files = await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default);
        Assert.Equal(10, files.Where(file => new ParquetFileReader(File.ReadAllBytes(file.Path)).Metadata.RowGroups[0].Chunks[0].CodecNumber == CompressionCodec.Gzip).Sum(file => file.RecordCount));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task Files_after_a_change_of_the_metrics_settings_are_described_by_the_new_ones(bool isAtTheCommit)
    {
        using var flow = new FlowHarness(partitionCount: 1);

        await ChangeUnderARunAsync(flow, isAtTheCommit, () => flow.ChangeTableAsync(new TableUpdate.SetProperties(TableMetadata.EmptyProperties.Add("write.metadata.metrics.column.note", "none"))));

        var note = (await flow.TableAsync()).Metadata.CurrentSchema.FindColumn("note")!.Id;
        Assert.Equal(10, (await flow.LiveFilesAsync()).Where(file => file.ValueCounts!.Value.All(count => count.Key != note)).Sum(file => file.RecordCount));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Records_after_a_change_of_the_sort_order_are_sorted_by_the_new_one(bool isAtTheCommit)
    {
        using var flow = new FlowHarness();
        await flow.CatchUpAsync();
        await SortByAsync(flow, "note", 1);

        await ChangeUnderARunAsync(flow, isAtTheCommit, () => SortByAsync(flow, "id", 2));

        Assert.Equal([1, 2], (await flow.LiveFilesAsync()).Select(file => file.SortOrderId!.Value).Distinct().Order());
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task An_order_by_a_column_that_was_dropped_and_added_again_is_not_followed()
    {
        using var flow = new FlowHarness();
        await flow.CatchUpAsync();
        await SortByAsync(flow, "note", 1);

        await ChangeUnderARunAsync(flow, isAtTheCommit: true, ReplaceNoteAsync);

        Assert.Equal([0, 1], (await flow.LiveFilesAsync()).Select(file => file.SortOrderId!.Value).Distinct().Order());
        await flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task A_change_of_the_table_s_own_upkeep_drops_no_batch()
    {
        using var flow = new FlowHarness(partitionCount: 1);

        await ChangeUnderARunAsync(flow, isAtTheCommit: true, () => flow.ChangeTableAsync(new TableUpdate.SetProperties(TableMetadata.EmptyProperties.Add("write.metadata.previous-versions-max", "20"))));

        Assert.Equal(0, flow.CountOf("batch-dropped"));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task An_idle_run_prepares_for_the_table_as_it_is_before_records_come()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        await flow.RunDuringAsync(async () =>
        {
            flow.Produce(0, 10);
            await flow.WaitForRowsAsync(10);
            await ReplaceNoteAsync(flow);
            flow.Clock.Elapsed += TimeSpan.FromMinutes(2);
            await flow.WaitForLogAsync(entries => entries.Count(entry => entry.Event == "resumed") == 1);
            flow.Produce(10, 10);
            await flow.WaitForRowsAsync(20);
        });

        Assert.Equal(0, flow.CountOf("batch-dropped"));
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_property_of_another_engine_that_changes_before_every_commit_holds_no_run_up()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 10);
        flow.Store.Before(".metadata.json", () => flow.ChangeTableAsync(new TableUpdate.SetProperties(TableMetadata.EmptyProperties.Add("write.wap.last-seen", "7"))));

        await flow.CatchUpAsync();

        Assert.Equal(0, flow.CountOf("batch-dropped"));
        await flow.AssertHoldsWholeTopicAsync();
    }

    private static Task ChangeUnderARunAsync(FlowHarness flow, bool isAtTheCommit, Func<FlowHarness, Task> change) => ChangeUnderARunAsync(flow, isAtTheCommit, () => change(flow));

    private static async Task ChangeUnderARunAsync(FlowHarness flow, bool isAtTheCommit, Func<Task> change) => await flow.RunDuringAsync(async () =>
    {
        flow.Produce(0, 10);
        await flow.WaitForRowsAsync(10);
        if (isAtTheCommit) flow.Store.Before(".metadata.json", change);
        else await change();
        flow.Produce(10, 10);
        await flow.WaitForRowsAsync(20);
    });

    private static async Task SortByAsync(FlowHarness flow, string column, int orderId)
    {
        var id = (await flow.TableAsync()).Metadata.CurrentSchema.FindColumn(column)!.Id;
        using var order = JsonDocument.Parse($$"""{"order-id":{{orderId}},"fields":[{"transform":"identity","source-id":{{id}},"direction":"desc","null-order":"nulls-last"}]}""");
        await flow.ChangeTableAsync(new TableUpdate.AddSortOrder(SchemaJson.ReadSortOrder(order.RootElement)), new TableUpdate.SetDefaultSortOrder(orderId));
    }

    private static async Task ReplaceNoteAsync(FlowHarness flow)
    {
        var metadata = (await flow.TableAsync()).Metadata;
        var schema = metadata.CurrentSchema;
        var note = schema.FindColumn("note")!;
        var without = new Schema(schema.SchemaId, [.. schema.Fields.Where(field => field.Name != "note")]);
        await flow.ChangeTableAsync(new TableUpdate.AddSchema(without), new TableUpdate.SetCurrentSchema(TableUpdate.LastAdded));
        var again = new Schema(schema.SchemaId, [.. without.Fields, new NestedField(metadata.LastColumnId + 1, "note", false, note.Type)]);
        await flow.ChangeTableAsync(new TableUpdate.AddSchema(again), new TableUpdate.SetCurrentSchema(TableUpdate.LastAdded));
    }
}
