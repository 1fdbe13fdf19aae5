using Matih.Definition.Format;
using Matih.Definition.Shapes;

namespace Matih.Definition.Reading;

/// <summary>Turns a connection's <c>security:</c> into librdkafka properties, and checks that its keys fit together.</summary>
internal static class SecurityReading
{
    /// <summary>How a claim begins that is an extension; its name follows.</summary>
    private const string ExtensionClaim = "extension_";

    public static void Read(BoundMapping security, ConnectionReading.Properties properties, ReadState state)
    {
        if (!security.Has(SecurityKeys.Protocol)) return;
        var protocol = security.Get(SecurityKeys.Protocol);
        properties.Set("security.protocol", protocol, security, SecurityKeys.Protocol);
        ReadTls(security, protocol, properties, state);
        ReadSasl(security, protocol, properties, state);
    }

    private static void ReadTls(BoundMapping security, string protocol, ConnectionReading.Properties properties, ReadState state)
    {
        if (!protocol.EndsWith("ssl", StringComparison.Ordinal))
        {
            Refuse(security, state, $"has no meaning with protocol {protocol}; use {(protocol == "plaintext" ? "ssl" : "sasl_ssl")}, or leave it out",
                SecurityKeys.Ca, SecurityKeys.Certificate, SecurityKeys.PrivateKey, SecurityKeys.KeyPassword, SecurityKeys.EndpointIdentification);
            return;
        }
        properties.Set("ssl.endpoint.identification.algorithm", security.Get(SecurityKeys.EndpointIdentification), security, SecurityKeys.EndpointIdentification);
        SetPem("ssl.ca", security.Get(SecurityKeys.Ca), security, SecurityKeys.Ca, properties, state);
        if (security.IsGiven(SecurityKeys.Certificate) != security.IsGiven(SecurityKeys.PrivateKey))
        {
            var isCertificate = security.IsGiven(SecurityKeys.Certificate);
            Key given = isCertificate ? SecurityKeys.Certificate : SecurityKeys.PrivateKey;
            Key missing = isCertificate ? SecurityKeys.PrivateKey : SecurityKeys.Certificate;
            state.Report(security.PositionOf(given), security.PathOf(given), $"needs '{missing.Name}' beside it");
        }
        SetPem("ssl.certificate", security.Get(SecurityKeys.Certificate), security, SecurityKeys.Certificate, properties, state);
        SetPem("ssl.key", security.Get(SecurityKeys.PrivateKey)?.Reveal(), security, SecurityKeys.PrivateKey, properties, state);
        if (security.Get(SecurityKeys.KeyPassword) is { } password) properties.Set("ssl.key.password", password.Reveal(), security, SecurityKeys.KeyPassword);
    }

    private static void SetPem(string prefix, string? value, BoundMapping security, Key key, ConnectionReading.Properties properties, ReadState state)
    {
        if (value is null) return;
        if (Pem.IsText(value)) properties.Set(prefix + ".pem", value, security, key);
        else properties.Set(prefix + ".location", state.ToAbsolutePath(value), security, key);
    }

    private static void ReadSasl(BoundMapping security, string protocol, ConnectionReading.Properties properties, ReadState state)
    {
        if (!protocol.StartsWith("sasl", StringComparison.Ordinal))
        {
            Refuse(security, state, $"has no meaning with protocol {protocol}; use {(protocol == "ssl" ? "sasl_ssl" : "sasl_plaintext or sasl_ssl")}, or leave it out",
                SecurityKeys.Mechanism, SecurityKeys.Username, SecurityKeys.Password, SecurityKeys.OAuth);
            return;
        }
        if (!security.IsGiven(SecurityKeys.Mechanism))
        {
            // Mechanisms without keys here (Kerberos) come as properties, which are checked by librdkafka alone.
            Refuse(security, state, "needs 'mechanism' beside it, such as SCRAM-SHA-512", SecurityKeys.Username, SecurityKeys.Password, SecurityKeys.OAuth);
            return;
        }
        if (!security.Has(SecurityKeys.Mechanism)) return;
        var mechanism = security.Get(SecurityKeys.Mechanism);
        properties.Set("sasl.mechanism", Name(mechanism), security, SecurityKeys.Mechanism);
        if (mechanism == SaslMechanism.OAuthBearer)
        {
            Refuse(security, state, "has no meaning with mechanism OAUTHBEARER; leave it out", SecurityKeys.Username, SecurityKeys.Password);
            if (security.Get(SecurityKeys.OAuth) is { } oauth) ReadOAuth(oauth, properties, state);
            else if (!security.IsGiven(SecurityKeys.OAuth))
                state.Report(security.PositionOf(SecurityKeys.Mechanism), security.PathOf(SecurityKeys.OAuth), "is missing: mechanism OAUTHBEARER needs to know where tokens come from");
            return;
        }
        Refuse(security, state, $"has no meaning with mechanism {Name(mechanism)}; leave it out", SecurityKeys.OAuth);
        foreach (var key in new Key[] { SecurityKeys.Username, SecurityKeys.Password })
            if (!security.IsGiven(key))
                state.Report(security.PositionOf(SecurityKeys.Mechanism), security.PathOf(key), $"is missing: mechanism {Name(mechanism)} needs it");
        if (security.Get(SecurityKeys.Username) is { } username) properties.Set("sasl.username", username, security, SecurityKeys.Username);
        if (security.Get(SecurityKeys.Password) is { } password) properties.Set("sasl.password", password.Reveal(), security, SecurityKeys.Password);
    }

