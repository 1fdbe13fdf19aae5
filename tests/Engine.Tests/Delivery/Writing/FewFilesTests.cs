using System.Globalization;
using Matih.Delivery;
using Matih.Engine.Tests.Verification;
using Matih.Iceberg.Manifests;

namespace Matih.Engine.Tests.Delivery.Writing;

/// <summary>Whole pipelines: how many files a checkpoint has.</summary>
public sealed class FewFilesTests
{
    [Theory]
    [InlineData("", 3)]
    [InlineData("write.distribution-mode: hash", 3)]
    [InlineData("write.distribution-mode: range", 3)]
    [InlineData("write.distribution-mode: none", 6)]
    public async Task A_commit_of_two_lanes_has_one_file_for_each_table_partition_unless_the_table_wants_none_of_it(string property, int fileCount)
    {
        using var flow = Flow($"'truncate(100, id)'", property);
        flow.Produce(0, 300);

        await flow.CatchUpAsync();

        Assert.Equal(fileCount, (await flow.LiveFilesAsync()).Count);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Many_table_partitions_have_one_file_each_in_every_commit()
    {
        using var flow = Flow("'truncate(2, id)'", "");
        flow.Produce(0, 1000);
        await flow.CatchUpAsync();
        flow.Produce(0, 500);

        await flow.CatchUpAsync();

        Assert.Equal(500 + 250, (await flow.LiveFilesAsync()).Count);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task Files_are_closed_at_the_target_size_of_the_table()
    {
        const int Target = 3000;
        using var flow = Flow("", $"write.target-file-size-bytes: {Target}, write.parquet.compression-codec: uncompressed");
        flow.Produce(0, 20_000);

        await flow.CatchUpAsync();

        var files = await flow.LiveFilesAsync();
        Assert.InRange(files.Count, 5, files.Sum(file => file.FileSizeBytes) / Target + 1);
        await flow.AssertHoldsWholeTopicAsync();
    }

    [Fact]
    public async Task The_sink_decides_about_the_size_where_it_says_one()
    {
        using var flow = Flow("", "write.target-file-size-bytes: 3000");
        flow.Definition = flow.Definition.Replace("mode: append", "mode: append, target_file_size: 1MiB", StringComparison.Ordinal);
        flow.Produce(0, 20_000);

        await flow.CatchUpAsync();

        Assert.Single(await flow.LiveFilesAsync());
    }

    [Fact]
    public async Task A_full_disk_for_rows_that_wait_ends_the_run_in_words_and_the_next_one_continues()
    {
        using var flow = Flow("'truncate(2, id)'", "");
        flow.MemoryBytes = 64 << 10;
        flow.Produce(0, 2_000);
        await flow.CatchUpAsync();
        flow.Produce(2_000, 4_000);
        flow.IsScratchFull = true;

        var failure = await Assert.ThrowsAsync<PipelineException>(() => flow.CatchUpAsync());
        var openWhenFull = flow.Scratch.OpenCount;
        flow.IsScratchFull = false;
        var before = flow.Scratch.BytesWritten;
        await flow.CatchUpAsync();

        Assert.Equal((FailureKind.Store, RetryAdvice.BackOff, 0), (failure.Kind, failure.Retry, openWhenFull));
        Assert.Contains("Could not write scratch file in memory: No space left on device. Free space on that disk", failure.Message, StringComparison.Ordinal);
        Assert.True(flow.Scratch.BytesWritten > before, "the rows did not need the disk");
        await flow.AssertHoldsWholeTopicAsync();
        await flow.AssertVerifiesAsync();
    }

    [Fact]
    public async Task A_bad_record_ends_the_files_of_all_partitions_before_it()
    {
        using var flow = Flow("'truncate(2, id)'", "");
        flow.Produce(0, 200);
        var bad = flow.Topic.Append(0, "{ no JSON");
        flow.Produce(200, 200);

        await Assert.ThrowsAsync<PipelineException>(() => flow.CatchUpAsync());

        Assert.Equal(flow.TopicRecords().Where(record => record.Partition == 0 && record.Offset < bad), (await flow.RowsAsync()).Where(row => row.Partition == 0));
        await flow.AssertVerifiesAsync();
    }

    private static FlowHarness Flow(string partitionBy, string properties)
    {
        var flow = new FlowHarness();
        flow.Overrides.Add("orchestration.checkpoint_interval=1h");
        flow.Definition = flow.Definition.Replace(
            "mode: append }", string.Create(CultureInfo.InvariantCulture, $"mode: append, partition_by: [{partitionBy}], properties: {{ {properties} }} }}"), StringComparison.Ordinal);
        return flow;
    }
}
