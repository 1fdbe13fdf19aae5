using Matih.Delivery;
using Matih.Iceberg;

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
                "Do not expire snapshots of the table until the pipeline has run again: its next commit sets the tag anew.");
            return;
        }
        var pinned = table.Metadata.FindSnapshot(pin.SnapshotId)?.Summary.GetValueOrDefault(LedgerKeys.Property(flow));
        if (pinned is not null && CommitOf(pinned) == newest.Commit)
        {
            findings.Proved(FindingCode.Tag, $"Tag {tag} pins commit {newest.Commit} against expiry (snapshot {pin.SnapshotId}).");
            return;
        }
        findings.Warning(FindingCode.TagElsewhere,
            $"Tag {tag} pins snapshot {pin.SnapshotId}, which {(pinned is null ? "holds no ledger of the flow" : $"holds {Show(CommitOf(pinned))}")}; the current history ends with commit {newest.Commit}: the table was rolled back, or the tag was moved.",
            "If the table was rolled back, run the pipeline: it goes on from what the table holds now, and moves the tag.");
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
