using System.Collections.Immutable;
using Matih.Delivery.Ledgers;
using Matih.Iceberg;
using Matih.Iceberg.Metadata;

namespace Matih.Maintenance;

/// <summary>
/// Which snapshots and refs of a table are past their retention: a pure decision. For example, of 7,300 snapshots of one a
/// minute, those that are older than five days, but for the newest commit of a pipeline that is idle since then.
/// </summary>
/// <param name="Snapshots">To be removed, oldest first.</param>
/// <param name="Refs">Branches and tags that are past their own age; never <c>main</c>, never a pipeline's tag.</param>
/// <param name="HeldForLedgers">Snapshots past their age that stay, since pipelines find their ledgers, and Flink jobs their last commit, through them.</param>
/// <remarks>Source: Apache Iceberg table spec, "Snapshot Retention Policy".</remarks>
internal sealed record ExpiryPlan(ImmutableArray<SnapshotId> Snapshots, ImmutableArray<string> Refs, int HeldForLedgers)
{
    /// <summary>How long a snapshot stays after another took its place, however old it is; less where the retention is less.</summary>
    private const long GraceMillis = 3_600_000;

    /// <param name="retention">Counts in the place of the table's <c>history.expire.max-snapshot-age-ms</c>; a branch's own age goes before it.</param>
    public static ExpiryPlan Of(TableMetadata metadata, long nowMillis, TimeSpan? retention = null)
    {
        var settings = new TableSettings(metadata.Properties);
        var snapshotAgeMax = (long?)retention?.TotalMilliseconds ?? settings.SnapshotAgeMaxMillis;
        var byId = metadata.Snapshots.ToDictionary(snapshot => snapshot.Id);
        var oldRefs = metadata.Refs.Where(entry => entry.Key != SnapshotRef.Main && IsOld(entry.Value)).Select(entry => entry.Key).ToImmutableArray();

        var kept = new HashSet<SnapshotId>();
        var referenced = new HashSet<SnapshotId>();
        foreach (var (name, target) in metadata.Refs)
        {
            if (oldRefs.Contains(name)) continue;
            if (target.Kind == SnapshotRefKind.Tag)
            {
                kept.Add(target.SnapshotId);
                referenced.Add(target.SnapshotId);
            }
            else
            {
                KeepOfBranch(target);
            }
        }
        if (metadata.CurrentSnapshotId is { } current && !metadata.Refs.ContainsKey(SnapshotRef.Main)) KeepOfBranch(new SnapshotRef(current, SnapshotRefKind.Branch));
        // What no ref leads to (a commit that was rolled back, or waits to be published) has the table's age alone.
        foreach (var snapshot in metadata.Snapshots)
            if (!referenced.Contains(snapshot.Id) && AgeOf(snapshot) <= snapshotAgeMax) kept.Add(snapshot.Id);

        var held = 0;
        foreach (var snapshot in Branches().SelectMany(branch => NeededForLedgers(metadata, branch).Concat(FlinkJobWays.Of(metadata, branch))))
            if (kept.Add(snapshot.Id)) held++;
        foreach (var source in SourcesOf(metadata.Snapshots.Where(snapshot => kept.Contains(snapshot.Id)).ToList(), metadata))
            if (kept.Add(source.Id)) held++;
        return new ExpiryPlan([.. metadata.Snapshots.Where(snapshot => !kept.Contains(snapshot.Id)).OrderBy(snapshot => snapshot.SequenceNumber).Select(snapshot => snapshot.Id)], oldRefs, held);

        IEnumerable<string> Branches() => metadata.Refs.Where(entry => entry.Value.Kind == SnapshotRefKind.Branch && !oldRefs.Contains(entry.Key)).Select(entry => entry.Key).Append(SnapshotRef.Main).Distinct();

        bool IsOld(SnapshotRef target) =>
            byId.TryGetValue(target.SnapshotId, out var snapshot) && AgeOf(snapshot) > (target.MaxRefAgeMillis ?? settings.RefAgeMaxMillis);

        long AgeOf(Snapshot snapshot) => nowMillis - snapshot.TimestampMillis;

        // From the branch's head back, until one is too old and enough are kept; what lies behind that one goes as well. What was
        // the head a moment ago is kept, however old: whoever opened the table then is reading it.
        void KeepOfBranch(SnapshotRef branch)
        {
            var (ageMax, countMin) = (branch.MaxSnapshotAgeMillis ?? snapshotAgeMax, branch.MinSnapshotsToKeep ?? settings.SnapshotCountMin);
            var seen = new HashSet<SnapshotId>();
            var isKept = true;
            var grace = Math.Min(ageMax, GraceMillis);
            var replacedAt = nowMillis;
            for (SnapshotId? next = branch.SnapshotId; next is { } id && byId.TryGetValue(id, out var snapshot) && seen.Add(id); next = snapshot.ParentId)
            {
                referenced.Add(id);
                isKept &= seen.Count <= Math.Max(1, countMin) || AgeOf(snapshot) <= ageMax || nowMillis - replacedAt <= grace;
                replacedAt = snapshot.TimestampMillis;
                if (isKept) kept.Add(id);
            }
        }
    }

