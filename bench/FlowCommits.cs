using System.Collections.Immutable;
using Matih.Definition;
using Matih.Delivery;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Delivery.Tables;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Planning;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Bench;

/// <summary>Commits of a flow without a topic: each moves four partitions and adds a small file.</summary>
internal sealed class FlowCommits(FlowContext flow, TableLedger ledgers, IStore store, WriterIdentity writer, ITableVersion table, Ledger ledger)
{
    private const int RowCount = 1000;
    private static readonly byte[] Content = new byte[4096];

    private ITableVersion _table = table;
    private Ledger _ledger = ledger;

    public int Count { get; private set; } = 1;

    /// <summary>The table as the last commit left it.</summary>
    public Table Table => ((IcebergVersion)_table).Table;

    /// <summary>Looks at the table again, whose head carries the same ledger.</summary>
    public async Task ReloadAsync() => _table = await ledgers.LoadAsync(default) ?? throw new InvalidOperationException("The table is gone.");

    public static async Task<FlowCommits> StartAsync(string folder, EngineEnvironment environment, ICatalog catalog, IStore store)
    {
        var plan = Plan(folder);
        var flow = new FlowContext(plan, environment, new FlowProgress(plan.Name.ToString()), new NoLog(), () => 0.5);
        var ledgers = new TableLedger(flow, new IcebergTable(catalog, plan.Table), store);
        var (table, _) = await ledgers.Table.CreateAsync(default);
        var writer = new WriterIdentity(environment.Ids.NewUuid(), null);
        var source = new SourceLedger(plan.SourceName, plan.Topic, "cluster", "topic", plan.IsolationLevel,
            [.. Enumerable.Range(0, 4).Select(partition => PartitionLedger.StartingAt(partition, 0, isEarliest: true))]);
        var start = LedgerTransitions.Start(LedgerAuthor.Of(flow, writer), table.TableUuid, source, null, null);
        var commits = new FlowCommits(flow, ledgers, store, writer, table, start);
        await commits.CommitAsync(start, [], null);
        return commits;
    }

    public async Task NextAsync()
    {
        var source = _ledger.FindSource(flow.Plan.SourceName)!;
        ImmutableArray<PartitionLedger> moved =
        [
            .. source.Partitions.Select(entry => new PartitionLedger(
                entry.Partition, entry.NextOffset, entry.NextOffset + RowCount / 4, RowCount / 4, new Fingerprint(entry.NextOffset + RowCount / 4 - 1, 1714521600000, 0x5eed), 1714521600000)),
        ];
        var books = new Books(RowCount, 0, 0, 0, 0, 0, RowCount, 1);
        var next = LedgerTransitions.Advance(LedgerAuthor.Of(flow, writer), _ledger, source, moved, books, SkippedRecords.None, _ledger.Epoch, 0, staysOpen: true);
        var location = $"{_table.Location.TrimEnd('/')}/data/{flow.Environment.Ids.NewUuid():N}.parquet";
        await using (var file = await store.CreateAsync(location, default))
        {
            await file.WriteAsync(Content, default);
            await file.CompleteAsync(default);
        }
        await CommitAsync(next, [new IcebergFile(new DataFile { Path = location, SpecId = 0, Partition = [], RecordCount = RowCount, FileSizeBytes = Content.Length })], _table.Bind(flow.Plan.Table));
        Count++;
    }

    private async Task CommitAsync(Ledger next, IReadOnlyList<WrittenFile> files, TableBinding? binding)
    {
        var change = await _table.PrepareAsync(files, [], flow.Environment.Ids, default);
        var outcome = await ledgers.CommitAsync(new PreparedCommit(next, change, flow.Clock.GetUtcNow(), binding), null, default);
        if (outcome is not CommitOutcome.Committed committed) throw new InvalidOperationException($"A commit with nobody beside it ended as {outcome}.");
        (_table, _ledger) = (committed.Table, committed.Ledger);
    }

    private static FlowPlan Plan(string folder)
    {
        var read = DefinitionReader.Read("w1.yaml", ClickPipeline.Definition("localhost:9092", 1, "bench", "1s"), new DefinitionInputs
        {
            Environment = _ => null,
            ReadSecretFile = File.ReadAllText,
            BaseDirectory = folder,
            Warehouse = folder,
        });
        return PipelinePlanner.Plan(read.Definition ?? throw new InvalidOperationException(string.Join('\n', read.Errors))).Flows.Single().Plan;
    }

    private sealed class NoLog : IEngineLog
    {
        public void Write(LogEntry entry)
        {
        }
    }
}
