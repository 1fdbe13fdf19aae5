using Matih.Delivery.Lanes;
using Matih.Delivery.Ledgers;
using Matih.Delivery.Members;
using Matih.Delivery.Topics;
using Matih.Planning;
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
internal sealed class FlowRun(FlowPlan plan, FlowParts parts, EngineEnvironment environment)
{
    private readonly WriterIdentity _writer = new(environment.Ids.NewUuid(), parts.Hint);
    private readonly Seat? _seat = parts.Member is { } member ? new Seat(plan, member, environment.Clock, parts.NextJitter, parts.Progress, parts.Log) : null;

    public async Task RunAsync(RunMode mode, OpenAnswers answers, CancellationToken stop, CancellationToken abort)
    {
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(abort);
        var watch = environment.Tasks.Start($"contact of {plan.Name}", new ContactWatch(plan, parts, environment).RunAsync, watching.Token);
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
        var history = new RunHistory(mode, answers, environment.Clock.GetTimestamp());
        // A member may spend its time waiting for work, where no session looks at the clock.
        using var timer = mode is RunMode.For(var duration) && _seat is not null ? new CancellationTokenSource(duration, environment.Clock) : new CancellationTokenSource();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop, timer.Token);
        stop = ending.Token;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, abort);
        while (true)
        {
            try
            {
                if (await StartAsync(history, abort, either.Token) && await RunSessionAsync(mode, history, stop, abort, either.Token) != SessionEnd.Finished) continue;
                Enter(FlowState.Ended);
                return;
            }
            catch (PositionOutOfRangeException e) when (!history.HasDoubtedPositions)
            {
                // Opening again compares the positions with what the topic holds: it refuses and says what is missing, or goes on.
                history.HasDoubtedPositions = true;
                parts.Log.Information("position-doubted", $"Flow {plan.Name}: {e.Message} The flow is opened again to find out what the topic still holds.");
            }
            catch (Exception e) when (FlowFailure.Of(plan, e, abort) is { Retry: RetryAdvice.BackOff } failure)
            {
                await BackOffAsync(history, failure, stop, abort);
            }
            catch (PipelineException e) when (e.Kind == FailureKind.Superseded && _seat is not null)
            {
                parts.Log.Information("another-commits", $"Flow {plan.Name}: {e.Message} What this member read since is left to it.");
                if (!await WaitAsync(_seat.StepBackAsync(either.Token), abort)) return;
            }
            catch (Exception e) when (e is not PipelineException && FlowFailure.Of(plan, e, abort) is { } failure)
            {
                throw failure;
            }
        }
    }

    /// <summary>Before the first session: makes sure that no flow of the pipeline would be refused. False where the run was stopped meanwhile.</summary>
    private async ValueTask<bool> StartAsync(RunHistory history, CancellationToken abort, CancellationToken either)
    {
        if (history.IsStarted || !parts.Gate.IsNeeded) return true;
        Enter(FlowState.Opening);
        await parts.OpeningCheck.CheckAsync(_writer, history.Answers, abort);
        history.IsStarted = true;
        return await WaitAsync(parts.Gate.PassAsync(parts.Progress, either), abort);
    }

    private async Task<SessionEnd> RunSessionAsync(RunMode mode, RunHistory history, CancellationToken stop, CancellationToken abort, CancellationToken either)
    {
        if (_seat is null) return await new CommittingSession(plan, parts, environment, _writer).RunAsync(mode, history, new WorkShare.Everything(), null, stop, abort);

        // The group answers a member that reaches no broker with silence.
        if (parts.Source.LastContact is null && !await WaitAsync(AskForContactAsync(either), abort)) return SessionEnd.Finished;
        var taking = _seat.TakeAsync(either).AsTask();
        await BeatUntilAsync(taking);
        if (!await WaitAsync(new ValueTask(taking), abort)) return SessionEnd.Finished;
        var (work, share) = await taking;
        using var watch = new ShareWatch(parts.Member!, share);
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(abort);
        var watched = environment.Tasks.Start($"share of {plan.Name}", watch.RunAsync, watching.Token);
        try
        {
            return work is WorkShare.Reader reader
                ? await new StagingSession(plan, parts, environment, _writer.Run).RunAsync(mode, history, reader, watch, stop, abort)
                : await new CommittingSession(plan, parts, environment, _writer).RunAsync(mode, history, work, watch, stop, abort);
        }
        finally
        {
            watching.Cancel();
            await WaitAsync(new ValueTask(watched), CancellationToken.None);
        }
    }

    private async ValueTask AskForContactAsync(CancellationToken cancellationToken)
    {
        Enter(FlowState.Opening);
        await parts.Source.IdentifyAsync(cancellationToken);
    }

    private void Enter(FlowState state) => parts.Progress.NoteState(state, environment.Clock.GetTimestamp());

    /// <summary>Gives signs of life while the group, for however long, has no work for this member.</summary>
    private async ValueTask BeatUntilAsync(Task waiting)
    {
        while (!waiting.IsCompleted)
        {
            using var pause = new CancellationTokenSource();
            await Task.WhenAny(waiting, Pause.ForAsync(FlowSession.BeatInterval, environment.Clock, pause.Token));
            pause.Cancel();
            parts.Progress.NoteBeat(environment.Clock.GetTimestamp());
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
        if (++history.FailureCount == 1) history.FailingSince = environment.Clock.GetTimestamp();
        parts.Progress.NoteFailures(history.FailureCount);
        Enter(FlowState.Retrying);
        if (history.FailureCount > plan.RetryCountMax)
        {
            throw new PipelineException(failure.Kind, $"{failure.Message} ({plan.RetryCountMax} retries without progress are used up.)", failure.Remedy, failure);
        }
        var failing = environment.Clock.GetElapsedTime(history.FailingSince);
        if (failing > plan.CommitFailureMax)
        {
            throw new PipelineException(failure.Kind,
                $"{failure.Message} (Nothing could be committed for {failing.TotalSeconds:N0} s, over {Quantity.Of(history.FailureCount, "attempt")}; orchestration.commit_failure_limit is {plan.CommitFailureMax.TotalSeconds:N0} s.)", failure.Remedy, failure);
        }
        if (stop.IsCancellationRequested) throw failure;
        var seconds = Math.Min(60, Math.Pow(2, history.FailureCount - 1)) * (0.5 + parts.NextJitter());
        var isKnown = failure.Message == history.LastFailure;
        history.LastFailure = failure.Message;
        parts.Log.Warning("retrying", $"Flow {plan.Name}: {(isKnown ? "the same failure again." : failure.Message)} Trying again in {seconds:0.0} s ({history.FailureCount} of {plan.RetryCountMax}).{(isKnown ? "" : $" {failure.Remedy}")}");
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
}
