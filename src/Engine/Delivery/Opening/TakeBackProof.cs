using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Tables;
using Matih.Delivery.Topics;
using Matih.Flink;
using Matih.Kafka;

namespace Matih.Delivery.Opening;

/// <summary>
/// Proves where the rows of a table end that a Flink job has written: at the positions of its savepoint, where the table shows the
/// job's last commit, and nobody else's above the ledger that gave the records to it, and the topic holds every position; or where
/// the job began, if it made no commit. What cannot be proven is refused. docs/delivery.md, "Taking back from Flink".
/// </summary>
internal sealed class TakeBackProof(FlowContext flow, ITopic topic)
{
    private const string StartOver = "start over with --reset";

    private const string Again = "Deploy again with `matih deploy --from` and that savepoint, stop the job with `matih flink stop`, and start with the new savepoint.";

    /// <summary>The ledger that gave the records away, with the positions at which the job ended in the place of its own.</summary>
    /// <exception cref="PipelineException">It cannot be proven.</exception>
    public async ValueTask<Ledger> ProveAsync(ITableVersion table, LineageFinding.Found given, FlinkEnd end, CancellationToken cancellationToken)
    {
        var (job, before, from) = (FlinkLedger.Given)given.Ledger.Flink!;
        var (ended, what) = end switch
        {
            FlinkEnd.WithSavepoint(var made) => (made.JobId, $"The savepoint is of Flink job {made.JobId}"),
            FlinkEnd.WithoutCommit(var named) => (named, $"--from-ended-job names Flink job {named}"),
            _ => throw new ArgumentOutOfRangeException(nameof(end), end, null),
        };
        if (ended != job)
        {
            throw PipelineException.Refused($"{what}, but the ledger of {flow.Name} in table {flow.Plan.Table.Identifier} gives its records to job {job}.",
                $"Stop job {job} with `matih flink stop {job}`, and start with the savepoint that it prints.{(from is null ? "" : $" If it has failed before it began, deploy again with --from {from} first.")}");
        }
        if (end is not FlinkEnd.WithSavepoint(var savepoint)) return await RequireUnreadAsync(table, given.Ledger, job, (before, from), cancellationToken);
        await RequireCommittedAsync(table, savepoint, before, cancellationToken);
        if (given.Ledger.FindSource(flow.Plan.SourceName) is not { } known || known.Topic != flow.Plan.Topic)
        {
            throw PipelineException.Refused($"The ledger of {flow.Name} that gives its records to job {job} knows no source '{flow.Plan.SourceName}' of topic '{flow.Plan.Topic}'.",
                "Take them back with the definition that was deployed, and change it then.");
        }
        return given.Ledger.WithSource(known with { Partitions = await PositionsAsync(known, savepoint, mayGrow: false, cancellationToken) });
    }

    /// <summary>
    /// A job may continue from a savepoint or checkpoint where the table shows that it is the newest of the job that has the records, or of
    /// the one before where that job has committed nothing: what the table holds of it ends there or before, and nothing of it was rolled
    /// back. What it had left uncommitted, the new job commits first.
    /// </summary>
    /// <exception cref="PipelineException">It is not so: rows would double or be left out.</exception>
    public async ValueTask RequireContinuationAsync(ITableVersion table, Ledger given, Savepoint savepoint, CancellationToken cancellationToken)
    {
        var (job, before, from) = (FlinkLedger.Given)given.Flink!;
        if (savepoint.JobId != job && (savepoint.JobId != before || await FlinkCommit.AnyOfAsync(table, job, cancellationToken)))
        {
            throw PipelineException.Refused($"The savepoint or checkpoint is of Flink job {savepoint.JobId}, but the ledger of {flow.Name} in table {table.Identifier} gives its records to job {job}{(savepoint.JobId == before ? ", which has committed rows since" : "")}: a job that continues from it would write other rows.",
                $"Continue from the last savepoint or retained checkpoint of job {job} (`matih flink status {job}`){(from is null ? "" : $", or, where it has committed nothing, from {from}")}.");
        }
        var (held, found, isWhole) = await HeldAsync(table, savepoint.JobId, cancellationToken);
        if (held.Count != 0 && held.Max(commit => commit.Checkpoint) is var last && last > savepoint.CheckpointId)
        {
            throw PipelineException.Refused($"Table {table.Identifier} holds checkpoint {last} of Flink job {savepoint.JobId}, and the savepoint or checkpoint is older, number {savepoint.CheckpointId}: a job that continues from it would write the rows in between once more.",
                "Continue from the newest one: the savepoint with which the job was stopped, or its last retained checkpoint.");
        }
        await RequireNotRolledBackAsync(table, savepoint.JobId, held, isWhole, cancellationToken);
        RequireFound(table, savepoint, held, found);
        if (given.FindSource(flow.Plan.SourceName) is { Partitions.IsEmpty: false } known) await PositionsAsync(known, savepoint, mayGrow: true, cancellationToken);
    }

