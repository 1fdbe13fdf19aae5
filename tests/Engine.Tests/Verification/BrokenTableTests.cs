using System.Text.Json.Nodes;
using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Engine.Tests.Delivery;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Kafka;
using Matih.Planning;
using Matih.Verification;

namespace Matih.Engine.Tests.Verification;

/// <summary>Every way in which a table can stop being exactly-once, or its proof be altered, is found.</summary>
public sealed class BrokenTableTests
{
    [Fact]
    public async Task A_data_file_that_is_registered_twice()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var file = (await flow.LiveFilesAsync())[0];
        await flow.RegisterAsync([file]);

        var violation = await flow.AssertViolatedAsync(FindingCode.FileDoubled);

        Assert.Equal(file.Path, violation.Object);
        Assert.Contains($"listed again, with {file.RecordCount} rows", violation.Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_file_that_was_dropped_from_the_manifests()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var before = await flow.LiveFilesAsync();
        await flow.CommitManifestsAsync("append", manifests => manifests.Skip(1));
        var dropped = before.Select(file => file.Path).Except((await flow.LiveFilesAsync()).Select(file => file.Path)).ToList();

        var violation = await flow.AssertViolatedAsync(FindingCode.FileUnlisted);

        Assert.Contains(violation.Object, dropped);
        Assert.Equal(dropped.Count, (await flow.VerifyAsync()).Violations.Count(item => item.Code == FindingCode.FileUnlisted));
    }

    [Fact]
    public async Task A_data_file_that_was_dropped_from_the_manifests_of_its_own_commit()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var table = await flow.TableAsync();
        var head = table.Metadata.Lineage().First(snapshot => snapshot.Summary["added-records"] == "10");
        var manifests = await SnapshotReader.ManifestsAsync(table, head, default);
        await File.WriteAllBytesAsync(head.ManifestList!, ManifestListFile.Write([.. manifests.Where(manifest => manifest.AddedSnapshotId != head.Id)], head.Id, head.ParentId, head.SequenceNumber, Guid.NewGuid()));

        var violation = await flow.AssertViolatedAsync(FindingCode.BooksManifests);

