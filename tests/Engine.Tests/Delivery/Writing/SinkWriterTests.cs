using Matih.Batches;
using Matih.Delivery.Writing;
using Matih.Storage;

namespace Matih.Engine.Tests.Delivery.Writing;

public sealed class SinkWriterTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(5, 3)]
    [InlineData(40, 1)]
    [InlineData(40, 3)]
    [InlineData(3000, 2)]
    public async Task A_checkpoint_has_one_file_for_each_partition_whatever_the_lanes(int keyCount, int laneCount)
    {
        using var harness = new WritingHarness();
        var batches = WritingHarness.RandomBatches(20_000, keyCount, new Random(keyCount));

        var files = await harness.WriteAsync(laneCount, batches);

        Assert.Equal(batches.SelectMany(batch => batch).Select(row => row.Key).Distinct().Count(), files.Length);
        await WritingHarness.AssertHoldAsync(batches, files);
        Assert.Equal(0, harness.Memory.UsedBytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Memory_does_not_decide_how_many_files_there_are(bool isScarce)
    {
        // Some ten rows to a block, a spill every few of them, and a second merge of spilled runs now and then.
        using var harness = new WritingHarness { Limits = new GatheringLimits(isScarce ? 1 << 20 : 4 << 10) { BlockRows = 64, SpillBytesMin = 1, PageBytes = 512, RunsMax = 5 } };
        var batches = WritingHarness.RandomBatches(20_000, 100, new Random(1));

        var files = await harness.WriteAsync(2, batches, isScarce);

        Assert.True(harness.Scratch.BytesWritten > 20_000 * 20);
        Assert.Equal(100, files.Length);
        await WritingHarness.AssertHoldAsync(batches, files);
        Assert.Equal((0, 0L), (harness.Scratch.OpenCount, harness.Memory.UsedBytes));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(3, 2)]
    [InlineData(30, 2)]
    public async Task Files_are_closed_at_the_target_size_and_are_no_more_than_that_needs(int keyCount, int laneCount)
    {
        const int Target = 20_000;
        using var harness = new WritingHarness { TargetFileBytes = Target };
        var batches = WritingHarness.RandomBatches(60_000, keyCount, new Random(keyCount));

        var files = await harness.WriteAsync(laneCount, batches);

        await WritingHarness.AssertHoldAsync(batches, files);
        foreach (var ofOneKey in files.GroupBy(file => (int)file.Partition[0].Number))
        {
            var bytes = ofOneKey.Sum(file => file.FileSizeBytes);
            Assert.InRange(ofOneKey.Count(), 1, (bytes + Target - 1) / Target);
            Assert.True(ofOneKey.Count() > bytes / (Target * (laneCount + 2)), $"{ofOneKey.Count()} files for {bytes} bytes");
        }
    }

    [Fact]
    public async Task Each_checkpoint_has_its_own_files_and_a_lane_may_be_ahead()
    {
        using var harness = new WritingHarness();
        await using var sets = await harness.CreateSetsAsync(2);
        await using var first = new SinkWriter(sets, isAlone: false);
        await using var second = new SinkWriter(sets, isAlone: false);
        var random = new Random(3);
        var (before, after) = (WritingHarness.RandomBatches(5_000, 30, random), WritingHarness.RandomBatches(3_000, 50, random));

        foreach (var batch in before) await WriteAsync(first, batch);
        await first.FinishAsync(default);
        foreach (var batch in after) await WriteAsync(first, batch);
        await second.FinishAsync(default);
        var filesBefore = await WritingHarness.CompleteAsync(sets);
        await second.FinishAsync(default);
        await first.FinishAsync(default);
        var filesAfter = await WritingHarness.CompleteAsync(sets);

        await WritingHarness.AssertHoldAsync(before, filesBefore);
        await WritingHarness.AssertHoldAsync(after, filesAfter);
        Assert.Equal((30, 50), (filesBefore.Length, filesAfter.Length));

        async Task WriteAsync(SinkWriter lane, (int, long)[] rows)
        {
            using var columns = new WritingHarness.BatchColumns(rows, harness.Memory);
            await lane.WriteAsync(columns.Batch, default);
        }
    }

    [Fact]
    public async Task A_checkpoint_without_rows_has_no_files()
    {
        using var harness = new WritingHarness();

        Assert.Empty(await harness.WriteAsync(2, []));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(40)]
    [InlineData(400)]
    public async Task What_a_failed_read_of_scratch_space_leaves_is_given_back(int failingRead)
    {
        var reads = 0;
        using var harness = new WritingHarness
        {
            Limits = new GatheringLimits(16 << 10) { BlockRows = 100, PageBytes = 700, RunsMax = 4 },
            Scratch = new MemoryScratch(isUnreadable: () => Interlocked.Increment(ref reads) == failingRead),
        };

        await Assert.ThrowsAsync<StoreException>(() => harness.WriteAsync(2, WritingHarness.RandomBatches(20_000, 60, new Random(5))));

        Assert.Equal((0, 0L), (harness.Scratch.OpenCount, harness.Memory.UsedBytes));
    }

    [Fact]
    public async Task Few_files_are_open_at_once_however_many_lanes_there_are()
    {
        using var harness = new WritingHarness();

        var files = await harness.WriteAsync(16, WritingHarness.RandomBatches(10_000, 3_000, new Random(6)));

        Assert.Equal(files.Select(file => file.Path).Distinct().Count(), files.Length);
        Assert.InRange(harness.Store.OpenMax, 2, 300);
    }

    [Fact]
    public async Task What_was_not_completed_is_given_back()
    {
        using var harness = new WritingHarness { Limits = new GatheringLimits(16 << 10) { BlockRows = 64, PageBytes = 512 } };
        await using (var sets = await harness.CreateSetsAsync(1))
        await using (var lane = new SinkWriter(sets, isAlone: false))
        {
            foreach (var batch in WritingHarness.RandomBatches(5_000, 50, new Random(4)))
            {
                using var columns = new WritingHarness.BatchColumns(batch, harness.Memory);
                await lane.WriteAsync(columns.Batch, default);
            }
            await lane.FinishAsync(default);
            Assert.True(harness.Scratch.OpenCount > 0);
        }

        Assert.Equal((0, 0L), (harness.Scratch.OpenCount, harness.Memory.UsedBytes));
    }

    [Fact]
    public async Task Files_that_could_not_be_written_leave_nothing_behind()
    {
        using var harness = new WritingHarness { TargetFileBytes = 5_000 };
        await using (var sets = await harness.CreateSetsAsync(1))
        await using (var lane = new SinkWriter(sets, isAlone: false))
        {
            harness.Store.IsDown = location => location.EndsWith(".parquet", StringComparison.Ordinal);
            using var columns = new WritingHarness.BatchColumns([.. Enumerable.Range(0, 2_000).Select(i => (1, (long)i))], harness.Memory);
            await Assert.ThrowsAsync<IOException>(async () => await lane.WriteAsync(columns.Batch, default));
        }

        Assert.Equal(0, harness.Memory.UsedBytes);
        Assert.Empty(harness.DataFiles);
    }

    [Fact]
    public async Task What_a_store_s_writers_hold_counts_as_memory_and_ends_files_early()
    {
        var memory = new MemoryAccount(24L << 20);
        using var harness = new WritingHarness { Memory = memory, Limits = new GatheringLimits(memory.CeilingBytes / 4 / 2) };
        harness.Store.HoldsWhatIsWritten = true;

        var files = await harness.WriteAsync(2, WritingHarness.RandomBatches(600_000, 100, new Random(5)));

        Assert.Equal(600_000, files.Sum(file => file.RecordCount));
        Assert.InRange(harness.Store.HeldMaxBytes, 1 << 20, memory.CeilingBytes / 2);
        Assert.InRange(memory.PeakBytes, harness.Store.HeldMaxBytes, memory.CeilingBytes);
        Assert.Equal(0, memory.UsedBytes);
    }

    [Fact]
    public async Task Files_of_which_the_store_s_writers_hold_the_most_are_completed_where_memory_is_scarce()
    {
        var memory = new MemoryAccount(4L << 20);
        using var harness = new WritingHarness { Memory = memory, Limits = new GatheringLimits(memory.CeilingBytes / 8) };
        harness.Store.HoldsWhatIsWritten = true;
        var batches = WritingHarness.RandomBatches(300_000, 4, new Random(7));

        var files = await harness.WriteAsync(1, batches, isScarce: true);

        await WritingHarness.AssertHoldAsync(batches, files);
        Assert.True(files.Sum(file => file.FileSizeBytes) > 2 << 20, $"{files.Sum(file => file.FileSizeBytes)} bytes");
        Assert.InRange(harness.Store.HeldMaxBytes, 1, memory.CeilingBytes / 4);
        Assert.InRange(files.Length, 5, 50);
    }

    [Fact]
    public async Task Five_thousand_partitions_stay_within_a_small_ceiling()
    {
        var memory = new MemoryAccount(24L << 20);
        using var harness = new WritingHarness { Memory = memory, Limits = new GatheringLimits(memory.CeilingBytes / 4 / 2) };
        // As object stores' writers do with small files.
        harness.Store.HoldsWhatIsWritten = true;
        var batches = WritingHarness.RandomBatches(300_000, 5_000, new Random(5));

        var files = await harness.WriteAsync(2, batches);

        Assert.Equal(5_000, files.Length);
        Assert.Equal(300_000, files.Sum(file => file.RecordCount));
        Assert.True(harness.Scratch.BytesWritten > 4 << 20, $"{harness.Scratch.BytesWritten} bytes spilled");
        Assert.InRange(memory.PeakBytes, 1, memory.CeilingBytes);
    }
}
