using Matih.Fixtures;

namespace Matih.Engine.Tests.Architecture;

/// <summary>
/// Pins what hosts and programs that embed the engine can call: every public type and member of the engine and of what hosts
/// share. All of it is kept working from version to version, so it grows and shrinks only by intention.
/// </summary>
public sealed class PublicApiTests
{
    private const string UpdateVariable = "MATIH_UPDATE_GENERATED";

    [Fact]
    public void The_public_api_is_the_one_that_was_agreed_on()
    {
        var path = Path.Combine(SourceTree.Root, "tests", "Engine.Tests", "Architecture", "PublicApi.txt");
        string[] now = [.. PublicSurface.Lines(typeof(EngineEnvironment).Assembly), .. PublicSurface.Lines(typeof(Matih.Hosting.HostSettings).Assembly)];
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1") File.WriteAllLines(path, now);

        var agreed = ByType(File.ReadAllLines(path));
        var found = ByType(now);
        var difference = agreed.Except(found).Select(line => $"- {line}").Concat(found.Except(agreed).Select(line => $"+ {line}")).Order(StringComparer.Ordinal).ToArray();

        Assert.True(difference.Length == 0, $"""
            The public API differs from {path} (- was agreed on, + is new):
            {string.Join('\n', difference)}
            What only this repository needs should be internal. If the API is meant to change, run this test with {UpdateVariable}=1,
            which writes the file, and commit the file.
            """);
    }

    /// <summary>Each line behind the type that it belongs to, so that a difference says where it is.</summary>
    private static HashSet<string> ByType(string[] lines)
    {
        var type = "";
        var found = new HashSet<string>();
        foreach (var line in lines)
        {
            if (line.StartsWith(' ')) found.Add($"{type}: {line.Trim()}");
            else found.Add(type = line);
        }
        return found;
    }
}
