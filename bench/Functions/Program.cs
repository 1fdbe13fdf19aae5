using System.Globalization;
using Matih.Bench.Functions;
using Matih.Functions.TestHost.Apps;

// Matih.Functions.Bench NAME [dial=value]…: the measurements of the Functions app; see bench/README.md. build/bench gives the paths.
var dials = args.Skip(1).Select(argument => argument.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair.Length == 2 ? pair[1] : "");
string Text(string name, string otherwise) => dials.GetValueOrDefault(name, otherwise);
int Number(string name, int otherwise) => int.Parse(Text(name, otherwise.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);

var app = Text("app", BuiltApps.Functions);
var measurements = new (string Name, Func<Task> RunAsync)[]
{
    ("cold", () => new ColdStart(app).RunAsync(Number("rounds", 10))),
    ("staging", () => new StagingCost(app, Text("matih", BuiltApps.Matih)).RunAsync(Number("rounds", 7))),
    ("storage", () => new StorageCost(app).RunAsync(Number("commits", 3), TimeSpan.FromSeconds(Number("seconds", 120)))),
};
var chosen = args.FirstOrDefault() ?? "all";
try
{
    if (chosen != "all" && measurements.All(measurement => measurement.Name != chosen))
    {
        Console.Error.WriteLine($"There is no measurement {chosen}; bench/README.md lists them.");
        return 2;
    }
    foreach (var measurement in measurements.Where(measurement => chosen == "all" || chosen == measurement.Name)) await measurement.RunAsync();
    return 0;
}
catch (Exception exception) when (exception is InvalidOperationException or TimeoutException or IOException)
{
    Console.Error.WriteLine($"bench: {exception.Message}");
    return 1;
}
