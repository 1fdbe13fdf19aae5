using Matih.Fixtures;
using Matih.Functions.TestHost;

namespace Matih.Functions.Tests.App;

/// <summary>How much of Matih's log the Functions host gets.</summary>
public sealed class LogLevelTests
{
    [Theory]
    [InlineData(null, true)]
    [InlineData("debug", true)]
    [InlineData("info", true)]
    [InlineData("warning", false)]
    public async Task The_level_leaves_out_what_is_less_severe(string? level, bool hasInformation)
    {
        await using var worker = await StartAsync(level);

        // What is logged comes before the list of functions, on one stream.
        Assert.Contains("The definition has", worker.Log.Text, StringComparison.Ordinal);
        Assert.Equal(hasInformation, worker.Log.Text.Contains("the Kafka trigger has no setting for client.id", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_level_that_is_none_is_said_once_and_info_is_taken()
    {
        await using var worker = await StartAsync("loud");

        Assert.Single(worker.Log.Lines, line => line.Contains("MATIH_LOG_LEVEL is 'loud'; it can be debug, info, warning or error. Info is taken.", StringComparison.Ordinal));
        Assert.Contains("the Kafka trigger has no setting for client.id", worker.Log.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_app_without_pipelines_says_where_it_looked_for_them(bool isFolderThere)
    {
        var folder = TemporaryDirectory.NewUnowned();
        File.WriteAllText(Path.Combine(folder, "clicks.yaml.txt"), "metadata: { name: clicks }");
        var named = isFolderThere ? folder : Path.Combine(folder, "nowhere");

        await using var worker = await WorkerProcess.StartAsync(BuiltApps.Functions, new Dictionary<string, string?> { ["MATIH_PIPELINES"] = named });

        Assert.Contains($"The app has no pipeline: {(isFolderThere ? $"folder {named} holds no file whose name ends in .yaml or .yml" : $"there is no folder {named}")}.", worker.Log.Text, StringComparison.Ordinal);
        Assert.Equal(["command", "commit", "maintain", "pipeline", "pipelines", "status", "verify", "watch"], worker.Functions.Select(function => function.Name).Order(StringComparer.Ordinal));
    }

    /// <summary>An app with a pipeline that is wrong (an error), and one of which the trigger does not apply everything (an information).</summary>
    private static Task<WorkerProcess> StartAsync(string? level)
    {
        var folder = TemporaryDirectory.NewUnowned();
        File.WriteAllText(Path.Combine(folder, "broken.yaml"), "");
        File.WriteAllText(Path.Combine(folder, "tuned.yaml"), """
            metadata: { name: tuned }
            connections:
              main: { bootstrap_servers: "broker:9092", properties: { client.id: mine } }
            sources:
              s: { type: kafka, connection: main, topic: t, consumer_group: g, format: raw }
            sinks:
              lake: { type: iceberg, input: s, table: n.t }
            """);
        return WorkerProcess.StartAsync(BuiltApps.Functions, new Dictionary<string, string?> { ["MATIH_PIPELINES"] = folder, ["MATIH_LOG_LEVEL"] = level });
    }
}
