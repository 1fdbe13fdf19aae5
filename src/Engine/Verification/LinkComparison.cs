using Matih.Delivery.Ledgers;

namespace Matih.Verification;

/// <summary>
/// Holds each commit of a flow against the one before it: it must stand on that very commit, take up the positions where it
/// left them, and carry its totals on.
/// </summary>
internal sealed class LinkComparison(FindingLog findings, RangeTally ranges)
{
    internal const string Tampering =
        "Only matih writes this: find out who changed the table's metadata (its metadata log names the older files), and roll the table back to before it.";

    private readonly ReplayCheck _replays = new(findings);
    private PositionComparison Positions => field ??= new PositionComparison(findings, ranges, _replays);

    /// <summary>Compares a commit with the next older one of the lineage.</summary>
    public void Compare(ChainLink newer, ChainLink older)
    {
        _replays.Meet(newer);
        if (newer.Ledger.Base is null && newer.Ledger.Generation > older.Ledger.Generation)
        {
            CompareAcrossReset(newer, older);
            return;
        }
        if (newer.Ledger.Flink is FlinkLedger.TakenBack job) CloseBeforeFlink(newer, older, job);
        if (newer.Ledger.Base != older.Ledger.Commit)
        {
            findings.Violation(FindingCode.ChainBroken, newer.Name, $"it stands on commit {older.Ledger.Commit}, the next older one of the lineage",
                $"it stands on {newer.Ledger.Base?.ToString() ?? "nothing, without being a reset"}",
                "A commit in between is missing, or one is there twice: compare the lineage (matih table snapshots) with the rows, and roll the table back to before the first odd one.");
        }
        if (newer.Ledger.TableUuid != older.Ledger.TableUuid)
            findings.Violation(FindingCode.OtherTable, older.Name, $"written to table {newer.Ledger.TableUuid}", $"written to table {older.Ledger.TableUuid}", Tampering);
        CompareEpochs(newer, older);
        CompareTotals(newer, older);
        if (newer.Ledger.Flink is not FlinkLedger.TakenBack) Positions.Compare(newer, older);
        CheckBooks(newer);
    }

    /// <summary>A savepoint moved the positions, and the records between were the job's.</summary>
    private void CloseBeforeFlink(ChainLink newer, ChainLink older, FlinkLedger.TakenBack job)
    {
        ranges.Close();
        var between = newer.Ledger.Sources.SelectMany(source => source.Partitions.Select(entry => (source.Topic, entry.Partition, From: older.Ledger.FindSource(source.Name)?.Find(entry.Partition)?.NextOffset ?? 0, To: entry.FromOffset)))
            .Where(range => range.To > range.From).Select(range => $"{range.From} to {range.To - 1} of partition {range.Partition} of topic '{range.Topic}'").ToList();
        findings.NotProvable(FindingCode.Flink, $"That Flink job {job.Job} wrote each record once that it was given: {(between.Count == 0 ? "none" : $"offsets {string.Join(", ", between.Take(8))}{(between.Count > 8 ? ", …" : "")}")}.",
            $"{newer.Name} took over {(job.Checkpoint == 0 ? "the positions that were given to it" : $"the positions of its savepoint (checkpoint {job.Checkpoint})")}, after they were compared with table and topic. Commits of Flink say nothing of offsets.");
        if (older.Ledger.Flink is not FlinkLedger.Given { Job: var given } || given != job.Job)
            findings.Violation(FindingCode.ChainBroken, newer.Name, $"it takes back what the commit before it gave to Flink job {job.Job}", $"commit {older.Ledger.Commit} gave nothing to that job", Tampering);
    }

    /// <summary>The oldest commit that the history holds.</summary>
    /// <param name="missing">Where the history ends before the flow's first commit was met; null where it was seen whole.</param>
    public void CompareFirst(ChainLink first, SnapshotId? missing)
    {
        _replays.Meet(first);
        CheckFirst(first, missing);
        _replays.Finish(isWhole: missing is null || first.Ledger.Base is null);
    }

