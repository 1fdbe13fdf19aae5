using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Matih.Batches;
using Matih.Fixtures;
using Matih.Parquet;
using static Matih.Engine.Tests.Parquet.ParquetSamples;

namespace Matih.Interop.Tests.Parquet;

/// <summary>Our files, read by programs that share no code with us.</summary>
public sealed class ParquetReadersTests
{
    /// <summary>Prints each row as an array of texts in the form of <see cref="Values"/>; columns beyond the first line's types as they are.</summary>
    private const string ReadWithArrow =
        """
        import sys, json, struct, decimal, uuid
        import pyarrow as pa, pyarrow.parquet as pq
        decimal.getcontext().prec = 80
        table = pq.read_table(sys.argv[1])
        def text(column):
            t = column.type
            if isinstance(t, pa.ExtensionType):
                column = pa.chunked_array([chunk.storage for chunk in column.chunks], t.storage_type); t = t.storage_type
            if pa.types.is_timestamp(t) or pa.types.is_time(t): column = column.cast(pa.int64())
            elif pa.types.is_date32(t): column = column.cast(pa.int32())
            values = column.to_pylist()
            def one(v):
                if v is None: return None
                if isinstance(v, bool): return "1" if v else "0"
                if pa.types.is_float32(t): return "%x" % struct.unpack("<I", struct.pack("<f", v))[0]
                if pa.types.is_float64(t): return "%x" % struct.unpack("<Q", struct.pack("<d", v))[0]
                if isinstance(v, decimal.Decimal): return str(int(v.scaleb(t.scale)))
                if isinstance(v, uuid.UUID): return v.hex.upper()
                if isinstance(v, bytes): return v.hex().upper()
                if isinstance(v, str): return v.encode().hex().upper()
                return str(v)
            return [one(v) for v in values]
        columns = [text(c) for c in table.columns]
        for row in zip(*columns): print(json.dumps(row))
        """;

    public static TheoryData<string> SettingsNames => [.. Settings.Keys];

    internal static readonly Dictionary<string, ParquetWriterSettings> Settings = new()
    {
        ["default"] = ParquetWriterSettings.Default,
        ["gzip, small pages and row groups"] = new() { Compression = ParquetCompression.Gzip, PageRowCountMax = 77, RowGroupBytes = 20_000 },
        ["no compression, no dictionary"] = new() { Compression = ParquetCompression.None, DictionaryBytesMax = 0 },
        ["delta encodings"] = new() { DictionaryBytesMax = 0, AllowDeltaEncodings = true, PageRowCountMax = 500 },
        ["dictionaries that overflow"] = new() { DictionaryBytesMax = 2000, PageRowCountMax = 300 },
    };

    [Theory]
    [MemberData(nameof(SettingsNames))]
    public async Task Arrow_reads_every_type_as_it_was_written(string name)
    {
        var (path, columns, batches) = await WriteSampleAsync(Settings[name], seed: 11);

        var rows = await PyIceberg.RunAsync(ReadWithArrow, path);

        AssertSame(columns, batches, (row, column) => rows[row][column].GetString(), rows.Count);
    }

    [Theory]
    [MemberData(nameof(SettingsNames))]
    public async Task Duckdb_reads_every_type_as_it_was_written(string name)
    {
        var (path, columns, batches) = await WriteSampleAsync(Settings[name], seed: 12);
        var list = string.Join(", ", columns.Select(column => $"{DuckText(column)} as {column.Name}"));

        var rows = await DuckDb.QueryAsync($"select {list} from read_parquet('{path}')");

        // DuckDB has no instants of nanoseconds: it cuts them.
        AssertSame(columns, batches, (row, column) => FromDuck(columns[column].Type, rows[row].GetProperty($"c{column}").GetString()), rows.Count, type => type is not ParquetType.TimestampTzNs);
    }

