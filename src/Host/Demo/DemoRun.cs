using Matih.Definition;
using Matih.Delivery;
using Matih.Host.Runtime;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Kafka;
using Matih.Kafka.Native;
using Matih.Storage;

namespace Matih.Host.Demo;

/// <summary>
/// The demonstration: an embedded Kafka and a producer in this process, the pipeline in another, which is killed in the
/// middle and started again. In the end the table has to hold exactly what was produced.
/// </summary>
internal sealed class DemoRun(DemoSettings settings, HostSettings host, EngineEnvironment environment)
{
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan DrainMax = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(60);

    private readonly Production _production = new(settings.PartitionCount);
    private WorkerProcess? _worker;
    private volatile string _workerState = "not started";
    private ClickProducer? _clicks;
    private TableWatch? _watch;

    public DemoStatus Status => new(
        _production.TotalCount, _watch?.RowCount ?? 0, _production.UncommittedCount, _watch?.SnapshotCount ?? 0, _watch?.FileCount ?? 0,
        _clicks?.IsWaiting ?? false, _workerState);

    /// <summary>Runs until the time is over or <paramref name="stop"/>, then until the table holds everything.</summary>
    /// <exception cref="PipelineException">Something did not work as it should.</exception>
    public async Task<DemoSummary> RunAsync(Action<string> say, CancellationToken stop)
    {
        var table = PrepareDefinition();
        var store = new LocalStore(environment.Ids);
        var catalog = new FileCatalog(store, settings.Warehouse, environment.Ids, environment.Clock);
        _watch = new TableWatch(catalog, table, _production, environment.Clock);

        var library = LoadLibrary();
        using var cluster = MockCluster.Start(library);
        cluster.CreateTopic(DemoSettings.Topic, settings.PartitionCount);
        using var producer = RecordProducer.Open(library, new Dictionary<string, string>
        {
            ["bootstrap.servers"] = cluster.BootstrapServers,
            ["enable.idempotence"] = "true",
            ["linger.ms"] = "20",
        }, environment.Clock);
        say($"Embedded Kafka (librdkafka {library.Version}) at {cluster.BootstrapServers}, topic {DemoSettings.Topic} with {Quantity.Of(settings.PartitionCount, "partition")}.");

        using var end = new CancellationTokenSource();
        var watching = Task.Run(() => _watch.RunAsync(end.Token), CancellationToken.None);
        try
        {
            StartWorker(cluster.BootstrapServers);
            say($"Worker {_worker!.Id} runs {settings.DefinitionFile}; its log is {settings.WorkerLog}.");
            await OrWorkerEndsAsync(Task.WhenAny(_watch.Started, watching).Unwrap(), StartMax, "commit the start of reading");
            await ProduceAsync(producer, cluster.BootstrapServers, say, stop);
            await OrWorkerEndsAsync(DrainedAsync(), DrainMax, "commit what was produced");
            await StopWorkerAsync(say);
        }
        finally
        {
            if (_worker is { } worker) await worker.DisposeAsync();
            await end.CancelAsync();
            await watching;
        }
        var final = await catalog.LoadAsync(table, CancellationToken.None) ?? throw Broken($"table {table} is not there any more");
        return await DemoSummary.OfAsync(_production.TotalCount, settings, final, CancellationToken.None);
    }

    /// <summary>Writes the sample beside the warehouse, where it can be run again, and gives the table that it names.</summary>
    private TableIdentifier PrepareDefinition()
    {
        Directory.CreateDirectory(settings.Directory);
        using (var resource = typeof(DemoRun).Assembly.GetManifestResourceStream(DemoSettings.DefinitionResource)!)
        using (var file = File.Create(settings.DefinitionFile)) resource.CopyTo(file);

        var result = DefinitionReader.Read(settings.DefinitionFile, File.ReadAllText(settings.DefinitionFile), new DefinitionInputs
        {
            Environment = name => name == "KAFKA_CONNECTION" ? "localhost:9092" : null,
            ReadSecretFile = File.ReadAllText,
            BaseDirectory = settings.Directory,
            Warehouse = settings.Warehouse,
        });
        var name = result.Definition?.Sinks[0].Table ?? throw new InvalidOperationException($"The built-in sample is wrong: {string.Join("; ", result.Errors)}");
        return new TableIdentifier(name.Namespace, name.Name);
    }

