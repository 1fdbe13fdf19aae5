using System.Text;
using Matih.Batches;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;

namespace Matih.Engine.Tests.Iceberg;

public sealed class PartitionRouterTests
{
    private static readonly RowType Row = new([new Field("id", new DataType.BigInt()), new Field("at", new DataType.Timestamp(3)), new Field("s", DataType.String)]);
    private static readonly Schema Table = Schema.FromRow(Row);

    [Fact]
    public void Rows_of_one_day_are_handed_on_whole()
    {
        var router = Router(("at", new Transform.Day(), "date"));

        var routed = Route(router, Batch((1, 0, "a"), (2, 5, "b"), (3, 86_399_999_999, "c")));

        Assert.Equal([0, 1, 2], Assert.Single(routed).Rows);
        Assert.Equal("date=1970-01-01", routed[0].Key.Path);
    }

    [Fact]
    public void Rows_go_to_the_partition_they_belong_to_in_their_order()
    {
        var router = Router(("at", new Transform.Day(), "date"));

        var routed = Route(router, Batch((1, -1, "a"), (2, 0, "b"), (3, null, "c"), (4, -2, "d"), (5, 86_400_000_000, "e")));

        Assert.Equal(["date=1969-12-31: 0,3", "date=1970-01-01: 1", "date=null: 2", "date=1970-01-02: 4"], Print(routed));
    }

    [Theory]
    [InlineData("hour", "1969-12-31-23,1970-01-01-00,1970-01-01-00,1970-01-01-01")]
    [InlineData("day", "1969-12-31,1970-01-01,1970-01-01,1970-01-01")]
    [InlineData("month", "1969-12,1970-01,1970-01,1970-01")]
    [InlineData("year", "1969,1970,1970,1970")]
    [InlineData("identity", "1969-12-31T23:59:59.999999999,1970-01-01T00:00:00,1970-01-01T00:00:00.000000001,1970-01-01T01:00:00")]
    public void Nanoseconds_go_to_the_partition_of_their_time(string transform, string expected)
    {
        var rows = new RowType([new Field("at", new DataType.Timestamp(9))]);
        var table = Schema.FromRow(rows);
        var router = new PartitionRouter(table, PartitionSpec.Create(table, [("at", Transform.Parse(transform), "p")]), rows);
        var column = (FixedColumn<long>)Column.Create(rows[0].Type, MemoryAccount.Unlimited());
        long[] moments = [-1, 0, 1, 3_600_000_000_000];

        var found = moments.Select(moment =>
        {
            column.Clear();
            column.Append(moment);
            return Uri.UnescapeDataString(Route(router, new ColumnBatch(rows, [column], 1))[0].Key.Path["p=".Length..]);
        });

        Assert.Equal(expected, string.Join(',', found));
    }

    // The examples of the table spec, Appendix B, with 2^31 - 1 buckets.
    [Theory]
    [InlineData(1_510_871_468_000_000_000, -2_047_944_441)]
    [InlineData(1_510_871_468_000_001_001, -1_207_196_810)]
    public void Nanoseconds_are_hashed_as_their_microsecond(long nanos, int hash)
    {
        var rows = new RowType([new Field("at", new DataType.TimestampLtz(9))]);
        var table = Schema.FromRow(rows);
        var router = new PartitionRouter(table, PartitionSpec.Create(table, [("at", new Transform.Bucket(int.MaxValue), "p")]), rows);
        var column = (FixedColumn<long>)Column.Create(rows[0].Type, MemoryAccount.Unlimited());
        column.Append(nanos);

        Assert.Equal($"p={(hash & int.MaxValue) % int.MaxValue}", Route(router, new ColumnBatch(rows, [column], 1))[0].Key.Path);
    }

    [Fact]
    public void A_partition_is_the_same_object_batch_after_batch()
    {
        var router = Router(("at", new Transform.Day(), "date"), ("s", new Transform.Identity(), null));

        var first = Route(router, Batch((1, 0, "a"), (1, 0, "b")))[0].Key;
        var second = Route(router, Batch((1, 7, "b"), (1, 7, "a")))[1].Key;

        Assert.Same(first, second);
    }

