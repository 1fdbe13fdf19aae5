using System.Collections.Immutable;
using System.Globalization;
using Matih.Connectors.Rest;
using Matih.Connectors.Sql;
using Matih.Definition;
using Matih.Delivery;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Delivery.Tables;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Planning;
using Matih.Storage;
using Matih.Telemetry;
using RestServer = Matih.Fixtures.RestCatalog;

namespace Matih.Bench;

/// <summary>
/// How many requests a commit makes, and how many bytes they carry, with each kind of catalog: the engine's own commits (a
/// ledger of four partitions, one data file), each of which loads the table first, as those of a run do.
/// </summary>
public sealed class RequestCost
{
    /// <summary>As many as go by between two merges of manifests, so that one is counted.</summary>
    private const int Measured = 100;

    private const double SecondsOfMonth = 30 * 24 * 3600;

    // bench/README.md says where these prices come from.
    private const double S3Write = 0.005 / 1000, S3Read = 0.0004 / 1000, BlobWrite = 0.055 / 10_000, BlobRead = 0.0044 / 10_000;

    public async Task RunAsync(IReadOnlyList<string> catalogs, IReadOnlyList<int> snapshotCounts)
    {
        Console.WriteLine($"requests per commit, mean of {Measured}, after so many snapshots:");
        Console.WriteLine("| Catalog | Snapshots | PUT | GET | HEAD | LIST | DELETE | to the catalog | sent | received | S3, a commit a second | a minute | Blob, a commit a second | a minute |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var name in catalogs)
        {
            var folder = TemporaryDirectory.NewUnowned();
            try
            {
                await MeasureAsync(name, folder, snapshotCounts);
            }
            finally
            {
                TemporaryDirectory.Delete(folder);
            }
        }
    }

    private static async Task MeasureAsync(string name, string folder, IReadOnlyList<int> snapshotCounts)
    {
        var environment = SystemEnvironment.Create(HostSettings.OfProcess());
        var count = new RequestCount();
        var store = new CountingStore(new LocalStore(environment.Ids), count);
        await using var server = name == "rest" ? await RestServer.StartAsync(folder) : null;
        using var handler = new CountingHandler(count);
        await using var database = new CountingDatabase(new SqliteCatalogDatabase(new SqlDatabase.Sqlite(Path.Combine(folder, "catalog.db"))), count);
        ICatalog catalog = name switch
        {
            "file" => new FileCatalog(store, folder, environment.Ids, environment.Clock),
            "rest" => OpenRest(server!, handler, store, environment),
            _ => new SqlCatalog(new CatalogDefinition.Sql("lake", new SqlDatabase.Sqlite(""), folder, "lake"), database, store, environment.Ids, environment.Clock),
        };
        var commits = await FlowCommits.StartAsync(Plan(folder), environment, catalog, store);
        foreach (var snapshots in snapshotCounts)
        {
            while (commits.Count < snapshots) await commits.NextAsync();
            var before = count.Copy();
            for (var i = 0; i < Measured; i++) await commits.NextAsync();
            Console.WriteLine($"| `{name}` | {snapshots.ToString("N0", CultureInfo.InvariantCulture)} | {count.PerCommit(before, Measured)} | {Costs(S3Write, S3Read)} | {Costs(BlobWrite, BlobRead)} |");

            string Costs(double write, double read) => string.Create(
                CultureInfo.InvariantCulture,
                $"${count.Cost(before, Measured, SecondsOfMonth, write, read):0.00} | ${count.Cost(before, Measured, SecondsOfMonth / 60, write, read):0.00}");
        }
    }

    private static Connectors.Rest.RestCatalog OpenRest(RestServer server, CountingHandler handler, IStore store, EngineEnvironment environment)
    {
        if (!EndpointUrl.TryParse(server.Uri, out var uri)) throw new InvalidOperationException($"{server.Uri} is no address.");
        var parts = new RestParts(handler, _ => throw new InvalidOperationException("No keys are needed."), (_, _) => throw new InvalidOperationException("No token is needed."), Lending: null);
        return Connectors.Rest.RestCatalog.Open(new CatalogDefinition.Rest("lake", uri!, null) { IsVendingAsked = false }, store, environment.Ids, environment.Clock, parts);
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

    /// <summary>Commits of a flow without a topic: each moves four partitions and adds a small file.</summary>
    private sealed class FlowCommits(FlowContext flow, TableLedger ledgers, IStore store, WriterIdentity writer, ITableVersion table, Ledger ledger)
    {
        private const int RowCount = 1000;
        private static readonly byte[] Content = new byte[4096];

        private ITableVersion _table = table;
        private Ledger _ledger = ledger;

        public int Count { get; private set; } = 1;

        public static async Task<FlowCommits> StartAsync(FlowPlan plan, EngineEnvironment environment, ICatalog catalog, IStore store)
        {
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
    }

    private sealed class NoLog : IEngineLog
    {
        public void Write(LogEntry entry)
        {
        }
    }
}
