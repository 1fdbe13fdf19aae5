using System.Collections.Immutable;
using Matih.Definition.Shapes;

namespace Matih.Definition.Format;

internal enum SaslMechanism
{
    Plain,
    ScramSha256,
    ScramSha512,
    OAuthBearer,
}

internal enum OAuthMethod
{
    Oidc,
    Unsecured,
}

/// <summary>Keys of an entry under <c>connections:</c>.</summary>
internal static class ConnectionKeys
{
    public static readonly Key<string> Type = new("type", new ChoiceShape<string>([("kafka", "kafka")]), "The kind of connection.")
    {
        Default = "kafka",
        DefaultText = "kafka",
    };

    public static readonly Key<string> BootstrapServers = new("bootstrap_servers", new NameShape(Grammars.Bootstrap), "Brokers to ask first.")
    {
        IsRequired = true,
        Example = "broker-1:9092,broker-2:9092",
    };

    public static readonly Key<BoundMapping?> Security = new("security", new MappingShape(SecurityKeys.Set)!,
        "Encryption and authentication. Left out: plaintext without authentication.");

    public static readonly Key<ImmutableArray<TextPair>> Properties = new("properties", new TextMapShape("a mapping of librdkafka properties to values", Grammars.Property),
        "Any librdkafka property, in librdkafka's spelling, but those reserved for the engine and those with a key of their own.") { Default = [] };

    public static readonly KeySet Set = new("connections.NAME", "A Kafka cluster, for sources to name.", Type, BootstrapServers, Security, Properties);
}

/// <summary>Keys of a connection's <c>security:</c>.</summary>
internal static class SecurityKeys
{
    public static readonly Key<string> Protocol = new("protocol",
        new ChoiceShape<string>([("plaintext", "plaintext"), ("ssl", "ssl"), ("sasl_plaintext", "sasl_plaintext"), ("sasl_ssl", "sasl_ssl")]),
        "How to talk to the brokers. The names with `ssl` verify the broker's certificate and host name; those with `sasl` authenticate.")
    {
        IsRequired = true,
        Example = "sasl_ssl",
    };

    public static readonly Key<SaslMechanism> Mechanism = new("mechanism",
        new ChoiceShape<SaslMechanism>([("PLAIN", SaslMechanism.Plain), ("SCRAM-SHA-256", SaslMechanism.ScramSha256), ("SCRAM-SHA-512", SaslMechanism.ScramSha512), ("OAUTHBEARER", SaslMechanism.OAuthBearer)],
            ("GSSAPI", "(Kerberos) is not offered as a key in this version; set sasl.mechanism and sasl.kerberos.* under properties"),
            ("AWS_MSK_IAM", "is not supported in this version; use SCRAM-SHA-512 or OAUTHBEARER")),
        "The SASL mechanism; required by the protocols with `sasl`.");

    public static readonly Key<string?> Username = new("username", new TextShape("a user name")!, "For PLAIN and SCRAM.");
    public static readonly Key<Secret?> Password = new("password", new SecretShape()!, "For PLAIN and SCRAM.");

    public static readonly Key<string?> Ca = new("ca", new TextShape("a PEM file's path, or PEM text", 1 << 18)!,
        "Certificates of the authorities to trust, as the path of a PEM file or as PEM text. Left out: the system's.");

    public static readonly Key<string?> Certificate = new("certificate", new TextShape("a PEM file's path, or PEM text", 1 << 18)!,
        "The client's certificate for mutual TLS, as a path or as PEM text; goes with `key`.");

    public static readonly Key<Secret?> PrivateKey = new("key", new SecretShape { MayBePath = true }!, "The client's private key: the path of a PEM file, or PEM text given as a secret.");
    public static readonly Key<Secret?> KeyPassword = new("key_password", new SecretShape()!, "What the private key is encrypted with.");

    public static readonly Key<string> EndpointIdentification = new("endpoint_identification", new ChoiceShape<string>([("https", "https"), ("none", "none")]),
        "Whether the broker's certificate must name its host. `none` opens the door to impostors.")
    {
        Default = "https",
        DefaultText = "https",
    };

    public static readonly Key<BoundMapping?> OAuth = new("oauth", new MappingShape(OAuthKeys.Set)!, "For OAUTHBEARER.");

    public static readonly KeySet Set = new("connections.NAME.security", "Encryption and authentication.",
        Protocol, Mechanism, Username, Password, Ca, Certificate, PrivateKey, KeyPassword, EndpointIdentification, OAuth);
}

/// <summary>Keys of <c>security.oauth:</c>.</summary>
internal static class OAuthKeys
{
    public static readonly Key<OAuthMethod> Method = new("method", new ChoiceShape<OAuthMethod>([("oidc", OAuthMethod.Oidc), ("unsecured", OAuthMethod.Unsecured)]),
        "`oidc` asks a token endpoint (client credentials); `unsecured` makes unsigned tokens, for tests only.")
    {
        Default = OAuthMethod.Oidc,
        DefaultText = "oidc",
    };

    public static readonly Key<string?> ClientId = new("client_id", new TextShape("a client id")!, "For `oidc`.");
    public static readonly Key<Secret?> ClientSecret = new("client_secret", new SecretShape()!, "For `oidc`.");
    public static readonly Key<string?> Scope = new("scope", new TextShape("a scope")!, "The scope to ask for (`oidc`).");
    public static readonly Key<EndpointUrl?> TokenEndpointUrl = new("token_endpoint_url", new UrlShape()!, "Where tokens are issued (`oidc`).");

    public static readonly Key<ImmutableArray<TextPair>> Extensions = new("extensions", new TextMapShape("a mapping of keys to text", Grammars.Extension),
        "SASL extensions sent with the token (`oidc`).") { Default = [] };

    public static readonly Key<string?> Config = new("config", new TextShape("librdkafka's sasl.oauthbearer.config text")!,
        "Claims of the token (`unsecured`), such as `principal=me scope=read`; needed, with at least a principal.");

    public static readonly KeySet Set = new("connections.NAME.security.oauth", "Where OAUTHBEARER tokens come from.",
        Method, ClientId, ClientSecret, Scope, TokenEndpointUrl, Extensions, Config);
}
