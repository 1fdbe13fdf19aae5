using System.Diagnostics.Metrics;

namespace Matih.Telemetry;

/// <summary>
/// The instruments that the engine writes to: docs/metrics.md says what each means. Written once per batch, attempt or checkpoint,
/// never per record; without a listener a write is one comparison. What is read instead of written is in
/// <see cref="FlowObservation"/>.
/// </summary>
internal static class Instruments
{
    public static Meter Meter { get; } = new(TelemetryNames.Meter, typeof(Instruments).Assembly.GetName().Version?.ToString(3));

    public static Counter<long> RecordsRead { get; } = Meter.CreateCounter<long>("matih.records.read", "{record}", "Records polled from Kafka, those that a failure makes it read again included.");
    public static Counter<long> BytesRead { get; } = Meter.CreateCounter<long>("matih.records.read.size", "By", "Bytes of the keys and values of the records read.");
    public static Counter<long> RowsWritten { get; } = Meter.CreateCounter<long>("matih.rows.written", "{row}", "Rows handed to the file writers.");
    public static Counter<long> RecordsFiltered { get; } = Meter.CreateCounter<long>("matih.records.filtered", "{record}", "Records that the SQL left out, and tombstones.");
    public static Counter<long> RecordsSkipped { get; } = Meter.CreateCounter<long>("matih.records.skipped", "{record}", "Bad records passed over under on_error: skip.");
    public static Counter<long> RecordsRejected { get; } = Meter.CreateCounter<long>("matih.records.rejected", "{record}", "Bad records that stopped the flow under on_error: fail.");
    public static Counter<long> OffsetsLost { get; } = Meter.CreateCounter<long>("matih.offsets.lost", "{offset}", "Offsets given up as lost under on_lost_offsets: skip.");

    public static Counter<long> RecordsCommitted { get; } = Meter.CreateCounter<long>("matih.records.committed", "{record}", "Source records whose fate is in the table's ledger.");
    public static Counter<long> RowsCommitted { get; } = Meter.CreateCounter<long>("matih.rows.committed", "{row}", "Rows that readers of the table can see.");
    public static Counter<long> FilesCommitted { get; } = Meter.CreateCounter<long>("matih.files.committed", "{file}", "Data files that commits added.");
    public static Counter<long> FileBytesCommitted { get; } = Meter.CreateCounter<long>("matih.files.committed.size", "By", "Bytes of the data files that commits added.");
    public static Counter<long> Commits { get; } = Meter.CreateCounter<long>("matih.commits", "{commit}", "Commits of checkpoints that stand in the table.");
    public static Counter<long> CommitAttempts { get; } = Meter.CreateCounter<long>("matih.commit.attempts", "{attempt}", "Compare-and-sets of the table's state, those of opening and of replays included.");
    public static Counter<long> CommitConflicts { get; } = Meter.CreateCounter<long>("matih.commit.conflicts", "{attempt}", "Attempts that lost a race against another writer of the table.");
    public static Counter<long> CommitsUnconfirmed { get; } = Meter.CreateCounter<long>("matih.commit.unconfirmed", "{attempt}", "Attempts without an answer, after which the table was read back.");
    public static Counter<long> RecordsStaged { get; } = Meter.CreateCounter<long>("matih.records.staged", "{record}", "Records handed, staged, to the process that commits.");
    public static Counter<long> FilesCompacted { get; } = Meter.CreateCounter<long>("matih.maintenance.files", "{file}", "Data files that maintenance put together with others.");
    public static Counter<long> SnapshotsExpired { get; } = Meter.CreateCounter<long>("matih.maintenance.snapshots", "{snapshot}", "Snapshots that maintenance expired.");
    public static Counter<long> Failures { get; } = Meter.CreateCounter<long>("matih.failures", "{failure}", "Failures of the flow by kind, each attempt counted.");

    public static Histogram<double> BatchDuration { get; } = Durations(
        "matih.batch.duration", "Time for one batch of records from decoding to the file writers.", 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5);

    public static Histogram<double> CommitDuration { get; } = Durations(
        "matih.commit.duration", "Time for one commit of a checkpoint, from its manifests to the last attempt.", 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300);

    public static Histogram<double> CheckpointDuration { get; } = Durations(
        "matih.checkpoint.duration", "Time for one checkpoint: files are completed, then committed or staged.", 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300);

    /// <summary>The counters that have no attributes but the flow's.</summary>
    public static Counter<long>[] ByFlow { get; } =
    [
        RecordsRead, BytesRead, RowsWritten, RecordsFiltered, RecordsSkipped, RecordsRejected, OffsetsLost, RecordsCommitted, RowsCommitted, FilesCommitted,
        FileBytesCommitted, Commits, CommitAttempts, CommitConflicts, CommitsUnconfirmed, RecordsStaged, FilesCompacted, SnapshotsExpired,
    ];

    private static Histogram<double> Durations(string name, string description, params double[] boundaries) =>
        Meter.CreateHistogram(name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = boundaries });
}
