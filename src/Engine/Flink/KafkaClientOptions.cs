using System.Collections.Immutable;
using Matih.Definition;

namespace Matih.Flink;

/// <summary>A connection's librdkafka properties in the words of Kafka's Java client, which Flink uses.</summary>
/// <param name="classPrefix">What the classes of the client are moved below in the cluster's connector.</param>
internal sealed class KafkaClientOptions(SourceDefinition source, FlinkReferences references, string classPrefix, Func<string, string> readFile)
{
    private const string Prefix = "properties.";
    private const string Security = "org.apache.kafka.common.security.";

    /// <summary>The same name and meaning in both clients.</summary>
    private static readonly ImmutableHashSet<string> Same =
    [
        "client.id", "client.rack", "fetch.max.bytes", "fetch.min.bytes", "isolation.level", "check.crcs", "connections.max.idle.ms", "reconnect.backoff.ms",
        "reconnect.backoff.max.ms", "retry.backoff.ms", "metadata.max.age.ms", "session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms",
    ];

    private static readonly ImmutableDictionary<string, string> Renamed = new Dictionary<string, string>
    {
        ["socket.send.buffer.bytes"] = "send.buffer.bytes",
        ["socket.receive.buffer.bytes"] = "receive.buffer.bytes",
        ["fetch.wait.max.ms"] = "fetch.max.wait.ms",
        ["fetch.message.max.bytes"] = "max.partition.fetch.bytes",
        ["max.partition.fetch.bytes"] = "max.partition.fetch.bytes",
        ["topic.metadata.refresh.interval.ms"] = "metadata.max.age.ms",
    }.ToImmutableDictionary();

    private readonly SortedDictionary<string, FlinkValue> _options = new(StringComparer.Ordinal);
    private readonly List<DefinitionError> _errors = [];

    private ImmutableSortedDictionary<string, string> Properties => source.Connection.Properties;

    /// <summary>The options of the table, in the order of their names.</summary>
    /// <param name="errors">Gets every property that cannot be said to Flink.</param>
    public IEnumerable<KeyValuePair<string, FlinkValue>> Map(List<DefinitionError> errors)
    {
        foreach (var (property, value) in Properties) Map(property, value);
        MapTls();
        MapSasl();
        errors.AddRange(_errors);
        return _options;
    }

    private void Map(string property, string value)
    {
        switch (property)
        {
            // The group of this engine holds its mark in the offsets' metadata, which Flink's commits would erase.
            case "group.id":
                Set("group.id", value + "-flink");
                break;
            case "bootstrap.servers":
                Set(property, value);
                break;
            case "security.protocol":
                Set(property, value.ToUpperInvariant());
                break;
            case "sasl.mechanism":
                Set(property, value);
                break;
            // The Java client turns the check off by an empty name.
            case "ssl.endpoint.identification.algorithm":
                Set(property, value == "none" ? "" : value);
                break;
            case var known when Same.Contains(known):
                Set(known, value);
                break;
            case var known when Renamed.TryGetValue(known, out var name):
                Set(name, value);
                break;
            case var tls when tls.StartsWith("ssl.", StringComparison.Ordinal) && IsTls(tls):
            case var sasl when sasl.StartsWith("sasl.", StringComparison.Ordinal) && IsSasl(sasl):
            case "enable.sasl.oauthbearer.unsecure.jwt":
            // How much one client of ours keeps in memory; Flink has bounds of its own.
            case var queued when queued.StartsWith("queued.", StringComparison.Ordinal):
                break;
            default:
                Refuse(property, $"{property} has no counterpart in the Java client that Flink uses. Leave it out, or run the pipeline with `matih run`.");
                break;
        }
    }

    private static bool IsTls(string property) => property is "ssl.ca.pem" or "ssl.ca.location" or "ssl.certificate.pem" or "ssl.certificate.location" or "ssl.key.pem" or "ssl.key.location" or "ssl.key.password";

    private static bool IsSasl(string property) => property is "sasl.username" or "sasl.password" || property.StartsWith("sasl.oauthbearer.", StringComparison.Ordinal);

