using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Matih.Batches;
using Matih.Definition;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Replaying;
using Matih.Delivery.Tables;
using Matih.Delivery;
using Matih.Engine.Tests.Iceberg;
using Matih.Engine.Tests.Storage;
using Matih.Hosting;
using Matih.Flink;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg;
using Matih.Kafka;
using Matih.Parquet;
using Matih.Planning;
using Matih.Registry;
using Matih.Storage;
using Matih.Telemetry;
using Matih.Verification;

namespace Matih.Engine.Tests.Delivery;

/// <summary>
/// A pipeline from a scripted topic into a table on the local disk, run by the real engine. Rows carry their partition and
/// offset, so that a test can say exactly which records the table holds.
/// </summary>
internal sealed class FlowHarness : IConnectors, IEngineLog, IDisposable
{
    public const string Orders = """
        metadata: { name: orders, version: "1" }
        sources:
          src:
            type: kafka
            connection: localhost:9092
            topic: shop.orders
            consumer_group: orders-v1
            format: json
            schema: "id BIGINT, note STRING"
            start_offset: earliest
        transformations:
          - name: typed
            type: sql_transform
            input: src
            sql: SELECT id, note, `partition`, `offset` FROM {{ input }} WHERE id >= 0
        sinks:
          lake: { type: iceberg, table: shop.orders, mode: append }
        orchestration: { engine: matih, checkpoint_interval: 50ms, parallelism: 2, max_retries: 0 }
        """;

    private readonly TemporaryFolder _folder;
    private readonly bool _ownsFolder;
    private readonly ConcurrentQueue<LogEntry> _entries = new();
    private readonly AsyncSignal _logged = new();

    public FlowHarness(int partitionCount = 2)
        : this(new TemporaryFolder(), new ScriptedTopic("shop.orders", partitionCount), ownsFolder: true) { }

    private FlowHarness(TemporaryFolder folder, ScriptedTopic topic, bool ownsFolder)
    {
        _folder = folder;
        _ownsFolder = ownsFolder;
        Topic = topic;
        Store = new FaultyStore(new LocalStore(Ids));
        Scratch = new MemoryScratch(() => IsScratchFull);
    }

    /// <summary>Another process on the same warehouse, with a log, a store and answers of its own.</summary>
    /// <param name="topic">What it reads; null reads the same topic.</param>
    /// <param name="pipeline">Its pipeline's name; null is another replica of the same.</param>
    public FlowHarness Another(ScriptedTopic? topic = null, string? pipeline = null)
    {
        var other = new FlowHarness(_folder, topic ?? Topic, ownsFolder: false) { Definition = Definition, Clock = Clock, CatalogOver = CatalogOver };
        if (pipeline is not null) other.Pipeline = pipeline;
        return other;
    }

    public TimeSpan LookInterval { get; set; } = TimeSpan.FromMilliseconds(1);

    public string Pipeline { get; set; } = "orders";

    /// <summary>The pipeline's YAML, in which the pipeline is called orders and its topic shop.orders.</summary>
    public string Definition { get; set; } = Orders;

    public HurriedClock Clock { get; init; } = new();

    /// <summary>The process that runs say they are.</summary>
    public WriterHint Hint { get; set; } = new("test", 1);

    public ScriptedTopic Topic { get; }

    public FaultyStore Store { get; }

    public SystemIdSource Ids { get; } = new();

    public MemoryScratch Scratch { get; }

    /// <summary>Whether the disk for rows that wait has no room.</summary>
    public bool IsScratchFull { get; set; }

    /// <summary>The ceiling of all buffers, for less than a definition may say; null takes the definition's.</summary>
    public long? MemoryBytes { get; set; }

    public IReadOnlyCollection<LogEntry> Entries => _entries;

    /// <summary>The flows' progress in the newest run.</summary>
    public IReadOnlyList<FlowProgress> Progress { get; private set; } = [];

