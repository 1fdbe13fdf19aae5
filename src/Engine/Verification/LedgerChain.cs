using Matih.Delivery.IcebergTables;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Skipping;
using Matih.Delivery.Tables;
using Matih.Iceberg.Metadata;
using Matih.Planning;

namespace Matih.Verification;

/// <summary>A flow's commits in a table's current lineage, each compared with the one before it as they are met.</summary>
internal sealed class LedgerChain
{
    private readonly TableHistory _history;
    private readonly FindingLog _findings;
    private readonly LedgerBody _bodies;
    private readonly LinkComparison _comparison;
    private readonly SkipCheck _skips;
    private readonly List<ChainLink> _links = [];
    private readonly List<(Snapshot Snapshot, string Text)> _copies = [];
    private ChainLink? _oldest;

    private LedgerChain(TableHistory history, bool keepsRanges, FindingLog findings)
    {
        _history = history;
        _findings = findings;
        Ranges = new RangeTally(keepsRanges);
        _bodies = new LedgerBody(history.Table.Store, findings);
        _comparison = new LinkComparison(findings, Ranges);
        _skips = new SkipCheck(findings);
    }

    /// <summary>Newest first; only the newest one's ledger still has its positions.</summary>
    public IReadOnlyList<ChainLink> Links => _links;

    public RangeTally Ranges { get; }

    /// <summary>The skipped records that the commits list, back to the last reset.</summary>
    public SkippedRecords Skipped => _skips.All;

    /// <summary>Commits whose positions are not known, because their side files are gone.</summary>
    public int UnknownRangeCount { get; private set; }

    public int SideFileCount => _bodies.SideFileCount;

    /// <summary>The flow whose commit took this one's ledger over, where that is why there is none; else null.</summary>
    public string? TakenOverBy { get; private set; }

    /// <param name="keepsRanges">Whether the ranges of all commits are wanted, not of the newest alone.</param>
    public static async ValueTask<LedgerChain> ReadAsync(FlowName flow, TableHistory history, bool keepsRanges, FindingLog findings, CancellationToken cancellationToken)
    {
        var chain = new LedgerChain(history, keepsRanges, findings);
        await chain.WalkAsync(flow, cancellationToken);
        return chain;
    }

    private async ValueTask WalkAsync(FlowName flow, CancellationToken cancellationToken)
    {
        var current = flow;
        foreach (var (snapshot, isExpired) in _history.Steps)
        {
            var property = LedgerKeys.Property(current);
            var isOwn = snapshot.Summary.GetValueOrDefault(LedgerKeys.Writer) == current.ToString();
            var adopted = LedgerKeys.AdoptedBy(snapshot.Summary);
            if (snapshot.Summary.TryGetValue(property, out var text))
            {
                if (!isOwn) _copies.Add((snapshot, text));
                else if (!await AddAsync(current, snapshot, text, isExpired, adopted, cancellationToken)) return;
            }
            else
            {
                if (isOwn) _bodies.ReportNone($"snapshot {snapshot.Id}", $"a ledger, because it says that {current} wrote it", HasBegunAnew);
                await CheckReappliedAsync(current, snapshot, property, cancellationToken);
            }
            if (_oldest is null && _copies.Count == 0 && snapshot.Summary.TryGetValue(LedgerKeys.TakenOver(flow), out var taker))
            {
                TakenOverBy = taker;
                break;
            }
            if (adopted is null) continue;
            if (adopted == property)
            {
                if (_oldest is null) TakenOverBy = snapshot.Summary.GetValueOrDefault(LedgerKeys.Writer);
                break;
            }
            if (isOwn) current = LedgerKeys.FlowOf(adopted);
        }
        await AddCopyAsync(current, cancellationToken);
        if (_oldest is not null) _comparison.CompareFirst(_oldest, _history.MissingSnapshotId);
    }

