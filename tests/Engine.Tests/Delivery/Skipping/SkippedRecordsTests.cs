using Matih.Batches;
using Matih.Delivery.Skipping;

namespace Matih.Engine.Tests.Delivery;

public sealed class SkippedRecordsTests
{
    [Fact]
    public void Records_that_follow_on_each_other_are_one_range()
    {
        var tally = new SkipTally();
        foreach (var offset in (long[])[3, 4, 5, 9]) Note(tally, 0, offset);
        Note(tally, 1, 6);

        var skipped = tally.Take();

        Assert.Equal([new SkippedRange(0, 3, 6, 3), new SkippedRange(0, 9, 10, 1), new SkippedRange(1, 6, 7, 1)], skipped.Ranges);
        Assert.Equal(5, skipped.RecordCount);
        Assert.True(tally.Take().IsEmpty);
    }

    [Fact]
    public void Beyond_the_bound_the_smallest_gaps_are_closed_and_the_counts_stay_exact()
    {
        var tally = new SkipTally();
        // Pairs two offsets apart, ten offsets between the pairs.
        for (var pair = 0; pair < SkippedRecords.RangesMax; pair++)
            foreach (var offset in (long[])[pair * 12, pair * 12 + 2]) Note(tally, 0, offset);

        var skipped = tally.Take();

        Assert.Equal(SkippedRecords.RangesMax, skipped.Ranges.Length);
        Assert.All(skipped.Ranges, (range, index) => Assert.Equal(new SkippedRange(0, index * 12, index * 12 + 3, 2), range));
        Assert.All(skipped.Ranges, range => Assert.False(range.IsWhole));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void However_many_records_are_bad_the_list_stays_bounded_and_holds_each_of_them_once(int seed)
    {
        var random = new Random(seed);
        var tally = new SkipTally();
        var offsets = new List<long>();
        for (var offset = 0L; offset < 20_000; offset += random.Next(1, 4)) offsets.Add(offset);
        foreach (var offset in offsets) Note(tally, 0, offset);

        var skipped = tally.Take();

        Assert.InRange(skipped.Ranges.Length, 1, SkippedRecords.RangesMax);
        Assert.Equal(offsets.Count, skipped.RecordCount);
        Assert.All(skipped.Ranges, range => Assert.Equal(offsets.Count(offset => offset >= range.FromOffset && offset < range.ToOffset), range.RecordCount));
        for (var i = 1; i < skipped.Ranges.Length; i++) Assert.True(skipped.Ranges[i - 1].ToOffset < skipped.Ranges[i].FromOffset);
    }

    [Fact]
    public void Every_partition_keeps_a_range_where_there_are_more_of_them_than_ranges()
    {
        var tally = new SkipTally();
        for (var partition = 0; partition < SkippedRecords.RangesMax + 50; partition++)
            foreach (var offset in (long[])[7, 5000]) Note(tally, partition, offset);

        var skipped = tally.Take();

        Assert.Equal(SkippedRecords.RangesMax + 50, skipped.Ranges.Length);
        Assert.All(skipped.Ranges, (range, index) => Assert.Equal(new SkippedRange(index, 7, 5001, 2), range));
    }

    [Fact]
    public void Parts_are_merged_by_offset_and_their_kinds_by_text()
    {
        var (first, second) = (new SkipTally(), new SkipTally());
        for (var offset = 0; offset < 3; offset++) Note(first, 0, offset, "b");
        Note(first, 0, 10, "a");
        for (var offset = 3; offset < 9; offset++) Note(second, 0, offset, "a");

        var merged = SkippedRecords.Merge([second.Take(), first.Take()]);

        Assert.Equal([new SkippedRange(0, 0, 9, 9), new SkippedRange(0, 10, 11, 1)], merged.Ranges);
        Assert.Equal([("a", 7, 3), ("b", 3, 0)], merged.Kinds.Select(kind => (kind.Text, kind.RecordCount, kind.Offset)));
    }

    [Fact]
    public void The_most_frequent_kinds_are_kept_and_long_texts_are_cut()
    {
        var tally = new SkipTally();
        var text = new string('x', 5000);
        for (var kind = 0; kind < 100; kind++)
            for (var i = 0; i <= kind % 10; i++) Note(tally, 0, kind * 10 + i, $"{kind % 10}{text}");

        var skipped = tally.Take();

        Assert.Equal(["9", "8", "7", "6"], skipped.Kinds.Select(kind => kind.Text[..1]));
        Assert.Equal(100, skipped.Kinds[0].RecordCount);
        Assert.All(skipped.Kinds, kind => Assert.True(kind.Text.Length <= 201 && kind.Example.Length <= 201));
    }

    [Fact]
    public void A_range_says_whether_all_of_its_offsets_were_skipped()
    {
        Assert.Equal("offset 4 of partition 1", new SkippedRange(1, 4, 5, 1).ToString());
        Assert.Equal("offsets 4 to 8 of partition 1", new SkippedRange(1, 4, 9, 5).ToString());
        Assert.Equal("2 records among offsets 4 to 8 of partition 1", new SkippedRange(1, 4, 9, 2).ToString());
        Assert.Equal("2,373 records among offsets 0 to 4744 of partition 1", new SkippedRange(1, 0, 4745, 2373).ToString());
        Assert.Equal("offset 0 of partition 0, and 2 more ranges",
            new SkippedRecords([new SkippedRange(0, 0, 1, 1), new SkippedRange(0, 5, 6, 1), new SkippedRange(0, 8, 9, 1)], []).Describe(1));
    }

    private static void Note(SkipTally tally, int partition, long offset, string kind = "k") => tally.Note(partition, offset, new RowError(0, $"{kind} at {offset}", kind));
}
