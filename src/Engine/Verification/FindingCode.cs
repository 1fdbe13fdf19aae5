namespace Matih.Verification;

/// <summary>The codes of findings. A code that was released keeps its meaning.</summary>
public static class FindingCode
{
    public const string NeverRun = "never-run";
    public const string NoLedger = "no-ledger";
    public const string LedgerGone = "ledger-gone";
    public const string TableRecreated = "table-recreated";
    public const string TakenOver = "taken-over-by-another";
    public const string TableUnreadable = "table-unreadable";
    public const string CatalogUnreachable = "catalog-unreachable";
    public const string StoreUnreachable = "store-unreachable";

    public const string History = "history";
    public const string HistoryExpired = "history-expired";
    public const string HistoryRolledBack = "history-rolled-back";
    public const string Reset = "reset";
    public const string Adopted = "adopted";
    public const string Flink = "flink";
    public const string LedgerUnreadable = "ledger-unreadable";
    public const string SideFile = "side-file";
    public const string SideFileMissing = "side-file-missing";
    public const string SideFileAltered = "side-file-altered";
    public const string OtherFolder = "other-folder";
    public const string OtherTable = "other-table";
    public const string ChainBroken = "chain-broken";
    public const string CopyDiffers = "copy-differs";
    public const string Reapplied = "re-applied";
    public const string Start = "start";
    public const string Gap = "gap";
    public const string Overlap = "overlap";
    public const string PositionFell = "position-fell";
    public const string PositionLost = "position-lost";
    public const string TopicChanged = "topic-changed";
    public const string LostRanges = "lost-ranges";
    public const string SkippedRanges = "skipped-ranges";
    public const string RecordsExceedRange = "records-exceed-range";
    public const string LastRecord = "last-record";
    public const string EpochFell = "epoch-fell";
    public const string GenerationFell = "generation-fell";
    public const string BooksRecords = "books-records";
    public const string BooksRows = "books-rows";
    public const string Totals = "totals";
    public const string Replay = "replay";

    public const string Books = "books";
    public const string BooksManifests = "books-manifests";
    public const string BooksSummary = "books-summary";

    public const string Files = "files";
    public const string FileDoubled = "file-doubled";
    public const string FileMissing = "file-missing";
    public const string FileLength = "file-length";
    public const string FileRows = "file-rows";
    public const string FileUnreadable = "file-unreadable";
    public const string FileUnlisted = "file-unlisted";
    public const string FileUnexplained = "file-unexplained";
    public const string DeleteFileUnlisted = "delete-file-unlisted";
    public const string Listing = "listing";
    public const string ManifestAltered = "manifest-altered";
    public const string SnapshotUnreadable = "snapshot-unreadable";
    public const string SnapshotSummary = "snapshot-summary";
    public const string AddedByOthers = "added-by-others";
    public const string Rewritten = "rewritten";
    public const string RewrittenContent = "rewritten-content";
    public const string RewriteRows = "rewrite-rows";
    public const string RemovedByOthers = "removed-by-others";
    public const string DeleteFiles = "delete-files";
    public const string TableTotals = "table-totals";

    public const string Tag = "tag";
    public const string TagMissing = "tag-missing";
    public const string TagElsewhere = "tag-elsewhere";
    public const string TagAges = "tag-ages";

    public const string Offline = "offline";
    public const string KafkaUnreachable = "kafka-unreachable";
    public const string Topic = "topic";
    public const string OtherTopic = "other-topic";
    public const string PositionBeyondEnd = "position-beyond-end";
    public const string OffsetsLost = "offsets-lost";
    public const string LostStillHeld = "lost-still-held";
    public const string PartitionSkipped = "partition-skipped";
    public const string Fingerprint = "fingerprint";
    public const string RecordCount = "record-count";
}
