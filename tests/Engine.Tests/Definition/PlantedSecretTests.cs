using Matih.Definition;
using Matih.Definition.Format;
using Matih.Definition.Shapes;

namespace Matih.Engine.Tests.Definition;

public sealed class PlantedSecretTests
{
    private const string Planted = "planted-secret-7fQ";

    private const string Text =
        """
        metadata:
          name: p
          owner: ${OWNER}
        connections:
          main:
            bootstrap_servers: b:9092
            security:
              protocol: sasl_ssl
              mechanism: SCRAM-SHA-512
              username: u
              password: ${PASSWORD}
              certificate: /c.pem
              key: { from_file: /key.pem }
              key_password: { from_env: PASSWORD }
            properties:
              ssl.engine.id: ${PASSWORD}
          tokens:
            bootstrap_servers: b:9092
            security:
              protocol: sasl_ssl
              mechanism: OAUTHBEARER
              oauth:
                client_id: c
                client_secret: ${PASSWORD}
                token_endpoint_url: https://u:${PASSWORD}@id.example.com/token?key=${PASSWORD}
        registries:
          user:
            url: https://registry.example.com
            headers:
              X-Key: ${PASSWORD}
            auth:
              type: basic
              username: u
              password: ${PASSWORD}
          token:
            url: https://registry.example.com
            auth:
              type: bearer
              token: ${PASSWORD}
          client:
            url: https://registry.example.com
            auth:
              type: oauth2
              client_secret: ${PASSWORD}
              token_uri: https://id.example.com/token?key=${PASSWORD}
              parameters:
                assertion: ${PASSWORD}
        catalogs:
          rest:
            type: rest
            uri: https://catalog.example.com/
            headers:
              X-Key: ${PASSWORD}
            auth:
              type: oauth2
              client_secret: ${PASSWORD}
              parameters:
                assertion: ${PASSWORD}
          bearer:
            type: rest
            uri: https://catalog.example.com/
            auth:
              type: bearer
              token: ${PASSWORD}
          database:
            type: sql
            uri: postgresql://db.example.com/lake
            warehouse: s3://b/w
            password: ${PASSWORD}
            options:
              SSL Password: ${PASSWORD}
            s3:
              access_key_id: id
              secret_access_key: ${PASSWORD}
              session_token: ${PASSWORD}
          signature:
            type: file
            warehouse: abfss://c@a.dfs.core.windows.net/w
            azure:
              sas_token: ${PASSWORD}
          connection:
            type: file
            warehouse: abfss://c@a.dfs.core.windows.net/w
            azure:
              connection_string: ${PASSWORD}
          key:
            type: file
            warehouse: abfss://c@a.dfs.core.windows.net/w
            azure:
              account_key: ${PASSWORD}
          application:
            type: file
            warehouse: abfss://c@a.dfs.core.windows.net/w
            azure:
              client_id: c
              tenant_id: t
              client_secret: ${PASSWORD}
        sources:
          clicks:
            type: kafka
            connection: main
            topic: t
            consumer_group: g
            format: json
            schema_registry: user
        sinks:
          lake:
            type: iceberg
            catalog: rest
            table: a.t
        orchestration:
          parallelism: 4
        """;

    private static readonly DefinitionInputs Inputs = Samples.Inputs(("PASSWORD", Planted), ("OWNER", "me")) with
    {
        ReadSecretFile = path => path == "/key.pem" ? $"-----BEGIN PRIVATE KEY-----\n{Planted}\n" : throw new IOException(Planted),
    };

    [Fact]
    public void Nothing_that_prints_a_definition_prints_its_secrets()
    {
        var result = DefinitionReader.Read("p.yaml", Text, Inputs);

        Assert.True(result.IsValid, string.Join('\n', result.Errors));
        var source = result.Definition.Sources[0];
        Assert.Equal(Planted, source.Connection.Properties["sasl.password"]);
        Assert.Contains(Planted, source.Connection.Properties["ssl.key.pem"], StringComparison.Ordinal);
        Assert.Equal(Planted, Assert.IsType<RestAuth.Basic>(source.SchemaRegistry!.Auth).Password.Reveal());
        var printed = string.Join('\n', [
            result, result.Definition, source, source.Connection, source.SchemaRegistry, result.Definition.Metadata, new Secret(Planted),
            .. result.Definition.Connections, .. result.Definition.Registries, .. result.Definition.Registries.Select(registry => registry.Auth), .. result.Definition.Catalogs, .. result.Definition.Catalogs.Select(catalog => catalog.Stores), .. result.Definition.Flows, .. result.Definition.Flows.Select(flow => flow.Hash), .. result.Warnings]);
        Assert.DoesNotContain(Planted, printed, StringComparison.Ordinal);
        Assert.Contains("sasl.password=***", printed, StringComparison.Ordinal);
    }

