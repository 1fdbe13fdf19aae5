using Matih.Delivery;
using Matih.Delivery.Ledgers;
using Matih.Iceberg.Catalogs;
using Matih.Kafka;
using Matih.Planning;
using Matih.Storage;

namespace Matih.Verification;

/// <summary>
/// Proves from a pipeline's tables that every record is in them exactly once, as far as the tables and Kafka still tell.
/// Only reads: it disturbs neither a running pipeline nor the table, stores no offsets and reads no rows.
/// </summary>
public sealed class PipelineVerifier(IConnectors connectors)
{
    /// <summary>Another engine may replace files or expire snapshots while they are looked at; what was found then is looked at again this often.</summary>
    private const int LookCountMax = 5;

    /// <summary>The records that are fetched for a comparison need no more.</summary>
    private const long QueueBytes = 8L << 20;

    public async Task<VerificationReport> VerifyAsync(IReadOnlyList<PlannedFlow> flows, VerificationRequest request, CancellationToken cancellationToken)
    {
        var verified = new List<FlowVerification>();
        foreach (var flow in flows)
        {
            verified.Add(await FlowTrace.RunAsync("matih.verify", flow.Plan.Name, async span =>
            {
                var found = await VerifyAsync(flow, request, cancellationToken);
                span?.SetTag("matih.table", flow.Plan.Table.Identifier.ToString()).SetTag("matih.violations", found.Violations.Count());
                return found;
            }));
        }
        return new VerificationReport([.. verified]);
    }

    private async ValueTask<FlowVerification> VerifyAsync(PlannedFlow flow, VerificationRequest request, CancellationToken cancellationToken)
    {
        var store = connectors.OpenStore(flow.Definition.Sink.Catalog);
        var catalog = connectors.OpenCatalog(flow.Definition.Sink.Catalog, store);
        for (var look = 1; ; look++)
        {
            var findings = new FindingLog();
            var seen = new SeenTable();
            var found = await LookAsync(flow, catalog, seen, findings, request, cancellationToken) with { Findings = findings.All };
            if (findings.ViolationCount == 0 || look == LookCountMax || !await HasChangedAsync(catalog, flow.Plan, seen, cancellationToken)) return found;
        }
    }

    /// <summary>
    /// Whether the table is no longer the one that was looked at. The metadata file decides, not the current snapshot: expiry,
    /// after which files of older snapshots are deleted, leaves that where it is.
    /// </summary>
    private static async ValueTask<bool> HasChangedAsync(ICatalog catalog, FlowPlan plan, SeenTable seen, CancellationToken cancellationToken)
    {
        try
        {
            return (await catalog.LoadAsync(plan.Table.Identifier, cancellationToken))?.MetadataLocation != seen.MetadataLocation;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidTableException or UnsupportedTableException)
        {
            return false;
        }
    }

    private async ValueTask<FlowVerification> LookAsync(
        PlannedFlow flow, ICatalog catalog, SeenTable seen, FindingLog findings, VerificationRequest request, CancellationToken cancellationToken)
    {
        var verification = new FlowVerification { Flow = flow.Plan.Name, Table = flow.Plan.Table.Identifier };
        LedgerChain? chain = null;
        var isTableThere = false;
        try
        {
            if (await catalog.LoadAsync(flow.Plan.Table.Identifier, cancellationToken) is { } loaded)
            {
                isTableThere = true;
                var table = loaded with { Branch = flow.Plan.Table.Branch };
                seen.MetadataLocation = table.MetadataLocation;
                verification = verification with { SnapshotId = table.HeadId };
                var history = await TableHistory.ReadAsync(table, cancellationToken);
                chain = await LedgerChain.ReadAsync(flow.Plan.Name, history, request.CountsAll, findings, cancellationToken);
                await VerifyTableAsync(flow.Plan, table, history, chain, findings, cancellationToken);
                if (request.CountsAll && chain.Links.Count != 0) await new RewriteContentCheck(history, findings).CheckAsync(cancellationToken);
            }
        }
        catch (InvalidTableException e)
        {
            findings.Violation(FindingCode.TableUnreadable, $"table {flow.Plan.Table.Identifier}", "readable metadata and manifests", e.Message, "Restore the table's files, or roll it back to a snapshot that is whole.");
            isTableThere = true;
        }
        catch (UnsupportedTableException e)
        {
            findings.Unreachable(FindingCode.TableUnreadable, $"Table {flow.Plan.Table.Identifier} cannot be read by this version: {e.Message}", "Verify it with a newer version of matih.");
            isTableThere = true;
        }
        catch (CatalogException e)
        {
            findings.Unreachable(FindingCode.CatalogUnreachable, $"Table {flow.Plan.Table.Identifier} could not be found: {e.Failure}", e.Remedy);
            isTableThere = true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            findings.Unreachable(FindingCode.StoreUnreachable, $"Table {flow.Plan.Table.Identifier} could not be read: {e.Message}", "Check the path, this user's permissions and the network to the store.");
            isTableThere = true;
        }
        if (chain?.Links is [var newest, ..])
        {
            verification = verification with
            {
                Ledger = newest.Ledger,
                CommitCount = chain.Links.Count,
                OldestCommit = chain.Links[^1].Ledger.Commit,
                Skipped = chain.Skipped,
                EmptyOffsetCount = chain.Ranges.EmptyOffsetCount,
            };
        }
        return await VerifyTopicAsync(flow, verification, chain, isTableThere, findings, request, cancellationToken);
    }

