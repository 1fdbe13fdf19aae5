using Amazon.Runtime;

namespace Matih.Connectors.S3;

/// <summary>
/// Credentials of a source, kept until shortly before they expire. Where the source fails while they are still valid, they are
/// used on, and the source is asked again some seconds later. Thread-safe.
/// </summary>
internal sealed class ExpiringCredentials(S3CredentialSource source, TimeProvider clock) : AWSCredentials
{
    /// <summary>Long enough for a request that is sent again and again; a tenth of their life where they live shortly.</summary>
    private static readonly TimeSpan MarginMax = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan RenewalWait = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _asking = new(1);
    private Held? _held;

    public override Task<ImmutableCredentials> GetCredentialsAsync() => AskAsync(CancellationToken.None);

    /// <summary>The SDK signs with this, and would block a thread here: whoever sends a request has called <see cref="AskAsync"/> before.</summary>
    public override ImmutableCredentials GetCredentials() => _held?.Credentials ?? throw new InvalidOperationException("The source of these credentials was not asked yet.");

    /// <summary>Asks the source where what it gave is about to expire.</summary>
    /// <exception cref="S3CredentialException">The source failed, with what is within.</exception>
    public async Task<ImmutableCredentials> AskAsync(CancellationToken cancellationToken)
    {
        if (_held is { } fresh && IsFresh(fresh)) return fresh.Credentials;
        await _asking.WaitAsync(cancellationToken);
        try
        {
            if (_held is { } renewed && IsFresh(renewed)) return renewed.Credentials;
            _held = Hold(await source(cancellationToken));
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            var now = clock.GetUtcNow();
            if (_held is not { } old || now >= old.Expires) throw new S3CredentialException(exception);
            _held = old with { RenewAt = now + RenewalWait };
        }
        finally
        {
            _asking.Release();
        }
        return _held.Credentials;
    }

    /// <summary>The store takes these credentials no longer, so that the source is asked again.</summary>
    public void Expire() => _held = _held is { } held ? held with { RenewAt = DateTimeOffset.MinValue, Expires = DateTimeOffset.MinValue } : null;

    private bool IsFresh(Held held) => clock.GetUtcNow() is var now && now < held.RenewAt && now < held.Expires;

    private Held Hold(S3SessionCredentials given)
    {
        var credentials = new ImmutableCredentials(given.AccessKeyId, given.SecretAccessKey.Reveal(), given.SessionToken?.Reveal());
        if (given.Expires is not { } expires) return new(credentials, DateTimeOffset.MaxValue, DateTimeOffset.MaxValue);
        var margin = (expires - clock.GetUtcNow()) / 10;
        return new(credentials, expires - (margin < MarginMax ? margin : MarginMax), expires);
    }

    private sealed record Held(ImmutableCredentials Credentials, DateTimeOffset RenewAt, DateTimeOffset Expires);
}

/// <summary>There are no credentials to send a request with, so that nothing was sent.</summary>
internal sealed class S3CredentialException(Exception innerException) : Exception(innerException.Message, innerException);
