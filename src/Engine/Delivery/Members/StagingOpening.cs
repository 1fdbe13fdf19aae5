using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Delivery.Staging;
using Matih.Iceberg.Catalogs;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Members;

/// <summary>
/// How a member that does not commit begins: at the ledger that the committer keeps, behind what is staged already. It
/// decides nothing, refuses nothing and writes nothing into the table; until the committer has opened the flow, it waits.
/// </summary>
internal sealed class StagingOpening(FlowPlan plan, FlowParts parts, EngineEnvironment environment)
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
            parts.Progress.NoteState(FlowState.StandingBy, environment.Clock.GetTimestamp());
            if (!hasTold)
            {
                hasTold = true;
                parts.Log.Information("awaiting-committer", $"Flow {plan.Name}: waiting for the member that commits to open table {plan.Table.Identifier}.");
            }
            await Task.Delay(LookInterval * (0.5 + parts.NextJitter()), environment.Clock, cancellationToken);
        }
    }

    private async ValueTask<OpenedFlow?> TryOpenAsync(ImmutableArray<int> partitions, CancellationToken cancellationToken)
    {
        if (await LookAsync(cancellationToken) is not { } seen) return null;
        var opened = await DescribeAsync(seen, cancellationToken);
        if (opened is null || !partitions.Any(partition => opened.Source.Find(partition) is not null)) return null;

        // Listed first, loaded then: what the committer clears away in between, the ledger that is loaded has covered.
        var names = (await new StagingArea(parts.Store, opened.Table, StagingKey.Of(plan, opened)).ListAsync(cancellationToken)).ToLookup(name => name.Partition);
        if (await LookAsync(cancellationToken) is not { } again || await DescribeAsync(again, cancellationToken) is not { } current) return null;
        if (StagingKey.Of(plan, current) != StagingKey.Of(plan, opened)) return null;
        var source = current.Source;
        return current with
        {
            Source = source with
            {
                Partitions = [.. source.Partitions.Select(entry => entry.Unmoved() with { NextOffset = RangeChain.EndOf([.. names[entry.Partition]], entry.NextOffset) })],
            },
        };
    }

    private async ValueTask<OpenedFlow?> DescribeAsync((Table Table, Ledger Ledger) seen, CancellationToken cancellationToken)
    {
        if (seen.Ledger.FindSource(plan.SourceName) is not { } source || source.Topic != plan.Topic) return null;
        var topic = await parts.Source.IdentifyAsync(cancellationToken);
        var binding = TableBinding.Bind(plan.Table, seen.Table);
        return new OpenedFlow(seen.Table, binding, seen.Ledger, seen.Ledger.Epoch, 0,
            source with { ClusterId = source.ClusterId ?? topic.ClusterId, TopicId = source.TopicId ?? topic.TopicId });
    }

    /// <summary>The table and its ledger, where a committer has nothing to decide about them.</summary>
    public async ValueTask<(Table Table, Ledger Ledger)?> LookAsync(CancellationToken cancellationToken)
    {
        if (await parts.Ledgers.LoadAsync(cancellationToken) is not { } table) return null;
        return (await parts.Ledgers.ReadAsync(table, cancellationToken)).Finding is LineageFinding.Found { RollbackSeen: false } found
            && found.Ledger.TableUuid == table.Metadata.TableUuid
                ? (table, found.Ledger)
                : null;
    }
}