    private static async ValueTask VerifyTableAsync(FlowPlan plan, Table table, TableHistory history, LedgerChain chain, FindingLog findings, CancellationToken cancellationToken)
    {
        if (chain.Links is not [var newest, ..])
        {
            ReportNoLedger(plan, table, history, chain, findings);
            return;
        }
        if (newest.Ledger.TableUuid != table.Metadata.TableUuid)
        {
            findings.Violation(FindingCode.OtherTable, newest.Name, $"written to this table, {table.Metadata.TableUuid}", $"written to table {newest.Ledger.TableUuid}, of which this one is a copy",
                "Point the pipeline at the original table, or start over on the copy with --reset.");
        }
        WarnOfCopy(table, findings);
        if (newest.Ledger.Flink is FlinkLedger.Given { Job: var job })
            findings.NotProvable(FindingCode.Flink, $"What Flink job {job} writes: since {newest.Name} the records of {plan.Name} are its own.", "Commits of Flink say nothing of offsets; the job keeps them in its checkpoints. `matih run --from-savepoint` takes the records back, and compares the savepoint with table and topic.");
        ReportHistory(chain, findings);
        TagCheck.Check(plan.Name, table, newest.Ledger, findings);
        var books = new BooksCheck(chain.Links, history, findings);
        var fates = new FileFates(history, findings);
        var files = await fates.FollowAsync(chain.Links, books, cancellationToken);
        books.Finish();
        await new TableFilesCheck(history, findings).CheckAsync(files, fates.Begin, cancellationToken);
        await new FileCheck(table.Store, findings).CheckAsync(files, cancellationToken);
    }

    private static void WarnOfCopy(Table table, FindingLog findings)
    {
        if (table.FindOtherFolder() is not { } location) return;
        findings.Warning(FindingCode.OtherFolder, $"The metadata that was read is {StoreLocation.Plain(table.MetadataLocation)}, and says that the table is in {location}: this is a copy of that folder, or it was moved. The files that were looked at are those that the metadata names, in the other folder.",
            "Runs on it are refused, because they would write into the other folder. As a backup it is worth something only in its own place again.");
    }

    private static void ReportNoLedger(FlowPlan plan, Table table, TableHistory history, LedgerChain chain, FindingLog findings)
    {
        if (findings.ViolationCount > 0) return;
        if (chain.TakenOverBy is { } other)
            findings.Warning(FindingCode.TakenOver, $"{other} has taken the ledger of {plan.Name} over (--adopt): nothing is left to verify under this name.", "Verify the pipeline that took it over, and remove this definition.");
        else if (history.MissingSnapshotId is { } missing)
            findings.NotProvable(FindingCode.HistoryExpired, $"What {plan.Name} wrote to table {plan.Table.Identifier}.", $"The history ends at snapshot {missing}, before a ledger of it is met: what is missing has expired, and no metadata file names it any more.");
        else if (Trace(plan.Name, table) is { } trace)
            findings.Violation(FindingCode.LedgerGone, $"table {plan.Table.Identifier}", $"a ledger of {plan.Name} in the current history, because {trace}", "none: the table was rolled back to before the flow's first commit, or replaced", "Roll the table forward again, or start over with --reset.");
        else
            findings.Warning(FindingCode.NoLedger, $"Table {plan.Table.Identifier} holds no ledger of {plan.Name}: the pipeline has never written to it, so there is nothing to verify.", "Run the pipeline; if it had another name before, see --adopt.");
    }

    /// <summary>What shows that the flow has written to the table; null where nothing does.</summary>
    private static string? Trace(FlowName flow, Table table)
    {
        if (table.Metadata.Refs.ContainsKey(LedgerKeys.Tag(flow))) return $"its tag {LedgerKeys.Tag(flow)} is there";
        var writer = flow.ToString();
        return table.Metadata.Snapshots.LastOrDefault(snapshot => snapshot.Summary.GetValueOrDefault(LedgerKeys.Writer) == writer) is { } written
            ? $"snapshot {written.Id}, which is not part of that history, is a commit of it" : null;
    }

    private static string Except(LedgerChain chain) =>
        chain.UnknownRangeCount == 0 ? "" : $", except those of {Quantity.Of(chain.UnknownRangeCount, "commit")} whose side files are gone,";

