namespace Matih.Interop.Tests.Infra;

/// <summary>Who can reach storage, vault and app.</summary>
public sealed class NetworkTests
{
    [Fact]
    public async Task In_a_private_network_nothing_answers_on_a_public_address()
    {
        var made = await Prediction.OfFileAsync(InfraSources.PrivateNetwork);

        Assert.All(
            [.. made.OfType("Microsoft.Storage/storageAccounts"), .. made.OfType("Microsoft.KeyVault/vaults")],
            resource => Assert.Equal(("Disabled", "Deny"), ((string?)resource["properties"]!["publicNetworkAccess"], (string?)resource["properties"]!["networkAcls"]!["defaultAction"])));
        Assert.Equal("Disabled", (string?)Assert.Single(made.OfType("Microsoft.Web/sites"))["properties"]!["publicNetworkAccess"]);
        Assert.Equal(["app sites", "host blob", "host queue", "host table", "lake blob", "lake dfs", "vault vault"], EndpointsOf(made));
        Assert.Equal(7, made.OfType("Microsoft.Network/privateEndpoints/privateDnsZoneGroups").Count());
        Assert.Equal(6, made.OfType("Microsoft.Network/privateDnsZones").Count());
        Assert.Equal(6, made.OfType("Microsoft.Network/privateDnsZones/virtualNetworkLinks").Count());
    }

    [Theory]
    [InlineData("param functionsPlan = 'flex'", "Microsoft.App/environments")]
    [InlineData("param functionsPlan = 'premium'", "Microsoft.Web/serverFarms")]
    [InlineData("param host = 'container'", "Microsoft.App/environments")]
    public async Task The_subnet_of_the_app_is_lent_to_its_plan(string choice, string delegation)
    {
        var made = await Prediction.OfAsync($$"""
            {{choice}}
            param virtualNetwork = { kind: 'new', addressPrefix: '10.1.2.0/24' }
            """);

        var subnets = Assert.Single(made.OfType("Microsoft.Network/virtualNetworks"))["properties"]!["subnets"]!;
        Assert.Equal(("10.1.2.0/25", delegation), ((string?)subnets[0]!["properties"]!["addressPrefix"], (string?)subnets[0]!["properties"]!["delegations"]![0]!["properties"]!["serviceName"]));
        Assert.Equal("10.1.2.128/27", (string?)subnets[1]!["properties"]!["addressPrefix"]);
    }

    [Fact]
    public async Task What_a_platform_has_already_is_used_and_not_made()
    {
        var made = await Prediction.OfFileAsync(InfraSources.Platform);

        Assert.Equal("stordersfuncprodweu", (string?)Assert.Single(made.OfType("Microsoft.Storage/storageAccounts"))["name"]);
        Assert.Empty(made.OfType("Microsoft.KeyVault/vaults"));
        Assert.Empty(made.OfType("Microsoft.OperationalInsights/workspaces"));
        Assert.Empty(made.OfType("Microsoft.Network/virtualNetworks"));
        Assert.Equal(["app sites", "host blob", "host queue", "host table"], EndpointsOf(made));
        // The zone of the app was left out: a policy registers that endpoint.
        Assert.Equal(3, made.OfType("Microsoft.Network/privateEndpoints/privateDnsZoneGroups").Count());
    }

    [Fact]
    public async Task Closing_public_addresses_without_a_network_is_refused()
    {
        var refusal = await Prediction.RefusalAsync("param publicNetworkAccess = false");

        Assert.Contains("publicNetworkAccess is false, and virtualNetwork is none", refusal, StringComparison.Ordinal);
    }

    private static IEnumerable<string> EndpointsOf(Prediction made) =>
        made.OfType("Microsoft.Network/privateEndpoints").Select(endpoint => string.Join(' ', ((string)endpoint["name"]!).Split('-')[2..4]));
}
