using Matih.Batches;
using Matih.Decoding;
using Matih.Definition;
using Matih.Delivery.Committing;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Members;
using Matih.Delivery.Opening;
using Matih.Delivery.Replaying;
using Matih.Delivery.Running;
using Matih.Delivery.Staging;
using Matih.Delivery.Steps;
using Matih.Delivery.Tables;
using Matih.Delivery.Topics;
using Matih.Delivery.Writing;
using Matih.Delivery;
using Matih.Kafka;
using Matih.Maintenance;
using Matih.Planning;
using Matih.Registry;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih;

/// <summary>What the flows of a pipeline have in common while they run in one process.</summary>
internal sealed record SharedByFlows(FlowStarts Starts, GroupMarks Marks, StartGate Gate)
{
    public static SharedByFlows ForOneFlow(ITopic topic, FlowPlan plan, EngineEnvironment environment) =>
        new(FlowStarts.Of(topic, plan.Start, null), new GroupMarks(environment.Clock), new StartGate(1, environment.Clock));
}

/// <summary>
/// Puts a flow's parts together, for a run, a replay or single steps. The one place that knows them all: every part gets what
/// it uses, and knows nothing of this.
/// </summary>
internal sealed class FlowAssembly
{
    /// <summary>The Kafka client's queues get this part of a flow's memory; the rest is for columns and open files.</summary>
    private const int QueueShare = 4;

    /// <summary>What maintenance of the table takes of the machine's cores, while flows run beside it.</summary>
    private const double MaintenanceCoreShare = 0.08;

    private readonly FlowContext _flow;
    private readonly FlowDefinition _definition;
    private readonly IConnectors _connectors;
    private readonly IRecordSource _source;
    private readonly SharedByFlows _shared;
    private readonly IStore _store;
    private readonly FieldPresence _presence = new();
    private readonly ISchemaRegistry? _registry;
    private readonly WriterIdentity _writer;
    private readonly FlowGroup _group;
    private readonly GapCheck _gaps;
    private readonly RunSkips _skips;
    private readonly FieldCheck _fields;
    private readonly SideFileRemoval _sideFiles;
    private readonly TableCare? _care;

    /// <param name="hint">This process, for other replicas to see.</param>
    public FlowAssembly(FlowContext flow, FlowDefinition definition, IConnectors connectors, IRecordSource source, SharedByFlows shared, WriterHint? hint)
    {
        var plan = flow.Plan;
        _flow = flow;
        _definition = definition;
        _connectors = connectors;
        _source = source;
        _shared = shared;
        _registry = definition.Source.SchemaRegistry is { } registry ? connectors.OpenRegistry(registry) : null;
        _store = connectors.OpenStore(definition.Sink.Catalog);
        Memory = new MemoryAccount(plan.MemoryBytes - plan.MemoryBytes / QueueShare);
        Ledgers = new TableLedger(flow, OpenTable(connectors, definition, plan.Table, _store), _store);
        _writer = new WriterIdentity(flow.Environment.Ids.NewUuid(), hint);
        _group = new FlowGroup(flow, source, shared.Marks);
        _gaps = new GapCheck(plan, source);
        _skips = new RunSkips(plan, flow.Progress, flow.Log);
        _fields = new FieldCheck(plan, _presence, flow.Log);
        _sideFiles = new SideFileRemoval(_store, flow.Clock, flow.Log);
        _care = CareFor(flow, definition);
        flow.Progress.NoteMemory(new MemoryUse(() => Memory.UsedBytes, Memory.CeilingBytes));
        flow.Progress.Metrics.BeginAtZero(FailureWord.All);
    }

    private TableCare? CareFor(FlowContext flow, FlowDefinition definition)
    {
        var sink = definition.Sink;
        if (!flow.Plan.MaintainsTable) return null;
        var maintenance = SinkMaintenance.Of(flow.Environment, _connectors.OpenCatalog(sink.Catalog, _store), sink, flow.Plan, MaintenanceCoreShare * Environment.ProcessorCount);
        return new TableCare(flow, maintenance, sink.Maintenance.Interval);
    }

    /// <summary>What the queues of a source may take of the flow's memory.</summary>
    public static long QueueBytesOf(FlowPlan plan) => plan.MemoryBytes / QueueShare;

    /// <summary>A flow's table, by what the definition says of its catalog and format.</summary>
    public static IFlowTable OpenTable(IConnectors connectors, FlowDefinition definition, TablePlan plan, IStore store) =>
        new IcebergTable(connectors.OpenCatalog(definition.Sink.Catalog, store), plan);

    public MemoryAccount Memory { get; }

    public TableLedger Ledgers { get; }

