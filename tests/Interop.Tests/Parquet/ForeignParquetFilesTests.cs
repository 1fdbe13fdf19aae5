using Matih.Batches;
using Matih.Engine.Tests.Parquet;
using Matih.Fixtures;
using Matih.Parquet;

namespace Matih.Interop.Tests.Parquet;

/// <summary>Files of other writers, read by our reader.</summary>
public sealed class ForeignParquetFilesTests
{
    public static TheoryData<string> ArrowOptions =>
    [
        "compression='snappy'",
        "compression='gzip', data_page_version='2.0'",
        "compression='zstd', data_page_version='2.0', data_page_size=1000, write_batch_size=100",
        "compression='none', use_dictionary=False",
        "compression='zstd', use_dictionary=False, column_encoding={'i':'DELTA_BINARY_PACKED','l':'DELTA_BINARY_PACKED','s':'DELTA_BYTE_ARRAY','b':'DELTA_LENGTH_BYTE_ARRAY','d':'BYTE_STREAM_SPLIT','f':'BYTE_STREAM_SPLIT','fx':'DELTA_BYTE_ARRAY','t':'RLE'}, data_page_version='2.0'",
        "compression='snappy', row_group_size=100, dictionary_pagesize_limit=500, data_page_size=300, write_batch_size=10",
        "compression='snappy', version='1.0', use_deprecated_int96_timestamps=False, coerce_timestamps='ms', allow_truncated_timestamps=True",
        "compression='snappy', store_decimal_as_integer=True",
    ];

