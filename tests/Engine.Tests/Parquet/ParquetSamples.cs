using System.Collections.Immutable;
using Matih.Batches;
using Matih.Parquet;

namespace Matih.Engine.Tests.Parquet;

/// <summary>Batches of every type with seeded values, files made of them, and a plain form of values for comparing.</summary>
internal static class ParquetSamples
{
    public static readonly ImmutableArray<ParquetType> AllTypes =
    [
        new ParquetType.Boolean(), new ParquetType.Int(), new ParquetType.Long(), new ParquetType.Float(), new ParquetType.Double(),
        new ParquetType.Decimal(1, 0), new ParquetType.Decimal(9, 2), new ParquetType.Decimal(10, 2), new ParquetType.Decimal(18, 18),
        new ParquetType.Decimal(19, 0), new ParquetType.Decimal(28, 10), new ParquetType.Decimal(38, 38),
        new ParquetType.Date(), new ParquetType.Time(), new ParquetType.Timestamp(), new ParquetType.TimestampTz(),
        new ParquetType.String(), new ParquetType.Uuid(), new ParquetType.Fixed(1), new ParquetType.Fixed(7), new ParquetType.Binary(),
        new ParquetType.TimestampNs(), new ParquetType.TimestampTzNs(),
    ];

    /// <summary>Those of them that a table of format version 2 has.</summary>
    public static ImmutableArray<ParquetType> TypesOfVersion2 { get; } = AllTypes.RemoveRange(AllTypes.Length - 2, 2);

    /// <summary>The batch type that goes into a file column of the type.</summary>
    public static DataType BatchType(ParquetType type) => type is ParquetType.Time ? new DataType.Time(3) : type.ReadAs;

    /// <summary>A batch column of seeded values: distinct ones up to the given number, edge values among them.</summary>
    public static Column RandomColumn(ParquetType type, int rows, double nullShare, int distinct, Random random)
    {
        var column = Column.Create(BatchType(type), MemoryAccount.Unlimited());
        var pool = Enumerable.Range(0, Math.Max(1, Math.Min(distinct, rows))).Select(_ => RandomValue(type, random)).ToArray();
        for (var i = 0; i < rows; i++)
        {
            if (random.NextDouble() < nullShare) column.AppendNull();
            else Append(column, pool[random.Next(pool.Length)]);
        }
        return column;
    }

    public static void Append(Column column, object? value)
    {
        switch (column, value)
        {
            case (_, null): column.AppendNull(); break;
            case (FixedColumn<byte> to, bool v): to.Append(v ? (byte)1 : (byte)0); break;
            case (FixedColumn<int> to, int v): to.Append(v); break;
            case (FixedColumn<long> to, long v): to.Append(v); break;
            case (FixedColumn<float> to, float v): to.Append(v); break;
            case (FixedColumn<double> to, double v): to.Append(v); break;
            case (FixedColumn<Int128> to, Int128 v): to.Append(v); break;
            case (BytesColumn to, byte[] v): to.Append(v); break;
            case (BytesColumn to, string v): to.Append(System.Text.Encoding.UTF8.GetBytes(v)); break;
            default: throw new ArgumentException($"{value} does not go into {column.Type}.");
        }
    }

    private static object RandomValue(ParquetType type, Random random)
    {
        var isEdge = random.Next(8) == 0;
        return type switch
        {
            ParquetType.Boolean => random.Next(2) == 0,
            ParquetType.Int => isEdge ? random.Next(2) == 0 ? int.MinValue : int.MaxValue : random.Next(-1000, 1000),
            ParquetType.Date => random.Next(-719_000, 2_900_000),
            ParquetType.Time => random.Next(86_400_000),
            ParquetType.Long => isEdge ? random.Next(2) == 0 ? long.MinValue : long.MaxValue : random.NextInt64(-1L << 40, 1L << 40),
            ParquetType.TimestampNs or ParquetType.TimestampTzNs => isEdge ? random.Next(2) == 0 ? long.MinValue + 1 : long.MaxValue - 1 : random.NextInt64(-4_000_000_000_000_000_000, 4_000_000_000_000_000_000),
            ParquetType.Timestamp or ParquetType.TimestampTz => random.NextInt64(-62_135_596_800_000_000, 253_402_300_799_999_999),
            ParquetType.Float => isEdge ? new[] { float.NaN, -0f, 0f, float.NegativeInfinity, float.PositiveInfinity, float.Epsilon }[random.Next(6)] : random.NextSingle() * 100 - 50,
            ParquetType.Double => isEdge ? new[] { double.NaN, -0d, 0d, double.NegativeInfinity, double.PositiveInfinity, double.Epsilon }[random.Next(6)] : random.NextDouble() * 100 - 50,
            ParquetType.Decimal number => RandomDecimal(number.Precision, isEdge, random),
            ParquetType.String => isEdge ? new[] { "", "ü€𝄞", "a", new string('x', 300) }[random.Next(4)] : "value-" + random.Next(),
            ParquetType.Binary => RandomBytes(random.Next(isEdge ? 200 : 12), random),
            _ => RandomBytes(type.TypeLength, random),
        };
    }

