using System.Runtime.ExceptionServices;
using Amazon.Runtime;
using Amazon.S3;
using Matih.Definition;
using Matih.Storage;

namespace Matih.Connectors.S3;

/// <summary>
/// Sends requests, and sends them again where that is safe, for about half a minute: after a cut connection, an error of the
/// server, a request to slow down. Everything that S3 and the network fail with becomes a <see cref="StoreException"/> here.
/// </summary>
internal sealed class S3Calls : IDisposable
{
    /// <summary>How long a connection may stand still.</summary>
    private static readonly TimeSpan StillMax = TimeSpan.FromSeconds(20);

    private readonly S3Access _access;
    private readonly IIdSource _ids;
    private readonly TimeProvider _clock;
    private readonly S3CredentialSource? _source;
    private readonly HttpMessageHandler _handler = S3Client.CreateHandler();
    private readonly S3Pace _pace;
    private readonly string _tried;
    private readonly TimeSpan _patience;
    private readonly TimeSpan _stillMax;
    private readonly RedactedText _redaction;
    private readonly Lock _lock = new();
    private ExpiringCredentials? _expiring;
    private AmazonS3Client? _client;

    public S3Calls(S3Access access, IIdSource ids, TimeProvider clock, S3CredentialSource? source, CallLimits? limits = null)
    {
        (_access, _ids, _clock, _source) = (access, ids, clock, source);
        (_patience, _stillMax) = (limits?.AgainMax ?? RequestRetry.PatienceMax, limits?.AnswerMax ?? StillMax);
        _redaction = S3Credentials.Redaction(access);
        _pace = new(clock);
        _tried = source is null ? S3Credentials.Describe(access) : "credentials that the catalog gave";
    }

    /// <param name="action">A verb in its first form, for the message.</param>
    /// <param name="send">Sends one request; called again for each attempt.</param>
    /// <param name="patience">How long it is sent again; null is <see cref="RequestRetry.PatienceMax"/>.</param>
    /// <exception cref="StoreException">With <see cref="StoreFailureKind.UnknownOutcome"/> where any attempt may have changed something.</exception>
    public async ValueTask<T> RunAsync<T>(
        string action,
        string location,
        RequestEffect effect,
        Func<AmazonS3Client, S3Attempt, Task<T>> send,
        CancellationToken cancellationToken,
        TimeSpan? patience = null)
    {
        var start = _clock.GetTimestamp();
        var (isInDoubt, hasRenewed) = (false, false);
        for (var round = 0; ; round++)
        {
            var (result, failure) = await AttemptAsync(send, cancellationToken);
            if (failure is null) return result!;
            isInDoubt |= effect != RequestEffect.None && !failure.IsDecided;
            var wait = RequestRetry.PauseAfter(round, _ids);
            if (failure.IsExpired && _expiring is not null && !hasRenewed)
            {
                _expiring.Expire();
                hasRenewed = true;
                continue;
            }
            if (!failure.IsPassing || (effect == RequestEffect.Once && isInDoubt) || _clock.GetElapsedTime(start) + wait > (patience ?? _patience))
                throw (isInDoubt ? failure with { Kind = StoreFailureKind.UnknownOutcome, Remedy = null } : failure).ToException(action, location, _redaction);
            await Task.Delay(wait, _clock, cancellationToken);
        }
    }

    public void Dispose()
    {
        _client?.Dispose();
        _handler.Dispose();
        _pace.Dispose();
    }

    private async Task<(T? Result, S3Failure? Failure)> AttemptAsync<T>(Func<AmazonS3Client, S3Attempt, Task<T>> send, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await _pace.EnterAsync(cancellationToken);
        S3Failure? failure = null;
        try
        {
            using var attempt = new S3Attempt(_clock, _stillMax, cancellationToken);
            var client = Client();
            if (_expiring is not null) Hide(await _expiring.AskAsync(attempt.Token));
            return (await send(client, attempt), null);
        }
        catch (S3CredentialException exception) when (S3Failure.Of(exception, _tried, _access.Region) is null)
        {
            ExceptionDispatchInfo.Throw(exception.InnerException!);
            throw;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && S3Failure.Of(exception, _tried, _access.Region) is { } known)
        {
            failure = known is { Kind: StoreFailureKind.Unreachable, Code: "" } && _access.Endpoint is { } endpoint && !known.Reason.Contains(endpoint.Reveal().Authority, StringComparison.Ordinal)
                ? known with { Reason = $"{known.Reason} (asked {endpoint})" }
                : known;
            return (default, failure);
        }
        catch (Exception exception) when (cancellationToken.IsCancellationRequested && exception is not OperationCanceledException)
        {
            throw new OperationCanceledException("The request was cancelled.", exception, cancellationToken);
        }
        finally
        {
            _pace.Leave(failure?.Kind == StoreFailureKind.Throttled);
        }
    }

    private void Hide(ImmutableCredentials given)
    {
        _redaction.Hide(given.SecretKey);
        if (given.UseToken) _redaction.Hide(given.Token);
    }

    /// <summary>Made with the first request, as the SDK may ask the network for a region then.</summary>
    private AmazonS3Client Client()
    {
        lock (_lock)
        {
            if (_client is not null) return _client;
            var credentials = _source is null ? S3Credentials.Of(_access, _clock, _handler) : new ExpiringCredentials(_source, _clock);
            _expiring = credentials as ExpiringCredentials;
            return _client = S3Client.Create(_access, credentials, _handler);
        }
    }
}

/// <summary>One sending of a request, which ends where nothing moves for a while.</summary>
internal sealed class S3Attempt : IDisposable
{
    private readonly TimeSpan _stillMax;
    private readonly CancellationTokenSource _still;
    private readonly CancellationTokenSource _either;

    public S3Attempt(TimeProvider clock, TimeSpan stillMax, CancellationToken cancellationToken)
    {
        _stillMax = stillMax;
        _still = new(stillMax, clock);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_still.Token, cancellationToken);
    }

    public CancellationToken Token => _either.Token;

    /// <summary>Bytes have moved.</summary>
    public void Advance() => _still.CancelAfter(_stillMax);

    public void Dispose()
    {
        _either.Dispose();
        _still.Dispose();
    }
}
