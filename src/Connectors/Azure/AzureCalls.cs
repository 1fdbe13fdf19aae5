using Matih.Storage;

namespace Matih.Connectors.Azure;

/// <summary>
/// Sends requests, again where that is safe, until about half a minute has passed. The SDK itself sends each once. A request
/// has 20 seconds, in which an identity gives its token too, and a second more for each 256 KiB. Thread-safe.
/// </summary>
internal sealed class AzureCalls(RedactedText redaction, IIdSource ids, TimeProvider clock, CallLimits? limits)
{
    private readonly TimeSpan _patience = limits?.AgainMax ?? RequestRetry.PatienceMax;
    private readonly TimeSpan _attemptMin = limits?.AnswerMax ?? TimeSpan.FromSeconds(20);
    private const double BytesPerSecondMin = 256 << 10;

    /// <summary>Sends until the answer is there.</summary>
    /// <param name="lengthBytes">What is sent with it.</param>
    /// <param name="expect">A failure that is a value to the caller; null is thrown.</param>
    /// <exception cref="StoreException">The failure that ended it.</exception>
    public async ValueTask<T> SendAsync<T>(
        RequestEffect effect, string action, string location, Uri uri, long lengthBytes, Func<Attempt, Task<T>> send, Func<AzureFault, Outcome<T>?>? expect, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        var isInDoubt = false;
        for (var round = 0; ; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            AzureFault fault;
            using (var attempt = new Attempt(clock, _attemptMin, lengthBytes, cancellationToken))
            {
                try
                {
                    return await send(attempt);
                }
                catch (Exception exception)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (AzureFault.Of(exception, uri, attempt.IsTimeUp) is not { } found) throw;
                    fault = found;
                }
            }
            if (expect?.Invoke(fault) is { } outcome) return outcome.Value;
            isInDoubt |= fault.IsInDoubt && effect != RequestEffect.None;
            var wait = RequestRetry.PauseAfter(round, ids);
            if (fault.RetryAfter is { } asked && asked > wait) wait = asked;
            var isAgain = fault.IsTransient && !(isInDoubt && effect == RequestEffect.Once);
            if (!isAgain || clock.GetElapsedTime(started) + wait > _patience)
                throw fault.ToException(isInDoubt ? StoreFailureKind.UnknownOutcome : fault.Kind, action, location, redaction);
            await Task.Delay(wait, clock, cancellationToken);
        }
    }

    /// <summary>A failure's value.</summary>
    public readonly record struct Outcome<T>(T Value);

    /// <summary>One request, with the time that it has.</summary>
    internal sealed class Attempt : IDisposable
    {
        private readonly TimeSpan _least;
        private readonly CancellationTokenSource _limit;
        private readonly CancellationTokenSource _both;

        public Attempt(TimeProvider clock, TimeSpan least, long lengthBytes, CancellationToken cancellationToken)
        {
            _least = least;
            _limit = new(TimeFor(lengthBytes), clock);
            _both = CancellationTokenSource.CreateLinkedTokenSource(_limit.Token, cancellationToken);
        }

        public CancellationToken Token => _both.Token;

        public bool IsTimeUp => _limit.IsCancellationRequested;

        /// <summary>Says how much comes, counted from now.</summary>
        public void Expect(long lengthBytes) => _limit.CancelAfter(TimeFor(lengthBytes));

        private TimeSpan TimeFor(long lengthBytes) => _least + TimeSpan.FromSeconds(lengthBytes / BytesPerSecondMin);

        public void Dispose()
        {
            _both.Dispose();
            _limit.Dispose();
        }
    }
}
