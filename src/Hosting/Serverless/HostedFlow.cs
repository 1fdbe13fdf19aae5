using Matih.Batches;
using Matih.Delivery;
using Matih.Delivery.Opening;
using Matih.Delivery.Steps;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Hosting.Serverless;

/// <summary>
/// A flow in a process of a host that is called: what it opened for one call serves the next one too. Staging and committing go
/// on side by side; of each there is one call at a time. Thread-safe.
/// </summary>
/// <param name="open">Opens the flow's steps; called for each use by itself, and again after a failure that a person has to see.</param>
public sealed class HostedFlow(PlannedFlow flow, FlowProgress progress, Func<FlowProgress, FlowSteps> open, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>A flow that has to be opened again and again is left to the next call.</summary>
    private const int OpeningsMax = 4;

    private readonly Use _staging = new(), _committing = new();

    public PlannedFlow Flow { get; } = flow;

    public string Sink => Flow.Plan.Name.Sink;

    /// <summary>What the calls of this process did.</summary>
    public FlowProgress Progress { get; } = progress;

    /// <summary>Stages records of one partition, and tries again for as long as it may.</summary>
    /// <param name="look">Shared by the batches of one call, of which each is of another partition.</param>
    /// <param name="patienceMax">How long.</param>
    /// <param name="notOpened">Called when nobody has opened the flow yet: somebody has to be asked to.</param>
    /// <exception cref="PipelineException">A person has to look, or it did not work for so long; the records must be handed in again.</exception>
    public async ValueTask<StageStep> StageAsync(RawBatch batch, StagingLook look, TimeSpan patienceMax, Func<CancellationToken, ValueTask> notOpened, CancellationToken cancellationToken)
    {
        using var _ = await _staging.EnterAsync(cancellationToken);
        var startedAt = clock.GetTimestamp();
        var hasAsked = false;
        while (true)
        {
            var step = await UseAsync(_staging, steps => steps.StageAsync(batch, look, cancellationToken));
            // Waiting does not help: a commit reads from Kafka what is left out.
            if (step is StageStep.Unfit unfit) throw unfit.Failure;
            var (wait, failure) = step switch
            {
                StageStep.NotYet notYet => (notYet.After, null),
                StageStep.TryAgain again => (again.After, again.Failure),
                _ => (TimeSpan.Zero, null),
            };
            if (wait == TimeSpan.Zero) return step;
            if (clock.GetElapsedTime(startedAt) + wait > patienceMax)
            {
                throw failure ?? new PipelineException(FailureKind.Catalog, $"Flow {Flow.Plan.Name}: nobody has opened the flow within {patienceMax.TotalSeconds:0} s, so it is not known where it begins.",
                    "Look at the pipeline's state: it may be paused, stopped, or waiting for a person. Its records are read from Kafka when it continues.");
            }
            if (step is StageStep.NotYet && !hasAsked)
            {
                hasAsked = true;
                await notOpened(cancellationToken);
            }
            await Task.Delay(wait, clock, cancellationToken);
        }
    }

    /// <summary>Commits what is staged, and says what is left. Opens the flow first where it has to.</summary>
    /// <param name="watch">Of the flow's last report, after the wait.</param>
    /// <param name="mayRead">Whether what nobody staged may be read from Kafka.</param>
    public async ValueTask<FlowReport> CommitAsync(TakeoverWatch? watch, bool mayRead, CancellationToken cancellationToken)
    {
        using var _ = await _committing.EnterAsync(cancellationToken);
        try
        {
            for (var opening = 0; opening < OpeningsMax; opening++)
            {
                try
                {
                    if (await UseAsync(_committing, steps => CommitAsync(steps, watch, mayRead, cancellationToken)) is { } report) return report;
                }
                catch (PipelineException superseded) when (superseded.Kind == FailureKind.Superseded)
                {
                    // Another process of the app has committed since: this one opens again and continues from what that one did.
                }
                watch = null;
            }
            return new FlowReport(Sink, FlowOutcome.TryAgain) { WaitMillis = 1000, Failure = new ReportedFailure("table-keeps-changing", $"Flow {Flow.Plan.Name}: the table changed each time that the flow was opened.", "Other writers are at it; the next checkpoint tries again.") };
        }
        catch (PipelineException failure)
        {
            return new FlowReport(Sink, FlowOutcome.Refused) { Failure = ReportedFailure.Of(failure) };
        }
    }

    /// <summary>Null where the flow must be opened again.</summary>
    private async ValueTask<FlowReport?> CommitAsync(FlowSteps steps, TakeoverWatch? watch, bool mayRead, CancellationToken cancellationToken)
    {
        if (!steps.IsOpen)
        {
            switch (await steps.OpenAsync(OpenAnswers.None, watch, cancellationToken))
            {
                case OpenStep.StandBy standBy:
                    return new FlowReport(Sink, FlowOutcome.StandBy) { WaitMillis = Millis(standBy.LookAgainAfter), Watch = ReportedWatch.Of(standBy.Watch) };
                case OpenStep.TryAgain again:
                    return AfterFailure(again.After, again.Failure);
            }
        }
        switch (await steps.CommitAsync(closes: true, mayRead, cancellationToken))
        {
            case CommitStep.OpenAgain:
                return null;
            case CommitStep.TryAgain again:
                return AfterFailure(again.After, again.Failure);
            case CommitStep.Committed committed:
                var behind = steps.IsOpen ? await steps.CountBehindAsync(cancellationToken) : null;
                return new FlowReport(Sink, FlowOutcome.Committed)
                {
                    Commit = committed.Commit.ToString(),
                    RecordCount = committed.Books.RecordCount,
                    RowCount = committed.Books.AddedRowCount,
                    BehindCount = behind,
                };
            default:
                return new FlowReport(Sink, FlowOutcome.NothingToDo) { BehindCount = await steps.CountBehindAsync(cancellationToken) };
        }
    }

    private FlowReport AfterFailure(TimeSpan wait, PipelineException failure) => new(Sink, FlowOutcome.TryAgain) { WaitMillis = Millis(wait), Failure = ReportedFailure.Of(failure) };

    private static long Millis(TimeSpan wait) => Math.Max(1, (long)wait.TotalMilliseconds);

    /// <summary>What fails for good is opened again by the next call, from the beginning.</summary>
    private async ValueTask<T> UseAsync<T>(Use use, Func<FlowSteps, ValueTask<T>> work)
    {
        use.Steps ??= open(Progress);
        try
        {
            return await work(use.Steps);
        }
        catch
        {
            var steps = use.Steps;
            use.Steps = null;
            await steps.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var use in new[] { _staging, _committing })
            if (use.Steps is { } steps) await steps.DisposeAsync();
    }

    private sealed class Use
    {
        private readonly Turnstile _turns = new();

        public FlowSteps? Steps { get; set; }

        public ValueTask<Turnstile.Passage> EnterAsync(CancellationToken cancellationToken) => _turns.EnterAsync(cancellationToken);
    }
}