    /// <summary>Certificates and keys go as text (KIP-651), because files of this machine are none of Flink's.</summary>
    private void MapTls()
    {
        if (Pem("ssl.ca") is { } authorities)
        {
            Set("ssl.truststore.type", "PEM");
            Set("ssl.truststore.certificates", authorities);
        }
        if (Pem("ssl.certificate") is not { } chain) return;
        Set("ssl.keystore.type", "PEM");
        Set("ssl.keystore.certificate.chain", chain);
        if (Pem("ssl.key") is { } key) Set("ssl.keystore.key", Secret("ssl.key", key));
        if (Properties.TryGetValue("ssl.key.password", out var password)) Set("ssl.key.password", Secret("ssl.key.password", password));
    }

    private string? Pem(string name)
    {
        if (Properties.TryGetValue(name + ".pem", out var pem)) return pem;
        if (!Properties.TryGetValue(name + ".location", out var location)) return null;
        try
        {
            return readFile(location);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Refuse(name + ".location", $"{location} cannot be read: {exception.Message}");
            return null;
        }
    }

    private void MapSasl()
    {
        if (!Properties.TryGetValue("sasl.mechanism", out var mechanism)) return;
        switch (mechanism)
        {
            case "PLAIN":
                SetJaas("plain.PlainLoginModule", Login());
                break;
            case "SCRAM-SHA-256" or "SCRAM-SHA-512":
                SetJaas("scram.ScramLoginModule", Login());
                break;
            case "OAUTHBEARER" when Properties.GetValueOrDefault("sasl.oauthbearer.method") == "oidc":
                Set("sasl.oauthbearer.token.endpoint.url", references.Address(Properties["sasl.oauthbearer.token.endpoint.url"], PlaceOf("sasl.oauthbearer.token.endpoint.url")?.Path ?? ""));
                Set("sasl.login.callback.handler.class", $"{classPrefix}{Security}oauthbearer.secured.OAuthBearerLoginCallbackHandler");
                SetJaas("oauthbearer.OAuthBearerLoginModule", Token());
                break;
            default:
                Refuse("sasl.mechanism", $"mechanism {mechanism} cannot be said to Flink by this program. Use SCRAM, PLAIN or OAUTHBEARER with method oidc.");
                break;
        }
    }

    private IEnumerable<(string Name, FlinkValue Value)> Login()
    {
        yield return ("username", Properties.GetValueOrDefault("sasl.username", ""));
        yield return ("password", Secret("sasl.password", Properties.GetValueOrDefault("sasl.password", "")));
    }

    private IEnumerable<(string Name, FlinkValue Value)> Token()
    {
        yield return ("clientId", Properties.GetValueOrDefault("sasl.oauthbearer.client.id", ""));
        yield return ("clientSecret", Secret("sasl.oauthbearer.client.secret", Properties.GetValueOrDefault("sasl.oauthbearer.client.secret", "")));
        if (Properties.TryGetValue("sasl.oauthbearer.scope", out var scope)) yield return ("scope", scope);
        foreach (var extension in Properties.GetValueOrDefault("sasl.oauthbearer.extensions", "").Split(',', StringSplitOptions.RemoveEmptyEntries))
            if (extension.Split('=', 2) is [var name, var value]) yield return ($"extension_{name}", value);
    }

    /// <summary>A JAAS line (Java's <c>javax.security.auth.login.Configuration</c>): in its quoted values a backslash and a quote are escaped.</summary>
    private void SetJaas(string module, IEnumerable<(string Name, FlinkValue Value)> options)
    {
        FlinkValue line = $"{classPrefix}{Security}{module} required";
        foreach (var (name, value) in options)
            line = FlinkValue.Join(line, $" {name}=\"", value.Map(text => text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)), "\"");
        Set("sasl.jaas.config", FlinkValue.Join(line, ";"));
    }

    private FlinkValue Secret(string property, string value) => references.Secret(value, PlaceOf(property)?.Path ?? property);

    private PropertyPlace? PlaceOf(string property) => source.Connection.PlaceOf(property) ?? source.Connection.PlaceOf(property + ".pem") ?? source.Connection.PlaceOf(property + ".location");

    private void Set(string name, FlinkValue value) => _options[Prefix + name] = value;

    private void Refuse(string property, string message)
    {
        var place = PlaceOf(property);
        var position = place?.Position ?? source.Position;
        _errors.Add(new DefinitionError(position.File, position.Line, position.Column, place?.Path ?? $"sources.{source.Name}.connection", message));
    }
}