    /// <summary>A new key that holds a secret must be planted here, too.</summary>
    [Fact]
    public void Every_key_of_a_secret_is_planted()
    {
        var path = new List<string>();
        var planted = new HashSet<string>();
        foreach (var line in Text.Split('\n').Where(line => line.Contains(':', StringComparison.Ordinal)))
        {
            var depth = line.TakeWhile(c => c == ' ').Count() / 2;
            path.RemoveRange(depth, path.Count - depth);
            // The second level of these is a name.
            path.Add(depth == 1 && path[0] is "connections" or "registries" or "catalogs" or "sources" or "sinks" ? "NAME" : line.Trim().Split(':')[0]);
            if (line.Contains("PASSWORD", StringComparison.Ordinal) || line.Contains("from_", StringComparison.Ordinal)) planted.Add(string.Join('.', path));
        }

        var secret = PipelineFormat.Sets.SelectMany(set => set.Keys.Where(key => key.Shape is SecretShape).Select(key => $"{set.Title}.{key.Name}")).ToHashSet();

        Assert.True(secret.Count >= 12);
        Assert.Empty(secret.Except(planted));
    }

    /// <summary>Damages the text in thousands of ways: whatever is reported, the secret's value is not part of it.</summary>
    [Fact]
    public void No_error_holds_a_value_of_the_environment_or_of_a_secret()
    {
        const int seed = 20_260_501;
        var random = new Random(seed);
        var literal = Text.Replace("${PASSWORD}", Planted, StringComparison.Ordinal);
        var errorCount = 0;
        for (var round = 0; round < 4000; round++)
        {
            var text = Damage(round % 2 == 0 ? Text : literal, random);
            var result = DefinitionReader.Read("p.yaml", text, Inputs);
            errorCount += result.Errors.Length;
            var said = string.Join('\n', result.Errors.Concat(result.Warnings));

            Assert.False(said.Contains(Planted, StringComparison.Ordinal), $"seed {seed}, round {round}:\n{said}\n\n{text}");
        }
        Assert.True(errorCount > 4000);
    }

    /// <summary>Puts the secret where any other value belongs.</summary>
    [Fact]
    public void A_variable_in_the_wrong_place_is_named_and_not_shown()
    {
        var lines = Text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var colon = lines[i].IndexOf(": ", StringComparison.Ordinal);
            if (colon < 0) continue;
            var text = string.Join('\n', lines.Take(i).Append(lines[i][..(colon + 2)] + "\"${PASSWORD} \"").Concat(lines.Skip(i + 1)));

            var result = DefinitionReader.Read("p.yaml", text, Inputs);

            Assert.DoesNotContain(Planted, string.Join('\n', result.Errors.Concat(result.Warnings)), StringComparison.Ordinal);
        }
    }

    private static string Damage(string text, Random random)
    {
        var lines = text.Split('\n').ToList();
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var i = random.Next(lines.Count);
            switch (random.Next(6))
            {
                case 0: // A key loses or changes a letter.
                    var at = lines[i].TakeWhile(c => c == ' ').Count();
                    if (at < lines[i].Length) lines[i] = lines[i].Remove(at, 1);
                    break;
                case 1:
                    lines[i] = lines[i].Replace(": ", " ", StringComparison.Ordinal);
                    break;
                case 2:
                    lines[i] = "  " + lines[i];
                    break;
                case 3:
                    lines.RemoveAt(i);
                    break;
                case 4:
                    lines.Insert(i, lines[random.Next(lines.Count)]);
                    break;
                default:
                    lines[i] = lines[i].Replace(": ", ": [", StringComparison.Ordinal);
                    break;
            }
        }
        return string.Join('\n', lines);
    }
}
