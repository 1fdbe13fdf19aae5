using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Planning;

namespace Matih.Delivery.Tables;

/// <summary>What a table's history says about a flow. docs/delivery.md, "Resume".</summary>
internal abstract record LineageFinding
{
    private LineageFinding() { }

    /// <summary>The nearest ledger among the ancestors of the current snapshot.</summary>
    /// <param name="Ledger">The ledger.</param>
    /// <param name="SnapshotId">The snapshot that first carried it.</param>
    /// <param name="RollbackSeen">The tag is on another snapshot, or a taker's: somebody rolled the table back past a commit of ours, or past who took us over.</param>
    public sealed record Found(Ledger Ledger, SnapshotId SnapshotId, bool RollbackSeen) : LineageFinding;

    /// <summary>
    /// No ledger of the flow: the whole history was seen, or the newest commit of any pipeline, which carries the ledgers of all.
    /// </summary>
    /// <param name="HasTag">Yet the flow's tag exists: the table was rolled back to before the flow's first commit, or replaced.</param>
    public sealed record Absent(bool HasTag) : LineageFinding;

    /// <summary>Another flow took the ledger over (<c>--adopt</c>), and continues from it in the flow's place.</summary>
    /// <param name="Taker">That flow.</param>
    public sealed record TakenOver(FlowName Taker) : LineageFinding;

    /// <summary>History ends at a snapshot that expired before a ledger, or a commit of any pipeline, was met.</summary>
    public sealed record Unproven(SnapshotId MissingSnapshotId) : LineageFinding;

    /// <summary>The nearest ledger is there and cannot be read: of a newer format, damaged, or its side file is gone.</summary>
    /// <param name="Text">The ledger's property, as found.</param>
    /// <param name="Message">What is wrong with it.</param>
    /// <param name="Remedy">What to do.</param>
    public sealed record Unreadable(SnapshotId SnapshotId, string Text, string Message, string Remedy) : LineageFinding;

    /// <summary>A commit of ours was re-applied by somebody (cherry-pick, WAP), or one that cannot be looked at any more.</summary>
    public sealed record Reapplied(SnapshotId SnapshotId, string Source) : LineageFinding;
}

/// <summary>The ledgers that the current snapshot of a table inherits, nearest first for each flow.</summary>
/// <param name="Finding">The own flow's.</param>
/// <param name="Others">The other flows' property texts, to be copied forward: ledgers, and who took over one that ended.</param>
internal sealed record InheritedLedgers(LineageFinding Finding, ImmutableSortedDictionary<string, string> Others);

