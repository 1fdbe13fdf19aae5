using System.Text.RegularExpressions;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Infra;

/// <summary>Who may what, and by which proof: identities only, with the least roles, on the smallest scopes.</summary>
public sealed partial class AccessTests
{
    private static readonly Dictionary<string, string> RoleNames = new()
    {
        ["3913510d-42f4-4e42-8a64-420c390055eb"] = "Monitoring Metrics Publisher",
        ["b7e6dc6d-f1e8-4753-8033-0f276bb0955b"] = "Storage Blob Data Owner",
        ["ba92f5b4-2d11-453d-a403-e96b0029c9fe"] = "Storage Blob Data Contributor",
        ["974c5e8b-45b9-4653-ba55-5f855dd0fb88"] = "Storage Queue Data Contributor",
        ["0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"] = "Storage Table Data Contributor",
        ["4633458b-17de-408a-b874-0445c86b69e6"] = "Key Vault Secrets User",
        ["b86a8fe4-44ce-4948-aee5-eccb2c155cd7"] = "Key Vault Secrets Officer",
        ["7f951dda-4ed3-4680-a7ca-43fe172d538d"] = "AcrPull",
    };

    private static readonly string[] RolesOfFunctions =
    [
        "Monitoring Metrics Publisher on Microsoft.Insights/components",
        "Storage Blob Data Contributor on Microsoft.Storage/storageAccounts/blobServices/containers",
        "Storage Blob Data Owner on Microsoft.Storage/storageAccounts",
        "Storage Queue Data Contributor on Microsoft.Storage/storageAccounts",
        "Storage Table Data Contributor on Microsoft.Storage/storageAccounts",
    ];

    public static TheoryData<string> Parameters => InfraSources.Parameters;

    public static TheoryData<string, string[]> Roles => new()
    {
        { InfraSources.Defaults, [.. RolesOfFunctions, "Key Vault Secrets User on Microsoft.KeyVault/vaults"] },
        { InfraSources.Premium, [.. RolesOfFunctions, "Key Vault Secrets User on Microsoft.KeyVault/vaults"] },
        // A vault that others use too: the one secret, not the vault.
        { InfraSources.Platform, [.. RolesOfFunctions, "Key Vault Secrets User on Microsoft.KeyVault/vaults/secrets"] },
        {
            InfraSources.Container,
            [
                "AcrPull on Microsoft.ContainerRegistry/registries",
                "Key Vault Secrets User on Microsoft.KeyVault/vaults",
                "Storage Blob Data Contributor on Microsoft.Storage/storageAccounts/blobServices/containers",
            ]
        },
    };

    [Theory, MemberData(nameof(Roles))]
    public async Task The_app_has_the_roles_that_it_needs_and_no_other(string file, string[] roles)
    {
        var made = await Prediction.OfFileAsync(file);

        Assert.Equal(roles.Order(StringComparer.Ordinal), RolesOf(made, "ServicePrincipal"));
    }

    [Theory]
    [InlineData("flex", new[] { "Key Vault Secrets Officer on Microsoft.KeyVault/vaults" })]
    [InlineData("premium", new[] { "Key Vault Secrets Officer on Microsoft.KeyVault/vaults", "Storage Blob Data Contributor on Microsoft.Storage/storageAccounts/blobServices/containers" })]
    public async Task Whoever_deploys_puts_secrets_in_and_for_premium_packages(string plan, string[] roles)
    {
        var made = await Prediction.OfAsync($"""
            param functionsPlan = '{plan}'
            param deployerPrincipalId = '00000000-0000-0000-0000-000000000009'
            """);

        Assert.Equal(roles, RolesOf(made, "User"));
    }

    [Theory, MemberData(nameof(Parameters))]
    public async Task Nothing_takes_a_shared_key_or_a_password(string file)
    {
        var made = await Prediction.OfFileAsync(file);

        Assert.All(made.OfType("Microsoft.Storage/storageAccounts"), account =>
        {
            Assert.False((bool)account["properties"]!["allowSharedKeyAccess"]!);
            Assert.False((bool)account["properties"]!["allowBlobPublicAccess"]!);
            Assert.Equal("TLS1_2", (string?)account["properties"]!["minimumTlsVersion"]);
        });
        Assert.All(made.OfType("Microsoft.Insights/components"), insights => Assert.True((bool)insights["properties"]!["DisableLocalAuth"]!));
        Assert.All(made.OfType("Microsoft.KeyVault/vaults"), vault => Assert.True((bool)vault["properties"]!["enableRbacAuthorization"]!));
        Assert.Equal(2 * made.OfType("Microsoft.Web/sites").Count(), made.OfType("Microsoft.Web/sites/basicPublishingCredentialsPolicies").Count(policy => !(bool)policy["properties"]!["allow"]!));
        Assert.All(made.OfType("Microsoft.Web/sites"), site => Assert.True((bool)site["properties"]!["httpsOnly"]!));
    }

