using Matih.Delivery.Lanes;
using Matih.Kafka;

namespace Matih.Engine.Tests.Delivery;

public sealed class GapListTests
{
    [Fact]
    public void Gaps_of_a_batch_that_was_not_accepted_leave_no_trace()
    {
        var gaps = new GapList();
        gaps.Add(1, 3);
        gaps.Accept();
        gaps.BeginScan();
        gaps.Add(5, 9);

        var taken = gaps.Take();

        Assert.Equal([new OffsetGap(1, 3)], taken.Gaps);
        Assert.True(gaps.Take().IsEmpty);
    }

    [Fact]
    public void Gaps_that_are_too_many_to_list_are_remembered_as_a_whole_with_the_records_among_them()
    {
        var gaps = new GapList();
        for (var offset = 0L; offset < 50_000; offset += 2)
        {
            gaps.Add(offset, offset + 1);
            gaps.NoteRecord();
        }
        gaps.Accept();

        var taken = gaps.Take();

        Assert.InRange(taken.Gaps.Length, 1_000, 24_999);
        Assert.Equal(taken.Gaps[^1].ToOffset + 1, taken.RestFromOffset);
        Assert.Equal(25_000 - taken.Gaps.Length, taken.RestRecordCount);
    }
}
