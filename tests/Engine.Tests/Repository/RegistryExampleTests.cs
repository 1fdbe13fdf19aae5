using Matih.Engine.Tests.Definition;

namespace Matih.Engine.Tests.Repository;

/// <summary>docs/registries.md: each YAML block is the <c>registries:</c> of a definition that is valid.</summary>
public sealed class RegistryExampleTests
{
    private static readonly string[] Blocks = CatalogExampleTests.BlocksOf(File.ReadAllText(Samples.RepositoryFile("docs/registries.md")));

    [Fact]
    public void Every_example_is_valid_and_there_is_one_of_each_authentication()
    {
        var registries = Blocks.Select(block =>
        {
            var result = CatalogExampleTests.Read(block, "schemas");
            Assert.Equal("", string.Join('\n', result.Errors.Concat(result.Warnings)));
            return result.Definition!.Sources.Single().SchemaRegistry!;
        }).ToList();

        Assert.Equal(["Basic", "Bearer", "None", "OAuth2"], registries.Select(registry => registry.Auth.GetType().Name).Order(StringComparer.Ordinal));
        Assert.All(registries, registry => Assert.Equal("schemas", registry.Name));
    }
}
