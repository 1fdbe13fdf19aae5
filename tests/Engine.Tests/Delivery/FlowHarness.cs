using System.Collections.Concurrent;
using System.Globalization;
using Matih.Batches;
using Matih.Definition;
using Matih.Delivery;
using Matih.Engine.Tests.Iceberg;
using Matih.Engine.Tests.Storage;
using Matih.Host.Runtime;
using Matih.Iceberg;
using Matih.Kafka;
using Matih.Parquet;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Delivery;

/// <summary>
/// A pipeline from a scripted topic into a table on the local disk, run by the real engine. Rows carry their partition and
/// offset, so that a test can say exactly which records the table holds.
/// </summary>
internal sealed class FlowHarness : IConnectors, IEngineLog, IDisposable
{
    private const string Definition = """
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

    private readonly TemporaryFolder _folder = new();
    private readonly ConcurrentQueue<LogEntry> _entries = new();

    public FlowHarness(int partitionCount = 2)
    {
        Topic = new ScriptedTopic("shop.orders", partitionCount);
        Store = new FaultyStore(new LocalStore(Ids));
    }

    public ScriptedTopic Topic { get; }

    public FaultyStore Store { get; }

    public SystemIdSource Ids { get; } = new();

    public IReadOnlyCollection<LogEntry> Entries => _entries;

    /// <summary>Changes to the definition, as <c>--set</c> makes them.</summary>
    public List<string> Overrides { get; } = [];

    /// <summary>Shapes each source that a run opens.</summary>
    public Action<ScriptedSource>? OnSource { get; set; }

    public Func<WriterHint, bool> IsGone { get; set; } = _ => true;

    public string TableFolder => $"{_folder.Path}/shop/orders";

    public FileCatalog Catalog => new(new LocalStore(Ids), _folder.Path, Ids, TimeProvider.System);

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
        var environment = new EngineEnvironment(TimeProvider.System, Ids, new Random(1), new SystemTaskStarter());
        var request = new RunRequest(mode, answers ?? OpenAnswers.None, new WriterHint("test", 1), IsGone);
        await new PipelineRunner(environment, this, this).RunAsync(flows, request, [.. flows.Select(flow => new FlowProgress(flow.Plan.Name.ToString()))], stop, abort);
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

    /// <summary>The refusal that a run ends with.</summary>
    public async Task<PipelineException> RefusalAsync(OpenAnswers? answers = null) => await Assert.ThrowsAsync<PipelineException>(() => CatchUpAsync(answers));

    public async Task<Table> TableAsync() => await Catalog.LoadAsync(Identifier, default) ?? throw new InvalidOperationException("There is no table.");

    public async Task<Ledger> LedgerAsync()
    {
        var table = await TableAsync();
        return await new LedgerReader(new LocalStore(Ids)).ReadAsync(table.Metadata.CurrentSnapshot!.Summary["matih.ledger.orders/lake"], default);
    }

    /// <summary>Partition and offset of every row of the current snapshot, ascending.</summary>
    public async Task<List<(int Partition, long Offset)>> RowsAsync()
    {
        var table = await TableAsync();
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
    public async Task AssertHoldsExactlyAsync(IEnumerable<(int Partition, long Offset)> expected) => Assert.Equal(expected.Order(), await RowsAsync());

    public async Task AssertHoldsWholeTopicAsync() =>
        await AssertHoldsExactlyAsync(Enumerable.Range(0, Topic.PartitionCount).SelectMany(partition => Topic.Read(partition, 0, int.MaxValue).Select(record => (partition, record.Offset))));

    public IRecordSource OpenSource(SourceDefinition source, long queueBytes)
    {
        var opened = new ScriptedSource(Topic);
        OnSource?.Invoke(opened);
        return opened;
    }

    public IStore OpenStore(CatalogDefinition catalog) => Store;

    public ICatalog OpenCatalog(CatalogDefinition catalog, IStore store) => new FileCatalog(store, _folder.Path, Ids, TimeProvider.System);

    public void Write(LogEntry entry) => _entries.Enqueue(entry);

    public void Dispose() => _folder.Dispose();

    private IReadOnlyList<PlannedFlow> Plan()
    {
        var read = DefinitionReader.Read("orders.yaml", Definition, new DefinitionInputs
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
        return [.. plan.Flows.Select(flow => flow with { Plan = flow.Plan with { TopicLookInterval = TimeSpan.FromMilliseconds(1) } })];
    }
}