    /// <summary>Changes to the definition, as <c>--set</c> makes them.</summary>
    public List<string> Overrides { get; } = [];

    /// <summary>Shapes each source that a run opens.</summary>
    public Action<ScriptedSource>? OnSource { get; set; }

    /// <summary>The seat among several processes; null runs everything in this one.</summary>
    public ScriptedSeat? Seat { get; set; }

    public Func<WriterHint, bool> IsGone { get; set; } = _ => true;

    public string TableFolder => $"{_folder.Path}/shop/orders";

    public string Warehouse => _folder.Path;

    /// <summary>Opens another store than the harness's, for runs.</summary>
    public Func<IStore>? StoreOver { get; set; }

    /// <summary>Opens another catalog than that of files, over the harness's store.</summary>
    public Func<IStore, ICatalog>? CatalogOver { get; set; }

    public ICatalog Catalog => OpenCatalog(null!, new LocalStore(Ids));

    public static TableIdentifier Identifier => TableIdentifier.Parse("shop.orders");

    /// <summary>Appends records <c>{"id": n}</c> for the ids, round robin over the partitions.</summary>
    public void Produce(int firstId, int count)
    {
        for (var id = firstId; id < firstId + count; id++)
            Topic.Append(id % Topic.PartitionCount, string.Create(CultureInfo.InvariantCulture, $$"""{"id": {{id}}, "note": "n{{id}}"}"""));
    }

    /// <summary>Runs until everything that the topic holds now is committed.</summary>
    public Task CatchUpAsync(OpenAnswers? answers = null) => RunAsync(new RunMode.UntilCaughtUp(), answers);

    public async Task RunAsync(RunMode mode, OpenAnswers? answers = null, CancellationToken stop = default, CancellationToken abort = default)
    {
        var flows = Plan();
        var environment = new EngineEnvironment(Clock, Ids, new Random(1), new SystemTaskStarter(), Scratch);
        var request = new RunRequest(mode, answers ?? OpenAnswers.None, Hint, IsGone, IsMember: Seat is not null && mode is RunMode.Continuous);
        Progress = [.. flows.Select(flow => new FlowProgress(flow.Plan.Name.ToString()))];
        await new PipelineRunner(environment, this, this).RunAsync(flows, request, Progress, stop, abort);
    }

    /// <summary>The tables that a job had when the pipeline was given to the last one.</summary>
    public IReadOnlyList<GivenTable> GivenBefore { get; private set; } = [];

    /// <summary>Gives the pipeline to a Flink job, as <c>matih deploy</c> does; the result is where the job begins, by partition.</summary>
    /// <param name="restores">Whether the job continues from a savepoint.</param>
    /// <param name="savepoint">What that says; null where nobody has read it.</param>
    /// <param name="isByProperty">As for statements that only Flink runs.</param>
    /// <param name="statementHash">What the job's statements are recognized by.</param>
    public async Task<IReadOnlyList<PartitionPosition>> GiveToFlinkAsync(string job, bool restores = false, Savepoint? savepoint = null, bool isByProperty = false, string? statementHash = null)
    {
        var environment = new EngineEnvironment(Clock, Ids, new Random(1), new SystemTaskStarter(), Scratch);
        await using var handover = new HandoverToFlink(environment, this, this, IsGone);
        GivenBefore = await handover.LookAsync([.. Plan().Select(flow => new HandedFlow(flow.Definition, flow.Plan.Table, isByProperty ? null : flow) { StatementHash = statementHash is null ? null : DeployedHash.Parse(statementHash) })], restores, default);
        return (await handover.GiveAsync(job, restores ? new JobOrigin("file:/savepoint-1", savepoint?.JobId, savepoint) : null, default)).GetValueOrDefault("src", []);
    }

