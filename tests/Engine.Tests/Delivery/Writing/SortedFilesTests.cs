using Matih.Delivery.Writing;

namespace Matih.Engine.Tests.Delivery.Writing;

public sealed class SortedFilesTests
{
    private const string Descending =
        """{"order-id":3,"fields":[{"transform":"truncate[1000]","source-id":2,"direction":"desc","null-order":"nulls-last"},{"transform":"identity","source-id":2,"direction":"asc","null-order":"nulls-first"}]}""";

    [Theory]
    [InlineData(1, true)]
    [InlineData(20, true)]
    [InlineData(20, false)]
    public async Task Rows_of_a_partition_are_sorted_across_lanes_and_spilled_runs(int keyCount, bool isPartitioned)
    {
        using var harness = new WritingHarness
        {
            Order = Descending, IsPartitioned = isPartitioned, Limits = new GatheringLimits(32 << 10) { BlockRows = 100, PageBytes = 700, RunsMax = 4 },
        };
        var random = new Random(keyCount);
        var batches = WritingHarness.RandomBatches(12_000, keyCount, random);
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(batches));
        foreach (var batch in batches) batch[0].Number = -1;

        var files = await harness.WriteAsync(3, batches);

        Assert.True(harness.Scratch.BytesWritten > 0);
        Assert.Equal(isPartitioned ? keyCount : 1, files.Length);
        foreach (var file in files)
        {
            Assert.Equal(3, file.SortOrderId);
            var numbers = (await WritingHarness.ReadAsync(file)).Select(row => row.Number).ToList();
            Assert.Equal(numbers.OrderBy(number => number is null).ThenByDescending(number => number / 1000).ThenBy(number => number), numbers);
        }
        Assert.Equal(12_000, files.Sum(file => file.RecordCount));
        Assert.Equal((0, 0L), (harness.Scratch.OpenCount, harness.Memory.UsedBytes));
    }

    [Fact]
    public async Task Sorted_files_of_one_partition_have_ranges_that_do_not_overlap()
    {
        using var harness = new WritingHarness
        {
            IsPartitioned = false, TargetFileBytes = 10_000,
            Order = """{"order-id":3,"fields":[{"transform":"identity","source-id":2,"direction":"asc","null-order":"nulls-first"}]}""",
        };
        var batches = WritingHarness.RandomBatches(20_000, 10, new Random(2));
        new Random(3).Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(batches));

        var files = await harness.WriteAsync(2, batches);

        Assert.True(files.Length > 10);
        var ends = new List<(long First, long Last)>();
        foreach (var file in files)
        {
            var rows = await WritingHarness.ReadAsync(file);
            ends.Add((rows[0].Number!.Value, rows[^1].Number!.Value));
        }
        ends.Sort();
        for (var i = 1; i < ends.Count; i++) Assert.True(ends[i - 1].Last < ends[i].First);
        await WritingHarness.AssertHoldAsync(batches, files, isPartitioned: false);
    }

    [Fact]
    public async Task An_order_that_cannot_be_computed_gives_files_that_say_they_are_unsorted()
    {
        using var harness = new WritingHarness { Order = """{"order-id":3,"fields":[{"transform":"zorder","source-id":2,"direction":"asc","null-order":"nulls-first"}]}""" };

        var files = await harness.WriteAsync(1, [[(1, 2), (1, 1)]]);

        Assert.Equal(0, Assert.Single(files).SortOrderId);
    }
}
