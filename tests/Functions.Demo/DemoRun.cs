using Matih.Fixtures;
using Matih.Functions.TestHost;
using Matih.Functions.TestHost.Apps;
using Matih.Functions.TestHost.Storage;

namespace Matih.Functions.Demo;

/// <summary>
/// The demonstration: the built Functions app with real Durable Functions on Azurite, over an embedded Kafka. What a Kafka
/// trigger does is done here. Worker and job host are killed; in the end the table has to hold exactly what was produced.
/// </summary>
/// <param name="isShort">With less of everything, without the kill of the job host, whose leases take a while to expire, and without the idle minute.</param>
internal sealed class DemoRun(bool isShort, Action<string> say) : IAsyncDisposable
{
    private const int BatchRecords = 1000;

    private static readonly TimeSpan IdleTime = TimeSpan.FromMinutes(1);

    private const int TickCount = 10;

    /// <summary>A worker tells a loop at most every five seconds what it staged.</summary>
    private static readonly TimeSpan SignalPause = TimeSpan.FromSeconds(5.1);

    private readonly int _batchCount = isShort ? 4 : 20, _measuredCount = isShort ? 2 : 5, _signalCount = isShort ? 3 : 8;
    private Azurite? _azurite;
    private StorageMeter? _hub, _lake;
    private PipelineApp? _app;

    private PipelineApp App => _app!;

    private AppInstance Instance => App.Instance;

    public async Task<DemoSummary> RunAsync()
    {
        var warehouse = await StartAsync();
        await HandOverAsync();
        var cost = await MeasureCommitsAsync();
        await KillWorkerAsync();
        if (!isShort) await KillHostAsync();
        var (idle, asleep) = await SleepAsync();
        await WakeAsync();

        var table = await TableCount.ReadAsync(App, _azurite!, warehouse);
        var verified = await App.VerifyAsync();
        say($"Read back: {Quantity.Of(table.FileCount, "data file")} by Parquet.Net, with {Quantity.Of(table.DistinctCount, "different id")}; matih verify says {verified}.");
        var (signal, awake) = await MeasureSignalsAsync();
        return new DemoSummary(App.Produced.Count, table, verified, cost, signal, awake, asleep, idle);
    }

    private async Task<string> StartAsync()
    {
        _azurite = await Azurite.StartAsync(AzuriteServices.BlobQueueTable);
        (_hub, _lake) = (StorageMeter.Start(_azurite), StorageMeter.Start(_azurite));
        say($"Azurite serves blobs at {_azurite.Server.Authority}, queues at {_azurite.QueueServer!.Authority}, tables at {_azurite.TableServer!.Authority}.");
        var (catalog, warehouse) = await PipelineSetup.CatalogOnAsync(_azurite, _lake.Blob);
        _app = await PipelineApp.StartAsync(DemoPipeline.Setup(_hub.ConnectionString, catalog));
        say($"Embedded Kafka (librdkafka {PipelineApp.LibrdkafkaVersion}) at {App.BootstrapServers}, topic clicks with {DemoPipeline.PartitionCount} partitions.");
        say($"Worker {Instance.Worker.Process.Id} serves {Quantity.Of(Instance.Worker.Functions.Count, "function")}, job host {Instance.HostId} runs Durable Functions. Table {DemoPipeline.Table} in {warehouse}.");
        return warehouse;
    }

    private async Task HandOverAsync()
    {
        for (var i = 0; i < _batchCount; i++) (await App.HandInAsync(App.Produce(BatchRecords))).Expect();
        say($"The trigger handed over {Quantity.Of(_batchCount, "batch", "batches")} of {Quantity.Of(BatchRecords, "record")}: staged in Blob storage, by partition, and the orchestration was told.");
        await App.WaitUntilCommittedAsync();
        say($"The orchestration committed them: {Quantity.Of(App.Produced.Count, "record")} in the table.");
    }

    /// <summary>What one batch and one commit cost, with nothing else going on but the loop.</summary>
    private async Task<CommitCost> MeasureCommitsAsync()
    {
        var staging = 0;
        var (hub, lake) = (_hub!.Counts, _lake!.Counts);
        for (var i = 0; i < _measuredCount; i++)
        {
            var batch = App.Produce(BatchRecords);
            var (before, lines) = (_lake.Counts, Instance.Worker.Log.Lines.Count);
            (await App.HandInAsync(batch)).Expect();
            staging += _lake.Counts.Since(before).Total;
            await CommitLine.WaitAsync(Instance.Worker.Log, BatchRecords, lines);
        }
        var (hubCounts, lakeTotal) = (_hub.Counts.Since(hub), _lake.Counts.Since(lake).Total);
        say($"{Quantity.Of(_measuredCount, "more batch", "more batches")}, each with a commit of its own, took {Quantity.Of(hubCounts.Total + lakeTotal, "storage operation")}.");
        double PerCommit(int count) => (double)count / _measuredCount;
        return new CommitCost(PerCommit(hubCounts.Work), PerCommit(hubCounts.QueuePolls), PerCommit(staging), PerCommit(lakeTotal - staging));
    }

