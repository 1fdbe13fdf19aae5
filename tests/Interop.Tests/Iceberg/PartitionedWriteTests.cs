using System.Text;
using Matih.Batches;
using Matih.Fixtures;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;
using Matih.Parquet;

namespace Matih.Interop.Tests.Iceberg;

/// <summary>Rows routed by us into files written by us: the reference implementation computes every partition value again.</summary>
public sealed class PartitionedWriteTests
{
    private const int RowCount = 1_000;

    internal static readonly RowType Row = new([
        new Field("id", new DataType.BigInt().NotNull()), new Field("b", new DataType.Boolean()), new Field("tiny", new DataType.TinyInt()),
        new Field("i", new DataType.Int()), new Field("f", new DataType.Float()), new Field("d", new DataType.Double()),
        new Field("dec", new DataType.Decimal(20, 3)), new Field("small", new DataType.Decimal(5, 2)), new Field("dt", new DataType.Date()),
        new Field("tm", new DataType.Time(3)), new Field("ts", new DataType.Timestamp(6)), new Field("tz", new DataType.TimestampLtz(3)),
        new Field("s", DataType.String), new Field("fx", new DataType.Binary(3)), new Field("bin", DataType.Bytes),
    ]);

    public static TheoryData<string> Specs => new(
        "",
        "day(ts)",
        "identity(b), identity(tiny), identity(f)",
        "identity(dec), bucket[3](id)",
        "identity(small)",
        "identity(dt), identity(tm), bucket[2](id)",
        "identity(s), truncate[1](bin)",
        "identity(d), identity(bin)",
        "bucket[3](dec), bucket[2](small), bucket[2](s)",
        "bucket[2](bin), bucket[2](fx)",
        "bucket[2](i), bucket[2](dt), bucket[2](tm), bucket[2](ts)",
        "bucket[3](tz)",
        "truncate[1000](i), truncate[100](dec)",
        "truncate[1](s), year(ts), month(tz)",
        "month(dt), year(tz)",
        "year(dt), day(tz)",
        "hour(tz), void(id)");

    [Theory, LongTest]
    [MemberData(nameof(Specs))]
    public async Task Every_row_lies_in_its_partition(string spec)
    {
        var data = new ForeignData();
        var schema = Schema.FromRow(Row);
        var partitioning = PartitionSpec.Create(schema, Parse(spec));
        var properties = new Dictionary<string, string> { ["write.metadata.metrics.column.i"] = "full", ["write.metadata.metrics.column.f"] = "none", ["write.metadata.metrics.column.d"] = "counts" };
        var (table, _) = await data.Catalog.CreateAsync(ForeignData.Name("t"), new NewTable(schema, partitioning, properties), default);

        var files = await WriteAsync(table, data, new Random(spec.Length));
        table = await data.AppendAsync(table, files);

        await IcebergReference.CheckAsync(data.PathOf("t"), "--require-totals");
        Assert.Empty(await IcebergReference.OrphansAsync(data.PathOf("t")));
        Assert.Equal(RowCount, await IcebergReference.CountAsync(data.PathOf("t")));
        Assert.Equal(RowCount, (await PyIceberg.ScanAsync(table.MetadataLocation)).Count);
        Assert.Equal(RowCount, Assert.Single(await DuckDb.QueryAsync($"select count(distinct id)::int n from iceberg_scan('{data.PathOf("t")}')")).GetProperty("n").GetInt32());
    }

    private static IEnumerable<(string, Transform, string?)> Parse(string spec)
    {
        foreach (var part in spec.Split(", ", StringSplitOptions.RemoveEmptyEntries))
        {
            var open = part.LastIndexOf('(');
            yield return (part[(open + 1)..^1], Transform.Parse(part[..open]), null);
        }
    }

    private static async Task<List<DataFile>> WriteAsync(Table table, ForeignData data, Random random)
    {
        var columns = table.Metadata.CurrentSchema.Fields.Select(field => new ParquetColumn(field.Id, field.Name, TypeOf(field.Type), field.IsRequired)).ToArray();
        var map = Enumerable.Range(0, columns.Length).ToArray();
        var router = new PartitionRouter(table.Metadata.CurrentSchema, table.Metadata.DefaultSpec, Row);
        var writers = new Dictionary<PartitionKey, ParquetFileWriter>();
        for (var start = 0; start < RowCount; start += 500)
        {
            var batch = Batch(start, 500, random);
            var routed = router.Route(batch);
            for (var row = 0; row < batch.Count; row++)
            {
                var key = router.KeyOf(routed.Groups[row]);
                if (!writers.TryGetValue(key, out var writer)) writers[key] = writer = new(columns, ParquetWriterSettings.Default, MemoryAccount.Unlimited());
                writer.Append(batch, map, [row]);
            }
        }
        var files = new List<DataFile>();
        foreach (var (key, writer) in writers)
        {
            var location = new TableFiles(table.Metadata).DataLocation(key, $"{files.Count:00000}.parquet");
            await using var output = await data.Store.CreateAsync(location, default);
            var summary = writer.Finish();
            await writer.DrainAsync(output.WriteAsync, default);
            await output.CompleteAsync(default);
            writer.Dispose();
            var metrics = summary.Columns.Select(column => new ColumnMetrics(
                column.FieldId, column.CompressedBytes, column.ValueCount, column.NullCount, column.NanCount, column.LowerBound, column.UpperBound));
            files.Add(DataFile.Written(location, key, summary.RowCount, summary.LengthBytes, [.. metrics], summary.SplitOffsets, new MetricsSelection(table.Metadata), SortOrder.Unsorted.OrderId));
        }
        return files;
    }

