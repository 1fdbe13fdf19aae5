using Matih.Batches;
using Matih.Delivery.Committing;
using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Members;
using Matih.Delivery.Opening;
using Matih.Delivery.Running;
using Matih.Delivery.Staging;
using Matih.Delivery.Topics;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery.Steps;

/// <summary>
/// A flow, step by step, for a host that is called instead of running: it stages the batches that it is handed, and commits
/// what is staged when it is asked to. No thread, timer or loop of the engine goes on between two calls, and waits come back as
/// values. For example, a function stages its trigger's batches, and an orchestrator asks for a commit once a minute.
/// </summary>
/// <remarks>
/// Every number of processes may stage and commit side by side: a batch that is handed in twice counts once, and of two
/// committers one is refused (the compare-and-set of the ledger decides, as in every run). A process may die between any two
/// steps, or within one: the next one continues from what the table and the staged ranges hold. One call at a time.
/// </remarks>
public sealed class FlowSteps : IAsyncDisposable
{
    private static readonly TimeSpan AwaitCommitter = TimeSpan.FromSeconds(1);

    private readonly FlowContext _flow;
    private readonly IRecordSource _source;
    private readonly HandedInCheck _handedIn;
    private readonly FlowOpening _opening;
    private readonly StagingOpening _stagingOpening;
    private readonly Func<OpenedFlow, FlowLanes> _lanesFor;
    private readonly Func<OpenedFlow, FlowCommitter> _committerFor;
    private readonly Func<OpenedFlow, RangeStaging> _stagingFor;
    private Opened? _opened;
    private int _failureCount;

    internal FlowSteps(
        FlowContext flow, IRecordSource source, FlowOpening opening, StagingOpening stagingOpening,
        Func<OpenedFlow, FlowLanes> lanesFor, Func<OpenedFlow, FlowCommitter> committerFor, Func<OpenedFlow, RangeStaging> stagingFor)
    {
        _flow = flow;
        _source = source;
        _handedIn = new HandedInCheck(flow.Plan, source);
        _opening = opening;
        _stagingOpening = stagingOpening;
        _lanesFor = lanesFor;
        _committerFor = committerFor;
        _stagingFor = stagingFor;
    }

    /// <summary>Opens the flow for commits: finds out from the table where it stands, or begins it.</summary>
    /// <param name="answers">A person's answers to earlier refusals.</param>
    /// <param name="watch">The watch of an earlier <see cref="OpenStep.StandBy"/>; null at first.</param>
    /// <exception cref="PipelineException">A person has to look: continuing would lose or double records, or something is wrong that stays so.</exception>
    public async ValueTask<OpenStep> OpenAsync(OpenAnswers answers, TakeoverWatch? watch, CancellationToken cancellationToken)
    {
        _opened = null;
        var (step, failure) = await TryAsync<OpeningStep>(async () => await _opening.OpenAsync(answers, watch, cancellationToken), cancellationToken);
        switch (step)
        {
            case null:
                return new OpenStep.TryAgain(NextWait(), failure!);
            case OpeningStep.StandBy standBy:
                return new OpenStep.StandBy(standBy.Watch, standBy.LookAgainAfter);
            case OpeningStep.Opened opened:
                var committer = _committerFor(opened.Flow);
                await TryAsync<object>(async () => { await committer.ClearForgottenAsync(cancellationToken); return null; }, cancellationToken);
                _opened = new Opened(committer, new ReadRecordCheck(_source, opened.Flow.Source));
                _flow.Progress.NoteOpened(opened.Flow.Ledger.WrittenAtMillis, opened.Flow.Table.Head?.Id.Value);
                _flow.Progress.NoteNewestCommitted(opened.Flow.Source.NewestTimestampMillis);
                _failureCount = 0;
                return new OpenStep.Opened();
            default:
                throw new InvalidOperationException($"Unknown step {step}.");
        }
    }

    /// <summary>Turns records into files beside the table, and makes them known to whoever commits. Needs no <see cref="OpenAsync"/>.</summary>
    /// <param name="batch">Records of one partition, in the order of their offsets. Not needed any more afterwards.</param>
    /// <exception cref="PipelineException">
    /// A person has to look. A bad record under <c>on_error: fail</c> is one such reason; what came before it in the batch is staged.
    /// </exception>
    public ValueTask<StageStep> StageAsync(RawBatch batch, CancellationToken cancellationToken) => StageAsync(batch, new StagingLook(), cancellationToken);

