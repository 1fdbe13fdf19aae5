using System.Text.Json.Nodes;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Engine.Tests.Delivery;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg;
using Matih.Verification;

namespace Matih.Engine.Tests.Verification;

/// <summary>Files of a flow that left the table: by compaction, by other engines' deletes, by replays, or by nobody's leave.</summary>
public sealed class RewrittenTableTests
{
    [Fact]
    public async Task A_compaction_that_kept_every_row_is_followed_to_its_own_files()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.RewriteAsync(await flow.LiveFilesAsync(), keepsRows: true, file => Copy(flow, file));
        flow.Produce(30, 10);
        await flow.CatchUpAsync();

        var verified = await flow.AssertProvenAsync();

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.Rewritten } rewritten && rewritten.Text.Contains("30 rows", StringComparison.Ordinal));
        Assert.All(verified.Findings, finding => Assert.IsType<VerificationFinding.Proved>(finding));
    }

    [Fact]
    public async Task A_file_that_a_compaction_made_and_somebody_deleted()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.RewriteAsync(await flow.LiveFilesAsync(), keepsRows: true, file => Copy(flow, file));
        var file = (await flow.LiveFilesAsync())[0];
        File.Delete(file.Path);

        var violation = await flow.AssertViolatedAsync(FindingCode.FileMissing);

        Assert.Equal(file.Path, violation.Object);
    }

    [Fact]
    public async Task A_file_that_a_compaction_made_and_that_vanished_from_the_manifests()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await flow.RewriteAsync(await flow.LiveFilesAsync(), keepsRows: true, file => Copy(flow, file));
        await flow.CommitManifestsAsync("append", manifests => manifests.Where(manifest => manifest.AddedFilesCount is not > 0));

        await flow.AssertViolatedAsync(FindingCode.FileUnlisted);
    }

    [Fact]
    public async Task A_compaction_that_lost_rows()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var files = await flow.LiveFilesAsync();
        await flow.RewriteAsync(files, keepsRows: true, file => file == files[0] ? null : Copy(flow, file));

        var violation = await flow.AssertViolatedAsync(FindingCode.RewriteRows);

        Assert.Equal(("30 rows, as many as it removed", "25 rows"), (violation.Expected, violation.Found));
    }

    [Fact]
    public async Task Rows_that_another_engine_deleted_are_said_and_no_violation()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var file = (await flow.LiveFilesAsync())[0];
        await flow.RewriteAsync([file], keepsRows: false, _ => null);

        var verified = await flow.AssertProvenAsync();

        var said = Assert.Single(verified.Findings.OfType<VerificationFinding.NotProvable>());
        Assert.Equal(FindingCode.RemovedByOthers, said.Code);
        Assert.Contains("(delete) removed 1 file with 5 rows of the flow", said.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_replay_is_proven_against_the_commits_that_it_replaced()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await ReplayByHandAsync(flow);
        flow.Produce(30, 10);
        await flow.CatchUpAsync();

        var verified = await flow.AssertProvenAsync();

        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.Replay });
        Assert.All(verified.Findings, finding => Assert.IsType<VerificationFinding.Proved>(finding));
        Assert.Equal(40, verified.Ledger!.Totals.AddedRowCount);
    }

    [Fact]
    public async Task A_replay_whose_manifests_have_expired_leaves_nothing_open_about_what_it_replaced()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await ReplayByHandAsync(flow);
        flow.Produce(30, 10);
        await flow.CatchUpAsync();
        var expired = (await flow.TableAsync()).Metadata.Lineage().Skip(1).ToList();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([.. expired.Select(snapshot => snapshot.Id)]));
        foreach (var snapshot in expired) File.Delete(snapshot.ManifestList!);

        var verified = await flow.AssertProvenAsync();

        Assert.DoesNotContain(verified.Findings, finding => finding is VerificationFinding.NotProvable);
    }

    [Fact]
    public async Task A_file_that_a_replay_replaced_and_that_is_still_listed()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        var before = await flow.LiveFilesAsync();
        await ReplayByHandAsync(flow);
        var replaced = before.Select(file => file.Path).Except((await flow.LiveFilesAsync()).Select(file => file.Path)).ToHashSet();
        var manifests = await ManifestsBeforeAsync(flow);
        await flow.CommitManifestsAsync("append", now => now.Concat(manifests.Where(manifest => now.All(other => other.Path != manifest.Path))));

        var violation = await flow.AssertViolatedAsync(FindingCode.Replay);

        Assert.Contains(violation.Object, replaced);
    }

    public static TheoryData<string> ReplayEdits => ["books", "range", "commit", "twice"];

    [Theory, MemberData(nameof(ReplayEdits))]
    public async Task A_replay_whose_ledger_was_edited(string edited)
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await ReplayByHandAsync(flow);
        await flow.EditLedgerAsync(0, ledger =>
        {
            var replay = ledger["replay"]!;
            if (edited == "books") replay["replaced"]!.Add("filtered", 1);
            else if (edited == "range") replay["ranges"]![0]!.AsArray().Add(2, 1);
            else if (edited == "commit") replay["commits"]![0] = "11111111-2222-3333-4444-555555555555";
            else replay["commits"]!.AsArray().Add((JsonNode)replay["commits"]![0]!.GetValue<string>());
        });

        await flow.AssertViolatedAsync(FindingCode.Replay);
    }

    [Fact]
    public async Task A_replay_that_took_out_less_than_it_read_again()
    {
        using var flow = new FlowHarness();
        await flow.ThreeCommitsAsync();
        await ReplayByHandAsync(flow, leavesOne: true);

        await flow.AssertViolatedAsync(FindingCode.Replay);
    }

    private static DataFile Copy(FlowHarness flow, DataFile file)
    {
        var path = $"{flow.TableFolder}/data/{flow.Ids.NewUuid():N}.parquet";
        File.Copy(file.Path, path);
        return file with { Path = path };
    }

    /// <summary>The newest commit with rows, replayed: its files leave the table, copies of them with the same rows come.</summary>
    private static async Task ReplayByHandAsync(FlowHarness flow, bool leavesOne = false)
    {
        var table = await flow.TableAsync();
        var standing = await flow.LedgerAsync();
        var snapshot = table.Metadata.Lineage().First(item => item.Summary["added-records"] != "0");
        var replayed = LedgerFormat.Read(snapshot.Summary[TableTampering.LedgerKey], null);
        var entries = new List<ManifestEntry>();
        foreach (var manifest in await SnapshotReader.ManifestsAsync(table, snapshot, default))
            entries.AddRange((await SnapshotReader.EntriesAsync(table, manifest, default)).Where(entry => entry.SnapshotId == snapshot.Id));
        var removed = entries.Select(entry => entry.File.Path).Skip(leavesOne ? 1 : 0);
        var change = await PreparedChange.PrepareAsync(
            table, [.. entries.Select(entry => Copy(flow, entry.File))], new FileRemoval([.. removed], KeepsRows: false), flow.Ids, default);
        var source = replayed.Sources[0];
        var ranges = source.Partitions.Where(entry => entry.RecordCount > 0)
            .Select(entry => new ReplayedRange(source.Name, entry.Partition, entry.FromOffset, entry.NextOffset, entry.RecordCount, entry.Last!.Value));
        var ledger = standing with
        {
            Commit = new CommitId(flow.Ids.NewUuid()),
            Base = standing.Commit,
            Epoch = standing.Epoch.Next(),
            Generation = standing.Generation + 1,
            IsOpen = false,
            Sources = [source with { Partitions = [.. standing.Sources[0].Partitions.Select(entry => entry.Unmoved())] }],
            Books = replayed.Books,
            Totals = standing.Totals,
            Replay = new ReplayLedger([replayed.Commit], [.. ranges], replayed.Books),
        };
        Assert.IsType<CommitOutcome.Committed>(await flow.OpenLedger().CommitAsync(new PreparedCommit(ledger, new IcebergChange(flow.OpenCatalog(null!, flow.Store), change, []), flow.Clock.GetUtcNow()), null, default));
    }

    /// <summary>The manifests of the snapshot before the current one.</summary>
    private static async Task<IReadOnlyList<ManifestFile>> ManifestsBeforeAsync(FlowHarness flow)
    {
        var table = await flow.TableAsync();
        return await SnapshotReader.ManifestsAsync(table, table.Metadata.Lineage().ElementAt(1), default);
    }
}
