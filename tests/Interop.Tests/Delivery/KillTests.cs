using Matih.Fixtures;

namespace Matih.Interop.Tests.Delivery;

/// <summary>The promise under SIGKILL: whatever moment a continuous run dies at, every record ends up in the table once.</summary>
public sealed class KillTests(SharedKafka kafka)
{
    private static bool IsSoak => Environment.GetEnvironmentVariable("MATIH_SOAK") == "1";

    [Fact, LongTest]
    public async Task Every_record_is_in_the_table_once_after_kills_at_random_moments()
    {
        var (killCount, eventCount) = IsSoak ? (50, 1_000_000) : (10, 100_000);
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName("kills"));
        await client.CreateTopicAsync(pipeline.Topic, 4);
        var perRound = eventCount / killCount;

        for (var round = 0; round < killCount; round++)
        {
            await using var worker = pipeline.Start();
            await worker.Error.WaitForAsync(line => line.Contains("\"started\"") || line.Contains("\"taken-over\"") || line.Contains("\"resumed\""));
            var produced = client.ProduceFileAsync(pipeline.Topic, pipeline.OrderFile(round * perRound, perRound), 4);
            // The moment is what is random here: somewhere from polling to the second commit after it.
            await Task.Delay(random.Next(0, 900), TestContext.Current.CancellationToken);
            worker.Send(ProcessSignal.Kill);
            await worker.WaitForExitAsync();
            await produced;
        }
        await pipeline.CatchUpAsync();

        Assert.True(await pipeline.CountAsync() == (eventCount, eventCount, eventCount), $"seed {seed}: {await pipeline.CountAsync()} in {pipeline.TableFolder}");
        await IcebergReference.CheckAsync(pipeline.TableFolder);
        (await pipeline.VerifyAsync("--count-all")).Expect(0);
    }
}
