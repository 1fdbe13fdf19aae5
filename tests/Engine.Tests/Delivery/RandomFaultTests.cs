using System.Globalization;
using Matih.Delivery;

namespace Matih.Engine.Tests.Delivery;

/// <summary>The promise under faults in random order: every record is in the table exactly once.</summary>
public sealed class RandomFaultTests(ITestOutputHelper output)
{
    private const int StepCount = 40;

    [Fact]
    public async Task After_any_sequence_of_faults_every_record_is_there_once()
    {
        var seed = Environment.GetEnvironmentVariable("MATIH_TEST_SEED") is { } given
            ? int.Parse(given, CultureInfo.InvariantCulture)
            : Environment.TickCount;
        var steps = new List<string>();
        try
        {
            await RunAsync(new Random(seed), steps);
        }
        catch
        {
            output.WriteLine($"MATIH_TEST_SEED={seed}: {string.Join(", ", steps)}");
            throw;
        }
    }

    private static async Task RunAsync(Random random, List<string> steps)
    {
        using var flow = new FlowHarness(partitionCount: 3);
        flow.Overrides.Add("orchestration.max_retries=2");
        flow.Clock.Speed = 50;
        var expected = new HashSet<(int, long)>();
        var polls = 0;
        flow.OnSource = source =>
        {
            source.RewindsBy = random.Next(4);
            source.BeforePoll = () => Interlocked.Increment(ref polls);
        };
        for (var step = 0; step < StepCount; step++)
        {
            var choice = random.Next(9);
            steps.Add(choice.ToString(CultureInfo.InvariantCulture));
            switch (choice)
            {
                case 0 or 1 or 2:
                    for (var i = random.Next(1, 60); i > 0; i--)
                    {
                        var partition = random.Next(flow.Topic.PartitionCount);
                        expected.Add((partition, flow.Topic.Append(partition, $$"""{"id": {{i}}}""")));
                    }
                    break;
                case 3:
                    flow.Topic.AppendGap(random.Next(flow.Topic.PartitionCount), random.Next(1, 5));
                    break;
                case 4:
                    var killAt = Volatile.Read(ref polls) + random.Next(1, 30);
                    await flow.RunUntilKilledAsync(() => Task.FromResult(Volatile.Read(ref polls) >= killAt));
                    break;
                case 5:
                    await flow.CatchUpAsync();
                    foreach (var entry in (await flow.LedgerAsync()).FindSource("src")!.Partitions)
                        if (random.Next(3) == 0) flow.Topic.DeleteBefore(entry.Partition, random.NextInt64(flow.Topic.Range(entry.Partition).LogStart, entry.NextOffset + 1));
                    break;
                case 6:
                    if (flow.Topic.PartitionCount < 6) flow.Topic.AddPartitions(1);
                    break;
                case 7:
                    if (await flow.Catalog.LoadAsync(FlowHarness.Identifier, default) is not null) await flow.ForeignAppendAsync();
                    break;
                default:
                    await RunWithFaultAsync(flow, random);
                    break;
            }
        }

        await flow.CatchUpAsync();

        await flow.AssertHoldsExactlyAsync(expected);
        Assert.Equal(expected.Count, (await flow.LedgerAsync()).Totals.ProducedCount);
    }

    private static async Task RunWithFaultAsync(FlowHarness flow, Random random)
    {
        switch (random.Next(4))
        {
            case 0:
                flow.Store.FailBefore(".metadata.json");
                break;
            case 1:
                flow.Store.FailAfter(".metadata.json");
                break;
            case 2:
                flow.Store.FailAfter(".avro");
                break;
            default:
                flow.Store.After(".metadata.json", () =>
                {
                    flow.Store.FailRead(".metadata.json");
                    throw new IOException("connection reset");
                });
                break;
        }
        try
        {
            await flow.CatchUpAsync();
        }
        catch (PipelineException e) when (e.ExitCode == ExitCode.Environment)
        {
            // Retries were used up; the next run learns what stands.
        }
    }
}
