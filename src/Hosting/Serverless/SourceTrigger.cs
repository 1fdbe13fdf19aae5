using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Definition;
using Matih.Delivery;

namespace Matih.Hosting.Serverless;

/// <summary>The Kafka trigger of a source: the function's name and its binding, for the Functions host.</summary>
/// <param name="Binding">
/// JSON, as the host reads it. It travels through the host and the scale controller, so it holds no value of a variable, only
/// <c>%SETTING%</c> references, which those resolve from the app's settings.
/// </param>
/// <param name="Unapplied">Properties that tune reading, which a trigger has no setting for: they count only where a commit reads from Kafka itself.</param>
public sealed record SourceTrigger(string Function, SourceDefinition Source, string Binding, ImmutableArray<string> Unapplied)
{
    /// <summary>How the names of properties begin that change how fast records are read, and neither which ones nor from where.</summary>
    private static readonly string[] Tuning = ["client.id", "client.rack", "fetch.", "queued."];

    /// <summary>How many records one instance should have in front of it before another one is started: many batches' worth.</summary>
    private const long LagThresholdMin = 1000;

    /// <summary>What a trigger has a field for, by librdkafka's names. The names of the fields: the Kafka extension's <c>KafkaTriggerAttribute</c>.</summary>
    private static readonly ImmutableSortedDictionary<string, string> Fields = new Dictionary<string, string>
    {
        ["sasl.username"] = "username",
        ["sasl.password"] = "password",
        ["ssl.ca.location"] = "sslCaLocation",
        ["ssl.ca.pem"] = "sslCaPEM",
        ["ssl.certificate.location"] = "sslCertificateLocation",
        ["ssl.certificate.pem"] = "sslCertificatePEM",
        ["ssl.key.location"] = "sslKeyLocation",
        ["ssl.key.pem"] = "sslKeyPEM",
        ["ssl.key.password"] = "sslKeyPassword",
        ["sasl.oauthbearer.client.id"] = "oAuthBearerClientId",
        ["sasl.oauthbearer.client.secret"] = "oAuthBearerClientSecret",
        ["sasl.oauthbearer.scope"] = "oAuthBearerScope",
        ["sasl.oauthbearer.token.endpoint.url"] = "oAuthBearerTokenEndpointUrl",
    }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>Fields whose value must not travel as it is.</summary>
    private static readonly ImmutableHashSet<string> Secrets = ["sasl.password", "ssl.key.pem", "ssl.key.password", "sasl.oauthbearer.client.secret"];

    private static readonly ImmutableSortedDictionary<string, string> Mechanisms = new Dictionary<string, string>
    {
        ["PLAIN"] = "Plain",
        ["SCRAM-SHA-256"] = "ScramSha256",
        ["SCRAM-SHA-512"] = "ScramSha512",
        ["OAUTHBEARER"] = "OAuthBearer",
    }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    private static readonly ImmutableSortedDictionary<string, string> Protocols = new Dictionary<string, string>
    {
        ["plaintext"] = "Plaintext",
        ["ssl"] = "Ssl",
        ["sasl_plaintext"] = "SaslPlaintext",
        ["sasl_ssl"] = "SaslSsl",
    }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>The triggers of a pipeline's sources.</summary>
    /// <param name="file">What messages call the definition.</param>
    /// <exception cref="PipelineException">Something cannot be said to a trigger; all that cannot is named.</exception>
    internal static ImmutableArray<SourceTrigger> Map(LoadedPipeline pipeline, string file, HostSettings settings, FunctionNames names)
    {
        var definition = pipeline.Definition;
        var written = WrittenDefinition.Read(file, pipeline.Text);
        var refusals = new List<string>();
        var triggers = definition.Flows.Select(flow => flow.Source).DistinctBy(source => source.Name)
            .Select(source => new SourceTrigger(
                names.Add(definition.Metadata.Name, source.Name), source, new Mapping(definition, source, written, settings, refusals).Write(),
                [.. source.Connection.Properties.Keys.Where(IsTuning)])).ToImmutableArray();
        if (refusals.Count == 0) return triggers;
        throw new PipelineException(FailureKind.BadDefinition,
            $"{file} cannot be served by a Kafka trigger: {string.Join("; ", refusals.Distinct())}.",
            "Change what is named, or run this pipeline with `matih run`, which knows all of it.");
    }

    private static bool IsTuning(string property) => Tuning.Any(start => property.StartsWith(start, StringComparison.Ordinal));