    [Fact]
    public void Several_fields_part_the_rows_by_their_combination()
    {
        var router = Router(("at", new Transform.Day(), "date"), ("s", new Transform.Truncate(1), null), ("id", new Transform.Truncate(10), null));

        var routed = Route(router, Batch((1, 0, "ab"), (2, 0, "ac"), (-1, 0, "ax"), (1, 86_400_000_000, "ab"), (3, 0, "b"), (null, null, null)));

        Assert.Equal(
            [
                "date=1970-01-01/s_trunc=a/id_trunc=0: 0,1", "date=1970-01-01/s_trunc=a/id_trunc=-10: 2", "date=1970-01-02/s_trunc=a/id_trunc=0: 3",
                "date=1970-01-01/s_trunc=b/id_trunc=0: 4", "date=null/s_trunc=null/id_trunc=null: 5",
            ],
            Print(routed));
    }

    [Fact]
    public void An_unpartitioned_table_takes_batches_whole_and_an_empty_batch_goes_nowhere()
    {
        var router = new PartitionRouter(Table, PartitionSpec.Unpartitioned, Row);

        Assert.Equal("", Route(router, Batch((1, 0, "a"), (2, null, null)))[0].Key.Path);
        Assert.Empty(Route(router, Batch()));
        Assert.Empty(Route(Router(("at", new Transform.Day(), "date")), Batch()));
    }

    [Fact]
    public void A_column_that_the_rows_do_not_have_is_null()
    {
        var router = new PartitionRouter(Table, PartitionSpec.Create(Table, [("s", new Transform.Identity(), null)]), new RowType([Row[0]]));
        var column = Column.Create(Row[0].Type, MemoryAccount.Unlimited());
        column.AppendNull();

        Assert.Equal("s=null", Route(router, new ColumnBatch(new RowType([Row[0]]), [column], 1))[0].Key.Path);
    }

    [Fact]
    public void A_transform_that_is_not_known_is_refused()
    {
        var spec = new PartitionSpec(0, [new(1, 1000, "z", new Transform.Unknown("zorder"))]);

        Assert.Throws<UnsupportedTableException>(() => new PartitionRouter(Table, spec, Row));
    }

    [Fact]
    public void More_partitions_than_are_remembered_are_still_told_apart()
    {
        var router = Router(("id", new Transform.Identity(), null));

        for (var start = 0L; start < 200_000; start += 20_000)
        {
            var routed = Route(router, Batch([.. Enumerable.Range(0, 20_000).Select(i => ((long?)(start + i), (long?)0L, (string?)"a"))]));
            Assert.Equal(20_000, routed.Count);
            Assert.Equal($"id={start + 7}", routed[7].Key.Path);
        }
    }

