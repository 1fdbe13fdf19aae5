using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Matih.Delivery;
using Matih.Engine.Tests.Delivery;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Verification;

namespace Matih.Engine.Tests.Verification;

/// <summary>Verifies a harness's table, and does to it what nobody should do.</summary>
internal static class TableTampering
{
    public const string LedgerKey = "matih.ledger.orders/lake";

    public static async Task<VerificationReport> ReportAsync(this FlowHarness flow, bool isOffline = false, bool countsAll = true) =>
        await new PipelineVerifier(flow).VerifyAsync(flow.Plan(), new VerificationRequest(isOffline, !isOffline && countsAll), default);

    public static async Task<FlowVerification> VerifyAsync(this FlowHarness flow, bool isOffline = false, bool countsAll = true) =>
        Assert.Single((await flow.ReportAsync(isOffline, countsAll)).Flows);

    /// <summary>Asserts that the flow's table has no violation and its history is proven.</summary>
    public static async Task<FlowVerification> AssertProvenAsync(this FlowHarness flow, bool isOffline = false)
    {
        var report = await flow.ReportAsync(isOffline);
        var verified = Assert.Single(report.Flows);
        Assert.Empty(verified.Violations);
        Assert.Equal(ExitCode.Done, report.ExitCode);
        Assert.Contains(verified.Findings, finding => finding is VerificationFinding.Proved { Code: FindingCode.History });
        return verified;
    }

    /// <summary>Asserts that verification ends with 5 and that kind of violation, whether Kafka is asked or not.</summary>
    public static async Task<VerificationFinding.Violation> AssertViolatedAsync(this FlowHarness flow, string code, bool isOffline = true)
    {
        var report = await flow.ReportAsync(isOffline);
        Assert.Equal(ExitCode.Refused, report.ExitCode);
        var violations = report.Flows.SelectMany(found => found.Violations).ToList();
        Assert.True(violations.Any(violation => violation.Code == code), $"expected {code}, found {string.Join("; ", violations)}");
        foreach (var found in report.Flows) AssertNothingViolatedIsProved(found);
        return violations.First(violation => violation.Code == code);
    }

    /// <summary>What a violation takes back, by the text of its proof: written down here a second time, apart from the engine's own list.</summary>
    public static IReadOnlyDictionary<string, string[]> TakenBack { get; } = new Dictionary<string, string[]>
    {
        [FindingCode.LedgerUnreadable] = [FindingCode.History, FindingCode.Adopted],
        [FindingCode.SideFileMissing] = [FindingCode.History, FindingCode.SideFile],
        [FindingCode.SideFileAltered] = [FindingCode.History, FindingCode.SideFile],
        [FindingCode.OtherTable] = [FindingCode.History],
        [FindingCode.ChainBroken] = [FindingCode.History, FindingCode.Adopted],
        [FindingCode.CopyDiffers] = [FindingCode.History],
        [FindingCode.Reapplied] = [FindingCode.History],
        [FindingCode.Start] = [FindingCode.History],
        [FindingCode.Gap] = [FindingCode.History],
        [FindingCode.Overlap] = [FindingCode.History],
        [FindingCode.PositionFell] = [FindingCode.History],
        [FindingCode.PositionLost] = [FindingCode.History],
        [FindingCode.TopicChanged] = [FindingCode.History],
        [FindingCode.LostRanges] = [FindingCode.History],
        [FindingCode.SkippedRanges] = [FindingCode.History],
        [FindingCode.RecordsExceedRange] = [FindingCode.History],
        [FindingCode.LastRecord] = [FindingCode.History],
        [FindingCode.EpochFell] = [FindingCode.History],
        [FindingCode.GenerationFell] = [FindingCode.History],
        [FindingCode.BooksRecords] = [FindingCode.History],
        [FindingCode.BooksRows] = [FindingCode.History],
        [FindingCode.Totals] = [FindingCode.History],
        [FindingCode.Replay] = [FindingCode.History, FindingCode.Replay, FindingCode.Listing],
        [FindingCode.BooksManifests] = [FindingCode.Books],
        [FindingCode.BooksSummary] = [FindingCode.Books],
        [FindingCode.FileMissing] = [FindingCode.Files],
        [FindingCode.FileLength] = [FindingCode.Files],
        [FindingCode.FileRows] = [FindingCode.Files],
        [FindingCode.FileUnreadable] = [FindingCode.Files],
        [FindingCode.FileDoubled] = [FindingCode.Listing],
        [FindingCode.FileUnlisted] = [FindingCode.Listing],
        [FindingCode.FileUnexplained] = [FindingCode.Listing],
        [FindingCode.DeleteFileUnlisted] = [FindingCode.Listing],
        [FindingCode.TableTotals] = [FindingCode.Listing],
        [FindingCode.SnapshotSummary] = [FindingCode.Listing, FindingCode.Rewritten],
        [FindingCode.SnapshotUnreadable] = [FindingCode.Listing, FindingCode.Books, FindingCode.Rewritten],
        [FindingCode.ManifestAltered] = [FindingCode.Listing],
        [FindingCode.RewriteRows] = [FindingCode.Rewritten, FindingCode.RewrittenContent],
        [FindingCode.TableUnreadable] = [FindingCode.Listing, FindingCode.Files],
        [FindingCode.LedgerGone] = [FindingCode.History],
        [FindingCode.TableRecreated] = [FindingCode.NeverRun],
        [FindingCode.OtherTopic] = [FindingCode.Topic],
        [FindingCode.PositionBeyondEnd] = [FindingCode.Topic],
        [FindingCode.OffsetsLost] = [FindingCode.Topic],
        [FindingCode.LostStillHeld] = [FindingCode.Topic, FindingCode.History],
        [FindingCode.PartitionSkipped] = [FindingCode.Topic, FindingCode.History],
        [FindingCode.Fingerprint] = [FindingCode.Topic],
        [FindingCode.RecordCount] = [FindingCode.RecordCount],
    };

