using System.Globalization;
using Matih.Engine.Simulation.Mutations;

namespace Matih.Engine.Simulation;

/// <summary>
/// Does the simulation find anything? Each mutation is a small, documented fault of delivery; the simulation runs with an
/// engine that has it until a seed fails, and has to get there soon. One is tried always, all of them under MATIH_SOAK.
/// </summary>
public sealed class MutationTests(ITestOutputHelper output)
{
    private const int SeedsMax = 3_000;

    private const string AlwaysTried = "position-without-files";

    public static TheoryData<string> Names =>
        [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Mutations"), "*.mutation").Select(path => Path.GetFileNameWithoutExtension(path)!)
            .Where(name => Dials.Mutations is { } asked ? asked == "all" || asked.Split(',').Contains(name) : name == AlwaysTried).Order(StringComparer.Ordinal)];

    /// <summary>Most mutations run under MATIH_SOAK alone; that the engine's text has moved away from one shows here, in every run.</summary>
    [Fact]
    public void Every_mutation_fits_the_text_of_the_engine()
    {
        var misfits = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Mutations"), "*.mutation").Order(StringComparer.Ordinal)
            .Select(path => Mutation.Read(path))
            .Select(mutation => mutation.Misfit(File.ReadAllText(MutantBuild.SourcePath(mutation)))).OfType<string>();

        Assert.Empty(misfits);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_broken_engine_is_caught(string name)
    {
        var mutation = Mutation.Read(Path.Combine(AppContext.BaseDirectory, "Mutations", $"{name}.mutation"));
        var folder = Directory.CreateTempSubdirectory("matih-mutation-").FullName;
        try
        {
            var program = MutantBuild.Make(mutation, folder);

            var (exitCode, text) = MutantBuild.Run(program, ["-noLogo", "-noColor", "-noAutoReporters", "-class", "*SeedTests"], new Dictionary<string, string?>
            {
                ["MATIH_SIM_HUNT"] = "1",
                ["MATIH_SIM_SEEDS"] = SeedsMax.ToString(CultureInfo.InvariantCulture),
                ["MATIH_SIM_SEED"] = null,
                ["MATIH_SIM_FIRST"] = null,
                ["MATIH_SIM_FOR"] = null,
                ["MATIH_SIM_KEEP"] = null,
            });

            var caught = text.Split('\n').FirstOrDefault(line => line.Contains("Caught by seed", StringComparison.Ordinal));
            output.WriteLine($"{name}: {caught?.Trim()}");
            Assert.True(exitCode == 1 && caught is not null, $"{SeedsMax} seeds did not catch the mutation '{name}': {mutation.Story}\n{text}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
