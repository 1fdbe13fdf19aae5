using System.Text.Json;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Host;

/// <summary>What an operator learns of skipped records, through the command.</summary>
public sealed class SkippedRunTests : IDisposable
{
    private readonly ClickPipeline _pipeline = new();

    public void Dispose() => _pipeline.Dispose();

    [Fact]
    public async Task Every_skipped_record_is_counted_and_found_again()
    {
        _pipeline.ReplaceInDefinition("format: json", "format: json\n    schema: \"n BIGINT, userId STRING\"\n    on_error: skip");
        _pipeline.ReplaceInDefinition("SELECT JSON_VALUE(`value`, '$.n') AS n", "SELECT n, userId");
        _pipeline.Produce(100);
        _pipeline.Produce(400, "{\"n\":\"many\"}");

        var first = (await _pipeline.RunAsync("--until-caught-up", "--log", "json", "--progress", "none")).Expect(0);
        _pipeline.Produce(60, "{\"n\":\"all\",\"user_id\":\"u\"}");
        var second = (await _pipeline.RunAsync("--until-caught-up", "--progress", "none")).Expect(0);

        var entries = JsonLines.Parse(first.StandardError);
        var ended = entries[^1];
        Assert.Equal(("ended", "warning"), (ended.GetProperty("event").GetString(), ended.GetProperty("level").GetString()));
        Assert.Equal((100, 500, 0, 400), (Number(ended, "rows"), Number(ended, "records"), Number(ended, "filtered"), Number(ended, "skipped")));
        Assert.StartsWith("field n: expected BIGINT, found a string (for example offset 50 of partition ", ended.GetProperty("skip_reason").GetString(), StringComparison.Ordinal);
        var many = Assert.Single(entries, entry => entry.GetProperty("event").GetString() == "many-skipped");
        Assert.Equal((400, 50), (Number(many, "kind_records"), Number(many, "offset")));
        var missing = Assert.Single(entries, entry => entry.GetProperty("event").GetString() == "field-missing");
        Assert.Equal("userId", missing.GetProperty("field").GetString());

        var last = second.StandardError.TrimEnd().Split('\n')[^1];
        Assert.Contains("warning", last, StringComparison.Ordinal);
        Assert.Contains("0 rows of 60 records committed by this run (0 filtered, 60 skipped)", last, StringComparison.Ordinal);
        Assert.Contains("Every record was skipped, as on_error: skip says. The most frequent reason: field n: expected BIGINT, found a string", last, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'user_id'", second.StandardError, StringComparison.Ordinal);

        var commits = (await _pipeline.TableAsync("skipped")).GetProperty("commits").EnumerateArray().ToArray();
        Assert.Equal([(0, 50, 250), (1, 50, 250)], Ranges(commits[0]));
        Assert.Equal([(0, 250, 280), (1, 250, 280)], Ranges(commits[1]));

        var verified = (await _pipeline.CommandAsync("verify")).Expect(0).StandardOutput;
        Assert.Contains("560 read: 100 gave rows, 0 filtered, 460 skipped", verified, StringComparison.Ordinal);
        Assert.Contains("offsets 50 to 279 of partition 0", verified, StringComparison.Ordinal);
        Assert.Contains("reason: field n: expected BIGINT, found a string", verified, StringComparison.Ordinal);
    }

    private static long Number(JsonElement entry, string name) => entry.GetProperty(name).GetInt64();

    private static IEnumerable<(int, long, long)> Ranges(JsonElement commit) => commit.GetProperty("ranges").EnumerateArray()
        .Select(range => (range.GetProperty("partition").GetInt32(), Number(range, "from_offset"), Number(range, "to_offset"))).Order();
}