    /// <summary>Before a job is stopped to be continued: nothing that it has committed is gone from the table.</summary>
    /// <exception cref="PipelineException">The table was rolled back under it: what went is behind the job's positions, and never comes again.</exception>
    /// <param name="orElse">What to do where the table cannot be rolled forward.</param>
    public static async ValueTask RequireNotRolledBackAsync(ITableVersion table, string job, CancellationToken cancellationToken, string orElse = StartOver)
    {
        var (held, _, isWhole) = await HeldAsync(table, job, cancellationToken);
        await RequireNotRolledBackAsync(table, job, held, isWhole, cancellationToken, orElse);
    }

    /// <summary>
    /// A job that continues walks back to its newest commit through what has not expired. Where it does not find that, it commits the files of its
    /// state again, whose manifests are gone since they were committed: it fails at every start (seen with Iceberg 1.11).
    /// </summary>
    private static void RequireFound(ITableVersion table, Savepoint savepoint, HashSet<FlinkCommit> held, HashSet<FlinkCommit> found)
    {
        foreach (var committer in savepoint.Committers)
        {
            if (!held.Any(HasFiles) || found.Any(HasFiles)) continue;
            throw PipelineException.Refused($"Table {table.Identifier} holds checkpoint {committer.NewestWithFiles} of Flink job {savepoint.JobId}, but the snapshot that says so has expired: a job that continues from this savepoint or checkpoint would commit its files again, and fail.",
                "Where the job was stopped with this savepoint, take the records back with `matih run --from-savepoint` and deploy without --from then. Keep the newest snapshot of a job, and those above it, when snapshots expire, as `matih maintain` does.");

            bool HasFiles(FlinkCommit commit) => commit.Operator == committer.OperatorId && commit.Checkpoint >= committer.NewestWithFiles;
        }
    }

    /// <summary>What the table holds of a job, what of it the job finds itself, and whether the history is there to the beginning.</summary>
    private static async ValueTask<(HashSet<FlinkCommit> Held, HashSet<FlinkCommit> Found, bool IsWhole)> HeldAsync(ITableVersion table, string job, CancellationToken cancellationToken)
    {
        var (held, found, isFound) = (new HashSet<FlinkCommit>(), new HashSet<FlinkCommit>(), true);
        await foreach (var step in table.WalkAsync(cancellationToken))
        {
            if (step is not HistoryStep.Found(var snapshot)) return (held, found, false);
            isFound &= table.Find(snapshot.Id) is not null;
            if (FlinkCommit.JobOf(snapshot.Summary) != job || FlinkCommit.Of(snapshot.Summary) is not { } commit) continue;
            held.Add(commit);
            if (isFound) found.Add(commit);
        }
        return (held, found, true);
    }

    /// <summary>The ledger as it is: the job began at its positions, and no commit of the job was ever in the table.</summary>
    private async ValueTask<Ledger> RequireUnreadAsync(ITableVersion table, Ledger given, string job, (string? Job, string? Savepoint) before, CancellationToken cancellationToken)
    {
        if (before.Job is not null || given.FindSource(flow.Plan.SourceName) is { Partitions.IsEmpty: true })
        {
            throw PipelineException.Refused($"Flink job {job} continued from a savepoint{(before.Job is null ? "" : $" of job {before.Job}")}, so that the ledger of {flow.Name} does not say where it began.",
                before.Savepoint is null ? Again : $"Deploy again with `matih deploy --from {before.Savepoint}`, stop the job with `matih flink stop`, and start with the new savepoint.");
        }
        // The history has to be whole up to there.
        await foreach (var _ in WalkAboveHandoverAsync(table, cancellationToken)) { }
        await foreach (var summary in table.ReadAllSummariesAsync(cancellationToken))
        {
            if (FlinkCommit.JobOf(summary) != job) continue;
            throw PipelineException.Refused($"Table {table.Identifier} holds commits of Flink job {job}, or did once: the job did not end before its first commit.",
                $"Deploy again with `matih deploy --from` and its last savepoint or retained checkpoint (`matih flink status {job}`), stop the job with `matih flink stop`, and start with the savepoint that this prints.");
        }
        return given;
    }