/// <summary>
/// Walks the ancestors of a table's current snapshot for ledgers. Parents that expired are looked up in the older metadata
/// files that the metadata log names.
/// </summary>
internal sealed class LedgerLineage(FlowName flow, LedgerStorage storage)
{
    public async ValueTask<InheritedLedgers> ReadAsync(ITableHistory table, CancellationToken cancellationToken)
    {
        var property = LedgerKeys.Property(flow);
        var tag = table.Tags.TryGetValue(LedgerKeys.Tag(flow), out var pinned) ? pinned : (SnapshotId?)null;
        var others = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        (string Text, SnapshotId SnapshotId)? nearest = null;
        FlowName? taker = null;
        (SnapshotId SnapshotId, ReappliedSource Source)? reapplied = null;
        SnapshotId? unproven = null;
        // The nearest snapshot that says something about a flow, its ledger or its taker, has the last word about it.
        var settled = new HashSet<FlowName> { flow };

        await foreach (var step in table.WalkAsync(cancellationToken))
        {
            if (step is not HistoryStep.Found(var snapshot))
            {
                // A copy that another flow carried forward proves the ledger even where the original snapshot has expired.
                if (nearest is not null || reapplied is not null) break;
                return Reading(new LineageFinding.Unproven(((HistoryStep.Missing)step).SnapshotId));
            }
            Carry(snapshot);
            var writer = snapshot.Summary.GetValueOrDefault(LedgerKeys.Writer);
            var takenHere = LedgerKeys.AdoptedBy(snapshot.Summary);
            if (snapshot.Summary.TryGetValue(property, out var text))
            {
                nearest ??= (text, snapshot.Id);
                if (writer == flow.ToString()) break;
            }
            else if (reapplied is null && await FindReappliedAsync(snapshot, table, property, cancellationToken) is { } source)
            {
                // The walk continues for the other flows' ledgers, which a reset of this one must carry forward.
                reapplied = (snapshot.Id, source);
            }
            else if (nearest is null && writer is not null)
            {
                if (snapshot.Summary.TryGetValue(LedgerKeys.Unproven, out var missing)) unproven = SnapshotId.Parse(missing);
                // Every commit of ours carries the ledgers of all flows: one without this flow's proves that there is none.
                if (snapshot.Summary.TryGetValue(LedgerKeys.TakenOver(flow), out var named)) taker = LedgerKeys.Parse(named);
                else if (takenHere == property) taker = LedgerKeys.Parse(writer);
                break;
            }
            if (takenHere == property) break;
            if (takenHere is not null) settled.Add(LedgerKeys.FlowOf(takenHere));
        }

        if (reapplied is { } again) return Reading(new LineageFinding.Reapplied(again.SnapshotId, again.Source.Text));
        if (taker is not null) return Reading(new LineageFinding.TakenOver(taker));
        if (nearest is null && unproven is { } lost) return Reading(new LineageFinding.Unproven(lost));
        if (nearest is not { } found) return Reading(new LineageFinding.Absent(tag is not null));
        Ledger ledger;
        try
        {
            ledger = await storage.ReadAsync(found.Text, cancellationToken);
        }
        catch (PipelineException unreadable)
        {
            return Reading(new LineageFinding.Unreadable(found.SnapshotId, found.Text, unreadable.Message, unreadable.Remedy));
        }
        return Reading(new LineageFinding.Found(ledger, found.SnapshotId, tag is { } own ? IsRolledBack(table, own, ledger, property) : PinnedByTaker(table) is not null));

        InheritedLedgers Reading(LineageFinding finding) => new(finding, others.ToImmutable());

        void Carry(TableSnapshot snapshot)
        {
            // Sorted: of one flow the ledger comes before its taker, and both at once mean that it has begun again.
            foreach (var (key, value) in snapshot.Summary.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                if (key == LedgerKeys.Unproven) others[key] = others.GetValueOrDefault(key, value);
                else if (LedgerKeys.CarriedFlowOf(key) is { } carried && settled.Add(carried)) others.Add(key, value);
        }
    }

    /// <summary>The ledger that the flow's tag pins, whatever the history; null where there is no tag.</summary>
    /// <exception cref="PipelineException">It cannot be read, or its side file is gone.</exception>
    public async ValueTask<Ledger?> ReadTagAsync(ITableHistory table, CancellationToken cancellationToken) =>
        TextOfTag(table) is { } text ? await storage.ReadAsync(text, cancellationToken) : null;

    /// <summary>Whether the flow's tag pins a ledger, readable or not.</summary>
    public bool HasTagText(ITableHistory table) => TextOfTag(table) is not null;

    /// <summary>The same without its positions, which a lost side file cannot take away: generation, epoch, totals.</summary>
    public Ledger? ReadHeadOfTag(ITableHistory table) => TextOfTag(table) is { } text ? LedgerFormat.ReadHead(text) : null;

    /// <summary>
    /// The highest generation and epoch that were given out to the flow, as its tag tells. A flow that was taken over has no
    /// tag: in a table that was rolled back past that, the taker's tag tells.
    /// </summary>
    public Ledger? ReadGivenOut(ITableHistory table) => ReadHeadOfTag(table) ?? (PinnedByTaker(table) is { } pinned ? HighestOf(pinned.Summary) : null);

    /// <summary>The highest generation and epoch among the ledgers of a snapshot: a taker may have been taken over in turn.</summary>
    public static Ledger? HighestOf(IReadOnlyDictionary<string, string> summary) =>
        summary.Where(property => LedgerKeys.IsLedger(property.Key)).Select(property => LedgerFormat.ReadHead(property.Value)).OfType<Ledger>()
            .Aggregate((Ledger?)null, (highest, ledger) => ledger.NotBelow(highest));

    private TableSnapshot? PinnedByTaker(ITableHistory table) => table.Tags.ContainsKey(LedgerKeys.Tag(flow)) ? null : table.Tags
        .Where(named => LedgerKeys.IsTag(named.Key)).Select(named => table.Find(named.Value))
        .FirstOrDefault(snapshot => snapshot is not null && snapshot.Summary.ContainsKey(LedgerKeys.TakenOver(flow)) && !snapshot.Summary.ContainsKey(LedgerKeys.Property(flow)));

    private string? TextOfTag(ITableHistory table) => table.Tags.TryGetValue(LedgerKeys.Tag(flow), out var tag)
        ? table.Find(tag)?.Summary.GetValueOrDefault(LedgerKeys.Property(flow))
        : null;

    /// <summary>Whether the flow's tag is there and on a commit of its own.</summary>
    public static bool HasOwnTag(ITableHistory table, FlowName flow) =>
        table.Tags.TryGetValue(LedgerKeys.Tag(flow), out var tag) && table.Find(tag)?.Summary.GetValueOrDefault(LedgerKeys.Writer) == flow.ToString();

    /// <summary>
    /// Another flow whose tag has the same name, where the tag is on a commit of its: <c>a-b</c>/<c>c</c> and
    /// <c>a</c>/<c>b-c</c> share one.
    /// </summary>
    public static FlowName? OwnerOfTag(ITableHistory table, FlowName flow)
    {
        if (!table.Tags.TryGetValue(LedgerKeys.Tag(flow), out var tag) || table.Find(tag) is not { } pinned) return null;
        if (!pinned.Summary.TryGetValue(LedgerKeys.Writer, out var writer)) return null;
        var owner = LedgerKeys.FlowOf(LedgerKeys.Property(writer));
        return owner != flow && LedgerKeys.Tag(owner) == LedgerKeys.Tag(flow) ? owner : null;
    }

    /// <summary>
    /// Whether the tag is on a commit of ours that the lineage does not hold. Another flow's commit copies our ledger
    /// forward, so that snapshots may differ without a rollback: the commit ids decide.
    /// </summary>
    private static bool IsRolledBack(ITableHistory table, SnapshotId tag, Ledger ledger, string property) =>
        table.Find(tag) is not { } pinned
        || !pinned.Summary.TryGetValue(property, out var text)
        || LedgerFormat.TryReadCommit(text) != ledger.Commit;

    /// <summary>
    /// A snapshot made from another one (cherry-pick, publish of a staged write) holds that one's rows again. Where that one
    /// was ours, or is gone, the ledger below does not tell what the table holds.
    /// </summary>
    internal async ValueTask<ReappliedSource?> FindReappliedAsync(TableSnapshot snapshot, ITableHistory table, string property, CancellationToken cancellationToken)
    {
        if (await table.FindAppliedAgainAsync(snapshot, cancellationToken) is not { } again) return null;
        return again.Snapshot is null || IsOurs(again.Snapshot, table, property) ? new ReappliedSource(again.Text, IsGone: again.Snapshot is null) : null;
    }

    /// <summary>
    /// The nearest ancestor, however far back, that applies a commit of the flow again; null for none. The walk for a ledger
    /// ends at the first commit of any pipeline, which says nothing about what lies below it.
    /// </summary>
    public async ValueTask<LineageFinding.Reapplied?> FindAnyReappliedAsync(ITableHistory table, CancellationToken cancellationToken)
    {
        await foreach (var step in table.WalkAsync(cancellationToken))
        {
            if (step is HistoryStep.Found(var snapshot) && await FindReappliedAsync(snapshot, table, LedgerKeys.Property(flow), cancellationToken) is { } source)
                return new LineageFinding.Reapplied(snapshot.Id, source.Text);
        }
        return null;
    }

    /// <summary>Whether a snapshot carries records that the flow's ledger accounts for: its own, and those of flows whose ledger it has taken over.</summary>
    private bool IsOurs(TableSnapshot snapshot, ITableHistory table, string property)
    {
        if (!snapshot.Summary.TryGetValue(LedgerKeys.Writer, out var owner)) return snapshot.Summary.ContainsKey(property);
        // Names that were taken over and taken back lead in a circle.
        for (var seen = new HashSet<string>(StringComparer.Ordinal); owner is not null && seen.Add(owner); owner = TakerOf(table, owner))
            if (owner == flow.ToString()) return true;
        return false;
    }

    private static string? TakerOf(ITableHistory table, string name)
    {
        var property = LedgerKeys.TakenOver(LedgerKeys.Parse(name));
        return table.Snapshots.Select(snapshot => snapshot.Summary.GetValueOrDefault(property)).LastOrDefault(taker => taker is not null);
    }
}

/// <summary>What a snapshot was made from.</summary>
/// <param name="Text">How messages name it.</param>
/// <param name="IsGone">Nothing tells of it any more, so that it may or may not have been ours.</param>
internal sealed record ReappliedSource(string Text, bool IsGone);
