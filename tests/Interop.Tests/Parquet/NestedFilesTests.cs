using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Matih.Batches;
using Matih.Engine.Tests.Batches;
using Matih.Fixtures;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;
using Matih.Interop.Tests.Iceberg;
using Matih.Parquet;

namespace Matih.Interop.Tests.Parquet;

/// <summary>Random nested values: ours as the other readers see them, and files of Arrow as we do.</summary>
public sealed class NestedFilesTests(ITestOutputHelper output)
{
    /// <summary>Seeds of one run; each is a table of its own.</summary>
    private static int SeedCount => Soak.IsOn ? 1000 : 100;

    [Fact, LongTest]
    public async Task Java_DuckDB_ClickHouse_and_Arrow_read_the_values_that_we_wrote()
    {
        for (var seed = 1; seed <= SeedCount; seed++)
        {
            try
            {
                await CompareAsync(seed);
            }
            catch (Exception e)
            {
                output.WriteLine($"seed {seed}: {e.Message}");
                throw;
            }
        }
    }

    private static async Task CompareAsync(int seed)
    {
        var random = new Random(seed);
        var rows = new RowType([new Field("id", new DataType.Int().NotNull()), .. NestedValues.RandomRow(random, 3, isWide: true).Type.Fields]);
        var values = Enumerable.Range(0, random.Next(1, 120)).Select(id => (object?[])[id, .. rows.Fields.Skip(1).Select(field => NestedValues.RandomValue(field.Type, random))]).ToArray();
        var data = new ForeignData();
        var schema = Schema.FromRow(rows);
        var (table, _) = await data.Catalog.CreateAsync(ForeignData.Name("t"), new NewTable(schema, PartitionSpec.Unpartitioned, new Dictionary<string, string>()), default);
        var file = await WriteAsync(table, data, rows, values, random);

        table = await data.AppendAsync(table, [file]);

        var expected = values.Select(row => NestedValues.Text(row)).ToList();
        await IcebergReference.CheckAsync(data.PathOf("t"), "--require-totals");
        Assert.Equal(expected, InOrder(rows, await IcebergReference.ScanAsync(data.PathOf("t")), Convert.FromBase64String));
        Assert.Equal(expected, InOrder(rows, await DuckDb.QueryAsync($"select * from iceberg_scan('{data.PathOf("t")}')"), FromDuckDb));
        var inClickHouse = values.Select(row => rows.Fields.Select((field, i) => InClickHouse(field.Type, row[i])).ToArray()).ToArray();
        Assert.Equal(inClickHouse.Select(NestedValues.Text), InOrder(rows, await ClickHouse.QueryAsync($"SELECT * FROM file('{file.Path}', Parquet)"), Encoding.Latin1.GetBytes));
        var inTable = Rows(rows, await ClickHouse.QueryAsync($"SELECT * FROM icebergLocal('{data.PathOf("t")}')"), Encoding.Latin1.GetBytes);
        Assert.Equal(inClickHouse.Select(NestedValues.Text), inTable.Select((found, row) => NestedValues.Text(rows.Fields.Select((field, i) => WithoutNullRows(field.Type, found[i], values[row][i])).ToArray())));
        Assert.Equal(values.Length, (await PyIceberg.ScanAsync(table.MetadataLocation)).Count);
        // PyIceberg 0.12 itself makes an empty list of a NULL one; Arrow, which reads the file for it, does not.
        Assert.Equal(expected, InOrder(rows, await PyIceberg.RunAsync(
            """
            import json, sys
            import pyarrow.parquet as pq
            for row in pq.read_table(sys.argv[1]).to_pylist(): print(json.dumps(row, default=lambda value: value.hex() if isinstance(value, bytes) else str(value)))
            """, file.Path), Convert.FromHexString));
    }

    /// <summary>ClickHouse has no NULL of ARRAY, MAP and ROW: it reads an empty list or map, and a row whose fields are NULL.</summary>
    private static object? InClickHouse(DataType type, object? value) => (type, value) switch
    {
        (DataType.Array or DataType.Map, null) => Array.Empty<object?>(),
        (DataType.Array array, object?[] elements) => elements.Select(element => InClickHouse(array.Element, element)).ToArray(),
        (DataType.Map map, object?[] entries) => entries.Cast<object?[]>().Select(entry => (object?)new[] { entry[0], InClickHouse(map.Value, entry[1]) }).ToArray(),
        (DataType.Row row, _) => row.Type.Fields.Select((field, i) => InClickHouse(field.Type, ((object?[]?)value)?[i])).ToArray(),
        _ => value,
    };

