using System.Collections.Immutable;
using Matih.Definition;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Delivery.Topics;
using Matih.Flink;
using Matih.Kafka;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih;

/// <summary>A flow whose records a Flink job is to write.</summary>
/// <param name="Table">Its table, whose columns only Flink may know.</param>
/// <param name="Planned">Its plan; null for a statement that this engine does not run.</param>
public sealed record HandedFlow(FlowDefinition Definition, TablePlan Table, PlannedFlow? Planned)
{
    /// <summary>What the job's statements are recognized by.</summary>
    public DeployedHash? StatementHash { get; init; }

    internal FlowName Name => new(Definition.Pipeline, Definition.Sink.Name);
}

/// <summary>A table that was given to a Flink job before.</summary>
/// <param name="HasCommits">Whether it holds commits of that job.</param>
public sealed record GivenTable(TableIdentifier Table, string Job, bool HasCommits)
{
    /// <summary>The job that it continues, or was to; null where it begins at the offsets that the ledger says.</summary>
    public string? Before { get; init; }

    /// <summary>The savepoint or checkpoint of that job.</summary>
    public string? From { get; init; }

    /// <summary>The statements of the last jobs; none where this engine runs them as well.</summary>
    public DeployedStatements Statements { get; init; } = DeployedStatements.Parse(null);
}

/// <summary>
/// Gives the flows of one pipeline to a Flink job. Where this engine runs all of their statements, and the brokers answer, a
/// commit of each flow's ledger says so and where the job begins; otherwise a property of the table says it.
/// </summary>
/// <param name="isGone">Whether the process that a hint names is known to be dead.</param>
public sealed class HandoverToFlink(EngineEnvironment environment, IConnectors connectors, IEngineLog log, Func<WriterHint, bool> isGone) : IAsyncDisposable
{
    /// <summary>For a source of which only questions are asked.</summary>
    private const long QueueBytes = 1 << 20;

    private readonly Lock _randomLock = new();
    private readonly List<(HandedFlow Flow, LedgerHandover Handover, HandoverLook Look)> _byLedger = [];
    private readonly List<HandedFlow> _byProperty = [];
    private readonly List<IAsyncDisposable> _sources = [];

    /// <summary>Creates the tables that do not exist, and looks whether a job may have them.</summary>
    /// <param name="restores">Whether the job continues from a savepoint or checkpoint.</param>
    /// <returns>Those that were given to a job before.</returns>
    /// <exception cref="PipelineException">A job may not have them, a topic does not exist, or catalog or store fails.</exception>
    public async Task<ImmutableArray<GivenTable>> LookAsync(IReadOnlyList<HandedFlow> flows, bool restores, CancellationToken cancellationToken)
    {
        var silence = await FindTopicsAsync(flows, cancellationToken);
        try
        {
            if (flows.All(flow => flow.Planned is not null))
            {
                var starts = new Dictionary<string, FlowStarts>();
                foreach (var flow in flows)
                {
                    var handover = Assemble(flow.Planned!, starts).CreateHandover(isGone);
                    _byLedger.Add((flow, handover, await Guarded(flow, async () => await handover.LookAsync(restores, cancellationToken), cancellationToken)));
                }
                RequireOneStart();
                return [.. _byLedger.Where(item => item.Look.GivenTo is not null).Select(item => new GivenTable(item.Flow.Table.Identifier, item.Look.GivenTo!, item.Look.HasCommits) { Before = item.Look.Given?.Before, From = item.Look.Given?.From })];
            }
        }
        catch (SourceException unreachable)
        {
            // A flow with a ledger asks no broker before it is given, so that there is none.
            log.Warning("start-not-committed", $"{Unanswered(unreachable)}, so the job begins where Flink finds start_offset, and its records cannot be taken back from a savepoint.");
            _byLedger.Clear();
        }
        if (silence is not null && flows.Any(flow => flow.Planned is null)) log.Warning("topic-not-looked-up", $"{Unanswered(silence)}, so whether there is such a topic is left to Flink.");
        _byProperty.AddRange(flows);
        var given = ImmutableArray.CreateBuilder<GivenTable>();
        foreach (var flow in flows)
            if (await MarkAsync(flow, null, restores, cancellationToken) is ({ } job, var hasCommits, var statements)) given.Add(new GivenTable(flow.Table.Identifier, job, hasCommits) { Statements = statements });
        return given.ToImmutable();
    }

