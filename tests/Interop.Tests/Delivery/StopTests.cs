using Matih.Fixtures;

namespace Matih.Interop.Tests.Delivery;

/// <summary>A run that is asked to stop, at whatever moment.</summary>
public sealed class StopTests(SharedKafka kafka)
{
    [Fact, LongTest]
    public async Task A_signal_in_the_middle_of_a_checkpoint_finishes_it_closes_the_ledger_and_loses_nothing()
    {
        var (rounds, perRound) = (Soak.IsOn ? 60 : 8, 20_000);
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName("stops"));
        await client.CreateTopicAsync(pipeline.Topic, 4);

        for (var round = 0; round < rounds; round++)
        {
            // An interval shorter than a commit takes: there is always a checkpoint under way.
            await using var run = pipeline.Start("--set", "orchestration.checkpoint_interval=20ms");
            await OrderPipeline.WaitForOpeningAsync(run);
            var produced = client.ProduceFileAsync(pipeline.Topic, pipeline.OrderFile(round * perRound, perRound), 4);
            await Task.Delay(random.Next(0, 500), TestContext.Current.CancellationToken);
            var (signal, isImpatient) = (random.Next(2) == 0 ? ProcessSignal.Terminate : ProcessSignal.Interrupt, random.Next(4) == 0);
            run.Send(signal);
            if (isImpatient)
            {
                await Task.Delay(random.Next(0, 60), TestContext.Current.CancellationToken);
                run.Send(signal);
            }
            var exitCode = (await run.WaitForExitAsync()).ExitCode;
            await produced;

            // A second SIGTERM ends with 143 what it still finds running; a second Ctrl-C with the same code as the first.
            int[] expected = signal == ProcessSignal.Interrupt ? [130] : isImpatient ? [0, 143] : [0];
            Assert.True(expected.Contains(exitCode), $"seed {seed}, round {round}, {signal}{(isImpatient ? " twice" : "")}: exit code {exitCode}\n{run.Error.Text}");
            if (!isImpatient) Assert.Equal("closed", await pipeline.LedgerStateAsync());
        }
        await pipeline.CatchUpAsync();

        var all = (long)rounds * perRound;
        Assert.True(await pipeline.CountAsync() == (all, all, all), $"seed {seed}: {await pipeline.CountAsync()} of {all} in {pipeline.TableFolder}");
        await IcebergReference.CheckAsync(pipeline.TableFolder);
    }
}
