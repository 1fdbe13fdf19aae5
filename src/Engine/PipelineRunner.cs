using Matih.Decoding;
using Matih.Definition;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Delivery.Replaying;
using Matih.Delivery.Steps;
using Matih.Delivery.Tables;
using Matih.Delivery.Topics;
using Matih.Delivery.Writing;
using Matih.Delivery;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg;
using Matih.Kafka;
using Matih.Maintenance;
using Matih.Planning;
using Matih.Registry;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih;

/// <summary>Makes the components that lead outside; the host gives real ones, a simulation its own.</summary>
public interface IConnectors
{
    /// <summary>A reader of the source's topic whose queues stay within that much memory.</summary>
    IRecordSource OpenSource(SourceDefinition source, long queueBytes);

    /// <summary>Joins a consumer group that shares out the source's topic among the processes of one pipeline.</summary>
    /// <param name="group">The group's id: one for each flow, because every flow reads all partitions.</param>
    IGroupMember JoinGroup(SourceDefinition source, string group);

    IStore OpenStore(CatalogDefinition catalog);

    ICatalog OpenCatalog(CatalogDefinition catalog, IStore store);

    /// <summary>The registry of a source: the same one each time for the same definition, so that all share what it has been asked.</summary>
    ISchemaRegistry OpenRegistry(RegistryDefinition registry);
}

/// <summary>How a run is asked for.</summary>
/// <param name="Mode">When it ends by itself.</param>
/// <param name="Answers">A person's answers to earlier refusals.</param>
/// <param name="Hint">This process, for other replicas to see.</param>
/// <param name="IsGone">Whether the process that such a hint names is known to be dead. False where it cannot be known.</param>
/// <param name="IsMember">
/// Share the partitions with other processes of the same pipeline, each of which says so: one of them commits what all read.
/// For runs without an end of their own (<see cref="RunMode.Continuous"/>, <see cref="RunMode.For"/>).
/// </param>
public sealed record RunRequest(RunMode Mode, OpenAnswers Answers, WriterHint? Hint, Func<WriterHint, bool> IsGone, bool IsMember = false);

/// <summary>
/// Runs a pipeline: every flow from its topic into its table, side by side, each with its own ledger.
/// </summary>
/// <remarks>
/// The way of a record: Kafka (<see cref="IRecordSource"/>) → Decoding (<see cref="IRecordDecoder"/>) → Sql
/// (<see cref="Sql.QueryExecutor"/>) → Parquet (through <see cref="SinkWriter"/>) → Iceberg (<see cref="PreparedChange"/>,
/// committed by <see cref="TableLedger"/>). Delivery decides when to commit and what to resume from.
/// </remarks>
public sealed class PipelineRunner(EngineEnvironment environment, IConnectors connectors, IEngineLog log)
{
    private readonly Lock _randomLock = new();

