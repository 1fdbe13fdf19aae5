using System.Text.Json;

namespace Matih.Host.Testing;

/// <summary>What became of tests: lines for people, one JSON object for programs.</summary>
internal static class TestReport
{
    public static void WriteText(IReadOnlyList<TestResult> results, TextWriter output)
    {
        foreach (var result in results)
        {
            output.WriteLine($"{(result.IsOk ? "ok" : "failed"),-6}  {result.Name}");
            foreach (var line in result.Differences) output.WriteLine($"        {line}");
        }
        var failedCount = results.Count(result => !result.IsOk);
        output.WriteLine($"{Quantity.Of(results.Count, "test")}: {(failedCount == 0 ? "all ok" : $"{Quantity.Count(results.Count - failedCount)} ok, {Quantity.Count(failedCount)} failed")}");
    }

    public static void WriteJson(IReadOnlyList<TestResult> results, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartArray("tests");
        foreach (var result in results)
        {
            json.WriteStartObject();
            json.WriteString("name", result.Name);
            json.WriteBoolean("ok", result.IsOk);
            json.WriteStartArray("differences");
            foreach (var line in result.Differences) json.WriteStringValue(line);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteNumber("failed", results.Count(result => !result.IsOk));
        json.WriteEndObject();
    }
}
