using Matih.Definition;
using Matih.Engine.Tests.Definition;

namespace Matih.Engine.Tests.Repository;

/// <summary>docs/catalogs.md: each YAML block is the <c>catalogs:</c> of a definition that is valid.</summary>
public sealed class CatalogExampleTests
{
    private static readonly string[] Blocks = BlocksOf(File.ReadAllText(Samples.RepositoryFile("docs/catalogs.md")));

    public static TheoryData<int> Examples => [.. Enumerable.Range(0, Blocks.Length)];

    [Theory, MemberData(nameof(Examples))]
    public void Every_example_is_valid_and_warns_of_nothing(int index)
    {
        var result = Read(Blocks[index]);

        Assert.Equal("", string.Join('\n', result.Errors.Concat(result.Warnings)));
        Assert.Equal("lake", Assert.Single(result.Definition!.Flows).Sink.Catalog.Name);
    }

    [Fact]
    public void Every_secret_of_an_example_comes_from_outside()
    {
        string[] secrets = ["secret", "password", "token:", "sas_token", "connection_string", "account_key", "access_key"];
        var lines = Blocks.SelectMany(block => block.Split('\n')).Where(line => secrets.Any(line.Contains) && !line.Contains("token_uri", StringComparison.Ordinal) && !line.Contains("credential:", StringComparison.Ordinal)).ToArray();

        Assert.True(lines.Length >= 10, $"{lines.Length} lines");
        Assert.All(lines, line => Assert.True(line.Contains("${", StringComparison.Ordinal) || line.Contains("from_file", StringComparison.Ordinal), line));
    }

    [Fact]
    public void There_is_an_example_of_each_kind_and_each_credential()
    {
        var catalogs = Blocks.Select(block => Read(block).Definition!.Flows.Single().Sink.Catalog).ToArray();

        Assert.Equal(3, catalogs.Select(catalog => catalog.GetType()).Distinct().Count());
        Assert.Equal(
            ["Bearer", "Entra", "OAuth2", "SigV4"],
            catalogs.OfType<CatalogDefinition.Rest>().Select(rest => rest.Auth.GetType().Name).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(
            [AzureCredentialKind.ManagedIdentity, AzureCredentialKind.WorkloadIdentity, AzureCredentialKind.SasToken, AzureCredentialKind.ConnectionString],
            catalogs.OfType<CatalogDefinition.File>().Where(file => file.Warehouse.StartsWith("abfss:", StringComparison.Ordinal)).Select(file => file.Stores.Azure.Credential).Distinct());
    }

    /// <param name="registry">What the source has as its schema registry; null for none.</param>
    internal static DefinitionResult Read(string block, string? registry = null)
    {
        var clicks = File.ReadAllText(Samples.RepositoryFile("samples/realtime-clickstream.yaml"));
        var inputs = Samples.Inputs() with { Environment = variable => variable == "SCHEMA_REGISTRY_URL" ? registry : ValueOf(variable), ReadSecretFile = path => $"content of {path}" };
        return DefinitionReader.Read("p.yaml", $"{block}\n{clicks}", inputs);
    }

    private static string? ValueOf(string variable) => variable switch
    {
        "KAFKA_CONNECTION" => "broker:9092",
        _ => variable.StartsWith("MATIH_", StringComparison.Ordinal) ? null : $"value-of-{variable}",
    };

    internal static string[] BlocksOf(string page)
    {
        const string Fence = "```yaml\n";
        return [.. page.Split(Fence).Skip(1).Select(rest => rest[..rest.IndexOf("```", StringComparison.Ordinal)])];
    }
}