    /// <param name="look">Shared by the batches of one call, of which each is of another partition.</param>
    /// <inheritdoc cref="StageAsync(RawBatch, CancellationToken)"/>
    public async ValueTask<StageStep> StageAsync(RawBatch batch, StagingLook look, CancellationToken cancellationToken)
    {
        if (batch.Count == 0) return new StageStep.Covered();
        var (partition, offset) = (batch.Records[0].Partition, batch.Records[0].Offset);
        foreach (ref readonly var record in batch.Records)
        {
            if (record.Partition != partition) throw new ArgumentException($"The batch holds records of partitions {partition} and {record.Partition}; each partition's are staged by themselves.", nameof(batch));
            if (record.Offset < offset) throw new ArgumentException($"The batch holds offset {record.Offset} behind offset {offset}; records are staged in the order of their offsets.", nameof(batch));
            offset = record.Offset;
        }

        try
        {
            var (step, failure) = await TryAsync<StageStep>(async () => await StageAsync(batch, partition, look, cancellationToken), cancellationToken);
            if (step is null)
            {
                look.Forget();
                return new StageStep.TryAgain(NextWait(), failure!);
            }
            _failureCount = 0;
            return step;
        }
        catch (UnfitBatchException unfit)
        {
            look.Forget();
            return new StageStep.Unfit(unfit.Failure);
        }
        catch
        {
            look.Forget();
            throw;
        }
    }

    /// <summary>Commits everything that is staged and follows on the table's positions, of all readers.</summary>
    /// <param name="closes">Whether the ledger is closed with it: nobody intends to commit for now.</param>
    /// <param name="mayRead">Whether what nobody has staged for a while may be read from Kafka here. It takes up to ten seconds more.</param>
    /// <exception cref="PipelineException">A person has to look, or another committer has taken over.</exception>
    public async ValueTask<CommitStep> CommitAsync(bool closes, bool mayRead, CancellationToken cancellationToken)
    {
        var opened = _opened ?? throw new InvalidOperationException("The flow has to be opened before a commit is asked for.");
        var committer = opened.Committer;
        var before = committer.Ledger.Commit;
        var beganAt = _flow.Clock.GetTimestamp();
        var (step, failure) = await TryAsync(
            () => FlowTrace.RunAsync("matih.checkpoint", _flow.Name, _ => CommitStagedAsync(opened, closes, mayRead, cancellationToken)), cancellationToken);
        _flow.Progress.Metrics.Time(Instruments.CheckpointDuration, _flow.Clock.GetElapsedTime(beganAt));
        if (step is null)
        {
            _opened = null;
            return failure is null ? new CommitStep.OpenAgain() : new CommitStep.TryAgain(NextWait(), failure);
        }
        _failureCount = 0;
        if (step.Select(checkpoint => checkpoint.Rejected).FirstOrDefault(found => found is not null) is { } rejected) throw Counted(rejected.ToException(_flow.Plan.Topic));
        if (committer.TableHasChanged) _opened = null;
        return committer.Ledger.Commit != before ? new CommitStep.Committed(committer.Ledger.Commit, committer.Ledger.Books)
            : committer.TableHasChanged ? new CommitStep.OpenAgain()
            : new CommitStep.NothingToDo();
    }

    /// <summary>Null where the flow must be opened again first.</summary>
    private async ValueTask<IReadOnlyList<LaneCheckpoint>?> CommitStagedAsync(Opened opened, bool closes, bool mayRead, CancellationToken cancellationToken)
    {
        if (await HasMorePartitionsAsync(opened, cancellationToken)) return null;
        var taken = await opened.Committer.CommitStagedAsync(staysOpen: !closes, mayRead, cancellationToken);
        foreach (var stretch in taken?.SelectMany(checkpoint => checkpoint.Partitions) ?? [])
            if (stretch.Entry.Last is { } last) opened.Records.Note(stretch.Entry.Partition, last);
        if (taken is not null && FlowObservation.WantsLag) await NoteLagAsync(opened.Committer.Source, cancellationToken);
        return taken;
    }

    /// <summary>Looks up how far the table is behind. The commit stands whatever becomes of this.</summary>
    private async ValueTask NoteLagAsync(SourceLedger committed, CancellationToken cancellationToken)
    {
        int[] partitions = [.. committed.Partitions.Select(entry => entry.Partition)];
        try
        {
            var ranges = await _source.RangesAsync(partitions, cancellationToken);
            var ends = partitions.Zip(ranges).ToDictionary(pair => pair.First, pair => pair.Second.End);
            _flow.Progress.NoteLag(CommittedLag.Of(committed, partitions, ends, unread: null, _flow.Clock.GetTimestamp()));
        }
        catch (SourceException e)
        {
            _flow.Log.Debug("watch-failed", $"Topic '{_flow.Plan.Topic}' could not be looked at: {e.Message}");
        }
    }

    /// <summary>
    /// Looks at the topic, as a running session does all the time: whether it is still the one that the ledger is about, and
    /// whether it has partitions that the ledger does not know.
    /// </summary>
    /// <exception cref="PipelineException">It is another topic.</exception>
    private async ValueTask<bool> HasMorePartitionsAsync(Opened opened, CancellationToken cancellationToken)
    {
        var known = opened.Committer.Source;
        var now = await _source.IdentifyAsync(cancellationToken);
        if (known.DescribeOther(now) is { } other) throw OtherTopic(other);
        if (await opened.Records.FindChangedAsync(cancellationToken) is { } changed)
            throw OtherTopic($"{changed}, so it was created again and refilled, or lost records in an unclean leader election");
        return now.PartitionCount > known.Partitions.Length;
    }