    /// <summary>Runs until the mode's end, or until stopped.</summary>
    /// <param name="flows">The plans, from <see cref="PipelinePlanner"/>.</param>
    /// <param name="progress">One for each flow, in the same order.</param>
    /// <param name="stop">Asks for a last checkpoint and a clean end.</param>
    /// <param name="abort">Ends at once; the next start continues from what the tables hold.</param>
    /// <exception cref="PipelineException">The first failure of a flow; the others were stopped cleanly.</exception>
    public async Task RunAsync(
        IReadOnlyList<PlannedFlow> flows, RunRequest request, IReadOnlyList<FlowProgress> progress, CancellationToken stop, CancellationToken abort)
    {
        if (request is { IsMember: true, Mode: RunMode.Once or RunMode.UntilCaughtUp })
            throw new ArgumentException($"A member of several has no end of its own; {request.Mode} has one.", nameof(request));
        if (AdoptionChoice.UnknownSinks(request.Answers.Adopt, [.. flows.Select(flow => flow.Plan.Name.Sink)]).FirstOrDefault() is { } unknown)
        {
            throw PipelineException.Refused($"--adopt {request.Answers.Adopt}: the definition has no sink '{unknown}'.",
                $"It has {string.Join(", ", flows.Select(flow => flow.Plan.Name.Sink))}. The form is SINK=PIPELINE/SINK.");
        }
        if (request.Answers is { Reset: true, Adopt: { } name })
        {
            throw PipelineException.Refused($"--reset and --adopt {name} cannot be given together: the one starts over, the other continues from a ledger.",
                "Leave one of them out. A pipeline that was renamed continues with --adopt alone, and no record is written twice.");
        }
        if (request.Answers is { Flink: not null } answers && (answers.Reset || answers.Adopt is not null || answers.Start is not null || request.IsMember))
        {
            throw PipelineException.Refused("--from-savepoint and --from-ended-job cannot be given together with --reset, --adopt, --from or --member: they take the records back from Flink, once and at positions of its job.",
                "Leave the others out; later starts go without it.");
        }
        using var anyFailed = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var starts = new Dictionary<string, FlowStarts>();
        var marks = new Dictionary<(string Group, string Topic), GroupMarks>();
        var gate = new StartGate(flows.Count, environment.Clock);
        var runs = new List<Task>();
        var opened = new List<IAsyncDisposable>();
        try
        {
            for (var i = 0; i < flows.Count; i++)
            {
                var (definition, plan) = flows[i];
                var source = connectors.OpenSource(definition.Source, FlowAssembly.QueueBytesOf(plan));
                opened.Add(source);
                var member = request.IsMember ? connectors.JoinGroup(definition.Source, GroupOf(definition.Source, plan.Name)) : null;
                if (member is not null) opened.Add(member);
                if (!starts.TryGetValue(definition.Source.Name, out var start)) starts.Add(definition.Source.Name, start = FlowStarts.Of(source, plan.Start, request.Answers.Start));
                var group = (definition.Source.ConsumerGroup, definition.Source.Topic);
                if (!marks.TryGetValue(group, out var marked)) marks.Add(group, marked = new GroupMarks(environment.Clock));
                var assembly = Assemble(flows[i], source, new SharedByFlows(start, marked, gate), request, progress[i]);
                var run = assembly.CreateRun(member, request.IsGone);
                runs.Add(environment.Tasks.Start($"flow {plan.Name}", async token =>
                {
                    try
                    {
                        await run.RunAsync(request.Mode, request.Answers, anyFailed.Token, token);
                        log.Debug("memory", $"Flow {plan.Name}: buffers took {Quantity.Bytes(assembly.Memory.PeakBytes)} at most, of {Quantity.Bytes(assembly.Memory.CeilingBytes)}.",
                            ("peak_bytes", assembly.Memory.PeakBytes), ("ceiling_bytes", assembly.Memory.CeilingBytes));
                    }
                    catch
                    {
                        anyFailed.Cancel();
                        throw;
                    }
                }, abort));
            }
            await Task.WhenAll(runs);
        }
        finally
        {
            foreach (var source in Enumerable.Reverse(opened)) await source.DisposeAsync();
        }
    }

    /// <summary>
    /// Replays whole commits of one flow: takes their source ranges again through the definition as it is now, and puts the
    /// new files in the place of the old ones, in one commit.
    /// </summary>
    /// <exception cref="PipelineException">It cannot be done, or the request's question was answered with no; nothing was changed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; as with a crash, the commit either stands or was never there.</exception>
    public async Task<ReplayReport> ReplayAsync(PlannedFlow flow, ReplayRequest request, FlowProgress progress, CancellationToken cancellationToken)
    {
        var (definition, plan) = flow;
        try
        {
            await using var source = connectors.OpenSource(definition.Source, FlowAssembly.QueueBytesOf(plan));
            var run = new RunRequest(new RunMode.Continuous(), OpenAnswers.None, request.Hint, _ => false);
            return await Assemble(flow, source, SharedByFlows.ForOneFlow(source, plan, environment), run, progress).CreateReplay().RunAsync(request, cancellationToken);
        }
        catch (Exception e) when (FlowFailure.Of(plan, e, cancellationToken) is { } failure)
        {
            progress.Metrics.CountFailure(FailureWord.Of(failure.Kind));
            if (failure == e) throw;
            throw failure;
        }
    }