    private static void ReportHistory(LedgerChain chain, FindingLog findings)
    {
        foreach (var link in chain.Links)
            if (link.Adopts is { } from) findings.Proved(FindingCode.Adopted, $"{link.Name} took over the ledger of {from} (--adopt), whose commits are verified with it.");
        if (chain.SideFileCount > 0) findings.Proved(FindingCode.SideFile, $"The side files of ledgers exist, with the hashes that the ledgers name: {Quantity.Count(chain.SideFileCount)}.");
        var totals = chain.Links[0].Ledger.Totals;
        findings.Proved(FindingCode.History, chain.Links.Count == 1
            ? $"{chain.Links[0].Name} is the only one."
            : $"{Quantity.Of(chain.Links.Count, "commit")} follow on each other from {chain.Links[^1].Ledger.Commit} to {chain.Links[0].Ledger.Commit}: each stands on the one before, and their ranges of offsets{Except(chain)} leave no gap and do not overlap. In all {LinkComparison.Show(totals)}.");
    }

    private async ValueTask<FlowVerification> VerifyTopicAsync(
        PlannedFlow flow, FlowVerification verification, LedgerChain? chain, bool isTableThere, FindingLog findings, VerificationRequest request, CancellationToken cancellationToken)
    {
        if (request.IsOffline)
        {
            if (!isTableThere) ReportNeverRun(flow.Plan, findings);
            else findings.NotProvable(FindingCode.Offline, $"Anything that topic '{flow.Plan.Topic}' tells.", "--offline leaves Kafka out.");
            return verification;
        }
        // A table that could not be read may hold the ledger: that none was seen means nothing.
        if (isTableThere && chain is null) return verification;
        try
        {
            await using var source = connectors.OpenSource(flow.Definition.Source, QueueBytes);
            if (chain?.Links is not [var newest, ..])
            {
                // The group's mark of a flow that another took over stays; that table was not created again.
                if (chain?.TakenOverBy is not null) return verification;
                var isMarked = await IsMarkedAsync(flow.Plan, source, isTableThere, findings, cancellationToken);
                if (!isTableThere && !isMarked) ReportNeverRun(flow.Plan, findings);
                return verification;
            }
            if (!newest.HasPositions || newest.Ledger.Flink is FlinkLedger.Given) return verification;
            var topic = new TopicCheck(flow.Plan, source, chain.Ranges, findings);
            verification = verification with { Lag = await topic.CheckAsync(newest.Ledger, cancellationToken), LagAsOf = source.LastContact };
            if (!verification.Lag.IsEmpty && topic.SourceOf(newest.Ledger) is { } known)
                await new RecordRecount(flow.Plan, source, chain.Ranges, findings).CheckAsync(known, verification.Lag, request.CountsAll, cancellationToken);
            return verification;
        }
        catch (Exception e) when (e is SourceException or PositionOutOfRangeException or PipelineException)
        {
            findings.Unreachable(FindingCode.KafkaUnreachable, $"Topic '{flow.Plan.Topic}' could not be asked: {e.Message}", "Check the connection in the definition and the broker, or leave Kafka out with --offline.");
            return verification;
        }
    }

    /// <summary>No ledger in the table, but the consumer group remembers that the flow wrote one: the table was dropped or created again.</summary>
    private static async ValueTask<bool> IsMarkedAsync(FlowPlan plan, IRecordSource source, bool isTableThere, FindingLog findings, CancellationToken cancellationToken)
    {
        string? text;
        try
        {
            text = await source.ReadGroupMarkAsync(cancellationToken);
        }
        catch (SourceException e) when (e.Kind == SourceErrorKind.Authorization)
        {
            findings.NotProvable(FindingCode.TableRecreated, $"That table {plan.Table.Identifier} was not dropped or created again.", $"The consumer group's offsets may not be read: {e.Message}");
            return false;
        }
        if (GroupMarks.Find(text, plan.Name) is not { } mark) return false;
        if (findings.ViolationCount > 0) return true;
        findings.Violation(FindingCode.TableRecreated, $"table {plan.Table.Identifier}", $"a ledger of {plan.Name}, because the consumer group remembers that it wrote to table {mark.TableUuid}",
            isTableThere ? "no ledger of it: the table was created again, or is another one" : "no such table: it was dropped, or the warehouse is another one", "Point the pipeline at the right warehouse, or start over with --reset.");
        return true;
    }

    private static void ReportNeverRun(FlowPlan plan, FindingLog findings) =>
        findings.Proved(FindingCode.NeverRun, $"Nothing to verify: {plan.Name} has never run, and table {plan.Table.Identifier} does not exist.");

    /// <summary>The table as one look found it.</summary>
    private sealed class SeenTable
    {
        /// <summary>Null where there was none, or it could not be loaded.</summary>
        public string? MetadataLocation { get; set; }
    }
}
