using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Delivery;

/// <summary>Rows of many table partitions that wait for the checkpoint, in the real command; independent readers judge what it writes.</summary>
public sealed class PartitionedTableTests(SharedKafka kafka)
{
    private const int RowCount = 40_000, PartitionCount = 50;

    private static readonly string[] Values =
    [
        "", " ", "a/b", "a%2Fb", "50%", "k=v", "..", ".", "ü", "日本語", "😀", "null", "NULL", "tab\there", "line\nbreak", "\"quoted\"", "a\\b", "a:b", "a+b c",
        new('x', 300), new('ü', 200),
    ];

    [Fact]
    public async Task Rows_lie_in_the_partition_of_their_value_whatever_it_is_and_in_the_order_of_another_engine_s_table()
    {
        const int EachCount = 200;
        var (client, pipeline) = await NewAsync(", partition_by: [date]", "");
        await IcebergReference.CreateAsync(
            pipeline.TableFolder, "id long, note string, partition int, offset long, event_timestamp timestamp", "identity(note)", "--sort", "id desc");
        string?[] values = [.. Values, null];
        await client.ProduceTextAsync(pipeline.Topic, Enumerable.Range(0, values.Length * EachCount)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $$"""{"id":{{i * 7919L % (values.Length * EachCount)}},"note":{{JsonSerializer.Serialize(values[i % values.Length])}}}""")));

        await pipeline.CatchUpAsync("--set", "orchestration.checkpoint_interval=1h");

        await IcebergReference.CheckAsync(pipeline.TableFolder, "--require-totals");
        var files = await IcebergReference.FilesAsync(pipeline.TableFolder);
        Assert.Equal(
            values.Select(value => (value, (long)EachCount, 1)).Order(),
            files.Select(file => (file.GetProperty("partition").GetProperty("note").GetString(), file.GetProperty("record-count").GetInt64(), file.GetProperty("sort-order-id").GetInt32())).Order());
        var rows = values.Length * EachCount;
        Assert.Equal((rows, rows, rows), await pipeline.CountAsync());
        Assert.Empty(await DuckDb.QueryAsync($"""
            select * from (select id, lag(id) over (partition by filename order by file_row_number) as before
            from read_parquet('{pipeline.TableFolder}/data/**/*.parquet', filename = true, file_row_number = true, hive_partitioning = false)) where before < id
            """));
    }

    [Fact]
    public async Task Kills_while_rows_wait_on_local_disk_leave_nothing_there_and_lose_and_double_nothing()
    {
        var (client, pipeline) = await NewAsync("[date]", $"['bucket({PartitionCount}, id)']");
        await client.ProduceFileAsync(pipeline.Topic, LargeOrders(pipeline), 4);
        var state = Path.Combine(pipeline.Folder, "state");

        for (var kill = 0; kill < 3; kill++)
        {
            await using var run = Start(pipeline, state);
            while (!HasScratchFile(run.Id)) await Task.Delay(5, TestContext.Current.CancellationToken);
            run.Send(ProcessSignal.Kill);
            await run.WaitForExitAsync();
        }
        await pipeline.CatchUpAsync("--set", "orchestration.memory=32MiB", "--set", "orchestration.checkpoint_interval=1h");

        Assert.Empty(Directory.EnumerateFiles(state, "*", SearchOption.AllDirectories));
        Assert.Equal((RowCount, RowCount, RowCount), await pipeline.CountAsync());
        Assert.Equal(PartitionCount, (await IcebergReference.FilesAsync(pipeline.TableFolder)).Count);
        await IcebergReference.CheckAsync(pipeline.TableFolder);

        static bool HasScratchFile(int processId)
        {
            try
            {
                return Directory.EnumerateFiles($"/proc/{processId}/fd").Any(file => File.ResolveLinkTarget(file, returnFinalTarget: false)?.FullName.Contains("/scratch/", StringComparison.Ordinal) == true);
            }
            catch (IOException)
            {
                return false; // The file was closed meanwhile.
            }
        }
    }

    [Fact]
    public async Task A_full_disk_for_waiting_rows_ends_with_3_and_is_named_and_the_next_run_is_exact()
    {
        var (client, pipeline) = await NewAsync("[date]", $"['bucket({PartitionCount}, id)']");
        await client.ProduceFileAsync(pipeline.Topic, LargeOrders(pipeline), 4);
        var state = Path.Combine(pipeline.Folder, "state");
        await using (await SmallDisk.MountAsync(state, 1 << 20))
        {
            await using var run = Start(pipeline, state, "--set", "orchestration.max_retries=0");

            var ended = await run.WaitForExitAsync();

            Assert.Equal(3, ended.ExitCode);
            Assert.Contains("Free space on that disk", ended.StandardError, StringComparison.Ordinal);
            Assert.Contains(Path.Combine(state, "scratch"), ended.StandardError, StringComparison.Ordinal);
        }
        await pipeline.CatchUpAsync();

        Assert.Equal((RowCount, RowCount, RowCount), await pipeline.CountAsync());
        await IcebergReference.CheckAsync(pipeline.TableFolder);
    }

    private static ExternalProcess Start(OrderPipeline pipeline, string stateFolder, params string[] options) => pipeline.StartWith(
        new Dictionary<string, string?> { ["MATIH_STATE_DIR"] = stateFolder }, ["--set", "orchestration.memory=32MiB", "--set", "orchestration.checkpoint_interval=1h", .. options]);

    /// <summary>Orders that take more memory than lanes may hold while they wait.</summary>
    private static string LargeOrders(OrderPipeline pipeline)
    {
        var path = Path.Combine(pipeline.Folder, "large.ndjson");
        var (random, note) = (new Random(3), new byte[300]);
        using var writer = new StreamWriter(path, append: false, new UTF8Encoding(false)) { NewLine = "\n" };
        for (var id = 0; id < RowCount; id++)
        {
            random.NextBytes(note);
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $$"""{"id":{{id}},"note":"{{Convert.ToHexString(note)}}"}"""));
        }
        return path;
    }

    private async Task<(KafkaClient Client, OrderPipeline Pipeline)> NewAsync(params string[] changes)
    {
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName("partitioned"));
        pipeline.ReplaceInDefinition(changes);
        await client.CreateTopicAsync(pipeline.Topic, 4);
        return (client, pipeline);
    }
}
