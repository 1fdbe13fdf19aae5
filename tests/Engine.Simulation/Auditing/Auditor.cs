using Matih.Delivery;
using Matih.Engine.Simulation.Scenarios;
using Matih.Engine.Simulation.World;
using Matih.Iceberg;

namespace Matih.Engine.Simulation.Auditing;

/// <summary>
/// Holds every state that a table takes against the promise: for every flow exactly the records between its first ledger's
/// start and its ledger's position, once each, less what was filtered, skipped or declared lost. It reads the files
/// themselves, from the store's side, and knows what the topic really held.
/// </summary>
internal sealed class Auditor(SimulatedWorld world, Setup setup)
{
    private readonly TableContent _content = new(world.Store);
    private readonly Dictionary<(TableIdentifier Table, FlowName Flow), LedgerChain> _chains = Chains(world, setup);
    private readonly Dictionary<TableIdentifier, Standing> _standings = [];
    private readonly Dictionary<string, SnapshotId> _addedBy = new(StringComparer.Ordinal);

    /// <summary>A table's head as it was last looked at.</summary>
    private sealed record Standing(SnapshotId? Head, IReadOnlyDictionary<FlowName, CommitId> Ledgers);

    public int AuditCount { get; private set; }

    /// <summary>To be called after every change of a table.</summary>
    /// <exception cref="AuditException">The promise is broken. Whatever else goes wrong here must not look like a server's failure to the caller.</exception>
    public void Audit(TableIdentifier identifier)
    {
        try
        {
            Look(identifier);
        }
        catch (Exception e) when (e is not AuditException)
        {
            throw new AuditException($"{identifier} cannot be audited: {e.Message}", e);
        }
    }

    private void Look(TableIdentifier identifier)
    {
        if (world.Load(identifier) is not { } table) return;
        _standings.TryGetValue(identifier, out var before);
        if (table.Metadata.CurrentSnapshot is not { } head || head.Id == before?.Head) return;
        AuditCount++;

        var entries = _content.Entries(table, head);
        var rows = LiveRows(head, entries);
        var ledgers = SimulatedWorld.Completed(LedgerReading.ReadAsync(table, default));
        RequireSurvival(before, head, ledgers);
        foreach (var (flow, ledger, _) in ledgers)
        {
            if (!_chains.TryGetValue((identifier, flow), out var chain)) throw new AuditException($"{identifier} holds a ledger of {flow}, which does not write it.");
            var account = chain.Follow(ledger);
            if (chain.IsBeyondPromise)
            {
                rows.Remove(flow.ToString());
                continue;
            }
            if (head.Summary.GetValueOrDefault("matih.writer") == flow.ToString()) RequireFilesOf(head, ledger, entries);
            RequireRows(flow, account, rows.GetValueOrDefault(flow.ToString()) ?? []);
            rows.Remove(flow.ToString());
        }
        foreach (var (flow, left) in rows)
            if (flow != "foreign") throw new AuditException($"Snapshot {head.Id} of {identifier} holds {left.Count} rows of {flow} and no ledger of it.");
        _standings[identifier] = new Standing(head.Id, ledgers.ToDictionary(item => item.Flow, item => item.Ledger.Commit));
    }

    /// <summary>The ledger of a flow as its table's current state has it.</summary>
    public LedgerAccount? AccountOf(PipelineSetup pipeline, int sink)
    {
        if (world.Load(pipeline.Table(sink)) is not { } table) return null;
        var found = SimulatedWorld.Completed(LedgerReading.ReadAsync(table, default)).FirstOrDefault(item => item.Flow == pipeline.Flow(sink));
        return found is null ? null : _chains[(pipeline.Table(sink), found.Flow)].Find(found.Ledger.Commit);
    }

    /// <summary>Whether the flow reads a topic that was replaced in a way that nobody could have noticed.</summary>
    public bool IsBeyondPromise(PipelineSetup pipeline, int sink) => _chains[(pipeline.Table(sink), pipeline.Flow(sink))].IsBeyondPromise;

    /// <summary>A flow begins to read: its start must have been committed by now. Somebody may have rolled the table back past it meanwhile.</summary>
    public void NoteReading(PipelineSetup pipeline, int sink)
    {
        if (!_chains[(pipeline.Table(sink), pipeline.Flow(sink))].HasStarted) throw new AuditException($"{pipeline.Flow(sink)} reads before its start is committed.");
    }

    /// <summary>At the end: everything that can still be read is in the table.</summary>
    public void RequireAllIn(PipelineSetup pipeline, int sink)
    {
        var flow = pipeline.Flow(sink);
        if (_chains[(pipeline.Table(sink), flow)].IsBeyondPromise) return;
        var account = AccountOf(pipeline, sink) ?? throw new AuditException($"{flow} caught up and has no ledger.");
        var topic = world.Kafka.Topics[pipeline.Topic];
        for (var partition = 0; partition < topic.Partitions.Count; partition++)
        {
            var entry = account.Ledger.Sources[0].Find(partition) ?? throw new AuditException($"{flow} caught up without partition {partition}.");
            if (topic.Partitions[partition].Read(entry.NextOffset).FirstOrDefault() is { } unread)
                throw new AuditException($"{flow} says that it caught up, but stands at {entry.NextOffset} in partition {partition}, and the record at {unread.Offset} is not read.");
        }
    }