    /// <param name="member">The seat among several processes of the pipeline; null for a process that does everything.</param>
    /// <param name="isGone">Whether the process that a hint names is known to be dead.</param>
    public FlowRun CreateRun(IGroupMember? member, Func<WriterHint, bool> isGone)
    {
        // Members need no patience with each other: the group says which of them commits.
        var patience = new TakeoverPatience(_flow, member is null ? isGone : _ => true);
        var opening = CreateOpening(_flow, patience);
        var check = CreateCheck();
        var stagingOpening = new StagingOpening(_flow, _source, _store, Ledgers);
        return new FlowRun(_flow, _source, check, _shared.Gate, member,
            () => new CommittingSession(_flow, _source, opening, LanesFor, CommitterFor, _fields, _care is null ? _ => Task.CompletedTask : _care.RunAsync),
            () => new StagingSession(_flow, _source, stagingOpening, LanesFor, opened => StagingFor(opened, _gaps), _fields));
    }

    /// <param name="isGone">Whether the process that a hint names is known to be dead.</param>
    public FlowSteps CreateSteps(Func<WriterHint, bool> isGone) => new(
        _flow, _source, CreateOpening(_flow, new TakeoverPatience(_flow, isGone)), new StagingOpening(_flow, _source, _store, Ledgers),
        LanesFor, opened => CommitterFor(opened, hasOthers: true), opened => StagingFor(opened, new GapCheck(_flow.Plan, _source, isHandedIn: true)));

    /// <summary>For finding out, without a word in the log, whether the flow would be opened.</summary>
    public FlowOpening CreateCheck()
    {
        var flow = _flow with { Log = EngineLog.None };
        return CreateOpening(flow, new TakeoverPatience(flow, _ => false));
    }

    /// <param name="isGone">Whether the process that a hint names is known to be dead.</param>
    public LedgerHandover CreateHandover(Func<WriterHint, bool> isGone) =>
        new(_flow, Ledgers, new OpeningComposition(_flow, _source, _shared.Starts, _writer), new TakeBackProof(_flow, _source), new MarkCheck(_flow, _source, Ledgers, "give the sink another name"), isGone);

    public ReplayRun CreateReplay() => new(_flow, _source, Ledgers, LanesFor, _fields, _writer);

    private FlowOpening CreateOpening(FlowContext flow, TakeoverPatience patience) =>
        new(flow, Ledgers, new OpeningComposition(flow, _source, _shared.Starts, _writer), new MarkCheck(flow, _source, Ledgers), new TakeBackProof(flow, _source), _group, patience, _writer);

    public FlowLanes LanesFor(OpenedFlow opened) =>
        new(_flow.Plan, Memory, CreateDecoder, laneCount => CreateFileSets(opened, opened.Binding, _flow.Plan.Table.Rows, laneCount), _flow.Progress, _flow.Log, _flow.Clock);

    /// <param name="hasOthers">Whether other processes stage what this one commits.</param>
    public FlowCommitter CommitterFor(OpenedFlow opened, bool hasOthers) => new(
        _flow, new Checkpointer(_flow, Ledgers, _gaps, _group, _skips, _writer, opened), hasOthers ? IntakeFor(opened) : null, _sideFiles);

    private RangeStaging StagingFor(OpenedFlow opened, GapCheck gaps) => new(_flow, _store, AreaFor(opened), opened.Source, gaps, _writer.Run);

    private RangeIntake IntakeFor(OpenedFlow opened)
    {
        var missing = new MissingRangeReading(_source, OpenSecondSource, new BoundedReading(LanesFor(opened), _flow.Environment), _gaps);
        var rewrite = new SmallRangeRewrite(_store,
            () => new SinkWriter(CreateFileSets(opened, opened.Binding.OfStoredRows(), opened.Binding.StoredRows, 1), isAlone: true), opened.Binding.StoredRows, Memory);
        return new RangeIntake(_flow, _store, AreaFor(opened), new StallWatch(_flow.Plan, _source, _flow.Clock), missing, rewrite);
    }

    /// <summary>Another reader of the same topic, for what is read beside the assignment.</summary>
    private IRecordSource OpenSecondSource() => _connectors.OpenSource(_definition.Source, QueueBytesOf(_flow.Plan) / 2);

    private StagingArea AreaFor(OpenedFlow opened) => new(_store, opened.Table, StagingKey.Of(_flow.Plan, opened));

    private IRecordDecoder CreateDecoder(MemoryAccount account) => SourceDecoding.CreateDecoder(_definition.Source, _flow.Plan.Query.Inputs, account, _registry, _presence);

    private FileSets CreateFileSets(OpenedFlow opened, TableBinding binding, RowType rows, int laneCount)
    {
        var files = opened.Table.FileSettings;
        // Rows of the checkpoint before are still being written while the next one's are gathered.
        var limits = new GatheringLimits(Memory.CeilingBytes / 4 / _flow.Plan.Parallelism);
        var writing = new FileWriting(
            rows, binding, files.Parquet, _flow.Plan.Table.TargetFileBytes ?? files.TargetBytes, limits, _store, _flow.Environment.Ids, Memory, _flow.Environment.Scratch);
        return new FileSets(writing, laneCount, _flow.Environment.Tasks);
    }
}