    /// <summary>Replays commits of the pipeline through the definition as it is now.</summary>
    public async Task<ReplayReport> ReplayAsync(CommitId from, CommitId? to = null, Func<ReplayPreview, bool>? confirm = null, CancellationToken cancellationToken = default)
    {
        var environment = new EngineEnvironment(Clock, Ids, new Random(1), new SystemTaskStarter(), Scratch);
        var request = new ReplayRequest(from, to, confirm ?? (_ => true), Hint);
        return await new PipelineRunner(environment, this, this).ReplayAsync(Assert.Single(Plan()), request, new FlowProgress("replay"), cancellationToken);
    }

    /// <summary>The pipeline's commits that read records, oldest first.</summary>
    public async Task<List<CommitId>> DataCommitsAsync()
    {
        var commits = new List<CommitId>();
        foreach (var snapshot in (await TableAsync()).Metadata.Lineage().Reverse())
        {
            if (snapshot.Summary.GetValueOrDefault("matih.writer") != $"{Pipeline}/lake") continue;
            var ledger = await new LedgerStorage(new LocalStore(Ids), Identifier).ReadAsync(snapshot.Summary[$"matih.ledger.{Pipeline}/lake"], default);
            if (ledger.Books.RecordCount != 0) commits.Add(ledger.Commit);
        }
        return commits;
    }

    /// <summary>A run that is cut off wherever it is once the condition holds, as by SIGKILL.</summary>
    public async Task RunUntilKilledAsync(Func<Task<bool>> condition)
    {
        using var abort = new CancellationTokenSource();
        var run = RunAsync(new RunMode.Continuous(), abort: abort.Token);
        while (!run.IsCompleted && !await condition()) await Task.Yield();
        await abort.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    /// <summary>Lets a pipeline run while the test acts, then stops it cleanly.</summary>
    public async Task RunDuringAsync(Func<Task> act)
    {
        using var stop = new CancellationTokenSource();
        var run = RunAsync(new RunMode.Continuous(), stop: stop.Token);
        try
        {
            // A run that ends by itself has failed; its exception says more than a condition that never comes.
            var acting = act();
            if (await Task.WhenAny(acting, run) == acting) await acting;
        }
        finally
        {
            await stop.CancelAsync();
            await run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await run;
    }

    /// <summary>Waits for the log to show something; it is looked at after every entry.</summary>
    public async Task WaitForLogAsync(Func<IReadOnlyCollection<LogEntry>, bool> shows)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!shows(_entries)) await _logged.WaitAsync(limit.Token);
    }

    /// <summary>Waits until the table, whoever writes it, has that many rows.</summary>
    public async Task WaitForTableRowsAsync(int count)
    {
        while (await Catalog.LoadAsync(Identifier, default) is null || (await RowsAsync()).Count < count) await PauseAsync();
    }

    /// <summary>Waits for what another process of the test does.</summary>
    public static async Task WaitUntilAsync(Func<bool> holds)
    {
        while (!holds()) await PauseAsync();
    }

    private static Task PauseAsync() => Task.Delay(5, TestContext.Current.CancellationToken);

    public Task WaitForLogAsync(string eventName) => WaitForLogAsync(entries => entries.Any(entry => entry.Event == eventName));

    /// <summary>Waits until runs of this harness have committed that many rows in all.</summary>
    public Task WaitForRowsAsync(long count) => WaitForLogAsync(_ => CommittedRowCount >= count);

    public long CommittedRowCount => _entries.Where(entry => entry.Event == "committed")
        .Sum(entry => Convert.ToInt64(entry.Fields.First(pair => pair.Name == "rows").Value, CultureInfo.InvariantCulture));

    public int CountOf(string eventName) => _entries.Count(entry => entry.Event == eventName);