    private static void AssertNothingViolatedIsProved(FlowVerification found)
    {
        var proved = found.Findings.OfType<VerificationFinding.Proved>().Select(finding => finding.Code).ToHashSet();
        foreach (var violation in found.Violations)
            Assert.DoesNotContain(TakenBack[violation.Code], proved.Contains);
    }

    /// <summary>Rewrites the manifest list of a snapshot in place.</summary>
    public static async Task EditListAsync(this FlowHarness flow, SnapshotId snapshotId, Func<IReadOnlyList<ManifestFile>, IEnumerable<ManifestFile>> choose)
    {
        var table = await flow.TableAsync();
        var snapshot = table.Metadata.FindSnapshot(snapshotId)!;
        var manifests = choose(await SnapshotReader.ManifestsAsync(table, snapshot, default)).ToList();
        await File.WriteAllBytesAsync(snapshot.ManifestList!, ManifestListFile.Write(manifests, snapshot.Id, snapshot.ParentId, snapshot.SequenceNumber, Guid.NewGuid()));
    }

    /// <summary>Takes files out and puts others in their place, as another engine does; null adds nothing for a file.</summary>
    public static async Task RewriteAsync(this FlowHarness flow, IReadOnlyList<DataFile> files, bool keepsRows, Func<DataFile, DataFile?> replace)
    {
        var table = await flow.TableAsync();
        var change = await PreparedChange.PrepareAsync(
            table, [.. files.Select(replace).OfType<DataFile>()], new FileRemoval([.. files.Select(file => file.Path)], keepsRows), flow.Ids, default);
        var attempt = Assert.IsType<ChangeAttempt.Ready>(await change.AttemptAsync(
            table, table.Metadata.NextTimestampMillis(flow.Clock.GetUtcNow()), ImmutableDictionary<string, string>.Empty, [], default));
        Assert.IsType<CommitResult.Committed>(await flow.Catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, default));
    }

    /// <summary>Three commits of ten records each, after the start: two files to a commit, because each lane writes its own.</summary>
    public static async Task ThreeCommitsAsync(this FlowHarness flow)
    {
        flow.Definition = flow.Definition.Replace("mode: append }", "mode: append, properties: { write.distribution-mode: none } }", StringComparison.Ordinal);
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        for (var round = 0; round < 3; round++)
        {
            flow.Produce(round * 10, 10);
            await flow.CatchUpAsync();
        }
    }

    /// <summary>Rewrites the newest metadata file in place.</summary>
    public static async Task EditMetadataAsync(this FlowHarness flow, Action<JsonObject> edit)
    {
        var path = (await flow.TableAsync()).MetadataLocation;
        var metadata = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        edit(metadata);
        await File.WriteAllTextAsync(path, metadata.ToJsonString());
    }

    /// <summary>Edits the summary of a snapshot in the metadata file.</summary>
    public static Task EditSummaryAsync(this FlowHarness flow, SnapshotId snapshotId, Action<JsonObject> edit) =>
        flow.EditMetadataAsync(metadata => edit(metadata["snapshots"]!.AsArray().Single(item => item!["snapshot-id"]!.GetValue<long>() == snapshotId.Value)!["summary"]!.AsObject()));

    /// <summary>Expires every snapshot that no ref names, and takes the parents out of those that stay, as PyIceberg does.</summary>
    public static async Task ExpireWithoutParentsAsync(this FlowHarness flow)
    {
        var metadata = (await flow.TableAsync()).Metadata;
        var gone = metadata.Snapshots.Select(snapshot => snapshot.Id).Except(metadata.Refs.Values.Select(named => named.SnapshotId)).ToHashSet();
        await flow.ChangeTableAsync(new TableUpdate.RemoveSnapshots([.. gone]));
        await flow.EditMetadataAsync(json =>
        {
            foreach (var snapshot in json["snapshots"]!.AsArray())
                if (snapshot!["parent-snapshot-id"]?.GetValue<long>() is { } parent && gone.Contains(new SnapshotId(parent))) snapshot.AsObject().Remove("parent-snapshot-id");
        });
    }

    /// <summary>Edits the ledger of one of the flow's commits, counted back from the newest, in the metadata file.</summary>
    public static async Task EditLedgerAsync(this FlowHarness flow, int commitsBack, Action<JsonObject> edit)
    {
        var snapshot = (await flow.TableAsync()).Metadata.Lineage().Where(item => item.Summary.GetValueOrDefault("matih.writer") == "orders/lake").ElementAt(commitsBack);
        await flow.EditMetadataAsync(metadata =>
        {
            var summary = metadata["snapshots"]!.AsArray().Single(item => item!["snapshot-id"]!.GetValue<long>() == snapshot.Id.Value)!["summary"]!;
            var ledger = JsonNode.Parse(summary[LedgerKey]!.GetValue<string>())!.AsObject();
            edit(ledger);
            summary[LedgerKey] = ledger.ToJsonString();
        });
    }

    /// <summary>The array of a partition in a ledger's JSON.</summary>
    public static JsonArray Partition(this JsonObject ledger, int partition) => ledger["sources"]![0]!["partitions"]![partition]!.AsArray();

    public static void Add(this JsonNode parent, string name, long more) => parent[name] = parent[name]!.GetValue<long>() + more;

    public static void Add(this JsonArray entry, int index, long more) => entry[index] = entry[index]!.GetValue<long>() + more;

    /// <summary>The live data files with what their manifests say.</summary>
    public static async Task<IReadOnlyList<DataFile>> LiveFilesAsync(this FlowHarness flow)
    {
        var table = await flow.TableAsync();
        return await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default);
    }

    /// <summary>A snapshot of the manifests given, as an engine with a bug would commit it.</summary>
    public static async Task CommitManifestsAsync(
        this FlowHarness flow, string operation, Func<IReadOnlyList<ManifestFile>, IEnumerable<ManifestFile>> choose, SnapshotId? snapshotId = null,
        params (string Key, string Value)[] summary)
    {
        var table = await flow.TableAsync();
        var head = table.Metadata.CurrentSnapshot!;
        var id = snapshotId ?? new SnapshotId(flow.Ids.NewSnapshotId());
        var sequence = table.Metadata.LastSequenceNumber + 1;
        var list = $"{flow.TableFolder}/metadata/snap-{id}.avro";
        var manifests = choose(await SnapshotReader.ManifestsAsync(table, head, default)).ToList();
        await File.WriteAllBytesAsync(list, ManifestListFile.Write(manifests, id, head.Id, sequence, Guid.NewGuid()));
        var snapshot = new Snapshot(id, head.Id, sequence, table.Metadata.NextTimestampMillis(flow.Clock.GetUtcNow()), list,
            new Dictionary<string, string>(summary.Select(pair => KeyValuePair.Create(pair.Key, pair.Value))) { ["operation"] = operation }, table.Metadata.CurrentSchemaId);
        await flow.ChangeTableAsync(new TableUpdate.AddSnapshot(snapshot), new TableUpdate.SetSnapshotRef(SnapshotRef.Main, new SnapshotRef(id, SnapshotRefKind.Branch)));
    }

    /// <summary>Adds files in a snapshot that says nothing of us.</summary>
    public static async Task RegisterAsync(this FlowHarness flow, IReadOnlyList<DataFile> files, params (string Key, string Value)[] summary)
    {
        var table = await flow.TableAsync();
        var append = await PreparedChange.PrepareAsync(table, files, flow.Ids, default);
        var attempt = Assert.IsType<ChangeAttempt.Ready>(await append.AttemptAsync(
            table, table.Metadata.NextTimestampMillis(flow.Clock.GetUtcNow()), summary.ToDictionary(pair => pair.Key, pair => pair.Value), [], default));
        Assert.IsType<CommitResult.Committed>(await flow.Catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, default));
    }
}