    /// <summary>Above the ledger that gave the records away stand commits of the job alone, and the last that it must have made is among them.</summary>
    /// <param name="before">
    /// The job from whose savepoint this one may have begun: what that one had left uncommitted, this one commits first, in its name
    /// (seen with Iceberg 1.11).
    /// </param>
    private async ValueTask RequireCommittedAsync(ITableVersion table, Savepoint savepoint, string? before, CancellationToken cancellationToken)
    {
        // By operator: sinks of one pipeline may share a table.
        var newest = new Dictionary<string, long>(StringComparer.Ordinal);
        var held = new HashSet<FlinkCommit>();
        var hasBegun = false;
        await foreach (var snapshot in WalkAboveHandoverAsync(table, cancellationToken))
        {
            // A commit of another pipeline adds no record of this one, and a rewrite none at all.
            if (snapshot.Summary.ContainsKey(LedgerKeys.Writer) || snapshot.Summary.GetValueOrDefault("operation") == "replace") continue;
            var writer = FlinkCommit.JobOf(snapshot.Summary);
            if (writer == before && writer is not null)
            {
                hasBegun = true;
                continue;
            }
            if (writer == savepoint.JobId && hasBegun) throw NotProven($"snapshot {snapshot.Id} of the job stands below one of job {before}, which had the records before");
            if (writer != savepoint.JobId) throw NotProven(writer is null ? $"snapshot {snapshot.Id} above the hand-over is of another engine" : $"snapshot {snapshot.Id} above the hand-over is of Flink job {writer}");
            var commit = FlinkCommit.Of(snapshot.Summary) ?? throw NotProven($"snapshot {snapshot.Id} of the job does not say its checkpoint");
            newest.TryAdd(commit.Operator, commit.Checkpoint);
            held.Add(commit);
        }
        var sinkCount = 1 + flow.Plan.SiblingSinks.Length;
        if (newest.Count > sinkCount) throw NotProven($"{newest.Count} operators of the job have written to it, for {Quantity.Of(sinkCount, "sink")}: {string.Join(", ", newest.Keys.Order(StringComparer.Ordinal))}");
        await RequireNotRolledBackAsync(table, savepoint.JobId, held, isWhole: true, cancellationToken);
        foreach (var (id, checkpoint) in newest)
        {
            if (checkpoint > savepoint.CheckpointId)
                throw NotProven($"it holds the job's checkpoint {checkpoint}, and the savepoint is older, number {savepoint.CheckpointId}", "Take the savepoint with which the job ended.");
            if (savepoint.Committers.FirstOrDefault(committer => committer.OperatorId == id) is not { } known) throw NotProven($"operator {id}, which has written to it, is not in the savepoint");
            if (known.NewestWithFiles > checkpoint) throw NotProven($"it ends at the job's checkpoint {checkpoint}, and files of checkpoint {known.NewestWithFiles} were still to be committed");
        }
        // An operator without a commit here may be this table's.
        if (newest.Count < sinkCount && savepoint.Committers.FirstOrDefault(committer => committer.NewestWithFiles is not null && !newest.ContainsKey(committer.OperatorId)) is { } unseen)
            throw NotProven($"it holds no commit of operator {unseen.OperatorId}, which had files of checkpoint {unseen.NewestWithFiles} to commit");
    }

