using Matih.Fixtures;

namespace Matih.Interop.Tests.Flink;

/// <summary>Secrets of a definition on their way to a real cluster: nothing that is printed or kept in a table holds one.</summary>
public sealed class FlinkSecretTests(SharedFlink flink, SharedKafka kafka)
{
    private const string Planted = "planted-secret-7fQ";

    /// <summary>Flink refuses a connector's unknown options, and repeats all of them with their values.</summary>
    private const string Refused = """
        metadata: { name: "${NAME}" }
        sources:
          rows: { type: flink, connector: datagen, options: { number-of-rows: 1, url: "x://u:${SECRET}@h/", note: "${SECRET}", password: "${SECRET}" }, schema: "id BIGINT" }
        sinks:
          lake: { type: iceberg, table: gen.rows, mode: append }
        orchestration: { engine: flink, parallelism: 1, max_retries: 0, flink: { some.secret-key: "${SECRET}" } }
        """;

    [Fact]
    public async Task What_flink_repeats_in_a_refusal_is_masked()
    {
        var pipeline = await NewAsync("refused", Refused);

        ProcessOutput[] outputs =
        [
            await pipeline.CommandAsync("flink", "sql", "pipeline.yaml"),
            await pipeline.CommandAsync("validate", "pipeline.yaml", "--explain"),
            await pipeline.CommandAsync("validate", "pipeline.yaml", "--explain", "--gateway", pipeline.Gateway),
            await pipeline.TryDeployAsync("--trace"),
        ];

        Assert.Equal([0, 0, 2, 2], outputs.Select(output => output.ExitCode));
        Assert.All(outputs, output => Assert.DoesNotContain(Planted, output.StandardOutput + output.StandardError, StringComparison.Ordinal));
        Assert.Contains("SET 'some.secret-key' = '${SECRET}'", outputs[0].StandardOutput, StringComparison.Ordinal);
        Assert.Contains("sources.rows: Unsupported options found for 'datagen': note, password, url", outputs[2].StandardError, StringComparison.Ordinal);
        Assert.Contains("'url'='x://u:${SECRET}@h/'", outputs[3].StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_is_in_no_table_and_in_no_word_about_a_job()
    {
        var broker = await kafka.BrokerAsync();
        const string definition = """
            metadata: { name: "${NAME}" }
            connections:
              secure: { type: kafka, bootstrap_servers: "${BROKER}", security: { protocol: sasl_ssl, mechanism: SCRAM-SHA-512, username: "${LOGIN}", password: "${SECRET}", ca: "${CA}" } }
            sources:
              clicks: { type: kafka, connection: secure, topic: "${TOPIC}", consumer_group: g, format: json, start_offset: earliest, on_error: skip }
            sinks:
              lake: { type: iceberg, table: web.clicks, mode: append }
            orchestration: { engine: flink, checkpoint_interval: 500ms, parallelism: 1, max_retries: 0 }
            """;
        var pipeline = await NewAsync("secure", definition, broker.SaslSsl);
        var client = await kafka.ClientAsync();
        await client.CreateTopicAsync(pipeline.Topic);
        await client.ProduceTextAsync(pipeline.Topic, ["{}"]);
        foreach (var (name, value) in new[] { ("LOGIN", broker.User), ("CA", broker.CaPath) }) pipeline.Secrets[name] = value;

        // Without a checkpoint nothing of that job may be in the table, and another one may begin.
        var wrong = await pipeline.TryDeployAsync("--trace", "--set", "orchestration.checkpoint_interval=1h");
        for (var look = 0; look < 100 && wrong.ExitCode == 0; look++) wrong = await pipeline.CommandAsync("flink", "status", pipeline.Name, "--trace");
        pipeline.Secrets["SECRET"] = broker.Password;
        var right = (await pipeline.TryDeployAsync()).Expect();
        await pipeline.WaitForRowsAsync("web.clicks", 1);
        var status = await pipeline.CommandAsync("flink", "status", pipeline.Name, "--json", "--trace");
        await pipeline.StopAsync(pipeline.Name);

        Assert.Equal(3, wrong.ExitCode);
        Assert.DoesNotContain(Planted, wrong.StandardOutput + wrong.StandardError, StringComparison.Ordinal);
        Assert.DoesNotContain(broker.Password, right.StandardOutput + right.StandardError + status.Expect().StandardOutput + status.StandardError, StringComparison.Ordinal);
        var kept = Directory.GetFiles(pipeline.TableFolder("web.clicks"), "*", SearchOption.AllDirectories);
        Assert.NotEmpty(kept);
        Assert.All(kept, file => Assert.DoesNotContain(broker.Password, File.ReadAllText(file, System.Text.Encoding.Latin1), StringComparison.Ordinal));
    }

    private async Task<FlinkPipeline> NewAsync(string stem, string definition, string bootstrap = "")
    {
        var pipeline = new FlinkPipeline(TemporaryDirectory.New(), await flink.SessionAsync(), bootstrap, KafkaBroker.NewName(stem));
        pipeline.Write(definition);
        pipeline.Secrets["SECRET"] = Planted;
        return pipeline;
    }
}
