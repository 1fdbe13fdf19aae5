using System.Collections.Concurrent;
using System.Collections.Immutable;
using Matih.Definition;
using Matih.Storage;

namespace Matih.Connectors.Rest;

/// <summary>Opens stores whose credentials somebody else gives.</summary>
/// <param name="S3">With settings, and where keys come from; it is asked again before they expire.</param>
/// <param name="Azure">With settings, and a SAS token that is good now for the account of a host.</param>
public sealed record LentStoreOpening(
    Func<S3Access, Func<CancellationToken, ValueTask<LentS3Keys>>, IStore> S3,
    Func<AzureAccess, Func<string, CancellationToken, ValueTask<string>>, IStore> Azure);

/// <summary>
/// The stores that a catalog lends credentials for, assigned to their folders: those with the longest prefix count, and all
/// else is reached with the definition's own. Thread-safe.
/// </summary>
/// <param name="access">The definition's settings, which go before those of the catalog.</param>
internal sealed class LentStores(LocationStore locations, StoreAccess access, LentStoreOpening opening, TimeProvider clock)
{
    private readonly ConcurrentDictionary<TableIdentifier, Loan> _loans = new();
    private readonly ConcurrentDictionary<(TableIdentifier Table, string Prefix), object> _opened = new();

    /// <summary>Takes what the catalog lends for a table; nothing leaves it as it was.</summary>
    /// <param name="renew">Asks the catalog for it again.</param>
    public void Lend(TableIdentifier table, ImmutableArray<LentCredential> credentials, Func<Task<ImmutableArray<LentCredential>>> renew)
    {
        if (credentials.IsEmpty) return;
        var loan = _loans.AddOrUpdate(table, _ => new Loan(table, credentials, renew, clock), (_, known) =>
        {
            known.Take(credentials);
            return known;
        });
        foreach (var credential in credentials)
        {
            object settings = credential.IsForS3 ? credential.S3Access(access.S3) : access.Azure;
            var key = (table, credential.Prefix);
            if (_opened.TryGetValue(key, out var before) && IsSame(before, settings)) continue;
            _opened[key] = settings;
            locations.Assign(credential.Prefix, Open(loan, credential, settings));
        }
    }

    /// <summary>Whether the catalog lends credentials for the table that do not reach a location.</summary>
    public bool IsOutOfReach(TableIdentifier table, string location) =>
        _loans.TryGetValue(table, out var loan) && !loan.Credentials.Any(credential => $"{StoreLocation.Plain(location)}/".StartsWith($"{credential.Prefix}/", StringComparison.Ordinal));

    private IStore Open(Loan loan, LentCredential credential, object settings) => settings is S3Access s3
        ? opening.S3(s3, async cancellationToken => (await loan.CurrentAsync(credential.Prefix, cancellationToken)).S3Keys)
        : opening.Azure(new AzureAccess { Endpoint = access.Azure.Endpoint }, async (host, cancellationToken) =>
            (await loan.CurrentAsync(credential.Prefix, cancellationToken)).SasTokenOf(host)
            ?? throw new StoreException(StoreFailureKind.Denied, credential.Prefix, $"The catalog lends no SAS token for {host}. Check what it may give for this table."));

    /// <summary>Addresses are compared as they print: they hold no equality of their own.</summary>
    private static bool IsSame(object left, object right) =>
        left is S3Access one && right is S3Access other
            ? one with { Endpoint = null } == other with { Endpoint = null } && one.Endpoint?.ToString() == other.Endpoint?.ToString()
            : ReferenceEquals(left, right);
}