    private async Task KillWorkerAsync()
    {
        var batch = App.Produce(10 * BatchRecords);
        var victim = Instance.Worker.Process.Id;
        var before = _lake!.Counts.Blob;
        var handingIn = App.HandInAsync(batch);
        await PassedAsync(() => _lake.Counts.Blob > before + 2);
        await Instance.KillWorkerAsync();
        await Task.WhenAny(handingIn);
        await Instance.StartWorkerAsync();
        say($"Killed worker {victim} with SIGKILL while it staged a batch of {Quantity.Of(batch.Count, "record")}. Worker {Instance.Worker.Process.Id} is handed the batch once more, and an older one too.");
        (await App.HandInAsync(batch)).Expect();
        (await App.HandInAsync(App.Produced.Take(BatchRecords))).Expect();
        await App.WaitUntilCommittedAsync();
        say($"The orchestration committed them: {Quantity.Of(App.Produced.Count, "record")} in the table.");
    }

    private async Task KillHostAsync()
    {
        (await App.HandInAsync(App.Produce(BatchRecords))).Expect();
        var before = _lake!.Counts.Blob;
        await PassedAsync(() => _lake.Counts.Blob > before);
        var victim = Instance.HostId;
        await Instance.KillHostAsync();
        await Instance.StartHostAsync();
        say($"Killed job host {victim} with SIGKILL while a commit ran. Job host {Instance.HostId} waits for the leases of the other one to expire, and continues.");
        (await App.HandInAsync(App.Produce(BatchRecords))).Expect();
        await App.WaitUntilCommittedAsync();
        say($"The orchestration committed what was staged: {Quantity.Of(App.Produced.Count, "record")} in the table.");
    }

    private async Task<(StorageCounts? Idle, TickCost Tick)> SleepAsync()
    {
        await App.WaitForStateAsync("idle");
        say($"Nothing came for {DemoPipeline.IdleTimeout}: the orchestration completed. Nothing of the pipeline runs.");
        var tick = await MeasureTicksAsync(App, _hub!, _lake!);
        if (isShort) return (null, tick);
        var (hub, lake) = (_hub!.Counts, _lake!.Counts);
        await Task.Delay(IdleTime);
        var (ofHub, ofLake) = (_hub.Counts.Since(hub), _lake.Counts.Since(lake));
        say($"Counted for {IdleTime.TotalSeconds:0} s: {ofHub.Total} operations of the job host, which is awake, and {ofLake.Total} on the table.");
        return (ofHub with { Blob = ofHub.Blob + ofLake.Blob }, tick);
    }

    private static async Task<TickCost> MeasureTicksAsync(PipelineApp app, StorageMeter hub, StorageMeter lake)
    {
        var (hubBefore, lakeBefore) = (hub.Counts, lake.Counts);
        for (var i = 0; i < TickCount; i++) (await app.TickAsync()).Expect();
        return new TickCost((double)hub.Counts.Since(hubBefore).Work / TickCount, (double)lake.Counts.Since(lakeBefore).Work / TickCount);
    }

    /// <summary>An app of its own whose loop waits: what a message adds to as long a time without one, and a look of the timer.</summary>
    private async Task<(double Signal, TickCost Awake)> MeasureSignalsAsync()
    {
        await using var hub = StorageMeter.Start(_azurite!);
        await using var lake = StorageMeter.Start(_azurite!);
        var (catalog, _) = await PipelineSetup.CatalogOnAsync(_azurite!, lake.Blob);
        await using var app = await PipelineApp.StartAsync(DemoPipeline.WaitingSetup(hub.ConnectionString, catalog));
        (await app.HandInAsync(app.Produce(BatchRecords))).Expect();
        await app.PostAsync("pipelines/clicks/checkpoint");
        await app.WaitUntilCommittedAsync();
        // The end of that round belongs to it.
        await Task.Delay(SignalPause);

        var before = hub.Counts;
        await Task.Delay(_signalCount * SignalPause);
        var quiet = hub.Counts.Since(before).Work;
        before = hub.Counts;
        for (var i = 0; i < _signalCount; i++)
        {
            (await app.HandInAsync(app.Produce(BatchRecords))).Expect();
            await Task.Delay(SignalPause);
        }
        var signals = hub.Counts.Since(before).Work;
        say($"A loop that waits took {Quantity.Of(_signalCount, "message")}: {signals} operations on the task hub, and {quiet} in as long a time without one.");
        return ((double)(signals - quiet) / _signalCount, await MeasureTicksAsync(app, hub, lake));
    }

    private async Task WakeAsync()
    {
        (await App.HandInAsync(App.Produce(BatchRecords))).Expect();
        await App.WaitUntilCommittedAsync();
        say($"A new batch woke it: {Quantity.Of(App.Produced.Count, "record")} in the table.");
    }

    private static async Task PassedAsync(Func<bool> condition)
    {
        for (var end = DateTime.UtcNow.AddMinutes(1); !condition(); await Task.Delay(1))
            if (DateTime.UtcNow > end) throw new TimeoutException("The app did nothing in its storage within a minute.");
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
        if (_hub is not null) await _hub.DisposeAsync();
        if (_lake is not null) await _lake.DisposeAsync();
        if (_azurite is not null) await _azurite.DisposeAsync();
    }
}