        Assert.StartsWith("10 rows in ", violation.Expected, StringComparison.Ordinal);
        Assert.Equal("its manifests list 0 rows in 0 files", violation.Found);
    }

    [Fact]
    public async Task A_data_file_that_is_missing_though_its_history_has_expired()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var table = await flow.TableAsync();
        var expired = table.Metadata.Lineage().Skip(1).ToList();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([.. expired.Select(snapshot => snapshot.Id)]));
        foreach (var snapshot in expired) File.Delete(snapshot.ManifestList!);
        await flow.DeleteOlderMetadataAsync();
        var head = table.Metadata.CurrentSnapshot!;
        var manifests = await SnapshotReader.ManifestsAsync(table, head, default);
        await File.WriteAllBytesAsync(head.ManifestList!, ManifestListFile.Write([.. manifests.SkipLast(1)], head.Id, head.ParentId, head.SequenceNumber, Guid.NewGuid()));

        var violation = await flow.AssertViolatedAsync(FindingCode.TableTotals);

        Assert.StartsWith("30 rows in ", violation.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_file_that_was_deleted_from_the_store()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var file = (await flow.LiveFilesAsync())[^1];
        File.Delete(file.Path);

        var violation = await flow.AssertViolatedAsync(FindingCode.FileMissing);

        Assert.Equal((file.Path, "no such file"), (violation.Object, violation.Found));
    }

    [Fact]
    public async Task A_data_file_that_was_cut_short()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var file = (await flow.LiveFilesAsync())[0];
        await File.WriteAllBytesAsync(file.Path, (await File.ReadAllBytesAsync(file.Path))[..^1]);

        var violation = await flow.AssertViolatedAsync(FindingCode.FileLength);

        Assert.Equal($"{file.FileSizeBytes - 1} bytes", violation.Found);
    }

    [Fact]
    public async Task A_data_file_whose_end_was_overwritten()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var file = (await flow.LiveFilesAsync())[0];
        var bytes = await File.ReadAllBytesAsync(file.Path);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(file.Path, bytes);

        await flow.AssertViolatedAsync(FindingCode.FileUnreadable);
    }

    [Fact]
    public async Task A_data_file_that_was_replaced_by_one_with_another_row_count()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Produce(10, 400);
        await flow.CatchUpAsync();
        var files = await flow.LiveFilesAsync();
        var (small, large) = (files.Single(file => file.RecordCount == 10), files.Single(file => file.RecordCount == 400));
        await File.WriteAllBytesAsync(large.Path, Padded(await File.ReadAllBytesAsync(small.Path), (int)large.FileSizeBytes));

        var violation = await flow.AssertViolatedAsync(FindingCode.FileRows);

        Assert.Equal((large.Path, "400 rows", "10 rows by its footer"), (violation.Object, violation.Expected, violation.Found));
    }

    [Theory]
    [InlineData(2, FindingCode.Gap)]
    [InlineData(-2, FindingCode.Overlap)]
    public async Task A_gap_or_an_overlap_in_the_ledger(int moved, string code)
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var commitsBack = await NewestWithRowsAsync(flow);
        await flow.EditLedgerAsync(commitsBack, ledger => ledger.Partition(0).Add(1, moved));

        var violation = await flow.AssertViolatedAsync(code);

        Assert.Contains("partition 0 of topic 'shop.orders'", violation.Object, StringComparison.Ordinal);
        Assert.StartsWith("a range from offset 10, where", violation.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ledger_whose_books_were_edited()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.EditLedgerAsync(await NewestWithRowsAsync(flow), ledger => ledger["books"]!.Add("rows", 1));

        await flow.AssertViolatedAsync(FindingCode.Totals);
        await flow.AssertViolatedAsync(FindingCode.BooksManifests);
        await flow.AssertViolatedAsync(FindingCode.BooksSummary);
        await flow.AssertViolatedAsync(FindingCode.BooksRows);
    }

    [Fact]
    public async Task A_ledger_in_which_produced_records_were_made_filtered_ones()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.EditLedgerAsync(await NewestWithRowsAsync(flow), ledger =>
        {
            ledger["books"]!.Add("produced", -1);
            ledger["books"]!.Add("filtered", 1);
        });

        await flow.AssertViolatedAsync(FindingCode.BooksRows);
    }

    [Fact]
    public async Task A_ledger_whose_totals_were_edited()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.EditLedgerAsync(0, ledger => ledger["totals"]!.Add("produced", 5));

        await flow.AssertViolatedAsync(FindingCode.Totals);
    }

    [Fact]
    public async Task A_ledger_whose_base_was_edited()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.EditLedgerAsync(1, ledger => ledger["base"] = "11111111-2222-3333-4444-555555555555");

        var violation = await flow.AssertViolatedAsync(FindingCode.ChainBroken);

        Assert.Contains("it stands on 11111111-2222-3333-4444-555555555555", violation.Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_first_commit_that_stands_on_one_that_nobody_has()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var count = (await flow.VerifyAsync()).CommitCount;
        await flow.EditLedgerAsync(count - 1, ledger => ledger["base"] = "11111111-2222-3333-4444-555555555555");

        await flow.AssertViolatedAsync(FindingCode.ChainBroken);
    }

    [Fact]
    public async Task A_start_that_claims_to_have_read_something()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var count = (await flow.VerifyAsync()).CommitCount;
        await flow.EditLedgerAsync(count - 1, ledger => ledger.Partition(0)[2] = 3);

        await flow.AssertViolatedAsync(FindingCode.Start);
    }

    [Theory]
    [InlineData(-1, true)]
    [InlineData(1, false)]
    public async Task A_ledger_whose_newest_position_was_edited(int moved, bool isOffline)
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        flow.Produce(30, 10);
        var table = await flow.TableAsync();
        await flow.EditLedgerAsync(0, ledger =>
        {
            Assert.Equal(table.Metadata.CurrentSnapshotId.ToString(), table.Metadata.CurrentSnapshot!.Id.ToString());
            ledger.Partition(0).Add(2, moved);
        });

        await flow.AssertViolatedAsync(moved < 0 ? FindingCode.LastRecord : FindingCode.RecordCount, isOffline);
    }

    [Fact]
    public async Task A_newest_position_beyond_the_end_of_the_topic()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.EditLedgerAsync(0, ledger => ledger.Partition(1).Add(2, 1));

        await flow.AssertViolatedAsync(FindingCode.PositionBeyondEnd, isOffline: false);
    }

    [Fact]
    public async Task A_ledger_that_claims_more_records_than_offsets()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.EditLedgerAsync(await NewestWithRowsAsync(flow), ledger => ledger.Partition(0).Add(3, 1));

        await flow.AssertViolatedAsync(FindingCode.RecordsExceedRange);
        await flow.AssertViolatedAsync(FindingCode.BooksRecords);
    }

    [Fact]
    public async Task A_ledger_whose_range_ends_before_it_begins()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.EditLedgerAsync(await NewestWithRowsAsync(flow), ledger => ledger.Partition(0)[2] = 9);

        var violation = await flow.AssertViolatedAsync(FindingCode.PositionFell);

        Assert.Equal(("a position of at least 10", "position 9"), (violation.Expected, violation.Found));
    }

    [Fact]
    public async Task A_ledger_that_lost_a_partition()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.EditLedgerAsync(0, ledger => ledger["sources"]![0]!["partitions"]!.AsArray().RemoveAt(1));

        await flow.AssertViolatedAsync(FindingCode.PositionLost);
    }

    [Fact]
    public async Task A_lost_range_that_was_taken_out_of_the_ledger()
    {
        using var flow = new FlowHarness();
        flow.Overrides.Add("sources.src.on_lost_offsets=skip");
        await flow.ThreeCommitsAsync();
        flow.Produce(30, 20);
        flow.Topic.DeleteBefore(0, 18);
        await flow.CatchUpAsync();
        var back = (await flow.TableAsync()).Metadata.Lineage().ToList().FindIndex(snapshot => snapshot.Summary[TableTampering.LedgerKey].Contains("\"lost\":[", StringComparison.Ordinal));
        await flow.EditLedgerAsync(back, ledger => ledger.Remove("lost"));

        await flow.AssertViolatedAsync(FindingCode.LostRanges);
    }

    [Theory]
    [InlineData("epoch", FindingCode.EpochFell)]
    [InlineData("generation", FindingCode.GenerationFell)]
    public async Task An_epoch_or_generation_that_fell(string name, string code)
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.EditLedgerAsync(0, ledger => ledger[name] = 0);

        await flow.AssertViolatedAsync(code);
    }

    [Fact]
    public async Task A_topic_that_changed_without_a_reset()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.EditLedgerAsync(0, ledger => ledger["sources"]![0]!["topic_id"] = "topic-2");

        await flow.AssertViolatedAsync(FindingCode.TopicChanged);
    }

    [Fact]
    public async Task A_ledger_of_another_table()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.ChangeTableAsync(new TableUpdate.AssignUuid("0f0e0d0c-0000-4000-8000-000000000001"));

        await flow.AssertViolatedAsync(FindingCode.OtherTable);
    }

    [Fact]
    public async Task A_ledger_that_is_no_ledger()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.EditLedgerAsync(1, ledger => ledger.Remove("totals"));

        await flow.AssertViolatedAsync(FindingCode.LedgerUnreadable);
    }

    [Fact]
    public async Task A_copy_of_the_ledger_that_differs_from_it()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        await other.CatchUpAsync();
        await flow.EditLedgerAsync(0, ledger => ledger["at"] = 1);

        await flow.AssertViolatedAsync(FindingCode.CopyDiffers);
    }

    [Fact]
    public async Task A_removed_tag_is_warned_of()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshotRef("matih-orders-lake"));

        var verified = await flow.AssertProvenAsync();

        var warning = Assert.Single(verified.Findings.OfType<VerificationFinding.Warning>());
        Assert.Equal(FindingCode.TagMissing, warning.Code);
        Assert.Contains("its next commit sets the tag again", warning.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tag_that_was_given_an_age_is_warned_of()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.EditMetadataAsync(metadata => metadata["refs"]![LedgerKeys.Tag(new FlowName("orders", "lake"))]!["max-ref-age-ms"] = 1000);

        var verified = await flow.AssertProvenAsync(isOffline: true);

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.Warning { Code: FindingCode.TagAges });
        Assert.DoesNotContain(verified.Findings, finding => finding.Code == FindingCode.Tag);
    }

    [Fact]
    public async Task A_side_file_that_is_missing()
    {
        using var flow = new FlowHarness(partitionCount: 200);
        await flow.ThreeCommitsAsync();
        File.Delete(SideFiles(flow)[0]);

        await flow.AssertViolatedAsync(FindingCode.SideFileMissing);
    }

    [Fact]
    public async Task A_side_file_that_was_edited()
    {
        using var flow = new FlowHarness(partitionCount: 200);
        await flow.ThreeCommitsAsync();
        var file = SideFiles(flow)[^1];
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace("[[0,", "[[0, ", StringComparison.Ordinal));

        await flow.AssertViolatedAsync(FindingCode.SideFileAltered);
    }

    [Fact]
    public async Task A_commit_of_ours_that_was_cherry_picked()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var table = await flow.TableAsync();
        var (first, second) = (table.Metadata.Lineage().ElementAt(1).Id, table.Metadata.Lineage().First().Id);
        var files = (await flow.LiveFilesAsync()).ToList();
        await flow.RollBackAsync(first);
        var kept = (await flow.LiveFilesAsync()).Select(file => file.Path).ToHashSet();
        await flow.RegisterAsync([.. files.Where(file => !kept.Contains(file.Path))], ("source-snapshot-id", second.ToString()));

        var violation = await flow.AssertViolatedAsync(FindingCode.Reapplied);

        Assert.Contains($"it re-applies snapshot {second}, a commit of orders/lake", violation.Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cherry_pick_that_a_reset_answered_is_only_said()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var table = await flow.TableAsync();
        await flow.RollBackAsync(table.Metadata.Lineage().ElementAt(1).Id);
        await flow.RegisterAsync([], ("source-snapshot-id", table.Metadata.CurrentSnapshotId.ToString()!));
        await flow.CatchUpAsync(new OpenAnswers(Reset: true));

        var verified = await flow.AssertProvenAsync();

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.Warning { Code: FindingCode.Reapplied });
    }

    [Fact]
    public async Task A_table_that_was_rolled_back_to_before_the_first_commit()
    {
        using var flow = new FlowHarness();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        await other.CatchUpAsync();
        var before = await flow.HeadAsync();
        await flow.ThreeCommitsAsync();
        await flow.RollBackAsync(before);

        await flow.AssertViolatedAsync(FindingCode.LedgerGone);
    }

    [Fact]
    public async Task A_table_that_was_rolled_back_to_before_the_first_commit_and_lost_the_tag()
    {
        using var flow = new FlowHarness();
        using var other = flow.Another(new ScriptedTopic("shop.returns", 1), "returns");
        await other.CatchUpAsync();
        var before = await flow.HeadAsync();
        await flow.ThreeCommitsAsync();
        await flow.RollBackAsync(before);
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshotRef(LedgerKeys.Tag(new FlowName("orders", "lake"))));

        var violation = await flow.AssertViolatedAsync(FindingCode.LedgerGone);

        Assert.Contains("is a commit of it", violation.Expected, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_commit_whose_ledger_was_removed(int commitsBack)
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var commit = (await flow.TableAsync()).Metadata.Lineage().ElementAt(commitsBack).Id;
        await flow.EditSummaryAsync(commit, summary => summary.Remove(TableTampering.LedgerKey));

        var violation = await flow.AssertViolatedAsync(FindingCode.LedgerGone);

        Assert.Equal($"snapshot {commit}", violation.Object);
    }

    [Fact]
    public async Task A_newest_commit_that_was_made_to_look_like_one_of_another_engine()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var head = await flow.HeadAsync();
        await flow.EditSummaryAsync(head, summary =>
        {
            foreach (var key in summary.Select(pair => pair.Key).Where(key => key.StartsWith("matih.", StringComparison.Ordinal)).ToList()) summary.Remove(key);
        });

        var violation = await flow.AssertViolatedAsync(FindingCode.LedgerGone);

        Assert.Equal($"snapshot {head}", violation.Object);
        Assert.Contains("Do not run the pipeline", violation.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_snapshot_of_another_engine_that_repeats_the_summary_of_a_commit()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var head = (await flow.TableAsync()).Metadata.CurrentSnapshot!;
        await flow.CommitManifestsAsync("append", manifests => manifests, summary: [.. head.Summary.Where(pair => pair.Key != "operation").Select(pair => (pair.Key, pair.Value))]);

        await flow.AssertViolatedAsync(FindingCode.ChainBroken);
    }

    [Fact]
    public async Task Delete_files_that_were_put_into_a_commit_of_the_pipeline()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var table = await flow.TableAsync();
        var own = table.Metadata.CurrentSnapshot!;
        var path = $"{flow.TableFolder}/data/deletes.parquet";
        await File.WriteAllBytesAsync(path, new byte[100]);
        var writer = new ManifestWriter(table.Metadata.CurrentSchema, table.Metadata.DefaultSpec, [], ManifestContent.Deletes, own.Id);
        writer.Add(new DataFile { Content = FileContent.PositionDeletes, Path = path, SpecId = table.Metadata.DefaultSpecId, Partition = [], RecordCount = 1, FileSizeBytes = 100 });
        var manifest = await ManifestMerge.StoreAsync(table, writer, flow.Ids, default);
        await flow.EditListAsync(own.Id, manifests => manifests.Append(manifest with { SequenceNumber = own.SequenceNumber, MinSequenceNumber = own.SequenceNumber }));

        var violation = await flow.AssertViolatedAsync(FindingCode.BooksManifests);

        Assert.Equal(("no delete files, because the pipeline writes none", "its manifests list 1"), (violation.Expected, violation.Found));
    }

    [Fact]
    public async Task A_copied_folder_whose_metadata_names_the_files_of_the_original_is_warned_of()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.EditMetadataAsync(metadata => metadata["location"] = "/elsewhere/shop/orders");

        var verified = await flow.AssertProvenAsync(isOffline: true);

        var warning = Assert.Single(verified.Findings.OfType<VerificationFinding.Warning>());
        Assert.Equal(FindingCode.OtherFolder, warning.Code);
        Assert.Contains("/elsewhere/shop/orders", warning.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_on_a_copied_folder_is_refused_before_it_writes_into_the_other_one()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var other = Path.Combine(flow.Warehouse, "elsewhere/orders");
        await flow.EditMetadataAsync(metadata => metadata["location"] = other);

        var failure = await Assert.ThrowsAsync<PipelineException>(() => flow.CatchUpAsync());

        Assert.Equal(ExitCode.Refused, failure.ExitCode);
        Assert.Contains($"but its metadata says that it is in {other}", failure.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(other));
    }

    [Fact]
    public async Task A_folder_that_a_symbolic_link_names_is_no_copy()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var link = Path.Combine(flow.Warehouse, "link");
        Directory.CreateSymbolicLink(link, flow.TableFolder);
        await flow.EditMetadataAsync(metadata => metadata["location"] = link);

        await flow.CatchUpAsync();

        Assert.Empty((await flow.AssertProvenAsync(isOffline: true)).Findings.OfType<VerificationFinding.Warning>());
    }

    [Fact]
    public async Task A_table_that_was_dropped()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        flow.DropTable();

        var violation = await flow.AssertViolatedAsync(FindingCode.TableRecreated, isOffline: false);

        Assert.StartsWith("no such table", violation.Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manifest_of_the_current_snapshot_that_is_gone()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var table = await flow.TableAsync();
        File.Delete((await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default))[0].Path);

        await flow.AssertViolatedAsync(FindingCode.TableUnreadable);
    }

    [Fact]
    public async Task A_topic_that_was_created_anew()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        flow.Topic.Recreate(2, "topic-2");

        await flow.AssertViolatedAsync(FindingCode.OtherTopic, isOffline: false);
    }

    [Fact]
    public async Task A_topic_that_was_created_anew_and_refilled_where_its_id_is_not_told()
    {
        using var flow = new FlowHarness();
        flow.Topic.TopicId = null;
        await flow.ThreeCommitsAsync();
        flow.Topic.Recreate(2, null);
        flow.Produce(100, 60);

        await flow.AssertViolatedAsync(FindingCode.Fingerprint, isOffline: false);
    }

    [Fact]
    public async Task Offsets_that_the_topic_no_longer_holds_and_the_table_not_yet()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        flow.Produce(30, 20);
        flow.Topic.DeleteBefore(0, 18);

        var violation = await flow.AssertViolatedAsync(FindingCode.OffsetsLost, isOffline: false);

        Assert.Contains("offsets 15 to 17", violation.Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Records_that_a_client_passed_over()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Produce(0, 4);
        flow.Topic.AppendGap(0, 2);
        flow.Produce(4, 4);
        await flow.CatchUpAsync();
        flow.Topic.Fill(0, 4, """{"id": 99}""");

        var violation = await flow.AssertViolatedAsync(FindingCode.RecordCount, isOffline: false);

        Assert.Equal(("8 records in offsets 0 to 9, as its ledger says", "9 records in the topic"), (violation.Expected, violation.Found));
    }

    [Theory]
    [InlineData("[[0,3,5]]", "ranges with 2")]
    [InlineData("[[0,40,43]]", "offsets 40 to 42 of partition 0")]
    [InlineData("[[0,4,6],[0,3,4]]", "offset 3 of partition 0")]
    [InlineData("[[0,3,5,3]]", "3 records among offsets 3 to 4 of partition 0")]
    public async Task A_list_of_skipped_records_that_cannot_be(string ranges, string found)
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Overrides.AddRange(["sources.src.on_error=skip", "orchestration.checkpoint_interval=1h"]);
        flow.Produce(0, 3);
        for (var i = 0; i < 3; i++) flow.Topic.Append(0, "no json");
        flow.Produce(6, 3);
        await flow.CatchUpAsync();
        await flow.AssertProvenAsync(isOffline: true);

        await flow.EditLedgerAsync(0, ledger =>
        {
            Assert.Equal("[[0,3,6]]", ledger["skipped"]!["ranges"]!.ToJsonString());
            ledger["skipped"]!["ranges"] = JsonNode.Parse(ranges);
        });

        Assert.Equal(found, (await flow.AssertViolatedAsync(FindingCode.SkippedRanges)).Found);
    }

    [Fact]
    public async Task A_range_that_was_given_up_as_lost_and_that_the_topic_still_holds()
    {
        using var flow = new FlowHarness();
        flow.Overrides.Add("sources.src.on_lost_offsets=skip");
        await flow.ThreeCommitsAsync();
        flow.Produce(30, 20);
        flow.Topic.DeleteBefore(0, 18);
        await flow.CatchUpAsync();
        flow.Topic.DeleteBefore(0, 16);
        await flow.AssertProvenAsync();
        flow.Topic.Fill(0, 17, """{"id": 99}""");

        var violation = await flow.AssertViolatedAsync(FindingCode.LostStillHeld, isOffline: false);

        Assert.StartsWith("offsets 15 to 17 are gone from the topic", violation.Expected, StringComparison.Ordinal);
        Assert.Equal("the topic starts at offset 16 and holds a record at offset 17", violation.Found);
    }

    [Fact]
    public async Task A_partition_that_appeared_later_and_was_not_read_from_its_log_start()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        flow.Topic.AddPartitions(1);
        for (var id = 10; id < 20; id++) flow.Topic.Append(1, $$"""{"id": {{id}}}""");
        flow.Topic.DeleteBefore(1, 4);
        await flow.CatchUpAsync();
        flow.Topic.DeleteBefore(1, 2);
        await flow.AssertProvenAsync();
        flow.Topic.Fill(1, 3, """{"id": 99}""");

        var violation = await flow.AssertViolatedAsync(FindingCode.PartitionSkipped, isOffline: false);

        Assert.StartsWith("a first position of at most 2, the log start", violation.Expected, StringComparison.Ordinal);
        Assert.Equal("a first position of 4, and the topic holds a record at offset 3", violation.Found);
    }

    [Fact]
    public async Task A_topic_of_which_nothing_is_told_and_no_last_record_is_left_is_not_proved_to_be_the_same()
    {
        using var flow = new FlowHarness();
        (flow.Topic.ClusterId, flow.Topic.TopicId) = (null, null);
        await flow.ThreeCommitsAsync();
        for (var partition = 0; partition < 2; partition++) flow.Topic.Compact(partition, _ => true);

        var verified = await flow.VerifyAsync();

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.NotProvable { Code: FindingCode.Topic });
        Assert.DoesNotContain(verified.Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.Topic });
    }

    [Fact]
    public async Task A_recount_of_a_compacted_range_proves_nothing_about_it()
    {
        using var flow = new FlowHarness(partitionCount: 1);
        await flow.ThreeCommitsAsync();
        flow.Topic.Compact(0, 12);

        var verified = await flow.AssertProvenAsync();

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.RecordCount } counted && counted.Text.Contains("gave 20 records in 20 offsets", StringComparison.Ordinal));
        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.NotProvable { Code: FindingCode.RecordCount } left && left.Text.Contains("in 10 further offsets", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Kafka_that_does_not_answer_leaves_the_rest_verified()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        flow.OnSource = _ => throw new SourceException(SourceErrorKind.Unreachable, "no broker answers");

        var report = await flow.ReportAsync();

        Assert.Equal(ExitCode.Environment, report.ExitCode);
        Assert.Contains(report.Flows[0].Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.Files });
        Assert.Contains(report.Flows[0].Findings, finding => finding is VerificationFinding.Unreachable { Code: FindingCode.KafkaUnreachable });
    }

    [Fact]
    public async Task A_store_that_does_not_answer_is_no_violation()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        flow.Store.FailRead(".metadata.json");

        var report = await flow.ReportAsync(isOffline: true);

        Assert.Equal(ExitCode.Environment, report.ExitCode);
        Assert.Contains(report.Flows[0].Findings, finding => finding is VerificationFinding.Unreachable { Code: FindingCode.StoreUnreachable });
    }

    [Theory]
    [InlineData(".metadata.json")]
    [InlineData(".avro")]
    public async Task A_store_that_does_not_answer_where_Kafka_does_is_no_sign_of_a_table_created_again(string what)
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        Assert.NotNull(flow.Topic.GroupMark);
        flow.Store.FailRead(what);

        var report = await flow.ReportAsync();

        Assert.Equal(ExitCode.Environment, report.ExitCode);
        Assert.Empty(report.Flows[0].Violations);
    }

    [Fact]
    public async Task A_file_in_a_place_that_the_store_cannot_reach_is_no_crash()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.RegisterAsync([(await flow.LiveFilesAsync())[0] with { Path = "s3://bucket/a.parquet" }]);

        var report = await flow.ReportAsync();

        Assert.Equal(ExitCode.Environment, report.ExitCode);
        var unreachable = Assert.Single(report.Flows[0].Findings.OfType<VerificationFinding.Unreachable>());
        Assert.Contains("s3://bucket/a.parquet", unreachable.Text, StringComparison.Ordinal);
        Assert.Contains(report.Flows[0].Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.Topic });
    }

    [Fact]
    public async Task Bytes_that_were_changed_anywhere_in_the_table_are_no_crash()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var newest = (await flow.TableAsync()).MetadataLocation;
        string[][] kinds = [[newest], Files("*.avro"), Files("*.parquet")];
        for (var seed = 0; seed < 450; seed++)
        {
            var random = new Random(seed);
            var kind = kinds[seed % kinds.Length];
            var path = kind[random.Next(kind.Length)];
            var whole = await File.ReadAllBytesAsync(path);
            await File.WriteAllBytesAsync(path, Damaged(whole, random));

            var damaged = await Record.ExceptionAsync(() => flow.ReportAsync(isOffline: true));

            Assert.True(damaged is null, $"seed {seed}, {path}: {damaged}");
            await File.WriteAllBytesAsync(path, whole);
        }
        await flow.AssertProvenAsync(isOffline: true);

        string[] Files(string pattern) => [.. Directory.GetFiles(flow.TableFolder, pattern, SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
    }

    private static byte[] Damaged(byte[] whole, Random random)
    {
        var at = random.Next(whole.Length);
        if (random.Next(4) == 0) return whole[..at];
        var damaged = (byte[])whole.Clone();
        for (var i = at; i < Math.Min(at + random.Next(1, 9), damaged.Length); i++) damaged[i] = (byte)random.Next(256);
        return damaged;
    }

    [Fact]
    public async Task Verification_changes_nothing()
    {
        using var flow = new FlowHarness(partitionCount: 200);
        await flow.ThreeCommitsAsync();
        var group = flow.Topic.GroupMark;
        var before = FilesOf(flow);

        await flow.AssertProvenAsync();

        Assert.Equal(before, FilesOf(flow));
        Assert.Equal(group, flow.Topic.GroupMark);
    }

    private static (string, long, DateTime)[] FilesOf(FlowHarness flow) => [.. new DirectoryInfo(flow.Warehouse)
        .EnumerateFiles("*", SearchOption.AllDirectories).OrderBy(file => file.FullName, StringComparer.Ordinal).Select(file => (file.FullName, file.Length, file.LastWriteTimeUtc))];

    private static string[] SideFiles(FlowHarness flow) => [.. Directory.GetFiles($"{flow.Warehouse}/shop/_matih", "ledger-*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    /// <summary>How many commits of the flow lie above its newest one that read something.</summary>
    private static async Task<int> NewestWithRowsAsync(FlowHarness flow) =>
        (await flow.TableAsync()).Metadata.Lineage().ToList().FindIndex(snapshot => snapshot.Summary["added-records"] != "0");

    /// <summary>A Parquet file brought to a length: what lies between its data and its footer means nothing.</summary>
    private static byte[] Padded(byte[] file, int length)
    {
        var footerBytes = BitConverter.ToInt32(file.AsSpan(file.Length - 8, 4)) + 8;
        var padded = new byte[length];
        file.AsSpan(0, file.Length - footerBytes).CopyTo(padded);
        file.AsSpan(file.Length - footerBytes).CopyTo(padded.AsSpan(length - footerBytes));
        return padded;
    }
}