    /// <summary>
    /// Where the table has a NULL row, what <see cref="InClickHouse"/> makes of it: there ClickHouse 26.7 gives a required field any value,
    /// also one of another row.
    /// </summary>
    private static object? WithoutNullRows(DataType type, object? found, object? ours) => (type, ours) switch
    {
        (DataType.Row, null) => InClickHouse(type, null),
        (DataType.Row row, object?[] fields) => row.Type.Fields.Select((field, i) => WithoutNullRows(field.Type, ((object?[])found!)[i], fields[i])).ToArray(),
        (DataType.Array array, object?[] elements) => ((object?[])found!).Select((one, i) => WithoutNullRows(array.Element, one, elements.ElementAtOrDefault(i))).ToArray(),
        (DataType.Map map, object?[] entries) => ((object?[])found!).Cast<object?[]>().Select((one, i) => (object?)new[] { one[0], WithoutNullRows(map.Value, one[1], ((object?[]?)entries.ElementAtOrDefault(i))?[1]) }).ToArray(),
        _ => found,
    };

    private static async Task<DataFile> WriteAsync(Table table, ForeignData data, RowType rows, object?[][] values, Random random)
    {
        var columns = rows.Fields.Select(field => Column.Create(field.Type, MemoryAccount.Unlimited())).ToArray();
        foreach (var row in values)
            for (var i = 0; i < columns.Length; i++) NestedValues.Append(columns[i], row[i]);
        var settings = ParquetWriterSettings.Default with { PageRowCountMax = random.Next(2) == 0 ? 20_000 : random.Next(5, 50), DictionaryBytesMax = random.Next(2) == 0 ? 0 : 1 << 20 };
        using var writer = new ParquetFileWriter([.. table.Metadata.CurrentSchema.Fields.Select(ColumnOf)], settings, MemoryAccount.Unlimited());
        writer.Append(new ColumnBatch(rows, columns, values.Length), [.. Enumerable.Range(0, columns.Length)]);
        var location = new TableFiles(table.Metadata).DataLocation(PartitionKey.Of(PartitionSpec.Unpartitioned, [], []), "00000.parquet");
        await using var target = await data.Store.CreateAsync(location, default);
        var summary = writer.Finish();
        await writer.DrainAsync(target.WriteAsync, default);
        await target.CompleteAsync(default);
        return DataFile.Written(location, PartitionKey.Of(PartitionSpec.Unpartitioned, [], []), summary.RowCount, summary.LengthBytes,
            [.. summary.Columns.Select(column => new ColumnMetrics(column.FieldId, column.CompressedBytes, column.ValueCount, column.NullCount, column.NanCount, column.LowerBound, column.UpperBound))],
            summary.SplitOffsets, new MetricsSelection(table.Metadata), SortOrder.Unsorted.OrderId);
    }

    private static ParquetColumn ColumnOf(NestedField field) => new(field.Id, field.Name, TypeOf(field.Type), field.IsRequired);

    private static ParquetType TypeOf(IcebergType type) => type switch
    {
        IcebergType.Int => new ParquetType.Int(),
        IcebergType.Long => new ParquetType.Long(),
        IcebergType.Double => new ParquetType.Double(),
        IcebergType.String => new ParquetType.String(),
        IcebergType.Decimal(var precision, var scale) => new ParquetType.Decimal(precision, scale),
        IcebergType.Date => new ParquetType.Date(),
        IcebergType.Fixed(var length) => new ParquetType.Fixed(length),
        IcebergType.Struct fields => new ParquetType.Struct([.. fields.Fields.Select(ColumnOf)]),
        IcebergType.List list => new ParquetType.List(new ParquetColumn(list.ElementId, "element", TypeOf(list.Element), list.IsElementRequired)),
        IcebergType.Map map => new ParquetType.Map(new ParquetColumn(map.KeyId, "key", TypeOf(map.Key), true), new ParquetColumn(map.ValueId, "value", TypeOf(map.Value), map.IsValueRequired)),
        _ => throw new ArgumentException(type.Name),
    };