    private PipelineException OtherTopic(string finding) => PipelineException.Refused(
        $"Topic '{_flow.Plan.Topic}' is no longer the one that {_flow.Name} reads: {finding}. What is staged was not committed.",
        "Find out what happened. If the table is right as it is, start over on the topic as it is now with --reset.");

    /// <summary>
    /// How far the table is behind the topic: offsets from its positions to the topic's ends as they are now. Offsets that hold no
    /// record count until a commit has passed them.
    /// </summary>
    /// <returns>Null where the brokers did not answer.</returns>
    public async ValueTask<long?> CountBehindAsync(CancellationToken cancellationToken)
    {
        var opened = _opened ?? throw new InvalidOperationException("The flow has to be opened before it is asked how far it is.");
        var positions = opened.Committer.Source.Partitions;
        var (ranges, _) = await TryAsync(async () => await _source.RangesAsync([.. positions.Select(entry => entry.Partition)], cancellationToken), cancellationToken);
        return ranges?.Zip(positions, (range, entry) => Math.Max(0, range.End - entry.NextOffset)).Sum();
    }

    /// <summary>Whether <see cref="CommitAsync"/> may be called: opened, and nothing since that asks for opening again.</summary>
    public bool IsOpen => _opened is not null;

    private async ValueTask<StageStep> StageAsync(RawBatch batch, int partition, StagingLook look, CancellationToken cancellationToken)
    {
        if (look.TakeFor(partition) is not { } opened)
        {
            if (await _stagingOpening.TryOpenAsync([partition], cancellationToken) is not { } found) return new StageStep.NotYet(AwaitCommitter);
            look.Note(opened = found, partition);
        }
        var (first, last) = (batch.Records[0].Offset, batch.Records[^1].Offset);
        var known = opened.Source.Find(partition)!;
        if (last < known.NextOffset) return new StageStep.Covered();

        await _handedIn.RequireStandsAsync(batch, cancellationToken);
        var from = await BeginAsync(known, first, cancellationToken);
        LaneCheckpoint checkpoint;
        await using (var lane = _lanesFor(opened).Create([known with { FromOffset = from, NextOffset = from }]))
        {
            await lane.AcceptAsync(batch, cancellationToken);
            checkpoint = await lane.FinishAsync(cancellationToken);
        }
        await _stagingFor(opened).StageAsync([checkpoint], cancellationToken);
        _flow.Progress.NoteSettled(checkpoint.Books.RecordCount);
        if (checkpoint.Rejected is { } rejected) throw rejected.ToException(_flow.Plan.Topic);
        return new StageStep.Staged(partition, from, checkpoint.Partitions[0].Entry.NextOffset, checkpoint.Books.AddedRowCount);
    }

    /// <summary>
    /// Where the batch's range begins. Mostly where the staged ones end: a batch often begins behind offsets that hold no record
    /// (the end of a transaction). Where records are missing in between, they may be on their way, and the range begins behind them;
    /// so it does where they have been deleted, since nobody can tell any more whether there were any.
    /// </summary>
    private async ValueTask<long> BeginAsync(PartitionLedger known, long first, CancellationToken cancellationToken)
    {
        if (first <= known.NextOffset) return known.NextOffset;
        if (await _source.CountInGapsAsync(known.Partition, [new OffsetGap(known.NextOffset, first)], cancellationToken) != 0) return first;
        var held = (await _source.RangesAsync([known.Partition], cancellationToken))[0];
        return held.LogStart <= known.NextOffset ? known.NextOffset : first;
    }

    private TimeSpan NextWait() => RetryWait.After(++_failureCount, _flow.NextJitter());

    /// <summary>The step's result, or the failure that may pass; both null where the step gave null.</summary>
    private async ValueTask<(T? Result, PipelineException? Failure)> TryAsync<T>(Func<ValueTask<T?>> step, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return (await step(), null);
        }
        catch (Exception e) when (FlowFailure.Of(_flow.Plan, e, cancellationToken) is { } failure)
        {
            Counted(failure);
            if (failure.Retry == RetryAdvice.BackOff) return (null, failure);
            if (failure == e) throw;
            throw failure;
        }
    }

    private PipelineException Counted(PipelineException failure)
    {
        _flow.Progress.Metrics.CountFailure(FailureWord.Of(failure.Kind));
        return failure;
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <param name="Records">The records that are known to have been read, to tell whether the topic is still the one that held them.</param>
    private sealed record Opened(FlowCommitter Committer, ReadRecordCheck Records);
}