    /// <summary>False where the ledger cannot be read at all, so that the chain ends here.</summary>
    private async ValueTask<bool> AddAsync(
        FlowName writer, Snapshot snapshot, string text, bool isExpired, string? adopted, CancellationToken cancellationToken)
    {
        CompareCopies(text);
        if (await _bodies.ReadAsync(text, $"the ledger of {writer} in snapshot {snapshot.Id}", isExpired, HasBegunAnew, cancellationToken) is not var (ledger, hasPositions)) return false;
        Append(new ChainLink(ledger, snapshot, writer, hasPositions, adopted is null ? null : LedgerKeys.FlowOf(adopted)));
        return true;
    }

    /// <summary>A commit that was met already started over, so that what came before it no longer counts.</summary>
    private bool HasBegunAnew => _links.Any(link => link.Ledger.Base is null);

    private void Append(ChainLink link)
    {
        if (_oldest is not null) _comparison.Compare(_oldest, link);
        _skips.Meet(link);
        _oldest = link;
        if (!link.HasPositions) UnknownRangeCount++;
        _links.Add(_links.Count == 0 ? link : link.WithoutPositions());
    }

    /// <summary>Every pipeline's commit copies the ledgers of all others forward, word by word.</summary>
    private void CompareCopies(string original)
    {
        foreach (var (snapshot, text) in _copies)
        {
            if (text == original) continue;
            _findings.Violation(FindingCode.CopyDiffers, $"the ledger that snapshot {snapshot.Id} carries forward", "the ledger of the flow's own commit before it, word by word",
                CommitOf(text), LinkComparison.Tampering);
        }
        _copies.Clear();
    }

    private static string CommitOf(string text)
    {
        try
        {
            return $"a text of commit {LedgerFormat.ReadCommit(text)}";
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    /// <summary>The flow's own snapshot is beyond the end of the history; a copy that others carried forward proves the ledger all the same.</summary>
    private async ValueTask AddCopyAsync(FlowName writer, CancellationToken cancellationToken)
    {
        if (_copies.Count == 0) return;
        var (snapshot, text) = _copies[0];
        CompareCopies(text);
        if (_history.MissingSnapshotId is null)
        {
            _findings.Violation(FindingCode.ChainBroken, $"the ledger that snapshot {snapshot.Id} carries forward", $"a commit of {writer} before it in the lineage", $"none; it is {CommitOf(text)}",
                LinkComparison.Tampering);
        }
        if (await _bodies.ReadAsync(text, $"the ledger of {writer} that snapshot {snapshot.Id} carries forward", isExpired: false, HasBegunAnew, cancellationToken) is var (ledger, hasPositions))
            Append(new ChainLink(ledger, null, writer, hasPositions, null));
    }

    private async ValueTask CheckReappliedAsync(FlowName flow, Snapshot snapshot, string property, CancellationToken cancellationToken)
    {
        var lineage = new LedgerLineage(flow, new LedgerStorage(_history.Table.Store, _history.Table.Identifier));
        if (await lineage.FindReappliedAsync(IcebergHistory.Of(snapshot), new IcebergHistory(_history.Table), property, cancellationToken) is not { } source) return;
        if (_oldest is { Ledger.Base: null })
        {
            _findings.Warning(FindingCode.Reapplied, $"Snapshot {snapshot.Id} re-applies {source.Text}; {_oldest.Name} has started over since then (--reset).", "Nothing, if the reset was the answer to it.");
            return;
        }
        if (source.IsGone && _oldest is not null)
        {
            _findings.NotProvable(FindingCode.Reapplied, $"That snapshot {snapshot.Id}, which re-applies {source.Text}, did not apply a commit of {flow} a second time.",
                $"What it re-applies has expired. {_oldest.Name} stands on it, and a pipeline commits only where it can see that such a source is not its own.");
            return;
        }
        _findings.Violation(FindingCode.Reapplied, $"snapshot {snapshot.Id}", $"no commit of {flow} is applied a second time",
            source.IsGone ? $"it re-applies {source.Text}, which has expired, so that it may have been a commit of {flow}" : $"it re-applies {source.Text}, a commit of {flow}, without its ledger",
            "Roll the table back to before that snapshot; the pipeline then reads what is missing. Otherwise start over with --reset: the rows stay, and those read again are doubled.");
    }
}
