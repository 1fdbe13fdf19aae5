using Matih.Definition;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Replaying;
using Matih.Delivery.Steps;
using Matih.Engine.Simulation.Auditing;
using Matih.Engine.Simulation.Scenarios;
using Matih.Engine.Simulation.World;
using Matih.Iceberg.Catalogs;
using Matih.Kafka;
using Matih.Registry;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Engine.Simulation.Processes;

/// <summary>What a run of a pipeline reaches the simulated world through, in place of the host's connectors.</summary>
internal sealed class PipelineProcess(SimulatedWorld world, Setup setup, PipelineSetup pipeline, SimulatedProcess process, Auditor auditor, int seed) : IConnectors
{
    private readonly Random _random = new(seed);
    private int _sourceCount;

    /// <summary>Starts the run.</summary>
    /// <param name="answers">A person's answers.</param>
    /// <param name="isGone">Whether another process is known to be dead.</param>
    /// <param name="isMember">Whether it shares the work with other processes of its pipeline.</param>
    public void Start(RunMode mode, OpenAnswers answers, Func<WriterHint, bool> isGone, bool isMember)
    {
        process.Start(async (stop, abort) =>
        {
            var flows = pipeline.Plan();
            var request = new RunRequest(mode, answers, new WriterHint(process.Host, process.Id), isGone, isMember);
            await new PipelineRunner(process.Environment, this, process).RunAsync(
                flows, request, [.. flows.Select(flow => new FlowProgress(flow.Plan.Name.ToString()))], stop, abort);
        });
    }

    /// <summary>Starts a host that drives one of the flows step by step.</summary>
    public void StartSteps(int sink, Func<WriterHint, bool> isGone, Func<FlowSteps, CancellationToken, CancellationToken, Task> drive)
    {
        _sourceCount = sink;
        process.Start(async (stop, abort) =>
        {
            var flow = pipeline.Plan()[sink];
            var runner = new PipelineRunner(process.Environment with { Tasks = new NoTasks() }, this, process);
            await using var steps = runner.OpenSteps(flow, new WriterHint(process.Host, process.Id), isGone, new FlowProgress(flow.Plan.Name.ToString()));
            _sourceCount = pipeline.Tables.Length;
            await drive(steps, stop, abort);
        });
    }

    /// <summary>For a process that opens flows as they are needed, and reads only what was missed.</summary>
    public PipelineProcess Serving()
    {
        _sourceCount = pipeline.Tables.Length;
        return this;
    }

    /// <summary>Starts a replay of a flow's commits; its report is given to the caller, in the process's own thread.</summary>
    public void StartReplay(int sink, CommitId from, CommitId to, Action<ReplayReport> done)
    {
        _sourceCount = sink;
        process.Start(async (stop, abort) =>
        {
            var flow = pipeline.Plan()[sink];
            var request = new ReplayRequest(from, to, _ => true, new WriterHint(process.Host, process.Id));
            done(await new PipelineRunner(process.Environment, this, process).ReplayAsync(flow, request, new FlowProgress(flow.Plan.Name.ToString()), abort));
        });
    }

    public IRecordSource OpenSource(SourceDefinition source, long queueBytes)
    {
        // The runner opens one for each flow, in order; later ones read missing ranges of flows that have begun long ago.
        var sink = _sourceCount++;
        Action onAssign = sink < pipeline.Tables.Length ? () => auditor.NoteReading(pipeline, sink) : () => { };
        string[] readers = sink < pipeline.Tables.Length ? [pipeline.Flow(sink).ToString()] : [.. pipeline.Tables.Select((_, index) => pipeline.Flow(index).ToString())];
        return new TopicClient(
            world.Kafka, world.Kafka.Topics[source.Topic], source.ConsumerGroup, setup.Habits, world.Weather, process, new Random(_random.Next()), readers, onAssign) { RangesTold = auditor.NoteRanges };
    }

    public IGroupMember JoinGroup(SourceDefinition source, string group)
    {
        if (!world.Kafka.Groups.TryGetValue(group, out var found))
            world.Kafka.Groups.Add(group, found = new ConsumerGroup(world.Simulator, world.Kafka.Topics[source.Topic], world.Weather, new Random(_random.Next())));
        return found.Join(process);
    }

    public IStore OpenStore(CatalogDefinition catalog) => new StoreClient(world.Store, world.Weather, process);

    public ICatalog OpenCatalog(CatalogDefinition catalog, IStore store) => CatalogOf(world, process, store);

    public ISchemaRegistry OpenRegistry(RegistryDefinition registry) => throw new NotSupportedException("There is no schema registry in this world.");

    public static ICatalog CatalogOf(SimulatedWorld world, SimulatedProcess process, IStore store) => new AnsweringCatalog(
        world.HasCatalogServer
            ? new CatalogClient(world.CatalogServer, world.Weather, process, store)
            : new FileCatalog(store, SimulatedWorld.Warehouse, process.Environment.Ids, process.Clock),
        process);
}
