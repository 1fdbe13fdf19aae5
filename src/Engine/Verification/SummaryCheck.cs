using Matih.Iceberg.Metadata;

namespace Matih.Verification;

/// <summary>
/// Holds what the manifests of another engine's snapshot list against the snapshot's summary. A manifest that left the list of
/// the very snapshot that wrote it takes its files along without a trace, except there.
/// </summary>
internal static class SummaryCheck
{
    public static void Compare(Snapshot snapshot, SnapshotChanges.Known changes, FindingLog findings)
    {
        var (added, removed) = (FileCounts.Of(changes.Added), FileCounts.Of(changes.Removed));
        var (saidAdded, saidRemoved) = (FileCounts.SaidAdded(snapshot, added), FileCounts.SaidRemoved(snapshot, removed));
        if (added == saidAdded && removed == saidRemoved) return;
        var on = $"snapshot {snapshot.Id} ({RewriteCheck.Operation(snapshot)})";
        var expected = $"{saidAdded} added and {saidRemoved} removed, as its summary says";
        var found = $"{added} added and {removed} removed by its manifests";
        if (saidAdded.Exceeds(added) || removed.Exceeds(saidRemoved))
        {
            findings.Violation(FindingCode.SnapshotSummary, on, expected, found,
                "Files were dropped from the snapshot's manifests, or removed by somebody who edited them: roll the table back to before the snapshot, or add the missing files again with another engine.");
        }
        else
        {
            findings.Mismatch(FindingCode.SnapshotSummary, $"The counts of {on} disagree: expected {expected}; found {found}.",
                "Find out whether the engine that wrote it counts wrong, or somebody put files into its manifests: rows may be there twice.");
        }
    }
}
