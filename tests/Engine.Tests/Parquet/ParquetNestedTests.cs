using System.Collections.Immutable;
using Matih.Batches;
using Matih.Engine.Tests.Batches;
using Matih.Engine.Tests.Sql;
using Matih.Parquet;

namespace Matih.Engine.Tests.Parquet;

public class ParquetNestedTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 60)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Random_nested_values_come_back_as_they_were_written(int seed)
    {
        var random = new Random(seed);
        var types = Enumerable.Range(0, random.Next(1, 4)).Select(_ => NestedValues.RandomType(random, 4, isWide: true)).ToImmutableArray();
        var settings = ParquetWriterSettings.Default with
        {
            PageBytes = random.Next(2) == 0 ? 1 << 20 : 100, PageRowCountMax = random.Next(2) == 0 ? 20_000 : random.Next(1, 50),
            DictionaryBytesMax = random.Next(3) == 0 ? 0 : random.Next(2) == 0 ? 200 : 1 << 20,
        };
        var rowType = new RowType([.. types.Select((type, i) => new Field($"c{i}", type))]);
        var expected = types.Select(_ => new List<string>()).ToArray();
        using var writer = new ParquetFileWriter(Columns(rowType), settings, MemoryAccount.Unlimited());
        for (var batch = random.Next(1, 4); batch > 0; batch--)
        {
            var count = random.Next(1, 400);
            var columns = types.Select(type => Column.Create(type, MemoryAccount.Unlimited())).ToArray();
            for (var i = 0; i < columns.Length; i++)
            {
                for (var row = 0; row < count; row++) NestedValues.Append(columns[i], NestedValues.RandomValue(types[i], random));
            }
            var rows = random.Next(2) == 0 ? Enumerable.Range(0, count).ToArray() : [.. Enumerable.Range(0, count).Where(_ => random.Next(2) == 0).Reverse()];
            writer.Append(new ColumnBatch(rowType, columns, count), [.. Enumerable.Range(0, columns.Length)], rows);
            for (var i = 0; i < columns.Length; i++) expected[i].AddRange(rows.Select(row => NestedValues.Rows(columns[i])[row]));
            if (random.Next(2) == 0) writer.FlushRowGroup();
        }
        var file = Finish(writer, out var summary);

        var reader = new ParquetFileReader(file);

        Assert.Equal(Columns(rowType), reader.Metadata.Columns);
        for (var i = 0; i < types.Length; i++)
        {
            using var column = reader.ReadColumn(i, MemoryAccount.Unlimited());
            Assert.Equal(expected[i], NestedValues.Rows(column));
        }
        Assert.Equal(reader.Metadata.Leaves.Select(leaf => leaf.Column.FieldId), summary.Columns.Select(column => column.FieldId));
        Assert.All(reader.Metadata.Leaves.Zip(summary.Columns), pair => Assert.True(pair.First.RepetitionMax == 0 || pair.Second.LowerBound is null));
    }

    /// <summary>The file's columns for a batch's, with ids from 1, a group's before those in it.</summary>
    internal static ImmutableArray<ParquetColumn> Columns(RowType rows)
    {
        var last = 0;
        return [.. rows.Fields.Select(field => ColumnOf(field.Name, field.Type))];

        ParquetColumn ColumnOf(string name, DataType type)
        {
            var id = ++last;
            ParquetType stored = type switch
            {
                DataType.Int => new ParquetType.Int(),
                DataType.BigInt => new ParquetType.Long(),
                DataType.Double => new ParquetType.Double(),
                DataType.Varchar => new ParquetType.String(),
                DataType.Decimal(var precision, var scale) => new ParquetType.Decimal(precision, scale),
                DataType.Date => new ParquetType.Date(),
                DataType.Binary(16) => new ParquetType.Uuid(),
                DataType.Binary(var length) => new ParquetType.Fixed(length),
                DataType.Array array => new ParquetType.List(ColumnOf("element", array.Element)),
                DataType.Map map => new ParquetType.Map(ColumnOf("key", map.Key.NotNull()), ColumnOf("value", map.Value)),
                DataType.Row row => new ParquetType.Struct([.. row.Type.Fields.Select(field => ColumnOf(field.Name, field.Type))]),
                _ => throw new ArgumentException(type.Name),
            };
            return new ParquetColumn(id, name, stored, !type.IsNullable);
        }
    }

    private static byte[] Finish(ParquetFileWriter writer, out ParquetFileSummary summary)
    {
        (var file, summary) = ParquetSamples.Finish(writer);
        return file;
    }

    private static byte[] Write(RowType rows, ImmutableArray<ParquetColumn> columns, params object?[][] values)
    {
        var batch = rows.Fields.Select(field => Column.Create(field.Type, MemoryAccount.Unlimited())).ToArray();
        foreach (var row in values)
            for (var i = 0; i < batch.Length; i++) NestedValues.Append(batch[i], row[i]);
        using var writer = new ParquetFileWriter(columns, ParquetWriterSettings.Default, MemoryAccount.Unlimited());
        writer.Append(new ColumnBatch(rows, batch, values.Length), [.. Enumerable.Range(0, batch.Length)], [.. Enumerable.Range(0, values.Length)]);
        return Finish(writer, out _);
    }

    [Fact]
    public void Fields_of_a_row_are_matched_by_name_and_those_it_lacks_are_NULL()
    {
        var batch = new RowType([new Field("r", Row(("b", DataType.String), ("a", new DataType.Int())))]);
        var stored = Columns(new RowType([new Field("r", Row(("a", new DataType.Int()), ("new", new DataType.Array(new DataType.Int())), ("b", DataType.String)))]));

        using var column = new ParquetFileReader(Write(batch, stored, [new object?[] { "x", 1 }], [null])).ReadColumn(0, MemoryAccount.Unlimited());

        Assert.Equal(["[1, null, x]", "null"], NestedValues.Rows(column));
    }

    [Fact]
    public void A_NULL_in_a_required_nested_field_is_refused_with_its_path()
    {
        var batch = new RowType([new Field("lines", new DataType.Array(Row(("sku", DataType.String))))]);
        var stored = Columns(new RowType([new Field("lines", new DataType.Array(Row(("sku", DataType.String.NotNull()))))]));

        var error = Assert.Throws<InvalidOperationException>(() => Write(batch, stored, [Array.Empty<object?>()], [new object?[] { new object?[] { "a" }, null, new object?[] { null } }]));

        Assert.StartsWith("Column 'lines.element.sku' (string): row 1 of the batch, row 1 of the file: NULL in a required column", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_that_cannot_be_written_is_refused_with_the_row_that_it_is_in()
    {
        var batch = new RowType([new Field("lines", new DataType.Array(Row(("price", new DataType.Decimal(10, 2)))))]);
        using var writer = new ParquetFileWriter(Columns(new RowType([new Field("lines", new DataType.Array(Row(("price", new DataType.Decimal(4, 2)))))])), ParquetWriterSettings.Default, MemoryAccount.Unlimited());
        var column = Column.Create(batch[0].Type, MemoryAccount.Unlimited());
        foreach (var prices in (Int128[][])[[1, 2, 3], [], [4, 10_000], [5], [6, 20_000]]) NestedValues.Append(column, prices.Select(price => (object?)new object?[] { price }).ToArray());
        NestedValues.Append(column, null);
        var rows = new ColumnBatch(batch, [column], 6);

        writer.Append(rows, [0], [0, 1, 3, 5]);
        var error = Assert.Throws<InvalidOperationException>(() => writer.Append(rows, [0], [5, 3, 4]));

        Assert.Equal("Column 'lines.element.price' (decimal(4, 2)): row 4 of the batch, row 6 of the file: an unscaled value of more than 4 digits.", error.Message);
        Assert.Equal(4, writer.RowCount);
    }

    [Fact]
    public void Fields_named_as_the_groups_of_lists_and_maps_are_stay_in_the_path()
    {
        var inner = Row(("element", Row(("key_value", new DataType.Int().NotNull()))));
        var rows = new RowType([new Field("list", Row(("list", new DataType.Array(Row(("list", new DataType.Map(DataType.String, inner))))))), new Field("key_value", new DataType.Int())]);

        using var writer = new ParquetFileWriter(Columns(rows), ParquetWriterSettings.Default, MemoryAccount.Unlimited());

        Assert.Equal(["list.list.element.list.key", "list.list.element.list.value.element.key_value", "key_value"], ParquetLeaf.Of(Columns(rows)).Select(leaf => leaf.Name));
        Assert.Equal("list.list.list.element.list.key_value.value.element.key_value", string.Join('.', ParquetLeaf.Of(Columns(rows))[1].Path));
        Assert.Equal(ParquetLeaf.Of(Columns(rows)).Select(leaf => leaf.Name), new ParquetFileReader(Finish(writer, out _)).Metadata.Leaves.Select(leaf => leaf.Name));
    }

    public static TheoryData<string> Groups => ["list", "map", "row"];

    [Theory]
    [MemberData(nameof(Groups))]
    public void The_deepest_columns_are_written_and_read_and_deeper_ones_refused(string group)
    {
        var deepest = Deep(group, group == "map" ? ParquetLeaf.DepthMax / 2 : ParquetLeaf.DepthMax);
        object? value = 7;
        for (var i = group == "map" ? ParquetLeaf.DepthMax / 2 : ParquetLeaf.DepthMax; i > 0; i--) value = group == "map" ? new object?[] { new[] { "k", value } } : new[] { value };
        var rows = new RowType([new Field("v", deepest)]);

        using var column = new ParquetFileReader(Write(rows, Columns(rows), [value], [null])).ReadColumn(0, MemoryAccount.Unlimited());

        Assert.Equal([NestedValues.Text(value), "null"], NestedValues.Rows(column));
        var deeper = new RowType([new Field("v", Deep(group, ParquetLeaf.DepthMax + 1))]);
        var error = Assert.Throws<ArgumentException>(() => Write(deeper, Columns(deeper), [null], [null]));
        Assert.StartsWith("The Parquet column 'v' is nested more than 100 groups deep, a map being two of them.", error.Message, StringComparison.Ordinal);
    }

    private static DataType Deep(string group, int depth)
    {
        DataType type = new DataType.Int();
        for (; depth > 0; depth--) type = group switch { "list" => new DataType.Array(type), "map" => new DataType.Map(DataType.String, type), _ => Row(("f", type)) };
        return type;
    }

    /// <summary>Files of Java's Parquet library (parquet-hadoop 1.17, ExampleParquetWriter), with schemas of writers before there were rules.</summary>
    public static TheoryData<string, string> OldFiles => CaseFile.Read("../Parquet/old-nested-files.cases");

    [Theory]
    [MemberData(nameof(OldFiles))]
    public void Lists_and_maps_of_old_writers_are_read(string schema, string expected)
    {
        var (rows, file) = (expected[..expected.IndexOf('⇶', StringComparison.Ordinal)].Trim(), expected[(expected.IndexOf('⇶', StringComparison.Ordinal) + 1)..].Trim());
        var reader = new ParquetFileReader(Convert.FromBase64String(file));

        var found = Enumerable.Range(0, reader.Metadata.Columns.Length).Select(i =>
        {
            using var column = reader.ReadColumn(i, MemoryAccount.Unlimited());
            return $"{reader.Metadata.Columns[i].Type.Name}: {string.Join(' ', NestedValues.Rows(column))}";
        });

        Assert.True(rows == string.Join("; ", found), $"{schema}\n{string.Join("; ", found)}");
    }

    [Fact]
    public void A_type_that_does_not_fit_is_refused_before_rows_are_taken()
    {
        var stored = Columns(new RowType([new Field("v", new DataType.Array(new DataType.Int()))]));

        Assert.Throws<ArgumentException>(() => Write(new RowType([new Field("v", new DataType.Array(DataType.String))]), stored, [new object?[] { null }]));
        Assert.Throws<ArgumentException>(() => Write(new RowType([new Field("v", new DataType.Int())]), stored, [1]));
        Assert.Throws<ArgumentException>(() => Write(new RowType([new Field("v", Row(("a", new DataType.Int())))]), stored, [new object?[] { null }]));
    }

    [Fact]
    public void A_list_longer_than_many_pages_stays_in_its_row()
    {
        var rows = new RowType([new Field("v", new DataType.Array(new DataType.Int()))]);
        var list = Enumerable.Range(0, 5000).Select(i => (object?)i).ToArray();
        using var writer = new ParquetFileWriter(Columns(rows), ParquetWriterSettings.Default with { PageRowCountMax = 100, PageBytes = 200 }, MemoryAccount.Unlimited());
        var column = Column.Create(rows[0].Type, MemoryAccount.Unlimited());
        foreach (var value in new object?[] { list, null, list }) NestedValues.Append(column, value);
        writer.Append(new ColumnBatch(rows, [column], 3), [0], [0, 1, 2]);

        using var read = new ParquetFileReader(Finish(writer, out var summary)).ReadColumn(0, MemoryAccount.Unlimited());

        Assert.Equal([NestedValues.Text(list), "null", NestedValues.Text(list)], NestedValues.Rows(read));
        Assert.Equal((10_001, 1), (summary.Columns[0].ValueCount, summary.Columns[0].NullCount));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Damage_is_told_and_never_endless(int seed)
    {
        var random = new Random(seed);
        var rows = new RowType([new Field("v", NestedValues.RandomRow(random, 3, isWide: true))]);
        var file = Write(rows, Columns(rows), [.. Enumerable.Range(0, 50).Select(_ => new[] { NestedValues.RandomValue(rows[0].Type, random) })]);
        for (var attempt = 0; attempt < 40; attempt++)
        {
            var damaged = (byte[])file.Clone();
            for (var n = random.Next(1, 4); n > 0; n--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                var reader = new ParquetFileReader(damaged);
                for (var i = 0; i < reader.Metadata.Columns.Length; i++)
                {
                    using var column = reader.ReadColumn(i, MemoryAccount.Unlimited());
                    Assert.Equal(reader.Metadata.RowCount, column.Count);
                    Assert.Equal(reader.Metadata.RowCount, NestedValues.Rows(column).Length);
                }
            }
            catch (Exception e) when (e is InvalidDataException or NotSupportedException)
            {
            }
        }
    }

    private static DataType.Row Row(params (string Name, DataType Type)[] fields) => new(new RowType([.. fields.Select(field => new Field(field.Name, field.Type))]));
}
