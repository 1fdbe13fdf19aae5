using Matih.Kafka;
using Matih.Planning;
using Matih.Telemetry;

namespace Matih.Delivery.Topics;

/// <summary>
/// Watches over the contact with the brokers as long as a flow runs: notes when they last answered, and says in the log, once
/// each, that contact is lost and that it is back. An idle consumer learns nothing of a broker that is dead or frozen; only
/// questions do. Sessions ask all the time; while there is none, or its watch has ended, this asks.
/// </summary>
internal sealed class ContactWatch(FlowPlan plan, FlowParts parts, EngineEnvironment environment)
{
    /// <summary>Whoever asks does so more often than that, or waits for an answer.</summary>
    private static readonly TimeSpan AskAfter = TimeSpan.FromSeconds(10);

    private readonly long _beganAt = environment.Clock.GetTimestamp();
    private bool _isLost;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var asking = Task.CompletedTask;
        var question = new CancellationTokenSource();
        try
        {
            while (true)
            {
                await Task.Delay(plan.TopicLookInterval, environment.Clock, cancellationToken);
                var silence = environment.Clock.GetElapsedTime(parts.Source.LastContact ?? _beganAt);
                parts.Progress.NoteContact(parts.Source.LastContact);
                Report(silence);
                // A source asks one thing at a time: the next attempt to open must not wait for this question.
                if (!MustAsk) question.Cancel();
                else if (silence > AskAfter && asking.IsCompleted)
                {
                    question.Dispose();
                    question = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                    asking = environment.Tasks.Start($"question of {plan.Name}", AskAsync, question.Token);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The flow ends.
        }
        finally
        {
            await asking;
            question.Dispose();
        }
    }

    /// <summary>While it reads, a session's own watch asks.</summary>
    private bool MustAsk => parts.Progress.State is FlowState.Opening or FlowState.StandingBy or FlowState.Committing;

    /// <summary>
    /// Gives up soon, and asks again at the next look: a question that has waited behind an attempt to open, which failed
    /// meanwhile, must not take its time from the next attempt.
    /// </summary>
    private async Task AskAsync(CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(AskAfter, environment.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            await parts.Source.IdentifyAsync(either.Token);
        }
        catch (Exception e) when (e is SourceException || e is OperationCanceledException && either.IsCancellationRequested)
        {
            // The source notes what came of it.
        }
    }

    /// <summary>Where attempts fail, each failure is in the log already.</summary>
    private void Report(TimeSpan silence)
    {
        var isLost = silence > HealthLimits.DefaultContactAgeMax;
        if (isLost == _isLost || isLost && parts.Progress.FailureCount > 0) return;
        _isLost = isLost;
        if (isLost)
        {
            parts.Log.Warning("contact-lost",
                $"Flow {plan.Name}: no answer from Kafka for {silence.TotalSeconds:0} s ({parts.Source.Trouble ?? "its brokers are silent"}). Reading continues when it answers again; until then the lag is of that time.",
                ("flow", plan.Name.ToString()), ("silence_seconds", Math.Round(silence.TotalSeconds)));
        }
        else
        {
            parts.Log.Information("contact-back", $"Flow {plan.Name}: Kafka answers again.", ("flow", plan.Name.ToString()));
        }
    }
}
