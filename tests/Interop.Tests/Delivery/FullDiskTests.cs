using Matih.Fixtures;

namespace Matih.Interop.Tests.Delivery;

/// <summary>The table's disk is full: nothing is lost, nothing doubled, and the message says what to free.</summary>
public sealed class FullDiskTests(SharedKafka kafka)
{
    private const int DiskBytes = 4 << 20, BatchCount = 20_000;

    [Fact]
    public async Task A_run_on_a_full_disk_ends_with_3_and_the_next_one_is_exact_once_there_is_space()
    {
        var (client, pipeline) = await NewAsync();
        await using var disk = await SmallDisk.MountAsync(Path.Combine(pipeline.Folder, "warehouse"), DiskBytes);
        await client.ProduceTextAsync(pipeline.Topic, OrderPipeline.Orders(0, 100));
        await pipeline.CatchUpAsync();
        await client.ProduceFileAsync(pipeline.Topic, pipeline.OrderFile(100, BatchCount), 2);

        // From nothing at all to room for a data file, not for the manifests and the metadata: each stage meets the end of the disk.
        foreach (var freeBytes in new[] { 0, 4 << 10, 16 << 10, 48 << 10, 96 << 10 })
        {
            disk.FillUpTo(freeBytes);
            var run = await pipeline.RunAsync("--until-caught-up", "--set", "orchestration.max_retries=0");
            if (freeBytes != 0 && run.ExitCode == 0) break;
            Assert.True(run.ExitCode == 3, $"{freeBytes} bytes free: exit code {run.ExitCode}\n{run.StandardError}");
            Assert.Contains("Free space on that disk", run.StandardError, StringComparison.Ordinal);
            Assert.Contains(Path.Combine("warehouse", "shop"), run.StandardError, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFiles(Path.Combine(pipeline.Folder, "warehouse"), "*.tmp", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }));
        }
        disk.Free();
        await pipeline.CatchUpAsync();

        Assert.Equal((BatchCount + 100, BatchCount + 100, BatchCount + 100), await pipeline.CountAsync());
        await IcebergReference.CheckAsync(pipeline.TableFolder);
    }

    [Fact]
    public async Task A_run_continues_by_itself_where_space_is_freed_while_it_retries()
    {
        var (client, pipeline) = await NewAsync();
        await using var disk = await SmallDisk.MountAsync(Path.Combine(pipeline.Folder, "warehouse"), DiskBytes);
        await using var run = pipeline.Start("--set", "orchestration.max_retries=8");
        await OrderPipeline.WaitForOpeningAsync(run);

        disk.FillUpTo(0);
        await client.ProduceFileAsync(pipeline.Topic, pipeline.OrderFile(0, BatchCount), 2);
        var said = await run.Error.WaitForAsync("\"event\":\"retrying\"");
        disk.Free();
        await OrderPipeline.WaitForRowsAsync(run, BatchCount);
        run.Send(ProcessSignal.Terminate);
        var ended = await run.WaitForExitAsync();

        Assert.Contains("Free space on that disk", said, StringComparison.Ordinal);
        Assert.Equal(0, ended.ExitCode);
        Assert.Equal((BatchCount, BatchCount, BatchCount), await pipeline.CountAsync());
        Assert.Equal("closed", await pipeline.LedgerStateAsync());
        await IcebergReference.CheckAsync(pipeline.TableFolder);
    }

    private async Task<(KafkaClient Client, OrderPipeline Pipeline)> NewAsync()
    {
        var client = await kafka.ClientAsync();
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName("full"));
        await client.CreateTopicAsync(pipeline.Topic, 2);
        return (client, pipeline);
    }
}
