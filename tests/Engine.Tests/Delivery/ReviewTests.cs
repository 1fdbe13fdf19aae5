using System.Collections.Immutable;
using Matih.Delivery;
using Matih.Iceberg;
using Matih.Kafka;
using Matih.Parquet;

namespace Matih.Engine.Tests.Delivery;

/// <summary>Interleavings of the review: each asserts what DELIVERY.md promises.</summary>
public sealed class ReviewTests
{
    /// <summary>F1: the old pipeline commits between the adopter's look at the table and its opening commit.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Adoption_that_the_old_pipeline_overtakes_doubles_nothing(bool atTheCompareAndSet)
    {
        using var flow = new FlowHarness();
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 10);
        using var renamed = flow.Another(pipeline: "purchases");
        // at the CAS: v(N+1) is about to be put. Otherwise: while the adopter looks at Kafka (its source's look-up is not hooked, so the first read of the table's v-file is used).
        if (atTheCompareAndSet) renamed.Store.Before(".metadata.json", () => flow.CatchUpAsync());
        else renamed.OnSource = source => source.BeforeProbe = () => { if (!_done) { _done = true; flow.CatchUpAsync().GetAwaiter().GetResult(); } };

        Exception? refusal = null;
        try { await renamed.CatchUpAsync(new OpenAnswers(Adopt: "orders")); }
        catch (PipelineException e) { refusal = e; }

