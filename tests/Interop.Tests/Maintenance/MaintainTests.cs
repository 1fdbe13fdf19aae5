using System.Text.Json;
using Matih.Fixtures;
using Matih.Interop.Tests.Delivery;

namespace Matih.Interop.Tests.Maintenance;

/// <summary><c>matih maintain</c> on tables of a pipeline, beside it and beside another engine; the reference implementation reads what is left.</summary>
public sealed class MaintainTests(SharedKafka kafka)
{
    [Fact]
    public async Task Every_snapshot_but_the_newest_expires_and_every_record_stays_while_the_pipeline_goes_on()
    {
        var (client, pipeline) = await NewAsync("maintained");
        for (var i = 0; i < 5; i++)
        {
            await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(20 * i, 20));
            await pipeline.CatchUpAsync();
        }
        var files = AllFiles(pipeline);
        var dry = await MaintainAsync(pipeline, "--dry-run");
        Assert.Equal(files, AllFiles(pipeline));

        var report = await MaintainAsync(pipeline);
        var left = AllFiles(pipeline);
        await IcebergReference.CheckAsync(pipeline.TableFolder);
        var verified = await pipeline.VerifiedAsync();
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(100, 20));
        await pipeline.CatchUpAsync();

                Assert.Equal(Paths(dry), Paths(report));
        Assert.Equal(report.GetProperty("snapshots").GetInt32() - 1, report.GetProperty("expired_snapshots").GetArrayLength());
        Assert.Empty(Paths(report).Intersect(left));
        Assert.Empty(Paths(report).Except(files));
        Assert.Contains("history", verified.GetProperty("proved").EnumerateArray().Select(item => item.GetProperty("code").GetString()));
        Assert.Equal(120, (await pipeline.CountAsync()).Rows);
        await IcebergReference.CheckAsync(pipeline.TableFolder);
    }

    [Fact]
    public async Task An_idle_pipeline_below_the_commits_of_another_engine_still_finds_where_it_stands()
    {
        var (client, pipeline) = await NewAsync("buried");
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 20));
        await pipeline.CatchUpAsync();
        for (var i = 1; i <= 3; i++)
            await IcebergReference.AppendAsync(pipeline.TableFolder, [$$"""{"id":-{{i}},"note":"foreign","partition":0,"offset":-{{i}},"event_timestamp":"2024-01-02T03:04:05"}"""]);

        var report = await MaintainAsync(pipeline);
        var again = await MaintainAsync(pipeline);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(20, 20));
        await pipeline.CatchUpAsync();
        var after = await MaintainAsync(pipeline);

        // The tag holds the pipeline's newest commit by itself; the two above it are the way to it.
        Assert.Equal(2, report.GetProperty("held_for_ledgers").GetInt32());
        Assert.Equal(0, again.GetProperty("expired_snapshots").GetArrayLength());
        Assert.Equal(0, after.GetProperty("held_for_ledgers").GetInt32());
        Assert.Equal(43, (await pipeline.CountAsync()).Rows);
        await IcebergReference.CheckAsync(pipeline.TableFolder);
    }

    [Fact]
    public async Task What_another_engine_s_compaction_left_behind_is_deleted_and_what_a_run_writes_meanwhile_stays()
    {
        var (client, pipeline) = await NewAsync("compacted");
        for (var i = 0; i < 4; i++)
        {
            await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(20 * i, 20));
            await pipeline.CatchUpAsync();
        }
        await IcebergReference.WriteAsync("rewrite-data-files", pipeline.TableFolder);
        await using (var run = pipeline.Start())
        {
            await OrderPipeline.WaitForOpeningAsync(run);
            for (var i = 4; i < 12; i++)
            {
                await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(20 * i, 20));
                await MaintainAsync(pipeline);
            }
            await OrderPipeline.WaitForRowsAsync(run, 160);
            run.Send(ProcessSignal.Terminate);
            (await run.WaitForExitAsync()).Expect();
        }
        await MaintainAsync(pipeline);

        Assert.Equal(240, (await pipeline.CountAsync()).Rows);
        await IcebergReference.CheckAsync(pipeline.TableFolder);
        var live = await MatihProcess.RunAsync(["table", "files", pipeline.TableFolder, "--json"], pipeline.Folder, new Dictionary<string, string?>());
        using var listed = JsonDocument.Parse(live.Expect().StandardOutput);
        Assert.Equal(listed.RootElement.GetArrayLength(), Directory.GetFiles(pipeline.TableFolder, "*.parquet", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public async Task What_it_did_is_said_in_words_and_a_table_that_is_not_there_is_named()
    {
        var (client, pipeline) = await NewAsync("told");
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 20));
        await pipeline.CatchUpAsync();

        var dry = (await pipeline.CommandAsync("maintain", "--only", "expire,orphans", "--dry-run")).Expect().StandardOutput;
        var told = (await MatihProcess.RunAsync(["maintain", pipeline.TableFolder, "--only", "expire,orphans"], pipeline.Folder, new Dictionary<string, string?>())).Expect().StandardOutput;
        var again = (await pipeline.CommandAsync("maintain", "--only", "orphans,expire")).Expect().StandardOutput;
        var missing = (await MatihProcess.RunAsync(["maintain", "shop.nothing", "--warehouse", Path.Combine(pipeline.Folder, "warehouse")], pipeline.Folder, new Dictionary<string, string?>())).Expect(2);

        Assert.Matches(@"^shop\.orders: \d+ of \d+ snapshots would expire\.\n", dry);
        Assert.Contains("snap-", dry, StringComparison.Ordinal);
        Assert.Matches(@"^orders: \d+ of \d+ snapshots expired\.\n  deleted +files +size\n", told);
        Assert.Matches(@"^shop\.orders: none of 1 snapshot is past the table's retention\.\nshop\.orders: none of \d+ files is an orphan that is more than 3 days old\.\n$", again);
        Assert.Contains("there is no table shop.nothing", missing.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Orphan_files_of_any_writer_go_and_the_table_stays_whole_for_the_reference_and_for_its_pipeline()
    {
        var (client, pipeline) = await NewAsync("orphans");
        for (var i = 0; i < 3; i++)
        {
            await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(20 * i, 20));
            await pipeline.CatchUpAsync();
        }
        await IcebergReference.WriteAsync("rewrite-data-files", pipeline.TableFolder);
        await IcebergReference.AppendAsync(pipeline.TableFolder, ["""{"id":-1,"note":"foreign","partition":0,"offset":-1,"event_timestamp":"2024-01-02T03:04:05"}"""]);
        var named = AllFiles(pipeline);
        var live = named.First(path => path.EndsWith(".parquet", StringComparison.Ordinal));
        string[] orphans =
        [
            Copy(live, $"{live[..^8]}-lost.parquet"), Copy(live, Path.Combine(Path.GetDirectoryName(live)!, ".cut.parquet.0a1b.tmp")),
            Copy(named.First(path => path.EndsWith(".avro", StringComparison.Ordinal)), Path.Combine(pipeline.TableFolder, "metadata", "snap-1-1-lost.avro")),
        ];
        foreach (var path in AllFiles(pipeline)) File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddDays(-5));
        var young = Copy(live, $"{live[..^8]}-young.parquet");
        File.SetLastWriteTimeUtc(young, DateTime.UtcNow);

        var told = (await pipeline.CommandAsync("maintain", "--only", "orphans", "--dry-run")).Expect().StandardOutput;
        var dry = (await JsonOfAsync(pipeline, "--only", "orphans", "--dry-run")).GetProperty("orphans");
        var untouched = AllFiles(pipeline);
        var whole = await JsonOfAsync(pipeline, "--only", "orphans");
        var (left, report) = (AllFiles(pipeline), whole.GetProperty("orphans"));
        await IcebergReference.CheckAsync(pipeline.TableFolder);
        await pipeline.VerifiedAsync();
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(60, 20));
        await pipeline.CatchUpAsync();

        Assert.Matches(@"^shop\.orders: 3 orphan files of \d+ files would be deleted \([0-9.]+ KiB, each more than 3 days old\)\.\n  would be deleted +files +size\n", told);
        Assert.Contains("-lost.parquet (", told, StringComparison.Ordinal);
        Assert.Contains("5 days old)", told, StringComparison.Ordinal);
        Assert.False(whole.TryGetProperty("expiry", out _));
        Assert.Equal(orphans.Order(StringComparer.Ordinal), Paths(dry));
        Assert.Equal(orphans.Order(StringComparer.Ordinal), Paths(report));
        Assert.Equal(named.Concat(orphans).Append(young).Order(StringComparer.Ordinal), untouched);
        Assert.Equal(named.Append(young).Order(StringComparer.Ordinal), left);
        Assert.Equal(81, (await pipeline.CountAsync()).Rows);
        await IcebergReference.CheckAsync(pipeline.TableFolder);
    }

    [Fact]
    public async Task A_task_or_an_age_that_there_is_not_is_refused_with_what_can_be_said()
    {
        var folder = TemporaryDirectory.New();

        var task = (await MatihProcess.RunAsync(["maintain", "shop.orders", "--only", "vacuum"], folder, new Dictionary<string, string?>())).Expect(2);
        var age = (await MatihProcess.RunAsync(["maintain", "shop.orders", "--older-than", "23h"], folder, new Dictionary<string, string?>())).Expect(2);

        Assert.Contains("--only: there is no task 'vacuum'. It can be compact, expire or orphans, or several with commas between.", task.StandardError, StringComparison.Ordinal);
        Assert.Contains("--older-than is 23 h; expected 24h at least.", age.StandardError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_whose_files_others_may_need_is_refused_with_what_to_do()
    {
        var (client, pipeline) = await NewAsync("shared");
        pipeline.ReplaceInDefinition("history.expire.max-snapshot-age-ms: \"1\"", "history.expire.max-snapshot-age-ms: \"1\", gc.enabled: \"false\"");
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 20));
        await pipeline.CatchUpAsync();
        var files = AllFiles(pipeline);

        var refused = (await pipeline.CommandAsync("maintain", "--only", "expire")).Expect(5);
        var orphans = (await pipeline.CommandAsync("maintain", "--only", "orphans")).Expect(5);

        Assert.Equal("matih: The table shop.orders has the property gc.enabled=false: other tables may need its files, so its snapshots do not expire. Set it to true if that is no longer so.\nNo snapshot was removed.\n", refused.StandardError);
        Assert.Equal("matih: The table shop.orders has the property gc.enabled=false: other tables may need its files, so its orphan files stay. Set it to true if that is no longer so.\nNo file was deleted since that was seen.\n", orphans.StandardError);
        Assert.Equal(files, AllFiles(pipeline));
    }

    private static string Copy(string from, string to)
    {
        File.Copy(from, to);
        return to;
    }

    /// <summary>A pipeline whose table keeps no snapshot longer than a millisecond.</summary>
    private async Task<(KafkaClient Client, OrderPipeline Pipeline)> NewAsync(string name)
    {
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName(name));
        await client.CreateTopicAsync(pipeline.Topic, 1);
        pipeline.ReplaceInDefinition("partition_by: [date] }", "partition_by: [date], properties: { history.expire.max-snapshot-age-ms: \"1\" } }");
        return (client, pipeline);
    }

    private static async Task<JsonElement> MaintainAsync(OrderPipeline pipeline, params string[] options) =>
        (await JsonOfAsync(pipeline, ["--only", "expire", .. options])).GetProperty("expiry");

    private static async Task<JsonElement> JsonOfAsync(OrderPipeline pipeline, params string[] options) =>
        JsonDocument.Parse((await pipeline.CommandAsync("maintain", ["--json", .. options])).Expect().StandardOutput).RootElement[0];

    private static List<string> Paths(JsonElement report) => [.. report.GetProperty("files").EnumerateArray().Select(file => file.GetProperty("path").GetString()!).Order(StringComparer.Ordinal)];

    private static List<string> AllFiles(OrderPipeline pipeline) => [.. Directory.GetFiles(pipeline.TableFolder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
}
