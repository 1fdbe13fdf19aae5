using System.Globalization;
using System.Text.RegularExpressions;
using Matih.Fixtures;

namespace Matih.Functions.Tests.App;

/// <summary>What <c>make azure-demo</c> runs, in its short form.</summary>
public sealed partial class DemoTests
{
    /// <summary>One round of the loop and its message take about 17 storage operations; a loop that goes round and round takes hundreds.</summary>
    private const double LoopOperationsMax = 50;

    [Fact]
    public async Task The_demonstration_ends_with_a_table_that_holds_what_was_produced()
    {
        if (SharedTools.IsDeclined) Assert.Skip("needs Azurite, which npm installs; test tools are declined by MATIH_SHARED=none");

        var output = (await ExternalProcess.RunAsync(BuiltApps.Demo, ["--short"])).Expect().StandardOutput;

        var counts = Counts().Match(output);
        Assert.True(counts.Success, output);
        Assert.Equal(counts.Groups["produced"].Value, counts.Groups["rows"].Value);
        Assert.InRange(double.Parse(counts.Groups["loop"].Value, CultureInfo.InvariantCulture), 1, LoopOperationsMax);
        double Measured(string what) => double.Parse(counts.Groups[what].Value, CultureInfo.InvariantCulture);
        Assert.InRange(Measured("signal"), 1, Measured("loop"));
        // A look asks about the loop, and where it sleeps also about its end and the table.
        Assert.InRange(Measured("awake"), 1, 5);
        Assert.InRange(Measured("asleep"), Measured("awake") + 1, 20);
    }

    [GeneratedRegex(@"^produced (?<produced>\d+)\nrows (?<rows>\d+)\nstorage operations per commit [\d.]+ \(Durable Functions (?<loop>[\d.]+),.*\nstorage operations per signal (?<signal>[\d.]+), .*\nstorage operations per timer tick (?<awake>[\d.]+) \(the loop runs\) or (?<asleep>[\d.]+) ", RegexOptions.Multiline)]
    private static partial Regex Counts();
}
