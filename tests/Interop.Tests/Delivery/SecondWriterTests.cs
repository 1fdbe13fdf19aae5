using Matih.Fixtures;

namespace Matih.Interop.Tests.Delivery;

/// <summary>Two processes that both believe that the pipeline is theirs.</summary>
public sealed class SecondWriterTests(SharedKafka kafka)
{
    [Fact, LongTest]
    public async Task A_run_that_was_stopped_while_another_took_over_exits_with_4_when_it_continues()
    {
        const int rounds = 5, perRound = 5000;
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var (client, pipeline) = await NewAsync("zombie");
        var (records, exitCodes) = (0, new List<int>());

        for (var round = 0; round < rounds; round++)
        {
            await using var older = pipeline.Start();
            await OrderPipeline.WaitForOpeningAsync(older);
            var produced = ProduceAsync(perRound);
            // The moment is what is random here: while it reads, writes files, or commits.
            await Task.Delay(random.Next(0, 700), TestContext.Current.CancellationToken);
            older.Send(ProcessSignal.Stop);
            await produced;

            await using var newer = pipeline.Start();
            await ProduceAsync(100);
            await OrderPipeline.WaitForRowsAsync(newer, 1);
            older.Send(ProcessSignal.Continue);
            // Whatever the older one still holds, it finds out at the next thing that it would commit.
            await ProduceAsync(100);
            exitCodes.Add((await older.WaitForExitAsync()).ExitCode);
            newer.Send(ProcessSignal.Terminate);
            (await newer.WaitForExitAsync()).Expect(0);
        }
        await pipeline.CatchUpAsync();

        Assert.True(exitCodes.TrueForAll(code => code == 4), $"seed {seed}: exit codes {string.Join(", ", exitCodes)}");
        Assert.True(await pipeline.CountAsync() == (records, records, records), $"seed {seed}: {await pipeline.CountAsync()} of {records} in {pipeline.TableFolder}");
        Assert.Equal("closed", await pipeline.LedgerStateAsync());
        await IcebergReference.CheckAsync(pipeline.TableFolder);

        async Task ProduceAsync(int count)
        {
            var first = records;
            records += count;
            await client.ProduceFileAsync(pipeline.Topic, pipeline.OrderFile(first, count), 4);
        }
    }

    [Fact, LongTest]
    public async Task Of_two_replicas_under_a_restart_policy_one_works_and_the_other_waits()
    {
        var (client, pipeline) = await NewAsync("replicas");
        using var ended = new CancellationTokenSource();
        await using var first = new Replica(pipeline, ended.Token);
        await using var second = new Replica(pipeline, ended.Token);
        var records = 0;

        // Long enough for many restarts, if they fenced each other: a start takes well under a second.
        const int batches = 60, killedAt = 20;
        for (var batch = 0; batch < batches; batch++)
        {
            await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(records, 50), batch % 4);
            records += 50;
            await Task.Delay(250, TestContext.Current.CancellationToken);
            if (batch == killedAt) first.Kill();
        }
        var takeovers = (first.TakeoverCount, second.TakeoverCount);
        await ended.CancelAsync();
        await first.StopAsync();
        await second.StopAsync();
        var before = await pipeline.CountAsync();
        await pipeline.CatchUpAsync();

        // The second one's start, the first one's kill, and for each one more that patience may take to settle.
        Assert.True(takeovers.Item1 + takeovers.Item2 <= 6, $"{takeovers} take-overs; exit codes {first.ExitCodes}; {second.ExitCodes}");
        Assert.True(before.Rows > records * 9 / 10, $"only {before.Rows} of {records} rows were committed while they ran");
        Assert.Equal((records, records, records), await pipeline.CountAsync());
        await IcebergReference.CheckAsync(pipeline.TableFolder);
    }

    private async Task<(KafkaClient Client, OrderPipeline Pipeline)> NewAsync(string stem)
    {
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName(stem));
        await client.CreateTopicAsync(pipeline.Topic, 4);
        return (client, pipeline);
    }

    /// <summary>A container that is started again whenever it ends, until it is told to stop.</summary>
    private sealed class Replica : IAsyncDisposable
    {
        private readonly OrderPipeline _pipeline;
        private readonly Lock _gate = new();
        private readonly List<int> _exitCodes = [];
        private readonly Task _running;
        private ExternalProcess _process;
        private int _takeoversBefore;

        public Replica(OrderPipeline pipeline, CancellationToken ended)
        {
            _pipeline = pipeline;
            _process = pipeline.Start();
            _running = RunAsync(ended);
        }

        public int TakeoverCount
        {
            get { lock (_gate) return _takeoversBefore + OrderPipeline.TakeoverCount(_process); }
        }

        public string ExitCodes
        {
            get { lock (_gate) return string.Join(", ", _exitCodes); }
        }

        public void Kill()
        {
            lock (_gate) _process.Send(ProcessSignal.Kill);
        }

        public async Task StopAsync()
        {
            _process.Send(ProcessSignal.Terminate);
            await _running;
        }

        public async ValueTask DisposeAsync() => await _process.DisposeAsync();

        private async Task RunAsync(CancellationToken ended)
        {
            while (true)
            {
                var output = await _process.WaitForExitAsync(TimeSpan.FromMinutes(5));
                lock (_gate)
                {
                    _exitCodes.Add(output.ExitCode);
                    if (ended.IsCancellationRequested) return;
                    _takeoversBefore += OrderPipeline.TakeoverCount(_process);
                    _process = _pipeline.Start();
                }
            }
        }
    }
}
