using Matih.Kafka;
using Matih.Telemetry;

namespace Matih.Delivery.Topics;

/// <summary>
/// Watches over the contact with the brokers as long as a flow runs: notes when they last answered, and says in the log, once
/// each, that contact is lost and that it is back. An idle consumer learns nothing of a broker that is dead or frozen; only
/// questions do. Sessions ask all the time; while there is none, or its watch has ended, this asks.
/// </summary>
internal sealed class ContactWatch(FlowContext flow, ITopic topic)
{
    /// <summary>Whoever asks does so more often than that, or waits for an answer.</summary>
    private static readonly TimeSpan AskAfter = TimeSpan.FromSeconds(10);

    private readonly long _beganAt = flow.Clock.GetTimestamp();
    private bool _isLost;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var asking = Task.CompletedTask;
        var question = new CancellationTokenSource();
        try
        {
            while (true)
            {
                await Task.Delay(flow.Plan.TopicLookInterval, flow.Clock, cancellationToken);
                var silence = flow.Clock.GetElapsedTime(topic.LastContact ?? _beganAt);
                flow.Progress.NoteContact(topic.LastContact);
                Report(silence);
                // A source asks one thing at a time: the next attempt to open must not wait for this question.
                if (!MustAsk) question.Cancel();
                else if (silence > AskAfter && asking.IsCompleted)
                {
                    question.Dispose();
                    question = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                    asking = flow.Environment.Tasks.Start($"question of {flow.Name}", AskAsync, question.Token);
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
    private bool MustAsk => flow.Progress.State is FlowState.Opening or FlowState.StandingBy or FlowState.Committing;

    /// <summary>
    /// Gives up soon, and asks again at the next look: a question that has waited behind an attempt to open, which failed
    /// meanwhile, must not take its time from the next attempt.
    /// </summary>
    private async Task AskAsync(CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(AskAfter, flow.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            await topic.IdentifyAsync(either.Token);
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
        if (isLost == _isLost || isLost && flow.Progress.FailureCount > 0) return;
        _isLost = isLost;
        if (isLost)
        {
            flow.Log.Warning("contact-lost",
                $"Flow {flow.Name}: no answer from Kafka for {silence.TotalSeconds:0} s ({topic.Trouble ?? "its brokers are silent"}). Reading continues when it answers again; until then the lag is of that time.",
                ("flow", flow.Name.ToString()), ("silence_seconds", Math.Round(silence.TotalSeconds)));
        }
        else
        {
            flow.Log.Information("contact-back", $"Flow {flow.Name}: Kafka answers again.", ("flow", flow.Name.ToString()));
        }
    }
}
