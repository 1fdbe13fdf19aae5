namespace Matih.Engine.Tests.Sql;

/// <summary>
/// Cases as data: <c>input ⇶ expected</c>, one a line; <c>\n</c> stands for a line break, lines that start with # are remarks.
/// </summary>
internal static class CaseFile
{
    public static TheoryData<string, string> Read(string name)
    {
        var cases = new TheoryData<string, string>();
        foreach (var line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Sql", name)))
        {
            if (line.Length == 0 || line.StartsWith('#')) continue;
            var arrow = line.IndexOf('⇶', StringComparison.Ordinal);
            Assert.True(arrow >= 0, $"No ⇶ in '{line}' of {name}.");
            cases.Add(line[..arrow].Trim().Replace("\\n", "\n", StringComparison.Ordinal), line[(arrow + 1)..].Trim());
        }
        return cases;
    }
}
