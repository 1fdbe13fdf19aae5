using Matih.Definition;
using Matih.Delivery;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Bench;

/// <summary>
/// What exactly-once costs: workload W1 from a real broker into a table, by the engine as it is, against the same engine put
/// together without the protocol (<see cref="UnguardedRun"/>). Both run in this process; the broker's CPU is not counted.
/// </summary>
public sealed class ProtocolCost(DuckDbBaseline duckDb, string input, WorkloadFacts facts, int partitions)
{
    private int _run;

    public async Task RunAsync(int rounds, IReadOnlyList<string> intervals)
    {
        await using var broker = await KafkaBroker.StartAsync();
        var client = await broker.ClientAsync();
        await client.CreateTopicAsync(ClickPipeline.Topic, partitions);
        await client.ProduceFileAsync(ClickPipeline.Topic, input, partitions);
        foreach (var interval in intervals)
        {
            await new Comparison(
                $"protocol on against off, W1, {partitions} partitions, checkpoint every {interval}",
                new Contender("with", () => MeasureAsync(broker, interval, GuardedAsync)),
                new Contender("without", () => MeasureAsync(broker, interval, UnguardedAsync)),
                facts.Records) { WarmUpRounds = 4 }.RunAsync(rounds);
        }
    }

    private async Task<double> MeasureAsync(KafkaBroker broker, string interval, Func<PlannedFlow, Counter, Task> runAsync)
    {
        var folder = TemporaryDirectory.NewUnowned();
        try
        {
            var flow = ClickPipeline.Plan(ClickPipeline.Definition(broker.Bootstrap, partitions, $"bench-{++_run}", interval), folder);
            var counter = new Counter();
            var seconds = await CpuTime.OfWorkAsync(() => runAsync(flow, counter));
            await duckDb.VerifyAsync(Path.Combine(folder, "**", "*.parquet"), facts);
            return seconds;
        }
        finally
        {
            TemporaryDirectory.Delete(folder);
        }
    }

    private async Task GuardedAsync(PlannedFlow flow, Counter counter)
    {
        var (environment, connectors) = Outside(counter);
        var request = new RunRequest(new RunMode.UntilCaughtUp(), OpenAnswers.None, null, _ => true);
        await new PipelineRunner(environment, connectors, counter).RunAsync([flow], request, [new FlowProgress(flow.Plan.Name.ToString())], default, default);
    }

    private async Task UnguardedAsync(PlannedFlow flow, Counter counter)
    {
        var (environment, connectors) = Outside(counter);
        await using var source = connectors.OpenSource(flow.Definition.Source, flow.Plan.MemoryBytes / 4);
        var context = new FlowContext(flow.Plan, environment, new FlowProgress(flow.Plan.Name.ToString()), counter, () => 0.5);
        var shared = SharedByFlows.ForOneFlow(source, flow.Plan, environment);
        var run = new UnguardedRun(context, new FlowAssembly(context, flow.Definition, connectors, source, shared, null), connectors.OpenCatalog(flow.Definition.Sink.Catalog, connectors.OpenStore(flow.Definition.Sink.Catalog)), source, shared.Marks);
        await environment.Tasks.Start("unguarded", run.RunAsync, default);
    }

    private (EngineEnvironment Environment, HostConnectors Connectors) Outside(Counter counter)
    {
        var environment = SystemEnvironment.Create(HostSettings.OfProcess());
        return (environment, new HostConnectors(HostSettings.OfProcess(), environment, counter, partitions));
    }

    /// <summary>Keeps nothing: a log's text is not what is measured.</summary>
    private sealed class Counter : IEngineLog
    {
        public void Write(LogEntry entry)
        {
        }
    }
}
