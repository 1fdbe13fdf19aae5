using System.Collections.Immutable;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Opening;
using Matih.Delivery.Skipping;
using Matih.Delivery.Tables;
using Matih.Delivery.Topics;
using Matih.Telemetry;

namespace Matih.Delivery.Committing;

/// <summary>
/// Turns what the lanes did into the next ledger and commits both together. One per session; its base moves with each commit.
/// </summary>
internal sealed class Checkpointer(FlowContext flow, TableLedger ledgers, GapCheck gaps, FlowGroup group, RunSkips skips, WriterIdentity writer, OpenedFlow opened)
{
    /// <summary>
    /// A ledger of ours that is older than this is committed again where the head is another engine's: expiry must not take away
    /// what leads from the head to it, however busy that engine and however idle the topic is.
    /// </summary>
    private static readonly TimeSpan BuriedLedgerAgeMax = TimeSpan.FromHours(1);

    /// <summary>Between looks at the table of an idle run.</summary>
    private static readonly TimeSpan HeadLookInterval = TimeSpan.FromMinutes(1);

    /// <summary>After this time at work a take-over is no longer counted against the next one.</summary>
    private static readonly TimeSpan TakeoverMemory = TimeSpan.FromMinutes(10);

    /// <summary>Skipped ranges that a log line names; the ledger has more.</summary>
    private const int RangesShownMax = 8;

    private readonly long _openedAt = flow.Clock.GetTimestamp();
    private Ledger _base = opened.Ledger;
    private long _lastHeadLook = flow.Clock.GetTimestamp();
    private long _committedAt = flow.Clock.GetTimestamp();

    /// <summary>The table's schema, partition spec or write settings are no longer those that the writers were made for.</summary>
    public bool TableHasChanged { get; private set; }

    /// <summary>The table as the last commit left it.</summary>
    public ITableVersion Table { get; private set; } = opened.Table;

    /// <summary>The ledger that the next commit stands on.</summary>
    public Ledger Ledger => _base;

    /// <summary>The source's positions in it.</summary>
    public SourceLedger Source => _base.FindSource(flow.Plan.SourceName)!;

    /// <summary>Commits the lanes' work; a ledger alone where only positions moved; nothing where nothing did.</summary>
    /// <returns>Committed also where there was nothing to commit.</returns>
    public async ValueTask<CommitOutcome> CommitAsync(IReadOnlyList<LaneCheckpoint> checkpoints, bool staysOpen, CancellationToken abort)
    {
        var hasMoved = checkpoints.Any(checkpoint => checkpoint.HasMoved);
        var mustClose = !staysOpen && _base.IsOpen;
        if (!hasMoved && !mustClose && !await MustCommitAgainAsync(abort)) return new CommitOutcome.Committed(opened.Table, _base);

        await gaps.RequireRealAsync(checkpoints, Source, abort);

        var ledger = NextLedger(checkpoints, staysOpen);
        var startedAt = flow.Clock.GetTimestamp();
        var append = await opened.Table.PrepareAsync([.. checkpoints.SelectMany(checkpoint => checkpoint.Files)], [], flow.Environment.Ids, abort);
        // The batch is as old as its oldest file: the machine may have slept between writing that and coming here.
        var begunAt = checkpoints.Min(checkpoint => checkpoint.BegunAt) ?? flow.Clock.GetUtcNow();
        var outcome = await ledgers.CommitAsync(new PreparedCommit(ledger, append, begunAt, append.Files.IsEmpty ? null : opened.Binding), null, abort);
        if (outcome is not CommitOutcome.Committed committed) return outcome;

        _base = committed.Ledger;
        Table = committed.Table;
        _committedAt = flow.Clock.GetTimestamp();
        TableHasChanged = !opened.Binding.Fits(committed.Table);
        Report(ledger, append.Files, flow.Clock.GetElapsedTime(startedAt), committed.Table);
        await group.StoreAsync(_base.TableUuid, Source, abort);
        return outcome;
    }

