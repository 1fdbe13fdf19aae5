using System.Text.Json;

namespace Matih.Interop.Tests.Sql;

/// <summary>A list of cases in which we differ from Flink on purpose: <c>[{"reason": …, "cases": [name, …]}]</c>.</summary>
internal static class FlinkDifferences
{
    public static HashSet<string> Read(string fileName)
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Sql", fileName)));
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var difference in file.RootElement.EnumerateArray())
        {
            Assert.False(string.IsNullOrWhiteSpace(difference.GetProperty("reason").GetString()), "a difference needs a reason");
            foreach (var sample in difference.GetProperty("cases").EnumerateArray()) Assert.True(names.Add(sample.GetString()!), $"{sample} is listed twice");
        }
        return names;
    }
}
