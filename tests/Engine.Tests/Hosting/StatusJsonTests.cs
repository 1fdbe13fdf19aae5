using System.Buffers;
using System.Text;
using System.Text.Json;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Hosting;
using Matih.Planning;
using Matih.Status;

namespace Matih.Engine.Tests.Hosting;

/// <summary>The document that the command prints and hosts serve: its names are part of what others build on.</summary>
public sealed class StatusJsonTests
{
    private static readonly DateTimeOffset At = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    private static FlowStatus Full => new()
    {
        Flow = new FlowName("orders", "lake"),
        Condition = FlowCondition.Behind,
        Table = TableIdentifier.Parse("shop.orders"),
        Topic = "shop.orders",
        TableExists = true,
        SnapshotId = new SnapshotId(9007199254740993),
        Ledger = new FlowLedger(new FlowName("orders", "lake"), new Ledger
        {
            TableUuid = "u",
            Commit = new CommitId(Guid.Parse("0b8f4c1e-0000-0000-0000-000000000001")),
            Base = null,
            Run = Guid.Empty,
            Epoch = new WriterEpoch(3),
            Generation = 2,
            IsOpen = true,
            TakeoverCount = 0,
            Writer = new WriterHint("pod-1", 42),
            DefinitionHash = "h",
            WrittenAtMillis = At.AddSeconds(-12.5).ToUnixTimeMilliseconds(),
            Sources = [],
            Books = new Books(90, 8, 0, 0, 2, 1, 90, 1),
            Totals = new Books(900, 80, 0, 0, 20, 10, 900, 10),
        }, new SnapshotId(7)),
        IsWriterKnownGone = true,
        Rates = new CommitRates(2, 200, 180, At.AddSeconds(-112.5), At.AddSeconds(-12.5)),
        Partitions =
        [
            new PartitionStatus(0, 100, 0, 130) { Uncommitted = 30, Unstaged = 10, StagedTo = 120, Staged = new StagedRanges(2, new StagedContent(20, 18, 4096), At.AddSeconds(-5), 1) },
            new PartitionStatus(1, null, 0, 4) { Uncommitted = 4, Unstaged = 4 },
        ],
        TopicReadAt = At.AddSeconds(-0.25),
    };

    [Fact]
    public void Every_member_is_written_under_its_name() =>
        Assert.Equal("""
            {"name":"orders","version":"1.2.0","read_at":"2026-05-01T12:00:00.000Z","offline":false,"exit_code":0,"flows":[{
            "flow":"orders/lake","pipeline":"orders","sink":"lake","state":"behind","topic":"shop.orders",
            "table":{"name":"shop.orders","exists":true,"snapshot_id":"9007199254740993"},
            "ledger":{"state":"open","epoch":3,"generation":2,"writer":{"host":"pod-1","process_id":42,"known_gone":true}},
            "last_commit":{"commit":"0b8f4c1e-0000-0000-0000-000000000001","snapshot_id":"7","at":"2026-05-01T11:59:47.500Z","age_seconds":12.5,"records":100,"added_rows":90,"filtered":8,"skipped":2,"lost_offsets":1},
            "totals":{"records":1000,"added_rows":900,"filtered":80,"skipped":20,"lost_offsets":10},
            "rates":{"commits":2,"from":"2026-05-01T11:58:07.500Z","to":"2026-05-01T11:59:47.500Z","records_per_second":2,"rows_per_second":1.8},
            "staged":{"ranges":2,"records":20,"rows":18,"bytes":4096,"oldest_at":"2026-05-01T11:59:55.000Z","oldest_age_seconds":5,"detached_ranges":1},
            "lag":{"uncommitted":34,"unstaged":14,"as_of":"2026-05-01T11:59:59.750Z"},
            "partitions":[
            {"partition":0,"next_offset":100,"log_start":0,"end":130,"uncommitted":30,"unstaged":10,"staged":{"to_offset":120,"ranges":2,"records":20,"rows":18,"bytes":4096,"oldest_at":"2026-05-01T11:59:55.000Z","oldest_age_seconds":5,"detached_ranges":1}},
            {"partition":1,"next_offset":null,"log_start":0,"end":4,"uncommitted":4,"unstaged":4,"staged":null}],
            "refusal":null,"unread":[]}]}
            """.ReplaceLineEndings(""), Write(new PipelineStatus("orders", "1.2.0", At, false, [Full])));

    [Fact]
    public void What_is_not_known_is_null_and_its_reason_is_told()
    {
        var flow = new FlowStatus
        {
            Flow = new FlowName("orders", "lake"),
            Condition = FlowCondition.Refused,
            Table = TableIdentifier.Parse("shop.orders"),
            Topic = "shop.orders",
            Refusal = new FlowRefusal(FailureKind.WouldLoseOrDouble, 5, "It was rolled back.", "Roll it forward."),
            Unread = [new UnreadPart(StatusPart.Topic, FailureKind.Kafka, "No answer.", "Look."), new UnreadPart(StatusPart.Staging, null, "Left out.", "Ask.")],
        };

        Assert.Equal("""
            {"name":"orders","version":null,"read_at":"2026-05-01T12:00:00.000Z","offline":true,"exit_code":5,"flows":[{
            "flow":"orders/lake","pipeline":"orders","sink":"lake","state":"refused","topic":"shop.orders",
            "table":{"name":"shop.orders","exists":null,"snapshot_id":null},
            "ledger":null,"last_commit":null,"totals":null,"rates":null,"staged":null,"lag":null,"partitions":[],
            "refusal":{"kind":"would-lose-or-double","exit_code":5,"message":"It was rolled back.","remedy":"Roll it forward."},
            "unread":[{"part":"topic","kind":"kafka","message":"No answer.","remedy":"Look."},{"part":"staging","kind":null,"message":"Left out.","remedy":"Ask."}]}]}
            """.ReplaceLineEndings(""), Write(new PipelineStatus("orders", null, At, true, [flow])));
    }

    [Fact]
    public void A_host_adds_what_only_it_knows() =>
        Assert.Equal(
            """{"name":"orders","version":null,"read_at":"2026-05-01T12:00:00.000Z","offline":false,"exit_code":0,"flows":[],"host":{"orchestrator":"running","last_error":null}}""",
            Write(new PipelineStatus("orders", null, At, false, []), json =>
            {
                json.WriteString("orchestrator", "running");
                json.WriteNull("last_error");
            }));

    [Fact]
    public void A_clock_that_was_set_back_makes_no_age_below_zero() =>
        Assert.Contains("\"age_seconds\":0,", Write(new PipelineStatus("orders", null, At.AddHours(-1), false, [Full])), StringComparison.Ordinal);

    private static string Write(PipelineStatus status, Action<Utf8JsonWriter>? writeHost = null)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, HostJson.Compact)) StatusJson.Write(status, json, writeHost);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
