using Matih.Fixtures;
using YamlDotNet.RepresentationModel;

namespace Matih.Interop.Tests.Deployment;

/// <summary>What <c>matih flink manifest</c> prints, against the descriptions of its kinds.</summary>
public sealed class FlinkManifestTests
{
    private const string Planted = "planted-secret-7fQ";

    private const string Definition = """
        metadata: { name: Clicks_v2 }
        connections:
          main: { type: kafka, bootstrap_servers: "${BROKER:-kafka:9093}", security: { protocol: sasl_ssl, mechanism: SCRAM-SHA-512, username: matih, password: "${KAFKA_PASSWORD}", ca: FOLDER/ca.pem } }
        catalogs:
          lake: { type: rest, uri: "https://catalog.example.com/", auth: { type: bearer, token: { from_file: FOLDER/token } }, s3: { access_key_id: id, secret_access_key: { from_env: S3_KEY } } }
        sources:
          clicks: { type: kafka, connection: main, topic: web.clicks, consumer_group: g, format: json, on_error: skip }
        transformations:
          - name: parse
            type: sql_transform
            sql: |
              SELECT JSON_VALUE(value, '$.user_id') AS user_id,

                     event_timestamp
              FROM {{ input }}
        sinks:
          lake: { type: iceberg, table: lake.web.clicks, mode: append }
        orchestration: { engine: flink, parallelism: 3 }

        """;

    private readonly string _folder = TemporaryDirectory.New();

    [Fact]
    public async Task Every_manifest_fits_its_kind_and_holds_no_secret()
    {
        var text = (await RunAsync()).Expect().StandardOutput;

        var (names, faults) = await ManifestCheck.RunAsync(text);

        Assert.Empty(faults);
        Assert.Equal(["ConfigMap/clicks-v2-definition", "FlinkDeployment/clicks-v2", "Deployment/clicks-v2-gateway", "Service/clicks-v2-gateway"], names[..^1]);
        Assert.StartsWith("Job/clicks-v2-deploy-", names[^1], StringComparison.Ordinal);
        Assert.DoesNotContain(Planted, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Secrets_come_from_one_secret_and_the_definition_as_it_was_written()
    {
        var (text, objects) = await ReadAsync("--namespace", "flink", "--secret", "clicks-keys", "--kafka-connector", "flink-connector-kafka", "--set", "orchestration.parallelism=2");

        Assert.Equal(Text, objects["ConfigMap"]["data"]["pipeline.yaml"].Text);
        Assert.Contains("password=\"${KAFKA_PASSWORD}\";", objects["ConfigMap"]["data"]["job.sql"].Text, StringComparison.Ordinal);
        Assert.All(objects.Values, item => Assert.Equal("flink", item["metadata"]["namespace"].Text));
        var pod = objects["Job"]["spec"]["template"]["spec"];
        var matih = pod["containers"].Named("matih");
        Assert.Equal(
            ["deploy", "/etc/matih/pipeline.yaml", "--gateway", "http://clicks-v2-gateway:8083", "--jobmanager", "http://clicks-v2-rest:8081", "--replace", "--job-id", "$(JOB_UID)", "--set", "orchestration.parallelism=2", "--kafka-connector", "flink-connector-kafka"],
            matih["args"].Texts);
        Assert.Equal("metadata.labels['batch.kubernetes.io/controller-uid']", matih["env"].Named("JOB_UID")["valueFrom"]["fieldRef"]["fieldPath"].Text);
        Assert.Equal(["BROKER", "JOB_UID", "KAFKA_PASSWORD", "S3_KEY"], matih["env"].Items.Select(item => item["name"].Text).Order(StringComparer.Ordinal));
        foreach (var variable in new[] { "BROKER", "KAFKA_PASSWORD", "S3_KEY" })
        {
            var reference = matih["env"].Named(variable)["valueFrom"]["secretKeyRef"];
            Assert.Equal(("clicks-keys", variable, variable == "BROKER" ? "true" : null), (reference["name"].Text, reference["key"].Text, reference.Find("optional")?.Text));
        }
        var mounts = matih["volumeMounts"].Items.Where(mount => mount["name"].Text == "files").ToDictionary(mount => mount["mountPath"].Text, mount => mount["subPath"].Text);
        Assert.Equal([$"{_folder}/ca.pem", $"{_folder}/token"], mounts.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("clicks-keys", pod["volumes"].Named("files")["secret"]["secretName"].Text);
        Assert.All(mounts.Values, key => Assert.Contains($"#   {key}: the content of ", text, StringComparison.Ordinal));
        var cluster = objects["FlinkDeployment"]["spec"];
        Assert.Equal(("v1_20", "flink:jars", "s3://lake/flink/checkpoints"), (cluster["flinkVersion"].Text, cluster["image"].Text, cluster["flinkConfiguration"]["execution.checkpointing.dir"].Text));
        Assert.Null(cluster.Find("job"));
    }

    [Theory]
    [InlineData("password: \"${KAFKA_PASSWORD}\"", "password: literal-pass", "connections.main.security.password: the secret stands in the definition itself")]
    [InlineData("table: lake.web.clicks", "table: web.clicks, catalog: local", "catalog 'local' keeps what is at")]
    public async Task What_must_not_be_in_a_manifest_is_refused(string text, string other, string expected)
    {
        var output = await RunAsync(Definition.Replace("catalogs:\n", "catalogs:\n  local: { type: file, warehouse: /lake }\n", StringComparison.Ordinal).Replace(text, other, StringComparison.Ordinal));

        Assert.Equal(2, output.ExitCode);
        Assert.Contains(expected, output.StandardError, StringComparison.Ordinal);
        Assert.Empty(output.StandardOutput);
    }

    private string Text => Definition.Replace("FOLDER", _folder, StringComparison.Ordinal);

    private async Task<(string Text, Dictionary<string, ManifestNode> Objects)> ReadAsync(params string[] options)
    {
        var text = (await RunAsync(Definition, options)).Expect().StandardOutput;
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return (text, stream.Documents.Select(document => new ManifestNode(document.RootNode, "")).ToDictionary(item => item["kind"].Text));
    }

    private async Task<ProcessOutput> RunAsync(string definition = Definition, params string[] options)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "pipeline.yaml"), definition.Replace("FOLDER", _folder, StringComparison.Ordinal));
        await File.WriteAllTextAsync(Path.Combine(_folder, "ca.pem"), "authority");
        await File.WriteAllTextAsync(Path.Combine(_folder, "token"), Planted);
        return await MatihProcess.RunAsync(["flink", "manifest", "pipeline.yaml", "--image", "flink:jars", "--state", "s3://lake/flink", .. options], _folder, new Dictionary<string, string?> { ["KAFKA_PASSWORD"] = Planted, ["S3_KEY"] = Planted, ["BROKER"] = null });
    }
}