    /// <summary>A flow for a host that drives it step by step. Disposing it ends its connections, and nothing else.</summary>
    /// <param name="hint">This process, for other replicas to see.</param>
    /// <param name="isGone">Whether the process that such a hint names is known to be dead. False where it cannot be known.</param>
    public FlowSteps OpenSteps(PlannedFlow flow, WriterHint? hint, Func<WriterHint, bool> isGone, FlowProgress progress)
    {
        var source = connectors.OpenSource(flow.Definition.Source, FlowAssembly.QueueBytesOf(flow.Plan));
        var context = new FlowContext(flow.Plan, environment, progress, log, NextJitter) { WaitsInside = false };
        return new FlowAssembly(context, flow.Definition, connectors, source, SharedByFlows.ForOneFlow(source, flow.Plan, environment), hint).CreateSteps(isGone);
    }

    /// <summary>Looks at the tables of the flows as a run would, without Kafka, and changes nothing.</summary>
    /// <returns>What the definition says otherwise than a table that exists.</returns>
    /// <exception cref="PipelineException">A run would refuse a table, or a table cannot be read.</exception>
    public async Task<IReadOnlyList<LogEntry>> CheckTablesAsync(IReadOnlyList<PlannedFlow> flows, CancellationToken cancellationToken)
    {
        var differences = new List<LogEntry>();
        foreach (var (definition, plan) in flows)
        {
            try
            {
                var flowTable = FlowAssembly.OpenTable(connectors, definition, plan.Table, connectors.OpenStore(definition.Sink.Catalog));
                if (await flowTable.LoadAsync(cancellationToken) is not { } table)
                {
                    TableCreation.RequireAllowed(flowTable, plan.Table);
                    continue;
                }
                table.RequireFit(plan.Table);
                differences.AddRange(table.FindDifferences(plan.Table));
            }
            catch (Exception e) when (e is not PipelineException && FlowFailure.Of(plan, e, cancellationToken) is { } failure)
            {
                throw failure;
            }
        }
        return differences;
    }

    /// <summary>
    /// One round of maintenance of each flow's table, one after the other, as its sink's <c>maintenance:</c> says. What fails is
    /// logged, and the others are maintained all the same; cancelled, it ends where it is, which does no harm.
    /// </summary>
    /// <param name="removesOrphans">Whether orphan files are looked for, which costs a listing of each table's folder.</param>
    public async Task MaintainAsync(IReadOnlyList<(PlannedFlow Flow, FlowProgress Progress)> flows, bool removesOrphans, CancellationToken cancellationToken)
    {
        foreach (var (flow, progress) in flows)
        {
            var (definition, plan) = flow;
            if (cancellationToken.IsCancellationRequested) return;
            if (!plan.MaintainsTable) continue;
            var catalog = connectors.OpenCatalog(definition.Sink.Catalog, connectors.OpenStore(definition.Sink.Catalog));
            var maintenance = SinkMaintenance.Of(environment, catalog, definition.Sink, plan, share: 1);
            await maintenance.RunLoggedAsync(progress, removesOrphans, log, cancellationToken);
        }
    }

    /// <summary>
    /// The group that shares out a flow's partitions. Not the consumer group itself: every flow of a pipeline reads all
    /// partitions, and a broker takes offsets for dashboards only from members of a group that has any.
    /// </summary>
    internal static string GroupOf(SourceDefinition source, FlowName flow) => $"{source.ConsumerGroup}.{flow.Pipeline}.{flow.Sink}";

    private FlowAssembly Assemble(PlannedFlow flow, IRecordSource source, SharedByFlows shared, RunRequest request, FlowProgress progress) => new(
        new FlowContext(flow.Plan, environment, progress, log, NextJitter), flow.Definition, connectors, source, shared, request.Hint);

    private double NextJitter()
    {
        lock (_randomLock) return environment.Random.NextDouble();
    }
}