    private static string Unanswered(Exception silence) =>
        $"The brokers {(silence is SourceException { Kind: SourceErrorKind.Unreachable } ? "do not answer" : "cannot be asked")} from here ({silence.Message.TrimEnd('.')})";

    /// <summary>Looks for the topics before anything is created or submitted: Flink finds out when the job runs.</summary>
    /// <returns>Why the brokers cannot be asked from here, where Flink may reach them all the same; null where they answered.</returns>
    /// <exception cref="PipelineException">There is no such topic.</exception>
    private async Task<Exception?> FindTopicsAsync(IEnumerable<HandedFlow> flows, CancellationToken cancellationToken)
    {
        foreach (var definition in flows.Select(flow => flow.Definition).Where(definition => definition.FlinkSource is null).Select(definition => definition.Source).DistinctBy(source => source.Name))
        {
            try
            {
                await using var source = connectors.OpenSource(definition, QueueBytes);
                await source.IdentifyAsync(cancellationToken);
            }
            catch (SourceException refusal) when (refusal.Kind == SourceErrorKind.UnknownTopic)
            {
                throw FlowFailure.OfTopic(definition.Topic, refusal);
            }
            catch (Exception silence) when (silence is SourceException or PipelineException { Kind: FailureKind.KafkaAccess })
            {
                return silence;
            }
        }
        return null;
    }

    /// <summary>Whether ledgers give the records away, so that what a job continues from can be compared with table and topic.</summary>
    public bool IsByLedger => _byLedger.Count != 0;

    /// <summary>Gives them to the job.</summary>
    /// <param name="origin">What the job continues from; null begins at the ledgers' positions.</param>
    /// <returns>By source, where the job has to begin; a source that is not in it begins as the definition says.</returns>
    /// <exception cref="PipelineException">A job may no longer have them, or catalog, store or brokers fail.</exception>
    public async Task<ImmutableDictionary<string, ImmutableArray<PartitionPosition>>> GiveAsync(string job, JobOrigin? origin, CancellationToken cancellationToken)
    {
        foreach (var flow in _byProperty) await MarkAsync(flow, job, origin is not null, cancellationToken);
        if (origin?.Savepoint is { } savepoint) RequireKnownTopics(savepoint);
        var positions = ImmutableDictionary.CreateBuilder<string, ImmutableArray<PartitionPosition>>(StringComparer.Ordinal);
        foreach (var (flow, handover, look) in _byLedger)
        {
            SourceLedger source;
            try
            {
                source = await Guarded(flow, async () => await handover.GiveAsync(job, look.Ledger?.Commit, origin, cancellationToken), cancellationToken);
            }
            catch (SourceException e)
            {
                throw FlowFailure.Of(flow.Planned!.Plan, e, cancellationToken)!;
            }
            positions[flow.Definition.Source.Name] = [.. source.Partitions.Select(entry => new PartitionPosition(entry.Partition, entry.NextOffset))];
        }
        return positions.ToImmutable();
    }

    /// <summary>A job continues with every topic of its savepoint.</summary>
    private void RequireKnownTopics(Savepoint savepoint)
    {
        var topics = _byLedger.Select(item => item.Flow.Definition.Source.Topic).ToHashSet(StringComparer.Ordinal);
        if (_byLedger.Count == 0 || savepoint.Positions.FirstOrDefault(position => !topics.Contains(position.Topic)) is not { Topic: { } other }) return;
        throw PipelineException.Refused($"The savepoint or checkpoint reads topic '{other}', and the pipeline {string.Join(" and ", topics.Select(topic => $"'{topic}'"))}: a job that continues from it would read all of them.",
            "Continue with the definition that was deployed.");
    }