    private Dictionary<string, List<RowOrigin>> LiveRows(Snapshot head, IReadOnlyList<ManifestEntry> entries)
    {
        var rows = new Dictionary<string, List<RowOrigin>>(StringComparer.Ordinal);
        var paths = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in entries)
        {
            if (!entry.IsLive) continue;
            if (!paths.Add(entry.File.Path)) throw new AuditException($"Snapshot {head.Id} holds data file {entry.File.Path} twice.");
            foreach (var row in _content.Rows(entry.File))
            {
                if (!rows.TryGetValue(row.Flow, out var list)) rows.Add(row.Flow, list = []);
                list.Add(row);
            }
        }
        return rows;
    }

    private static void RequireSurvival(Standing? before, Snapshot head, IReadOnlyList<FlowLedger> ledgers)
    {
        if (before is null || head.ParentId != before.Head) return;
        var writer = head.Summary.GetValueOrDefault("matih.writer");
        foreach (var (flow, commit) in before.Ledgers)
        {
            var after = ledgers.FirstOrDefault(item => item.Flow == flow) ?? throw new AuditException($"Snapshot {head.Id}, written by {writer ?? "another engine"}, has lost the ledger of {flow}.");
            if (flow.ToString() != writer && after.Ledger.Commit != commit) throw new AuditException($"Snapshot {head.Id}, written by {writer ?? "another engine"}, holds commit {after.Ledger.Commit} of {flow} in place of {commit}.");
            if (flow.ToString() == writer && after.Ledger.Base != commit) throw new AuditException($"Commit {after.Ledger.Commit} of {flow} stands on {after.Ledger.Base?.ToString() ?? "nothing"}, but was put upon {commit}.");
        }
    }

    private void RequireFilesOf(Snapshot head, Ledger ledger, IReadOnlyList<ManifestEntry> entries)
    {
        var added = entries.Where(entry => entry.Status == EntryStatus.Added && entry.SnapshotId == head.Id).ToList();
        foreach (var entry in added)
            if (!_addedBy.TryAdd(entry.File.Path, head.Id) && _addedBy[entry.File.Path] != head.Id)
                throw new AuditException($"Commit {ledger.Commit} registers {entry.File.Path}, which snapshot {_addedBy[entry.File.Path]} had registered before.");
        if (added.Count != ledger.Books.AddedFileCount || added.Sum(entry => entry.File.RecordCount) != ledger.Books.AddedRowCount)
        {
            throw new AuditException(
                $"Commit {ledger.Commit} says that it adds {ledger.Books.AddedFileCount} files with {ledger.Books.AddedRowCount} rows; its manifests add {added.Count} with {added.Sum(entry => entry.File.RecordCount)}.");
        }
    }

    private void RequireRows(FlowName flow, LedgerAccount account, List<RowOrigin> rows)
    {
        var topic = world.Kafka.Topics[account.Ledger.Sources[0].Topic];
        var seen = new Dictionary<int, bool[]>();
        foreach (var entry in account.Ledger.Sources[0].Partitions) seen.Add(entry.Partition, new bool[entry.NextOffset]);
        foreach (var row in rows)
        {
            var place = $"the row of {flow} from partition {row.Partition}, offset {row.Offset}, incarnation {row.Incarnation}";
            if (row.Incarnation != account.Incarnation) throw new AuditException($"{place} is not of incarnation {account.Incarnation}, which its ledger is about.");
            if (!seen.TryGetValue(row.Partition, out var offsets) || row.Offset >= offsets.Length) throw new AuditException($"{place} lies above the ledger's position {offsets?.Length}.");
            if (row.Offset < account.Starts[row.Partition]) throw new AuditException($"{place} lies before the start, {account.Starts[row.Partition]}.");
            if (offsets[row.Offset]) throw new AuditException($"{place} is there twice.");
            offsets[row.Offset] = true;
            var record = topic.PartitionsOf(row.Incarnation)[row.Partition].Records[(int)row.Offset];
            if (!record.WasReadable || record.Kind != RecordKind.Row) throw new AuditException($"{place} is of no record that makes a row.");
        }
        foreach (var (partition, offsets) in seen)
        {
            var records = topic.PartitionsOf(account.Incarnation)[partition].Records;
            for (var offset = account.Starts[partition]; offset < offsets.Length; offset++)
            {
                var record = records[(int)offset];
                if (offsets[offset] || !record.IsReadable || record.Kind != RecordKind.Row) continue;
                if (account.Lost.Any(range => range.Partition == partition && offset >= range.FromOffset && offset < range.ToOffset)) continue;
                throw new AuditException($"The record of partition {partition}, offset {offset}, is not in the table, but the ledger of {flow} stands at {offsets.Length}.");
            }
        }
    }

    private static Dictionary<(TableIdentifier, FlowName), LedgerChain> Chains(SimulatedWorld world, Setup setup)
    {
        var chains = new Dictionary<(TableIdentifier, FlowName), LedgerChain>();
        foreach (var pipeline in setup.Pipelines)
            for (var sink = 0; sink < pipeline.Tables.Length; sink++)
                chains.Add((pipeline.Table(sink), pipeline.Flow(sink)), new LedgerChain(pipeline.Flow(sink), world.Kafka.Topics[pipeline.Topic]));
        return chains;
    }
}
