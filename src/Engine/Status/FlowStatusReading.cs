using System.Collections.Immutable;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Kafka;
using Matih.Planning;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Status;

/// <summary>Reads where one flow stands. For one reading.</summary>
/// <param name="isGone">Whether the process that a ledger names is known to be dead.</param>
internal sealed class FlowStatusReading(
    PlannedFlow flow, EngineEnvironment environment, IConnectors connectors, Func<WriterHint, bool> isGone, bool isOffline, PartReading parts)
{
    /// <summary>The records that are fetched for a comparison need no more.</summary>
    private const long QueueBytes = 8L << 20;

    private readonly FlowPlan _plan = flow.Plan;
    private IStore? _store;
    private TableLooking? _tables;

    public async Task<FlowStatus> ReadAsync()
    {
        var topics = new TopicLooking(() => connectors.OpenSource(flow.Definition.Source, QueueBytes), environment.Clock);
        try
        {
            return await ReadAsync(topics);
        }
        finally
        {
            await parts.ReleaseAsync(topics);
        }
    }

    private async Task<FlowStatus> ReadAsync(TopicLooking topics)
    {
        var topicTask = isOffline ? Task.FromResult(new PartResult<TopicLook>(null, NotAsked())) : parts.TryAsync(StatusPart.Topic, topics.LookAsync);
        var table = await parts.TryAsync(StatusPart.Table, LookAtTableAsync);
        if (table.Value is not { } seen)
        {
            var alone = await topicTask;
            return Compose(null, null, alone.Value, [.. Known(table.Unread), .. Known(alone.Unread)], null, false);
        }

        var staged = await parts.TryAsync(StatusPart.Staging, token =>
            new StagedLooking(_plan, _store!, _tables!, environment.Clock).LookAsync(seen, async () => (await topicTask).Value?.Identity, token));
        var topic = await topicTask;
        var unread = new List<UnreadPart>([.. Known(topic.Unread), .. Known(staged.Unread)]);
        if (staged.Value is { Partitions: null }) unread.Add(StagingUnknown());
        var (now, waiting) = staged.Value is { } look ? (look.Table, look.Partitions) : (seen, null);

        var refusal = now.Refusal;
        var hasMore = false;
        if (refusal is null && topic.Value is { } told)
        {
            var start = await parts.TryAsync(StatusPart.Start, token => CheckStartAsync(topics, now, waiting, told, token));
            unread.AddRange(Known(start.Unread));
            refusal = start.Value?.Refusal;
            hasMore = start.Value?.HasMore ?? false;
        }
        return Compose(now, waiting, topic.Value, unread, refusal, hasMore);
    }

    private static IEnumerable<UnreadPart> Known(UnreadPart? part) => part is null ? [] : [part];

    private async ValueTask<TableLook> LookAtTableAsync(CancellationToken cancellationToken)
    {
        _store = connectors.OpenStore(flow.Definition.Sink.Catalog);
        _tables = new TableLooking(_plan, new TableLedger(Context, FlowAssembly.OpenTable(connectors, flow.Definition, _plan.Table, _store), _store));
        return await _tables.LookAsync(cancellationToken);
    }

    /// <summary>A look neither writes nor waits nor says anything.</summary>
    private FlowContext Context => new(_plan, environment, new FlowProgress(_plan.Name.ToString()), EngineLog.None, () => 0) { WaitsInside = false };

    /// <summary>What a start would say, and whether there is something for it to read.</summary>
    private sealed record StartLook(FlowRefusal? Refusal, bool HasMore);

    private async ValueTask<StartLook> CheckStartAsync(
        TopicLooking topics, TableLook table, ImmutableDictionary<int, StagedPartition>? staged, TopicLook topic, CancellationToken cancellationToken)
    {
        var source = topics.Source;
        try
        {
            var assembly = new FlowAssembly(Context, flow.Definition, connectors, source, SharedByFlows.ForOneFlow(source, _plan, environment), hint: null);
            await assembly.CreateCheck().CheckAsync(OpenAnswers.None, cancellationToken);
        }
        catch (PipelineException failure) when (FlowRefusal.Of(failure) is { } refusal)
        {
            return new StartLook(refusal, false);
        }
        var left =
            from partition in Partitions(table, staged, topic)
            where partition.Unstaged > 0
            orderby partition.Unstaged descending
            select new PartitionPosition(partition.Partition, partition.End!.Value - partition.Unstaged!.Value);
        return new StartLook(null, await topics.HoldsRecordAsync(left, cancellationToken));
    }

    private FlowStatus Compose(TableLook? table, ImmutableDictionary<int, StagedPartition>? staged, TopicLook? topic, List<UnreadPart> unread, FlowRefusal? refusal, bool hasMore)
    {
        var recent = table?.Table is { } version ? RecentCommits.Of(version, _plan.Name) : null;
        var partitions = Partitions(table, staged, topic);
        return new FlowStatus
        {
            Flow = _plan.Name,
            Condition = unread.Any(part => part.Kind is not null) && refusal is null ? FlowCondition.Unreachable
                : refusal is not null ? FlowCondition.Refused
                : table?.Found is null ? FlowCondition.NeverStarted
                : topic is null ? FlowCondition.NotCompared
                : hasMore ? FlowCondition.Behind
                : partitions.Any(partition => partition.Staged is { RangeCount: > 0 }) ? FlowCondition.StagedWaiting
                : FlowCondition.UpToDate,
            Table = _plan.Table.Identifier,
            Topic = _plan.Topic,
            TableExists = table is null ? null : table.Table is not null,
            SnapshotId = table?.Table?.Head?.Id,
            Ledger = table?.Found is { } found ? found with { SnapshotId = recent?.SnapshotId ?? found.SnapshotId } : null,
            IsWriterKnownGone = table?.Found?.Ledger.Writer is { } writer && isGone(writer),
            Rates = recent?.Rates,
            Partitions = partitions,
            TopicReadAt = topic?.At,
            Refusal = refusal,
            Unread = [.. unread],
        };
    }

    private ImmutableArray<PartitionStatus> Partitions(TableLook? table, ImmutableDictionary<int, StagedPartition>? staged, TopicLook? topic)
    {
        var source = table?.SourceOf(_plan);
        var ids = (source?.Partitions.Select(entry => entry.Partition) ?? []).Union(Enumerable.Range(0, topic?.Ranges.Length ?? 0)).Order();
        return [.. ids.Select(id => Of(id, source, staged, topic is not null && id < topic.Ranges.Length ? topic.Ranges[id] : null))];
    }

    /// <summary>A partition that the ledger does not hold yet will be read from its log start, once the flow has begun.</summary>
    private static PartitionStatus Of(int id, SourceLedger? source, ImmutableDictionary<int, StagedPartition>? staged, OffsetRange? range)
    {
        var entry = source?.Find(id);
        var waiting = entry is null ? null : staged?.GetValueOrDefault(id);
        var status = new PartitionStatus(id, entry?.NextOffset, range?.LogStart, range?.End) { Staged = waiting?.Ranges, StagedTo = waiting?.ToOffset };
        if (source is null || range is not { } held) return status;
        var next = Math.Max(entry?.NextOffset ?? held.LogStart, held.LogStart);
        return status with
        {
            Uncommitted = Math.Max(0, held.End - next),
            Unstaged = staged is null ? null : Math.Max(0, held.End - Math.Max(next, waiting?.ToOffset ?? next)),
        };
    }

    private UnreadPart NotAsked() => new(StatusPart.Topic, null, $"Topic '{_plan.Topic}' was not looked at: Kafka was left out.", "Leave --offline out to see how far the table is behind.");

    private UnreadPart StagingUnknown() => new(StatusPart.Staging, null,
        $"What is staged for {_plan.Name} was not looked at: it is kept by the ids of the topic and its cluster, which the ledger does not hold and Kafka did not tell.",
        "Look again when Kafka answers.");
}
