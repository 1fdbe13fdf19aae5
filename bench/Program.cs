using System.Globalization;
using Matih.Bench;
using Matih.Fixtures;

// Matih.Bench NAME [dial=value]…: see bench/README.md. build/bench gives the paths.
var dials = args.Skip(1).Select(argument => argument.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair.Length == 2 ? pair[1] : "");
string Text(string name, string otherwise) => dials.GetValueOrDefault(name, otherwise);
long Number(string name, long otherwise) => long.Parse(Text(name, otherwise.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);

var chosen = args.FirstOrDefault() ?? "all";
var rounds = (int)Number("rounds", Comparison.RoundsMin);
var seed = (ulong)Number("seed", (long)ClickEvents.DefaultSeed);
var partitions = (int)Number("partitions", 4);
var duckDb = new DuckDbBaseline(Text("duckdb", ""));
var folder = TemporaryDirectory.NewUnowned();
var input = Path.Combine(folder, "w1.ndjson");

// Stages need fewer records for a steady figure than the whole process, whose start counts too.
var benchmarks = new (string Name, long Records, Func<WorkloadFacts, Task> RunAsync)[]
{
    ("decode", 1_000_000, facts => new DecodeStage(input, facts).RunAsync(rounds)),
    ("w4", 1_000_000, facts => new AvroStage(input, facts).RunAsync(rounds)),
    ("nested", 1, _ => new NestedStage(folder).RunAsync(rounds)),
    ("jsonvalue", 1, _ => new JsonValueStage(folder).RunAsync(rounds)),
    ("encode", 1_000_000, facts => new EncodeStage(duckDb, input, facts, folder).RunAsync(rounds)),
    ("handover", 3_000_000, facts => new HandOverStage(input, facts, partitions).RunAsync(rounds)),
    ("protocol", 3_000_000, facts => new ProtocolCost(duckDb, input, facts, partitions).RunAsync(rounds, Text("intervals", "1s,60s").Split(','))),
    ("resume", 10_000, facts => new ResumeTime(Text("matih", "bin/matih"), input, facts, partitions).RunAsync(Math.Max(rounds, Comparison.RoundsMin))),
    ("requests", 1, _ => new RequestCost().RunAsync(Text("catalogs", "file,rest,sql").Split(','), [.. Text("snapshots", "10,1000").Split(',').Select(count => int.Parse(count, CultureInfo.InvariantCulture))])),
    ("w10", 1, _ => new HistoryCost().RunAsync(rounds, (int)Number("commits", 10), Text("catalogs", "file,file-gzip,rest").Split(','), (int)Number("snapshots", 10_000))),
    ("day", 1, _ => new MaintainedDay(folder, Environment.GetEnvironmentVariable("MATIH_SHARED") ?? "../shared").RunAsync(rounds, (int)Number("commits", 2_160), (int)Number("rows", 500))),
    ("maintain", 6_000_000, facts => new MaintainedIngestion(folder, input, facts, partitions).RunAsync(rounds, (int)Number("files", 2_000), (int)Number("rows", 2_000))),
    ("w11", 1_000_000, async facts =>
    {
        using var fanOut = new FanOut(Text("matih", "bin/matih"), duckDb, input, facts, partitions);
        await fanOut.RunAsync(rounds, [.. Text("fanout", "100,1000,5000").Split(',').Select(count => int.Parse(count, CultureInfo.InvariantCulture))]);
    }),
    ("metrics", 3_000_000, facts => new MetricsCost(
        Text("matih", "bin/matih"), Text("against", Text("matih", "bin/matih")), Text("scrape", "yes") == "yes", duckDb, input, facts, partitions).RunAsync(rounds)),
    ("w1", 3_000_000, facts => new EndToEnd(Text("matih", "bin/matih"), duckDb, input, facts, partitions).RunAsync(rounds)),
};

try
{
    if (chosen == "generate")
    {
        Console.WriteLine(new ClickEvents(seed).WriteTo(Text("out", "w1.ndjson"), Number("records", 3_000_000)));
        return 0;
    }
    if (chosen != "all" && benchmarks.All(benchmark => benchmark.Name != chosen))
    {
        Console.Error.WriteLine($"There is no benchmark {chosen}; bench/README.md lists them.");
        return 2;
    }
    foreach (var benchmark in benchmarks.Where(benchmark => chosen == "all" || chosen == benchmark.Name))
    {
        var facts = new ClickEvents(seed).WriteTo(input, Number("records", benchmark.Records));
        Console.WriteLine($"W1: {facts}");
        await benchmark.RunAsync(facts);
    }
    return 0;
}
catch (Exception exception) when (exception is InvalidOperationException or TimeoutException or IOException)
{
    Console.Error.WriteLine($"bench: {exception.Message}");
    return 1;
}
finally
{
    TemporaryDirectory.Delete(folder);
}