    private void CheckFirst(ChainLink first, SnapshotId? missing)
    {
        if (missing is { } id)
        {
            if (first.Ledger.Base is null) return;
            var before = first.Ledger.Totals.RecordCount - first.Ledger.Books.RecordCount;
            findings.NotProvable(FindingCode.HistoryExpired, $"What came before {first.Name}: {Quantity.Of(before, "record")}, of which its totals tell.",
                $"The history ends at snapshot {id}: what is missing has expired, and no metadata file describes it any more.");
            Positions.CompareAlone(first);
            CheckBooks(first);
            return;
        }
        if (first.Ledger.Base is { } standsOn)
        {
            findings.Violation(FindingCode.ChainBroken, first.Name, "it stands on nothing, because no older ledger is in the lineage", $"it stands on commit {standsOn}",
                "The commits before it are no longer part of the lineage: roll the table back to a snapshot whose lineage holds them.");
        }
        CheckStart(first);
        if (first.Ledger.Generation > 1)
        {
            findings.NotProvable(FindingCode.HistoryRolledBack, $"What generations before {first.Ledger.Generation} did, {Quantity.Of(first.Ledger.Totals.AddedRowCount - first.Ledger.Books.AddedRowCount, "row")} by the totals that it began with.",
                $"{first.Name} started over (--reset), and nothing older is part of the current history.");
        }
        else if (first.Ledger.Totals != first.Ledger.Books)
        {
            findings.Violation(FindingCode.Totals, first.Name, $"the first commit's totals are its own books: {Show(first.Ledger.Books)}", Show(first.Ledger.Totals), Tampering);
        }
    }

    private void CompareAcrossReset(ChainLink newer, ChainLink older)
    {
        ranges.Close();
        findings.NotProvable(FindingCode.Reset, $"That no row from before {newer.Name} is there a second time ({Quantity.Of(older.Ledger.Totals.AddedRowCount, "row")} added until then).",
            $"That commit started over with generation {newer.Ledger.Generation} (--reset): exactly once holds from it on.");
        CompareEpochs(newer, older);
        CheckStart(newer);
    }

    /// <summary>A starting commit has read nothing yet.</summary>
    private void CheckStart(ChainLink start)
    {
        if (start.Ledger.Books != default)
            findings.Violation(FindingCode.Start, start.Name, "a start without records", Show(start.Ledger.Books), Tampering);
        foreach (var source in start.Ledger.Sources)
        {
            foreach (var entry in source.Partitions)
            {
                if (entry.FromOffset == entry.NextOffset && entry.RecordCount == 0) continue;
                findings.Violation(FindingCode.Start, $"{start.Name}, partition {entry.Partition} of topic '{source.Topic}'", "a starting position alone",
                    $"offsets {entry.FromOffset} to {entry.NextOffset - 1} with {Quantity.Of(entry.RecordCount, "record")}", Tampering);
            }
        }
    }

    private void CompareEpochs(ChainLink newer, ChainLink older)
    {
        if (newer.Ledger.Epoch.CompareTo(older.Ledger.Epoch) < 0)
            findings.Violation(FindingCode.EpochFell, newer.Name, $"an epoch of at least {older.Ledger.Epoch}", $"epoch {newer.Ledger.Epoch}", Tampering);
        if (newer.Ledger.Generation < older.Ledger.Generation)
            findings.Violation(FindingCode.GenerationFell, newer.Name, $"a generation of at least {older.Ledger.Generation}", $"generation {newer.Ledger.Generation}", Tampering);
    }

    private void CompareTotals(ChainLink newer, ChainLink older)
    {
        if (!newer.HasPositions) return; // Whether it is a replay, and what that replaced, stands where the positions do.
        var expected = older.Ledger.Totals + newer.Ledger.Books - (newer.Ledger.Replay?.Replaced ?? default);
        if (newer.Ledger.Totals != expected)
            findings.Violation(FindingCode.Totals, newer.Name, $"totals of {Show(expected)}: those of the commit before and its own books{(newer.Ledger.Replay is null ? "" : ", less what it replaced")}", Show(newer.Ledger.Totals), Tampering);
    }

    /// <summary>Every row that records became is a row that was added, as long as nothing goes through operator state.</summary>
    private void CheckBooks(ChainLink link)
    {
        var books = link.Ledger.Books;
        if (link.Ledger.Totals.AbsorbedCount == 0 && books.RowCount != books.AddedRowCount)
            findings.Violation(FindingCode.BooksRows, link.Name, $"{Quantity.Of(books.RowCount, "row")} added, as the records gave", $"{Quantity.Of(books.AddedRowCount, "row")} added", Tampering);
    }

    private static string Expanded(Books books) => books.ExpandedCount == 0 ? "" : $"{Quantity.Count(books.ExpandedCount)} more rows of them, ";

    internal static string Show(Books books) =>
        $"{Quantity.Of(books.RecordCount, "record")} ({Quantity.Count(books.ProducedCount)} produced, {Expanded(books)}{Quantity.Count(books.FilteredCount)} filtered, {Quantity.Count(books.AbsorbedCount)} absorbed, {Quantity.Count(books.RejectedCount)} rejected, {Quantity.Count(books.SkippedCount)} skipped), {Quantity.Count(books.LostCount)} lost, {Quantity.Of(books.AddedRowCount, "row")} in {Quantity.Of(books.AddedFileCount, "file")}";
}
