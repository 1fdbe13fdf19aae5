using System.Text.RegularExpressions;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Delivery;

/// <summary>
/// The ways out that refusals name, gone with the real command on a real broker: each ends with a pipeline that runs without
/// further options. Retention between two runs and a recreated topic are in <see cref="BrokerScenarioTests"/>.
/// </summary>
public sealed class WaysOutTests(SharedKafka kafka)
{
    [Fact]
    public async Task A_renamed_pipeline_adopts_its_old_ledger_after_a_wrong_guess()
    {
        var (client, pipeline) = await WithOrdersAsync("adopted");
        string[] renamed = ["--set", "metadata.name=sales"];
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100, 50));

        var wrong = await pipeline.RunAsync(["--until-caught-up", .. renamed, "--adopt", "purchases"]);
        await pipeline.CatchUpAsync([.. renamed, "--adopt", "orders"]);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(150, 50));
        await pipeline.CatchUpAsync(renamed);

        Assert.Equal(5, wrong.ExitCode);
        Assert.Contains("matih table ledger shop.orders", wrong.StandardError, StringComparison.Ordinal);
        Assert.Equal((200, 200, 200), await pipeline.CountAsync());
    }

    [Fact]
    public async Task A_history_that_expired_before_the_ledger_is_accepted_by_its_tag()
    {
        var (client, pipeline) = await WithOrdersAsync("accepted");
        foreach (var id in (int[])[-1, -2])
            await IcebergReference.AppendAsync(pipeline.TableFolder, [$$"""{"id":{{id}},"partition":-1,"offset":{{id}},"event_timestamp":"2026-05-01T00:00:00"}"""]);
        await IcebergReference.WriteAsync("expire-snapshots", pipeline.TableFolder, "--retain-last", "1");
        DeleteOlderMetadata(pipeline.TableFolder);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100, 50));

        var refused = await pipeline.RunAsync("--until-caught-up");
        var named = Regex.Match(refused.StandardError, "accept it with (--accept-tag) ([0-9a-f-]{36});");
        await pipeline.CatchUpAsync(named.Groups[1].Value, named.Groups[2].Value);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(150, 50));
        await pipeline.CatchUpAsync();

        Assert.Equal(5, refused.ExitCode);
        Assert.True(named.Success, refused.StandardError);
        Assert.Equal((202, 202, 202), await pipeline.CountAsync());
    }

    [Fact]
    public async Task A_second_pipeline_whose_tag_would_be_the_first_one_s_is_renamed()
    {
        var (client, first) = await NewAsync("tags");
        first.ReplaceInDefinition("name: orders", "name: a", "lake:", "b-lake:");
        await client.ProduceTextAsync(first.Topic, OrderPipeline.Orders(0, 100));
        await first.CatchUpAsync();
        var second = new OrderPipeline(first.Folder, (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName("tags"));
        await client.CreateTopicAsync(second.Topic);
        await client.ProduceTextAsync(second.Topic, OrderPipeline.Orders(100, 100));

        var refused = await second.RunAsync("--until-caught-up", "--set", "metadata.name=a-b");
        await second.CatchUpAsync("--set", "metadata.name=returns");

        Assert.Equal(5, refused.ExitCode);
        Assert.Contains("its tag has the name that a-b/lake's would have", refused.StandardError, StringComparison.Ordinal);
        Assert.Contains("Rename the pipeline or the sink", refused.StandardError, StringComparison.Ordinal);
        Assert.Equal((200, 200), ((await second.CountAsync()).Rows, (await second.CountAsync()).Ids));
    }

    [Fact]
    public async Task Records_deleted_before_a_running_pipeline_came_to_them_end_it_with_their_range_at_once()
    {
        var (client, pipeline) = await WithOrdersAsync("overtaken");
        // A fetch brings one batch of the producer and no more: what comes after it is not yet fetched.
        await using var run = pipeline.Start("--set", "orchestration.max_retries=0", "--set", "sources.src.properties.max.partition.fetch.bytes=1");
        await run.Error.WaitForAsync(line => line.Contains("\"taken-over\"") || line.Contains("\"resumed\""));
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100, 10));
        await OrderPipeline.WaitForRowsAsync(run, 10);
        var ended = run.WaitForExitAsync();
        var first = 110;
        for (; !ended.IsCompleted; first += 100)
        {
            run.Send(ProcessSignal.Stop);
            // The fetch that is under way, if there is one, is answered with the first of these, which may or may not get into the table.
            await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(first, 1));
            await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(first + 1, 99));
            await client.DeleteRecordsAsync(pipeline.Topic, 0, first + 40);
            run.Send(ProcessSignal.Continue);
            // A busy broker may have answered it with all of them, before they were deleted: then once more.
            var read = OrderPipeline.WaitForRowsAsync(run, first);
            if (await Task.WhenAny(ended, read) == ended || read.IsFaulted) break;
        }
        await pipeline.CatchUpAsync("--set", "sources.src.on_lost_offsets=skip");
        await pipeline.CatchUpAsync();

        Assert.True((await ended).ExitCode == 5, (await ended).StandardError);
        Assert.Matches($"no longer holds offsets ({first}|{first + 1}) to {first + 39}", (await ended).StandardError);
        var (rows, positions, ids) = await pipeline.CountAsync();
        Assert.InRange(rows, first + 60, first + 61);
        Assert.Equal((rows, rows), (positions, ids));
    }

    private async Task<(KafkaClient Client, OrderPipeline Pipeline)> NewAsync(string stem)
    {
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName(stem));
        await client.CreateTopicAsync(pipeline.Topic);
        return (client, pipeline);
    }

    private async Task<(KafkaClient Client, OrderPipeline Pipeline)> WithOrdersAsync(string stem)
    {
        var (client, pipeline) = await NewAsync(stem);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync();
        return (client, pipeline);
    }

    /// <summary>Nothing tells of expired snapshots any more.</summary>
    private static void DeleteOlderMetadata(string table)
    {
        var files = Directory.GetFiles(Path.Combine(table, "metadata"), "v*.metadata.json");
        var newest = files.MaxBy(file => int.Parse(Path.GetFileName(file)[1..^".metadata.json".Length], System.Globalization.CultureInfo.InvariantCulture));
        foreach (var file in files.Where(file => file != newest)) File.Delete(file);
    }
}
