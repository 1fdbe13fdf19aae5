using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Matih.Delivery.Ledgers;
using Matih.Engine.Simulation.Auditing;
using Matih.Engine.Simulation.World;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Planning;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>Other engines that add rows of their own, pick snapshots, and change what a table looks like. Each change is one moment.</summary>
internal sealed class OtherEngines(SimulatedWorld world, TableHistory history)
{
    private const string SourceSnapshot = "source-snapshot-id";
    private const string StagedId = "wap.id";
    private const string PublishedId = "published-wap-id";

    private long _rowCount;

    public void AppendRows(Table table, TablePlan plan, int count)
    {
        var (change, ids) = PrepareRows(table, plan, count);
        history.NoteRows(change.SnapshotId, ids);
        Commit(table, change, []);
    }

    /// <summary>A snapshot that is in the table and not current, for somebody to look at first.</summary>
    public void StageRows(Table table, TablePlan plan, int count)
    {
        var (change, ids) = PrepareRows(table, plan, count);
        history.NoteRows(change.SnapshotId, ids);
        var attempt = Attempt(table, change, [(StagedId, $"audit-{ids[0]}")]);
        world.Commit(table, [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid)], [.. attempt.Updates.OfType<TableUpdate.AddSnapshot>()]);
    }

    /// <summary>Publishes one of the snapshots that were staged and are not yet.</summary>
    public void PublishStaged(Table table, int pick)
    {
        var published = table.Metadata.Lineage().Select(snapshot => snapshot.Summary.GetValueOrDefault(PublishedId)).ToHashSet();
        Pick(table, [.. table.Metadata.Snapshots.Where(snapshot => snapshot.Summary.TryGetValue(StagedId, out var id) && !published.Contains(id))], pick);
    }

    /// <summary>Picks one of the snapshots beside the table's history, which a rollback has left there.</summary>
    public void CherryPick(Table table, int pick)
    {
        var lineage = table.Metadata.Lineage().ToList();
        var known = lineage.Select(snapshot => snapshot.Id).ToHashSet();
        var picked = lineage.Select(snapshot => snapshot.Summary.GetValueOrDefault(SourceSnapshot)).ToHashSet();
        Pick(table, [.. table.Metadata.Snapshots.Where(snapshot =>
            !known.Contains(snapshot.Id) && !picked.Contains(snapshot.Id.ToString()) && !snapshot.Summary.ContainsKey(StagedId) && snapshot.Operation == "append" && Added(table, snapshot).Length != 0)], pick);
    }

    public void AddColumn(Table table)
    {
        var schema = table.Metadata.CurrentSchema;
        var id = table.Metadata.LastColumnId + 1;
        SetSchema(table, schema.Fields.Add(new NestedField(id, string.Create(CultureInfo.InvariantCulture, $"more{id}"), false, new IcebergType.String())));
    }

    /// <summary>Drops the column that repeats another, and adds one of the same name and type.</summary>
    public void ReplaceColumn(Table table)
    {
        var schema = table.Metadata.CurrentSchema;
        var old = schema.FindColumn("twin")!;
        SetSchema(table, schema.Fields.Remove(old).Add(old with { Id = table.Metadata.LastColumnId + 1, IsRequired = false }));
    }

    public void ChangeSpec(Table table, int choice)
    {
        (string Column, Transform Transform)[] wanted = (choice % 4) switch
        {
            0 => [],
            1 => [("partition", new Transform.Identity())],
            2 => [("offset", new Transform.Truncate(16))],
            _ => [("id", new Transform.Bucket(3))],
        };
        var metadata = table.Metadata;
        var fields = wanted.Select((item, index) => new PartitionField(
            metadata.CurrentSchema.FindColumn(item.Column)!.Id, Math.Max(metadata.LastPartitionId, 999) + 1 + index, item.Transform.DefaultFieldName(item.Column), item.Transform));
        world.Commit(table, [new TableRequirement.AssertTableUuid(metadata.TableUuid)],
            [new TableUpdate.AddSpec(new PartitionSpec(0, [.. fields])), new TableUpdate.SetDefaultSpec(TableUpdate.LastAdded)]);
    }

    public void ChangeOrder(Table table, int choice)
    {
        (string Column, string Transform, string Direction)[] wanted = (choice % 5) switch
        {
            0 => [],
            1 => [("offset", "identity", "desc")],
            2 => [("partition", "identity", "asc"), ("offset", "identity", "asc")],
            3 => [("id", "bucket[3]", "asc"), ("id", "identity", "desc")],
            _ => [("offset", "truncate[8]", "desc"), ("id", "identity", "asc")],
        };
        var metadata = table.Metadata;
        var id = wanted.Length == 0 ? SortOrder.Unsorted.OrderId : metadata.SortOrders.Max(order => order.OrderId) + 1;
        var fields = wanted.Select(item => $$"""{"transform":"{{item.Transform}}","source-id":{{metadata.CurrentSchema.FindColumn(item.Column)!.Id}},"direction":"{{item.Direction}}","null-order":"nulls-first"}""");
        using var json = JsonDocument.Parse($$"""{"order-id":{{id}},"fields":[{{string.Join(',', fields)}}]}""");
        var order = SchemaJson.ReadSortOrder(json.RootElement);
        List<TableUpdate> updates = [new TableUpdate.SetDefaultSortOrder(id)];
        if (metadata.SortOrders.All(known => known.OrderId != id)) updates.Insert(0, new TableUpdate.AddSortOrder(order));
        world.WritingChangedAt = world.Simulator.Now;
        world.Commit(table, [new TableRequirement.AssertTableUuid(metadata.TableUuid)], updates);
    }

    public void SetProperty(Table table, string name, string value)
    {
        world.WritingChangedAt = world.Simulator.Now;
        world.Commit(table, [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid)], [new TableUpdate.SetProperties(ImmutableSortedDictionary<string, string>.Empty.Add(name, value))]);
    }

    /// <summary>As an expiry that cleans metadata up: schemas and specs that neither a snapshot nor a manifest refers to.</summary>
    public void ForgetShapes(Table table)
    {
        var metadata = table.Metadata;
        var specs = metadata.Snapshots.SelectMany(snapshot => SimulatedWorld.Completed(SnapshotReader.ManifestsAsync(table, snapshot, default))).Select(manifest => manifest.SpecId).Append(metadata.DefaultSpecId).ToHashSet();
        var schemas = metadata.Snapshots.Select(snapshot => snapshot.SchemaId).Append(metadata.CurrentSchemaId).ToHashSet();
        if (metadata.PartitionSpecs.All(spec => specs.Contains(spec.SpecId)) && metadata.Schemas.All(schema => schemas.Contains(schema.SchemaId))) return;
        world.Replace(table, metadata with
        {
            PartitionSpecs = [.. metadata.PartitionSpecs.Where(spec => specs.Contains(spec.SpecId))],
            Schemas = [.. metadata.Schemas.Where(schema => schemas.Contains(schema.SchemaId))],
        });
    }

    /// <summary>One of the side files of the ledgers that the table holds is gone, or somebody brought the wrong one back.</summary>
    public void LoseSideFile(Table table, int pick, bool isReplaced)
    {
        List<string> named = [.. table.Metadata.CurrentSnapshot is { } head ? head.Summary.Where(pair => LedgerKeys.IsLedger(pair.Key)).Select(pair => LedgerFormat.ReadSideFile(pair.Value)?.Location).OfType<string>() : []];
        if (named.Count == 0) return;
        var location = named[pick % named.Count];
        if (world.Store.Read(location) is null) return;
        var others = world.Store.LocationsBelow(location[..location.LastIndexOf('/')]).Where(other => other.Contains("/ledger-", StringComparison.Ordinal) && !named.Contains(other)).ToList();
        world.Store.Lose(location, isReplaced && others.Count != 0 ? world.Store.Read(others[pick % others.Count]) : null);
    }

    private void Pick(Table table, IReadOnlyList<Snapshot> candidates, int pick)
    {
        if (candidates.Count == 0) return;
        var source = candidates[pick % candidates.Count];
        var metadata = table.Metadata;
        if (source.ParentId == metadata.CurrentSnapshotId)
        {
            world.Commit(table, [new TableRequirement.AssertTableUuid(metadata.TableUuid)], [new TableUpdate.SetSnapshotRef(SnapshotRef.Main, new SnapshotRef(source.Id, SnapshotRefKind.Branch))]);
            return;
        }
        var files = Added(table, source);
        var live = metadata.CurrentSnapshot is { } head ? SimulatedWorld.Completed(SnapshotReader.LiveFilesAsync(table, head, default)).Select(file => file.Path).ToHashSet(StringComparer.Ordinal) : [];
        // Engines refuse to apply changes that conflict; files that were rewritten or expired since cannot be added again.
        if (files.Any(file => live.Contains(file.Path) || world.Store.Read(file.Path) is null) || files.Any(file => metadata.FindSpec(file.SpecId) is null)) return;
        var change = SimulatedWorld.Completed(PreparedChange.PrepareAsync(table, files, world.Ids, default));
        if (source.Summary.TryGetValue(LedgerKeys.Writer, out var flow)) history.NotePick(change.SnapshotId, flow);
        else history.NoteRows(change.SnapshotId, history.RowsOf(source.Id));
        List<(string, string)> keys = [(SourceSnapshot, source.Id.ToString())];
        if (source.Summary.TryGetValue(StagedId, out var staged)) keys.Add((PublishedId, staged));
        Commit(table, change, keys);
    }

    private ImmutableArray<DataFile> Added(Table table, Snapshot snapshot)
    {
        if (world.Store.Read(snapshot.ManifestList!) is null) return [];
        var files = ImmutableArray.CreateBuilder<DataFile>();
        foreach (var manifest in SimulatedWorld.Completed(SnapshotReader.ManifestsAsync(table, snapshot, default)))
            foreach (var entry in SimulatedWorld.Completed(SnapshotReader.EntriesAsync(table, manifest, default)))
                if (entry.Status == EntryStatus.Added && entry.SnapshotId == snapshot.Id) files.Add(entry.File);
        return files.ToImmutable();
    }

    private (PreparedChange Change, IReadOnlyList<long> Ids) PrepareRows(Table table, TablePlan plan, int count)
    {
        long[] ids = [.. Enumerable.Range(0, count).Select(_ => _rowCount++)];
        return (SimulatedWorld.Completed(PreparedChange.PrepareAsync(table, TableRows.Foreign(world, table, plan, ids), world.Ids, default)), ids);
    }

    private void Commit(Table table, PreparedChange change, IReadOnlyList<(string, string)> keys)
    {
        var attempt = Attempt(table, change, keys);
        world.Commit(table, attempt.Requirements, attempt.Updates);
    }

    private ChangeAttempt.Ready Attempt(Table table, PreparedChange change, IReadOnlyList<(string Key, string Value)> keys)
    {
        var summary = new Dictionary<string, string>(StringComparer.Ordinal) { ["engine-name"] = "another" };
        foreach (var (key, value) in keys) summary[key] = value;
        return (ChangeAttempt.Ready)SimulatedWorld.Completed(change.AttemptAsync(table, table.Metadata.NextTimestampMillis(world.Now), summary, [], default));
    }

    private void SetSchema(Table table, ImmutableArray<NestedField> fields) => world.Commit(table, [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid)],
        [new TableUpdate.AddSchema(new Schema(0, fields)), new TableUpdate.SetCurrentSchema(TableUpdate.LastAdded)]);
}
