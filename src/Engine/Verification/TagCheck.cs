using System.Globalization;
using Matih.Delivery.Ledgers;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Planning;

namespace Matih.Verification;

/// <summary>Whether the flow's tag pins its newest ledger against expiry. The rows do not depend on it; the next start may.</summary>
internal static class TagCheck
{
    public static void Check(FlowName flow, Table table, Ledger newest, FindingLog findings)
    {
        var tag = LedgerKeys.Tag(flow);
        if (!table.Metadata.Refs.TryGetValue(tag, out var pin))
        {
            findings.Warning(FindingCode.TagMissing, $"Tag {tag} is gone, so that expiry may remove the snapshot of commit {newest.Commit} and with it the proof of where the flow stands.",
                "Do not expire snapshots of the table until the pipeline has run again: its next commit sets the tag again.");
            return;
        }
        var pinned = table.Metadata.FindSnapshot(pin.SnapshotId)?.Summary.GetValueOrDefault(LedgerKeys.Property(flow));
        if (pinned is not null && CommitOf(pinned) == newest.Commit)
        {
            if (LimitMillis(table, pin) is { } limit)
            {
                findings.Warning(FindingCode.TagAges, $"Tag {tag} pins commit {newest.Commit} (snapshot {pin.SnapshotId}), but no longer than {limit} ms: expiry may remove it then, and with it the proof of where the flow stands.",
                    "Do not expire snapshots of the table until the pipeline has run again: its next commit sets a tag that never ages.");
                return;
            }
            findings.Proved(FindingCode.Tag, $"Tag {tag} pins commit {newest.Commit} against expiry (snapshot {pin.SnapshotId}).");
            return;
        }
        if (WithoutLedger(flow, table, pin.SnapshotId) is { } bare)
        {
            // One that says that the flow wrote it was reported already.
            if (bare.Summary.GetValueOrDefault(LedgerKeys.Writer) == flow.ToString()) return;
            findings.Violation(FindingCode.LedgerGone, $"snapshot {pin.SnapshotId}", $"a ledger of {flow}, because tag {tag} pins this snapshot of the current history, which is newer than commit {newest.Commit}", "none",
                "Somebody removed the ledger or moved the tag. Do not run the pipeline before you know which: a commit whose ledger is gone would be read again. Bring the metadata back from a backup, or roll the table back to before that snapshot; if only the tag was moved, put it back.");
            return;
        }
        findings.Warning(FindingCode.TagElsewhere,
            $"Tag {tag} pins snapshot {pin.SnapshotId}, which {(pinned is null ? "holds no ledger of the flow" : $"holds {Show(CommitOf(pinned))}")}; the current history ends with commit {newest.Commit}: the table was rolled back, or the tag was moved.",
            "If the table was rolled back, run the pipeline: it continues from what the table holds now, and moves the tag.");
    }

    /// <summary>The pinned snapshot where it lies above the newest ledger: only commits of the flow are ever pinned, and each has its ledger.</summary>
    private static Snapshot? WithoutLedger(FlowName flow, Table table, SnapshotId pinned)
    {
        var property = LedgerKeys.Property(flow);
        return table.Metadata.Lineage(table.Branch).TakeWhile(snapshot => !snapshot.Summary.ContainsKey(property)).FirstOrDefault(snapshot => snapshot.Id == pinned);
    }

    /// <summary>How long the ref is kept, by itself or by a limit of the table; null for ever.</summary>
    private static long? LimitMillis(Table table, SnapshotRef pin)
    {
        var limit = pin.MaxRefAgeMillis
            ?? (long.TryParse(table.Metadata.Properties.GetValueOrDefault("history.expire.max-ref-age-ms"), NumberStyles.None, CultureInfo.InvariantCulture, out var all) ? all : long.MaxValue);
        return limit == long.MaxValue ? null : limit;
    }

    private static string Show(CommitId? commit) => commit is { } known ? $"commit {known}" : "a text that is no ledger";

    private static CommitId? CommitOf(string text)
    {
        try
        {
            return LedgerFormat.ReadCommit(text);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