    private Ledger NextLedger(IReadOnlyList<LaneCheckpoint> checkpoints, bool staysOpen)
    {
        var source = Source;
        var entries = checkpoints.SelectMany(checkpoint => checkpoint.Partitions).Select(stretch => stretch.Entry).OrderBy(entry => entry.Partition).ToImmutableArray();
        foreach (var entry in entries)
        {
            var before = source.Find(entry.Partition);
            if (before is null || before.NextOffset != entry.FromOffset || entry.NextOffset < entry.FromOffset)
            {
                throw new InvalidOperationException(
                    $"Partition {entry.Partition} of {flow.Name} would go from {entry.FromOffset} to {entry.NextOffset}, but the ledger stands at {before?.NextOffset}.");
            }
        }
        if (entries.DistinctBy(entry => entry.Partition).Count() != entries.Length) throw new InvalidOperationException($"A partition of {flow.Name} was read twice for one commit.");

        var books = checkpoints.Aggregate(default(Books), (sum, checkpoint) => sum + checkpoint.Books);
        if (books.RecordCount != entries.Sum(entry => entry.RecordCount))
            throw new InvalidOperationException($"The fates of {Quantity.Of(books.RecordCount, "record")} are known, but {Quantity.Count(entries.Sum(entry => entry.RecordCount))} were read.");

        var skipped = SkippedRecords.Merge(checkpoints.Select(checkpoint => checkpoint.Skipped));
        if (books.SkippedCount != skipped.RecordCount)
            throw new InvalidOperationException($"{Quantity.Of(books.SkippedCount, "record")} skipped, but {Quantity.Count(skipped.RecordCount)} listed.");

        var isSettled = flow.Clock.GetElapsedTime(_openedAt) > TakeoverMemory;
        return LedgerTransitions.Advance(
            LedgerAuthor.Of(flow, writer), _base, source, entries, books, skipped, opened.Epoch, isSettled ? 0 : opened.TakeoverCount, staysOpen);
    }

    /// <summary>
    /// Looks at the table of a run that has nothing to commit, once a minute. Its ledger is committed all the same where
    /// somebody rolled the table back past it, which the commit then finds out, and where it is old and lies below the commits
    /// of another engine.
    /// </summary>
    private async ValueTask<bool> MustCommitAgainAsync(CancellationToken abort)
    {
        if (flow.Clock.GetElapsedTime(_lastHeadLook) < HeadLookInterval) return false;
        _lastHeadLook = flow.Clock.GetTimestamp();
        if (await ledgers.LoadAsync(abort) is not { } table) return true;
        TableHasChanged = !opened.Binding.Fits(table);
        await group.RenewAsync(Source, abort);
        if (table.Head is not { } head) return true;
        if (head.Summary.TryGetValue(LedgerKeys.Property(flow.Name), out var text)) return LedgerFormat.TryReadCommit(text) != _base.Commit;
        var age = TimeSpan.FromMilliseconds(flow.Clock.GetUtcNow().ToUnixTimeMilliseconds() - _base.WrittenAtMillis);
        if (age > BuriedLedgerAgeMax || flow.Clock.GetElapsedTime(_committedAt) > BuriedLedgerAgeMax) return true;
        return (await ledgers.ReadAsync(table, abort)).Finding is not LineageFinding.Found found || found.Ledger.Commit != _base.Commit;
    }

    private void Report(Ledger ledger, ImmutableArray<WrittenFile> files, TimeSpan took, ITableVersion table)
    {
        var bytes = files.Sum(file => file.LengthBytes);
        flow.Progress.NoteCommit(ledger.Books.RecordCount, ledger.Books.AddedRowCount, files.Length, bytes, flow.Clock.GetUtcNow(), table.Head?.Id.Value);
        var books = ledger.Books;
        var offsetCount = ledger.FindSource(flow.Plan.SourceName)!.Partitions.Sum(entry => entry.NextOffset - entry.FromOffset);
        flow.Progress.Metrics.Time(Instruments.CommitDuration, took);
        flow.Progress.NoteNewestCommitted(Source.NewestTimestampMillis);
        flow.Progress.NoteCommittedFates(books.FilteredCount, books.SkippedCount, offsetCount - books.RecordCount);
        var skipped = ledger.Skipped?.Records.Describe(RangesShownMax);
        flow.Log.Information("committed",
            $"Flow {flow.Name}: committed {Quantity.Of(books.AddedRowCount, "row")} of {Quantity.Of(books.RecordCount, "record")} ({Quantity.Count(books.FilteredCount)} filtered, {Quantity.Count(books.SkippedCount)} skipped) in {Quantity.Of(files.Length, "file")} ({Quantity.Bytes(bytes)}) to {flow.Plan.Table.Identifier}, snapshot {table.Head?.Id}, in {took.TotalMilliseconds:N0} ms.{(skipped is null ? "" : $" Skipped: {skipped}.")}",
            ("flow", flow.Name.ToString()), ("snapshot", table.Head?.Id), ("commit", ledger.Commit.ToString()), ("rows", books.AddedRowCount),
            ("records", books.RecordCount), ("filtered", books.FilteredCount), ("skipped", books.SkippedCount), ("skipped_ranges", skipped), ("files", files.Length), ("bytes", bytes),
            ("took_ms", (long)took.TotalMilliseconds), ("state", ledger.IsOpen ? "open" : "closed"));
        skips.Note(ledger);
    }
}
