using System.Text.Json;
using Matih.Fixtures;
using Matih.Interop.Tests.Delivery;

namespace Matih.Interop.Tests.Host;

/// <summary><c>matih status</c> as users run it, on a real broker.</summary>
public sealed class StatusTests(SharedKafka kafka)
{
    [Fact]
    public async Task A_pipeline_is_followed_from_before_its_first_run_to_a_broker_that_is_away()
    {
        var (client, pipeline) = await NewAsync("status", partitions: 2);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        var never = await StatusAsync(pipeline, 0);
        (await pipeline.RunAsync("--once")).Expect();
        var caughtUp = await StatusAsync(pipeline, 0);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100, 30), partition: 1);
        var behind = await StatusAsync(pipeline, 0);
        var text = (await pipeline.CommandAsync("status")).Expect();
        var offline = await StatusAsync(pipeline, 0, "--offline");
        var away = await StatusAsync(pipeline, 3, "--set", "sources.src.connection=127.0.0.1:1");

        Assert.Equal(("never-started", false), (StateOf(never), never.GetProperty("table").GetProperty("exists").GetBoolean()));
        Assert.Equal("up-to-date", StateOf(caughtUp));
        Assert.Equal((100, 100, "closed"), (Total(caughtUp, "records"), Total(caughtUp, "added_rows"), caughtUp.GetProperty("ledger").GetProperty("state").GetString()));
        Assert.True(caughtUp.GetProperty("ledger").GetProperty("writer").GetProperty("known_gone").GetBoolean());
        Assert.Equal(0, caughtUp.GetProperty("lag").GetProperty("uncommitted").GetInt64());
        Assert.Equal("behind", StateOf(behind));
        Assert.Equal((30, 30), (behind.GetProperty("lag").GetProperty("uncommitted").GetInt64(), behind.GetProperty("lag").GetProperty("unstaged").GetInt64()));
        Assert.Equal([(0, 100, 100), (1, 0, 30)], behind.GetProperty("partitions").EnumerateArray().Select(partition =>
            (partition.GetProperty("partition").GetInt32(), partition.GetProperty("next_offset").GetInt32(), partition.GetProperty("end").GetInt32())));
        Assert.Contains("state       behind: ", text.StandardOutput, StringComparison.Ordinal);
        Assert.Contains("lag         30 offsets uncommitted, 30 of them not staged, as of ", text.StandardOutput, StringComparison.Ordinal);
        Assert.Empty(text.StandardError);
        Assert.Equal(("not-compared", 0), (StateOf(offline), offline.GetProperty("staged").GetProperty("ranges").GetInt32()));
        Assert.Equal(("unreachable", 100), (StateOf(away), Total(away, "records")));
        Assert.Contains("connection refused", away.GetProperty("unread")[0].GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, away.GetProperty("staged").GetProperty("ranges").GetInt32());
    }

    [Fact]
    public async Task The_mark_of_a_transaction_behind_the_last_record_leaves_nothing_to_commit()
    {
        var (client, pipeline) = await NewAsync("status-marks", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 10));
        (await pipeline.RunAsync("--once")).Expect();
        var aborted = await client.BeginTransactionAsync();
        await aborted.ProduceAsync(pipeline.Topic, [KafkaRecord.Text("""{"id":1}"""), KafkaRecord.Text("""{"id":2}""")]);
        await aborted.AbortAsync();

        var status = await StatusAsync(pipeline, 0);

        Assert.Equal(("up-to-date", 3), (StateOf(status), status.GetProperty("lag").GetProperty("uncommitted").GetInt64()));
    }

    [Fact]
    public async Task A_topic_that_was_created_again_is_refused_with_what_to_do()
    {
        var (client, pipeline) = await NewAsync("status-again", partitions: 1);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 10));
        (await pipeline.RunAsync("--once")).Expect();
        await client.DeleteTopicAsync(pipeline.Topic);
        await client.CreateTopicAsync(pipeline.Topic);

        var status = await StatusAsync(pipeline, 5);
        var run = await pipeline.RunAsync("--once");

        Assert.Equal("refused", StateOf(status));
        var refusal = status.GetProperty("refusal");
        Assert.Equal(5, run.ExitCode);
        Assert.Contains(JsonEncodedText.Encode(refusal.GetProperty("message").GetString()!, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString(), run.StandardError, StringComparison.Ordinal);
        Assert.Contains("--reset", refusal.GetProperty("remedy").GetString(), StringComparison.Ordinal);
    }

    private static string? StateOf(JsonElement flow) => flow.GetProperty("state").GetString();

    private static long Total(JsonElement flow, string name) => flow.GetProperty("totals").GetProperty(name).GetInt64();

    /// <summary>What the command says of the one flow.</summary>
    private static async Task<JsonElement> StatusAsync(OrderPipeline pipeline, int exitCode, params string[] options)
    {
        var output = (await pipeline.CommandAsync("status", ["--json", .. options])).Expect(exitCode);
        var status = JsonDocument.Parse(output.StandardOutput).RootElement;
        Assert.Equal(("orders", "1", exitCode), (status.GetProperty("name").GetString(), status.GetProperty("version").GetString(), status.GetProperty("exit_code").GetInt32()));
        return status.GetProperty("flows")[0];
    }

    private async Task<(KafkaClient Client, OrderPipeline Pipeline)> NewAsync(string stem, int partitions)
    {
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName(stem));
        await client.CreateTopicAsync(pipeline.Topic, partitions);
        return (client, pipeline);
    }
}