    private static string DuckText(ParquetColumn column) => column.Type switch
    {
        ParquetType.Timestamp or ParquetType.TimestampTz or ParquetType.Time => $"epoch_us({column.Name})::varchar",
        ParquetType.TimestampNs => $"epoch_ns({column.Name})::varchar",
        ParquetType.Date => $"({column.Name} - date '1970-01-01')::varchar",
        ParquetType.Binary or ParquetType.Fixed => $"hex({column.Name})",
        ParquetType.String => $"hex(encode({column.Name}))",
        _ => $"{column.Name}::varchar",
    };

    private static string? FromDuck(ParquetType type, string? value) => (type, value) switch
    {
        (_, null) => null,
        (ParquetType.Boolean, _) => value == "true" ? "1" : "0",
        (ParquetType.Float, _) => BitConverter.SingleToInt32Bits(float.Parse(Spelled(value), CultureInfo.InvariantCulture)).ToString("x"),
        (ParquetType.Double, _) => BitConverter.DoubleToInt64Bits(double.Parse(Spelled(value), CultureInfo.InvariantCulture)).ToString("x"),
        (ParquetType.Decimal, _) => Int128.Parse(value.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture),
        (ParquetType.Uuid, _) => value.Replace("-", "", StringComparison.Ordinal).ToUpperInvariant(),
        _ => value,
    };

    private static string Spelled(string value) => value switch { "nan" => "NaN", "inf" => "Infinity", "-inf" => "-Infinity", _ => value };

    private static void AssertSame(ParquetColumn[] columns, ColumnBatch[] batches, Func<int, int, string?> found, int rowCount, Func<ParquetType, bool>? isCompared = null)
    {
        Assert.Equal(batches.Sum(batch => batch.Count), rowCount);
        for (var i = 0; i < columns.Length; i++)
        {
            if (isCompared?.Invoke(columns[i].Type) == false) continue;
            var expected = batches.SelectMany(batch => Values(batch[i], columns[i].Type is ParquetType.Time)).ToArray();
            for (var row = 0; row < rowCount; row++)
            {
                var value = found(row, i);
                // A NaN's sign does not survive Python and text.
                if (value == expected[row] || (IsNaN(columns[i].Type, value) && IsNaN(columns[i].Type, expected[row]))) continue;
                Assert.Fail($"{columns[i].Type}, row {row}: expected {expected[row] ?? "NULL"}, found {value ?? "NULL"}");
            }
        }
    }

    private static bool IsNaN(ParquetType type, string? bits) => (type, bits) switch
    {
        (ParquetType.Float, not null) => float.IsNaN(BitConverter.Int32BitsToSingle(Convert.ToInt32(bits, 16))),
        (ParquetType.Double, not null) => double.IsNaN(BitConverter.Int64BitsToDouble(Convert.ToInt64(bits, 16))),
        _ => false,
    };

    internal static async Task<(string Path, ParquetColumn[] Columns, ColumnBatch[] Batches)> WriteSampleAsync(ParquetWriterSettings settings, int seed, ImmutableArray<ParquetType> types = default)
    {
        if (types.IsDefault) types = AllTypes;
        var random = new Random(seed);
        var columns = Columns([.. types]);
        var batches = new[] { 1500, 1, 700 }.Select((rows, i) => Batch([.. types.Select(type => RandomColumn(type, rows, i * 0.3, i == 0 ? 40 : int.MaxValue, random))])).ToArray();
        var path = System.IO.Path.Combine(TemporaryDirectory.New(), "sample.parquet");
        await File.WriteAllBytesAsync(path, Write(columns, settings, batches).File);
        return (path, columns, batches);
    }

