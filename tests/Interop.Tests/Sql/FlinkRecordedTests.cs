using System.Text.Json;
using System.Text.Json.Nodes;

namespace Matih.Interop.Tests.Sql;

/// <summary>
/// What a real Flink 1.20.3 (SQL Gateway, batch mode, session zone UTC) made of some 5,300 expressions over columns:
/// every operator, comparison, CASE, COALESCE and CAST between all types, strings at the edges of what casts read, and JSON paths with wildcards.
/// Recorded in <c>flink-recorded.json</c> (schema, lines of the json-format table, expression → type and one value a row,
/// or the error); differences are listed with their reason in <c>flink-recorded-differences.json</c>.
/// </summary>
public sealed class FlinkRecordedTests(ITestOutputHelper output)
{
    [Fact]
    public void Every_pair_of_types_gives_what_flink_gives_or_is_refused()
    {
        var differences = FlinkDifferences.Read("flink-recorded-differences.json");
        var unlisted = new List<string>();
        int agree = 0, refused = 0, listed = 0;
        using var recorded = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Sql", "flink-recorded.json")));
        foreach (var (name, sample) in Samples(recorded.RootElement))
        {
            var (outcome, detail) = sample.Judge();
            if (outcome == FlinkOutcome.Agree) agree++;
            else if (outcome == FlinkOutcome.Refused) refused++;
            else if (differences.Remove(name)) listed++;
            else unlisted.Add($"{name}\n    Flink {sample.Expected}\n    we    {detail}");
        }

        output.WriteLine($"{agree} agree, {refused} refused, {listed} listed differences, {unlisted.Count} wrong");
        Assert.True(unlisted.Count == 0, $"{unlisted.Count} differences are not listed:\n{string.Join('\n', unlisted)}");
        Assert.True(differences.Count == 0, $"listed, but no difference:\n{string.Join('\n', differences)}");
        Assert.True(agree >= 4950, $"only {agree} cases agree");
    }

    private static IEnumerable<(string Name, FlinkSample Sample)> Samples(JsonElement groups)
    {
        foreach (var group in groups.EnumerateArray())
        {
            var lines = group.GetProperty("lines");
            foreach (var expression in group.GetProperty("cases").EnumerateObject())
            {
                var sample = Expand(group, expression);
                yield return (lines.GetArrayLength() == 1 ? $"{expression.Name} <- {lines[0].GetString()} ({group.GetProperty("schema").GetString()})" : expression.Name, sample);
            }
        }
    }

    /// <summary>The case in the form of the shared recording.</summary>
    private static FlinkSample Expand(JsonElement group, JsonProperty expression)
    {
        var isError = expression.Value.TryGetProperty("error", out var error);
        var sample = new JsonObject
        {
            ["section"] = "recorded",
            ["form"] = "query",
            ["sql"] = $"SELECT {expression.Name} AS r FROM src",
            ["source"] = new JsonObject { ["schema"] = group.GetProperty("schema").GetString(), ["lines"] = JsonNode.Parse(group.GetProperty("lines").GetRawText()) },
            ["type"] = isError ? null : $"ROW<`r` {expression.Value.GetProperty("type").GetString()}>",
            ["result"] = isError ? null : new JsonArray([.. expression.Value.GetProperty("result").EnumerateArray().Select(value => new JsonArray(JsonNode.Parse(value.GetRawText())))]),
            ["error"] = isError ? error.GetString() : null,
        };
        return new FlinkSample(JsonDocument.Parse(sample.ToJsonString()).RootElement);
    }
}
