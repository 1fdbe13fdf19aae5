using Matih.Definition;

namespace Matih.Engine.Tests.Definition;

public sealed class DefinitionReaderTests
{
    [Fact]
    public void Every_key_has_its_declared_outcome()
    {
        var file = DefinitionCases.PathOf("keys.cases");
        var found = new List<string>();
        var differences = new List<string>();
        foreach (var line in File.ReadAllLines(file))
        {
            if (line.Length == 0 || line.StartsWith('#'))
            {
                found.Add(line);
                continue;
            }
            var parts = line.Split(" ⇶ ");
            var (section, entry) = (parts[0].Split(" | ")[0], parts[0].Split(" | ", 2)[1]);
            var outcome = DefinitionCases.Outcome(DefinitionCases.Read(section, entry), section).Trim();
            found.Add($"{parts[0]} ⇶ {outcome}");
            if (found[^1] != line) differences.Add($"expected {line}\n   found {found[^1]}");
        }
        if (DefinitionCases.IsUpdating) File.WriteAllLines(file, found);
        else Assert.Equal("", string.Join('\n', differences));

        Assert.True(found.Count > 250, $"only {found.Count} lines");
        Assert.DoesNotContain("planted-secret", string.Join('\n', found), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_file_has_its_declared_errors()
    {
        var file = DefinitionCases.PathOf("files.cases");
        var found = new List<string>();
        var differences = new List<string>();
        foreach (var block in File.ReadAllText(file).Split("=== ").Skip(1))
        {
            var name = block.Split('\n')[0];
            var parts = block[(name.Length + 1)..].Split("---\n");
            var lines = parts[0].Split('\n');
            var inputs = DefinitionCases.Inputs with
            {
                Overrides = [.. lines.Where(line => line.StartsWith("@set ", StringComparison.Ordinal)).Select(line => line[5..])],
            };
            foreach (var variable in lines.Where(line => line.StartsWith("@env ", StringComparison.Ordinal)).Select(line => line[5..].Split('=', 2)))
            {
                var before = inputs.Environment;
                inputs = inputs with { Environment = asked => asked == variable[0] ? variable[1] : before(asked) };
            }
            var text = string.Join('\n', lines.Where(line => !line.StartsWith('@')));
            var result = DefinitionReader.Read("p.yaml", text, inputs);
            var outcome = result.IsValid
                ? string.Concat(result.Definition.Flows.Select(flow => $"{flow} in {DefinitionCases.Show(flow.Sink.Catalog)} {flow.Sink.Table}\n"))
                    + string.Concat(result.Warnings.Select(warning => $"warning {warning}\n"))
                : string.Concat(result.Errors.Select(error => error + "\n"));
            found.Add($"=== {name}\n{parts[0]}---\n{outcome}\n");
            if (parts.Length != 2 || parts[1].Trim() != outcome.Trim()) differences.Add($"=== {name}\n--- expected\n{parts[^1].Trim()}\n--- found\n{outcome}");
        }
        if (DefinitionCases.IsUpdating) File.WriteAllText(file, string.Concat(found).TrimEnd() + "\n");
        else Assert.Equal("", string.Join('\n', differences));

        Assert.True(found.Count > 40, $"only {found.Count} cases");
        Assert.DoesNotContain("planted-secret", string.Join('\n', found), StringComparison.Ordinal);
    }
}
