using System.Diagnostics;
using System.Globalization;
using Matih.Fixtures;
using Matih.Functions.TestHost;
using Matih.Functions.TestHost.Apps;

namespace Matih.Bench.Functions;

/// <summary>
/// What a batch waits for when no worker runs: from the start of the worker's process until its functions are loaded, and until
/// the first batch of a pipeline that has run before is staged in Blob storage (Azurite). By the clock; the job host runs.
/// </summary>
/// <param name="app">The built or published app.</param>
internal sealed class ColdStart(string app)
{
    private const int BatchRecords = 1000;

    public async Task RunAsync(int rounds)
    {
        await using var azurite = await Azurite.StartAsync(AzuriteServices.BlobQueueTable);
        await using var running = await PipelineApp.StartAsync(await W1Pipeline.SetupAsync(azurite, azurite.Server, azurite.ConnectionString, "BenchCold", "1h") with { App = app });
        await CommitAsync(running, running.Produce(BatchRecords));

        var (ready, staged, cpu) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round <= rounds; round++)
        {
            var batch = running.Produce(BatchRecords);
            await running.Instance.KillWorkerAsync();
            var startedAt = Stopwatch.GetTimestamp();
            await running.Instance.StartWorkerAsync();
            var loaded = Stopwatch.GetElapsedTime(startedAt);
            (await running.HandInAsync(batch)).Expect();
            if (round == 0) continue;
            staged.Add(Stopwatch.GetElapsedTime(startedAt).TotalSeconds);
            ready.Add(loaded.TotalSeconds);
            cpu.Add(ProcessCpu.SecondsOf(running.Instance.Worker.Process.Id));
        }
        await CommitAsync(running, running.Produce(BatchRecords));
        if (await running.VerifyAsync() is not "proven" and var other) throw new InvalidOperationException($"matih verify says {other}, not proven.");
        Report("functions loaded", "s", ready);
        Report("first batch staged", "s", staged);
        Report("CPU of the worker until then", "CPU-s", cpu);
    }

    private static async Task CommitAsync(PipelineApp running, IReadOnlyList<KafkaTestRecord> batch)
    {
        (await running.HandInAsync(batch)).Expect();
        await running.PostAsync($"pipelines/{W1Pipeline.Name}/checkpoint");
        await running.WaitUntilCommittedAsync();
    }

    private static void Report(string what, string unit, List<double> figures)
    {
        var spread = new Spread(figures);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"   COLD {what}: median {spread.Median:F2} {unit}, quartiles {spread.Quantile(0.25):F2} to {spread.Quantile(0.75):F2}, range {spread.Least:F2} to {spread.Greatest:F2}, {spread.Count} rounds, load {File.ReadAllText("/proc/loadavg").Split(' ')[0]} on {Environment.ProcessorCount} cores"));
    }
}
