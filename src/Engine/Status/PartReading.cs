using System.Globalization;
using Matih.Delivery;
using Matih.Planning;

namespace Matih.Status;

/// <summary>A part that was read, or why it was not.</summary>
internal readonly record struct PartResult<T>(T? Value, UnreadPart? Unread) where T : class;

/// <summary>
/// Reads the parts of a flow's status, each on a thread of its own, because Kafka's client blocks. What fails, or does not answer
/// in time, is said, and the other parts are read all the same.
/// </summary>
/// <param name="limited">Ends when the time is over, or when the caller cancels.</param>
internal sealed class PartReading(FlowPlan plan, EngineEnvironment environment, TimeSpan timeMax, CancellationToken limited, CancellationToken cancellationToken)
{
    private readonly List<Task> _works = [];

    public async Task<PartResult<T>> TryAsync<T>(StatusPart part, Func<CancellationToken, ValueTask<T>> read)
        where T : class
    {
        T? value = null;
        var work = environment.Tasks.Start($"{part} of {plan.Name}", async token => value = await read(token), limited);
        _works.Add(work);
        try
        {
            // Not every client ends at once when it is cancelled.
            await work.WaitAsync(limited);
            return new PartResult<T>(value, null);
        }
        catch (OperationCanceledException) when (limited.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // What was read when the time was over counts.
            return work.IsCompletedSuccessfully ? new PartResult<T>(value, null) : new PartResult<T>(null, Late(part));
        }
        catch (Exception e) when (FlowFailure.Of(plan, e, cancellationToken) is { } failure)
        {
            return new PartResult<T>(null, new UnreadPart(part, failure.Kind, failure.Message, failure.Remedy));
        }
    }

    /// <summary>Releases what the parts use, once the last of them has ended: one that did not answer in time may still be at work.</summary>
    public async ValueTask ReleaseAsync(IAsyncDisposable used)
    {
        var ended = Task.WhenAll(_works);
        if (ended.IsCompleted) await used.DisposeAsync();
        else _ = ended.ContinueWith(async _ => await used.DisposeAsync(), TaskScheduler.Default);
    }

    private UnreadPart Late(StatusPart part)
    {
        var (kind, name, remedy) = part is StatusPart.Topic or StatusPart.Start
            ? (FailureKind.Kafka, $"Topic '{plan.Topic}'", "Check that the brokers run and can be reached from here.")
            : (FailureKind.Store, $"Table {plan.Table.Identifier}", "Check that the catalog and its store can be reached from here; matih catalog check says which of them keeps silent.");
        return new UnreadPart(part, kind, string.Create(CultureInfo.InvariantCulture, $"{name} was not read within {timeMax.TotalSeconds:0} s."), remedy);
    }
}
