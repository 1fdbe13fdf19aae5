using System.Collections.Immutable;
using Matih.Definition.Shapes;

namespace Matih.Definition.Format;

internal enum RegistryAuthType
{
    None,
    Basic,
    Bearer,
    OAuth2,
}

/// <summary>Keys of an entry under <c>registries:</c>.</summary>
internal static class RegistryKeys
{
    public static readonly Key<string> Url = new("url", new UrlListShape(),
        "The registry's address, which is what comes before `/schemas` and `/subjects`. Of several that serve the same schemas the next is asked where one does not answer.")
    {
        IsRequired = true,
        Example = "https://registry.example.com",
    };

    public static readonly Key<BoundMapping?> Auth = new("auth", new MappingShape(RegistryAuthKeys.Set)!, "How the registry knows this client. Left out: not at all.");

    public static readonly Key<ImmutableArray<TextPair>> Headers = new("headers", new TextMapShape("a mapping of header names to values", Grammars.Key),
        "Sent with each request, such as `target-sr-cluster` and `Confluent-Identity-Pool-Id` of Confluent Cloud.") { Default = [] };

    public static readonly Key<string?> Ca = new("ca", new TextShape("a PEM file's path, or PEM text", 1 << 18)!,
        "Certificates of the authorities to trust, as the path of a PEM file or as PEM text. Left out: the system's, which a token server has in any case.");

    public static readonly KeySet Set = new("registries.NAME", "A schema registry that speaks Confluent's protocol, for sources to name. [registries.md](registries.md) has examples, and says how it is asked.", Url, Auth, Headers, Ca);
}

/// <summary>Keys of a registry's <c>auth:</c>.</summary>
internal static class RegistryAuthKeys
{
    public static readonly Key<RegistryAuthType> Type = new("type", new ChoiceShape<RegistryAuthType>(
        [("none", RegistryAuthType.None), ("basic", RegistryAuthType.Basic), ("bearer", RegistryAuthType.Bearer), ("oauth2", RegistryAuthType.OAuth2)]),
        "`basic` sends a user's name and password (an API key and its secret), `bearer` a fixed token; `oauth2` asks for tokens with a client's credentials.")
    {
        IsRequired = true,
        Example = "basic",
    };

    public static readonly Key<string?> Username = new("username", new TextShape("a user name")!, "For `basic`.");
    public static readonly Key<Secret?> Password = new("password", new SecretShape { IsLine = true }!, "For `basic`.");
    public static readonly Key<EndpointUrl?> TokenUri = new("token_uri", new UrlShape()!, "For `oauth2`: where tokens are issued.");
    public static readonly Key<string?> Scope = new("scope", new TextShape("a scope")!, "For `oauth2`. Left out: none is asked for.");

    public static readonly KeySet Set = new("registries.NAME.auth", "How a schema registry knows this client.",
        Type, Username, Password, CatalogAuthKeys.Token, CatalogAuthKeys.ClientId, CatalogAuthKeys.ClientSecret, TokenUri, Scope, CatalogAuthKeys.Parameters);
}
