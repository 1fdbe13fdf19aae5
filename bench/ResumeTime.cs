using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Matih.Fixtures;

namespace Matih.Bench;

/// <summary>
/// How long new data waits when a stopped pipeline is started again: from the start of the process to its first commit with
/// rows, by the clock, at a checkpoint interval of one second. Records wait in a real broker's topic each time.
/// </summary>
public sealed partial class ResumeTime(string matih, string input, WorkloadFacts facts, int partitions)
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromMinutes(2);

    private string _warehouse = "";
    private string _definition = "";

    public async Task RunAsync(int rounds)
    {
        await using var broker = await KafkaBroker.StartAsync();
        var client = await broker.ClientAsync();
        await client.CreateTopicAsync(ClickPipeline.Topic, partitions);
        var startUp = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            var startedAt = Stopwatch.GetTimestamp();
            (await ExternalProcess.RunAsync(matih, ["--version"])).Expect();
            startUp.Add(Stopwatch.GetElapsedTime(startedAt).TotalSeconds);
        }
        Report("matih --version, which any start pays", startUp);
        foreach (var (name, options, end) in Scenarios)
        {
            var folder = TemporaryDirectory.NewUnowned();
            try
            {
                _warehouse = Path.Combine(folder, "warehouse");
                _definition = Path.Combine(folder, "w1.yaml");
                await File.WriteAllTextAsync(_definition, ClickPipeline.Definition(broker.Bootstrap, partitions, $"resume-{name.Length}-{options.Length}", "1s"));
                await MeasureAsync(client, name, options, end, rounds);
            }
            finally
            {
                TemporaryDirectory.Delete(folder);
            }
        }
    }

    private static (string Name, string[] Options, ProcessSignal End)[] Scenarios =>
    [
        ("after a clean stop", [], ProcessSignal.Terminate),
        ("after a SIGKILL, which leaves the ledger open", [], ProcessSignal.Kill),
        ("--member, after a clean stop", ["--member"], ProcessSignal.Terminate),
        ("--member, after a SIGKILL, which the group has to notice", ["--member"], ProcessSignal.Kill),
    ];

    private async Task MeasureAsync(KafkaClient client, string name, string[] options, ProcessSignal end, int rounds)
    {
        var seconds = new List<double>();
        long rows = 0;
        for (var round = 0; round <= rounds; round++)
        {
            await client.ProduceFileAsync(ClickPipeline.Topic, input, partitions);
            var startedAt = Stopwatch.GetTimestamp();
            await using var run = ExternalProcess.Start(
                matih, ["run", _definition, "--warehouse", _warehouse, "--progress", "none", "--health", "off", .. options], Path.GetDirectoryName(_definition));
            await run.Error.WaitForAsync(HasRows, WaitMax);
            if (round > 0) seconds.Add(Stopwatch.GetElapsedTime(startedAt).TotalSeconds);
            run.Send(end);
            await run.WaitForExitAsync();
            rows += run.Error.Lines.Sum(RowsIn);
        }
        // The first run of a scenario finds what the others left in the topic; from then on each commits what is new.
        if (rows < facts.Records * (rounds + 1)) throw new InvalidOperationException($"{name}: {rows} rows were committed of {facts.Records * (rounds + 1)} records.");
        Report($"first commit {name}", seconds);
    }

    private static bool HasRows(string line) => RowsIn(line) > 0;

    private static long RowsIn(string line) =>
        Committed().Match(line) is { Success: true } found ? long.Parse(found.Groups[1].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture) : 0;

    private static void Report(string name, List<double> seconds)
    {
        seconds.Sort();
        var load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"   RESUME {name}: median {seconds[seconds.Count / 2]:F2} s, max {seconds[^1]:F2} s, {seconds.Count} rounds, load {load} on {Environment.ProcessorCount} cores"));
    }

    [GeneratedRegex("committed ([0-9,]+) rows of")]
    private static partial Regex Committed();
}
