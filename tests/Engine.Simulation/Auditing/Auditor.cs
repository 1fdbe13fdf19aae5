using Matih.Delivery.IcebergTables;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Delivery;
using Matih.Engine.Simulation.Scenarios;
using Matih.Engine.Simulation.World;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Kafka;
using Matih.Planning;

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
    private readonly Dictionary<(TableIdentifier Table, SnapshotId Head), Standing> _earlier = [];
    private readonly Dictionary<string, SnapshotId> _addedBy = new(StringComparer.Ordinal);
    private readonly Dictionary<FlowName, TimeSpan> _answeredAt = [];
    private readonly Dictionary<FlowName, TimeSpan> _takenUntil = [];
    private readonly Dictionary<FlowName, TimeSpan> _committedAt = [];

    /// <summary>What other engines did, for them to note.</summary>
    public TableHistory History { get; } = new();

    /// <summary>A table's head as it was last looked at, and what it holds of each flow, whether its history still shows it or not.</summary>
    private sealed record Standing(SnapshotId? Head, IReadOnlyDictionary<FlowName, LedgerAccount> Accounts);

    /// <summary>What each process was started to do.</summary>
    public ProcessOrders Orders { get; } = new();

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
        var ledgers = SimulatedWorld.Completed(LedgerInspection.ReadAsync(new IcebergHistory(table), default));
        var state = StateOf(head, ledgers);
        RequireForeignRows(head, state, rows);
        var standing = _earlier.TryGetValue((identifier, head.Id), out var seen) ? seen : Follow(identifier, table, head, before?.Head == head.ParentId ? before : null, ledgers);
        if (seen is null)
        {
            _earlier.Add((identifier, head.Id), standing);
            if (head.Summary.TryGetValue(LedgerKeys.Adopted, out var key)) History.NoteTaker(key, head.Summary[LedgerKeys.Writer]);
            if (key is not null) _chains[(identifier, LedgerKeys.FlowOf(LedgerKeys.Property(key)))].WasAdopted = true;
            // An adoption takes the tag away; whoever rolls the table back past it finds the ledger without one.
            TagCheck.Require(table, head, standing.Accounts.Keys.Where(flow => !_chains[(identifier, flow)].WasAdopted));
        }
        foreach (var (flow, ledger, _) in ledgers)
            if (seen is null && head.Summary.GetValueOrDefault(LedgerKeys.Writer) == flow.ToString() && !_chains[(identifier, flow)].IsBeyondPromise) RequireFilesOf(table, head, ledger, entries);
        RequireRows(identifier, head, standing, state, rows);
        foreach (var ((owner, flow), chain) in _chains)
            if (owner.Equals(identifier) && chain.WasAdopted && before?.Accounts.ContainsKey(flow) == false) _takenUntil[flow] = world.Simulator.Now;
        _standings[identifier] = standing;
    }

    /// <summary>What a snapshot that was not there before holds of each flow.</summary>
    private Standing Follow(TableIdentifier identifier, Table table, Snapshot head, Standing? before, IReadOnlyList<FlowLedger> ledgers)
    {
        var accounts = before is null ? [] : new Dictionary<FlowName, LedgerAccount>(before.Accounts);
        var adopted = before is null ? null : AdoptionCheck.TakeOut(head, accounts, ledgers, Orders);
        if (before is not null) RequireSurvival(table, accounts, head, ledgers);
        var writer = head.Summary.GetValueOrDefault(LedgerKeys.Writer);
        foreach (var (flow, ledger, _) in ledgers)
        {
            if (!_chains.TryGetValue((identifier, flow), out var chain)) throw new AuditException($"{identifier} holds a ledger of {flow}, which does not write it.");
            var isNew = chain.Find(ledger.Commit) is null && !chain.IsBeyondPromise;
            var order = Orders.Of(ledger);
            var account = chain.Follow(ledger, new CommitGround(
                accounts.GetValueOrDefault(flow), flow.ToString() == writer ? adopted : null, order,
                () => head.ParentId is { } parent && History.At(parent).Uncertain.Contains(flow.ToString()) || HistoryCheck.IsCutBefore(world, table, head.ParentId, flow),
                chain.WasAdopted && !TagCheck.TellsOfTaker(table, flow),
                start => head.ParentId is { } parent && History.At(parent).Starts.Contains(start)));
            if (isNew) Orders.NoteStood(account);
            if (isNew && order is not null) NoteDone(flow, ledger, order, adopted is not null && flow.ToString() == writer);
            accounts[flow] = account;
        }
        return new Standing(head.Id, accounts);
    }

    private void NoteDone(FlowName flow, Ledger ledger, ProcessOrder order, bool isAdoption)
    {
        if (ledger.Replay is not null) order.Replays.Add(ledger.Commit);
        if (ledger.Base is null || isAdoption || order.Answers.AcceptedTags is not []) _answeredAt[flow] = world.Simulator.Now;
        _committedAt[flow] = world.Simulator.Now;
        if (ledger.Replay is null) Orders.NoteSeen(flow, ledger.Books.RecordCount);
        order.NoteCommitted(flow, ledger.Replay is null ? ledger.Books.RecordCount : 0);
        if (order.Mode is RunMode.Once once && order.CommittedBy(flow) > once.RecordCountMax)
            throw new AuditException($"A run of {flow} with max_records {once.RecordCountMax} has committed {order.CommittedBy(flow)} records.");
    }

    /// <summary>Whether the start of a flow, or a person's answer about it, got into the table after that time: what stopped a run before may be repaired.</summary>
    public bool WasAnsweredSince(PipelineSetup pipeline, TimeSpan time) =>
        Enumerable.Range(0, pipeline.Tables.Length).Any(sink => _answeredAt.TryGetValue(pipeline.Flow(sink), out var at) && at >= time);

    /// <summary>Whether another flow had a ledger of the pipeline's after that time; the table may have been rolled back past that since.</summary>
    public bool WasTakenSince(PipelineSetup pipeline, TimeSpan time) =>
        Enumerable.Range(0, pipeline.Tables.Length).Any(sink => _takenUntil.TryGetValue(pipeline.Flow(sink), out var until) && until >= time);

    /// <summary>What the table holds of a flow, whether its history still shows it or not.</summary>
    public LedgerAccount? TruthOf(PipelineSetup pipeline, int sink) =>
        _standings.TryGetValue(pipeline.Table(sink), out var standing) ? standing.Accounts.GetValueOrDefault(pipeline.Flow(sink)) : null;

    /// <summary>The flow in the table whose account a flow's ledger was taken into, or null.</summary>
    public FlowName? TakerOf(PipelineSetup pipeline, int sink)
    {
        if (!_standings.TryGetValue(pipeline.Table(sink), out var standing) || standing.Accounts.ContainsKey(pipeline.Flow(sink))) return null;
        return standing.Accounts.Values.FirstOrDefault(account => account.Flow != pipeline.Flow(sink) && account.Past.Any(stretch => stretch.Flow == pipeline.Flow(sink)))?.Flow;
    }

    /// <summary>A process has learned where the topic's partitions begin and end; the first time it does so for its start.</summary>
    public void NoteRanges(int processId, IReadOnlyList<OffsetRange> ranges)
    {
        var order = Orders.Of(processId);
        if (order.StartsAll) order.FirstLookUp ??= [.. ranges.Select(range => (range.LogStart, range.End))];
    }

    /// <summary>When the flow last committed.</summary>
    public TimeSpan? CommittedAt(FlowName flow) => _committedAt.TryGetValue(flow, out var at) ? at : null;

    public LedgerChain ChainOf(PipelineSetup pipeline, int sink) => _chains[(pipeline.Table(sink), pipeline.Flow(sink))];

    /// <summary>The ledger of a flow as its table's current state has it.</summary>
    public LedgerAccount? AccountOf(PipelineSetup pipeline, int sink)
    {
        if (world.Load(pipeline.Table(sink)) is not { } table) return null;
        var found = SimulatedWorld.Completed(LedgerInspection.ReadAsync(new IcebergHistory(table), default)).FirstOrDefault(item => item.Flow == pipeline.Flow(sink));
        return found is null ? null : _chains[(pipeline.Table(sink), found.Flow)].Find(found.Ledger.Commit) ?? TruthOf(pipeline, sink);
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
        var deleted = _content.DeletedPositions(entries);
        foreach (var entry in entries)
        {
            if (!entry.IsLive || entry.File.Content != Matih.Iceberg.Manifests.FileContent.Data) continue;
            if (!paths.Add(entry.File.Path)) throw new AuditException($"Snapshot {head.Id} holds data file {entry.File.Path} twice.");
            var held = _content.Read(entry.File).Rows;
            for (var position = 0; position < held.Length; position++)
            {
                var row = held[position];
                if (deleted.Contains((entry.File.Path, position))) continue;
                if (!rows.TryGetValue(row.Flow, out var list)) rows.Add(row.Flow, list = []);
                list.Add(row);
            }
        }
        return rows;
    }

    private void RequireSurvival(Table table, Dictionary<FlowName, LedgerAccount> accounts, Snapshot head, IReadOnlyList<FlowLedger> ledgers)
    {
        // Another engine's commit leaves ledgers where they were, further back; history may end before them.
        if (head.Summary.GetValueOrDefault(LedgerKeys.Writer) is not { } writer) return;
        foreach (var (flow, account) in accounts)
        {
            var commit = account.Ledger.Commit;
            if (ledgers.FirstOrDefault(item => item.Flow == flow) is not { } after)
            {
                // Somebody has answered for the writer that history is cut; for this flow nobody has, and the table says so.
                if (flow.ToString() != writer && head.Summary.ContainsKey(LedgerKeys.Unproven) && HistoryCheck.IsCutBefore(world, table, head.ParentId, flow)) continue;
                throw new AuditException($"Snapshot {head.Id}, written by {writer}, has lost the ledger of {flow}.");
            }
            if (flow.ToString() != writer && after.Ledger.Commit != commit) throw new AuditException($"Snapshot {head.Id}, written by {writer}, holds commit {after.Ledger.Commit} of {flow} in place of {commit}.");
            if (flow.ToString() == writer && after.Ledger.Base is { } stood && stood != commit) throw new AuditException($"Commit {after.Ledger.Commit} of {flow} stands on {stood}, but was put upon {commit}.");
        }
        foreach (var (flow, ledger, _) in ledgers)
            if (flow.ToString() != writer && !accounts.ContainsKey(flow)) throw new AuditException($"Snapshot {head.Id}, written by {writer}, brings back the ledger of {flow}, commit {ledger.Commit}.");
    }

    /// <summary>What the commit of another engine leaves uncertain, and whether the flow concerned has gone on all the same.</summary>
    private TableState StateOf(Snapshot head, IReadOnlyList<FlowLedger> ledgers)
    {
        var writer = head.Summary.GetValueOrDefault(LedgerKeys.Writer);
        var state = History.At(head, ledgers.FirstOrDefault(item => item.Flow.ToString() == writer && item.Ledger.Base is null));
        foreach (var used in new[] { writer, head.Summary.GetValueOrDefault(LedgerKeys.Adopted) })
            if (used is not null && state.Blocked.Contains(used)) throw new AuditException($"Snapshot {head.Id}, written by {writer}, continues from the ledger of {used}, although a commit of it was applied again above that.");
        return state;
    }

    private static void RequireForeignRows(Snapshot head, TableState state, Dictionary<string, List<RowOrigin>> rows)
    {
        rows.Remove(TableRows.ForeignFlow, out var found);
        if ((found?.Count ?? 0) == state.ForeignRows.Count && (found is null || found.TrueForAll(row => state.ForeignRows.Contains(row.Id)) && found.DistinctBy(row => row.Id).Count() == found.Count)) return;
        throw new AuditException($"Snapshot {head.Id} holds {found?.Count ?? 0} rows of other engines, which have added {state.ForeignRows.Count}.");
    }

    private void RequireFilesOf(Table table, Snapshot head, Ledger ledger, IReadOnlyList<ManifestEntry> entries)
    {
        var added = entries.Where(entry => entry.Status == EntryStatus.Added && entry.SnapshotId == head.Id).ToList();
        foreach (var entry in added)
            if (!_addedBy.TryAdd(entry.File.Path, head.Id) && _addedBy[entry.File.Path] != head.Id)
                throw new AuditException($"Commit {ledger.Commit} registers {entry.File.Path}, which snapshot {_addedBy[entry.File.Path]} had registered before.");
        var order = Orders.Of(ledger);
        var commitsStaged = order is { CommitsStaged: true };
        var isChanging = world.HasCatalogServer && world.WritingChangedAt is { } changedAt && world.Simulator.Now - changedAt < TimeSpan.FromMinutes(5);
        // Staged files may be hours old when they are committed; their names tell of schema and spec, not of settings.
        foreach (var entry in added) FileChecks.Require(table, entry.File, _content.Read(entry.File), mayLag: commitsStaged || isChanging);
        // Files of staged ranges come from several checkpoints, those of a replay from several readers that know nothing of each other.
        if (order is not null && !commitsStaged && !isChanging && ledger.Replay is null) FileChecks.RequireFew(table, [.. added.Select(entry => entry.File)], Math.Min(order.Pipeline.Parallelism, ledger.Sources[0].Partitions.Length));
        if (added.Count != ledger.Books.AddedFileCount || added.Sum(entry => entry.File.RecordCount) != ledger.Books.AddedRowCount)
        {
            throw new AuditException(
                $"Commit {ledger.Commit} says that it adds {ledger.Books.AddedFileCount} files with {ledger.Books.AddedRowCount} rows; its manifests add {added.Count} with {added.Sum(entry => entry.File.RecordCount)}.");
        }
    }

    /// <summary>The rows of every name against all stretches that were read under it: as many times as stretches hold the record.</summary>
    private void RequireRows(TableIdentifier identifier, Snapshot head, Standing standing, TableState state, Dictionary<string, List<RowOrigin>> rows)
    {
        var names = new Dictionary<FlowName, List<RowStretch>>();
        foreach (var account in standing.Accounts.Values)
        {
            foreach (var stretch in account.Stretches)
            {
                if (!names.TryGetValue(stretch.Flow, out var list)) names.Add(stretch.Flow, list = []);
                list.Add(stretch);
            }
        }
        var beyond = standing.Accounts.Values.Where(account => _chains[(identifier, account.Flow)].IsBeyondPromise).SelectMany(account => account.Stretches).Select(stretch => stretch.Flow).ToHashSet();
        foreach (var (flow, stretches) in names)
        {
            if (rows.Remove(flow.ToString(), out var found) is false) found = [];
            if (!beyond.Contains(flow) && !state.Uncertain.Contains(flow.ToString())) RequireRows(flow, stretches, found);
        }
        foreach (var (flow, left) in rows)
            if (!state.Uncertain.Contains(flow)) throw new AuditException($"Snapshot {head.Id} of {identifier} holds {left.Count} rows of {flow} and no ledger of it.");
    }

    private void RequireRows(FlowName flow, List<RowStretch> stretches, List<RowOrigin> rows)
    {
        var topic = world.Kafka.Topics[setup.Pipelines.First(pipeline => pipeline.Name == flow.Pipeline).Topic];
        var name = flow.ToString();
        var counts = new Dictionary<(int Incarnation, int Partition), int[]>();
        foreach (var stretch in stretches)
        {
            foreach (var (partition, end) in stretch.Ends)
            {
                var key = (stretch.Incarnation, partition);
                if (!counts.TryGetValue(key, out var known) || known.Length < end) counts[key] = new int[end];
            }
        }
        foreach (var row in rows)
        {
            if (!counts.TryGetValue((row.Incarnation, row.Partition), out var offsets) || row.Offset >= offsets.Length)
                throw new AuditException($"{Place(row)} lies above the ledger's position {offsets?.Length}, or is of another incarnation than {string.Join(", ", stretches.Select(stretch => stretch.Incarnation).Distinct())}, which its ledgers are about.");
            offsets[row.Offset]++;
            var record = topic.PartitionsOf(row.Incarnation)[row.Partition].At(row.Offset, name).FirstOrDefault(candidate => candidate.Id == row.Id);
            if (record is null || !record.WasReadable || record.Kind != RecordKind.Row) throw new AuditException($"{Place(row)} is of no record that makes a row.");
        }
        foreach (var ((incarnation, partition), offsets) in counts)
        {
            var log = topic.PartitionsOf(incarnation)[partition];
            for (var offset = 0; offset < offsets.Length; offset++)
            {
                var (held, lost) = (0, 0);
                foreach (var stretch in stretches)
                {
                    if (stretch.Incarnation != incarnation || !stretch.Holds(partition, offset)) continue;
                    held++;
                    if (stretch.HasLost(partition, offset)) lost++;
                }
                var place = $"of partition {partition}, offset {offset}";
                if (offsets[offset] > held - lost)
                    throw new AuditException(held == 0 ? $"A row of {flow} {place}, incarnation {incarnation}, lies before the start." : $"The row of {flow} {place}, incarnation {incarnation}, is there {offsets[offset]} times, and may be there {held - lost} times.");
                if (offsets[offset] == held - lost || !log.MakesRow(offset, name)) continue;
                throw new AuditException($"The record {place}, is {(held == 1 ? "not in the table" : $"in the table {offsets[offset]} times and was read {held - lost} times")}, but the ledger of {flow} stands at {offsets.Length}.");
            }
        }

        string Place(RowOrigin row) => $"The row of {flow} from partition {row.Partition}, offset {row.Offset}, incarnation {row.Incarnation}";
    }

    private static Dictionary<(TableIdentifier, FlowName), LedgerChain> Chains(SimulatedWorld world, Setup setup)
    {
        var chains = new Dictionary<(TableIdentifier, FlowName), LedgerChain>();
        foreach (var pipeline in setup.Pipelines)
            for (var sink = 0; sink < pipeline.Tables.Length; sink++)
                chains.Add((pipeline.Table(sink), pipeline.Flow(sink)), new LedgerChain(pipeline.Flow(sink), world.Kafka.Topics[pipeline.Topic], world, setup.Habits.ReadsOn) { MayPassBadRecords = !pipeline.Habits.FailsOnBadRecord });
        return chains;
    }
}