    /// <summary>The rows by their ids, in the plain form of <see cref="NestedValues"/>.</summary>
    /// <param name="bytesOf">What the reader's text for bytes stands for.</param>
    private static List<string> InOrder(RowType rows, IEnumerable<JsonElement> found, Func<string, byte[]> bytesOf) =>
        [.. Rows(rows, found, bytesOf).Select(row => NestedValues.Text(row))];

    private static IEnumerable<object?[]> Rows(RowType rows, IEnumerable<JsonElement> found, Func<string, byte[]> bytesOf) =>
        found.Select(row => (object?[])[.. rows.Fields.Select(field => ValueOf(field.Type, row.TryGetProperty(field.Name, out var value) ? value : default, bytesOf))]).OrderBy(row => (int)row[0]!);

    private static object? ValueOf(DataType type, JsonElement json, Func<string, byte[]> bytesOf)
    {
        if (json.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined) return null;
        return type switch
        {
            DataType.Int => json.GetInt32(),
            DataType.BigInt => json.GetInt64(),
            DataType.Double => json.GetDouble(),
            DataType.Varchar => json.GetString(),
            DataType.Decimal number => Unscaled(json.ValueKind == JsonValueKind.String ? json.GetString()! : json.GetRawText(), number.Scale),
            DataType.Date => DateOnly.ParseExact(json.GetString()!, "yyyy-MM-dd", CultureInfo.InvariantCulture).DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber,
            DataType.Binary => bytesOf(json.GetString()!),
            DataType.Array array => json.EnumerateArray().Select(element => ValueOf(array.Element, element, bytesOf)).ToArray(),
            DataType.Row row => row.Type.Fields.Select(field => ValueOf(field.Type, json.TryGetProperty(field.Name, out var value) ? value : default, bytesOf)).ToArray(),
            DataType.Map map => Entries(map, json, bytesOf).ToArray(),
            _ => throw new ArgumentException(type.Name),
        };
    }

