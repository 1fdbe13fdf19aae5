using System.Text;
using Matih.Batches;
using Matih.Parquet;
using static Matih.Engine.Tests.Parquet.ParquetSamples;

namespace Matih.Engine.Tests.Parquet;

public sealed class ParquetFileWriterTests
{
    [Fact]
    public void A_null_in_a_required_column_is_refused_before_any_column_takes_a_row()
    {
        using var good = new FixedColumn<int>(new DataType.Int(), MemoryAccount.Unlimited());
        using var bad = new FixedColumn<int>(new DataType.Int(), MemoryAccount.Unlimited());
        for (var i = 0; i < 3; i++) good.Append(i);
        bad.Append(1);
        bad.AppendNull();
        bad.Append(3);
        ParquetColumn[] columns = [new(1, "a", new ParquetType.Int(), true), new(2, "b", new ParquetType.Int(), true)];
        using var writer = new ParquetFileWriter(columns, ParquetWriterSettings.Default, MemoryAccount.Unlimited());
        writer.Append(Batch(good, good), [0, 1]);

        var failure = Assert.Throws<InvalidOperationException>(() => writer.Append(Batch(good, bad), [0, 1]));
        writer.Append(Batch(good, bad), [0, 1], [0, 2]);

        Assert.Equal(
            "Column 'b' (int): row 1 of the batch, row 4 of the file: NULL in a required column; filter such rows out or make the table's column optional.",
            failure.Message);
        Assert.Equal(new string?[] { "0", "1", "2", "1", "3" }, ReadValues(Finish(writer).File, 1));
    }

    [Fact]
    public void A_value_of_the_wrong_length_is_refused()
    {
        using var column = new BytesColumn(DataType.Bytes, MemoryAccount.Unlimited());
        column.Append(new byte[16]);
        column.Append(new byte[15]);
        using var writer = new ParquetFileWriter(Columns(new ParquetType.Uuid()), ParquetWriterSettings.Default, MemoryAccount.Unlimited());

        var failure = Assert.Throws<InvalidOperationException>(() => writer.Append(Batch(column), [0]));

        Assert.Equal("Column 'c0' (uuid): row 1 of the batch, row 1 of the file: a value of 15 bytes, expected exactly 16.", failure.Message);
    }