    private static void ReadOAuth(BoundMapping oauth, ConnectionReading.Properties properties, ReadState state)
    {
        if (oauth.Get(OAuthKeys.Method) == OAuthMethod.Unsecured)
        {
            Refuse(oauth, state, "has no meaning with method unsecured; leave it out",
                OAuthKeys.ClientId, OAuthKeys.ClientSecret, OAuthKeys.Scope, OAuthKeys.TokenEndpointUrl, OAuthKeys.Extensions);
            properties.Set("enable.sasl.oauthbearer.unsecure.jwt", "true");
            if (oauth.Get(OAuthKeys.Config) is { } config) properties.Set("sasl.oauthbearer.config", config);
            foreach (var claim in oauth.Get(OAuthKeys.Config)?.Split(' ') ?? [])
            {
                if (!claim.StartsWith(ExtensionClaim, StringComparison.Ordinal) || Grammars.Extension.Accepts(claim[ExtensionClaim.Length..].Split('=')[0])) continue;
                state.Report(oauth.PositionOf(OAuthKeys.Config), oauth.PathOf(OAuthKeys.Config), $"what follows '{ExtensionClaim}' is expected to be {Grammars.Extension.Words}, and then '='");
            }
            properties.Place("sasl.oauthbearer.config", oauth, OAuthKeys.Config);
            return;
        }
        Refuse(oauth, state, "has no meaning with method oidc; leave it out", OAuthKeys.Config);
        foreach (var key in new Key[] { OAuthKeys.ClientId, OAuthKeys.ClientSecret, OAuthKeys.TokenEndpointUrl })
            if (!oauth.IsGiven(key)) state.Report(oauth.Position, oauth.PathOf(key), "is missing: method oidc needs it");
        properties.Set("sasl.oauthbearer.method", "oidc");
        if (oauth.Get(OAuthKeys.ClientId) is { } id) properties.Set("sasl.oauthbearer.client.id", id, oauth, OAuthKeys.ClientId);
        if (oauth.Get(OAuthKeys.ClientSecret) is { } secret) properties.Set("sasl.oauthbearer.client.secret", secret.Reveal(), oauth, OAuthKeys.ClientSecret);
        if (oauth.Get(OAuthKeys.Scope) is { } scope) properties.Set("sasl.oauthbearer.scope", scope, oauth, OAuthKeys.Scope);
        if (oauth.Get(OAuthKeys.TokenEndpointUrl) is { } url) properties.Set("sasl.oauthbearer.token.endpoint.url", url.Reveal().AbsoluteUri, oauth, OAuthKeys.TokenEndpointUrl);
        var extensions = oauth.Get(OAuthKeys.Extensions);
        if (!extensions.IsEmpty) properties.Set("sasl.oauthbearer.extensions", string.Join(',', extensions.Select(pair => $"{pair.Key}={pair.Value}")), oauth, OAuthKeys.Extensions);
    }

    private static void Refuse(BoundMapping mapping, ReadState state, string reason, params Key[] keys)
    {
        foreach (var key in keys)
            if (mapping.IsGiven(key)) state.Report(mapping.PositionOf(key), mapping.PathOf(key), reason);
    }

    private static string Name(SaslMechanism mechanism) => mechanism switch
    {
        SaslMechanism.Plain => "PLAIN",
        SaslMechanism.ScramSha256 => "SCRAM-SHA-256",
        SaslMechanism.ScramSha512 => "SCRAM-SHA-512",
        _ => "OAUTHBEARER",
    };
}
