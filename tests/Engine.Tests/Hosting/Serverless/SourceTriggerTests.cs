using System.Text.Json;
using Matih.Engine.Tests.Storage;
using Matih.Hosting;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Tests.Hosting.Serverless;

/// <summary>What of a connection a Kafka trigger can be told, and that no secret travels in its binding.</summary>
public sealed class SourceTriggerTests : IDisposable
{
    /// <summary>Public settable or constructor properties of KafkaTriggerAttribute (azure-functions-dotnet-worker, extensions/Worker.Extensions.Kafka).</summary>
    private static readonly HashSet<string> AttributeProperties = new(StringComparer.OrdinalIgnoreCase)
    {
        "Topic", "BrokerList", "ConsumerGroup", "AvroSchema", "KeyAvroSchema", "KeyDataType", "AuthenticationMode", "Username", "Password", "Protocol", "SslKeyLocation", "SslCaLocation",
        "SslCertificateLocation", "SslKeyPassword", "SslCertificatePEM", "SslKeyPEM", "SslCaPEM", "SslCertificateandKeyPEM", "LagThreshold", "SchemaRegistryUrl", "SchemaRegistryUsername",
        "SchemaRegistryPassword", "OAuthBearerMethod", "OAuthBearerClientId", "OAuthBearerClientSecret", "OAuthBearerScope", "OAuthBearerTokenEndpointUrl", "OAuthBearerExtensions",
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private PipelineFolder Load(string connection, string source = "connection: main, topic: t, consumer_group: g", params (string, string)[] variables)
    {
        File.WriteAllText(_folder.Child("p.yaml"), $$"""
            metadata: { name: p.one }
            {{connection}}
            sources:
              s: { type: kafka, {{source}}, format: raw }
            sinks:
              k: { type: iceberg, input: s, table: n.t }
            """);
        return PipelineFolder.Load(_folder.Path, Settings.Of([(HostSettings.LibrdkafkaVariable, "/none.so"), ("SECRET", "s3cret-value"), ("BROKERS", "b1:9092,b2:9093"), .. variables]));
    }

    private Dictionary<string, string> Binding(string connection, string source = "connection: main, topic: t, consumer_group: g", params (string, string)[] variables)
    {
        var folder = Load(connection, source, variables);
        Assert.True(folder.Broken.IsEmpty, string.Join('\n', folder.Broken.Select(broken => broken.Failure.Message)));
        var binding = Assert.Single(Assert.Single(folder.Pipelines).Triggers).Binding;
        Assert.DoesNotContain("s3cret-value", binding, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(binding);
        var fields = json.RootElement.EnumerateObject().ToDictionary(field => field.Name, field => field.Value.ToString());
        Assert.All(fields.Keys.Except(["name", "type", "direction", "cardinality", "properties"]), name => Assert.Contains(name, AttributeProperties));
        return fields;
    }

    private string Refusal(string connection, string source = "connection: main, topic: t, consumer_group: g", params (string, string)[] variables)
    {
        var folder = Load(connection, source, variables);
        Assert.Empty(folder.Pipelines);
        var message = Assert.Single(folder.Broken).Failure.Message;
        Assert.DoesNotContain("s3cret-value", message, StringComparison.Ordinal);
        return message;
    }

    private static string Connection(string security, string brokers = "${BROKERS}") => $$"""
        connections:
          main:
            bootstrap_servers: "{{brokers}}"
            {{security.ReplaceLineEndings("\n    ")}}
        """;

    private static string Plain(string password) => Connection($$"""security: { protocol: sasl_ssl, mechanism: PLAIN, username: user, password: {{password}} }""");

    [Fact]
    public void A_binding_holds_what_the_host_needs()
    {
        var fields = Binding(Connection(""));

        Assert.Equal(("kafkaTrigger", "In", "Many", "batch"), (fields["type"], fields["direction"], fields["cardinality"], fields["name"]));
        Assert.Equal(("%BROKERS%", "t", "g"), (fields["brokerList"], fields["topic"], fields["consumerGroup"]));
        Assert.Equal("""{"supportsDeferredBinding":"True"}""", fields["properties"]);
    }

    [Fact]
    public void Brokers_may_stand_in_the_source_and_be_mixed_of_text_and_settings()
    {
        Assert.Equal("b:9092", Binding("", "connection: \"b:9092\", topic: t, consumer_group: g")["brokerList"]);
        Assert.Equal("%BROKERS%", Binding("", "connection: \"${BROKERS}\", topic: t, consumer_group: g")["brokerList"]);
        var mixed = Binding("", "connection: \"${HOST}:9092\", topic: \"t-${STAGE:-dev}\", consumer_group: \"g-${STAGE:-dev}\"", ("HOST", "h"));
        Assert.Equal(("%HOST%:9092", "t-dev", "g-dev"), (mixed["brokerList"], mixed["topic"], mixed["consumerGroup"]));
        Assert.Equal("t-%STAGE%", Binding("", "connection: \"b:9092\", topic: \"t-${STAGE:-dev}\", consumer_group: g", ("STAGE", "prod"))["topic"]);
    }

    [Theory]
    [InlineData("\"${SECRET}\"")]
    [InlineData("\"${SECRET:-none}\"")]
    [InlineData("{ from_env: SECRET }")]
    public void A_secret_is_a_reference(string password) => Assert.Equal("%SECRET%", Binding(Plain(password))["password"]);

    [Theory]
    [InlineData("\"${UNSET:-fallback}\"")]
    [InlineData("\"${SECRET}-more\"")]
    public void A_secret_of_which_a_part_would_travel_is_refused(string password)
    {
        var refusal = Refusal(Plain(password));

        Assert.Contains("connections.main.security.password", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("fallback", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_from_a_file_is_refused()
    {
        File.WriteAllText(_folder.Child("password"), "s3cret-value");

        Assert.Contains("a secret from a file", Refusal(Plain($$"""{ from_file: "{{_folder.Child("password")}}" }""")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PLAIN", "Plain")]
    [InlineData("SCRAM-SHA-256", "ScramSha256")]
    [InlineData("SCRAM-SHA-512", "ScramSha512")]
    public void Mechanisms_with_a_password_are_mapped(string mechanism, string mode)
    {
        var fields = Binding(Connection($$"""security: { protocol: sasl_plaintext, mechanism: {{mechanism}}, username: "${NAME}", password: "${SECRET}" }"""), variables: ("NAME", "n"));

        Assert.Equal(("SaslPlaintext", mode, "%NAME%", "%SECRET%"), (fields["protocol"], fields["authenticationMode"], fields["username"], fields["password"]));
    }

    [Fact]
    public void OAuth_is_mapped_where_tokens_are_issued_and_refused_where_they_are_made_up()
    {
        var fields = Binding(Connection("""security: { protocol: sasl_ssl, mechanism: OAUTHBEARER, oauth: { method: oidc, client_id: "${ID}", client_secret: "${SECRET}", scope: sc, token_endpoint_url: "https://i.example/token", extensions: { logicalCluster: lkc-1 } } }"""), variables: ("ID", "i"));

        Assert.Equal(("OAuthBearer", "Oidc", "%ID%", "%SECRET%"), (fields["authenticationMode"], fields["oAuthBearerMethod"], fields["oAuthBearerClientId"], fields["oAuthBearerClientSecret"]));
        Assert.Equal(("sc", "https://i.example/token", "logicalCluster=lkc-1"), (fields["oAuthBearerScope"], fields["oAuthBearerTokenEndpointUrl"], fields["oAuthBearerExtensions"]));
        Assert.Contains("enable.sasl.oauthbearer.unsecure.jwt", Refusal(Connection("security: { protocol: sasl_plaintext, mechanism: OAUTHBEARER, oauth: { method: unsecured } }")), StringComparison.Ordinal);
    }

    [Fact]
    public void Certificates_are_paths_or_texts_over_several_lines_and_a_private_key_is_a_reference()
    {
        var certificate = "-----BEGIN CERTIFICATE-----\\nTUlJ\\n-----END CERTIFICATE-----\\n";
        var fields = Binding(Connection($$"""security: { protocol: ssl, ca: "{{certificate}}", certificate: "${CERT}", key: "${SECRET}", key_password: "${SECRET}" }"""),
            variables: [("CERT", "-----BEGIN CERTIFICATE-----\nx"), ("SECRET", "-----BEGIN PRIVATE KEY-----")]);
        var paths = Binding(Connection("security: { protocol: ssl, ca: certs/ca.pem, certificate: /c.pem, key: /k.pem }"));

        Assert.Equal(("Ssl", certificate.Replace("\\n", "\n", StringComparison.Ordinal), "%CERT%"), (fields["protocol"], fields["sslCaPEM"], fields["sslCertificatePEM"]));
        Assert.Equal("%SECRET%", fields["sslKeyPassword"]);
        Assert.Equal((Path.Combine(Path.GetTempPath(), "certs/ca.pem"), "/c.pem", "/k.pem"), (paths["sslCaLocation"], paths["sslCertificateLocation"], paths["sslKeyLocation"]));
        Assert.Contains("would travel", Refusal(Connection("""security: { protocol: ssl, certificate: /c.pem, key: "-----BEGIN PRIVATE KEY-----\nx" }""")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("security: { protocol: ssl, endpoint_identification: none }", "ssl.endpoint.identification.algorithm")]
    [InlineData("properties: { socket.keepalive.enable: true, fetch.min.bytes: 5 }", "socket.keepalive.enable")]
    [InlineData("security: { protocol: sasl_ssl, mechanism: PLAIN, username: \"50%\", password: \"${SECRET}\" }", "holds a '%'")]
    public void What_a_trigger_cannot_be_told_is_refused_by_name(string settings, string named) => Assert.Contains(named, Refusal(Connection(settings)), StringComparison.Ordinal);

    [Fact]
    public void What_only_tunes_reading_is_left_out_of_the_binding()
    {
        var fields = Binding(Connection("properties: { client.id: mine, client.rack: a, fetch.min.bytes: 5, queued.min.messages: 10 }"));

        Assert.DoesNotContain(fields.Values, value => value is "mine");
        Assert.DoesNotContain("fetch.min.bytes", fields.Keys);
    }

    [Fact]
    public void Uncommitted_records_cannot_be_asked_of_a_trigger() =>
        Assert.Contains("sources.s.isolation_level", Refusal(Connection(""), "connection: main, topic: t, consumer_group: g, isolation_level: read_uncommitted"), StringComparison.Ordinal);

    [Fact]
    public void Names_of_functions_are_such_as_the_host_takes_and_no_two_are_the_same()
    {
        var names = new FunctionNames();
        List<string> given =
        [
            names.Add("a.b", "s"), names.Add("a-b", "s"), names.Add("A-B", "s"), names.Add("a", "b-s"), names.Add("a-b-s", "x"), names.Add("a", "b-s-x"),
            names.Add(new string('p', 200), "s"), names.Add(new string('p', 200), "t"), names.Add(new string('p', 100), new string('s', 100)),
        ];

        Assert.Equal("ingest-a-b-s", given[0]);
        Assert.Equal(given.Count, given.Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.All(given, name => Assert.Matches("^[A-Za-z][A-Za-z0-9_-]{0,126}$", name));
    }
}
