using Matih.Definition;
using Matih.Definition.Format;
using Matih.Definition.Shapes;
using Matih.Engine.Tests.Definition;
using Matih.Flink;
using Matih.Planning;

namespace Matih.Engine.Tests.Flink;

/// <summary>A secret in every place of a definition that Flink gets: the script has it, and nothing that is printed does.</summary>
public sealed class FlinkSecretsTests
{
    private const string Planted = "it's \"planted\" \\7fQ";

    private const string Text = """
        metadata: { name: p }
        connections:
          scram:
            bootstrap_servers: b:9092
            security:
              protocol: sasl_ssl
              mechanism: SCRAM-SHA-512
              username: u
              password: ${PLANTED}
              certificate: /c.pem
              key: { from_file: /key.pem }
              key_password: { from_env: PLANTED }
          tokens:
            bootstrap_servers: b:9092
            security:
              protocol: sasl_ssl
              mechanism: OAUTHBEARER
              oauth:
                client_id: c
                client_secret: ${PLANTED}
                token_endpoint_url: https://u:url-7fQ@id.example.com/token
        catalogs:
          oauth:
            type: rest
            uri: https://catalog.example.com/
            headers: { X-Key: "${PLANTED}" }
            auth: { type: oauth2, client_secret: "${PLANTED}", token_uri: https://id.example.com/token, parameters: { assertion: "${PLANTED}" } }
          bearer:
            type: rest
            uri: https://catalog.example.com/
            auth: { type: bearer, token: "${PLANTED}" }
          database:
            type: sql
            uri: postgresql://db.example.com/lake
            warehouse: s3://b/w
            user: u
            password: ${PLANTED}
            s3: { access_key_id: id, secret_access_key: "${PLANTED}", session_token: "${PLANTED}", role_arn: "arn:aws:iam::1:role/r", role_external_id: "${PLANTED}" }
          hive:
            type: hive
            uri: thrift://m:9083
            warehouse: s3://b/w
            s3: { access_key_id: id, secret_access_key: "${PLANTED}" }
        sources:
          a: { type: kafka, connection: scram, topic: t, consumer_group: g, format: json, on_error: skip }
          b: { type: kafka, connection: tokens, topic: t, consumer_group: g, format: json, on_error: skip }
          c: { type: flink, connector: mongodb-cdc, options: { hosts: "h:27017", username: u, password: "${PLANTED}", connection.options: "authSource=${PLANTED}" }, schema: "id INT" }
        sinks:
          one: { type: iceberg, table: oauth.n.one, input: a }
          two: { type: iceberg, table: bearer.n.two, input: b }
          three: { type: iceberg, table: database.n.three, input: a }
          four: { type: iceberg, table: hive.n.four, mode: upsert, key: [id], input: c }
        orchestration: { engine: flink, flink: { s3.secret-key: "${PLANTED}" } }
        """;

    private static readonly DefinitionInputs Inputs = Samples.Inputs(("PLANTED", Planted)) with { ReadSecretFile = _ => $"-----BEGIN PRIVATE KEY-----\n{Planted}\n" };

    [Fact]
    public void The_script_has_every_secret_and_prints_none()
    {
        var script = Generate();

        var statements = script.Settings.Select(setting => setting.Statement).Concat(script.Definitions).Append(script.Insert).ToList();
        // As a literal, and before that as a value of a JAAS line.
        var literal = Planted.Replace("'", "''", StringComparison.Ordinal);
        var jaas = literal.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        string[] options =
        [
            $"properties.sasl.jaas.config' = 'org.apache.flink.kafka.shaded.org.apache.kafka.common.security.scram.ScramLoginModule required username=\"u\" password=\"{jaas}", $"'properties.ssl.key.password' = '{literal}'",
            $"clientSecret=\"{jaas}", $"'header.X-Key' = '{literal}'", $"'credential' = '{literal}'", $"'assertion' = '{literal}'", $"'token' = '{literal}'", $"'jdbc.password' = '{literal}'",
            $"'s3.secret-access-key' = '{literal}'", $"'s3.session-token' = '{literal}'", $"'client.assume-role.external-id' = '{literal}'", $"'password' = '{literal}'", $"'connection.options' = 'authSource={literal}'", $"SET 's3.secret-key' = '{literal}'",
        ];
        var revealed = string.Join('\n', statements.Select(statement => statement.Reveal()));
        Assert.All(options, option => Assert.Contains(option, revealed, StringComparison.Ordinal));
        Assert.Contains($"BEGIN PRIVATE KEY-----\n{literal}", revealed, StringComparison.Ordinal);

        string[] printed = [script.ToString(), script.Mask(revealed), script.Mask(Planted), script.Explain.ToString(), .. script.Tables.Select(table => $"{table}{table.Describe}{table.Explain}{table.DescribeTable}")];
        Assert.All(printed, text => Assert.DoesNotContain("7fQ", text, StringComparison.Ordinal));
    }

    /// <summary>A new key that holds a secret must be planted here, or be one that Flink never gets.</summary>
    [Fact]
    public void Every_key_of_a_secret_is_planted_or_refused()
    {
        string[] refused = ["catalogs.NAME.azure.client_secret", "catalogs.NAME.azure.sas_token", "catalogs.NAME.azure.connection_string", "catalogs.NAME.azure.account_key"];

        var secrets = PipelineFormat.Sets.SelectMany(set => set.Keys.Where(key => key.Shape is SecretShape).Select(key => $"{set.Title}.{key.Name}")).Distinct().ToList();

        Assert.True(secrets.Count >= 12);
        Assert.All(secrets.Except(refused), secret => Assert.Contains($"{secret[(secret.LastIndexOf('.') + 1)..]}: ", Text, StringComparison.Ordinal));
    }

    [Fact]
    public void A_short_secret_is_masked_where_it_stands_alone()
    {
        var script = Generate(Inputs with { Environment = _ => "pgs" });

        Assert.Equal("'password'='${PLANTED}' of pgsql", script.Mask("'password'='pgs' of pgsql"));
    }

    private static FlinkScript Generate(DefinitionInputs? inputs = null)
    {
        var definition = Samples.Valid(Text, inputs ?? Inputs);
        var plan = PipelinePlanner.Plan(definition, isForFlink: true);
        Assert.Equal("", string.Join('\n', plan.Errors));
        var result = new FlinkGenerator(definition, WrittenDefinition.Read("p.yaml", Text), plan.Flows, new FlinkTraits(), _ => "PEM").Generate();
        Assert.Equal("", string.Join('\n', result.Errors));
        return result.Script!;
    }
}