    [Theory]
    [MemberData(nameof(ArrowOptions))]
    public async Task Files_of_arrow_are_read(string options)
    {
        var path = Path.Combine(TemporaryDirectory.New(), "arrow.parquet");

        // The values are a function of the row, so that both sides know them; every fifth row is NULL.
        await PyIceberg.RunAsync(
            $$"""
            import sys, decimal, datetime
            import pyarrow as pa, pyarrow.parquet as pq
            n = 1000
            def col(type, f): return pa.array([None if i % 5 == 3 else f(i) for i in range(n)], type)
            ms = lambda i: (i - 500) * 86_399_017
            table = pa.table({
              't': col(pa.bool_(), lambda i: i % 3 == 0), 'i': col(pa.int32(), lambda i: i * i - 1000), 'l': col(pa.int64(), lambda i: (i - 500) * 10**15),
              'f': col(pa.float32(), lambda i: i / 4), 'd': col(pa.float64(), lambda i: -i / 8), 's': col(pa.string(), lambda i: 'name-' + str(i // 3)),
              'b': col(pa.binary(), lambda i: bytes([i % 256]) * (i % 7)), 'fx': col(pa.binary(3), lambda i: bytes([i % 256, 1, i // 256])),
              'dt': col(pa.date32(), lambda i: i - 500), 'ts': col(pa.timestamp('ms'), ms), 'tz': col(pa.timestamp('ms', 'UTC'), ms),
              'tm': col(pa.time32('ms'), lambda i: i * 1001), 'd9': col(pa.decimal128(9, 2), lambda i: decimal.Decimal(i - 500).scaleb(-2)),
              'd30': col(pa.decimal128(30, 3), lambda i: decimal.Decimal((i - 500) * 10**20).scaleb(-3)), 'u4': col(pa.uint32(), lambda i: 2**32 - 1 - i),
              'i1': col(pa.int8(), lambda i: i % 256 - 128),
            })
            pq.write_table(table, sys.argv[1], {{options}})
            """,
            path);

        var reader = new ParquetFileReader(await File.ReadAllBytesAsync(path));
        Assert.Equal(1000, reader.Metadata.RowCount);
        string Timestamp(long i) => ((i - 500) * 86_399_017 * 1000).ToString();
        Check(reader, "t", i => i % 3 == 0 ? "1" : "0");
        Check(reader, "i", i => (i * i - 1000).ToString());
        Check(reader, "l", i => ((i - 500) * 1_000_000_000_000_000).ToString());
        Check(reader, "f", i => BitConverter.SingleToInt32Bits(i / 4f).ToString("x"));
        Check(reader, "d", i => BitConverter.DoubleToInt64Bits(-i / 8d).ToString("x"), zero: "8000000000000000");
        Check(reader, "s", i => Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes($"name-{i / 3}")));
        Check(reader, "b", i => Convert.ToHexString(Enumerable.Repeat((byte)i, (int)(i % 7)).ToArray()));
        Check(reader, "fx", i => Convert.ToHexString([(byte)i, 1, (byte)(i / 256)]));
        Check(reader, "dt", i => (i - 500).ToString());
        Check(reader, "ts", Timestamp);
        Check(reader, "tz", Timestamp);
        Check(reader, "tm", i => (i * 1001 * 1000).ToString());
        Check(reader, "d9", i => (i - 500).ToString());
        Check(reader, "d30", i => ((Int128)(i - 500) * 10_000_000_000 * 10_000_000_000).ToString());
        Check(reader, "u4", i => (uint.MaxValue - i).ToString());
        Check(reader, "i1", i => (i % 256 - 128).ToString());
    }

    /// <param name="zero">What row 0 holds where that differs: Python's -0/8 is an integer's zero, positive.</param>
    private static void Check(ParquetFileReader reader, string name, Func<long, string> expected, string? zero = null)
    {
        var column = reader.Metadata.Columns.Index().Single(pair => pair.Item.Name == name).Index;
        using var values = reader.ReadColumn(column, MemoryAccount.Unlimited());
        var found = ParquetSamples.Values(values);
        for (var i = 0; i < found.Length; i++)
        {
            var value = i % 5 == 3 ? null : expected(i);
            if (i == 0 && value == zero) value = "0";
            Assert.True(value == found[i], $"{name}, row {i}: expected {value ?? "NULL"}, found {found[i] ?? "NULL"}");
        }
    }

    [Theory]
    [InlineData("compression zstd")]
    [InlineData("compression snappy, parquet_version v2")]
    [InlineData("compression gzip, parquet_version v2, row_group_size 2048")]
    [InlineData("compression uncompressed, dictionary_size_limit 1")]
    public async Task Files_of_duckdb_are_read(string options)
    {
        var path = Path.Combine(TemporaryDirectory.New(), "duck.parquet");

        await DuckDb.QueryAsync(
            $"""
            copy (select case when i % 5 = 3 then null else i end::bigint i, case when i % 5 = 3 then null else 'name-' || (i // 3) end s,
                         case when i % 5 = 3 then null else (i - 500)::decimal(18, 3) end n, case when i % 5 = 3 then null else i / 4 end::double d,
                         case when i % 5 = 3 then null else i % 3 = 0 end t, case when i % 5 = 3 then null else make_timestamp((i - 500) * 1000000007) end ts
                  from range(10000) r(i)) to '{path}' (format parquet, {options});
            select 1
            """);

        var reader = new ParquetFileReader(await File.ReadAllBytesAsync(path));
        Assert.Equal(10_000, reader.Metadata.RowCount);
        Check(reader, "i", i => i.ToString());
        Check(reader, "s", i => Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes($"name-{i / 3}")));
        Check(reader, "n", i => ((i - 500) * 1000).ToString());
        Check(reader, "d", i => BitConverter.DoubleToInt64Bits(i / 4d).ToString("x"));
        Check(reader, "t", i => i % 3 == 0 ? "1" : "0");
        Check(reader, "ts", i => ((i - 500) * 1_000_000_007).ToString());
    }

    [Fact]
    public async Task Files_of_the_java_writer_are_read()
    {
        var table = Path.Combine(TemporaryDirectory.New(), "t");
        await IcebergReference.CreateAsync(
            table, "i int required, l long, s string, d double, n decimal(20,2), dt date, tm time, ts timestamp, tz timestamptz, u uuid, fx fixed[2], b binary, t boolean");
        await IcebergReference.AppendAsync(
            table,
            [
                """
                {"i":-5,"l":7,"s":"ü","d":1.5,"n":"-12.34","dt":"1969-12-31","tm":"01:02:03.000004","ts":"1969-12-31T23:59:59.999999","tz":"2026-01-02T03:04:05.000006+00:00","u":"00112233-4455-6677-8899-aabbccddeeff","fx":"AQI=","b":"AwQF","t":true}
                """,
                """{"i":6}""",
            ]);

        var path = Assert.Single(Directory.GetFiles(Path.Combine(table, "data"), "*.parquet", SearchOption.AllDirectories));
        var reader = new ParquetFileReader(await File.ReadAllBytesAsync(path));
        var values = Enumerable.Range(0, reader.Metadata.Columns.Length).Select(i => ParquetSamples.Values(reader.ReadColumn(i, MemoryAccount.Unlimited()))).ToArray();

        Assert.Equal(Enumerable.Range(1, 13), reader.Metadata.Columns.Select(column => column.FieldId));
        Assert.Equal(
            ["int", "long", "string", "double", "decimal(20, 2)", "date", "time", "timestamp", "timestamptz", "uuid", "fixed[2]", "binary", "boolean"],
            reader.Metadata.Columns.Select(column => column.Type.Name));
        Assert.True(reader.Metadata.Columns[0].IsRequired);
        Assert.Equal(
            ["-5", "7", "C3BC", "3ff8000000000000", "-1234", "-1", "3723000004", "-1", "1767323045000006", "00112233445566778899AABBCCDDEEFF", "0102", "030405", "1"],
            values.Select(column => column[0]!));
        Assert.Equal("6", values[0][1]);
        Assert.All(values[1..], column => Assert.Null(column[1]));
    }

    [Fact]
    public async Task Nanoseconds_are_read_and_times_of_day_in_them_refused_by_name()
    {
        var path = Path.Combine(TemporaryDirectory.New(), "nanos.parquet");
        await PyIceberg.RunAsync(
            """
            import sys
            import pyarrow as pa, pyarrow.parquet as pq
            pq.write_table(pa.table({'r': pa.array([{'at': 1}], pa.struct([('at', pa.timestamp('ns'))]))}), sys.argv[1])
            pq.write_table(pa.table({'r': pa.array([{'at': 1}], pa.struct([('at', pa.time64('ns'))]))}), sys.argv[1] + '.time')
            """,
            path);

        Assert.Equal("struct<at: timestamp_ns>", new ParquetFileReader(File.ReadAllBytes(path)).Metadata.Columns[0].Type.Name);
        var refusal = Assert.Throws<NotSupportedException>(() => new ParquetFileReader(File.ReadAllBytes(path + ".time")));
        Assert.Contains("'at' has times of day in nanoseconds", refusal.Message, StringComparison.Ordinal);
    }
}
