using System.Collections.Immutable;
using Matih.Definition.Format;
using Matih.Definition.Shapes;

namespace Matih.Definition.Reading;

/// <summary>Turns an entry of type rest into a <see cref="CatalogDefinition.Rest"/>, and checks that its keys fit together.</summary>
internal static class RestCatalogReading
{
    private const string CatalogScope = "catalog", StorageScope = "https://storage.azure.com/.default", GatewayService = "execute-api";

    public static CatalogDefinition.Rest? Read(string name, BoundMapping values, S3Access s3, ReadState state)
    {
        if (!values.IsGiven(CatalogKeys.Address))
            state.Report(values.Position, values.PathOf(CatalogKeys.Address), "is missing, for example 'uri: https://catalog.example.com/api/catalog'");
        if (values.Get(CatalogKeys.Address) is not { } address) return null;
        if (!EndpointUrl.TryParse(address, out var uri) || uri!.Reveal().UserInfo.Length != 0 || uri.Reveal().Query.Length != 0)
        {
            state.Report(values.PositionOf(CatalogKeys.Address), values.PathOf(CatalogKeys.Address),
                "expected an http:// or https:// address without credentials and query, found something else (not shown: it may hold credentials)");
            return null;
        }
        if (ReadHeaders(values.Get(CatalogKeys.Headers), state) is not { } headers) return null;
        var auth = values.Get(CatalogKeys.Auth) is { } given ? ReadAuth(given, s3, state) : values.IsGiven(CatalogKeys.Auth) ? null : new RestAuth.None();
        if (auth is null) return null;
        return new CatalogDefinition.Rest(name, uri, values.Get(CatalogKeys.Warehouse))
        {
            Auth = auth,
            Prefix = values.Get(CatalogKeys.Prefix),
            IsVendingAsked = values.Get(CatalogKeys.VendedCredentials),
            Headers = headers,
        };
    }

    /// <summary>Null after a report.</summary>
    public static ImmutableSortedDictionary<string, Secret>? ReadHeaders(ImmutableArray<TextPair> pairs, ReadState state)
    {
        if (pairs.FirstOrDefault(pair => pair.Value.Any(character => char.IsControl(character) || !char.IsAscii(character))) is { } header)
        {
            state.Report(header.Position, header.Path, "the value holds a character that no header can carry: a line break, another control character, or one that is not ASCII");
            return null;
        }
        return pairs.ToImmutableSortedDictionary(pair => pair.Key, pair => new Secret(pair.Value), StringComparer.OrdinalIgnoreCase);
    }

    private static RestAuth? ReadAuth(BoundMapping auth, S3Access s3, ReadState state)
    {
        if (!auth.Has(CatalogAuthKeys.Type)) return null;
        var type = auth.Get(CatalogAuthKeys.Type);
        Key[] used = type switch
        {
            CatalogAuthType.Bearer => [CatalogAuthKeys.Token],
            CatalogAuthType.OAuth2 => [CatalogAuthKeys.ClientId, CatalogAuthKeys.ClientSecret, CatalogAuthKeys.TokenUri, CatalogAuthKeys.Scope, CatalogAuthKeys.Parameters],
            CatalogAuthType.SigV4 => [CatalogAuthKeys.Region, CatalogAuthKeys.Service],
            CatalogAuthType.Entra => [CatalogAuthKeys.Scope],
            _ => [],
        };
        StoreAccessReading.RefuseForeign(auth, CatalogAuthKeys.Set.Keys.Except([CatalogAuthKeys.Type, .. used]), type.ToString().ToLowerInvariant(), state);
        StoreAccessReading.RefuseCredentials(auth, CatalogAuthKeys.TokenUri, mayHaveQuery: true, "write them under 'client_id' and 'client_secret'", state);
        return type switch
        {
            CatalogAuthType.Bearer => Required(auth, CatalogAuthKeys.Token, state) is { } token ? new RestAuth.Bearer(token) : null,
            CatalogAuthType.OAuth2 => Required(auth, CatalogAuthKeys.ClientSecret, state) is { } secret
                ? new RestAuth.OAuth2(auth.Get(CatalogAuthKeys.ClientId), secret, auth.Get(CatalogAuthKeys.TokenUri), auth.Get(CatalogAuthKeys.Scope) ?? CatalogScope,
                    auth.Get(CatalogAuthKeys.Parameters).ToImmutableSortedDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal))
                : null,
            CatalogAuthType.SigV4 => ReadSigV4(auth, s3, state),
            CatalogAuthType.Entra => new RestAuth.Entra(auth.Get(CatalogAuthKeys.Scope) ?? StorageScope),
            _ => new RestAuth.None(),
        };
    }

    private static RestAuth.SigV4? ReadSigV4(BoundMapping auth, S3Access s3, ReadState state)
    {
        if ((auth.Get(CatalogAuthKeys.Region) ?? s3.Region) is { } region) return new RestAuth.SigV4(region, auth.Get(CatalogAuthKeys.Service) ?? GatewayService);
        if (!auth.IsGiven(CatalogAuthKeys.Region)) state.Report(auth.Position, auth.PathOf(CatalogAuthKeys.Region), "is missing: type sigv4 needs it here or under s3");
        return null;
    }

    private static Secret? Required(BoundMapping auth, Key<Secret?> key, ReadState state)
    {
        if (!auth.IsGiven(key)) state.Report(auth.Position, auth.PathOf(key), $"is missing: type {auth.Get(CatalogAuthKeys.Type).ToString().ToLowerInvariant()} needs it");
        return auth.Get(key);
    }
}