    /// <summary>One job has one source for all flows that read it, and one position in each partition.</summary>
    private void RequireOneStart()
    {
        foreach (var group in _byLedger.GroupBy(item => item.Flow.Definition.Source.Name, StringComparer.Ordinal))
        {
            var first = group.First();
            foreach (var other in group.Skip(1))
            {
                if (Difference(first, other) is not { } difference) continue;
                throw PipelineException.Refused($"{first.Flow.Name} and {other.Flow.Name} stand at different places of source '{group.Key}', {difference}; one Flink job reads it once, for both.",
                    first.Look.GivenTo is not null || other.Look.GivenTo is not null
                        ? $"{char.ToUpperInvariant(LedgerHandover.ByWayOfRun[0])}{LedgerHandover.ByWayOfRun[1..]}"
                        : "Run `matih run --until-caught-up` while nothing is produced, so that they stand at the same, and deploy again. Or give each sink a pipeline of its own: matih run --adopt takes its ledger there.");
            }
        }
    }

    private static string? Difference((HandedFlow Flow, LedgerHandover Handover, HandoverLook Look) one, (HandedFlow Flow, LedgerHandover Handover, HandoverLook Look) other)
    {
        var source = one.Flow.Definition.Source.Name;
        if (one.Look.Ledger is null != other.Look.Ledger is null) return $"because table {(one.Look.Ledger is null ? one : other).Flow.Table.Identifier} holds nothing yet";
        if (one.Look.Ledger?.FindSource(source) is not { } left || other.Look.Ledger?.FindSource(source) is not { } right) return null;
        foreach (var partition in left.Partitions.Concat(right.Partitions).Select(entry => entry.Partition).Distinct().Order())
        {
            var (at, there) = (left.Find(partition)?.NextOffset, right.Find(partition)?.NextOffset);
            if (at != there) return $"in partition {partition} at {Show(at)} and {Show(there)}";
        }
        return null;

        static string Show(long? offset) => offset is { } known ? $"offset {known}" : "its beginning";
    }

    private async Task<(string? Job, bool HasCommits, DeployedStatements Statements)> MarkAsync(HandedFlow flow, string? job, bool restores, CancellationToken cancellationToken) => await Guarded(flow, async () =>
    {
        var store = connectors.OpenStore(flow.Definition.Sink.Catalog);
        return await new FlinkHandover(flow.Name, FlowAssembly.OpenTable(connectors, flow.Definition, flow.Table, store), store, flow.Table, log).MarkAsync(job, flow.Planned is null ? flow.StatementHash : null, restores, cancellationToken);
    }, cancellationToken);

    private static async Task<T> Guarded<T>(HandedFlow flow, Func<Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is not PipelineException && FlowFailure.OfTable(flow.Table.Identifier, e, cancellationToken) is { } failure)
        {
            throw failure;
        }
    }

    private FlowAssembly Assemble(PlannedFlow flow, Dictionary<string, FlowStarts> starts)
    {
        var source = connectors.OpenSource(flow.Definition.Source, FlowAssembly.QueueBytesOf(flow.Plan));
        _sources.Add(source);
        if (!starts.TryGetValue(flow.Definition.Source.Name, out var start)) starts.Add(flow.Definition.Source.Name, start = FlowStarts.Of(source, flow.Plan.Start, null));
        var context = new FlowContext(flow.Plan, environment, new FlowProgress(flow.Plan.Name.ToString()), log, NextJitter);
        return new FlowAssembly(context, flow.Definition, connectors, source, new SharedByFlows(start, new GroupMarks(environment.Clock), new StartGate(1, environment.Clock)), null);
    }

    private double NextJitter()
    {
        lock (_randomLock) return environment.Random.NextDouble();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var source in Enumerable.Reverse(_sources)) await source.DisposeAsync();
    }
}