    [Fact]
    public async Task No_template_asks_azure_for_a_key()
    {
        var template = (await BicepCompiler.RunAsync(SourceTree.Root, "build", "infra/main.bicep", "--stdout")).Expect().StandardOutput;

        // The modules are inside.
        Assert.Contains("Microsoft.App/containerApps", template, StringComparison.Ordinal);
        Assert.DoesNotMatch(KeyRequest(), template);
    }

    [Theory, MemberData(nameof(Parameters))]
    public async Task No_secret_is_made_and_none_is_a_value(string file)
    {
        var made = await Prediction.OfFileAsync(file);

        Assert.Empty(made.OfType("Microsoft.KeyVault/vaults/secrets"));
        var secrets = made.OfType("Microsoft.App/containerApps").SelectMany(app => app["properties"]!["configuration"]!["secrets"]!.AsArray());
        Assert.All(secrets, secret => Assert.True(((string)secret!["name"]!).StartsWith("pipeline-", StringComparison.Ordinal) || secret["value"] is null, $"{secret["name"]} has a value."));
        Assert.DoesNotMatch(SecretValue(), made.Text());
    }

    [Theory]
    [InlineData(InfraSources.SecuredKafka, "KAFKA_PASSWORD", "kafka-password")]
    [InlineData(InfraSources.OauthKafka, "KAFKA_CLIENT_SECRET", "kafka-client-secret")]
    [InlineData(InfraSources.Platform, "KAFKA_PASSWORD", "orders-kafka-password")]
    public async Task A_secret_of_a_pipeline_is_a_reference_to_the_vault(string file, string variable, string secret)
    {
        var made = await Prediction.OfFileAsync(file);

        var reference = made.AppSettings()[variable];
        Assert.StartsWith("[format('@Microsoft.KeyVault(SecretUri={0}secrets/{1})', format('https://{0}{1}/', 'kv-", reference, StringComparison.Ordinal);
        Assert.EndsWith($", '{secret}')]", reference, StringComparison.Ordinal);
        Assert.Contains("outputs.id", (string)Assert.Single(made.OfType("Microsoft.Web/sites"))["properties"]!["keyVaultReferenceIdentity"]!, StringComparison.Ordinal);
    }

    private static IEnumerable<string> RolesOf(Prediction made, string principalType) =>
        made.OfType("Microsoft.Authorization/roleAssignments")
            .Where(assignment => (string)assignment["properties"]!["principalType"]! == principalType)
            .Select(assignment => $"{RoleNames[((string)assignment["properties"]!["roleDefinitionId"]!).Split('/')[^1]]} on {TypeOf(ScopeOf((string)assignment["id"]!))}")
            .Order(StringComparer.Ordinal);

    /// <summary>The resource of an assignment, whose id is an expression where the principal is made too.</summary>
    private static string ScopeOf(string id)
    {
        const string assignments = "/providers/Microsoft.Authorization/roleAssignments/";
        if (id.StartsWith('/')) return id[..id.IndexOf(assignments, StringComparison.Ordinal)];
        var match = Scope().Match(id);
        Assert.True(match.Success, $"The scope of {id} cannot be told.");
        return match.Groups[1].Value;
    }

    /// <summary>The type of the resource of an id: its provider, then every other segment.</summary>
    private static string TypeOf(string id)
    {
        var parts = id.Split("/providers/")[^1].Split('/');
        return string.Join('/', parts.Where((_, index) => index == 0 || index % 2 == 1));
    }

    [GeneratedRegex("^\\[extensionResourceId\\('([^']+)'")]
    private static partial Regex Scope();

    [GeneratedRegex("listKeys|listAccountSas|listServiceSas|listConnectionStrings|listCredentials|sharedKey\"", RegexOptions.IgnoreCase)]
    private static partial Regex KeyRequest();

    [GeneratedRegex("AccountKey=|SharedAccessKey=|SharedAccessSignature|[?&]sig=|InstrumentationKey=", RegexOptions.IgnoreCase)]
    private static partial Regex SecretValue();
}
