using System.Collections.Immutable;

namespace Matih.Connectors.Rest;

/// <summary>
/// What a catalog lends for one table: kept as it was last given, and asked for again before it expires. Thread-safe.
/// </summary>
internal sealed class Loan
{
    private static readonly TimeSpan EarlyMax = TimeSpan.FromMinutes(5);

    private readonly TableIdentifier _table;
    private readonly TimeProvider _clock;
    private readonly SharedCall<Held> _renewing;
    private volatile Held _held;

    /// <param name="renew">Asks the catalog for credentials.</param>
    public Loan(TableIdentifier table, ImmutableArray<LentCredential> given, Func<Task<ImmutableArray<LentCredential>>> renew, TimeProvider clock)
    {
        _table = table;
        _clock = clock;
        _held = Hold(given);
        _renewing = new SharedCall<Held>(async () => IsDue(_held) ? _held = Hold(await renew()) : _held);
    }

    public ImmutableArray<LentCredential> Credentials => _held.Credentials;

    /// <summary>Takes newer credentials, which came with the table.</summary>
    public void Take(ImmutableArray<LentCredential> given) => _held = Hold(given);

    /// <summary>The credential for a prefix, good for a while.</summary>
    /// <exception cref="CatalogException">The catalog gives none any more.</exception>
    public async ValueTask<LentCredential> CurrentAsync(string prefix, CancellationToken cancellationToken)
    {
        var held = _held;
        if (IsDue(held))
        {
            try
            {
                held = await _renewing.RunAsync(cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException && _clock.GetUtcNow() < held.Expires)
            {
                // It is early: what was lent still counts for a while.
            }
        }
        return held.Credentials.FirstOrDefault(credential => credential.Prefix == prefix) ?? throw new CatalogException(
            $"The catalog no longer lends credentials for {prefix} of table {_table}.", "Check what the catalog allows this identity.");
    }

    private bool IsDue(Held held) => _clock.GetUtcNow() >= held.RenewAt;

    private Held Hold(ImmutableArray<LentCredential> given)
    {
        var expires = given.Select(credential => credential.Expires).Min() ?? DateTimeOffset.MaxValue;
        if (expires == DateTimeOffset.MaxValue) return new Held(given, expires, expires);
        var early = (expires - _clock.GetUtcNow()) / 10;
        return new Held(given, expires - (early < EarlyMax ? early : EarlyMax), expires);
    }

    private sealed record Held(ImmutableArray<LentCredential> Credentials, DateTimeOffset RenewAt, DateTimeOffset Expires);
}
