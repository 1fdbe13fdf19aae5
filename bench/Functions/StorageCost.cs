using System.Globalization;
using Matih.Fixtures;
using Matih.Functions.TestHost.Apps;
using Matih.Functions.TestHost.Storage;

namespace Matih.Bench.Functions;

/// <summary>
/// What the app asks of Azure Storage, counted before an Azurite, with the app's own host.json: operations of Durable Functions on
/// the task hub, and operations on the table's blobs. W1 from four partitions. Nobody asks the app anything while it is counted.
/// </summary>
/// <param name="app">The built or published app.</param>
internal sealed class StorageCost(string app)
{
    private const int BatchRecords = 1000;

    /// <summary>How many messages a count is taken over.</summary>
    private const int MessageCount = 20;

    private const int BatchesPerCommit = 10;

    /// <param name="rounds">How many commits are counted.</param>
    /// <param name="idle">How long a loop that waits, and then an app without one, is watched.</param>
    public async Task RunAsync(int rounds, TimeSpan idle)
    {
        Console.WriteLine($"== storage operations, {W1Pipeline.PartitionCount} partitions, batches of {BatchRecords} records");
        await using var azurite = await Azurite.StartAsync(AzuriteServices.BlobQueueTable);
        await using var hub = StorageMeter.Start(azurite);
        await using var lake = StorageMeter.Start(azurite);
        await MeasureCommitsAsync(azurite, hub, lake, rounds);
        await MeasureQuietAsync(azurite, hub, lake, idle);
    }

    /// <summary>Checkpoints of a minute, each of one batch and its message.</summary>
    private async Task MeasureCommitsAsync(Azurite azurite, StorageMeter hub, StorageMeter lake, int rounds)
    {
        await using var running = await PipelineApp.StartAsync(await W1Pipeline.SetupAsync(azurite, lake.Blob, hub.ConnectionString, "BenchCommits", "60s") with { App = app });
        await CommitAsync(running);
        var (staging, loop, commit) = (new List<StorageCounts>(), new List<StorageCounts>(), new List<StorageCounts>());
        for (var i = 0; i < rounds; i++)
        {
            var (hubBefore, lakeBefore) = (hub.Counts, lake.Counts);
            var lines = running.Instance.Worker.Log.Lines.Count;
            (await running.HandInAsync(running.Produce(BatchRecords))).Expect();
            staging.Add(lake.Counts.Since(lakeBefore));
            lakeBefore = lake.Counts;
            await CommitLine.WaitAsync(running.Instance.Worker.Log, BatchRecords, lines);
            // What the commit does after its line, and the begin of the next execution, belong to it.
            await Task.Delay(TimeSpan.FromSeconds(5));
            loop.Add(hub.Counts.Since(hubBefore));
            commit.Add(lake.Counts.Since(lakeBefore));
        }
        var after = running.Instance.Worker.Log.Lines.Count;
        for (var i = 0; i < BatchesPerCommit; i++) (await running.HandInAsync(running.Produce(BatchRecords))).Expect();
        var many = lake.Counts;
        await CommitLine.WaitAsync(running.Instance.Worker.Log, BatchesPerCommit * BatchRecords, after);
        await Task.Delay(TimeSpan.FromSeconds(5));
        Report($"a commit of {BatchesPerCommit} batches, on the table's storage", [lake.Counts.Since(many)]);
        Report("one batch, on the table's storage", staging);
        Report("one commit, on the table's storage", commit);
        Report("one message and one round of the loop, a minute, on the task hub", loop);
    }

    /// <summary>A loop that waits for long takes messages; then it is told to end, and the app is awake for nothing.</summary>
    private async Task MeasureQuietAsync(Azurite azurite, StorageMeter hub, StorageMeter lake, TimeSpan idle)
    {
        await using var running = await PipelineApp.StartAsync(await W1Pipeline.SetupAsync(azurite, lake.Blob, hub.ConnectionString, "BenchQuiet", "1h") with { App = app });
        await CommitAsync(running);
        await Task.Delay(TimeSpan.FromSeconds(30));
        var before = hub.Counts;
        await Task.Delay(idle);
        var waiting = hub.Counts.Since(before);
        Report(string.Create(CultureInfo.InvariantCulture, $"a loop that waits, {idle.TotalMinutes:0.#} minutes, on the task hub"), [waiting]);

        before = hub.Counts;
        // Resuming what runs changes nothing: it is a message like any other.
        for (var i = 0; i < MessageCount; i++)
        {
            await running.PostAsync($"pipelines/{W1Pipeline.Name}/resume");
            await Task.Delay(TimeSpan.FromSeconds(1));
        }
        Report($"{MessageCount} messages with the look at the loop that a person's command has, on the task hub", [hub.Counts.Since(before)]);

        await running.PostAsync($"pipelines/{W1Pipeline.Name}/stop");
        await running.WaitForStateAsync("stopped");
        await Task.Delay(TimeSpan.FromSeconds(30));
        (before, var lakeBefore) = (hub.Counts, lake.Counts);
        await Task.Delay(idle);
        Report(string.Create(CultureInfo.InvariantCulture, $"no loop, {idle.TotalMinutes:0.#} minutes, on the task hub"), [hub.Counts.Since(before)]);
        Report(string.Create(CultureInfo.InvariantCulture, $"no loop, {idle.TotalMinutes:0.#} minutes, on the table's storage"), [lake.Counts.Since(lakeBefore)]);
        // A stopped loop is left alone before its table is looked at, so the status is asked for, which is the same look.
        (before, lakeBefore) = (hub.Counts, lake.Counts);
        (await running.TickAsync()).Expect();
        Report("a tick of the timer, on the task hub", [hub.Counts.Since(before)]);
        await running.GetAsync($"pipelines/{W1Pipeline.Name}");
        Report("a look at the table and its topic, on the table's storage", [lake.Counts.Since(lakeBefore)]);
    }

    private static async Task CommitAsync(PipelineApp running)
    {
        var lines = running.Instance.Worker.Log.Lines.Count;
        (await running.HandInAsync(running.Produce(BatchRecords))).Expect();
        await running.PostAsync($"pipelines/{W1Pipeline.Name}/checkpoint");
        await CommitLine.WaitAsync(running.Instance.Worker.Log, BatchRecords, lines);
    }

    private static void Report(string what, List<StorageCounts> counts)
    {
        double Mean(Func<StorageCounts, int> part) => counts.Average(part);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"   STORAGE {what}: {Mean(count => count.Total - count.QueuePolls):0.#} operations (queues {Mean(count => count.Queue - count.QueuePolls):0.#}, tables {Mean(count => count.Table):0.#}, blobs {Mean(count => count.Blob):0.#}) and {Mean(count => count.QueuePolls):0.#} polls of queues, mean of {counts.Count}"));
    }
}
