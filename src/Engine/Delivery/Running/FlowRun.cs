using Matih.Delivery.Members;
using Matih.Delivery.Opening;
using Matih.Delivery.Topics;
using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery.Running;

/// <summary>
/// Runs one flow to its end: opens it at the table's ledger, lets the lanes read, and at every checkpoint commits what they
/// did. Whatever goes wrong, the next session begins at what the table then holds.
/// </summary>
/// <remarks>
/// Two tokens: <c>stop</c> asks for a last checkpoint and a closed ledger; <c>abort</c> leaves everything where it is, which
/// is as safe, only later readers see the last records.
/// </remarks>
internal sealed class FlowRun(
    FlowContext flow, ITopic topic, FlowOpening openingCheck, StartGate gate, IGroupMember? member, Func<CommittingSession> createCommitting, Func<StagingSession> createStaging)
{
    private readonly Seat? _seat = member is null ? null : new Seat(flow, member);

    public async Task RunAsync(RunMode mode, OpenAnswers answers, CancellationToken stop, CancellationToken abort)
    {
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(abort);
        var watch = flow.Environment.Tasks.Start($"contact of {flow.Name}", new ContactWatch(flow, topic).RunAsync, watching.Token);
        try
        {
            await RunToEndAsync(mode, answers, stop, abort);
        }
        finally
        {
            watching.Cancel();
            await WaitAsync(new ValueTask(watch), CancellationToken.None);
        }
    }

    private async Task RunToEndAsync(RunMode mode, OpenAnswers answers, CancellationToken stop, CancellationToken abort)
    {
        var history = new RunHistory(mode, answers, flow.Clock.GetTimestamp());
        // A member may spend its time waiting for work, where no session looks at the clock.
        using var timer = mode is RunMode.For(var duration) && _seat is not null ? new CancellationTokenSource(duration, flow.Clock) : new CancellationTokenSource();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop, timer.Token);
        stop = ending.Token;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, abort);
        while (true)
        {
            try
            {
                if (await StartAsync(history, abort, either.Token) && await RunSessionAsync(mode, history, stop, abort, either.Token) != SessionEnd.Finished) continue;
                flow.Enter(FlowState.Ended);
                return;
            }
            catch (PositionOutOfRangeException e) when (!history.HasDoubtedPositions)
            {
                // Opening again compares the positions with what the topic holds: it refuses and says what is missing, or goes on.
                history.HasDoubtedPositions = true;
                flow.Log.Information("position-doubted", $"Flow {flow.Name}: {e.Message} The flow is opened again to find out what the topic still holds.");
            }
            catch (Exception e) when (FlowFailure.Of(flow.Plan, e, abort) is { Retry: RetryAdvice.BackOff } failure)
            {
                await BackOffAsync(history, failure, stop, abort);
            }
            catch (PipelineException e) when (e.Kind == FailureKind.Superseded && _seat is not null)
            {
                flow.Log.Information("another-commits", $"Flow {flow.Name}: {e.Message} What this member read since is left to it.");
                if (!await WaitAsync(_seat.StepBackAsync(either.Token), abort)) return;
            }
            catch (Exception e) when (FlowFailure.Of(flow.Plan, e, abort) is { } failure)
            {
                flow.Progress.Metrics.CountFailure(FailureWord.Of(failure.Kind));
                if (failure == e) throw;
                throw failure;
            }
        }
    }

    /// <summary>Before the first session: makes sure that no flow of the pipeline would be refused. False where the run was stopped meanwhile.</summary>
    private async ValueTask<bool> StartAsync(RunHistory history, CancellationToken abort, CancellationToken either)
    {
        if (history.IsStarted || !gate.IsNeeded) return true;
        flow.Enter(FlowState.Opening);
        await openingCheck.CheckAsync(history.Answers, abort);
        history.IsStarted = true;
        return await WaitAsync(gate.PassAsync(flow.Progress, either), abort);
    }

    private async Task<SessionEnd> RunSessionAsync(RunMode mode, RunHistory history, CancellationToken stop, CancellationToken abort, CancellationToken either)
    {
        if (_seat is null) return await createCommitting().RunAsync(mode, history, new WorkShare.Everything(), null, stop, abort);

        // The group answers a member that reaches no broker with silence.
        if (topic.LastContact is null && !await WaitAsync(AskForContactAsync(either), abort)) return SessionEnd.Finished;
        var taking = _seat.TakeAsync(either).AsTask();
        await BeatUntilAsync(taking);
        if (!await WaitAsync(new ValueTask(taking), abort)) return SessionEnd.Finished;
        var (work, share) = await taking;
        using var watch = new ShareWatch(member!, share);
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(abort);
        var watched = flow.Environment.Tasks.Start($"share of {flow.Name}", watch.RunAsync, watching.Token);
        try
        {
            return work is WorkShare.Reader reader
                ? await createStaging().RunAsync(mode, history, reader, watch, stop, abort)
                : await createCommitting().RunAsync(mode, history, work, watch, stop, abort);
        }
        finally
        {
            watching.Cancel();
            await WaitAsync(new ValueTask(watched), CancellationToken.None);
        }
    }

    private async ValueTask AskForContactAsync(CancellationToken cancellationToken)
    {
        flow.Enter(FlowState.Opening);
        await topic.IdentifyAsync(cancellationToken);
    }

    /// <summary>Gives signs of life while the group, for however long, has no work for this member.</summary>
    private async ValueTask BeatUntilAsync(Task waiting)
    {
        while (!waiting.IsCompleted)
        {
            using var pause = new CancellationTokenSource();
            await Task.WhenAny(waiting, Pause.ForAsync(FlowContext.BeatInterval, flow.Clock, pause.Token));
            pause.Cancel();
            flow.Progress.NoteBeat(flow.Clock.GetTimestamp());
        }
    }

    /// <summary>False where the wait was ended by a stop, after which there is nothing to finish.</summary>
    private static async ValueTask<bool> WaitAsync(ValueTask waiting, CancellationToken abort)
    {
        try
        {
            await waiting;
            return true;
        }
        catch (OperationCanceledException) when (!abort.IsCancellationRequested)
        {
            return false;
        }
    }

    private async ValueTask BackOffAsync(RunHistory history, PipelineException failure, CancellationToken stop, CancellationToken abort)
    {
        flow.Progress.Metrics.CountFailure(FailureWord.Of(failure.Kind));
        if (++history.FailureCount == 1) history.FailingSince = flow.Clock.GetTimestamp();
        flow.Progress.NoteFailures(history.FailureCount);
        flow.Enter(FlowState.Retrying);
        if (history.FailureCount > flow.Plan.RetryCountMax)
        {
            throw new PipelineException(failure.Kind, $"{failure.Message} ({flow.Plan.RetryCountMax} retries without progress are used up.)", failure.Remedy, failure);
        }
        var failing = flow.Clock.GetElapsedTime(history.FailingSince);
        if (failing > flow.Plan.CommitFailureMax)
        {
            throw new PipelineException(failure.Kind,
                $"{failure.Message} (Nothing could be committed for {failing.TotalSeconds:N0} s, over {Quantity.Of(history.FailureCount, "attempt")}; orchestration.commit_failure_limit is {flow.Plan.CommitFailureMax.TotalSeconds:N0} s.)", failure.Remedy, failure);
        }
        if (stop.IsCancellationRequested) throw failure;
        var wait = RetryWait.After(history.FailureCount, flow.NextJitter());
        var isKnown = failure.Message == history.LastFailure;
        history.LastFailure = failure.Message;
        flow.Log.Warning("retrying", $"Flow {flow.Name}: {(isKnown ? "the same failure again." : failure.Message)} Trying again in {wait.TotalSeconds:0.0} s ({history.FailureCount} of {flow.Plan.RetryCountMax}).{(isKnown ? "" : $" {failure.Remedy}")}");
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, abort);
        try
        {
            await Task.Delay(wait, flow.Clock, either.Token);
        }
        catch (OperationCanceledException) when (!abort.IsCancellationRequested)
        {
            throw failure;
        }
    }
}
