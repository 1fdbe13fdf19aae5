using Matih.Batches;

namespace Matih.Engine.Tests.Batches;

public class NestedColumnTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Columns_hold_what_went_in_through_every_way_of_appending(int seed)
    {
        var random = new Random(seed);
        var type = NestedValues.RandomType(random, 3);
        var account = MemoryAccount.Unlimited();
        var values = Enumerable.Range(0, random.Next(1, 40)).Select(_ => NestedValues.RandomValue(type, random)).ToList();
        using var source = Column.Create(type, account);
        foreach (var value in values) NestedValues.Append(source, value);
        var expected = new List<string>();
        using var target = Column.Create(type, account);

        for (var step = 0; step < 12; step++)
        {
            switch (random.Next(5))
            {
                case 0:
                    var rows = Enumerable.Range(0, random.Next(10)).Select(_ => random.Next(source.Count)).ToArray();
                    target.AppendRows(source, rows);
                    expected.AddRange(rows.Select(row => NestedValues.Text(values[row])));
                    break;
                case 1:
                    var start = random.Next(source.Count);
                    var count = random.Next(source.Count - start + 1);
                    target.AppendRange(source, start, count);
                    expected.AddRange(values.GetRange(start, count).Select(NestedValues.Text));
                    break;
                case 2:
                    var image = new byte[source.ImageBytes];
                    source.WriteImage(image);
                    Assert.Equal(image.Length, target.AppendImage(image));
                    expected.AddRange(values.Select(NestedValues.Text));
                    break;
                case 3:
                    var kept = random.Next(target.Count + 1);
                    target.Truncate(kept);
                    expected.RemoveRange(kept, expected.Count - kept);
                    break;
                default:
                    target.AppendNull();
                    expected.Add("null");
                    break;
            }
            Assert.Equal(expected, NestedValues.Rows(target));
            Assert.Equal(expected.Count(text => text == "null"), target.NullCount);
        }
    }

    [Fact]
    public void All_buffers_are_on_the_account_until_the_column_is_disposed()
    {
        var account = MemoryAccount.Unlimited();
        var column = Column.Create(new DataType.Map(DataType.String, new DataType.Array(new DataType.BigInt())), account);
        NestedValues.Append(column, new object?[] { new object?[] { "a", new object?[] { 1L, null } } });

        Assert.Equal(column.BufferBytes, account.UsedBytes);
        Assert.True(account.UsedBytes > 0);
        column.Dispose();
        Assert.Equal(0, account.UsedBytes);
    }
}
