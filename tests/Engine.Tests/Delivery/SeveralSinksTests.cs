using Matih.Definition;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Planning;

namespace Matih.Engine.Tests.Delivery;

/// <summary>Several flows of one pipeline, and several pipelines, on one consumer group.</summary>
public sealed class SeveralSinksTests
{
    internal const string TwoSinks = """
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

    [Theory]
    [InlineData("orders")]
    [InlineData("copies")]
    public async Task A_dropped_table_of_one_sink_is_refused_and_nothing_is_written_for_the_others(string dropped)
    {
        using var flow = new FlowHarness { Definition = TwoSinks };
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        Directory.Delete($"{flow.Warehouse}/shop/{dropped}", recursive: true);
        flow.Produce(10, 10);
        flow.Overrides.Add("sources.src.start_offset=latest");

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("The consumer group remembers", refusal.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists($"{flow.Warehouse}/shop/{dropped}"));
        Assert.Equal(10, (await flow.RowsAsync(dropped == "orders" ? "shop.copies" : "shop.orders")).Count);
    }

    [Fact]
    public async Task In_another_warehouse_no_sink_creates_a_table_where_one_is_refused()
    {
        using var flow = new FlowHarness { Definition = TwoSinks };
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        // A third sink is new, so nothing by itself keeps it from starting in the wrong warehouse.
        flow.Definition = TwoSinks.Replace("  copy:", "  fresh: { type: iceberg, input: typed, table: shop.fresh, mode: append }\n  copy:", StringComparison.Ordinal);
        Directory.Delete($"{flow.Warehouse}/shop", recursive: true);

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.False(Directory.Exists($"{flow.Warehouse}/shop"));
    }

    [Fact]
    public async Task The_marks_of_pipelines_on_one_group_survive_side_by_side()
    {
        using var flow = new FlowHarness();
        using var other = flow.Another(pipeline: "audits");
        other.Definition = flow.Definition.Replace("shop.orders, mode", "shop.audits, mode", StringComparison.Ordinal);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await other.CatchUpAsync();
        flow.DropTable();

        var refusal = await flow.RefusalAsync();

        Assert.Equal(["audits/lake", "orders/lake"], GroupMarks.Parse(flow.Topic.GroupMark).Select(mark => mark.Flow!.ToString()));
        Assert.Contains("The consumer group remembers that orders/lake wrote to table", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_idle_run_stores_its_mark_again_where_another_process_has_overwritten_it()
    {
        using var flow = new FlowHarness();
        await flow.RunDuringAsync(async () =>
        {
            flow.Produce(0, 10);
            await flow.WaitForRowsAsync(10);
            flow.Topic.GroupMark = "matih:2:audits:lake:0f0e0d0c-0000-4000-8000-000000000001\0";
            flow.Clock.Elapsed += TimeSpan.FromMinutes(2);
            await FlowHarness.WaitUntilAsync(() => GroupMarks.Find(flow.Topic.GroupMark, new FlowName("orders", "lake")) is not null);
        });

        Assert.NotNull(GroupMarks.Find(flow.Topic.GroupMark, new FlowName("audits", "lake")));
    }

    [Fact]
    public async Task Marks_of_a_later_version_are_not_overwritten()
    {
        using var flow = new FlowHarness();
        flow.Topic.GroupMark = "matih:3:what nobody knows yet\0";
        flow.Produce(0, 10);

        await flow.CatchUpAsync();

        Assert.Equal("matih:3:what nobody knows yet\0", flow.Topic.GroupMark);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task More_marks_than_fit_are_shortened_and_far_more_are_refused_by_name_of_the_limit()
    {
        var topic = new ScriptedTopic("shop.orders", 1);
        var source = new ScriptedSource(topic, TimeProvider.System);
        var ledger = new SourceLedger("src", "shop.orders", null, null, "read_committed", [PartitionLedger.StartingAt(0, 0, isEarliest: true)]);
        var marks = new GroupMarks(TimeProvider.System);
        string? refusal = null;

        for (var i = 0; i < 150; i++)
            Assert.Null(await marks.StoreAsync(Mark(i), source, ledger, default));
        var text = topic.GroupMark!;
        for (var i = 150; i < 300; i++)
            refusal = await marks.StoreAsync(Mark(i), source, ledger, default);

        Assert.True(text.Length <= 4096);
        Assert.All(Enumerable.Range(0, 150), i => Assert.StartsWith(GroupMarks.Find(text, Mark(i).Flow!)!.TableUuid, Mark(i).TableUuid, StringComparison.Ordinal));
        Assert.Contains("4,096 bytes", refusal, StringComparison.Ordinal);

        static GroupMark Mark(int i) => new(new FlowName($"a-pipeline-with-a-longer-name-{i}", "lake"), $"{i:x8}-0000-4000-8000-000000000001");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_start_is_looked_up_once_however_often_it_is_attempted(bool isAnswer)
    {
        using var flow = new FlowHarness(partitionCount: 1) { Clock = new HurriedClock { Speed = 20 } };
        flow.Overrides.Add("orchestration.max_retries=5");
        if (!isAnswer) flow.Overrides.Add("sources.src.start_offset=latest");
        flow.Produce(0, 10);
        var hasFailed = false;
        flow.Store.IsDown = location =>
        {
            if (hasFailed || !location.Contains("/metadata/snap-", StringComparison.Ordinal)) return false;
            hasFailed = true;
            flow.Produce(10, 10);
            return true;
        };

        await flow.CatchUpAsync(isAnswer ? new OpenAnswers(Start: new StartOffset.Latest()) : null);

        Assert.Equal(10, (await flow.RowsAsync()).Count);
    }

    [Fact]
    public async Task Sinks_without_a_ledger_begin_at_the_same_records_also_with_an_answer()
    {
        using var flow = new FlowHarness(partitionCount: 1) { Definition = TwoSinks };
        flow.Produce(0, 10);
        var looks = 0;
        flow.OnSource = source => source.BeforeRanges = () =>
        {
            if (Interlocked.Increment(ref looks) > 1) flow.Produce(100 + looks, 1);
        };

        await flow.CatchUpAsync(new OpenAnswers(Start: new StartOffset.Latest()));

        var first = (await flow.RowsAsync()).Select(row => row.Offset).DefaultIfEmpty(-1).Min();
        Assert.Equal(first, (await flow.RowsAsync("shop.copies")).Select(row => row.Offset).DefaultIfEmpty(-1).Min());
    }
}