    private static Int128 RandomDecimal(int precision, bool isEdge, Random random)
    {
        var max = Int128.One;
        for (var i = 0; i < precision; i++) max *= 10;
        max--;
        var magnitude = isEdge ? max : (Int128)((UInt128)random.NextInt64() << 64 | (UInt128)random.NextInt64()) % max;
        return random.Next(2) == 0 ? magnitude : -magnitude;
    }

    private static byte[] RandomBytes(int length, Random random)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>One text a row; null for NULL. Floating point by bits, bytes in hex.</summary>
    public static string?[] Values(Column column, bool isMillis = false)
    {
        var values = new string?[column.Count];
        for (var i = 0; i < values.Length; i++)
        {
            if (column.IsNull(i)) continue;
            values[i] = column switch
            {
                FixedColumn<byte> from => from.Values[i].ToString(),
                FixedColumn<int> from => isMillis ? (from.Values[i] * 1000L).ToString() : from.Values[i].ToString(),
                FixedColumn<long> from => from.Values[i].ToString(),
                FixedColumn<float> from => BitConverter.SingleToInt32Bits(from.Values[i]).ToString("x"),
                FixedColumn<double> from => BitConverter.DoubleToInt64Bits(from.Values[i]).ToString("x"),
                FixedColumn<Int128> from => from.Values[i].ToString(),
                BytesColumn from => Convert.ToHexString(from[i]),
                _ => throw new NotSupportedException(),
            };
        }
        return values;
    }

    public static ColumnBatch Batch(params Column[] columns) =>
        new(new RowType([.. columns.Select((column, i) => new Field($"b{i}", column.Type))]), columns, columns[0].Count);

    public static ParquetColumn[] Columns(params ParquetType[] types) => [.. types.Select((type, i) => new ParquetColumn(i + 1, $"c{i}", type, false))];

    /// <summary>A whole file from batches whose columns are the file's, in order.</summary>
    public static (byte[] File, ParquetFileSummary Summary) Write(IReadOnlyList<ParquetColumn> columns, ParquetWriterSettings settings, params ColumnBatch[] batches)
    {
        using var writer = new ParquetFileWriter(columns, settings, MemoryAccount.Unlimited());
        var map = Enumerable.Range(0, columns.Count).ToArray();
        foreach (var batch in batches) writer.Append(batch, map);
        return Finish(writer);
    }

    public static (byte[] File, ParquetFileSummary Summary) Finish(ParquetFileWriter writer)
    {
        var summary = writer.Finish();
        var file = new MemoryStream();
        Drain(writer, file);
        Assert.Equal(summary.LengthBytes, file.Length);
        return (file.ToArray(), summary);
    }

    public static void Drain(ParquetFileWriter writer, MemoryStream file)
    {
        var drained = writer.DrainAsync(
            (bytes, _) =>
            {
                file.Write(bytes.Span);
                return ValueTask.CompletedTask;
            },
            CancellationToken.None);
        Assert.True(drained.IsCompletedSuccessfully);
        Assert.False(writer.HasOutput);
    }

    public static string?[] ReadValues(byte[] file, int column)
    {
        using var values = new ParquetFileReader(file).ReadColumn(column, MemoryAccount.Unlimited());
        return Values(values);
    }
}
