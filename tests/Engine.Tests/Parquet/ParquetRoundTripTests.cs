using Matih.Batches;
using Matih.Parquet;
using static Matih.Engine.Tests.Parquet.ParquetSamples;

namespace Matih.Engine.Tests.Parquet;

public sealed class ParquetRoundTripTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Random_batches_come_back_as_they_were_written(int seed)
    {
        var random = new Random(seed);
        var settings = RandomSettings(random);
        var columns = Columns([.. AllTypes]);
        var batches = Enumerable.Range(0, random.Next(1, 5)).Select(_ => RandomBatch(random)).ToArray();

        var (file, summary) = Write(columns, settings, batches);

        var reader = new ParquetFileReader(file);
        Assert.Equal(columns, reader.Metadata.Columns);
        Assert.Equal(batches.Sum(batch => batch.Count), reader.Metadata.RowCount);
        Assert.Equal(summary.SplitOffsets, reader.Metadata.RowGroups.Select(group => group.Chunks[0].Offset));
        for (var i = 0; i < columns.Length; i++)
        {
            var isMillis = columns[i].Type is ParquetType.Time;
            var expected = batches.SelectMany(batch => Values(batch[i], isMillis)).ToArray();
            var found = ReadValues(file, i);
            Assert.True(expected.SequenceEqual(found), $"seed {seed}, {columns[i].Type}: {FirstDifference(expected, found)}");
            Assert.Equal(expected.Count(value => value is null), summary.Columns[i].NullCount);
            Assert.Equal(reader.Metadata.RowGroups.Sum(group => group.Chunks[i].CompressedBytes), summary.Columns[i].CompressedBytes);
        }
    }

    private static string FirstDifference(string?[] expected, string?[] found)
    {
        for (var i = 0; i < Math.Min(expected.Length, found.Length); i++)
            if (expected[i] != found[i]) return $"row {i}: expected {expected[i] ?? "NULL"}, found {found[i] ?? "NULL"}";
        return $"{expected.Length} rows expected, {found.Length} found";
    }

    private static ParquetWriterSettings RandomSettings(Random random) => new()
    {
        Compression = (ParquetCompression)random.Next(3),
        PageBytes = random.Next(2) == 0 ? random.Next(1, 5000) : 1 << 20,
        PageRowCountMax = random.Next(2) == 0 ? random.Next(1, 500) : 20_000,
        RowGroupBytes = random.Next(2) == 0 ? random.Next(1, 100_000) : 128 << 20,
        DictionaryBytesMax = random.Next(3) switch { 0 => 0, 1 => random.Next(1, 5000), _ => 2 << 20 },
        AllowDeltaEncodings = random.Next(2) == 0,
    };

    private static ColumnBatch RandomBatch(Random random)
    {
        var rows = random.Next(4) switch { 0 => 0, 1 => 1, 2 => random.Next(1, 50), _ => random.Next(1, 3000) };
        return Batch([.. AllTypes.Select(type => RandomColumn(type, rows, NullShare(random), random.Next(2) == 0 ? random.Next(1, 20) : int.MaxValue, random))]);
    }

    private static double NullShare(Random random) => random.Next(4) switch { 0 => 0, 1 => 1, 2 => 0.01, _ => random.NextDouble() };

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Chosen_rows_come_back_in_the_order_chosen(int seed)
    {
        var random = new Random(seed);
        var batch = RandomBatch(random);
        var rows = Enumerable.Range(0, batch.Count == 0 ? 0 : random.Next(batch.Count * 2)).Select(_ => random.Next(batch.Count)).ToArray();
        var columns = Columns([.. AllTypes]);
        using var writer = new ParquetFileWriter(columns, RandomSettings(random), MemoryAccount.Unlimited());

        writer.Append(batch, Enumerable.Range(0, columns.Length).ToArray(), rows);
        var (file, _) = Finish(writer);

        for (var i = 0; i < columns.Length; i++)
        {
            var values = Values(batch[i], columns[i].Type is ParquetType.Time);
            Assert.True(rows.Select(row => values[row]).SequenceEqual(ReadValues(file, i)), $"seed {seed}, {columns[i].Type}");
        }
    }

    [Fact]
    public void A_file_without_rows_is_valid()
    {
        var (file, summary) = Write(Columns([.. AllTypes]), ParquetWriterSettings.Default);

        Assert.Equal(0, new ParquetFileReader(file).Metadata.RowCount);
        Assert.Empty(summary.SplitOffsets);
        Assert.All(summary.Columns, column => Assert.True(column is { LowerBound: null, UpperBound: null, ValueCount: 0, CompressedBytes: 0 }));
    }

    [Fact]
    public void A_dictionary_that_grows_too_large_leaves_the_rest_plain()
    {
        var random = new Random(1);
        var first = RandomColumn(new ParquetType.String(), 20_000, 0.1, 100, random);
        var second = RandomColumn(new ParquetType.String(), 50_000, 0.1, int.MaxValue, random);
        var settings = new ParquetWriterSettings { DictionaryBytesMax = 100_000 };

        var (file, _) = Write(Columns(new ParquetType.String()), settings, Batch(first), Batch(second));

        const int Plain = 0, RleDictionary = 8;
        var chunk = new ParquetFileReader(file).Metadata.RowGroups.Single().Chunks[0];
        Assert.Contains(Plain, chunk.Encodings);
        Assert.Contains(RleDictionary, chunk.Encodings);
        Assert.Equal(Values(first).Concat(Values(second)), ReadValues(file, 0));
    }

    [Fact]
    public void Unique_values_get_no_dictionary_and_few_values_get_one()
    {
        var random = new Random(2);
        var unique = new BytesColumn(DataType.Bytes, MemoryAccount.Unlimited());
        for (var i = 0; i < 60_000; i++) unique.Append(new Guid(i, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10).ToByteArray());
        var few = RandomColumn(new ParquetType.String(), 60_000, 0, 10, random);
        // Drawn from fifty thousand: few repeats in the first page, many in the whole chunk.
        var many = RandomColumn(new ParquetType.Double(), 60_000, 0, 50_000, random);

        var (file, _) = Write(Columns(new ParquetType.Uuid(), new ParquetType.String(), new ParquetType.Double()), ParquetWriterSettings.Default, Batch(unique, few, many));

        const int RleDictionary = 8;
        var chunks = new ParquetFileReader(file).Metadata.RowGroups.Single().Chunks;
        Assert.DoesNotContain(RleDictionary, chunks[0].Encodings);
        Assert.Contains(RleDictionary, chunks[1].Encodings);
        Assert.Contains(RleDictionary, chunks[2].Encodings);
    }

    [Fact]
    public void Row_groups_are_cut_at_their_size_and_split_offsets_name_them()
    {
        var random = new Random(3);
        var batches = Enumerable.Range(0, 10).Select(_ => Batch(RandomColumn(new ParquetType.Uuid(), 1000, 0, int.MaxValue, random))).ToArray();

        var (file, summary) = Write(Columns(new ParquetType.Uuid()), new ParquetWriterSettings { RowGroupBytes = 20_000 }, batches);

        Assert.Equal(5, summary.SplitOffsets.Length);
        Assert.Equal(4, summary.SplitOffsets[0]);
        Assert.Equal(batches.SelectMany(batch => Values(batch[0])), ReadValues(file, 0));
    }

    [Fact]
    public void Strings_of_megabytes_come_back()
    {
        using var column = new BytesColumn(DataType.String, MemoryAccount.Unlimited());
        for (var i = 0; i < 6; i++) column.Append(System.Text.Encoding.UTF8.GetBytes(new string((char)('a' + i), 1_500_000 + i)));
        column.AppendNull();

        var (file, summary) = Write(Columns(new ParquetType.String()), ParquetWriterSettings.Default, Batch(column));

        Assert.Equal(Values(column), ReadValues(file, 0));
        Assert.Equal(ParquetColumnSummary.BoundBytesMax - 1, summary.Columns[0].LowerBound!.Length);
        Assert.Null(summary.Columns[0].UpperBound);
    }

    [Fact]
    public void Five_hundred_columns_come_back()
    {
        var random = new Random(4);
        var types = Enumerable.Range(0, 500).Select(i => AllTypes[i % AllTypes.Length]).ToArray();
        var batch = Batch([.. types.Select(type => RandomColumn(type, 100, 0.2, 30, random))]);

        var (file, _) = Write(Columns(types), ParquetWriterSettings.Default, batch);

        for (var i = 0; i < types.Length; i++) Assert.Equal(Values(batch[i], types[i] is ParquetType.Time), ReadValues(file, i));
    }

    [Fact]
    public void Values_that_collide_in_the_hash_table_end_the_dictionary_and_come_back()
    {
        // All hash to the same slot, which is what an attacker's values would do.
        using var column = new FixedColumn<long>(new DataType.BigInt(), MemoryAccount.Unlimited());
        var found = 0;
        for (long value = 0; found < 600; value++)
        {
            if ((Matih.Parquet.Writing.LongOps.Hash(value) & 0xFFF) != 0) continue;
            found++;
            for (var i = 0; i < 20; i++) column.Append(value);
        }

        var (file, _) = Write(Columns(new ParquetType.Long()), new ParquetWriterSettings { PageRowCountMax = 1000 }, Batch(column));

        Assert.Equal(Values(column), ReadValues(file, 0));
        Assert.Contains(0, new ParquetFileReader(file).Metadata.RowGroups.Single().Chunks[0].Encodings);
    }

    [Fact]
    public void Narrow_lanes_widen_to_the_columns_of_the_file()
    {
        using var ints = new FixedColumn<int>(new DataType.SmallInt(), MemoryAccount.Unlimited());
        using var floats = new FixedColumn<float>(new DataType.Float(), MemoryAccount.Unlimited());
        using var decimals = new FixedColumn<Int128>(new DataType.Decimal(5, 2), MemoryAccount.Unlimited());
        ints.Append(-7);
        floats.Append(1.5f);
        decimals.Append(-12345);

        var (file, _) = Write(
            Columns(new ParquetType.Long(), new ParquetType.Double(), new ParquetType.Decimal(30, 2)), ParquetWriterSettings.Default, Batch(ints, floats, decimals));

        Assert.Equal(new string?[] { "-7" }, ReadValues(file, 0));
        Assert.Equal(new string?[] { BitConverter.DoubleToInt64Bits(1.5).ToString("x") }, ReadValues(file, 1));
        Assert.Equal(new string?[] { "-12345" }, ReadValues(file, 2));
    }
}
