using Matih.Delivery.Lanes;

namespace Matih.Engine.Tests.Delivery.Lanes;

public sealed class RecordLimitTests
{
    [Theory]
    [InlineData(10_000, 4)]
    [InlineData(10_000, 16)]
    [InlineData(1_000_000, 8)]
    public void Lanes_that_all_have_records_get_about_the_same(long countMax, int laneCount)
    {
        var limit = new RecordLimit(countMax, laneCount);
        var taken = new long[laneCount];

        for (var turn = 0; !limit.IsReached; turn++) taken[turn % laneCount] += limit.Take(limit.PollMax(4096));

        Assert.Equal(countMax, taken.Sum());
        Assert.True(taken.Max() <= 1.4 * taken.Min(), string.Join(", ", taken));
    }

    [Fact]
    public void One_lane_gets_all_that_idle_lanes_do_not_want_in_few_polls()
    {
        var limit = new RecordLimit(10_000, 16);
        var (taken, polls) = (0L, 0);

        for (; !limit.IsReached; polls++) taken += limit.Take(limit.PollMax(4096));

        Assert.Equal(10_000, taken);
        Assert.InRange(polls, 1, 500);
    }

    [Fact]
    public void Records_polled_side_by_side_beyond_the_limit_are_not_granted()
    {
        var limit = new RecordLimit(3, 2);
        var (one, two) = (limit.PollMax(100), limit.PollMax(100));

        Assert.Equal((1, 1), (one, two));
        Assert.Equal((1, 1), (limit.Take(one), limit.Take(two)));
        Assert.Equal(1, limit.Take(5));
        Assert.Equal(0, limit.Take(1));
        Assert.Equal(0, limit.PollMax(100));
        Assert.True(limit.IsReached);
    }

    [Fact]
    public void Nothing_is_polled_while_reading_rests()
    {
        var limit = RecordLimit.None();
        limit.IsSuspended = true;

        Assert.Equal(0, limit.PollMax(100));
        Assert.False(limit.IsReached);
        limit.IsSuspended = false;
        Assert.Equal(4096, limit.PollMax(4096));
    }

    [Fact]
    public async Task Lanes_side_by_side_never_take_more_than_the_limit()
    {
        var limit = new RecordLimit(100_000, 4);

        var taken = await Task.WhenAll(Enumerable.Range(1, 4).Select(lane => Task.Run(() =>
        {
            var sum = 0L;
            while (!limit.IsReached) sum += limit.Take(limit.PollMax(37 * lane));
            return sum;
        })));

        Assert.Equal(100_000, taken.Sum());
    }
}
