using Matih.Fixtures;

namespace Matih.Interop.Tests.Infra;

/// <summary>Pins every resource and property that the default parameters make, so that each change of them is seen before Azure sees it.</summary>
public sealed class PredictedResourcesTests
{
    private const string UpdateVariable = "MATIH_UPDATE_GENERATED";

    [Fact]
    public async Task The_default_parameters_make_the_resources_that_were_agreed_on()
    {
        var path = Path.Combine(SourceTree.Root, "tests", "Interop.Tests", "Infra", "DefaultResources.json");
        var now = (await Prediction.OfFileAsync(InfraSources.Defaults)).Text();
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1") await File.WriteAllTextAsync(path, now, TestContext.Current.CancellationToken);

        var agreed = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        var difference = agreed.Split('\n').Except(now.Split('\n')).Select(line => $"- {line}").Concat(now.Split('\n').Except(agreed.Split('\n')).Select(line => $"+ {line}"));

        Assert.True(agreed == now, $"""
            The resources of {InfraSources.Defaults} differ from {path} (- was agreed on, + is new; no line where only their order differs):
            {string.Join('\n', difference)}
            If they are meant to change, run this test with {UpdateVariable}=1, which writes the file, and commit the file.
            """);
    }

    [Fact]
    public async Task Flex_consumption_runs_the_isolated_worker_and_scales_to_zero()
    {
        var made = await Prediction.OfFileAsync(InfraSources.Defaults);

        var plan = Assert.Single(made.OfType("Microsoft.Web/serverfarms"));
        Assert.Equal("FC1", (string?)plan["sku"]!["name"]);
        var config = Assert.Single(made.OfType("Microsoft.Web/sites"))["properties"]!["functionAppConfig"]!;
        Assert.Equal("dotnet-isolated 10.0", $"{config["runtime"]!["name"]} {config["runtime"]!["version"]}");
        Assert.Equal("UserAssignedIdentity", (string?)config["deployment"]!["storage"]!["authentication"]!["type"]);
        Assert.Empty(config["scaleAndConcurrency"]!["alwaysReady"]!.AsArray());
    }

    [Fact]
    public async Task Elastic_premium_lets_the_trigger_say_how_far_it_is_behind()
    {
        var made = await Prediction.OfFileAsync(InfraSources.Premium);

        Assert.Equal("EP2", (string?)Assert.Single(made.OfType("Microsoft.Web/serverfarms"))["sku"]!["name"]);
        var properties = Assert.Single(made.OfType("Microsoft.Web/sites"))["properties"]!;
        Assert.Null(properties["functionAppConfig"]);
        Assert.True((bool)properties["siteConfig"]!["functionsRuntimeScaleMonitoringEnabled"]!);
        Assert.Equal("DOTNET-ISOLATED|10.0", (string?)properties["siteConfig"]!["linuxFxVersion"]);
    }

    [Fact]
    public async Task Alerts_look_at_the_metrics_of_the_engine()
    {
        var made = await Prediction.OfFileAsync(InfraSources.Defaults);

        var queries = made.OfType("Microsoft.Insights/scheduledQueryRules").ToDictionary(rule => ((string)rule["name"]!).Split('-')[^1], rule => (string)rule["properties"]!["criteria"]!["allOf"]![0]!["query"]!);
        Assert.Equal(["commits", "failures", "lag", "silence"], queries.Keys.Order(StringComparer.Ordinal));
        Assert.Contains("\"matih.lag.records\"", queries["lag"], StringComparison.Ordinal);
        Assert.Contains("\"matih.commit.age\"", queries["commits"], StringComparison.Ordinal);
        Assert.Contains("\"matih.lag.records\"", queries["commits"], StringComparison.Ordinal);
        Assert.Contains("\"matih.failures\"", queries["failures"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Alerts_tell_the_given_mail_addresses_and_action_groups()
    {
        var mailed = await Prediction.OfFileAsync(InfraSources.SecuredKafka);
        var told = await Prediction.OfFileAsync(InfraSources.Platform);

        var group = Assert.Single(mailed.OfType("Microsoft.Insights/actionGroups"));
        Assert.Equal("data-platform@example.com", (string?)group["properties"]!["emailReceivers"]![0]!["emailAddress"]);
        Assert.All(told.OfType("Microsoft.Insights/scheduledQueryRules"), rule =>
            Assert.EndsWith("/actionGroups/ag-data", (string)Assert.Single(rule["properties"]!["actions"]!["actionGroups"]!.AsArray())!, StringComparison.Ordinal));
    }
}