    [Theory]
    [InlineData(1_000, "UNCOMPRESSED")] // So small that a codec would cost more than it saves.
    [InlineData(40_000, "ZSTD")]
    public async Task Duckdb_sees_field_ids_types_encodings_codec_and_key_values(int rowCount, string codec)
    {
        var columns = new ParquetColumn[]
        {
            new(7, "id", new ParquetType.Long(), true), new(3, "at", new ParquetType.TimestampTz(), false), new(12, "price", new ParquetType.Decimal(20, 4), false),
        };
        var random = new Random(1);
        var batch = Batch([.. columns.Select(column => RandomColumn(column.Type, rowCount, 0, 10, random))]);
        var path = System.IO.Path.Combine(TemporaryDirectory.New(), "f.parquet");
        await File.WriteAllBytesAsync(path, Write(columns, new ParquetWriterSettings { KeyValues = [new("iceberg.schema", "{}")] }, batch).File);

        var schema = await DuckDb.QueryAsync($"select name, type, repetition_type rep, field_id, logical_type::varchar logical, type_length from parquet_schema('{path}') where name <> 'table'");
        var chunks = await DuckDb.QueryAsync($"select distinct compression, encodings, num_values from parquet_metadata('{path}')");
        var keys = await DuckDb.QueryAsync($"select decode(key) k, decode(value) v from parquet_kv_metadata('{path}')");

        Assert.Equal(["id", "at", "price"], schema.Select(row => row.GetProperty("name").GetString()));
        Assert.Equal([7, 3, 12], schema.Select(row => row.GetProperty("field_id").GetInt32()));
        Assert.Equal(["REQUIRED", "OPTIONAL", "OPTIONAL"], schema.Select(row => row.GetProperty("rep").GetString()));
        Assert.Equal(["INT64", "INT64", "FIXED_LEN_BYTE_ARRAY"], schema.Select(row => row.GetProperty("type").GetString()));
        Assert.Contains("isAdjustedToUTC=1", schema[1].GetProperty("logical").GetString(), StringComparison.Ordinal);
        Assert.Equal("9", schema[2].GetProperty("type_length").ToString());
        Assert.All(chunks, chunk => Assert.Equal(codec, chunk.GetProperty("compression").GetString()));
        Assert.Equal("iceberg.schema", Assert.Single(keys).GetProperty("k").GetString());
    }

    [Fact]
    public async Task Arrow_agrees_with_the_statistics_of_every_chunk()
    {
        var (path, _, _) = await WriteSampleAsync(new ParquetWriterSettings { RowGroupBytes = 10_000, PageRowCountMax = 200 }, seed: 21);

        // UUID, fixed and binary have an order that Arrow does not compute; strings, numbers and times are compared.
        var problems = await PyIceberg.RunAsync(
            """
            import sys, json
            import pyarrow as pa, pyarrow.parquet as pq, pyarrow.compute as pc
            file = pq.ParquetFile(sys.argv[1])
            seen = 0
            for g in range(file.metadata.num_row_groups):
                table = file.read_row_group(g)
                for i, field in enumerate(table.schema):
                    chunk = file.metadata.row_group(g).column(i)
                    stats = chunk.statistics
                    values = table.column(i)
                    if stats.null_count != values.null_count: print(json.dumps(f"{field}: nulls {stats.null_count} {values.null_count}"))
                    if chunk.num_values != len(values): print(json.dumps(f"{field}: values"))
                    if "uuid" in str(field.type) or pa.types.is_binary(field.type) or pa.types.is_fixed_size_binary(field.type): continue
                    if pa.types.is_floating(field.type): values = values.filter(pc.invert(pc.is_nan(values)))
                    isNanos = pa.types.is_timestamp(field.type) and field.type.unit == "ns"
                    if isNanos: values = values.cast(pa.int64())
                    low, high = pc.min_max(values)["min"].as_py(), pc.min_max(values)["max"].as_py()
                    if not stats.has_min_max:
                        if low is not None: print(json.dumps(f"{field}: no bounds"))
                        continue
                    seen += 1
                    least, most = (stats.min_raw, stats.max_raw) if isNanos else (stats.min, stats.max)
                    if least != low or most != high: print(json.dumps(f"{field}: {least} {low} {most} {high}"))
            print(json.dumps(seen))
            """,
            path);

        Assert.True(Assert.Single(problems).GetInt32() > 20);
    }

