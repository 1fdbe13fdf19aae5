using Matih.Batches;
using Matih.Engine.Tests.Batches;
using Matih.Parquet;

namespace Matih.Engine.Tests.Delivery;

/// <summary>Nested records on their way into tables.</summary>
public sealed class NestedRunTests
{
    private const string Sources = """
        metadata: { name: orders, version: "1" }
        sources:
          src:
            type: kafka
            connection: localhost:9092
            topic: shop.orders
            consumer_group: orders-v1
            format: json
            schema: "id BIGINT, who ROW<name STRING, at ROW<city STRING>>, lines ARRAY<ROW<sku STRING, qty INT>>, tags MAP<STRING, INT>"
            start_offset: earliest
            on_error: skip
        """;

    private static FlowHarness Flow(string sql, int partitionCount = 2) => new(partitionCount)
    {
        Definition = $$$"""
            {{{Sources}}}
            transformations:
              - { name: typed, type: sql_transform, input: src, sql: "{{{sql}}}" }
            sinks:
              lake: { type: iceberg, table: shop.orders, mode: append }
            orchestration: { engine: matih, checkpoint_interval: 50ms, parallelism: 2, max_retries: 0 }
            """,
    };

    [Fact]
    public async Task The_books_tell_the_records_from_the_rows_that_they_became()
    {
        using var flow = Flow("SELECT id, l.sku AS sku, who.at.city AS city FROM {{ input }} CROSS JOIN UNNEST(lines) AS l WHERE l.qty > 0");
        flow.Topic.Append(0, """{"id":1,"who":{"at":{"city":"x"}},"lines":[{"sku":"a","qty":1},{"sku":"b","qty":2},{"sku":"c","qty":0}]}""");
        flow.Topic.Append(1, """{"id":2,"lines":[]}""");
        flow.Topic.Append(1, """{"id":3,"lines":[{"sku":"d","qty":"many"}]}""");
        await flow.CatchUpAsync();
        flow.Topic.Append(0, """{"id":4,"lines":[{"sku":"e","qty":5}]}""");

        await flow.CatchUpAsync();

        var totals = (await flow.LedgerAsync()).Totals;
        Assert.Equal((2, 1, 1, 1, 3, 4), (totals.ProducedCount, totals.ExpandedCount, totals.FilteredCount, totals.SkippedCount, totals.AddedRowCount, totals.RecordCount));
        Assert.Equal(["[1, a, x]", "[1, b, x]", "[4, e, null]"], await RowsAsync(flow));
        await flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task Rows_of_a_union_are_in_the_books_as_records_and_what_they_expanded_to()
    {
        using var flow = Flow("SELECT id, 'id' AS kind FROM {{ input }} WHERE id <> 2 UNION ALL SELECT 12 / id, 'part' FROM {{ input }} WHERE id < 9");
        flow.Topic.Append(0, """{"id":1}""");
        flow.Topic.Append(1, """{"id":2}""");
        flow.Topic.Append(1, """{"id":0}""");
        await flow.CatchUpAsync();
        flow.Topic.Append(0, """{"id":9}""");
        flow.Topic.Append(0, """{}""");

        await flow.CatchUpAsync();

        var totals = (await flow.LedgerAsync()).Totals;
        Assert.Equal((3, 1, 1, 1, 4, 5), (totals.ProducedCount, totals.ExpandedCount, totals.FilteredCount, totals.SkippedCount, totals.AddedRowCount, totals.RecordCount));
        Assert.Equal(["[1, id]", "[12, part]", "[6, part]", "[9, id]"], await RowsAsync(flow));
        await flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task Nested_columns_reach_the_table_as_they_are()
    {
        using var flow = Flow("SELECT * FROM {{ input }}");
        flow.Topic.Append(0, """{"id":1,"who":{"name":"n","at":null},"lines":[{"sku":"a","qty":1},null],"tags":{"x":1,"y":null}}""");
        flow.Topic.Append(1, """{"id":2}""");

        await flow.CatchUpAsync();

        Assert.Equal(["[1, [n, null], [[a, 1], null], [[x, 1], [y, null]]]", "[2, null, null, null]"], await RowsAsync(flow));
        await flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task Nested_columns_are_staged_and_rewritten_as_they_are()
    {
        using var committer = Flow("SELECT * FROM {{ input }}", partitionCount: 4);
        committer.Seat = new ScriptedSeat(0);
        using var reader = committer.Another();
        reader.Seat = new ScriptedSeat(1, 2, 3);
        await committer.RunDuringAsync(() => committer.WaitForLogAsync("started"));
        committer.Topic.Append(1, """{"id":1,"who":{"name":"n","at":null},"lines":[{"sku":"a","qty":1},null],"tags":{"x":1,"y":null}}""");
        committer.Topic.Append(1, """{"id":2}""");
        committer.Topic.Append(2, """{"id":3,"who":{"at":{"city":"c"}},"lines":[],"tags":{}}""");
        committer.Topic.Append(3, """{"id":4,"lines":[{"sku":"b"},{"qty":2}]}""");
        await reader.RunDuringAsync(() => reader.WaitForLogAsync(entries => entries.Count(entry => entry.Event == "staged") >= 3));
        var stagedCount = Directory.GetFiles(committer.Warehouse, "*.parquet", SearchOption.AllDirectories).Length;

        await committer.RunDuringAsync(() => committer.WaitForRowsAsync(4));

        Assert.True(stagedCount > 1, "one file was staged, which nobody rewrites");
        Assert.Single(Directory.GetFiles(committer.Warehouse, "*.parquet", SearchOption.AllDirectories));
        Assert.Equal(
        [
            "[1, [n, null], [[a, 1], null], [[x, 1], [y, null]]]", "[2, null, null, null]", "[3, [null, [c]], [], []]", "[4, null, [[b, null], [null, 2]], null]",
        ], await RowsAsync(committer));
        await committer.AssertVerifiesAsync();
    }

    [Fact]
    public async Task A_partition_field_may_not_lie_within_a_row()
    {
        using var flow = Flow("SELECT * FROM {{ input }}");
        flow.Overrides.Add("sinks.lake.partition_by=[who]");

        var refusal = await Assert.ThrowsAnyAsync<Exception>(() => flow.CatchUpAsync());

        Assert.Contains("identity cannot partition column 'who'", refusal.Message, StringComparison.Ordinal);
    }

    private static async Task<IEnumerable<string>> RowsAsync(FlowHarness flow)
    {
        var rows = new List<string>();
        foreach (var path in Directory.EnumerateFiles(flow.TableFolder + "/data", "*.parquet", SearchOption.AllDirectories))
        {
            var reader = new ParquetFileReader(await File.ReadAllBytesAsync(path));
            var columns = Enumerable.Range(0, reader.Metadata.Columns.Length).Select(i => reader.ReadColumn(i, MemoryAccount.Unlimited())).ToArray();
            for (var row = 0; row < columns[0].Count; row++) rows.Add(NestedValues.Text(columns.Select(column => NestedValues.ValueAt(column, row)).ToArray()));
        }
        return rows.Order(StringComparer.Ordinal);
    }
}