    private static ParquetType TypeOf(IcebergType type) => type switch
    {
        IcebergType.Boolean => new ParquetType.Boolean(),
        IcebergType.Int => new ParquetType.Int(),
        IcebergType.Long => new ParquetType.Long(),
        IcebergType.Float => new ParquetType.Float(),
        IcebergType.Double => new ParquetType.Double(),
        IcebergType.Decimal(var precision, var scale) => new ParquetType.Decimal(precision, scale),
        IcebergType.Date => new ParquetType.Date(),
        IcebergType.Time => new ParquetType.Time(),
        IcebergType.Timestamp => new ParquetType.Timestamp(),
        IcebergType.TimestampTz => new ParquetType.TimestampTz(),
        IcebergType.String => new ParquetType.String(),
        IcebergType.Fixed(var length) => new ParquetType.Fixed(length),
        _ => new ParquetType.Binary(),
    };

    internal static ColumnBatch Batch(int start, int count, Random random)
    {
        string[] texts = ["", "a", "ä", "東京", "🚀🚀", "a/b=c d%", "x.y", "a long text that no bound keeps whole, not even this one"];
        var columns = Row.Fields.Select(field => Column.Create(field.Type, MemoryAccount.Unlimited())).ToArray();
        // Time passes slowly, now and then jumps, and starts before 1970.
        var micros = -5L * 365 * 86_400_000_000 + start * 3_000_000_000L;
        for (var row = 0; row < count; row++)
        {
            micros += random.Next(0, 3) == 0 ? random.NextInt64(-7_200_000_000, 30_000_000_000) : 1;
            for (var i = 0; i < columns.Length; i++)
            {
                if (i > 0 && random.Next(0, 10) == 0)
                {
                    columns[i].AppendNull();
                    continue;
                }
                switch (Row[i].Name)
                {
                    case "id": ((FixedColumn<long>)columns[i]).Append(start + row - 700); break;
                    case "b": ((FixedColumn<byte>)columns[i]).Append((byte)random.Next(0, 2)); break;
                    case "tiny": ((FixedColumn<int>)columns[i]).Append(random.Next(-2, 2)); break;
                    case "i": ((FixedColumn<int>)columns[i]).Append(random.Next(-3000, 3000)); break;
                    case "f": ((FixedColumn<float>)columns[i]).Append(random.Next(0, 4) switch { 0 => float.NaN, 1 => -0f, 2 => 1.5f, _ => float.PositiveInfinity }); break;
                    case "d": ((FixedColumn<double>)columns[i]).Append(random.Next(0, 4) switch { 0 => double.NaN, 1 => 0.1, 2 => -1e300, _ => double.NegativeInfinity }); break;
                    case "dec": ((FixedColumn<Int128>)columns[i]).Append((Int128)random.Next(-5, 5) * 100_000_000_000_000_000 + random.Next(-1, 2)); break;
                    case "small": ((FixedColumn<Int128>)columns[i]).Append(random.Next(-3, 3)); break;
                    case "dt": ((FixedColumn<int>)columns[i]).Append(random.Next(-40, 40)); break;
                    case "tm": ((FixedColumn<int>)columns[i]).Append(random.Next(0, 24) * 3_600_000 + 1); break;
                    case "ts": ((FixedColumn<long>)columns[i]).Append(micros); break;
                    case "tz": ((FixedColumn<long>)columns[i]).Append(micros / 1000 * 1000); break;
                    case "fx": ((BytesColumn)columns[i]).Append([1, (byte)random.Next(0, 256), 0xFF]); break;
                    case "bin": ((BytesColumn)columns[i]).Append(new byte[] { 0xFF, (byte)random.Next(0, 3), 7 }.AsSpan(0, random.Next(0, 4))); break;
                    default: ((BytesColumn)columns[i]).Append(Encoding.UTF8.GetBytes(texts[random.Next(texts.Length)])); break;
                }
            }
        }
        return new ColumnBatch(Row, columns, count);
    }
}
