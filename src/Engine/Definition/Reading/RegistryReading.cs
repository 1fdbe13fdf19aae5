using System.Collections.Immutable;
using Matih.Definition.Format;
using Matih.Definition.Shapes;

namespace Matih.Definition.Reading;

/// <summary>Turns <c>registries:</c> into <see cref="RegistryDefinition"/>s, and finds the one that a source means.</summary>
internal sealed class RegistryReading
{
    /// <summary>Null for an entry that was reported.</summary>
    private readonly Dictionary<string, RegistryDefinition?> _byName = new(StringComparer.Ordinal);

    /// <summary>Addresses that stand with sources: sources of one address share its registry.</summary>
    private readonly Dictionary<string, RegistryDefinition> _byAddress = new(StringComparer.Ordinal);

    private readonly ReadState _state;

    public RegistryReading(ImmutableArray<NamedMapping> entries, ReadState state)
    {
        _state = state;
        foreach (var entry in entries) _byName[entry.Name] = ReadOne(entry);
        All = [.. _byName.Values.OfType<RegistryDefinition>()];
    }

    public ImmutableArray<RegistryDefinition> All { get; }

    /// <summary>The source's registry; null where it has none, or after a report.</summary>
    public RegistryDefinition? Find(BoundMapping source)
    {
        if (source.Get(SourceKeys.SchemaRegistry) is not { } value) return null;
        if (_byName.TryGetValue(value, out var named)) return named;
        if (UrlListShape.Parse(value) is { } urls)
        {
            var found = new RegistryDefinition(null, [.. urls]);
            return _byAddress.TryAdd(found.Address, found) ? found : _byAddress[found.Address];
        }
        var nearest = Spelling.Nearest(value, _byName.Keys);
        _state.Report(source.PositionOf(SourceKeys.SchemaRegistry), source.PathOf(SourceKeys.SchemaRegistry),
            $"names no schema registry{(nearest is null ? ". " : $"; did you mean '{nearest}'? ")}"
            + $"Defined under registries: {(_byName.Count == 0 ? "none" : string.Join(", ", _byName.Keys))}; an address begins with http:// or https://");
        return null;
    }

    private RegistryDefinition? ReadOne(NamedMapping entry)
    {
        var values = entry.Values;
        if (!values.Has(RegistryKeys.Url)) return null;
        ImmutableArray<EndpointUrl> urls = [.. UrlListShape.Parse(values.Get(RegistryKeys.Url))!];
        if (urls.All(url => url.Reveal().Scheme == Uri.UriSchemeHttp)) StoreAccessReading.Refuse(values, RegistryKeys.Ca, "has no meaning without an https:// address; leave it out", _state);
        var headers = RestCatalogReading.ReadHeaders(values.Get(RegistryKeys.Headers), _state);
        var auth = values.Get(RegistryKeys.Auth) is { } given ? ReadAuth(given) : values.IsGiven(RegistryKeys.Auth) ? null : new RestAuth.None();
        if (headers is null || auth is null || !values.IsWhole) return null;
        return new RegistryDefinition(entry.Name, urls)
        {
            Auth = auth,
            Headers = headers,
            Ca = values.Get(RegistryKeys.Ca) is { } ca && !Pem.IsText(ca) ? _state.ToAbsolutePath(ca) : values.Get(RegistryKeys.Ca),
        };
    }

    private RestAuth? ReadAuth(BoundMapping auth)
    {
        if (!auth.Has(RegistryAuthKeys.Type)) return null;
        var type = auth.Get(RegistryAuthKeys.Type);
        Key[] needed = type switch
        {
            RegistryAuthType.Basic => [RegistryAuthKeys.Username, RegistryAuthKeys.Password],
            RegistryAuthType.Bearer => [CatalogAuthKeys.Token],
            RegistryAuthType.OAuth2 => [CatalogAuthKeys.ClientSecret, RegistryAuthKeys.TokenUri],
            _ => [],
        };
        Key[] optional = type == RegistryAuthType.OAuth2 ? [CatalogAuthKeys.ClientId, RegistryAuthKeys.Scope, CatalogAuthKeys.Parameters] : [];
        var name = type.ToString().ToLowerInvariant();
        StoreAccessReading.RefuseForeign(auth, RegistryAuthKeys.Set.Keys.Except([RegistryAuthKeys.Type, .. needed, .. optional]), name, _state);
        foreach (var key in needed)
            if (!auth.IsGiven(key)) _state.Report(auth.Position, auth.PathOf(key), $"is missing: type {name} needs it");
        StoreAccessReading.RefuseCredentials(auth, RegistryAuthKeys.TokenUri, mayHaveQuery: true, "write them under 'client_id' and 'client_secret'", _state);
        if (auth.Get(RegistryAuthKeys.Username) is { } user && (user.Contains(':', StringComparison.Ordinal) || user.Any(char.IsControl)))
            _state.Report(auth.PositionOf(RegistryAuthKeys.Username), auth.PathOf(RegistryAuthKeys.Username), "holds a colon or a control character, which no user's name has that is sent with a password");
        if (!auth.IsWhole || !needed.All(auth.Has)) return null;
        return type switch
        {
            RegistryAuthType.Basic => new RestAuth.Basic(auth.Get(RegistryAuthKeys.Username)!, auth.Get(RegistryAuthKeys.Password)!),
            RegistryAuthType.Bearer => new RestAuth.Bearer(auth.Get(CatalogAuthKeys.Token)!),
            RegistryAuthType.OAuth2 => new RestAuth.OAuth2(auth.Get(CatalogAuthKeys.ClientId), auth.Get(CatalogAuthKeys.ClientSecret)!, auth.Get(RegistryAuthKeys.TokenUri), auth.Get(RegistryAuthKeys.Scope),
                auth.Get(CatalogAuthKeys.Parameters).ToImmutableSortedDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal)),
            _ => new RestAuth.None(),
        };
    }
}