    [Fact]
    public void Random_rows_land_where_one_row_at_a_time_would_put_them()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        (string, Transform)[] choices =
        [
            ("at", new Transform.Year()), ("at", new Transform.Month()), ("at", new Transform.Day()), ("at", new Transform.Hour()), ("at", new Transform.Bucket(3)),
            ("at", new Transform.Identity()), ("id", new Transform.Truncate(7)), ("id", new Transform.Bucket(5)), ("s", new Transform.Truncate(2)), ("s", new Transform.Bucket(4)), ("s", new Transform.Identity()),
        ];
        for (var round = 0; round < 200; round++)
        {
            var fields = choices.OrderBy(_ => random.Next()).Take(random.Next(1, 4)).ToArray();
            var router = Router([.. fields.Select((field, i) => (field.Item1, field.Item2, (string?)$"f{i}"))]);
            for (var batch = 0; batch < 3; batch++)
            {
                var rows = new (long? Id, long? At, string? S)[random.Next(0, 60)];
                for (var i = 0; i < rows.Length; i++)
                {
                    rows[i] = (
                        random.Next(5) == 0 ? null : random.Next(3) == 0 ? random.NextInt64(long.MinValue, long.MaxValue) : random.Next(-20, 20),
                        random.Next(5) == 0 ? null : random.Next(3) == 0 ? random.NextInt64(-60_000_000_000_000_000, 200_000_000_000_000_000) : random.Next(-3, 3) * 86_400_000_000L + random.Next(-2, 2),
                        random.Next(5) == 0 ? null : ((string[])["", "a", "äb", "äbc", "🚀x", "東京都"])[random.Next(6)]);
                }

                var actual = new string[rows.Length];
                foreach (var (key, places) in Route(router, Batch(rows)))
                    foreach (var place in places) actual[place] = key.Path;

                var expected = rows.Select(row => string.Join('/', fields.Select((field, i) => $"f{i}={One(field.Item1, field.Item2, row)}")));
                Assert.True(expected.SequenceEqual(actual), $"seed {seed}, round {round}: {string.Join(", ", fields)}");
            }
        }
    }

    /// <summary>One value at a time, with the runtime's own calendar where it reaches.</summary>
    private static string One(string column, Transform transform, (long? Id, long? At, string? S) row)
    {
        if (column == "s")
        {
            if (row.S is null) return "null";
            var text = transform switch
            {
                Transform.Truncate(var width) => string.Concat(row.S.EnumerateRunes().Take(width).Select(rune => rune.ToString())),
                Transform.Bucket(var count) => ((Murmur3.Hash32(Encoding.UTF8.GetBytes(row.S)) & int.MaxValue) % count).ToString(),
                _ => row.S,
            };
            return PartitionText.Escape(text);
        }
        if ((column == "id" ? row.Id : row.At) is not { } value) return "null";
        var time = column == "at" ? DateTime.UnixEpoch.AddTicks(value * 10) : default;
        return transform switch
        {
            Transform.Year => $"{time:yyyy}",
            Transform.Month => $"{time:yyyy-MM}",
            Transform.Day => $"{time:yyyy-MM-dd}",
            Transform.Hour => $"{time:yyyy-MM-dd-HH}",
            Transform.Bucket(var count) => ((Murmur3.Hash32(BitConverter.GetBytes(value)) & int.MaxValue) % count).ToString(),
            Transform.Truncate(var width) => unchecked(value - ((value % width) + width) % width).ToString(),
            _ => PartitionText.Escape(time.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF")),
        };
    }

    private static PartitionRouter Router(params (string, Transform, string?)[] fields) => new(Table, PartitionSpec.Create(Table, fields), Row);

    private static string[] Print(List<(PartitionKey Key, List<int> Rows)> routed) => [.. routed.Select(group => $"{group.Key.Path}: {string.Join(',', group.Rows)}")];

    /// <summary>The partitions of the batch's rows, in the order of their first row.</summary>
    private static List<(PartitionKey Key, List<int> Rows)> Route(PartitionRouter router, ColumnBatch batch)
    {
        var routed = router.Route(batch);
        var places = new Dictionary<int, int>();
        var groups = new List<(PartitionKey Key, List<int> Rows)>();
        for (var row = 0; row < batch.Count; row++)
        {
            var group = routed.Groups[row];
            Assert.InRange(group, 0, routed.GroupCount - 1);
            if (places.TryAdd(group, groups.Count)) groups.Add((router.KeyOf(group), []));
            groups[places[group]].Rows.Add(row);
        }
        return groups;
    }

    private static ColumnBatch Batch(params (long? Id, long? At, string? S)[] rows)
    {
        var id = new FixedColumn<long>(Row[0].Type, MemoryAccount.Unlimited());
        var at = new FixedColumn<long>(Row[1].Type, MemoryAccount.Unlimited());
        var s = new BytesColumn(Row[2].Type, MemoryAccount.Unlimited());
        foreach (var row in rows)
        {
            if (row.Id is { } number) id.Append(number);
            else id.AppendNull();
            if (row.At is { } time) at.Append(time);
            else at.AppendNull();
            if (row.S is { } text) s.Append(Encoding.UTF8.GetBytes(text));
            else s.AppendNull();
        }
        return new ColumnBatch(Row, [id, at, s], rows.Length);
    }
}
