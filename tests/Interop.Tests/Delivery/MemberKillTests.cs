using Matih.Fixtures;

namespace Matih.Interop.Tests.Delivery;

/// <summary>
/// The promise for several processes on one pipeline (<c>--member</c>): whoever is killed, stopped for longer than its
/// session or restarted, while records come all the time and partitions are added, every record ends up in the table once.
/// </summary>
public sealed class MemberKillTests(SharedKafka kafka)
{
    private const int MemberCount = 3, PartitionsBefore = 6, PartitionsAfter = 8;


    [Fact, LongTest]
    public async Task Every_record_is_in_the_table_once_after_members_were_killed_stopped_and_restarted()
    {
        var eventCount = Soak.IsOn ? 200 : 12;
        var seed = int.TryParse(Environment.GetEnvironmentVariable("MATIH_SEED"), out var given) ? given : Random.Shared.Next();
        var random = new Random(seed);
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var broker = await kafka.BrokerAsync();
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), broker.Bootstrap, KafkaBroker.NewName("members"));
        pipeline.KeepTableFast();
        await client.CreateTopicAsync(pipeline.Topic, PartitionsBefore);
        await using var traffic = new OrderTraffic(client, pipeline.Topic, PartitionsBefore);
        var story = new List<string>();

        var members = Enumerable.Range(0, MemberCount).Select(_ => pipeline.Start("--member")).ToArray();
        try
        {
            await Task.WhenAll(members.Select(member => member.Error.WaitForAsync(IsAtWork)));
            for (var number = 0; number < eventCount; number++)
            {
                var (index, kind) = (random.Next(MemberCount), random.Next(10));
                if (number == eventCount / 2)
                {
                    story.Add($"{PartitionsAfter} partitions");
                    await client.AddPartitionsAsync(pipeline.Topic, PartitionsAfter);
                    await traffic.SpreadAsync(await KafkaClient.ConnectAsync(broker.Bootstrap), PartitionsAfter);
                }
                else if (kind < 5)
                {
                    story.Add($"kill {index}");
                    members[index].Send(ProcessSignal.Kill);
                    await RestartAsync(index, 137);
                }
                else if (kind < 9)
                {
                    // Now and then beyond the session of 6 s, so that the others take its partitions over.
                    var pause = TimeSpan.FromSeconds(random.Next(3) == 0 ? 7 + 2 * random.NextDouble() : 2 * random.NextDouble());
                    story.Add($"stop {index} for {pause.TotalSeconds:0.0} s");
                    members[index].Send(ProcessSignal.Stop);
                    await Task.Delay(pause, TestContext.Current.CancellationToken);
                    members[index].Send(ProcessSignal.Continue);
                }
                else
                {
                    story.Add($"restart {index}");
                    // Before its first words a process may not be listening to signals yet.
                    await members[index].Error.WaitForAsync(_ => true);
                    members[index].Send(ProcessSignal.Terminate);
                    await RestartAsync(index, 0);
                }
                await Task.Delay(random.Next(100, 2000), TestContext.Current.CancellationToken);
                // A stop ends no member: it goes on with what the group then gives it.
                Assert.True(Array.TrueForAll(members, member => !member.HasExited), $"seed {seed}: {Told()}");
            }
            var produced = await traffic.EndAsync();
            foreach (var member in members) await member.Error.WaitForAsync(_ => true);
            foreach (var member in members) member.Send(ProcessSignal.Terminate);
            for (var index = 0; index < MemberCount; index++) await ExpectAsync(index, 0);
            var before = await pipeline.CountAsync();
            await pipeline.CatchUpAsync();

            Assert.True(before.Rows > 0, $"seed {seed}: the members together committed nothing; {Told()}");
            Assert.True(await pipeline.CountAsync() == (produced, produced, produced), $"seed {seed}: {await pipeline.CountAsync()} of {produced} in {pipeline.TableFolder}; {Told()}");
            Assert.Equal("closed", await pipeline.LedgerStateAsync());
            await IcebergReference.CheckAsync(pipeline.TableFolder);
            (await pipeline.VerifyAsync("--count-all")).Expect(0);
        }
        finally
        {
            foreach (var member in members) await member.DisposeAsync();
        }

        async Task RestartAsync(int index, int exitCode)
        {
            await ExpectAsync(index, exitCode);
            await members[index].DisposeAsync();
            members[index] = pipeline.Start("--member");
        }

        async Task ExpectAsync(int index, int exitCode)
        {
            var found = (await members[index].WaitForExitAsync()).ExitCode;
            Assert.True(found == exitCode, $"seed {seed}: member {index} ended with {found}; {Told()}");
        }

        string Told() => $"events: {string.Join(", ", story)}\n" + string.Join('\n', members.Select((member, index) =>
            $"--- member {index}{(member.HasExited ? ", ended" : "")}\n{string.Join('\n', member.Error.Lines.TakeLast(15))}"));
    }

    [Fact, LongTest]
    public async Task Rows_grow_between_any_two_kills_of_a_run_that_is_killed_every_five_seconds()
    {
        var killCount = Soak.IsOn ? 24 : 3;
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName("growing"));
        await client.CreateTopicAsync(pipeline.Topic, 4);
        await using var traffic = new OrderTraffic(client, pipeline.Topic, 4);
        var rows = new List<long> { 0 };

        for (var kill = 0; kill < killCount; kill++)
        {
            await using var run = pipeline.Start();
            // Beside other tests the first rows may take longer than the five seconds; a soak, which runs alone, holds them to it.
            var limit = TimeSpan.FromSeconds(Soak.IsOn ? 5 : 30);
            await Task.WhenAll(Task.Delay(5000, TestContext.Current.CancellationToken), OrderPipeline.WaitForRowsAsync(run, 1).WaitAsync(limit, TestContext.Current.CancellationToken));
            run.Send(ProcessSignal.Kill);
            (await run.WaitForExitAsync()).Expect(137);
            rows.Add((await pipeline.CountAsync()).Rows);
        }
        var produced = await traffic.EndAsync();
        await pipeline.CatchUpAsync();

        Assert.True(rows.Zip(rows.Skip(1)).All(pair => pair.Second > pair.First), $"rows after each kill: {string.Join(", ", rows)}");
        Assert.Equal((produced, produced, produced), await pipeline.CountAsync());
        await IcebergReference.CheckAsync(pipeline.TableFolder);
        (await pipeline.VerifyAsync("--count-all")).Expect(0);
    }

    private static bool IsAtWork(string line) => line.Contains("\"event\":\"committed\"", StringComparison.Ordinal) || line.Contains("\"event\":\"staged\"", StringComparison.Ordinal);

    /// <summary>Records that come all the time, some 1,000 a second, spread over the partitions.</summary>
    private sealed class OrderTraffic : IAsyncDisposable
    {
        private readonly string _topic;
        private readonly CancellationTokenSource _ended = new();
        private readonly Task _producing;
        private (KafkaClient Client, int Partitions) _target;
        private KafkaClient? _own;
        private int _count;

        public OrderTraffic(KafkaClient client, string topic, int partitions)
        {
            _topic = topic;
            _target = (client, partitions);
            _producing = ProduceAsync();
        }

        /// <summary>Goes on by a client that knows the added partitions.</summary>
        public async Task SpreadAsync(KafkaClient client, int partitions)
        {
            _own = client;
            await client.OffsetsAsync(_topic);
            _target = (client, partitions);
        }

        /// <summary>Ends and says how many records there are.</summary>
        public async Task<int> EndAsync()
        {
            await _ended.CancelAsync();
            await _producing;
            return _count;
        }

        public async ValueTask DisposeAsync()
        {
            await EndAsync();
            _ended.Dispose();
            if (_own is not null) await _own.DisposeAsync();
        }

        private async Task ProduceAsync()
        {
            while (!_ended.IsCancellationRequested)
            {
                var (client, partitions) = _target;
                await client.ProduceAsync(_topic, OrderPipeline.Orders(_count, 100).Select((value, index) => KafkaRecord.Text(value, index % partitions)));
                _count += 100;
                await Task.Delay(100, CancellationToken.None);
            }
        }
    }
}
