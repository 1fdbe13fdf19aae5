using System.Text.Json;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Delivery;

/// <summary>Whole runs into a table whose format version is another than usual, or becomes so.</summary>
public sealed class FormatVersionRunTests(SharedKafka kafka)
{
    [Fact, LongTest]
    public async Task A_version_3_table_is_created_written_deleted_from_compacted_and_proven()
    {
        var (client, pipeline) = await NewAsync("version3");
        pipeline.ReplaceInDefinition("partition_by: [date] }", "partition_by: [date], properties: { format-version: 3 } }");
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await using (var worker = pipeline.Start())
        {
            await worker.Error.WaitForAsync(line => line.Contains("\"committed\""));
            worker.Send(ProcessSignal.Kill);
            await worker.WaitForExitAsync();
        }
        await pipeline.CatchUpAsync();
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100, 100));
        await pipeline.CatchUpAsync();
        await pipeline.VerifiedAsync(0, "--count-all");
        await IcebergReference.WriteAsync("delete-where", pipeline.TableFolder, "--where", "id < 20", "--mode", "dv");
        var before = await LineageAsync(pipeline);

        (await pipeline.CommandAsync("maintain", "--only", "compact")).Expect();

        Assert.Equal(180, before.Count);
        Assert.Equal(before, await LineageAsync(pipeline));
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(200, 50));
        await pipeline.CatchUpAsync();
        var verified = await pipeline.VerifiedAsync(0, "--count-all");
        Assert.Equal(250, verified.GetProperty("added_rows").GetInt64());
        Assert.Contains("rewritten-content", Codes(verified, "proved"));
        await IcebergReference.CheckAsync(pipeline.TableFolder, "--require-totals");
        Assert.Equal(230, await IcebergReference.CountAsync(pipeline.TableFolder));
        Assert.Equal(3, (await IcebergReference.InfoAsync(pipeline.TableFolder)).GetProperty("format-version").GetInt32());
    }

    // Version 1.11 of the reference takes a Parquet column of nanoseconds for one of microseconds when it checks files, its own as well:
    // what it reads, and where it puts the same rows itself, is compared instead.
    [Fact]
    public async Task Nanoseconds_are_read_by_others_and_partitioned_as_the_reference_does()
    {
        var (client, pipeline) = await NewAsync("nanoseconds");
        pipeline.ReplaceInDefinition("partition_by: [date] }", "partition_by: [hour(fine), 'bucket(3, fine)'], properties: { format-version: 3 } }");
        pipeline.ReplaceInDefinition("SELECT id, note, `partition`, `offset`, event_timestamp FROM", "SELECT id, TIMESTAMPADD(SECOND, CAST(id AS INT), TIMESTAMP '1969-12-31 23:59:00.123456789') AS fine FROM");
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync();
        await IcebergReference.WriteAsync("delete-where", pipeline.TableFolder, "--where", "id < 20", "--mode", "dv");
        (await pipeline.CommandAsync("maintain", "--only", "compact")).Expect();

        var rows = await IcebergReference.ScanAsync(pipeline.TableFolder);
        Assert.Equal(
            Enumerable.Range(20, 80).Select(id => (id, id < 60 ? $"1969-12-31T23:59:{id}.123456789" : $"1970-01-01T00:00:{id - 60:00}.123456789")),
            rows.Select(row => (row.GetProperty("id").GetInt32(), row.GetProperty("fine").GetString()!)).Order());
        var inDuckDb = await DuckDb.QueryAsync($"select id::int as id, epoch_ns(fine)::varchar as ns from iceberg_scan('{pipeline.TableFolder}') order by id");
        Assert.Equal(Enumerable.Range(20, 80).Select(id => $"{(id - 60) * 1_000_000_000L + 123_456_789}"), inDuckDb.Select(row => row.GetProperty("ns").GetString()));
        var theirs = TemporaryDirectory.New();
        await IcebergReference.CreateAsync(theirs, "id long, fine timestamp_ns", "hour(fine), bucket[3](fine)", "--format-version", "3");
        await IcebergReference.AppendAsync(theirs, rows.Select(row => row.GetRawText()));
        Assert.Equal(await PartitionsAsync(theirs), await PartitionsAsync(pipeline.TableFolder));
    }

    /// <summary>How many rows are in each partition.</summary>
    private static async Task<IReadOnlyList<string>> PartitionsAsync(string table) =>
        [.. (await IcebergReference.FilesAsync(table)).GroupBy(file => file.GetProperty("partition").GetRawText(), file => file.GetProperty("record-count").GetInt64())
            .Select(group => $"{group.Key}: {group.Sum()}").Order(StringComparer.Ordinal)];

    [Fact, LongTest]
    public async Task A_run_goes_on_while_its_table_is_raised_from_version_1_to_3()
    {
        var (client, pipeline) = await NewAsync("raised");
        await IcebergReference.CreateAsync(pipeline.TableFolder, "id long, note string, partition int, offset long, event_timestamp timestamp", "day(event_timestamp)", "--format-version", "1");
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync();
        await using (var run = pipeline.Start())
        {
            for (var version = 2; version <= 3; version++)
            {
                await IcebergReference.WriteAsync("set-props", pipeline.TableFolder, $"format-version={version}");
                await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100 * (version - 1), 100));
                await OrderPipeline.WaitForRowsAsync(run, 100);
            }
            run.Send(ProcessSignal.Terminate);
            await run.WaitForExitAsync();
        }

        Assert.Equal(300, await IcebergReference.CountAsync(pipeline.TableFolder));
        await IcebergReference.CheckAsync(pipeline.TableFolder, "--require-totals");
        Assert.Equal(300, (await pipeline.VerifiedAsync(0, "--count-all")).GetProperty("added_rows").GetInt64());
        Assert.Equal(3, (await IcebergReference.InfoAsync(pipeline.TableFolder)).GetProperty("format-version").GetInt32());
    }

    private static async Task<List<string>> LineageAsync(OrderPipeline pipeline) =>
        [.. (await DuckDb.QueryAsync($"select id, _row_id, _last_updated_sequence_number as age from iceberg_scan('{pipeline.TableFolder}')")).Select(row => row.GetRawText()).Order(StringComparer.Ordinal)];

    private static string[] Codes(JsonElement flow, string kind) => [.. flow.GetProperty(kind).EnumerateArray().Select(finding => finding.GetProperty("code").GetString()!)];

    private async Task<(KafkaClient Client, OrderPipeline Pipeline)> NewAsync(string stem)
    {
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName(stem));
        await client.CreateTopicAsync(pipeline.Topic, 2);
        return (client, pipeline);
    }
}
