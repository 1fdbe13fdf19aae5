using System.Globalization;
using Matih.Bench;
using Matih.Fixtures;

// Matih.Bench VERB [name=value]…: see bench/README.md. build/bench gives the paths.
var options = args.Skip(1).Select(argument => argument.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair.Length == 2 ? pair[1] : "");
string Text(string name, string otherwise) => options.GetValueOrDefault(name, otherwise);
long Number(string name, long otherwise) => long.Parse(Text(name, otherwise.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);

var verb = args.FirstOrDefault() ?? "all";
var records = Number("records", 3_000_000);
var rounds = (int)Number("rounds", Comparison.RoundsMin);
var seed = (ulong)Number("seed", (long)ClickEvents.DefaultSeed);

if (verb == "generate")
{
    Console.WriteLine(new ClickEvents(seed).WriteTo(Text("out", "w1.ndjson"), records));
    return 0;
}

var folder = TemporaryDirectory.NewUnowned();
try
{
    var input = Path.Combine(folder, "w1.ndjson");
    var facts = new ClickEvents(seed).WriteTo(input, records);
    Console.WriteLine($"W1: {facts}");
    var duckDb = new DuckDbBaseline(Text("duckdb", ""));
    var known = false;
    if (verb is "all" or "w1")
    {
        known = true;
        await new EndToEnd(Text("matih", "bin/matih"), duckDb, input, facts, (int)Number("partitions", 4)).RunAsync(rounds);
    }
    if (known) return 0;
    Console.Error.WriteLine($"Unknown benchmark {verb}; bench/README.md lists them.");
    return 2;
}
finally
{
    TemporaryDirectory.Delete(folder);
}
