using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Matih.Batches;
using Matih.Decoding;
using Matih.Fixtures;
using Matih.Json;

namespace Matih.Interop.Tests.Decoding;

/// <summary>
/// What a real Flink 1.20 gives for plain <c>JSON_VALUE(document, path)</c> (<c>flink/semantics.jsonl</c>, section
/// <c>json_value</c>) against the decoder's JSON_VALUE columns. Calls with further clauses are the SQL engine's matter.
/// </summary>
public sealed partial class FlinkJsonValueTests(ITestOutputHelper output)
{
    [Fact]
    public void Plain_calls_give_what_flink_gives()
    {
        int agreed = 0, refused = 0, skipped = 0;
        foreach (var line in File.ReadLines(SharedTools.Find("flink/semantics.jsonl")))
        {
            using var recorded = JsonDocument.Parse(line);
            var sample = recorded.RootElement;
            if (sample.GetProperty("section").GetString() != "json_value" || sample.GetProperty("form").GetString() != "constant") continue;
            if (PlainCall().Match(sample.GetProperty("sql").GetString()!) is not { Success: true } call)
            {
                skipped++;
                continue;
            }
            var path = call.Groups["path"].Value.Replace("''", "'", StringComparison.Ordinal);
            if (!JsonPath.TryParse(path, out var parsed, out _, out _) || !parsed.IsSupported || !parsed.IsDefinite)
            {
                // Refused at validation, or not the decoder's matter; Flink evaluates them to NULL.
                Assert.Equal(JsonValueKind.Null, sample.GetProperty("result").ValueKind);
                refused++;
                continue;
            }

            var found = Evaluate(call.Groups["document"].Value.Replace("''", "'", StringComparison.Ordinal), path);

            Assert.True(sample.GetProperty("result").GetString() == found, $"{sample.GetProperty("sql")}: {found}");
            agreed++;
        }

        output.WriteLine($"{agreed} agree, {refused} refused (paths that Flink gives NULL for), {skipped} skipped (with clauses, casts or a NULL argument)");
        Assert.True(agreed >= 30, $"only {agreed} cases were compared");
    }

    [GeneratedRegex("^SELECT JSON_VALUE\\('(?<document>([^']|'')*)', '(?<path>([^']|'')*)'\\)$")]
    private static partial Regex PlainCall();

    private static string? Evaluate(string document, string path)
    {
        using var decoder = new RawRecordDecoder([new InputColumn.JsonScalar(path)], "src", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        batch.Add(Encoding.UTF8.GetBytes(document));
        var errors = new RowErrors();
        errors.Clear(1);
        var column = (BytesColumn)decoder.Decode(batch, errors)[0];
        return column.IsNull(0) ? null : Encoding.UTF8.GetString(column[0]);
    }
}
