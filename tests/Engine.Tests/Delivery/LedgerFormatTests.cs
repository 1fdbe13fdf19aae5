using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Delivery;

/// <summary>docs/delivery.md, "The ledger".</summary>
public sealed class LedgerFormatTests
{
    [Fact]
    public void Every_field_survives_the_text()
    {
        var ledger = Full(partitionCount: 2);

        var read = LedgerFormat.Read(LedgerFormat.Write(ledger, sideFile: null), null);

        AssertSame(ledger, read);
    }

    public static TheoryData<FlinkLedger> HandOvers() => [new FlinkLedger.Given("j1"), new FlinkLedger.Given("j2", "j1"), new FlinkLedger.TakenBack("j2", 0), new FlinkLedger.TakenBack("j2", 16)];

    [Theory]
    [MemberData(nameof(HandOvers))]
    public void A_hand_over_survives_the_text_and_its_head(FlinkLedger flink)
    {
        var text = LedgerFormat.Write(Full(partitionCount: 2) with { Flink = flink }, sideFile: null);

        Assert.Equal([flink, flink], [LedgerFormat.Read(text, null).Flink, LedgerFormat.ReadHead(text)!.Flink]);
    }

    [Fact]
    public void Fields_that_are_absent_stay_absent()
    {
        var ledger = Full(partitionCount: 1) with
        {
            Base = null,
            Writer = null,
            WatermarkMillis = null,
            IsOpen = false,
            Lost = [],
            Skipped = null,
            Replay = null,
            Sources = [new SourceLedger("src", "t", null, null, "read_uncommitted", [PartitionLedger.StartingAt(0, 7, isEarliest: false)])],
        };

        var read = LedgerFormat.Read(LedgerFormat.Write(ledger, sideFile: null), null);

        AssertSame(ledger, read);
    }

    [Fact]
    public void A_ledger_that_an_older_program_wrote_knows_of_no_replay_and_lists_no_skipped_records()
    {
        var text = LedgerFormat.Write(Full(partitionCount: 1) with { Replay = null, Skipped = null }, sideFile: null);

        Assert.DoesNotContain("replay", text, StringComparison.Ordinal);
        Assert.DoesNotContain("ranges", text, StringComparison.Ordinal);
        var read = LedgerFormat.Read(text, null);
        Assert.Null(read.Replay);
        Assert.Null(read.Skipped);
        Assert.Equal(5, read.Books.SkippedCount);
    }

    [Fact]
    public void A_body_in_a_side_file_gives_the_same_ledger()
    {
        var ledger = Full(partitionCount: 500);
        var body = LedgerFormat.WriteBody(ledger);

        var property = LedgerFormat.Write(ledger, new SideFile("/lake/_matih/x.json", body.Length, LedgerFormat.Sha256(body)));

        Assert.True(property.Length < LedgerFormat.PropertyBytesMax);
        Assert.Equal(new SideFile("/lake/_matih/x.json", body.Length, LedgerFormat.Sha256(body)), LedgerFormat.ReadSideFile(property));
        AssertSame(ledger, LedgerFormat.Read(property, body));
    }

