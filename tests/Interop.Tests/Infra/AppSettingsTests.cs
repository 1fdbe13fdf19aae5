using System.Text.RegularExpressions;

namespace Matih.Interop.Tests.Infra;

/// <summary>The app is told what its code reads, and nothing that nobody reads.</summary>
public sealed partial class AppSettingsTests
{
    [Fact]
    public async Task A_functions_app_gets_exactly_the_known_settings()
    {
        var flex = (await Prediction.OfFileAsync(InfraSources.Defaults)).AppSettings();
        var premium = (await Prediction.OfFileAsync(InfraSources.Premium)).AppSettings();

        AssertSame([.. KnownSettings.OfFunctions, "KAFKA_BROKERS"], flex.Keys);
        AssertSame([.. KnownSettings.OfFunctions, .. KnownSettings.OfPremium, "KAFKA_BROKERS"], premium.Keys);
    }

    [Fact]
    public async Task Optional_settings_are_there_where_they_are_given()
    {
        var made = await Prediction.OfAsync("""
            param catalog = 'lake'
            param stateDirectory = '/tmp/matih'
            param watchSchedule = '0 * * * * *'
            param logLevel = 'debug'
            """);

        var settings = made.AppSettings();
        AssertSame([.. KnownSettings.OfFunctions, .. KnownSettings.WhereGiven], settings.Keys);
        Assert.Equal(
            ("lake", "/tmp/matih", "0 * * * * *", "debug", "Debug"),
            (settings["MATIH_CATALOG"], settings["MATIH_STATE_DIR"], settings["MATIH_WATCH_SCHEDULE"], settings["MATIH_LOG_LEVEL"], settings["AzureFunctionsJobHost__logging__logLevel__default"]));
    }

    [Fact]
    public void Every_variable_that_the_code_reads_is_set_or_has_a_reason_not_to_be()
    {
        AssertSame(KnownSettings.ReadByFunctions, [.. Ours(KnownSettings.OfFunctions), .. KnownSettings.WhereGiven, .. KnownSettings.OfPackage, .. KnownSettings.NotOnAzure]);
        AssertSame(KnownSettings.ReadByCommand, [.. Ours(KnownSettings.OfContainers), .. KnownSettings.WhereGiven, .. KnownSettings.NotOnAzure, .. KnownSettings.OfCollectors]);
    }

    [Fact]
    public async Task The_host_s_storage_and_telemetry_are_reached_as_the_identity()
    {
        var made = await Prediction.OfFileAsync(InfraSources.Defaults);

        var settings = made.AppSettings();
        Assert.Equal("managedidentity", settings["AzureWebJobsStorage__credential"]);
        Assert.Contains(made.OfType("Microsoft.Storage/storageAccounts"), account => (string)account["name"]! == settings["AzureWebJobsStorage__accountName"]);
        Assert.Contains("outputs.clientId", settings["AzureWebJobsStorage__clientId"], StringComparison.Ordinal);
        Assert.Contains("ClientId={0};Authorization=AAD", settings["APPLICATIONINSIGHTS_AUTHENTICATION_STRING"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(InfraSources.Defaults, "'abfss://{0}@{1}.dfs.{2}{3}', 'warehouse', 'stmatihlake")]
    [InlineData(InfraSources.Platform, "'abfss://{0}@{1}.dfs.{2}{3}', 'warehouse', 'stlakeprodweu', environment().suffixes.storage, '/streams'")]
    public async Task The_warehouse_is_an_address_of_the_lake(string file, string address)
    {
        var made = await Prediction.OfFileAsync(file);

        Assert.Contains(address, made.AppSettings()["MATIH_WAREHOUSE"], StringComparison.Ordinal);
        Assert.Equal(made.AppSettings()["MATIH_WAREHOUSE"], (string?)made.Outputs["MATIH_WAREHOUSE"]);
    }

    [Fact]
    public async Task A_container_gets_exactly_the_known_variables()
    {
        var made = await Prediction.OfFileAsync(InfraSources.Container);

        var apps = made.OfType("Microsoft.App/containerApps").ToArray();
        Assert.Equal(2, apps.Length);
        foreach (var app in apps)
        {
            var variables = app["properties"]!["template"]!["containers"]![0]!["env"]!.AsArray().Select(variable => (string)variable!["name"]!);
            AssertSame([.. KnownSettings.OfContainers, "MATIH_STATE_DIR", "KAFKA_CONNECTION", "SCHEMA_REGISTRY_URL"], variables);
        }
    }

    [Fact]
    public async Task A_container_gets_the_variables_that_its_pipeline_names()
    {
        var made = await Prediction.OfFileAsync(InfraSources.Container);

        foreach (var app in made.OfType("Microsoft.App/containerApps"))
        {
            var definition = (string)app["properties"]!["configuration"]!["secrets"]!.AsArray().Single(secret => ((string)secret!["name"]!).StartsWith("pipeline-", StringComparison.Ordinal))!["value"]!;
            var variables = app["properties"]!["template"]!["containers"]![0]!["env"]!.AsArray().Select(variable => (string)variable!["name"]!).ToHashSet();
            var named = Variable().Matches(definition).Select(match => match.Groups[1].Value).ToArray();
            Assert.NotEmpty(named);
            Assert.All(named, name => Assert.Contains(name, variables));
        }
    }

    [Theory]
    [InlineData("MATIH_WAREHOUSE")]
    [InlineData("AzureWebJobsStorage__credential")]
    public async Task A_setting_of_the_template_cannot_be_given_as_one_of_a_pipeline(string name)
    {
        var refusal = await Prediction.RefusalAsync($"param pipelineSettings = {{ {name}: 'x' }}");

        Assert.Contains($"pipelineSettings and pipelineSecrets cannot set {name}: the template does, from its parameters.", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_variable_is_a_setting_or_a_secret_but_not_both()
    {
        var refusal = await Prediction.RefusalAsync("""
            param pipelineSettings = { KAFKA_PASSWORD: 'x' }
            param pipelineSecrets = { KAFKA_PASSWORD: 'kafka-password' }
            """);

        Assert.Contains("KAFKA_PASSWORD is in pipelineSettings and in pipelineSecrets", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("FUNCTIONS_WORKER_RUNTIME")]
    [InlineData("WEBSITE_RUN_FROM_PACKAGE")]
    [InlineData("WEBSITE_TIME_ZONE")]
    public async Task Flex_consumption_is_given_no_setting_that_it_refuses(string name)
    {
        var refusal = await Prediction.RefusalAsync($"param pipelineSettings = {{ {name}: 'x' }}");

        Assert.Contains($"Flex Consumption does not take the settings {name}", refusal, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Ours(IEnumerable<string> names) => names.Where(name => name.StartsWith("MATIH_", StringComparison.Ordinal) || name.StartsWith("APPLICATIONINSIGHTS_", StringComparison.Ordinal));

    private static void AssertSame(IEnumerable<string> expected, IEnumerable<string> found) =>
        Assert.Equal(expected.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));

    [GeneratedRegex(@"\$\{([A-Z][A-Z0-9_]*)(?::-[^}]*)?\}")]
    private static partial Regex Variable();
}
