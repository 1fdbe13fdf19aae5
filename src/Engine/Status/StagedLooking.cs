using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Delivery.Staging;
using Matih.Kafka;
using Matih.Planning;
using Matih.Storage;

namespace Matih.Status;

/// <summary>What is staged of one partition.</summary>
/// <param name="ToOffset">Where the ranges end that follow on the table's position, excluded; that position where there is none.</param>
internal sealed record StagedPartition(long ToOffset, StagedRanges Ranges);

/// <summary>What is staged, with the table that it was compared with.</summary>
/// <param name="Partitions">By partition, for each that the ledger holds; null where it cannot be known.</param>
internal sealed record StagedLook(TableLook Table, ImmutableDictionary<int, StagedPartition>? Partitions);

/// <summary>Looks at what readers have staged beside a flow's table, without changing anything.</summary>
internal sealed class StagedLooking(FlowPlan plan, IStore store, TableLooking tables, TimeProvider clock)
{
    /// <summary>The staged ranges that are read to tell what they hold. With more of them the answer would take long.</summary>
    public const int ReadCountMax = 256;

    /// <param name="seen">The table as it was.</param>
    /// <param name="ask">What Kafka tells of the topic, where the ledger does not; null where it does not tell.</param>
    public async ValueTask<StagedLook> LookAsync(TableLook seen, Func<Task<TopicIdentity?>> ask, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (seen is not { Table: { } table, Binding: not null } || SourceOf(seen) is not { } source) return new StagedLook(seen, ImmutableDictionary<int, StagedPartition>.Empty);
            var topic = source.ClusterId is null || source.TopicId is null ? await ask() : new TopicIdentity(source.ClusterId, source.TopicId, source.Partitions.Length);
            if (topic is null) return new StagedLook(seen, null);
            var key = KeyOf(seen, topic)!;
            var area = new StagingArea(store, table, key);

            // Listed first, loaded then: what a commit clears away in between, the ledger that is loaded has covered.
            var names = await area.ListAsync(cancellationToken);
            var now = await tables.LookAsync(cancellationToken);
            if (KeyOf(now, topic) == key) return new StagedLook(now, await ChainAsync(area, names, SourceOf(now)!.Partitions, cancellationToken));
            seen = now;
        }
    }

    private SourceLedger? SourceOf(TableLook look) => look.Found?.Ledger.FindSource(plan.SourceName) is { } source && source.Topic == plan.Topic ? source : null;

    /// <summary>The key that ranges are staged under now; null where nothing can be staged.</summary>
    private StagingKey? KeyOf(TableLook look, TopicIdentity topic)
    {
        if (look is not { Table: { } table, Binding: { } binding, Found.Ledger: { } ledger } || SourceOf(look) is not { } source) return null;
        source = source with { ClusterId = source.ClusterId ?? topic.ClusterId, TopicId = source.TopicId ?? topic.TopicId };
        return StagingKey.Of(plan, new OpenedFlow(table, binding, ledger, ledger.Epoch, ledger.TakeoverCount, source));
    }

    private async ValueTask<ImmutableDictionary<int, StagedPartition>> ChainAsync(
        StagingArea area, IReadOnlyList<RangeName> names, ImmutableArray<PartitionLedger> positions, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var usable = names.Where(name => now - name.StagedAt <= RangeIntake.StagedAgeMax).ToHashSet();
        var contents = new Dictionary<RangeName, StagedContent?>();
        while (true)
        {
            var byPartition = usable.ToLookup(name => name.Partition);
            var chains = positions.Select(entry => (Entry: entry, Chain: RangeChain.From([.. byPartition[entry.Partition]], entry.NextOffset).ToList())).ToList();
            var unread = chains.SelectMany(chained => chained.Chain).Where(name => !contents.ContainsKey(name)).Take(ReadCountMax - contents.Count).ToList();
            if (unread.Count == 0)
                return chains.ToImmutableDictionary(chained => chained.Entry.Partition, chained => Sum(chained.Entry, chained.Chain, byPartition[chained.Entry.Partition], contents));
            await foreach (var (name, content, isDamaged) in unread.ReadAheadAsync(_ => 0, (name, token) => ReadAsync(area, name, token), cancellationToken))
            {
                contents[name] = content;
                // No commit takes a damaged one in.
                if (isDamaged) usable.Remove(name);
            }
        }
    }

    private static async ValueTask<(RangeName Name, StagedContent? Content, bool IsDamaged)> ReadAsync(StagingArea area, RangeName name, CancellationToken cancellationToken)
    {
        try
        {
            return (name, await area.ReadAsync(name, cancellationToken) is { } range ? new StagedContent(range.Entry.RecordCount, range.Books.AddedRowCount, range.Bytes) : null, false);
        }
        catch (FormatException)
        {
            return (name, null, true);
        }
    }

    private static StagedPartition Sum(PartitionLedger entry, List<RangeName> chain, IEnumerable<RangeName> usable, Dictionary<RangeName, StagedContent?> contents)
    {
        var end = chain.Count == 0 ? entry.NextOffset : chain[^1].ToOffset;
        var ranges = chain.Aggregate(StagedRanges.None, (sum, name) => sum + new StagedRanges(1, contents.GetValueOrDefault(name), name.StagedAt, 0));
        return new StagedPartition(end, ranges with { DetachedCount = usable.Count(name => name.ToOffset > end) });
    }
}