    /// <summary>Maps one source.</summary>
    private sealed class Mapping(PipelineDefinition definition, SourceDefinition source, WrittenDefinition written, HostSettings settings, List<string> refusals)
    {
        private string SourcePath => $"sources.{source.Name}";

        public string Write()
        {
            using var buffer = new MemoryStream();
            using (var json = new Utf8JsonWriter(buffer, HostJson.Compact))
            {
                json.WriteStartObject();
                json.WriteString("name", "batch");
                json.WriteString("type", "kafkaTrigger");
                json.WriteString("direction", "In");
                json.WriteString("cardinality", "Many");
                json.WriteString("brokerList", BrokerList());
                json.WriteString("topic", Reference($"{SourcePath}.topic", source.Topic, isSecret: false));
                json.WriteString("consumerGroup", Reference($"{SourcePath}.consumer_group", source.ConsumerGroup, isSecret: false));
                json.WriteNumber("lagThreshold", Math.Max(LagThresholdMin, Math.Min(definition.Orchestration.MaxRecords, int.MaxValue)));
                WriteSecurity(json);
                json.WriteStartObject("properties");
                json.WriteString("supportsDeferredBinding", "True");
                json.WriteEndObject();
                json.WriteEndObject();
            }
            if (!source.ReadsCommittedOnly) refusals.Add($"{SourcePath}.isolation_level: a trigger reads committed records only");
            return Encoding.UTF8.GetString(buffer.ToArray());
        }

        private string BrokerList() => source.Connection.Name is { } name
            ? Reference($"connections.{name}.bootstrap_servers", source.Connection.BootstrapServers, isSecret: false)
            : Reference($"{SourcePath}.connection", source.Connection.BootstrapServers, isSecret: false);

        private void WriteSecurity(Utf8JsonWriter json)
        {
            foreach (var (property, value) in source.Connection.Properties)
            {
                var path = source.Connection.PlaceOf(property)?.Path ?? property;
                switch (property)
                {
                    // Beside the binding, or the same for every trigger. A trigger does not verify checksums.
                    case "bootstrap.servers" or "group.id" or "isolation.level" or "check.crcs":
                    // librdkafka's own default.
                    case "ssl.endpoint.identification.algorithm" when value == "https":
                    case var tuning when IsTuning(tuning):
                        break;
                    case "security.protocol" when Protocols.TryGetValue(value, out var protocol):
                        json.WriteString("protocol", protocol);
                        break;
                    case "sasl.mechanism" when Mechanisms.TryGetValue(value, out var mode):
                        json.WriteString("authenticationMode", mode);
                        break;
                    case "sasl.oauthbearer.method" when value == "oidc":
                        json.WriteString("oAuthBearerMethod", "Oidc");
                        break;
                    case "sasl.oauthbearer.extensions":
                        json.WriteString("oAuthBearerExtensions", value.Contains('%', StringComparison.Ordinal) ? Refuse(path, "holds a '%', which the host would take for a reference") : value);
                        break;
                    case var known when Fields.TryGetValue(known, out var field):
                        json.WriteString(field, Reference(path, value, Secrets.Contains(known)));
                        break;
                    default:
                        Refuse(path, $"a trigger has no setting for {property}");
                        break;
                }
            }
        }

        /// <summary>The value for the binding: as written, with <c>%NAME%</c> for <c>${NAME}</c>.</summary>
        private string Reference(string path, string value, bool isSecret)
        {
            var found = written.Find(path, name => settings.NonEmpty(name) is null ? null : $"%{name}%");
            if (found is { IsFile: true } && isSecret) return Refuse(path, "a secret from a file cannot be handed to the Functions host; put it into an app setting (best as a Key Vault reference) and write ${NAME}");
            if (isSecret && found is not { HasReference: true, Literal: "" }) return Refuse(path, "the secret would travel with the app's metadata; put it into an app setting (best as a Key Vault reference) and write ${NAME}");
            // Without a reference the value is right as it was read: a path, for one, is absolute.
            if (found is not { IsFile: false, HasReference: true }) return value.Contains('%', StringComparison.Ordinal) ? Refuse(path, Percent) : value;
            return found.Literal.Contains('%', StringComparison.Ordinal) ? Refuse(path, Percent) : found.Text;
        }

        private const string Percent = "holds a '%', which the Functions host would take for a reference; put the value into an app setting and write ${NAME}";

        private string Refuse(string path, string reason)
        {
            refusals.Add(string.Create(CultureInfo.InvariantCulture, $"{path}: {reason}"));
            return "";
        }
    }
}
