using System.Collections.Immutable;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Engine.Tests.Delivery;
using Matih.Iceberg.Metadata;
using Matih.Verification;

namespace Matih.Engine.Tests.Verification;

/// <summary>Whatever a table legitimately went through, verification finds no violation in it.</summary>
public sealed class HealthyTableTests
{
    [Fact]
    public async Task A_history_whose_parents_an_engine_took_out_at_expiry_is_followed_through_older_metadata()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var commits = (await flow.VerifyAsync()).CommitCount;
        await flow.ExpireWithoutParentsAsync();
        Assert.Null((await flow.TableAsync()).Metadata.CurrentSnapshot!.ParentId);

        var verified = await flow.AssertProvenAsync();
        await flow.DeleteOlderMetadataAsync();
        var left = await flow.AssertProvenAsync();

        Assert.Equal(commits, verified.CommitCount);
        Assert.All(verified.Findings, finding => Assert.IsType<VerificationFinding.Proved>(finding));
        Assert.Equal(1, left.CommitCount);
        Assert.Contains(left.Findings, finding => finding is VerificationFinding.NotProvable { Code: FindingCode.HistoryExpired });
    }

    [Fact]
    public async Task A_plain_run_is_proven_in_every_respect()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        flow.Produce(30, 3);

        var verified = await flow.AssertProvenAsync();

        Assert.All(verified.Findings, finding => Assert.IsType<VerificationFinding.Proved>(finding));
        Assert.Equal(
            [FindingCode.History, FindingCode.Tag, FindingCode.Books, FindingCode.Listing, FindingCode.Files, FindingCode.Topic, FindingCode.RecordCount],
            verified.Findings.Select(finding => finding.Code));
        Assert.Equal(3, verified.Lag.Sum(place => place.Uncommitted));
        Assert.Equal(30, verified.Ledger!.Totals.ProducedCount);
    }

    [Fact]
    public async Task A_pipeline_that_never_ran_has_nothing_to_verify()
    {
        using var flow = new FlowHarness();

        var report = await flow.ReportAsync();

        Assert.Equal(ExitCode.Done, report.ExitCode);
        Assert.Equal(FindingCode.NeverRun, Assert.Single(report.Flows[0].Findings).Code);
    }

    [Fact]
    public async Task A_table_of_another_pipeline_has_nothing_to_verify()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        using var stranger = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");

        var report = await stranger.ReportAsync();

        Assert.Equal(ExitCode.Done, report.ExitCode);
        Assert.Equal(FindingCode.NoLedger, Assert.Single(report.Flows[0].Findings).Code);
    }

    [Fact]
    public async Task Kills_and_take_overs_are_proven()
    {
        using var flow = new FlowHarness();
        for (var round = 0; round < 4; round++)
        {
            flow.Produce(round * 20, 20);
            var rows = flow.CommittedRowCount;
            await flow.RunUntilKilledAsync(() => Task.FromResult(flow.CommittedRowCount > rows));
        }
        flow.Topic.AppendGap(0, 3);
        await flow.CatchUpAsync();

        var verified = await flow.AssertProvenAsync();

        Assert.True(verified.Ledger!.Epoch.Value > 1);
        Assert.All(verified.Findings, finding => Assert.IsType<VerificationFinding.Proved>(finding));
    }

    [Fact]
    public async Task Lost_answers_and_conflicts_are_proven()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 20);
        flow.Store.FailAfter(".metadata.json");
        flow.Overrides.Add("orchestration.max_retries=2");
        await flow.CatchUpAsync();
        flow.Produce(20, 20);
        flow.Store.Before("v5.metadata.json", async () => await flow.ForeignAppendAsync());
        await flow.CatchUpAsync();

        await flow.AssertProvenAsync();
    }

    [Fact]
    public async Task A_reset_is_said_and_proven_from_there_on()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.CatchUpAsync(new OpenAnswers(Reset: true));

        var verified = await flow.AssertProvenAsync();

        var said = Assert.Single(verified.Findings.OfType<VerificationFinding.NotProvable>());
        Assert.Equal(FindingCode.Reset, said.Code);
        Assert.Contains("30 rows added until then", said.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_adopted_ledger_is_proven_back_through_the_other_name()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        using var renamed = flow.Another(pipeline: "purchases");
        flow.Produce(30, 10);
        await renamed.CatchUpAsync(new OpenAnswers(Adopt: "orders"));

        var verified = await renamed.AssertProvenAsync();
        var old = await flow.VerifyAsync();

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.Adopted });
        Assert.Equal(40, verified.Ledger!.Totals.AddedRowCount);
        Assert.Contains(old.Findings, finding => finding is VerificationFinding.Warning { Code: FindingCode.TakenOver });
    }

    [Fact]
    public async Task A_pipeline_that_another_took_over_is_shown_who_did_and_nothing_speaks_against_it()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        using var renamed = flow.Another(pipeline: "purchases");
        await renamed.CatchUpAsync(new OpenAnswers(Adopt: "orders"));

        var old = await flow.VerifyAsync();

        AssertTakenOver(old, "purchases/lake");
    }

    [Fact]
    public async Task A_pipeline_that_another_took_over_is_shown_who_did_although_the_adopting_commit_has_expired()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        using var renamed = flow.Another(pipeline: "purchases");
        await renamed.CatchUpAsync(new OpenAnswers(Adopt: "orders"));
        flow.Produce(30, 10);
        await renamed.CatchUpAsync();
        var expired = (await flow.TableAsync()).Metadata.Lineage().Skip(1).ToList();
        Assert.Contains(expired, snapshot => LedgerKeys.AdoptedBy(snapshot.Summary) is not null);
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([.. expired.Select(snapshot => snapshot.Id)]));
        foreach (var snapshot in expired) File.Delete(snapshot.ManifestList!);
        await flow.DeleteOlderMetadataAsync();

        var old = await flow.VerifyAsync();

        AssertTakenOver(old, "purchases/lake");
    }

    private static void AssertTakenOver(FlowVerification old, string taker)
    {
        Assert.Empty(old.Violations);
        var warning = Assert.Single(old.Findings.OfType<VerificationFinding.Warning>());
        Assert.Equal(FindingCode.TakenOver, warning.Code);
        Assert.StartsWith($"{taker} has taken the ledger of orders/lake over (--adopt)", warning.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_that_was_renamed_or_left_behind_is_proven()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        flow.Definition = flow.Definition.Replace("src:", "renamed:", StringComparison.Ordinal).Replace("input: src", "input: renamed", StringComparison.Ordinal);
        flow.Produce(30, 10);
        await flow.CatchUpAsync();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1));
        other.Definition = other.Definition.Replace("renamed", "returns", StringComparison.Ordinal);
        other.Produce(0, 4);
        await other.CatchUpAsync();
        other.Produce(4, 4);
        await other.CatchUpAsync();

        var verified = await other.AssertProvenAsync();

        Assert.Equal(48, verified.Ledger!.Totals.AddedRowCount);
    }

    [Fact]
    public async Task Offsets_that_were_given_up_by_choice_are_in_the_chain()
    {
        using var flow = new FlowHarness();
        flow.Overrides.Add("sources.src.on_lost_offsets=skip");
        await flow.ThreeCommitsAsync();
        flow.Produce(30, 20);
        flow.Topic.DeleteBefore(0, 18);
        var before = await flow.VerifyAsync();
        await flow.CatchUpAsync();

        var verified = await flow.AssertProvenAsync();

        Assert.Contains(before.Findings, finding => finding is VerificationFinding.Warning { Code: FindingCode.OffsetsLost });
        Assert.Equal(3, verified.Ledger!.Totals.LostCount);
    }

    [Fact]
    public async Task An_earliest_start_that_retention_moved_up_is_no_gap()
    {
        using var flow = new FlowHarness();
        await flow.CatchUpAsync();
        flow.Produce(0, 20);
        flow.Topic.DeleteBefore(1, 4);
        await flow.AssertProvenAsync();
        await flow.CatchUpAsync();

        await flow.AssertProvenAsync();
    }

    [Fact]
    public async Task Partitions_that_appeared_later_are_proven()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Topic.AddPartitions(2);
        flow.Produce(10, 20);
        var between = await flow.AssertProvenAsync();
        await flow.CatchUpAsync();

        await flow.AssertProvenAsync();

        Assert.Contains(between.Lag, place => place is { Partition: 2, NextOffset: null, Uncommitted: > 0 });
    }

    [Fact]
    public async Task A_rolled_back_table_is_proven_before_and_after_the_next_run()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.RollBackAsync((await flow.TableAsync()).Metadata.Lineage().ElementAt(1).Id);

        var rolledBack = await flow.AssertProvenAsync();
        await flow.CatchUpAsync();
        var runAgain = await flow.AssertProvenAsync();

        Assert.Contains(rolledBack.Findings, finding => finding is VerificationFinding.Warning { Code: FindingCode.TagElsewhere });
        Assert.Contains(runAgain.Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.Tag });
        Assert.Equal(30, runAgain.Ledger!.Totals.AddedRowCount);
    }

    [Fact]
    public async Task Foreign_appends_between_commits_are_nobody_s_gap()
    {
        using var flow = new FlowHarness();
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await flow.ForeignAppendAsync();
        flow.Produce(10, 10);
        await flow.CatchUpAsync();
        await flow.ForeignAppendAsync();

        await flow.AssertProvenAsync();
    }

    [Fact]
    public async Task A_cherry_pick_of_another_engine_s_append_stays_proven_once_the_picked_snapshot_has_expired()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var before = await flow.HeadAsync();
        var picked = (await flow.ForeignAppendAsync()).Metadata.CurrentSnapshotId!.Value;
        await flow.RollBackAsync(before);
        await flow.ForeignAppendAsync(("source-snapshot-id", picked.ToString()));
        var seen = await flow.AssertProvenAsync();
        flow.Produce(30, 10);
        await flow.CatchUpAsync();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([picked]));
        await flow.DeleteOlderMetadataAsync();

        var verified = await flow.AssertProvenAsync();

        Assert.DoesNotContain(seen.Findings, finding => finding.Code == FindingCode.Reapplied);
        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.NotProvable { Code: FindingCode.Reapplied });
    }

    [Fact]
    public async Task Two_pipelines_on_one_table_are_each_proven()
    {
        using var flow = new FlowHarness();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        for (var round = 0; round < 3; round++)
        {
            flow.Produce(round * 10, 10);
            await flow.CatchUpAsync();
            other.Produce(round * 5, 5);
            await other.CatchUpAsync();
        }

        var first = await flow.AssertProvenAsync();
        var second = await other.AssertProvenAsync();

        Assert.Equal((30, 15), (first.Ledger!.Totals.AddedRowCount, second.Ledger!.Totals.AddedRowCount));
    }

    [Fact]
    public async Task Expired_snapshots_are_read_from_older_metadata_and_merged_manifests_by_what_is_left()
    {
        using var flow = new FlowHarness();
        await flow.CatchUpAsync();
        await flow.ChangeTableAsync(new TableUpdate.SetProperties(ImmutableSortedDictionary<string, string>.Empty.Add("commit.manifest.min-count-to-merge", "2")));
        await flow.ThreeCommitsAsync();
        var table = await flow.TableAsync();
        var expired = table.Metadata.Lineage().Skip(1).ToList();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([.. expired.Select(snapshot => snapshot.Id)]));
        foreach (var snapshot in expired) File.Delete(snapshot.ManifestList!);

        var verified = await flow.AssertProvenAsync();

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.Books } books && books.Text.Contains("whose manifests have expired", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_history_that_expired_for_good_is_proven_from_what_is_left_on()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var gone = (await flow.TableAsync()).Metadata.Lineage().ElementAt(1).Id;
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([gone]));
        await flow.DeleteOlderMetadataAsync();

        var verified = await flow.AssertProvenAsync();

        var said = Assert.Single(verified.Findings.OfType<VerificationFinding.NotProvable>(), finding => finding.Code == FindingCode.HistoryExpired);
        Assert.Contains("20 records", said.Text, StringComparison.Ordinal);
        Assert.Contains(gone.ToString(), said.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Records_that_were_filtered_or_skipped_and_holes_are_in_the_books()
    {
        using var flow = new FlowHarness();
        flow.Overrides.Add("sources.src.on_error=skip");
        flow.Topic.Append(0, """{"id": -1}""");
        flow.Topic.Append(0, "no json");
        flow.Topic.AppendGap(0, 5);
        flow.Topic.Append(1, null);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();

        var verified = await flow.AssertProvenAsync();

        var totals = verified.Ledger!.Totals;
        Assert.Equal((10, 2, 1), (totals.ProducedCount, totals.FilteredCount, totals.SkippedCount));
        Assert.Equal([new SkippedRange(0, 1, 2, 1)], verified.Skipped.Ranges);
        Assert.Equal((5, 0), (verified.EmptyOffsetCount, verified.UnlistedSkippedCount));
    }

    [Fact]
    public async Task Skipped_records_of_commits_that_only_counted_them_are_said_to_be_unlisted()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("sources.src.on_error=skip");
        flow.Produce(0, 3);
        flow.Topic.Append(0, "no json");
        await flow.CatchUpAsync();
        await flow.EditMetadataAsync(metadata =>
        {
            foreach (var snapshot in metadata["snapshots"]!.AsArray())
            {
                var ledger = System.Text.Json.Nodes.JsonNode.Parse(snapshot!["summary"]![TableTampering.LedgerKey]!.GetValue<string>())!.AsObject();
                ledger.Remove("skipped");
                snapshot["summary"]![TableTampering.LedgerKey] = ledger.ToJsonString();
            }
        });

        var verified = await flow.AssertProvenAsync();

        Assert.True(verified.Skipped.IsEmpty);
        Assert.Equal(1, verified.UnlistedSkippedCount);
    }

    [Fact]
    public async Task A_compacted_topic_only_leaves_less_to_be_counted()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        flow.Topic.DeleteBefore(0, 7);

        var verified = await flow.AssertProvenAsync();

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.NotProvable { Code: FindingCode.RecordCount });
    }

    [Fact]
    public async Task Offline_nothing_of_Kafka_is_asked()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        flow.Topic.Recreate(2, "another");

        var verified = await flow.AssertProvenAsync(isOffline: true);

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.NotProvable { Code: FindingCode.Offline });
        Assert.Empty(verified.Lag);
    }

    [Fact]
    public async Task A_thousand_partitions_with_side_files_are_proven()
    {
        using var flow = new FlowHarness(partitionCount: 1000);
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Produce(0, 1500);
        await flow.CatchUpAsync();
        flow.Produce(1500, 700);
        await flow.CatchUpAsync();

        var verified = await flow.AssertProvenAsync();

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.SideFile });
        Assert.Equal(2200, verified.Ledger!.Totals.AddedRowCount);
    }
}
