using System.Buffers.Binary;
using Matih.Batches;

namespace Matih.Parquet.Writing;

/// <summary>Which batch column types go into which file column types, and the encoder for each.</summary>
internal static class Bindings
{
    public static ChunkWriter CreateWriter(ParquetLeaf leaf, WriterContext context) => leaf.Column.Type switch
    {
        ParquetType.Boolean => new BooleanChunkWriter(leaf, context),
        ParquetType.Int => Ints(leaf, context, type => IsInteger32(type) ? new SameLane<int>() : null),
        ParquetType.Date => Ints(leaf, context, type => type is DataType.Date ? new SameLane<int>() : null),
        ParquetType.Long => Longs(leaf, context, Long),
        // BIGINT is how a TIME column is read back, in microseconds already.
        ParquetType.Time => Longs(leaf, context, type => type switch
        {
            DataType.Time => new ConvertedLane<int, long, MillisToMicros>(),
            DataType.BigInt => new SameLane<long>(),
            _ => null,
        }),
        // Both timestamp layouts are microseconds, a local one being that of UTC, so that either fits either column.
        ParquetType.Timestamp or ParquetType.TimestampTz => Longs(leaf, context, type => IsTimestamp(type) && !type.HasNanoseconds ? new SameLane<long>() : null),
        ParquetType.TimestampNs or ParquetType.TimestampTzNs => Longs(leaf, context, type => type.HasNanoseconds ? new SameLane<long>() : null),
        ParquetType.Float => new NumberChunkWriter<float, FloatOps>(leaf, context, default, type => type is DataType.Float ? new SameLane<float>() : null),
        ParquetType.Double => new NumberChunkWriter<double, DoubleOps>(leaf, context, default, Double),
        ParquetType.Decimal number => Decimal(leaf, context, number),
        _ => new BytesChunkWriter(leaf, context),
    };

    private static NumberChunkWriter<int, IntOps> Ints(ParquetLeaf leaf, WriterContext context, Func<DataType, ValueSource<int>?> sourceOf) =>
        new(leaf, context, default, sourceOf);

    private static NumberChunkWriter<long, LongOps> Longs(ParquetLeaf leaf, WriterContext context, Func<DataType, ValueSource<long>?> sourceOf) =>
        new(leaf, context, default, sourceOf);

    private static ValueSource<long>? Long(DataType type) => type switch
    {
        DataType.BigInt or DataType.DayTimeInterval => new SameLane<long>(),
        _ => IsInteger32(type) ? new ConvertedLane<int, long, IntToLong>() : null,
    };

    private static ValueSource<double>? Double(DataType type) => type switch
    {
        DataType.Double => new SameLane<double>(),
        DataType.Float => new ConvertedLane<float, double, FloatToDouble>(),
        _ => null,
    };

    private static ChunkWriter Decimal(ParquetLeaf leaf, WriterContext context, ParquetType.Decimal number)
    {
        // A batch column of fewer digits fits as it is; more digits are let in and checked value by value.
        bool Fits(DataType type) => type is DataType.Decimal from && from.Scale == number.Scale;
        return number.Physical switch
        {
            PhysicalType.Int32 => Ints(leaf, context, type => Fits(type) ? new ConvertedLane<Int128, int, UnscaledToInt>() : null),
            PhysicalType.Int64 => Longs(leaf, context, type => Fits(type) ? new ConvertedLane<Int128, long, UnscaledToLong>() : null),
            _ => new NumberChunkWriter<Int128, WideDecimalOps>(
                leaf, context, new WideDecimalOps(number.TypeLength), type => Fits(type) ? new SameLane<Int128>() : null),
        };
    }

    private static bool IsInteger32(DataType type) => type is DataType.TinyInt or DataType.SmallInt or DataType.Int or DataType.YearMonthInterval;

    private static bool IsTimestamp(DataType type) => type is DataType.Timestamp or DataType.TimestampLtz;

    /// <summary>Whether values of the type, length aside, go into the file column of bytes.</summary>
    public static bool IsBytes(ParquetType target, DataType type) => target switch
    {
        ParquetType.String => type is DataType.Char or DataType.Varchar,
        ParquetType.Binary => type.Layout == Layout.Bytes,
        _ => type is DataType.Binary or DataType.Varbinary,
    };

    public static ArgumentException Mismatch(ParquetColumn column, DataType type) =>
        new($"Column '{column.Name}' of the Parquet file is {column.Type}; the batch's column is {type}. CAST it in the SQL, or change the table's column.");

    /// <summary>Two's complement, most significant byte first, with no byte more than the sign needs.</summary>
    public static byte[] MinimalBigEndian(Int128 value)
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteInt128BigEndian(bytes, value);
        var start = 0;
        while (start < 15 && bytes[start] == (value < 0 ? 0xFF : 0) && (bytes[start + 1] & 0x80) == (value < 0 ? 0x80 : 0)) start++;
        return bytes[start..];
    }
}
