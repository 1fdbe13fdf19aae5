using System.Text.Json;
using Matih.Fixtures;
using Matih.Interop.Tests.Delivery;

namespace Matih.Interop.Tests.Maintenance;

/// <summary>Runs that keep their table fast by themselves; independent readers see the same rows.</summary>
public sealed class MaintainedRunTests(SharedKafka kafka)
{
    [Fact]
    public async Task A_run_puts_its_small_files_together_and_expires_its_snapshots_while_it_goes_on()
    {
        var (client, pipeline) = await NewAsync("maintained-run");
        pipeline.KeepTableFast();
        await using (var run = pipeline.Start())
        {
            await OrderPipeline.WaitForOpeningAsync(run);
            for (var i = 0; i < 12; i++)
            {
                await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(20 * i, 20));
                await OrderPipeline.WaitForRowsAsync(run, 20 * (i + 1));
            }
            await run.Error.WaitForAsync(line => IsMaintained(line) && line.Contains(" put ", StringComparison.Ordinal));
            await run.Error.WaitForAsync(line => IsMaintained(line) && line.Contains("expired ", StringComparison.Ordinal));
            await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(240, 20));
            await OrderPipeline.WaitForRowsAsync(run, 260);
            run.Send(ProcessSignal.Terminate);
            (await run.WaitForExitAsync()).Expect();
            Assert.DoesNotContain("maintenance-failed", run.Error.Text, StringComparison.Ordinal);
            Assert.DoesNotContain("maintenance-broken", run.Error.Text, StringComparison.Ordinal);
        }

        Assert.Equal((260, 260, 260), await pipeline.CountAsync());
        await IcebergReference.CheckAsync(pipeline.TableFolder, "--allow-missing-parents");
        Assert.InRange((await IcebergReference.FilesAsync(pipeline.TableFolder)).Count, 1, 9);
        var verified = await pipeline.VerifiedAsync(0, "--count-all");
        Assert.Empty(verified.GetProperty("violations").EnumerateArray());
    }

    [Fact]
    public async Task Only_a_table_that_a_pipeline_created_is_maintained_unless_the_sink_says_so()
    {
        var (client, pipeline) = await NewAsync("not-ours");
        pipeline.ReplaceInDefinition("partition_by: [date] }", "maintenance: { interval: 1s } }");
        await IcebergReference.CreateAsync(pipeline.TableFolder, "id long, note string, partition int, offset long, event_timestamp timestamp", null);
        for (var i = 0; i < 6; i++)
            await IcebergReference.AppendAsync(pipeline.TableFolder, [$$"""{"id":-{{i + 1}},"note":"foreign","partition":0,"offset":-{{i + 1}},"event_timestamp":"2024-01-02T03:04:05"}"""]);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 20));
        (await pipeline.RunAsync("--until-caught-up")).Expect();
        (await pipeline.RunAsync("--for", "4s")).Expect();
        Assert.True((await IcebergReference.FilesAsync(pipeline.TableFolder)).Count > 6);

        pipeline.ReplaceInDefinition("maintenance: { interval: 1s }", "maintenance: { mode: on, interval: 1s }");
        await using (var run = pipeline.Start())
        {
            await run.Error.WaitForAsync(line => IsMaintained(line) && line.Contains(" put ", StringComparison.Ordinal));
            run.Send(ProcessSignal.Terminate);
            (await run.WaitForExitAsync()).Expect();
        }

        Assert.Single(await IcebergReference.FilesAsync(pipeline.TableFolder));
        Assert.Equal(26, (await pipeline.CountAsync()).Rows);
        await IcebergReference.CheckAsync(pipeline.TableFolder);
        (await pipeline.CommandAsync("maintain", "--dry-run")).Expect();
    }

    private static bool IsMaintained(string line) => line.Contains("\"event\":\"maintained\"", StringComparison.Ordinal);

    private async Task<(KafkaClient Client, OrderPipeline Pipeline)> NewAsync(string name)
    {
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName(name));
        await client.CreateTopicAsync(pipeline.Topic, 1);
        return (client, pipeline);
    }
}