    [Fact]
    public void A_decimal_of_too_many_digits_is_refused()
    {
        using var column = new FixedColumn<Int128>(new DataType.Decimal(20, 2), MemoryAccount.Unlimited());
        column.Append(99999);
        column.Append(100000);
        using var writer = new ParquetFileWriter(Columns(new ParquetType.Decimal(5, 2)), ParquetWriterSettings.Default, MemoryAccount.Unlimited());

        var failure = Assert.Throws<InvalidOperationException>(() => writer.Append(Batch(column), [0]));

        Assert.Contains("row 1 of the batch", failure.Message, StringComparison.Ordinal);
        Assert.Contains("more than 5 digits", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_column_of_another_type_is_refused()
    {
        using var column = new BytesColumn(DataType.String, MemoryAccount.Unlimited());
        using var writer = new ParquetFileWriter(Columns(new ParquetType.Long()), ParquetWriterSettings.Default, MemoryAccount.Unlimited());

        var failure = Assert.Throws<ArgumentException>(() => writer.Append(Batch(column), [0]));

        Assert.Equal("Column 'c0' of the Parquet file is long; the batch's column is STRING. CAST it in the SQL, or change the table's column.", failure.Message);
    }

    [Fact]
    public void Columns_of_one_name_or_field_id_are_refused()
    {
        ParquetColumn[] names = [new(1, "a", new ParquetType.Int(), false), new(2, "a", new ParquetType.Int(), false)];
        ParquetColumn[] ids = [new(1, "a", new ParquetType.Int(), false), new(1, "b", new ParquetType.Int(), false)];

        Assert.Throws<ArgumentException>(() => new ParquetFileWriter(names, ParquetWriterSettings.Default, MemoryAccount.Unlimited()));
        Assert.Throws<ArgumentException>(() => new ParquetFileWriter(ids, ParquetWriterSettings.Default, MemoryAccount.Unlimited()));
        Assert.Throws<ArgumentException>(() => new ParquetFileWriter([], ParquetWriterSettings.Default, MemoryAccount.Unlimited()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void All_memory_is_given_back(bool isFinished)
    {
        var account = new MemoryAccount(1);
        var random = new Random(1);
        var batch = Batch([.. AllTypes.Select(type => RandomColumn(type, 30_000, 0.1, 20_000, random))]);
        var writer = new ParquetFileWriter(Columns([.. AllTypes]), ParquetWriterSettings.Default, account);

        writer.Append(batch, Enumerable.Range(0, AllTypes.Length).ToArray());
        Assert.True(account.UsedBytes > 0);
        Assert.True(account.UsedBytes >= writer.BufferedBytes);
        if (isFinished) Finish(writer);
        writer.Dispose();

        Assert.Equal(0, account.UsedBytes);
    }

    [Fact]
    public void Draining_frees_the_output_and_a_failed_write_comes_again()
    {
        var account = new MemoryAccount(1);
        using var writer = new ParquetFileWriter(Columns(new ParquetType.Uuid()), ParquetWriterSettings.Default, account);
        var column = RandomColumn(new ParquetType.Uuid(), 100_000, 0, int.MaxValue, new Random(1));
        writer.Append(Batch(column), [0]);
        writer.FlushRowGroup();
        var file = new MemoryStream();
        var calls = 0;

        var failed = writer.DrainAsync((bytes, _) => ++calls == 2 ? throw new IOException("full") : Write(bytes), CancellationToken.None);
        Assert.IsType<IOException>(failed.AsTask().Exception!.InnerException);
        Drain(writer, file);
        writer.Finish();
        Drain(writer, file);

        Assert.True(calls >= 2);
        Assert.Equal(Values(column), ReadValues(file.ToArray(), 0));
        Assert.True(account.UsedBytes < 4 << 20, $"{account.UsedBytes} bytes are still held.");

        ValueTask Write(ReadOnlyMemory<byte> bytes)
        {
            file.Write(bytes.Span);
            return ValueTask.CompletedTask;
        }
    }

    [Fact]
    public void The_same_rows_give_the_same_bytes_however_often()
    {
        byte[] Once()
        {
            var random = new Random(9);
            return Write(Columns([.. AllTypes]), ParquetWriterSettings.Default, Batch([.. AllTypes.Select(type => RandomColumn(type, 5000, 0.1, 1000, random))])).File;
        }

        Assert.Equal(Once(), Once());
    }

    [Fact]
    public void The_estimate_is_no_less_than_the_file_and_not_far_above()
    {
        var random = new Random(7);
        using var writer = new ParquetFileWriter(Columns(new ParquetType.Uuid(), new ParquetType.Long()), ParquetWriterSettings.Default, MemoryAccount.Unlimited());
        var batch = Batch(RandomColumn(new ParquetType.Uuid(), 50_000, 0, int.MaxValue, random), RandomColumn(new ParquetType.Long(), 50_000, 0, int.MaxValue, random));
        for (var i = 0; i < 5; i++) writer.Append(batch, [0, 1]);

        var estimate = writer.EstimatedFileBytes;

        Assert.InRange(Finish(writer).Summary.LengthBytes, estimate * 0.7, estimate * 1.02);
    }

    [Fact]
    public void A_finished_writer_takes_no_more_rows()
    {
        using var column = new FixedColumn<int>(new DataType.Int(), MemoryAccount.Unlimited());
        using var writer = new ParquetFileWriter(Columns(new ParquetType.Int()), ParquetWriterSettings.Default, MemoryAccount.Unlimited());
        writer.Finish();

        Assert.Throws<InvalidOperationException>(() => writer.Append(Batch(column), [0]));
    }

    [Fact]
    public void Key_values_are_in_the_footer()
    {
        var settings = new ParquetWriterSettings { KeyValues = [new("iceberg.schema", "{\"ü\":1}"), new("b", "")], CreatedBy = "someone" };

        var metadata = new ParquetFileReader(Write(Columns(new ParquetType.Int()), settings).File).Metadata;

        Assert.Equal(settings.KeyValues, metadata.KeyValues);
        Assert.Equal("someone", metadata.CreatedBy);
    }

    public static TheoryData<string, string, string?, string?> Bounds => new()
    {
        { "int", "5,-3,7", "FDFFFFFF", "07000000" },
        { "long", "5,-3,null", "FDFFFFFFFFFFFFFF", "0500000000000000" },
        { "long", "null,null", null, null },
        { "double", "NaN,1.5,-0", "0000000000000080", "000000000000F83F" },
        { "double", "0,-1", "000000000000F0BF", "0000000000000000" },
        { "double", "-0,-1", "000000000000F0BF", "0000000000000000" },
        { "double", "NaN,null", null, null },
        { "string", "b,ab,ü", "6162", "C3BC" },
        { "string", ",a", "", "61" },
        { "decimal(9, 2)", "-128,127", "80", "7F" },
        { "decimal(18, 2)", "-129,128", "FF7F", "0080" },
        { "decimal(38, 2)", "0,-1", "FF", "00" },
        { "decimal(38, 2)", "18446744073709551616", "010000000000000000", "010000000000000000" },
        { "boolean", "True,False", "00", "01" },
        { "boolean", "True", "01", "01" },
    };

    [Theory]
    [MemberData(nameof(Bounds))]
    public void Bounds_are_in_icebergs_single_value_form(string typeName, string values, string? lower, string? upper)
    {
        var type = AllTypes.Append(new ParquetType.Decimal(18, 2)).Append(new ParquetType.Decimal(38, 2)).First(candidate => candidate.Name == typeName);
        using var column = Column.Create(type.ReadAs, MemoryAccount.Unlimited());
        foreach (var value in values.Split(',')) Append(column, Parse(type, value));

        var (_, summary) = Write(Columns(type), ParquetWriterSettings.Default, Batch(column));

        Assert.Equal(lower, summary.Columns[0].LowerBound is { } min ? Convert.ToHexString(min) : null);
        Assert.Equal(upper, summary.Columns[0].UpperBound is { } max ? Convert.ToHexString(max) : null);
        Assert.Equal(type is ParquetType.Double ? values.Split(',').Count(value => value == "NaN") : null, summary.Columns[0].NanCount);
    }

    private static object? Parse(ParquetType type, string value) => (type, value) switch
    {
        (_, "null") => null,
        (ParquetType.Int, _) => int.Parse(value),
        (ParquetType.Long, _) => long.Parse(value),
        (ParquetType.Double, _) => double.Parse(value),
        (ParquetType.Boolean, _) => bool.Parse(value),
        (ParquetType.Decimal, _) => Int128.Parse(value),
        _ => value,
    };

    [Theory]
    [InlineData("0190000000000001-8000000000000005,0190000000000009-8000000000000001", "0190000000000001-8000000000000005", "019000000000000A-0000000000000000")]
    [InlineData("0190000000000001-7000000000000005,0190000000000009-7000000000000001", "0190000000000000-0000000000000000", "0190000000000009-7000000000000001")]
    [InlineData("0190000000000001-8000000000000005,F190000000000009-8000000000000001", null, null)]
    [InlineData("0000000000000000-7000000000000005,7FFFFFFFFFFFFFFF-8000000000000001", null, null)]
    [InlineData("null", null, null)]
    public void Bounds_of_uuids_hold_in_signed_and_in_unsigned_order(string values, string? lower, string? upper)
    {
        using var column = new BytesColumn(new DataType.Binary(16), MemoryAccount.Unlimited());
        foreach (var value in values.Split(',')) Append(column, value == "null" ? null : Convert.FromHexString(value.Replace("-", "", StringComparison.Ordinal)));

        var bounds = Write(Columns(new ParquetType.Uuid()), ParquetWriterSettings.Default, Batch(column)).Summary.Columns[0];

        Assert.Equal(lower?.Replace("-", "", StringComparison.Ordinal), bounds.LowerBound is { } min ? Convert.ToHexString(min) : null);
        Assert.Equal(upper?.Replace("-", "", StringComparison.Ordinal), bounds.UpperBound is { } max ? Convert.ToHexString(max) : null);
    }

    [Fact]
    public void Bounds_of_several_row_groups_are_those_of_the_file()
    {
        using var first = new BytesColumn(DataType.String, MemoryAccount.Unlimited());
        using var second = new BytesColumn(DataType.String, MemoryAccount.Unlimited());
        foreach (var value in new[] { "m", "z" }) first.Append(Encoding.UTF8.GetBytes(value));
        foreach (var value in new[] { "a", "q" }) second.Append(Encoding.UTF8.GetBytes(value));

        var (file, summary) = Write(Columns(new ParquetType.String()), new ParquetWriterSettings { RowGroupBytes = 1 }, Batch(first), Batch(second));

        Assert.Equal(2, summary.SplitOffsets.Length);
        Assert.Equal("a"u8.ToArray(), summary.Columns[0].LowerBound);
        Assert.Equal("z"u8.ToArray(), summary.Columns[0].UpperBound);
        Assert.Equal("m"u8.ToArray(), new ParquetFileReader(file).Metadata.RowGroups[0].Chunks[0].Min);
    }

    [Fact]
    public void The_fewest_bytes_hold_each_decimal_precision()
    {
        int[] expected = [9, 9, 9, 10, 10, 11, 11, 11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16];

        Assert.Equal(expected, Enumerable.Range(19, 20).Select(precision => new ParquetType.Decimal(precision, 0).TypeLength));
    }
}
