using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Delivery.Staging;
using Matih.Delivery.Tables;
using Matih.Delivery.Topics;
using Matih.Kafka;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Delivery.Members;

/// <summary>
/// How a member that does not commit begins: at the ledger that the committer keeps, behind what is staged already. It
/// decides nothing, refuses nothing and writes nothing into the table; until the committer has opened the flow, it waits.
/// </summary>
internal sealed class StagingOpening(FlowContext flow, ITopic topic, IStore store, TableLedger ledgers)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    /// <summary>The flow as it stands, with positions at the ends of the staged chains.</summary>
    /// <param name="partitions">The member's partitions; those that the ledger does not know yet are not read in this session.</param>
    public async ValueTask<OpenedFlow> OpenAsync(ImmutableArray<int> partitions, CancellationToken cancellationToken)
    {
        var hasTold = false;
        while (true)
        {
            if (await TryOpenAsync(partitions, cancellationToken) is { } opened) return opened;
            flow.Enter(FlowState.StandingBy);
            if (!hasTold)
            {
                hasTold = true;
                flow.Log.Information("awaiting-committer", $"Flow {flow.Name}: waiting for the member that commits to open table {flow.Plan.Table.Identifier}.");
            }
            await Task.Delay(LookInterval * (0.5 + flow.NextJitter()), flow.Clock, cancellationToken);
        }
    }

    /// <summary>The same, or null while the committer has not opened the flow.</summary>
    public async ValueTask<OpenedFlow?> TryOpenAsync(ImmutableArray<int> partitions, CancellationToken cancellationToken)
    {
        if (await LookAsync(cancellationToken) is not { } seen) return null;
        var opened = await DescribeAsync(seen, cancellationToken);
        if (opened is null || !partitions.Any(partition => opened.Source.Find(partition) is not null)) return null;

        // Listed first, loaded then: what the committer clears away in between, the ledger that is loaded has covered.
        var names = (await new StagingArea(store, opened.Table, StagingKey.Of(flow.Plan, opened)).ListAsync(cancellationToken)).ToLookup(name => name.Partition);
        if (await LookAsync(cancellationToken) is not { } again || await DescribeAsync(again, cancellationToken) is not { } current) return null;
        if (StagingKey.Of(flow.Plan, current) != StagingKey.Of(flow.Plan, opened)) return null;
        var source = current.Source;
        return current with
        {
            Source = source with
            {
                Partitions = [.. source.Partitions.Select(entry => entry.Unmoved() with { NextOffset = RangeChain.EndOf([.. names[entry.Partition]], entry.NextOffset) })],
            },
        };
    }

    private async ValueTask<OpenedFlow?> DescribeAsync((ITableVersion Table, Ledger Ledger) seen, CancellationToken cancellationToken)
    {
        if (seen.Ledger.FindSource(flow.Plan.SourceName) is not { } source || source.Topic != flow.Plan.Topic) return null;
        var identity = await topic.IdentifyAsync(cancellationToken);
        if (source.CompareWith(identity) is TopicMatch.OtherCluster or TopicMatch.CreatedAgain)
        {
            throw new PipelineException(FailureKind.Kafka,
                $"Topic '{flow.Plan.Topic}' is not the one that the table's ledger of {flow.Name} is about: its id was {source.TopicId ?? "unknown"} in cluster {source.ClusterId ?? "unknown"}, and is {identity.TopicId ?? "unknown"} in cluster {identity.ClusterId ?? "unknown"} now.",
                "Nothing of it is staged. The process that commits compares it with the ledger, and says what to do.");
        }
        // The member that commits changes the columns first.
        if (seen.Table.FindEvolution(flow.Plan.Table) is not null) return null;
        var binding = seen.Table.Bind(flow.Plan.Table);
        return new OpenedFlow(seen.Table, binding, seen.Ledger, seen.Ledger.Epoch, 0,
            source with { ClusterId = source.ClusterId ?? identity.ClusterId, TopicId = source.TopicId ?? identity.TopicId });
    }

    /// <summary>The table and its ledger, where a committer has nothing to decide about them.</summary>
    public async ValueTask<(ITableVersion Table, Ledger Ledger)?> LookAsync(CancellationToken cancellationToken)
    {
        if (await ledgers.LoadAsync(cancellationToken) is not { } table) return null;
        return (await ledgers.ReadAsync(table, cancellationToken)).Finding is LineageFinding.Found { RollbackSeen: false } found
            && found.Ledger.TableUuid == table.TableUuid && found.Ledger.Flink is not FlinkLedger.Given
                ? (table, found.Ledger)
                : null;
    }
}
