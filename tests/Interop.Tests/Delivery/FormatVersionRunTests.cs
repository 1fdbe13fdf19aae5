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
        await IcebergReference.WriteAsync("delete-where", pipeline.TableFolder, "--where", "id in (3, 150)", "--mode", "dv");
        var before = await LineageAsync(pipeline);

        (await pipeline.CommandAsync("maintain", "--only", "compact")).Expect();

        Assert.Equal(198, before.Count);
        Assert.Equal(before, await LineageAsync(pipeline));
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(200, 50));
        await pipeline.CatchUpAsync();
        var verified = await pipeline.VerifiedAsync(0, "--count-all");
        Assert.Equal(250, verified.GetProperty("added_rows").GetInt64());
        Assert.Contains("rewritten-content", Codes(verified, "proved"));
        await IcebergReference.CheckAsync(pipeline.TableFolder, "--require-totals");
        Assert.Equal(248, await IcebergReference.CountAsync(pipeline.TableFolder));
        Assert.Equal(3, (await IcebergReference.InfoAsync(pipeline.TableFolder)).GetProperty("format-version").GetInt32());
    }

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