        Assert.Equal(renamed.TopicRecords().Order(), await renamed.RowsAsync());
        Assert.Null(refusal);
    }

    private bool _done;

    private const string TwoSinks = """
        metadata: { name: orders, version: "1" }
        sources:
          src:
            type: kafka
            connection: localhost:9092
            topic: shop.orders
            consumer_group: orders-v1
            format: json
            schema: "id BIGINT, note STRING"
            start_offset: earliest
        transformations:
          - name: typed
            type: sql_transform
            input: src
            sql: SELECT id, note, `partition`, `offset` FROM {{ input }} WHERE id >= 0
        sinks:
          lake: { type: iceberg, input: typed, table: shop.orders, mode: append }
          copy: { type: iceberg, input: typed, table: shop.copies, mode: append }
        orchestration: { engine: matih, checkpoint_interval: 50ms, parallelism: 2, max_retries: 0 }
        """;

    /// <summary>F2: with two sinks on one source each overwrites the other's mark in the group.</summary>
    [Fact]
    public async Task A_dropped_table_of_a_pipeline_with_two_sinks_is_refused()
    {
        using var flow = new FlowHarness { Definition = TwoSinks };
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        var marked = flow.Topic.GroupMark!.Contains(":lake:", StringComparison.Ordinal) ? "orders" : "copies";
        var dropped = marked == "orders" ? "copies" : "orders";
        Directory.Delete($"{flow.Warehouse}/shop/{dropped}", recursive: true);
        flow.Produce(10, 10);

        Exception? refusal = null;
        try
        {
            flow.Overrides.Add("sources.src.start_offset=latest");
            await flow.CatchUpAsync();
        }
        catch (PipelineException e) { refusal = e; }

        Assert.True(refusal is PipelineException { ExitCode: ExitCode.Refused }, "no refusal, although a table was dropped");
    }

    /// <summary>F3: somebody rolls the table back under a running pipeline whose topic is idle.</summary>
    [Fact]
    public async Task A_table_rolled_back_under_an_idle_run_gets_its_rows_back()
    {
        using var flow = new FlowHarness();
        var rows = 0;
        await flow.RunDuringAsync(async () =>
        {
            flow.Produce(0, 10);
            await flow.WaitForRowsAsync(10);
            var before = await flow.HeadAsync();
            flow.Produce(10, 10);
            await flow.WaitForRowsAsync(20);
            await flow.RollBackAsync(before);
            for (var hour = 0; hour < 48; hour++)
            {
                flow.Clock.Elapsed += TimeSpan.FromHours(1);
                await Task.Delay(100);
            }
            rows = (await flow.RowsAsync()).Count;
        });
        Assert.Equal(20, rows);
    }

    /// <summary>F4: the topic is idle, another engine commits all the time, and snapshots are expired.</summary>
    [Fact]
    public async Task An_idle_pipeline_beside_a_busy_engine_and_expiry_goes_on_by_itself()
    {
        using var flow = new FlowHarness();
        flow.Overrides.Add("sinks.lake.properties.write.metadata.previous-versions-max=20");
        PipelineException? refusal = null;
        try
        {
            await flow.RunDuringAsync(async () =>
            {
                flow.Produce(0, 10);
                await flow.WaitForRowsAsync(10);
                for (var hour = 0; hour < 60; hour++)
                {
                    await flow.ForeignAppendAsync();
                    await flow.ForeignAppendAsync();
                    var before = flow.CountOf("committed");
                    flow.Clock.Elapsed += TimeSpan.FromMinutes(61);
                    await FlowHarness.WaitUntilAsync(() => flow.CountOf("committed") > before);
                    if (hour == 45) await ExpireAsync(flow);
                }
                flow.Produce(10, 10);
                await flow.WaitForRowsAsync(20);
            });
        }
        catch (PipelineException e) { refusal = e; }
        Assert.Null(refusal);
        await flow.AssertHoldsWholeTopicAsync();
    }

    /// <summary>Keeps the newest snapshot and what refs pin, as expire_snapshots with retain_last 1 does.</summary>
    private static async Task ExpireAsync(FlowHarness flow)
    {
        for (var attempt = 0; attempt < 20; attempt++)
        {
            var table = await flow.TableAsync();
            var kept = table.Metadata.Refs.Values.Select(item => item.SnapshotId).ToHashSet();
            ImmutableArray<SnapshotId> gone = [.. table.Metadata.Snapshots.Select(item => item.Id).Where(id => !kept.Contains(id))];
            var result = await flow.Catalog.CommitAsync(table, [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid)], [new TableUpdate.RemoveSnapshots(gone)], default);
            if (result is CommitResult.Committed) return;
        }
    }

    /// <summary>F6: while the topic is idle another engine drops a column and adds one of the same name.</summary>
    [Fact]
    public async Task A_column_that_was_dropped_and_added_again_gets_the_values_of_later_records()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        await flow.RunDuringAsync(async () =>
        {
            flow.Produce(0, 10);
            await flow.WaitForRowsAsync(10);
            var schema = (await flow.TableAsync()).Metadata.CurrentSchema;
            var note = schema.FindColumn("note")!;
            var last = (await flow.TableAsync()).Metadata.LastColumnId;
            var without = new Schema(schema.SchemaId, [.. schema.Fields.Where(field => field.Name != "note")]);
            await flow.ChangeTableAsync(new TableUpdate.AddSchema(without), new TableUpdate.SetCurrentSchema(TableUpdate.LastAdded));
            var again = new Schema(schema.SchemaId, [.. without.Fields, new NestedField(last + 1, "note", false, note.Type)]);
            await flow.ChangeTableAsync(new TableUpdate.AddSchema(again), new TableUpdate.SetCurrentSchema(TableUpdate.LastAdded));
            await Task.Delay(500);
            flow.Produce(10, 10);
            await flow.WaitForRowsAsync(20);
        });
        var table = await flow.TableAsync();
        var id = table.Metadata.CurrentSchema.FindColumn("note")!.Id;
        var files = await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default);
        var withColumn = files.Where(file => new ParquetFileReader(File.ReadAllBytes(file.Path)).Metadata.Columns.Any(column => column.FieldId == id)).Sum(file => file.RecordCount);
        Assert.Equal(10, withColumn);
    }

    /// <summary>F7: --reset must work where the tag's side file is gone.</summary>
    [Fact]
    public async Task A_reset_goes_on_where_the_side_file_of_the_tagged_commit_is_gone()
    {
        using var flow = new FlowHarness(partitionCount: 200);
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Produce(0, 400);
        await flow.CatchUpAsync();
        var first = await flow.HeadAsync();
        var sideBefore = Directory.GetFiles($"{flow.Warehouse}/shop/_matih", "ledger-*.json", SearchOption.AllDirectories);
        flow.Produce(400, 400);
        await flow.CatchUpAsync();
        await flow.RollBackAsync(first);
        foreach (var file in Directory.GetFiles($"{flow.Warehouse}/shop/_matih", "ledger-*.json", SearchOption.AllDirectories).Except(sideBefore)) File.Delete(file);

        PipelineException? refusal = null;
        try { await flow.CatchUpAsync(new OpenAnswers(Reset: true)); }
        catch (PipelineException e) { refusal = e; }
        Assert.Null(refusal);
    }

    /// <summary>F8: another pipeline's damaged ledger keeps nobody else from starting.</summary>
    [Fact]
    public async Task A_new_pipeline_starts_beside_one_whose_side_file_is_gone()
    {
        using var flow = new FlowHarness(partitionCount: 200);
        flow.Produce(0, 400);
        await flow.CatchUpAsync();
        foreach (var file in Directory.GetFiles($"{flow.Warehouse}/shop/_matih", "ledger-*.json", SearchOption.AllDirectories)) File.Delete(file);
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        other.Produce(0, 10);

        PipelineException? refusal = null;
        try { await other.CatchUpAsync(); }
        catch (PipelineException e) { refusal = e; }
        Assert.Null(refusal);
    }

    /// <summary>F9: a pipeline with two sinks into one table is renamed.</summary>
    [Fact]
    public async Task Each_sink_of_a_renamed_pipeline_takes_its_own_ledger_over()
    {
        using var flow = new FlowHarness(partitionCount: 1) { Definition = TwoSinks.Replace("shop.copies", "shop.orders", StringComparison.Ordinal) };
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        // The sink "copy" gets ahead of the sink "lake": only it runs for a while.
        var both = flow.Definition;
        flow.Definition = string.Join('\n', both.Split('\n').Where(line => !line.Contains("  lake:", StringComparison.Ordinal)));
        flow.Produce(10, 10);
        await flow.CatchUpAsync();
        flow.Definition = both;
        using var renamed = flow.Another(pipeline: "purchases");

        await renamed.CatchUpAsync(new OpenAnswers(Adopt: "orders"));

        var rows = (await renamed.RowsAsync()).CountBy(row => row.Offset).ToList();
        Assert.Equal(20, rows.Count);
        Assert.All(rows, row => Assert.Equal(2, row.Value));
    }

    /// <summary>F10: two different pipelines adopt the same ledger.</summary>
    [Fact]
    public async Task A_ledger_is_adopted_once()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 10);
        using var one = flow.Another(pipeline: "purchases");
        using var two = flow.Another(pipeline: "sales");
        one.Store.Before(".metadata.json", () => two.CatchUpAsync(new OpenAnswers(Adopt: "orders")));

        try { await one.CatchUpAsync(new OpenAnswers(Adopt: "orders")); }
        catch (PipelineException) { }

        Assert.Equal(one.TopicRecords().Order(), await one.RowsAsync());
    }

    /// <summary>F12: --from latest, and the store fails before the start is committed.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_start_is_looked_up_once(bool asAnAnswer)
    {
        using var flow = new FlowHarness(partitionCount: 1) { Clock = new HurriedClock { Speed = 20 } };
        flow.Overrides.Add("orchestration.max_retries=5");
        if (!asAnAnswer) flow.Overrides.Add("sources.src.start_offset=latest");
        flow.Produce(0, 10);
        var failed = false;
        flow.Store.IsDown = location =>
        {
            if (failed || !location.Contains("/metadata/snap-", StringComparison.Ordinal)) return false;
            failed = true;
            flow.Produce(10, 10);
            return true;
        };

        await flow.CatchUpAsync(asAnAnswer ? new OpenAnswers(Start: new StartPosition.Latest()) : null);

        Assert.Equal(10, (await flow.RowsAsync()).Count);
    }

    /// <summary>F13: two sinks, --from latest: both begin at the same records.</summary>
    [Fact]
    public async Task Sinks_without_a_ledger_begin_at_the_same_records_also_with_an_answer()
    {
        using var flow = new FlowHarness(partitionCount: 1) { Definition = TwoSinks };
        flow.Produce(0, 10);
        var looks = 0;
        flow.OnSource = source => source.BeforeRanges = () => { if (Interlocked.Increment(ref looks) == 1) return; flow.Produce(100 + looks, 1); };

        await flow.CatchUpAsync(new OpenAnswers(Start: new StartPosition.Latest()));

        var (orders, copies) = ((await flow.RowsAsync()).Select(row => row.Offset).DefaultIfEmpty(-1).Min(), (await flow.RowsAsync("shop.copies")).Select(row => row.Offset).DefaultIfEmpty(-1).Min());
        Assert.Equal(orders, copies);
    }

    /// <summary>F15: the table's oldest snapshots have expired for good, as in every table that is some weeks old; then the pipeline is renamed.</summary>
    [Fact]
    public async Task A_renamed_pipeline_is_adopted_although_old_snapshots_have_expired()
    {
        using var flow = await OldTableAsync();
        using var renamed = flow.Another(pipeline: "purchases");

        PipelineException? refusal = null;
        try { await renamed.CatchUpAsync(new OpenAnswers(Adopt: "orders")); }
        catch (PipelineException e) { refusal = e; }
        Assert.True(refusal is null, $"{refusal?.Message} | {refusal?.Remedy}");
        await renamed.AssertHoldsWholeTopicAsync();
    }

    /// <summary>F16: the same table, and a second pipeline that has never run.</summary>
    [Fact]
    public async Task A_new_pipeline_starts_on_a_table_whose_old_snapshots_have_expired()
    {
        using var flow = await OldTableAsync();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        other.Produce(0, 10);

        PipelineException? refusal = null;
        try { await other.CatchUpAsync(); }
        catch (PipelineException e) { refusal = e; }
        Assert.True(refusal is null, $"{refusal?.Message} | {refusal?.Remedy}");
    }

    private static async Task<FlowHarness> OldTableAsync()
    {
        var flow = new FlowHarness();
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        for (var round = 0; round < 4; round++)
        {
            flow.Produce(round * 10, 10);
            await flow.CatchUpAsync();
        }
        var table = await flow.TableAsync();
        var kept = table.Metadata.Refs.Values.Select(item => item.SnapshotId).Append(table.Metadata.CurrentSnapshotId!.Value).ToHashSet();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([.. table.Metadata.Snapshots.Select(item => item.Id).Where(id => !kept.Contains(id))]));
        await flow.DeleteOlderMetadataAsync();
        return flow;
    }
}