    [Fact]
    public async Task The_reference_implementation_finds_nothing_wrong_with_files_and_summaries()
    {
        var folder = TemporaryDirectory.New();
        var (path, columns, batches) = await WriteSampleAsync(new ParquetWriterSettings { RowGroupBytes = 10_000 }, seed: 31, TypesOfVersion2);
        using var writer = new ParquetFileWriter(columns, new ParquetWriterSettings { RowGroupBytes = 10_000 }, MemoryAccount.Unlimited());
        foreach (var batch in batches) writer.Append(batch, Enumerable.Range(0, columns.Length).ToArray());
        var summary = Finish(writer).Summary;
        Assert.True(summary.SplitOffsets.Length > 1);

        // PyIceberg commits our file with our metrics; the Java implementation then reads every value and checks every metric.
        var result = await PyIceberg.RunAsync(CommitFile, folder, path, Describe(columns, summary));

        var metadata = Assert.Single(result).GetString()!;
        await IcebergReference.CheckAsync(metadata);
        Assert.Equal(summary.RowCount, await IcebergReference.CountAsync(metadata));
        var rows = await IcebergReference.ScanAsync(metadata, "--columns", "c2,c16");
        Assert.Equal(batches.SelectMany(batch => Values(batch[2])), rows.Select(row => row.GetProperty("c2") is { ValueKind: JsonValueKind.Number } value ? value.GetRawText() : null));
        Assert.Equal(
            batches.SelectMany(batch => Values(batch[16])),
            rows.Select(row => row.GetProperty("c16").GetString() is { } text ? Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(text)) : null));
    }

    private static string Describe(ParquetColumn[] columns, ParquetFileSummary summary)
    {
        static string? Hex(byte[]? bound) => bound is null ? null : Convert.ToHexStringLower(bound);
        return JsonSerializer.Serialize(new
        {
            types = columns.Select(column => column.Type.Name),
            length = summary.LengthBytes,
            rows = summary.RowCount,
            splits = summary.SplitOffsets,
            columns = summary.Columns.Select(column => new
            {
                id = column.FieldId, size = column.CompressedBytes, values = column.ValueCount, nulls = column.NullCount, nans = column.NanCount,
                lower = Hex(column.LowerBound), upper = Hex(column.UpperBound),
            }),
        });
    }

    private const string CommitFile =
        """
        import sys, json
        from pyiceberg.catalog.sql import SqlCatalog
        from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
        from pyiceberg.schema import Schema
        from pyiceberg.typedef import Record
        from pyiceberg.types import NestedField, IcebergType
        from pydantic import TypeAdapter
        import pyiceberg.types as t
        folder, path, text = sys.argv[1:4]
        d = json.loads(text)
        def parse(name):
            simple = {"boolean": t.BooleanType, "int": t.IntegerType, "long": t.LongType, "float": t.FloatType, "double": t.DoubleType, "date": t.DateType, "time": t.TimeType,
                      "timestamp": t.TimestampType, "timestamptz": t.TimestamptzType, "string": t.StringType, "uuid": t.UUIDType, "binary": t.BinaryType}
            if name in simple: return simple[name]()
            if name.startswith("fixed["): return t.FixedType(int(name[6:-1]))
            p, s = name[8:-1].split(","); return t.DecimalType(int(p), int(s))
        schema = Schema(*[NestedField(i + 1, f"c{i}", parse(name), required=False) for i, name in enumerate(d["types"])])
        catalog = SqlCatalog("default", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
        catalog.create_namespace("ns")
        table = catalog.create_table("ns.t", schema)
        def by(key, convert=lambda v: v): return {c["id"]: convert(c[key]) for c in d["columns"] if c[key] is not None}
        file = DataFile.from_args(content=DataFileContent.DATA, file_path="file://" + path, file_format=FileFormat.PARQUET, partition=Record(), record_count=d["rows"],
            file_size_in_bytes=d["length"], column_sizes=by("size"), value_counts=by("values"), null_value_counts=by("nulls"), nan_value_counts=by("nans"),
            lower_bounds=by("lower", bytes.fromhex), upper_bounds=by("upper", bytes.fromhex), split_offsets=d["splits"], sort_order_id=None, equality_ids=None, key_metadata=None, spec_id=0)
        file.spec_id = 0
        with table.transaction() as transaction:
            with transaction.update_snapshot().fast_append() as append: append.append_data_file(file)
        print(json.dumps(catalog.load_table("ns.t").metadata_location.removeprefix("file://")))
        """;
}
