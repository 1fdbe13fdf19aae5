using Matih.Delivery.Staging;

namespace Matih.Engine.Tests.Delivery;

/// <summary>docs/delivery.md, "Ranges are chained": which range counts at a position.</summary>
public sealed class RangeChainTests
{
    [Fact]
    public void A_range_counts_only_where_it_begins_at_the_position()
    {
        var step = RangeChain.Next([Range(10, 20), Range(0, 10)], position: 10);

        Assert.Equal(Range(10, 20), Assert.IsType<ChainStep.Take>(step).Range);
    }

    [Fact]
    public void Of_several_ranges_at_the_position_the_one_that_reaches_furthest_counts()
    {
        var step = RangeChain.Next([Range(10, 20), Range(10, 35), Range(10, 30)], position: 10);

        Assert.Equal(Range(10, 35), Assert.IsType<ChainStep.Take>(step).Range);
    }

    [Fact]
    public void A_range_that_straddles_the_position_is_missing_up_to_its_end()
    {
        var step = RangeChain.Next([Range(5, 15)], position: 10);

        Assert.Equal(new ChainStep.Missing(15), step);
    }

    [Fact]
    public void A_hole_ends_where_the_next_range_begins()
    {
        var step = RangeChain.Next([Range(5, 40), Range(30, 50), Range(25, 27)], position: 10);

        Assert.Equal(new ChainStep.Missing(25), step);
    }

    [Fact]
    public void Covered_ranges_are_no_part_of_the_chain()
    {
        var step = RangeChain.Next([Range(0, 10), Range(3, 9)], position: 10);

        Assert.Equal(new ChainStep.End(), step);
    }

    [Fact]
    public void A_reader_goes_on_where_the_chain_ends()
    {
        var end = RangeChain.EndOf([Range(20, 30), Range(10, 20), Range(10, 15), Range(40, 50)], position: 10);

        Assert.Equal(30, end);
    }

    [Fact]
    public void A_name_is_read_back_as_it_was_written()
    {
        var name = new RangeName(7, 1234567890123, 1234567890999, "file:///w/_matih/u/staged/p/s/g1-00", default);

        Assert.Equal(name, RangeName.Parse(name.Location, default));
        Assert.Null(RangeName.Parse(name.Folder + "/readme.txt", default));
        Assert.Null(RangeName.Parse(name.Folder + "/p1-5-5.json", default));
    }

    private static RangeName Range(long from, long to) => new(0, from, to, "f", default);
}