    [Fact]
    public async Task A_ledger_above_4_KB_lies_in_a_side_file_named_by_its_commit_and_hash_outside_the_table_s_folder()
    {
        using var flow = new FlowHarness(partitionCount: 120);
        flow.Produce(0, 240);

        await flow.CatchUpAsync();

        var property = (await flow.TableAsync()).Metadata.CurrentSnapshot!.Summary["matih.ledger.orders/lake"];
        var side = LedgerFormat.ReadSideFile(property);
        Assert.NotNull(side);
        Assert.True(property.Length <= LedgerFormat.PropertyBytesMax);
        Assert.Equal($"ledger-{LedgerFormat.ReadCommit(property)}-{LedgerFormat.Sha256(await File.ReadAllBytesAsync(side.Location))[..16]}.json", Path.GetFileName(side.Location));
        Assert.False(side.Location.StartsWith(flow.TableFolder + "/", StringComparison.Ordinal));
        flow.Produce(240, 120);
        await flow.CatchUpAsync();
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task A_side_file_that_is_gone_is_refused()
    {
        using var flow = new FlowHarness(partitionCount: 120);
        flow.Produce(0, 120);
        await flow.CatchUpAsync();
        File.Delete(await SideFileAsync(flow));

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("which is gone", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("--reset", refusal.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_side_file_that_was_altered_is_refused()
    {
        using var flow = new FlowHarness(partitionCount: 120);
        flow.Produce(0, 120);
        await flow.CatchUpAsync();
        var location = await SideFileAsync(flow);
        var text = await File.ReadAllTextAsync(location);
        await File.WriteAllTextAsync(location, text.Replace("cluster-1", "cluster-2", StringComparison.Ordinal));

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains("SHA-256", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(location, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"v":3}""", "format version 3")]
    [InlineData("{", "cannot be read")]
    public async Task A_ledger_that_this_program_cannot_read_is_refused(string text, string expected)
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await flow.ForeignAppendAsync(("matih.ledger.orders/lake", text), ("matih.writer", "orders/lake"));

        var refusal = await flow.RefusalAsync();

        Assert.Equal(ExitCode.Refused, refusal.ExitCode);
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_tag_of_pipeline_and_sink_moves_with_every_commit_and_never_ages()
    {
        using var flow = new FlowHarness();
        for (var round = 0; round < 3; round++)
        {
            flow.Produce(round * 10, 10);

            await flow.CatchUpAsync();

            var metadata = (await flow.TableAsync()).Metadata;
            Assert.Equal(new SnapshotRef(metadata.CurrentSnapshotId!.Value, SnapshotRefKind.Tag, MaxRefAgeMillis: long.MaxValue), metadata.Refs["matih-orders-lake"]);
        }
    }

    [Fact]
    public async Task The_books_equal_the_manifests()
    {
        using var flow = new FlowHarness(partitionCount: 3);
        flow.Overrides.AddRange(["sources.src.on_error=skip", "orchestration.checkpoint_interval=1h"]);
        flow.Produce(0, 100);
        flow.Topic.Append(1, "no json");
        flow.Topic.Append(2, """{"id": -1}""");

        await flow.CatchUpAsync();

        var snapshot = (await flow.TableAsync()).Metadata.CurrentSnapshot!;
        var books = (await flow.LedgerAsync()).Books;
        Assert.Equal(snapshot.Summary["added-records"], books.AddedRowCount.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(snapshot.Summary["added-data-files"], books.AddedFileCount.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal((100, 1, 1, 102), (books.ProducedCount, books.FilteredCount, books.SkippedCount, books.RecordCount));
    }

    [Fact]
    public async Task Two_pipelines_on_one_table_carry_each_other_s_ledgers_past_foreign_appends_and_both_resume_exactly()
    {
        using var orders = new FlowHarness();
        var returnsTopic = new ScriptedTopic("shop.returns", 1);
        using var returns = orders.Another(returnsTopic, "returns");
        orders.Produce(0, 20);
        await orders.CatchUpAsync();
        for (var round = 0; round < 3; round++)
        {
            returns.Produce(round * 5, 5);
            await returns.CatchUpAsync();
            await orders.ForeignAppendAsync();
            returns.Produce(100 + round * 5, 5);
            await returns.CatchUpAsync();
        }
        var before = await orders.LedgerAsync();

        orders.Produce(20, 20);
        await orders.CatchUpAsync();
        returns.Produce(500, 5);
        await returns.CatchUpAsync();

        await orders.AssertHoldsExactlyAsync([.. orders.TopicRecords(), .. returns.TopicRecords()]);
        var head = (await orders.TableAsync()).Metadata.CurrentSnapshot!;
        Assert.Contains("matih.ledger.orders/lake", head.Summary.Keys);
        Assert.Contains("matih.ledger.returns/lake", head.Summary.Keys);
        Assert.Equal(before.Commit, (await orders.LedgerAsync()).Base);
        Assert.Equal(40, (await orders.LedgerAsync()).Totals.ProducedCount);
        Assert.Equal(35, (await returns.LedgerAsync()).Totals.ProducedCount);
    }

    [Fact]
    public async Task An_idle_pipeline_commits_its_ledger_again_once_a_foreign_head_is_an_hour_old()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);

        await flow.RunDuringAsync(async () =>
        {
            await flow.WaitForRowsAsync(10);
            await flow.ForeignAppendAsync();
            var before = flow.CountOf("committed");
            flow.Clock.Elapsed = TimeSpan.FromMinutes(62);
            await flow.WaitForLogAsync(_ => flow.CountOf("committed") > before);
        });

        var lineage = (await flow.TableAsync()).Metadata.Lineage().ToList();
        var foreign = lineage.FindIndex(snapshot => !snapshot.Summary.ContainsKey("matih.writer"));
        Assert.True(foreign > 1, "The ledger was to be committed on top of the foreign head before the closing commit.");
        await flow.AssertHoldsWholeTopicAsync();
    }

    private static async Task<string> SideFileAsync(FlowHarness flow) =>
        LedgerFormat.ReadSideFile((await flow.TableAsync()).Metadata.CurrentSnapshot!.Summary["matih.ledger.orders/lake"])!.Location;

    private static void AssertSame(Ledger expected, Ledger read)
    {
        Assert.Equal(expected.Sources.AsEnumerable(), read.Sources.AsEnumerable());
        Assert.Equal(expected.Lost.AsEnumerable(), read.Lost.AsEnumerable());
        Assert.Equal(expected.Skipped?.Source, read.Skipped?.Source);
        Assert.Equal(expected.Skipped?.Records.Ranges.ToArray(), read.Skipped?.Records.Ranges.ToArray());
        Assert.Equal(expected.Skipped?.Records.Kinds.ToArray(), read.Skipped?.Records.Kinds.ToArray());
        Assert.Equal(expected.Replay is null, read.Replay is null);
        if (expected.Replay is { } replay)
        {
            Assert.Equal(replay.Commits.AsEnumerable(), read.Replay!.Commits.AsEnumerable());
            Assert.Equal(replay.Ranges.AsEnumerable(), read.Replay.Ranges.AsEnumerable());
            Assert.Equal(replay.Replaced, read.Replay.Replaced);
        }
        Assert.Equal(expected, read with { Sources = expected.Sources, Lost = expected.Lost, Skipped = expected.Skipped, Replay = expected.Replay });
    }

    private static Ledger Full(int partitionCount) => new()
    {
        TableUuid = "4c9c6f8e-0000-4000-8000-000000000001",
        Commit = new CommitId(new Guid("4c9c6f8e-0000-4000-8000-000000000002")),
        Base = new CommitId(new Guid("4c9c6f8e-0000-4000-8000-000000000003")),
        Run = new Guid("4c9c6f8e-0000-4000-8000-000000000004"),
        Epoch = new WriterEpoch(17),
        Generation = 3,
        IsOpen = true,
        TakeoverCount = 2,
        Writer = new WriterHint("höst \"1\"", 4711),
        DefinitionHash = "abc",
        WrittenAtMillis = 1_700_000_000_123,
        Sources =
        [
            new SourceLedger("src", "shop.orders", "cluster-1", "topic-1", "read_committed",
                [.. Enumerable.Range(0, partitionCount).Select(partition => new PartitionLedger(partition, 5, long.MaxValue - partition, 4, new Fingerprint(8, -1, uint.MaxValue), 1_700_000_000_000))]),
            new SourceLedger("old", "shop.old", null, null, "read_uncommitted", [PartitionLedger.StartingAt(0, 3, isEarliest: true)]),
        ],
        Books = new Books(1, 2, 3, 4, 5, 6, 7, 8) { ExpandedCount = 9 },
        Totals = new Books(11, 12, 13, 14, 15, 16, 17, 18),
        Lost = [new LostRange("src", 1, 5, 9)],
        Skipped = new SkippedLedger("src", new SkippedRecords(
            [new SkippedRange(0, 3, 6, 3), new SkippedRange(0, 9, long.MaxValue, 2)], [new SkippedKind("field \"id\": wrong", 4, 0, 3, "field \"id\": wrong, found ü")])),
        WatermarkMillis = 1_699_999_990_000,
        Replay = new ReplayLedger(
            [new CommitId(new Guid("4c9c6f8e-0000-4000-8000-000000000005")), new CommitId(new Guid("4c9c6f8e-0000-4000-8000-000000000006"))],
            [new ReplayedRange("src", 0, 3, 9, 5, new Fingerprint(8, -1, uint.MaxValue)), new ReplayedRange("src", 1, 0, 1, 1, new Fingerprint(0, 7, 1))],
            new Books(21, 22, 23, 24, 25, 26, 27, 28)),
    };
}
