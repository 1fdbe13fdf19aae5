namespace Matih.Verification;

/// <summary>Which proofs a mismatch takes back: a check that found a mismatch proves nothing, whatever else it looked at.</summary>
internal static class ProofScope
{
    /// <summary>Whether a mismatch of one code forbids to say that the other is proved.</summary>
    public static bool Voids(string mismatch, string proved) => proved switch
    {
        FindingCode.History or FindingCode.Adopted => IsOfChain(mismatch),
        FindingCode.SideFile => mismatch is FindingCode.SideFileMissing or FindingCode.SideFileAltered,
        FindingCode.Books => mismatch is FindingCode.BooksManifests or FindingCode.BooksSummary or FindingCode.SnapshotUnreadable,
        FindingCode.Files => mismatch is FindingCode.FileMissing or FindingCode.FileLength or FindingCode.FileRows or FindingCode.FileUnreadable or FindingCode.TableUnreadable,
        FindingCode.Listing => IsOfListing(mismatch),
        FindingCode.Rewritten => mismatch is FindingCode.RewriteRows or FindingCode.SnapshotSummary or FindingCode.SnapshotUnreadable,
        FindingCode.RewrittenContent => mismatch is FindingCode.RewriteRows,
        FindingCode.Topic => mismatch is FindingCode.OtherTopic or FindingCode.PositionBeyondEnd or FindingCode.OffsetsLost or FindingCode.Fingerprint
            or FindingCode.LostStillHeld or FindingCode.PartitionSkipped,
        _ => mismatch == proved,
    };

    private static bool IsOfListing(string mismatch) => mismatch is FindingCode.FileUnlisted or FindingCode.DeleteFileUnlisted or FindingCode.FileUnexplained
        or FindingCode.FileDoubled or FindingCode.TableTotals or FindingCode.SnapshotSummary or FindingCode.SnapshotUnreadable or FindingCode.ManifestAltered
        or FindingCode.TableUnreadable or FindingCode.Replay;

    /// <summary>Found while each commit is compared with the one before it, or says that a range in the chain is not what it claims to be.</summary>
    private static bool IsOfChain(string mismatch) => mismatch is FindingCode.LedgerUnreadable or FindingCode.LedgerGone or FindingCode.SideFileMissing or FindingCode.SideFileAltered
        or FindingCode.OtherTable or FindingCode.ChainBroken or FindingCode.CopyDiffers or FindingCode.Reapplied or FindingCode.Start
        or FindingCode.Gap or FindingCode.Overlap or FindingCode.PositionFell or FindingCode.PositionLost or FindingCode.TopicChanged
        or FindingCode.LostRanges or FindingCode.SkippedRanges or FindingCode.RecordsExceedRange or FindingCode.LastRecord or FindingCode.EpochFell or FindingCode.GenerationFell
        or FindingCode.BooksRecords or FindingCode.BooksRows or FindingCode.Totals or FindingCode.Replay
        or FindingCode.LostStillHeld or FindingCode.PartitionSkipped;
}
