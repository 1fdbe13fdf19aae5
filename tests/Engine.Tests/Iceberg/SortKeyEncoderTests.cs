using Matih.Batches;
using Matih.Engine.Tests.Parquet;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Engine.Tests.Iceberg;

public sealed class SortKeyEncoderTests
{
    /// <summary>Values in the order of the specification: bytes and text as "…", numbers, NULL.</summary>
    public static TheoryData<DataType, object?[]> Ascending => new()
    {
        { new DataType.Int(), [null, int.MinValue, -1, 0, 1, int.MaxValue] },
        { new DataType.BigInt(), [null, long.MinValue, -1L, 0L, 1L, long.MaxValue] },
        { new DataType.Boolean(), [null, false, true] },
        { new DataType.Double(), [null, BitConverter.Int64BitsToDouble(unchecked((long)0xFFF8_0000_0000_0000)), double.NegativeInfinity, -1.5, -0d, 0d, 1.5, double.PositiveInfinity, BitConverter.Int64BitsToDouble(0x7FF8_0000_0000_0000)] },
        { new DataType.Float(), [null, float.NegativeInfinity, -1.5f, -0f, 0f, 1.5f, float.PositiveInfinity, BitConverter.Int32BitsToSingle(0x7FC0_0000)] },
        { new DataType.Decimal(38, 2), [null, -(Int128)1 << 100, (Int128)(-1), (Int128)0, (Int128)1, (Int128)1 << 100] },
        { DataType.String, [null, "", "\0", "\0a", "a", "a\0", "a\0b", "ab", "b", "é", "🚀"] },
        { DataType.Bytes, [null, new byte[0], new byte[] { 0 }, new byte[] { 0, 0 }, new byte[] { 0, 1 }, new byte[] { 1 }, new byte[] { 255 }, new byte[] { 255, 0 }] },
    };

    [Theory]
    [MemberData(nameof(Ascending))]
    public void Keys_are_in_the_order_of_the_values(DataType type, object?[] values)
    {
        using var column = Column.Create(type, MemoryAccount.Unlimited());
        foreach (var value in values) ParquetSamples.Append(column, value);

        Assert.Equal(Enumerable.Range(0, values.Length), Order(column, isDescending: false, nullsFirst: true));
        Assert.Equal(Enumerable.Range(1, values.Length - 1).Append(0), Order(column, isDescending: false, nullsFirst: false));
        Assert.Equal(Enumerable.Range(1, values.Length - 1).Reverse().Append(0), Order(column, isDescending: true, nullsFirst: false));
        Assert.Equal(Enumerable.Range(1, values.Length - 1).Reverse().Prepend(0), Order(column, isDescending: true, nullsFirst: true));
    }

    [Fact]
    public void Rows_are_compared_by_what_the_transform_makes_of_the_column()
    {
        using var column = new FixedColumn<long>(new DataType.Timestamp(6), MemoryAccount.Unlimited());
        foreach (var value in new[] { 86_400_000_000, 5, -1, 7, 86_400_000_001 }) column.Append(value);
        using var keys = Keys(column, new SortField(1, new Transform.Day(), IsDescending: false, NullsFirst: true));

        Assert.True(keys[2].SequenceCompareTo(keys[1]) < 0);
        Assert.True(keys[1].SequenceEqual(keys[3]));
        Assert.True(keys[3].SequenceCompareTo(keys[0]) < 0);
        Assert.True(keys[0].SequenceEqual(keys[4]));
    }

    [Fact]
    public void A_row_type_without_the_column_needs_no_order()
    {
        var schema = Schema.FromRow(new RowType([new Field("a", new DataType.Int()), new Field("b", new DataType.Int())]));
        var order = new SortOrder(1, [new SortField(2, new Transform.Identity(), false, true)], []);

        Assert.Null(SortKeyEncoder.Create(schema, order, new RowType([new Field("a", new DataType.Int())])));
        Assert.Null(SortKeyEncoder.Create(schema, SortOrder.Unsorted, new RowType([new Field("a", new DataType.Int())])));
    }

    private static IEnumerable<int> Order(Column column, bool isDescending, bool nullsFirst)
    {
        using var keys = Keys(column, new SortField(1, new Transform.Identity(), isDescending, nullsFirst));
        var bytes = Enumerable.Range(0, column.Count).Select(row => keys[row].ToArray()).ToArray();
        return [.. Enumerable.Range(0, column.Count).Order(Comparer<int>.Create((left, right) => bytes[left].AsSpan().SequenceCompareTo(bytes[right])))];
    }

    private static BytesColumn Keys(Column column, SortField field)
    {
        var row = new RowType([new Field("c", column.Type)]);
        var keys = new BytesColumn(DataType.Bytes, MemoryAccount.Unlimited());
        SortKeyEncoder.Create(Schema.FromRow(row), new SortOrder(1, [field], []), row)!.Encode(new ColumnBatch(row, [column], column.Count), keys);
        return keys;
    }
}
