using System.Globalization;
using Matih.Fixtures;
using Matih.Functions.TestHost;
using Matih.Functions.TestHost.Apps;

namespace Matih.Bench.Functions;

/// <summary>
/// Batches of 10,000 records of W1, handed to the function, which stages them, against <c>matih run</c>, which reads the same records
/// from the same Kafka, each 10,000 in a checkpoint of their own, and commits them. Both run on, warm, and take turns; of each the
/// process's CPU counts while it is its turn. Both write tables on local disk.
/// </summary>
/// <param name="app">The built or published app.</param>
/// <param name="matih">The command.</param>
internal sealed class StagingCost(string app, string matih)
{
    private const int BatchRecords = 10_000;

    /// <summary>The embedded Kafka keeps 5 MiB of a partition: more than these batches are.</summary>
    private const int BatchesPerTurn = 4;

    private const int TurnsPerRound = 4;

    private readonly List<double> _commits = [];
    private double _runSeconds;

    /// <param name="rounds">At least seven are made, after three that do not count.</param>
    public async Task RunAsync(int rounds)
    {
        await using var azurite = await Azurite.StartAsync(AzuriteServices.BlobQueueTable);
        var setup = W1Pipeline.Setup(azurite.ConnectionString, "BenchStaging", W1Pipeline.Definition("{ type: file, warehouse: \"${LAKE}\" }", "bench-functions", "1h")) with { App = app };
        await using var running = await PipelineApp.StartAsync(setup);
        var folder = TemporaryDirectory.NewUnowned();
        try
        {
            var definition = Path.Combine(folder, "w1.yaml");
            await File.WriteAllTextAsync(definition, W1Pipeline.Definition($"{{ type: file, warehouse: \"{folder}\" }}", "bench-run", "1s"));
            await using var run = ExternalProcess.Start(matih, ["run", definition, "--log", "text", "--progress", "none", "--health", "off"], folder, running.Settings);

            var comparison = new Comparison(
                $"staging {Quantity.Count(BatchRecords)} records of W1 by the function, against matih run",
                new Contender("function", () => RoundAsync(running, run)),
                new Contender("matih run", () => Task.FromResult(_runSeconds)),
                BatchRecords * BatchesPerTurn * TurnsPerRound) { WarmUpRounds = 3 };
            await comparison.RunAsync(rounds);
            var commit = new Spread(_commits);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"   a commit of {BatchesPerTurn} such batches by the app: median {commit.Median:F3} CPU-s, {commit.Count} commits"));
            await ReportIdleAsync(running.Instance.Worker.Process, run);
            await CheckAsync(running, run);
        }
        finally
        {
            TemporaryDirectory.Delete(folder);
        }
    }

    /// <summary>Turn by turn, so that what the machine does meanwhile falls on both.</summary>
    private async Task<double> RoundAsync(PipelineApp running, ExternalProcess run)
    {
        var worker = running.Instance.Worker;
        var staging = 0.0;
        _runSeconds = 0;
        for (var turn = 0; turn < TurnsPerRound; turn++)
        {
            var batches = new List<IReadOnlyList<KafkaTestRecord>>();
            var before = ProcessCpu.SecondsOf(run.Id);
            for (var i = 0; i < BatchesPerTurn; i++)
            {
                var lines = run.Error.Lines.Count;
                batches.Add(running.Produce(BatchRecords));
                await CommitLine.WaitAsync(run.Error, BatchRecords, lines);
            }
            _runSeconds += ProcessCpu.SecondsOf(run.Id) - before;

            before = ProcessCpu.SecondsOf(worker.Process.Id);
            foreach (var batch in batches) (await running.HandInAsync(batch)).Expect();
            var staged = ProcessCpu.SecondsOf(worker.Process.Id);
            staging += staged - before;

            var logged = worker.Log.Lines.Count;
            await running.PostAsync($"pipelines/{W1Pipeline.Name}/checkpoint");
            await CommitLine.WaitAsync(worker.Log, BatchesPerTurn * BatchRecords, logged);
            _commits.Add(ProcessCpu.SecondsOf(worker.Process.Id) - staged);
        }
        return staging;
    }

    /// <summary>What both take when nothing comes: of a turn of matih run, most of the time is a wait for the next second.</summary>
    private static async Task ReportIdleAsync(ExternalProcess worker, ExternalProcess run)
    {
        var time = TimeSpan.FromSeconds(10);
        var (ofWorker, ofRun) = (ProcessCpu.SecondsOf(worker.Id), ProcessCpu.SecondsOf(run.Id));
        await Task.Delay(time);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"   idle, a second: worker {(ProcessCpu.SecondsOf(worker.Id) - ofWorker) / time.TotalSeconds:F4} CPU-s, matih run {(ProcessCpu.SecondsOf(run.Id) - ofRun) / time.TotalSeconds:F4} CPU-s"));
    }

    /// <exception cref="InvalidOperationException">One of the tables does not hold what was produced.</exception>
    private static async Task CheckAsync(PipelineApp running, ExternalProcess run)
    {
        await running.WaitUntilCommittedAsync();
        run.Send(ProcessSignal.Terminate);
        var output = (await run.WaitForExitAsync()).Expect();
        var (byRun, byApp) = (output.StandardError.Split('\n').Sum(CommitLine.RecordsIn), running.Instance.Worker.Log.Lines.Sum(CommitLine.RecordsIn));
        if (byRun != running.Produced.Count || byApp != running.Produced.Count)
            throw new InvalidOperationException($"{running.Produced.Count} records were produced; matih run committed {byRun}, and the app {byApp}.");
        Console.WriteLine($"   {running.Produced.Count} records in each table; matih run made {output.StandardError.Split('\n').Count(line => CommitLine.RecordsIn(line) > 0)} commits of {running.Produced.Count / BatchRecords} batches");
    }
}
