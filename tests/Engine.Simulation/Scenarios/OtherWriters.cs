using System.Collections.Immutable;
using System.Globalization;
using Matih.Engine.Simulation.World;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Planning;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>Other engines and administrators at work on the tables. Each change is one moment: they write in turn.</summary>
internal sealed class OtherWriters(SimulatedWorld world)
{
    private const string MaxRefAge = "history.expire.max-ref-age-ms";

    /// <summary>A snapshot without files.</summary>
    public void Append(Table table)
    {
        var append = SimulatedWorld.Completed(PreparedChange.PrepareAsync(table, [], world.Ids, default));
        var summary = new Dictionary<string, string>(StringComparer.Ordinal) { ["engine-name"] = "another" };
        var attempt = (ChangeAttempt.Ready)SimulatedWorld.Completed(append.AttemptAsync(table, table.Metadata.NextTimestampMillis(world.Now), summary, [], default));
        world.Commit(table, attempt.Requirements, attempt.Updates);
    }

    /// <summary>As the reference implementation rewrites data files: one new file with the same rows, of which the commit takes the old ones out.</summary>
    public void CompactFiles(Table table, TablePlan plan)
    {
        if (table.Metadata.CurrentSnapshot is not { } head) return;
        var live = SimulatedWorld.Completed(SnapshotReader.LiveFilesAsync(table, head, default));
        // An engine that compacts applies delete files; this one leaves a table with such files alone.
        if (live.Count < 2 || live.Any(file => file.Content != FileContent.Data)) return;
        var files = TableRows.Merge(world, table, plan, [.. live.Select(item => world.Store.Read(item.Path)!)]);
        var removal = new FileRemoval([.. live.Select(item => item.Path)], KeepsRows: true);
        var change = SimulatedWorld.Completed(PreparedChange.PrepareAsync(table, files, removal, world.Ids, default));
        var summary = new Dictionary<string, string>(StringComparer.Ordinal) { ["engine-name"] = "another" };
        if (SimulatedWorld.Completed(change.AttemptAsync(table, table.Metadata.NextTimestampMillis(world.Now), summary, [], default)) is ChangeAttempt.Ready ready)
            world.Commit(table, ready.Requirements, ready.Updates);
    }

    public void RollBack(Table table, int steps)
    {
        var target = table.Metadata.Lineage().ElementAtOrDefault(steps);
        if (target is null || target.Id == table.Metadata.CurrentSnapshotId) return;
        world.Commit(table, [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid)],
            [new TableUpdate.SetSnapshotRef(SnapshotRef.Main, new SnapshotRef(target.Id, SnapshotRefKind.Branch))]);
    }

    public void LimitRefAge(Table table) => world.Commit(table, [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid)],
        [new TableUpdate.SetProperties(ImmutableSortedDictionary<string, string>.Empty.Add(MaxRefAge, "1"))]);

    /// <summary>Tables of which other engines expired snapshots.</summary>
    public HashSet<TableIdentifier> Expired { get; } = [];

    /// <summary>A file that a snapshot leads to and that is not there; null where all are.</summary>
    public string? FindMissing(Table table, Snapshot snapshot) =>
        world.Store.Read(snapshot.ManifestList!) is null ? snapshot.ManifestList
        : SimulatedWorld.Completed(SnapshotReader.ManifestsAsync(table, snapshot, default)).FirstOrDefault(manifest => world.Store.Read(manifest.Path) is null)?.Path
        ?? FilesOf(table, snapshot).FirstOrDefault(location => world.Store.Read(location) is null);

    /// <summary>As the reference implementation expires: refs past their age go, then snapshots that no ref needs, then the files that only those named.</summary>
    public void Expire(Table table, int retainCount)
    {
        var metadata = table.Metadata;
        if (metadata.CurrentSnapshotId is not { } head) return;
        var limit = metadata.Properties.TryGetValue(MaxRefAge, out var text) ? long.Parse(text, CultureInfo.InvariantCulture) : long.MaxValue;
        var now = Math.Max(world.Now.ToUnixTimeMilliseconds(), metadata.LastUpdatedMillis);
        var expiredRefs = metadata.Refs.Where(item => item.Key != SnapshotRef.Main && now - metadata.FindSnapshot(item.Value.SnapshotId)!.TimestampMillis > (item.Value.MaxRefAgeMillis ?? limit)).Select(item => item.Key).ToList();
        var kept = metadata.Lineage().Take(retainCount).Select(snapshot => snapshot.Id).Append(head)
            .Concat(metadata.Refs.Where(item => !expiredRefs.Contains(item.Key)).Select(item => item.Value.SnapshotId)).ToHashSet();
        var gone = metadata.Snapshots.Where(snapshot => !kept.Contains(snapshot.Id)).ToList();
        if (gone.Count == 0 && expiredRefs.Count == 0) return;
        var before = gone.SelectMany(snapshot => FilesOf(table, snapshot)).ToHashSet(StringComparer.Ordinal);
        var isDone = world.Commit(table,
            [new TableRequirement.AssertTableUuid(metadata.TableUuid), new TableRequirement.AssertRefSnapshotId(SnapshotRef.Main, head)],
            [.. expiredRefs.Select(name => new TableUpdate.RemoveSnapshotRef(name)), new TableUpdate.RemoveSnapshots([.. gone.Select(snapshot => snapshot.Id)])]);
        if (!isDone) return;
        Expired.Add(table.Identifier);
        foreach (var location in before.Except(metadata.Snapshots.Where(snapshot => kept.Contains(snapshot.Id)).SelectMany(snapshot => FilesOf(table, snapshot)))) world.Store.Delete(location);
    }

    public void RemoveOrphans(Table table, TimeSpan olderThan)
    {
        var metadata = table.Metadata;
        var named = metadata.Snapshots.SelectMany(snapshot => FilesOf(table, snapshot)).ToHashSet(StringComparer.Ordinal);
        named.Add(table.MetadataLocation);
        foreach (var entry in metadata.MetadataLog) named.Add(entry.MetadataFile);
        foreach (var item in world.Store.List(metadata.Location))
            if (!named.Contains(item.Location) && !item.Location.EndsWith("version-hint.text", StringComparison.Ordinal) && world.Now - item.LastModified > olderThan) world.Store.Delete(item.Location);
    }

    private static IEnumerable<string> FilesOf(Table table, Snapshot snapshot)
    {
        yield return snapshot.ManifestList!;
        foreach (var manifest in SimulatedWorld.Completed(SnapshotReader.ManifestsAsync(table, snapshot, default)))
        {
            yield return manifest.Path;
            foreach (var entry in SimulatedWorld.Completed(SnapshotReader.EntriesAsync(table, manifest, default)))
                if (entry.IsLive) yield return entry.File.Path;
        }
    }
}
