using System.Text.Json;
using System.Text;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Delivery.Tables;
using Matih.Host.Tables;
using Matih.Planning;

namespace Matih.Engine.Tests.Host;

public sealed class SkippedReportTests
{
    private static readonly SkippingCommit Listed = new(
        new FlowName("orders", "lake"), new CommitId(Guid.Parse("11111111-2222-3333-4444-555555555555")), new SnapshotId(9007199254740993), 1_700_000_000_000,
        new Books(90, 3, 0, 0, 7, 0, 90, 1), "shop.orders",
        new SkippedRecords([new SkippedRange(0, 4, 9, 5), new SkippedRange(1, 2, 8, 2)], [new SkippedKind("field id: wrong", 7, 0, 4, "field id: wrong 'x'")]));

    [Fact]
    public void Commits_are_shown_with_their_ranges_and_reasons()
    {
        Assert.Equal(
            """
            2023-11-14 22:13:20.000Z orders/lake, commit 11111111-2222-3333-4444-555555555555: 7 of 100 records of topic shop.orders
              offsets 4 to 8 of partition 0
              2 records among offsets 2 to 7 of partition 1
              reason: field id: wrong (for example offset 4 of partition 0: field id: wrong 'x'), 7 times
            2023-11-14 22:13:20.000Z orders/lake, commit 11111111-2222-3333-4444-555555555555: 7 of 100 records
              not listed: the commit only counted them, or the side file of its ledger is gone
            1,200 more were skipped by commits whose snapshots have expired.

            """, Text(new SkippedHistory([Listed, Listed with { Topic = null, Records = null }], 1200)));
        Assert.Equal("No record was skipped.\n", Text(new SkippedHistory([], 0)));
    }

    [Fact]
    public void Json_has_the_same_and_snapshot_ids_as_strings()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream)) SkippedReport.WriteJson(new SkippedHistory([Listed], 3), json);
        var root = JsonDocument.Parse(Encoding.UTF8.GetString(stream.ToArray())).RootElement;

        var commit = Assert.Single(root.GetProperty("commits").EnumerateArray());
        Assert.Equal("9007199254740993", commit.GetProperty("snapshot_id").GetString());
        Assert.Equal((100, 7, 3), (commit.GetProperty("records").GetInt64(), commit.GetProperty("skipped").GetInt64(), root.GetProperty("unlisted").GetInt64()));
        Assert.Equal("""[{"partition":0,"from_offset":4,"to_offset":9,"records":5},{"partition":1,"from_offset":2,"to_offset":8,"records":2}]""", commit.GetProperty("ranges").GetRawText());
        Assert.Equal("""[{"text":"field id: wrong","records":7,"partition":0,"offset":4,"example":"field id: wrong \u0027x\u0027"}]""", commit.GetProperty("kinds").GetRawText());
    }

    private static string Text(SkippedHistory history)
    {
        using var output = new StringWriter { NewLine = "\n" };
        SkippedReport.WriteText(history, output);
        return output.ToString();
    }
}