    /// <summary>What was committed above the ledger that gave the records away, the newest first.</summary>
    /// <exception cref="PipelineException">Some of it has expired.</exception>
    private async IAsyncEnumerable<TableSnapshot> WalkAboveHandoverAsync(ITableVersion table, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var step in table.WalkAsync(cancellationToken))
        {
            if (step is not HistoryStep.Found(var snapshot)) throw NotProven($"its history ends at snapshot {((HistoryStep.Missing)step).SnapshotId}, which has expired");
            if (snapshot.Summary.GetValueOrDefault(LedgerKeys.Writer) == flow.Name.ToString()) yield break;
            yield return snapshot;
        }
    }

    /// <summary>
    /// Commits of the job that are no longer part of the table were rolled back, and the savepoint stands behind them; also where the job
    /// has gone on since, upon what was left.
    /// </summary>
    /// <param name="held">What the table holds of the job.</param>
    /// <param name="isWhole">Whether that is all: where history has expired, older commits are not looked for.</param>
    private static async ValueTask RequireNotRolledBackAsync(ITableVersion table, string job, HashSet<FlinkCommit> held, bool isWhole, CancellationToken cancellationToken, string orElse = StartOver)
    {
        await foreach (var summary in table.ReadAllSummariesAsync(cancellationToken))
        {
            if (FlinkCommit.JobOf(summary) != job || FlinkCommit.Of(summary) is not { } commit || held.Contains(commit)) continue;
            var last = held.Where(other => other.Operator == commit.Operator).Select(other => (long?)other.Checkpoint).Max();
            if (!isWhole && commit.Checkpoint < last) continue;
            throw PipelineException.Refused($"Table {table.Identifier} was rolled back past commits of Flink job {job}: it had the job's checkpoint {commit.Checkpoint} once, and now ends at {last?.ToString(CultureInfo.InvariantCulture) ?? "none"}{(commit.Checkpoint < last ? ", without that" : "")}. The job's positions are behind the rows that went.",
                $"Roll the table forward again, or {orElse}.");
        }
    }

    private PipelineException NotProven(string because, string? remedy = null) => PipelineException.Refused(
        $"It is not proven that table {flow.Plan.Table.Identifier} holds what the job's positions say: {because}.", remedy ?? Again);

    /// <summary>Every partition of the topic, at an offset that the topic holds.</summary>
    /// <param name="mayGrow">Whether the topic may have partitions that the job had not found yet.</param>
    private async ValueTask<ImmutableArray<PartitionLedger>> PositionsAsync(SourceLedger known, Savepoint savepoint, bool mayGrow, CancellationToken cancellationToken)
    {
        var identity = await topic.IdentifyAsync(cancellationToken);
        if (known.CompareWith(identity) is not (TopicMatch.Same or TopicMatch.StaleMetadata) and var match)
        {
            throw PipelineException.Refused($"Topic '{topic.Topic}' is not the one that was given to Flink ({match}): its id was {known.TopicId ?? "unknown"} in cluster {known.ClusterId ?? "unknown"}, and is {identity.TopicId ?? "unknown"} in cluster {identity.ClusterId ?? "unknown"} now.",
                "The savepoint's offsets mean nothing in it. Connect to the old cluster, or start over with --reset.");
        }
        var positions = savepoint.Positions.Where(position => position.Topic == topic.Topic).ToDictionary(position => position.Partition, position => position.NextOffset);
        int[] partitions = [.. Enumerable.Range(0, identity.PartitionCount).Where(partition => !mayGrow || positions.ContainsKey(partition))];
        foreach (var partition in partitions)
            if (!positions.ContainsKey(partition)) throw PipelineException.Refused($"The savepoint holds no position of partition {partition} of topic '{topic.Topic}', which has {Quantity.Of(identity.PartitionCount, "partition")}.", $"The job looks for new partitions every few minutes. {Again}");
        if (positions.Keys.FirstOrDefault(partition => partition >= identity.PartitionCount, -1) is >= 0 and var beyond)
            throw PipelineException.Refused($"The savepoint holds a position of partition {beyond} of topic '{topic.Topic}', which has {Quantity.Of(identity.PartitionCount, "partition")}: the topic was created again, or the broker's metadata is stale.", "Find out which. If it stays so, start over with --reset.");
        var ranges = await topic.RangesAsync(partitions, cancellationToken);
        var ends = await topic.LogEndsAsync(partitions, cancellationToken);
        foreach (var partition in partitions)
        {
            var offset = positions[partition];
            if (offset > ends[partition])
                throw PipelineException.Refused($"The savepoint says offset {offset} of partition {partition} of topic '{topic.Topic}', which ends at {ends[partition]}: the topic was created again, or lost records in an unclean leader election.", "Find out which; if the table is right as it is, start over on the topic as it is now with --reset.");
            if (known.Find(partition) is { } start && offset < start.NextOffset)
                throw PipelineException.Refused($"The savepoint says offset {offset} of partition {partition} of topic '{topic.Topic}', which lies before {start.NextOffset}, where it was given to Flink.", "The job read other records than it was given. Compare the table's rows with the topic's, and start over with --reset.");
            if (known.Find(partition)?.Last is { } last && last.CompareWith(await topic.ProbeAsync(partition, last.Offset, cancellationToken)) is not (RecordMatch.Same or RecordMatch.Gone))
                throw PipelineException.Refused($"The record at offset {last.Offset} of partition {partition} of topic '{topic.Topic}' is not the one that was read before the records were given to Flink: the topic was created again and refilled.", "If the table is right as it is, start over on the topic as it is now with --reset.");
            if (offset < ranges[partition].LogStart && flow.Plan.OnLostOffsets == Definition.LostOffsetsPolicy.Fail)
                throw PipelineException.Refused($"The savepoint says offset {offset} of partition {partition} of topic '{topic.Topic}', which begins at {ranges[partition].LogStart}: records that are not in the table are gone (retention, or deleted records).", "Accept the loss with on_lost_offsets: skip; the range is then written into the ledger.");
        }
        return [.. partitions.Select(partition => PartitionLedger.StartingAt(partition, positions[partition], isEarliest: false))];
    }
}
