using Matih.Delivery.Committing;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Delivery.Tables;
using Matih.Host.Output;
using Matih.Iceberg.Metadata;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Delivery;

/// <summary>What a run says, and leaves behind, of the bad records that it skips.</summary>
public sealed class SkippingRunTests
{
    private const string BadId = """{"id": "x", "note": "n"}""";

    [Fact]
    public async Task The_commit_lists_the_offsets_that_it_skipped_and_why()
    {
        using var flow = Skipping(partitionCount: 2);
        flow.Produce(0, 10);
        for (var i = 0; i < 3; i++) flow.Topic.Append(0, BadId);
        flow.Topic.Append(1, "{not json");
        flow.Produce(10, 10);
        flow.Topic.Append(0, BadId);

        await flow.CatchUpAsync();

        var skipped = (await LedgerWithSkipsAsync(flow)).Skipped!;
        Assert.Equal("src", skipped.Source);
        Assert.Equal([new SkippedRange(0, 5, 8, 3), new SkippedRange(0, 13, 14, 1), new SkippedRange(1, 5, 6, 1)], skipped.Records.Ranges);
        Assert.Equal(
            [new SkippedKind("field id: expected BIGINT, found a string", 4, 0, 5, "field id: expected BIGINT, found the string \"x\""), new SkippedKind("value: expected a member name in double quotes", 1, 1, 5, "value: expected a member name in double quotes, found 'n' at offset 1")],
            skipped.Records.Kinds);
        var committed = Assert.Single(flow.Entries, entry => entry.Event == "committed" && entry.Message.Contains("Skipped: ", StringComparison.Ordinal));
        Assert.Contains("20 rows of 25 records (0 filtered, 5 skipped)", committed.Message, StringComparison.Ordinal);
        Assert.Contains("Skipped: offsets 5 to 7 of partition 0, offset 13 of partition 0, offset 5 of partition 1.", committed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_commit_that_skipped_nothing_lists_nothing()
    {
        using var flow = Skipping(partitionCount: 1);
        flow.Topic.Append(0, BadId);
        await flow.CatchUpAsync();
        flow.Produce(1, 5);

        await flow.CatchUpAsync();

        Assert.Null((await flow.LedgerAsync()).Skipped);
    }

    [Fact]
    public async Task Where_most_records_of_a_commit_are_bad_a_warning_says_what_they_have_in_common()
    {
        using var flow = Skipping(partitionCount: 1);
        flow.Produce(0, 40);
        for (var i = 0; i < 60; i++) flow.Topic.Append(0, BadId);

        await flow.CatchUpAsync();

        var warning = Assert.Single(flow.Entries, entry => entry.Event == "many-skipped");
        Assert.Equal(LogSeverity.Warning, warning.Severity);
        Assert.Contains("60 of the 100 records of commit ", warning.Message, StringComparison.Ordinal);
        Assert.Contains("The most frequent reason, of 60 of them: field id: expected BIGINT, found a string (for example offset 40 of partition 0: field id: expected BIGINT, found the string \"x\").", warning.Message, StringComparison.Ordinal);
        Assert.Contains("`matih table skipped shop.orders` lists their offsets", warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_fault_is_warned_of_once_in_a_run()
    {
        using var flow = Skipping(partitionCount: 1);
        var skips = new RunSkips(flow.Plan()[0].Plan, new FlowProgress("orders/lake"), flow);
        foreach (var kind in (string[])["a", "a", "b", "a"]) skips.Note(Skipped(100, 100, kind));
        skips.Note(Skipped(99, 99, "c"));
        skips.Note(Skipped(200, 100, "d"));

        Assert.Equal(["a", "b"], flow.Entries.Select(entry => entry.Fields.Single(field => field.Name == "kind").Value));
    }

    [Theory]
    [InlineData(51, 49)]
    [InlineData(2, 48)]
    public async Task Fewer_bad_records_than_good_ones_or_few_records_at_all_are_only_counted(int good, int bad)
    {
        using var flow = Skipping(partitionCount: 1);
        if (good > bad) flow.Produce(0, good);
        for (var i = 0; i < bad; i++) flow.Topic.Append(0, BadId);

        await flow.CatchUpAsync();

        Assert.DoesNotContain(flow.Entries, entry => entry.Event == "many-skipped");
        Assert.Equal(bad, Assert.Single(flow.Progress).CommittedSkippedCount);
    }

    [Fact]
    public async Task A_run_that_skipped_every_record_ends_with_a_warning_that_says_what_they_had_in_common()
    {
        using var flow = Skipping(partitionCount: 1);
        for (var i = 0; i < 3; i++) flow.Topic.Append(0, BadId);

        await flow.CatchUpAsync();

        var end = EndLine.Of(Assert.Single(flow.Progress));
        Assert.Equal(LogSeverity.Warning, end.Severity);
        Assert.Contains("0 rows of 3 records committed by this run (0 filtered, 3 skipped)", end.Message, StringComparison.Ordinal);
        Assert.EndsWith("Every record was skipped, as on_error: skip says. The most frequent reason: field id: expected BIGINT, found a string (for example offset 0 of partition 0: field id: expected BIGINT, found the string \"x\").", end.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_end_line_tells_every_record_by_its_fate_and_the_offsets_that_held_none()
    {
        using var flow = Skipping(partitionCount: 1);
        flow.Overrides.Add("sources.src.on_lost_offsets=skip");
        flow.Produce(0, 4);
        await flow.CatchUpAsync();
        flow.Produce(4, 10);
        flow.Topic.DeleteBefore(0, 9);
        flow.Topic.Append(0, BadId);
        flow.Topic.Append(0, null);
        flow.Topic.AppendGap(0, 3);
        flow.Produce(17, 1);

        await flow.CatchUpAsync();

        var end = EndLine.Of(Assert.Single(flow.Progress));
        Assert.Equal(LogSeverity.Information, end.Severity);
        Assert.Contains("6 rows of 8 records committed by this run (1 filtered, 1 skipped; 5 offsets lost, 3 offsets held no record)", end.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Records_that_a_failed_session_had_skipped_count_once()
    {
        using var flow = Skipping(partitionCount: 1);
        flow.Overrides.AddRange(["orchestration.max_retries=3", "orchestration.checkpoint_interval=1h"]);
        flow.Clock.Speed = 50;
        for (var i = 0; i < 20; i++) flow.Topic.Append(0, BadId);
        flow.OnSource = source =>
        {
            source.SkippedByClient.Add((0, 5));
            source.SkippingAssignmentCount = 1;
        };

        await flow.CatchUpAsync();

        Assert.Contains(flow.Entries, entry => entry.Event == "retrying");
        Assert.Equal((20, 20), (flow.Progress[0].CommittedSkippedCount, flow.Progress[0].CommittedRecordCount));
        Assert.Equal([new SkippedRange(0, 0, 20, 20)], (await LedgerWithSkipsAsync(flow)).Skipped!.Records.Ranges);
    }

    [Fact]
    public async Task A_long_list_goes_into_the_side_file()
    {
        using var flow = Skipping(partitionCount: 1);
        flow.Topic.AppendGap(0, 2_000_000_000); // Offsets of a usual length.
        for (var i = 0; i < 2000; i++)
        {
            if (i % 5 == 0) flow.Topic.Append(0, BadId);
            else flow.Produce(i, 1);
        }

        await flow.CatchUpAsync();

        var ledger = await LedgerWithSkipsAsync(flow);
        Assert.Equal(400, ledger.Skipped!.Records.RecordCount);
        Assert.Equal(SkippedRecords.RangesMax, ledger.Skipped.Records.Ranges.Length);
        var texts = (await flow.TableAsync()).Metadata.Snapshots.Select(snapshot => snapshot.Summary["matih.ledger.orders/lake"]).ToList();
        Assert.All(texts, text => Assert.True(text.Length <= LedgerFormat.PropertyBytesMax));
        Assert.Contains(texts, text => LedgerFormat.ReadSideFile(text) is not null);
    }

    [Fact]
    public async Task The_history_of_skipped_records_outlives_later_commits_and_leaves_out_what_a_replay_has_replaced()
    {
        using var flow = Skipping(partitionCount: 1);
        flow.Topic.Append(0, BadId);
        flow.Produce(1, 1);
        await flow.CatchUpAsync();
        flow.Topic.Append(0, BadId);
        flow.Produce(3, 1);
        await flow.CatchUpAsync();
        flow.Produce(4, 1);
        await flow.CatchUpAsync();

        var before = await SkippedInspection.ReadAsync(new IcebergHistory(await flow.TableAsync()), default);
        flow.Definition = flow.Definition.Replace("id BIGINT", "id STRING", StringComparison.Ordinal).Replace("SELECT id, note", "SELECT TRY_CAST(id AS BIGINT) AS id, note", StringComparison.Ordinal).Replace(" WHERE id >= 0", "", StringComparison.Ordinal);
        await flow.ReplayAsync((await flow.DataCommitsAsync())[1]);
        var after = await SkippedInspection.ReadAsync(new IcebergHistory(await flow.TableAsync()), default);

        Assert.Equal([[new SkippedRange(0, 0, 1, 1)], [new SkippedRange(0, 2, 3, 1)]], before.Commits.Select(commit => commit.Records!.Ranges.ToArray()));
        Assert.All(before.Commits, commit => Assert.Equal("shop.orders", commit.Topic));
        Assert.Equal(0, before.UnlistedCount);
        Assert.Equal([before.Commits[0].Commit], after.Commits.Select(commit => commit.Commit));
        Assert.Equal(0, after.UnlistedCount);
        await flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task What_a_replay_skips_is_listed_in_its_own_commit()
    {
        using var flow = Skipping(partitionCount: 1);
        flow.Topic.Append(0, BadId);
        flow.Produce(1, 3);
        await flow.CatchUpAsync();

        await flow.ReplayAsync((await flow.DataCommitsAsync())[0]);

        var ledger = await flow.LedgerAsync();
        Assert.NotNull(ledger.Replay);
        Assert.Equal([new SkippedRange(0, 0, 1, 1)], ledger.Skipped!.Records.Ranges);
        Assert.Equal([ledger.Commit], (await SkippedInspection.ReadAsync(new IcebergHistory(await flow.TableAsync()), default)).Commits.Select(commit => commit.Commit));
        await flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task Records_skipped_by_commits_that_have_expired_are_still_counted()
    {
        using var flow = Skipping(partitionCount: 1);
        for (var round = 0; round < 3; round++)
        {
            flow.Topic.Append(0, BadId);
            flow.Produce(0, 1);
            await flow.CatchUpAsync();
        }
        var expired = (await flow.TableAsync()).Metadata.Lineage().Skip(1).Select(snapshot => snapshot.Id).ToArray();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([.. expired]));
        await flow.DeleteOlderMetadataAsync();

        var history = await SkippedInspection.ReadAsync(new IcebergHistory(await flow.TableAsync()), default);

        Assert.Equal([new SkippedRange(0, 4, 5, 1)], Assert.Single(history.Commits).Records!.Ranges);
        Assert.Equal(2, history.UnlistedCount);
    }

    private static Ledger Skipped(long recordCount, long skippedCount, string kind) => new()
    {
        TableUuid = "", Commit = default, Base = null, Run = default, Epoch = default, Generation = 1, IsOpen = true, TakeoverCount = 0, Writer = null, DefinitionHash = "", WrittenAtMillis = 0, Sources = [],
        Books = new Books(recordCount - skippedCount, 0, 0, 0, skippedCount, 0, 0, 0),
        Totals = default,
        Skipped = new SkippedLedger("src", new SkippedRecords([new SkippedRange(0, 0, skippedCount, skippedCount)], [new SkippedKind(kind, skippedCount, 0, 0, kind)])),
    };

    private static FlowHarness Skipping(int partitionCount)
    {
        var flow = new FlowHarness(partitionCount);
        flow.Overrides.AddRange(["sources.src.on_error=skip", "orchestration.checkpoint_interval=1h"]);
        return flow;
    }

    private static async Task<Ledger> LedgerWithSkipsAsync(FlowHarness flow)
    {
        var table = await flow.TableAsync();
        var reader = new LedgerStorage(table.Store, table.Identifier);
        Ledger? found = null;
        foreach (var snapshot in table.Metadata.Snapshots)
        {
            var ledger = await reader.ReadAsync(snapshot.Summary["matih.ledger.orders/lake"], default);
            if (ledger.Skipped is not null) found = ledger;
        }
        return found ?? throw new InvalidOperationException("No commit lists skipped records.");
    }
}