    private Librdkafka LoadLibrary()
    {
        try
        {
            return Librdkafka.Load(host.LibrdkafkaPath);
        }
        catch (SourceException refusal)
        {
            throw new PipelineException(FailureKind.Kafka, refusal.Message, "Name one with MATIH_LIBRDKAFKA.", refusal);
        }
    }

    private void StartWorker(string bootstrapServers)
    {
        _worker = WorkerProcess.Start(
            ["run", settings.DefinitionFile, "--set", "orchestration.checkpoint_interval=2s", "--warehouse", settings.Warehouse, "--log", "text", "--progress", "none", "--health", "off", "--supervised"],
            new Dictionary<string, string?>
            {
                ["KAFKA_CONNECTION"] = bootstrapServers,
                [HostSettings.MockVariable] = "1",
                // What the user has set for other pipelines must not change this one.
                [HostSettings.WarehouseVariable] = null,
                [HostSettings.CatalogVariable] = null,
                [CommandVariables.Log] = null,
                [HostSettings.LogLevelVariable] = null,
            },
            settings.WorkerLog);
        _workerState = $"{_worker.Id} running";
    }

    private async Task ProduceAsync(RecordProducer producer, string bootstrapServers, Action<string> say, CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        _clicks = new ClickProducer(producer, DemoSettings.Topic, settings.RatePerSecond, _production, environment.Clock);
        say($"The start is committed. Producing up to {Quantity.Of(settings.RatePerSecond, "event")} a second for {DurationText.Show(settings.Duration)}.");
        var producing = environment.Tasks.Start("click producer", token =>
        {
            _clicks.Run(token);
            return Task.CompletedTask;
        }, end.Token);
        try
        {
            if (await PassAsync(settings.Duration / 2, stop))
            {
                await KillWorkerAsync(bootstrapServers, say);
                await PassAsync(settings.Duration / 2, stop);
            }
        }
        finally
        {
            await end.CancelAsync();
            await producing;
        }
        say($"Production ended with {Quantity.Of(_production.TotalCount, "event")}; the worker drains.");
    }

    private async Task KillWorkerAsync(string bootstrapServers, Action<string> say)
    {
        var victim = _worker!;
        _workerState = $"{victim.Id} killed";
        var rows = _watch!.RowCount;
        await victim.KillAsync();
        await victim.DisposeAsync();
        StartWorker(bootstrapServers);
        say($"Killed worker {victim.Id} with SIGKILL: {Quantity.Of(_production.UncommittedCount, "event")} not committed, {Quantity.Of(rows, "row")} in the table. Worker {_worker!.Id} continues from the table's ledger.");
    }

    /// <summary>Lets time pass. False where it was cut short by a stop.</summary>
    private async Task<bool> PassAsync(TimeSpan time, CancellationToken stop)
    {
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var passing = Task.Delay(time, environment.Clock, cut.Token);
        if (await Task.WhenAny(passing, _worker!.Ended) != passing) throw WorkerEnded(await _worker.Ended);
        await cut.CancelAsync();
        return !stop.IsCancellationRequested;
    }

    private async Task DrainedAsync()
    {
        while (!_production.IsAllCommitted) await Task.Delay(TimeSpan.FromMilliseconds(100), environment.Clock);
    }

    private async Task StopWorkerAsync(Action<string> say)
    {
        int code;
        try
        {
            code = await _worker!.StopAsync(StopMax);
        }
        catch (TimeoutException)
        {
            throw Broken($"worker {_worker!.Id} did not end within {DurationText.Show(StopMax)} of SIGTERM");
        }
        _workerState = "stopped";
        if (code != ExitCode.Done) throw WorkerEnded(code);
        say("Everything is committed; the worker was stopped with SIGTERM and closed its ledger.");
    }

    private async Task OrWorkerEndsAsync(Task wanted, TimeSpan max, string what)
    {
        var late = Task.Delay(max, environment.Clock);
        var first = await Task.WhenAny(wanted, _worker!.Ended, late);
        if (first == late) throw Broken($"the worker did not {what} within {DurationText.Show(max)}");
        if (first == _worker.Ended) throw WorkerEnded(await _worker.Ended);
        await wanted;
    }

    private PipelineException WorkerEnded(int code) => Broken($"worker {_worker!.Id} ended with exit code {code}");

    private PipelineException Broken(string what) => new(
        FailureKind.Kafka, $"The demonstration failed: {what}.", $"Its last lines, from {settings.WorkerLog}:\n{_worker?.Tail}");
}
