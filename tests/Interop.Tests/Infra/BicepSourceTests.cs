using Matih.Fixtures;

namespace Matih.Interop.Tests.Infra;

/// <summary>
/// What the real compiler says of the sources: nothing. It ends with 0 after warnings too, so that its words count. Each test
/// hands it all files at once, in a copy of its own, because it writes beside them.
/// </summary>
public sealed class BicepSourceTests
{
    [Theory]
    [InlineData("build", "*.bicep")]
    [InlineData("build-params", "*.bicepparam")]
    public async Task Every_file_compiles_without_a_word(string command, string files)
    {
        var folder = Copy();

        var output = (await BicepCompiler.RunAsync(folder, command, "--pattern", $"infra/**/{files}")).Expect();

        Assert.Equal("", output.StandardError);
        Assert.All(InfraSources.Files(files), file => Assert.True(File.Exists(Path.Combine(folder, Path.ChangeExtension(file, "json"))), $"{file} was not compiled."));
    }

    [Theory]
    [InlineData("*.bicep")]
    [InlineData("*.bicepparam")]
    public async Task The_linter_finds_nothing(string files)
    {
        var output = (await BicepCompiler.RunAsync(Copy(), "lint", "--pattern", $"infra/**/{files}")).Expect();

        Assert.Equal("", output.StandardOutput + output.StandardError);
    }

    [Fact]
    public async Task The_linter_would_find_a_variable_that_nobody_uses()
    {
        var folder = Copy();
        await File.WriteAllTextAsync(Path.Combine(folder, "infra", "modules", "planted.bicep"), "var unused = 1\n", TestContext.Current.CancellationToken);

        var output = (await BicepCompiler.RunAsync(folder, "lint", "--pattern", "infra/**/*.bicep")).Expect();

        Assert.Contains("planted.bicep(1,5) : Warning no-unused-vars", output.StandardOutput + output.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_file_is_formatted_as_the_formatter_would()
    {
        var folder = Copy();

        (await BicepCompiler.RunAsync(folder, "format", "--pattern", "infra/**/*.bicep*")).Expect();

        Assert.All([.. InfraSources.Files("*.bicep"), .. InfraSources.Files("*.bicepparam")], file =>
            Assert.Equal(File.ReadAllText(Path.Combine(folder, file)), File.ReadAllText(Path.Combine(SourceTree.Root, file))));
    }

    [Fact]
    public void Every_module_is_used()
    {
        var main = File.ReadAllText(Path.Combine(SourceTree.Root, "infra", "main.bicep"));

        var unused = InfraSources.Files("*.bicep").Where(file => file.StartsWith("infra/modules/", StringComparison.Ordinal))
            .Where(file => !main.Contains($"'{file["infra/".Length..]}'", StringComparison.Ordinal));

        Assert.Empty(unused);
    }

    private static string Copy()
    {
        BicepCompiler.Find();
        var folder = TemporaryDirectory.New();
        InfraSources.CopyTo(folder);
        return folder;
    }
}