    /// <summary>Printable bytes as they are, others as <c>\xAB</c>.</summary>
    private static byte[] FromDuckDb(string text)
    {
        var bytes = new List<byte>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\') bytes.Add((byte)text[i]);
            else
            {
                bytes.Add(byte.Parse(text.AsSpan(i + 2, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                i += 3;
            }
        }
        return [.. bytes];
    }

    private static Int128 Unscaled(string text, int scale)
    {
        var value = decimal.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        for (; scale > 0; scale--) value *= 10;
        return (Int128)value;
    }

    /// <summary>Entries as an object, or as a list of objects or of pairs.</summary>
    private static IEnumerable<object?> Entries(DataType.Map map, JsonElement json, Func<string, byte[]> bytesOf)
    {
        if (json.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in json.EnumerateObject()) yield return new[] { member.Name, ValueOf(map.Value, member.Value, bytesOf) };
            yield break;
        }
        foreach (var entry in json.EnumerateArray())
        {
            var isPair = entry.ValueKind == JsonValueKind.Array;
            yield return new[] { (isPair ? entry[0] : entry.GetProperty("key")).GetString(), ValueOf(map.Value, isPair ? entry[1] : entry.TryGetProperty("value", out var value) ? value : default, bytesOf) };
        }
    }

    [Theory]
    [InlineData("compression='snappy'")]
    [InlineData("compression='zstd', data_page_version='2.0', data_page_size=200, write_batch_size=7, row_group_size=50")]
    [InlineData("compression='none', use_dictionary=False, use_compliant_nested_type=False")]
    public async Task Nested_files_of_arrow_are_read(string options)
    {
        var path = Path.Combine(TemporaryDirectory.New(), "nested.parquet");
        var random = new Random(options.Length);
        var rows = new RowType([new Field("a", new DataType.Array(new DataType.Int())), new Field("s", NestedValues.RandomRow(random, 3, isWide: true).OrNull()),
            new Field("m", new DataType.Map(DataType.String, new DataType.Array(DataType.String))), new Field("l", new DataType.Array(NestedValues.RandomRow(random, 2, isWide: true)))]);
        var values = Enumerable.Range(0, 400).Select(_ => rows.Fields.Select(field => NestedValues.RandomValue(field.Type, random)).ToArray()).ToArray();
        var lines = values.Select(row => $"{{{string.Join(", ", rows.Fields.Select((field, i) => $"{Text(field.Name)}: {Python(field.Type, row[i])}"))}}}");

        await PyIceberg.RunAsync(
            $$"""
            import sys, datetime, decimal
            import pyarrow as pa, pyarrow.parquet as pq
            rows = [{{string.Join(",\n", lines)}}]
            schema = pa.schema([{{string.Join(", ", rows.Fields.Select(ArrowField))}}])
            pq.write_table(pa.Table.from_pylist(rows, schema), sys.argv[1], {{options}})
            """, path);

        var reader = new ParquetFileReader(await File.ReadAllBytesAsync(path));
        for (var i = 0; i < rows.Count; i++)
        {
            using var column = reader.ReadColumn(i, MemoryAccount.Unlimited());
            Assert.Equal(values.Select(row => NestedValues.Text(row[i])), NestedValues.Rows(column));
        }
    }

    [Fact]
    public async Task INT96_timestamps_of_old_writers_are_read()
    {
        var path = Path.Combine(TemporaryDirectory.New(), "old.parquet");

        await PyIceberg.RunAsync(
            """
            import sys, datetime
            import pyarrow as pa, pyarrow.parquet as pq
            pq.write_table(pa.table({'t': pa.array([datetime.datetime(1969, 12, 31, 23, 59, 59, 999999), None, datetime.datetime(2024, 2, 29, 12, 0, 0, 1)], pa.timestamp('us'))}), sys.argv[1], use_deprecated_int96_timestamps=True)
            """, path);

        using var column = new ParquetFileReader(await File.ReadAllBytesAsync(path)).ReadColumn(0, MemoryAccount.Unlimited());
        Assert.Equal(["-1", "null", "1709208000000001"], NestedValues.Rows(column));
    }

    private static string ArrowField(Field field) => $"pa.field({Text(field.Name)}, {Arrow(field.Type)}, nullable={(field.Type.IsNullable ? "True" : "False")})";

    private static string Arrow(DataType type) => type switch
    {
        DataType.Int => "pa.int32()",
        DataType.BigInt => "pa.int64()",
        DataType.Double => "pa.float64()",
        DataType.Varchar => "pa.string()",
        DataType.Decimal(var precision, var scale) => $"pa.decimal128({precision}, {scale})",
        DataType.Date => "pa.date32()",
        DataType.Binary(var length) => $"pa.binary({length})",
        DataType.Array array => $"pa.list_({ArrowField(new Field("element", array.Element))})",
        DataType.Map map => $"pa.map_(pa.string(), {ArrowField(new Field("value", map.Value))})",
        DataType.Row row => $"pa.struct([{string.Join(", ", row.Type.Fields.Select(ArrowField))}])",
        _ => throw new ArgumentException(type.Name),
    };

    private static string Python(DataType type, object? value) => (type, value) switch
    {
        (_, null) => "None",
        (_, string text) => Text(text),
        (_, byte[] bytes) => $"bytes.fromhex('{Convert.ToHexString(bytes)}')",
        (DataType.Decimal number, _) => $"decimal.Decimal({value}).scaleb(-{number.Scale})",
        (DataType.Date, _) => $"datetime.date(1970, 1, 1) + datetime.timedelta({value})",
        (DataType.Array array, object?[] elements) => $"[{string.Join(", ", elements.Select(element => Python(array.Element, element)))}]",
        (DataType.Map map, object?[] entries) => $"[{string.Join(", ", entries.Cast<object?[]>().Select(entry => $"({Text((string)entry[0]!)}, {Python(map.Value, entry[1])})"))}]",
        (DataType.Row row, object?[] fields) => $"{{{string.Join(", ", row.Type.Fields.Select((field, i) => $"{Text(field.Name)}: {Python(field.Type, fields[i])}"))}}}",
        _ => string.Create(CultureInfo.InvariantCulture, $"{value}"),
    };

    private static string Text(string text) => $"'{text}'";
}