    /// <summary>What another engine's append looks like: a snapshot without any key of ours.</summary>
    public async Task<Table> ForeignAppendAsync(params (string Key, string Value)[] summary)
    {
        var table = await TableAsync();
        var append = await PreparedChange.PrepareAsync(table, [], Ids, default);
        var attempt = Assert.IsType<ChangeAttempt.Ready>(await append.AttemptAsync(
            table, table.Metadata.NextTimestampMillis(Clock.GetUtcNow()), summary.ToDictionary(pair => pair.Key, pair => pair.Value), [], default));
        return Assert.IsType<CommitResult.Committed>(await Catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, default)).Table;
    }

    /// <summary>Commits changes to the table's metadata, as an administrator's procedure does.</summary>
    public async Task<Table> ChangeTableAsync(params TableUpdate[] updates)
    {
        var table = await TableAsync();
        return Assert.IsType<CommitResult.Committed>(
            await Catalog.CommitAsync(table, [new TableRequirement.AssertTableUuid(table.Metadata.TableUuid)], updates, default)).Table;
    }

    public async Task RollBackAsync(SnapshotId snapshotId) =>
        await ChangeTableAsync(new TableUpdate.SetSnapshotRef(SnapshotRef.Main, new SnapshotRef(snapshotId, SnapshotRefKind.Branch)));

    /// <summary>Deletes every metadata file but the newest, so that nothing tells of expired snapshots any more.</summary>
    public async Task DeleteOlderMetadataAsync()
    {
        var newest = (await TableAsync()).MetadataLocation;
        foreach (var file in Directory.GetFiles($"{TableFolder}/metadata", "v*.metadata.json"))
            if (Path.GetFileName(file) != Path.GetFileName(newest)) File.Delete(file);
    }

    public void DropTable() => Directory.Delete(TableFolder, recursive: true);

    public TableLedger OpenLedger()
    {
        var environment = new EngineEnvironment(Clock, Ids, new Random(1), new SystemTaskStarter(), Scratch);
        var plan = Plan().Single(flow => flow.Plan.Table.Identifier.Equals(Identifier)).Plan;
        return new TableLedger(new FlowContext(plan, environment, new FlowProgress(Pipeline), this, () => 0.5), new IcebergTable(OpenCatalog(null!, Store), plan.Table), Store);
    }

    public async Task<SnapshotId> HeadAsync() => (await TableAsync()).Metadata.CurrentSnapshotId!.Value;

    /// <summary>The offsets of every record that the topic holds now.</summary>
    public IEnumerable<(int Partition, long Offset)> TopicRecords() =>
        Enumerable.Range(0, Topic.PartitionCount).SelectMany(partition => Topic.Read(partition, 0, int.MaxValue).Select(record => (partition, record.Offset)));

    /// <summary>The refusal that a run ends with.</summary>
    public async Task<PipelineException> RefusalAsync(OpenAnswers? answers = null) => await Assert.ThrowsAsync<PipelineException>(() => CatchUpAsync(answers));

    /// <summary>The answer that a refusal asks for: <c>--accept-tag</c> with the commit that its remedy names.</summary>
    public static OpenAnswers Accepting(PipelineException refusal) => new(AcceptedTags:
        [Guid.Parse(Regex.Match(refusal.Remedy, "--accept-tag ([0-9a-f-]{36})").Groups[1].Value)]);

    public async Task<Table> TableAsync() => await Catalog.LoadAsync(Identifier, default) ?? throw new InvalidOperationException("There is no table.");

    /// <summary>The nearest ledger of a flow in the table's history.</summary>
    public async Task<Ledger> LedgerAsync(string? flow = null)
    {
        var key = $"matih.ledger.{flow ?? $"{Pipeline}/lake"}";
        var nearest = (await TableAsync()).Metadata.Lineage().First(snapshot => snapshot.Summary.ContainsKey(key));
        return await new LedgerStorage(new LocalStore(Ids), Identifier).ReadAsync(nearest.Summary[key], default);
    }

    /// <summary>Partition and offset of every row of the current snapshot, ascending.</summary>
    public async Task<List<(int Partition, long Offset)>> RowsAsync(string name = "shop.orders")
    {
        var table = await Catalog.LoadAsync(TableIdentifier.Parse(name), default) ?? throw new InvalidOperationException("There is no table.");
        var rows = new List<(int, long)>();
        if (table.Metadata.CurrentSnapshot is not { } snapshot) return rows;
        foreach (var file in await SnapshotReader.LiveFilesAsync(table, snapshot, default))
        {
            var reader = new ParquetFileReader(await File.ReadAllBytesAsync(new Uri(file.Path, UriKind.RelativeOrAbsolute) is { IsAbsoluteUri: true } uri ? uri.LocalPath : file.Path));
            var account = MemoryAccount.Unlimited();
            var partitions = (FixedColumn<int>)reader.ReadColumn(2, account);
            var offsets = (FixedColumn<long>)reader.ReadColumn(3, account);
            for (var i = 0; i < partitions.Count; i++) rows.Add((partitions.Values[i], offsets.Values[i]));
        }
        rows.Sort();
        return rows;
    }

    /// <summary>Asserts that the table holds each record that the topic has, and has had, exactly once.</summary>
    public async Task AssertHoldsExactlyAsync(IEnumerable<(int Partition, long Offset)> expected)
    {
        Assert.Equal(expected.Order(), await RowsAsync());
        await AssertVerifiesAsync();
    }

    /// <summary>Asserts that verification finds nothing wrong with the table either, as it stands and without Kafka.</summary>
    public async Task AssertVerifiesAsync()
    {
        var report = await new PipelineVerifier(this).VerifyAsync(Plan(), new VerificationRequest(IsOffline: true), default);
        Assert.Empty(report.Flows.SelectMany(flow => flow.Violations));
    }

    public async Task AssertHoldsWholeTopicAsync() =>
        await AssertHoldsExactlyAsync(TopicRecords());

    public IRecordSource OpenSource(SourceDefinition source, long queueBytes)
    {
        var opened = new ScriptedSource(Topic, Clock) { ReadsCommittedOnly = source.ReadsCommittedOnly };
        OnSource?.Invoke(opened);
        return opened;
    }

    public IGroupMember JoinGroup(SourceDefinition source, string group) => Seat ?? throw new NotSupportedException($"This harness has no seat in group {group}.");

    public IStore OpenStore(CatalogDefinition catalog) => StoreOver?.Invoke() ?? Store;

    public ICatalog OpenCatalog(CatalogDefinition catalog, IStore store) => CatalogOver?.Invoke(store) ?? new FileCatalog(store, _folder.Path, Ids, Clock);

    /// <summary>The registry of every definition; null where the test has none.</summary>
    public ISchemaRegistry? Registry { get; set; }

    public ISchemaRegistry OpenRegistry(RegistryDefinition registry) => Registry ?? throw new NotSupportedException($"This harness has no schema registry {registry.Address}.");

    public void Write(LogEntry entry)
    {
        _entries.Enqueue(entry);
        _logged.Set();
    }

    public void Dispose()
    {
        if (_ownsFolder) _folder.Dispose();
    }

    /// <summary>The flows of the definition, as runs plan them.</summary>
    public IReadOnlyList<PlannedFlow> Plan()
    {
        var read = DefinitionReader.Read("orders.yaml", Definition.Replace("name: orders,", $"name: {Pipeline},", StringComparison.Ordinal).Replace("topic: shop.orders", $"topic: {Topic.Name}", StringComparison.Ordinal), new DefinitionInputs
        {
            Environment = _ => null,
            ReadSecretFile = _ => throw new NotSupportedException(),
            BaseDirectory = _folder.Path,
            Overrides = Overrides,
            Warehouse = _folder.Path,
        });
        Assert.Empty(read.Errors);
        var plan = PipelinePlanner.Plan(read.Definition!);
        Assert.Empty(plan.Errors);
        return [.. plan.Flows.Select(flow => flow with { Plan = flow.Plan with { TopicLookInterval = LookInterval, MemoryBytes = MemoryBytes ?? flow.Plan.MemoryBytes } })];
    }
}