    /// <summary>
    /// From a branch's head back to the newest commit of any pipeline, which carries the ledgers of all: a pipeline that
    /// resumes walks this way. Where pipelines have tags and no commit is met, the whole way shows that there is none. The way is
    /// longer where a commit was applied again: until its pipeline has committed above that, it must see it, and refuses.
    /// docs/delivery.md, "Resume".
    /// </summary>
    private static IEnumerable<Snapshot> NeededForLedgers(TableMetadata metadata, string branch)
    {
        var way = metadata.Lineage(branch).ToList();
        var end = way.FindIndex(snapshot => snapshot.Summary.ContainsKey(LedgerKeys.Writer));
        if (end < 0) return metadata.Refs.Keys.Any(LedgerKeys.IsTag) ? way : [];
        var committed = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < way.Count; i++)
        {
            if (way[i].Summary.TryGetValue(LedgerKeys.Writer, out var writer)) committed.Add(writer);
            else if (IsAppliedAgain(way[i], metadata, out var owner) && (owner is null || !committed.Contains(owner))) end = Math.Max(end, i);
        }
        return way.Take(end + 1);
    }

    /// <summary>Whether the snapshot is a commit of a pipeline once more, or may be.</summary>
    /// <param name="owner">The pipeline's flow; null where what the snapshot was made from is gone.</param>
    private static bool IsAppliedAgain(Snapshot snapshot, TableMetadata metadata, out string? owner)
    {
        owner = null;
        if (!snapshot.Summary.ContainsKey("source-snapshot-id") && !snapshot.Summary.ContainsKey("published-wap-id")) return false;
        var sources = SourcesOf([snapshot], metadata).ToList();
        owner = sources.Select(source => source.Summary.GetValueOrDefault(LedgerKeys.Writer)).FirstOrDefault(writer => writer is not null);
        return sources.Count == 0 || owner is not null;
    }

    /// <summary>
    /// What snapshots were made from by cherry-picks and published writes. Only the source tells whether its rows were a
    /// pipeline's, which then would be in the table twice. docs/delivery.md, "Resume".
    /// </summary>
    private static IEnumerable<Snapshot> SourcesOf(IReadOnlyList<Snapshot> kept, TableMetadata metadata)
    {
        var ids = kept.Select(snapshot => snapshot.Summary.GetValueOrDefault("source-snapshot-id")).OfType<string>().Select(SnapshotId.Parse).OfType<SnapshotId>().ToHashSet();
        var writes = kept.Select(snapshot => snapshot.Summary.GetValueOrDefault("published-wap-id")).OfType<string>().ToHashSet(StringComparer.Ordinal);
        return ids.Count + writes.Count == 0 ? [] : metadata.Snapshots.Where(snapshot => ids.Contains(snapshot.Id) || (snapshot.Summary.GetValueOrDefault("wap.id") is { } write && writes.Contains(write)));
    }
}
