using Matih.Iceberg;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery;

/// <summary>
/// Runs one flow to its end: opens it at the table's ledger, lets the lanes read, and at every checkpoint commits what they
/// did. Whatever goes wrong, the next session begins at what the table then holds.
/// </summary>
/// <remarks>
/// Two tokens: <c>stop</c> asks for a last checkpoint and a closed ledger; <c>abort</c> leaves everything where it is, which
/// is as safe, only later readers see the last records.
/// </remarks>
internal sealed class FlowRun(FlowPlan plan, FlowParts parts, EngineEnvironment environment)
{
    private readonly WriterIdentity _writer = new(environment.Ids.NewUuid(), parts.Hint);
    private IReadOnlyDictionary<int, long>? _caughtUpAt;
    private long _generation;
    private int _failureCount;
    private OpenAnswers _answers = OpenAnswers.None;

    public async Task RunAsync(RunMode mode, OpenAnswers answers, CancellationToken stop, CancellationToken abort)
    {
        _answers = answers;
        var limit = mode is RunMode.Once once ? new RecordLimit(once.RecordCountMax) : RecordLimit.None();
        var startedAt = environment.Clock.GetTimestamp();
        while (true)
        {
            try
            {
                if (await RunSessionAsync(mode, limit, startedAt, stop, abort) == SessionEnd.Finished) return;
            }
            catch (Exception e) when (Classify(e, abort) is { Retry: RetryAdvice.BackOff } failure)
            {
                await BackOffAsync(failure, stop, abort);
            }
            catch (Exception e) when (e is not PipelineException && Classify(e, abort) is { } failure)
            {
                throw failure;
            }
        }
    }

    private async Task<SessionEnd> RunSessionAsync(
        RunMode mode, RecordLimit limit, long startedAt, CancellationToken stop, CancellationToken abort)
    {
        OpenedFlow opened;
        try
        {
            opened = await parts.Opening.OpenAsync(_writer, _answers, stop, abort);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !abort.IsCancellationRequested)
        {
            return SessionEnd.Finished; // Stopped while standing by: nothing was read, so there is nothing to commit.
        }
        _answers = OpenAnswers.None; // They were given for the table as it was; a later session has its own ledger to go by.
        if (mode is RunMode.UntilCaughtUp) _caughtUpAt ??= await EndsAsync(abort);
        using var lanesToken = CancellationTokenSource.CreateLinkedTokenSource(abort);
        await using var session = await FlowSession.StartAsync(plan, parts, environment, opened, limit, ++_generation, lanesToken);
        var finish = new FinishCondition(mode, limit, session, environment.Clock, startedAt, _caughtUpAt);
        var committer = new Checkpointer(plan, parts, environment, _writer, opened);
        while (true)
        {
            var wake = await session.WaitForCheckpointAsync(mode, finish, stop, abort);
            var isLast = wake is CheckpointCause.Finished or CheckpointCause.Stopped or CheckpointCause.Rejected or CheckpointCause.TopicChanged;
            var checkpoints = await session.SealAsync(isLast, abort);
            var rejected = checkpoints.Select(checkpoint => checkpoint.Rejected).FirstOrDefault(found => found is not null);
            var staysOpen = !isLast || wake == CheckpointCause.TopicChanged;
            switch (await committer.CommitAsync(checkpoints, staysOpen, abort))
            {
                case CommitOutcome.Rebased rebased:
                    parts.Log.Warning("batch-dropped", $"Flow {plan.Name}: {rebased.Reason} The uncommitted batch is dropped and read again from the table's ledger.");
                    return SessionEnd.Reopen;
                case CommitOutcome.Superseded superseded:
                    throw superseded.ToException(plan.Name);
                case CommitOutcome.Committed:
                    _failureCount = 0;
                    break;
            }
            if (rejected is not null)
            {
                throw new PipelineException(FailureKind.RecordRejected,
                    $"The record at offset {rejected.Offset} of partition {rejected.Partition} of topic '{plan.Topic}' was rejected: {rejected.Reason} Everything before it is committed.",
                    "Mend the producer or the SQL, or pass bad records over with on_error: skip; a restart meets this record again.");
            }
            if (isLast) return wake == CheckpointCause.TopicChanged ? SessionEnd.Reopen : SessionEnd.Finished;
            if (committer.TableHasChanged) return SessionEnd.Reopen;
        }
    }

    private async ValueTask<IReadOnlyDictionary<int, long>> EndsAsync(CancellationToken abort)
    {
        var topic = await parts.Source.IdentifyAsync(abort);
        int[] partitions = [.. Enumerable.Range(0, topic.PartitionCount)];
        var ranges = await parts.Source.RangesAsync(partitions, abort);
        return partitions.ToDictionary(partition => partition, partition => ranges[partition].End);
    }

    private async ValueTask BackOffAsync(PipelineException failure, CancellationToken stop, CancellationToken abort)
    {
        if (++_failureCount > plan.RetryCountMax)
        {
            throw new PipelineException(failure.Kind, $"{failure.Message} ({plan.RetryCountMax} retries without progress are used up.)", failure.Remedy, failure);
        }
        if (stop.IsCancellationRequested) throw failure;
        var seconds = Math.Min(60, Math.Pow(2, _failureCount - 1)) * (0.5 + parts.NextJitter());
        parts.Log.Warning("retrying", $"Flow {plan.Name}: {failure.Message} Trying again in {seconds:0.0} s ({_failureCount} of {plan.RetryCountMax}). {failure.Remedy}");
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, abort);
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(seconds), environment.Clock, either.Token);
        }
        catch (OperationCanceledException) when (!abort.IsCancellationRequested)
        {
            throw failure;
        }
    }

    /// <summary>What an exception means for the run; null for a broken invariant, which must crash.</summary>
    private PipelineException? Classify(Exception e, CancellationToken abort) => e switch
    {
        OperationCanceledException when abort.IsCancellationRequested => null,
        PipelineException known => known,
        PositionOutOfRangeException position => new PipelineException(FailureKind.Kafka,
            $"Topic '{plan.Topic}': {position.Message}", "The next start compares the position with what the topic holds.", position),
        SourceException source => new PipelineException(
            source.Kind is SourceErrorKind.Unreachable or SourceErrorKind.Protocol ? FailureKind.Kafka : FailureKind.KafkaAccess,
            $"Topic '{plan.Topic}': {source.Message}", "Check the connection in the definition and the broker; the run goes on from the table's ledger.", source),
        UnsupportedTableException unsupported => new PipelineException(FailureKind.BadDefinition, $"Table {plan.Table.Identifier}: {unsupported.Message}",
            "Change the table or the definition.", unsupported),
        InvalidTableException invalid => new PipelineException(FailureKind.Table, $"Table {plan.Table.Identifier}: {invalid.Message}",
            "Restore the table's files or roll it back; nothing was committed.", invalid),
        IOException io => new PipelineException(FailureKind.Store, $"Table {plan.Table.Identifier}: {io.Message}",
            "Check disk space, permissions and the network to the store; nothing was committed.", io),
        UnauthorizedAccessException access => new PipelineException(FailureKind.Store, $"Table {plan.Table.Identifier}: {access.Message}",
            "Give this user write access to the warehouse.", access),
        _ => null,
    };

    private enum SessionEnd { Finished, Reopen }
}
