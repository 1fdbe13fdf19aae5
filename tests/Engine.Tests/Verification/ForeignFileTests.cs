using System.Text.Json.Nodes;
using Matih.Engine.Tests.Delivery;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Verification;

namespace Matih.Engine.Tests.Verification;

/// <summary>Files and manifests of the table that other engines wrote: each is there, and none came or left without a snapshot that says so.</summary>
public sealed class ForeignFileTests
{
    [Fact]
    public async Task A_file_that_another_engine_appended_is_followed_and_cannot_be_distinguished_from_a_copy()
    {
        using var flow = await StartedAsync();
        await flow.RegisterAsync([Copy(flow, (await flow.LiveFilesAsync())[0])]);

        var verified = await flow.AssertProvenAsync();

        var said = Assert.Single(verified.Findings.OfType<VerificationFinding.NotProvable>());
        Assert.Equal(FindingCode.AddedByOthers, said.Code);
        Assert.Equal("That no row of the flow is there a second time among the 5 rows of 1 file that hold rows which other engines added.", said.Text);
        var listing = Assert.Single(verified.Findings.OfType<VerificationFinding.Proved>(), finding => finding.Code == FindingCode.Listing);
        Assert.EndsWith("and nothing else is listed: 35 rows in 7 files.", listing.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_another_engine_appended_and_that_is_gone_from_the_store()
    {
        using var flow = await StartedAsync();
        var file = Copy(flow, (await flow.LiveFilesAsync())[0]);
        await flow.RegisterAsync([file]);
        File.Delete(file.Path);

        var violation = await flow.AssertViolatedAsync(FindingCode.FileMissing);

        Assert.Equal((file.Path, "no such file"), (violation.Object, violation.Found));
        Assert.DoesNotContain("let the pipeline read", violation.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_another_engine_appended_and_that_was_cut_short()
    {
        using var flow = await StartedAsync();
        var file = Copy(flow, (await flow.LiveFilesAsync())[0]);
        await flow.RegisterAsync([file]);
        await File.WriteAllBytesAsync(file.Path, (await File.ReadAllBytesAsync(file.Path))[..^3]);

        var violation = await flow.AssertViolatedAsync(FindingCode.FileLength);

        Assert.Equal(file.Path, violation.Object);
    }

    [Fact]
    public async Task A_file_of_a_copy_on_write_that_is_gone_from_the_store()
    {
        using var flow = await StartedAsync();
        await CopyOnWriteAsync(flow);
        var file = (await flow.LiveFilesAsync()).Single(live => live.Path.EndsWith("-copy.parquet", StringComparison.Ordinal));
        File.Delete(file.Path);

        var violation = await flow.AssertViolatedAsync(FindingCode.FileMissing);

        Assert.Equal(file.Path, violation.Object);
    }

    [Fact]
    public async Task A_file_of_a_copy_on_write_that_vanished_from_the_manifests()
    {
        using var flow = await StartedAsync();
        await CopyOnWriteAsync(flow);
        var head = await flow.HeadAsync();
        await flow.CommitManifestsAsync("append", manifests => manifests.Where(manifest => manifest.AddedSnapshotId != head || manifest.AddedFilesCount == 0));

        var violation = await flow.AssertViolatedAsync(FindingCode.FileUnlisted);

        Assert.EndsWith("-copy.parquet", violation.Object, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_of_another_engine_that_vanished_from_the_manifests_at_the_next_commit_of_the_pipeline()
    {
        using var flow = await StartedAsync();
        var file = Copy(flow, (await flow.LiveFilesAsync())[0]);
        await flow.RegisterAsync([file]);
        var foreign = await flow.HeadAsync();
        flow.Produce(30, 10);
        await flow.CatchUpAsync();
        await flow.EditListAsync(await flow.HeadAsync(), manifests => manifests.Where(manifest => manifest.AddedSnapshotId != foreign));

        var violation = await flow.AssertViolatedAsync(FindingCode.FileUnlisted);

        Assert.Equal(file.Path, violation.Object);
    }

    [Fact]
    public async Task A_foreign_commit_whose_manifest_left_its_own_list()
    {
        using var flow = await StartedAsync();
        await flow.RegisterAsync([Copy(flow, (await flow.LiveFilesAsync())[0])]);
        var foreign = await flow.HeadAsync();
        await flow.EditListAsync(foreign, manifests => manifests.Where(manifest => manifest.AddedSnapshotId != foreign));

        var violation = await flow.AssertViolatedAsync(FindingCode.SnapshotSummary);

        Assert.StartsWith("5 rows in 1 file added", violation.Expected, StringComparison.Ordinal);
        Assert.StartsWith("0 rows in 0 files added", violation.Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_foreign_commit_that_lists_more_than_its_summary_says_is_warned_of()
    {
        using var flow = await StartedAsync();
        await flow.RegisterAsync([Copy(flow, (await flow.LiveFilesAsync())[0])]);
        var foreign = await flow.HeadAsync();
        await flow.EditMetadataAsync(metadata => Snapshot(metadata, foreign)["summary"]!["added-records"] = "4");

        var verified = await flow.VerifyAsync(isOffline: true);

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.Warning { Code: FindingCode.SnapshotSummary });
        Assert.DoesNotContain(verified.Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.Listing });
        Assert.Empty(verified.Violations);
    }

    [Fact]
    public async Task A_snapshot_that_somebody_edited_out_of_the_history_while_its_files_stay_listed()
    {
        using var flow = await StartedAsync();
        var file = Copy(flow, (await flow.LiveFilesAsync())[0]);
        await flow.RegisterAsync([file]);
        var foreign = await flow.HeadAsync();
        flow.Produce(30, 10);
        await flow.CatchUpAsync();
        await flow.EditMetadataAsync(metadata =>
        {
            var parent = Snapshot(metadata, foreign)["parent-snapshot-id"]!.GetValue<long>();
            foreach (var snapshot in metadata["snapshots"]!.AsArray())
                if (snapshot!["parent-snapshot-id"]?.GetValue<long>() == foreign.Value) snapshot["parent-snapshot-id"] = parent;
        });

        var violation = await flow.AssertViolatedAsync(FindingCode.FileUnexplained);

        Assert.Equal(file.Path, violation.Object);
    }

    [Fact]
    public async Task A_vanished_file_that_was_added_again_as_the_remedy_says()
    {
        using var flow = await StartedAsync();
        var before = await flow.LiveFilesAsync();
        await flow.CommitManifestsAsync("append", manifests => manifests.Skip(1));
        await flow.AssertViolatedAsync(FindingCode.FileUnlisted);
        var now = (await flow.LiveFilesAsync()).Select(file => file.Path).ToHashSet();
        await flow.RegisterAsync([.. before.Where(file => !now.Contains(file.Path))]);

        await flow.AssertProvenAsync();
    }

    [Fact]
    public async Task More_files_gone_than_the_expired_snapshots_say_that_they_removed()
    {
        using var flow = await StartedAsync();
        var files = await flow.LiveFilesAsync();
        await flow.RewriteAsync([files[0]], keepsRows: false, _ => null);
        var expired = new List<Snapshot> { (await flow.TableAsync()).Metadata.CurrentSnapshot! };
        await flow.CommitManifestsAsync("append", manifests => manifests.Take(1));
        expired.Add((await flow.TableAsync()).Metadata.CurrentSnapshot!);
        await flow.ForeignAppendAsync();
        await ExpireAsync(flow, expired);

        var violation = await flow.AssertViolatedAsync(FindingCode.FileUnlisted);

        Assert.StartsWith("at most 1 file removed by the snapshots whose manifests have expired", violation.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public async Task As_many_files_gone_as_an_expired_snapshot_says_that_it_removed_are_only_said()
    {
        using var flow = await StartedAsync();
        await flow.RewriteAsync([(await flow.LiveFilesAsync())[0]], keepsRows: false, _ => null);
        var expired = (await flow.TableAsync()).Metadata.CurrentSnapshot!;
        await flow.ForeignAppendAsync();
        await ExpireAsync(flow, [expired]);

        var verified = await flow.AssertProvenAsync(isOffline: true);

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.NotProvable { Code: FindingCode.FileUnlisted });
    }

    [Fact]
    public async Task A_file_whose_snapshot_has_expired_may_hold_rows_of_another_engine()
    {
        using var flow = await StartedAsync();
        await flow.RegisterAsync([Copy(flow, (await flow.LiveFilesAsync())[0])]);
        await flow.RewriteAsync(await flow.LiveFilesAsync(), keepsRows: true, file => Copy(flow, file));
        await flow.ForeignAppendAsync();
        await ExpireAsync(flow, [.. (await flow.TableAsync()).Metadata.Lineage().Skip(1).Take(2)]);

        var verified = await flow.AssertProvenAsync();

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.NotProvable { Code: FindingCode.AddedByOthers } said
            && said.Text.EndsWith("7 files that hold or may hold rows which other engines added.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_manifest_that_is_gone_is_one_violation_however_many_snapshots_list_it()
    {
        using var flow = await StartedAsync();
        var oldest = await OldestManifestAsync(flow);
        File.Delete(oldest.Path);

        var verified = await flow.VerifyAsync(isOffline: true);

        var violation = Assert.Single(verified.Violations);
        Assert.Equal(FindingCode.TableUnreadable, violation.Code);
        Assert.Contains(oldest.Path, violation.Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_merged_manifest_of_older_snapshots_that_is_gone_is_one_violation()
    {
        using var flow = await StartedAsync();
        var oldest = await OldestManifestAsync(flow);
        await flow.RewriteAsync(await flow.LiveFilesAsync(), keepsRows: true, file => Copy(flow, file));
        File.Delete(oldest.Path);

        var verified = await flow.VerifyAsync(isOffline: true);

        Assert.Equal(FindingCode.SnapshotUnreadable, Assert.Single(verified.Violations).Code);
    }

    [Fact]
    public async Task A_file_that_was_listed_twice_and_that_a_compaction_removed_is_settled()
    {
        using var flow = await StartedAsync();
        var file = (await flow.LiveFilesAsync())[0];
        await flow.RegisterAsync([file]);
        await flow.AssertViolatedAsync(FindingCode.FileDoubled);
        await flow.RewriteAsync([file], keepsRows: false, listed => Copy(flow, listed));

        var verified = await flow.VerifyAsync(isOffline: true);

        Assert.Empty(verified.Violations);
    }

    [Fact]
    public async Task A_manifest_list_of_a_snapshot_that_has_not_expired_and_is_gone()
    {
        using var flow = await StartedAsync();
        var older = (await flow.TableAsync()).Metadata.Lineage().ElementAt(1);
        File.Delete(older.ManifestList!);

        var violation = await flow.AssertViolatedAsync(FindingCode.SnapshotUnreadable);

        Assert.StartsWith($"snapshot {older.Id} (append)", violation.Object, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_manifest_that_is_not_the_one_which_its_list_describes(bool hasOtherLength)
    {
        using var flow = await StartedAsync();
        await flow.EditListAsync(await flow.HeadAsync(), manifests => manifests.Select((manifest, i) => i > 0 ? manifest
            : hasOtherLength ? manifest with { LengthBytes = manifest.LengthBytes + 1 } : manifest with { AddedFilesCount = manifest.AddedFilesCount + 1 }));

        await flow.AssertViolatedAsync(FindingCode.ManifestAltered);
    }

    [Fact]
    public async Task A_manifest_of_data_files_that_its_list_calls_one_of_delete_files()
    {
        using var flow = await StartedAsync();
        await flow.EditListAsync(await flow.HeadAsync(), manifests => manifests.Select((manifest, i) => i > 0 ? manifest : manifest with { Content = ManifestContent.Deletes }));

        var violation = await flow.AssertViolatedAsync(FindingCode.ManifestAltered);

        Assert.StartsWith("delete files", violation.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_another_engine_lists_again_in_another_spelling()
    {
        using var flow = await StartedAsync();
        var file = (await flow.LiveFilesAsync())[0];
        await flow.RegisterAsync([file with { Path = $"file://{file.Path.Replace("/data/", "/./data//", StringComparison.Ordinal)}" }]);

        var violation = await flow.AssertViolatedAsync(FindingCode.FileDoubled);

        Assert.Equal(file.Path, violation.Object);
    }

    [Fact]
    public async Task A_delete_file_that_is_gone_from_the_store()
    {
        using var flow = await StartedAsync();
        var delete = await AddDeleteFileAsync(flow);
        var proven = await flow.AssertProvenAsync();
        File.Delete(delete.Path);

        var violation = await flow.AssertViolatedAsync(FindingCode.FileMissing);

        Assert.Equal(delete.Path, violation.Object);
        Assert.Contains("and 1 delete file", Assert.Single(proven.Findings.OfType<VerificationFinding.Proved>(), finding => finding.Code == FindingCode.Files).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_delete_file_that_vanished_from_the_manifests()
    {
        using var flow = await StartedAsync();
        var delete = await AddDeleteFileAsync(flow);
        await flow.CommitManifestsAsync("append", manifests => manifests.Where(manifest => manifest.Content == ManifestContent.Data));

        var violation = await flow.AssertViolatedAsync(FindingCode.DeleteFileUnlisted);

        Assert.Equal(delete.Path, violation.Object);
    }

    [Fact]
    public async Task A_delete_file_that_left_the_list_of_the_snapshot_which_added_it()
    {
        using var flow = await StartedAsync();
        await AddDeleteFileAsync(flow, ("added-delete-files", "1"));
        await flow.EditListAsync(await flow.HeadAsync(), manifests => manifests.Where(manifest => manifest.Content == ManifestContent.Data));

        var violation = await flow.AssertViolatedAsync(FindingCode.SnapshotSummary);

        Assert.StartsWith("0 rows in 0 files and 1 delete file added", violation.Expected, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_delete_file_that_left_the_list_of_the_first_snapshot_that_has_not_expired()
    {
        using var flow = await StartedAsync();
        await AddDeleteFileAsync(flow, ("total-data-files", "6"), ("total-records", "30"), ("total-delete-files", "1"));
        await ExpireAsync(flow, [.. (await flow.TableAsync()).Metadata.Lineage().Skip(1)]);
        await flow.AssertProvenAsync();
        await flow.EditListAsync(await flow.HeadAsync(), manifests => manifests.Where(manifest => manifest.Content == ManifestContent.Data));

        var violation = await flow.AssertViolatedAsync(FindingCode.TableTotals);

        Assert.Equal(("30 rows in 6 files and 1 delete file, as its summary says", "30 rows in 6 files in its manifests"), (violation.Expected, violation.Found));
    }

    [Fact]
    public async Task Totals_that_are_wrong_although_every_file_was_followed_are_warned_of()
    {
        using var flow = await StartedAsync();
        var head = await flow.HeadAsync();
        await flow.EditMetadataAsync(metadata => Snapshot(metadata, head)["summary"]!["total-records"] = "31");

        var verified = await flow.AssertProvenAsync(isOffline: true);

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.Warning { Code: FindingCode.TableTotals });
    }

    [Fact]
    public async Task A_snapshot_that_expires_while_it_is_looked_at_is_looked_at_again()
    {
        using var flow = await StartedAsync();
        var older = (await flow.TableAsync()).Metadata.Lineage().ElementAt(1);
        flow.Store.BeforeRead(Path.GetFileName(older.ManifestList!), () => ExpireAsync(flow, [older]));

        var verified = await flow.AssertProvenAsync();

        Assert.Null((await flow.TableAsync()).Metadata.FindSnapshot(older.Id));
        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.Books } books && books.Text.StartsWith("All files of 1 further commit, whose manifests have expired", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_current_snapshot_that_is_replaced_and_expires_while_it_is_looked_at_is_looked_at_again()
    {
        using var flow = await StartedAsync();
        var head = (await flow.TableAsync()).Metadata.CurrentSnapshot!;
        flow.Store.BeforeRead(Path.GetFileName(head.ManifestList!), async () =>
        {
            await flow.ForeignAppendAsync();
            await ExpireAsync(flow, [head]);
        });

        await flow.AssertProvenAsync();
    }

    private static async Task<FlowHarness> StartedAsync()
    {
        var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        return flow;
    }

    private static DataFile Copy(FlowHarness flow, DataFile file)
    {
        var path = $"{flow.TableFolder}/data/{flow.Ids.NewUuid():N}-copy.parquet";
        File.Copy(file.Path, path);
        return file with { Path = path };
    }

    private static async Task CopyOnWriteAsync(FlowHarness flow) => await flow.RewriteAsync([(await flow.LiveFilesAsync())[0]], keepsRows: false, file => Copy(flow, file));

    private static async Task ExpireAsync(FlowHarness flow, IReadOnlyList<Snapshot> snapshots)
    {
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([.. snapshots.Select(snapshot => snapshot.Id)]));
        foreach (var snapshot in snapshots) File.Delete(snapshot.ManifestList!);
    }

    private static JsonNode Snapshot(JsonObject metadata, SnapshotId id) => metadata["snapshots"]!.AsArray().Single(item => item!["snapshot-id"]!.GetValue<long>() == id.Value)!;

    /// <summary>The oldest manifest in the current list; it lists files of the flow's first commit with rows.</summary>
    private static async Task<ManifestFile> OldestManifestAsync(FlowHarness flow)
    {
        var table = await flow.TableAsync();
        return (await SnapshotReader.ManifestsAsync(table, table.Metadata.CurrentSnapshot!, default)).MinBy(manifest => manifest.SequenceNumber)!;
    }

    /// <summary>A position delete file with one entry; what is in it, verification does not read.</summary>
    private static async Task<DataFile> AddDeleteFileAsync(FlowHarness flow, params (string Key, string Value)[] summary)
    {
        var table = await flow.TableAsync();
        var path = $"{flow.TableFolder}/data/deletes.parquet";
        await File.WriteAllBytesAsync(path, new byte[100]);
        var spec = table.Metadata.DefaultSpec;
        var id = new SnapshotId(flow.Ids.NewSnapshotId());
        var writer = new ManifestWriter(table.Metadata.CurrentSchema, spec, [], ManifestContent.Deletes, id);
        var file = new DataFile { Content = FileContent.PositionDeletes, Path = path, SpecId = spec.SpecId, Partition = [], RecordCount = 1, FileSizeBytes = 100 };
        writer.Add(file);
        var manifest = await ManifestMerge.StoreAsync(table, writer, flow.Ids, default);
        await flow.CommitManifestsAsync("delete", manifests => manifests.Append(manifest), id, summary);
        return file;
    }
}
