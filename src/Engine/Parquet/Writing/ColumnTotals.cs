using System.Buffers.Binary;
using Matih.Parquet.Format;

namespace Matih.Parquet.Writing;

/// <summary>Folds what is known of a column's chunks into the figures of the file.</summary>
internal static class ColumnTotals
{
    public static ParquetColumnSummary Summarize(ParquetLeaf leaf, int index, IReadOnlyList<RowGroupFooter> rowGroups)
    {
        var column = leaf.Column;
        long compressedBytes = 0, valueCount = 0, nullCount = 0, nanCount = 0;
        byte[]? min = null, max = null;
        var (isMinExact, isMaxKnown) = (true, true);
        foreach (var group in rowGroups)
        {
            var chunk = group.Chunks[index];
            compressedBytes += chunk.CompressedBytes;
            valueCount += chunk.ValueCount;
            nullCount += chunk.NullCount;
            nanCount += chunk.NanCount ?? 0;
            if (chunk.Min is null) continue;
            if (min is null || Compare(column.Type, chunk.Min, min) < 0) (min, isMinExact) = (chunk.Min, chunk.IsMinExact);
            // The greatest value of a chunk is unknown where it is longer than a bound may be; then it is in the file too.
            isMaxKnown &= chunk.Max is not null;
            if (max is null || (chunk.Max is not null && Compare(column.Type, chunk.Max, max) > 0)) max = chunk.Max;
        }
        var (lower, upper) = IcebergBounds(column.Type, min, isMinExact, isMaxKnown ? max : null);
        // Of what repeats Iceberg keeps counts alone: no scan asks for bounds of elements.
        if (leaf.RepetitionMax != 0) (lower, upper) = (null, null);
        return new(column.FieldId, compressedBytes, valueCount, nullCount, column.Type is ParquetType.Float or ParquetType.Double ? nanCount : null, lower, upper);
    }

    /// <remarks>Iceberg spec, Appendix D, "Binary single-value serialization": as plain encoding, but decimals are big-endian and minimal.</remarks>
    private static (byte[]? Lower, byte[]? Upper) IcebergBounds(ParquetType type, byte[]? min, bool isMinExact, byte[]? max) => type switch
    {
        ParquetType.Uuid => UuidBounds.Of(min, max),
        ParquetType.Decimal => (min is null ? null : Bindings.MinimalBigEndian(Unscaled(type, min)), max is null ? null : Bindings.MinimalBigEndian(Unscaled(type, max))),
        ParquetType.String when min is not null && !isMinExact => (WholeCharacters(min), max),
        _ => (min, max),
    };

    /// <summary>A cut text ends at a whole character, so that the bound is a valid string.</summary>
    private static byte[] WholeCharacters(byte[] text)
    {
        var length = text.Length;
        while (length > text.Length - 4 && (text[length - 1] & 0xC0) == 0x80) length--;
        return text[..(length - 1)];
    }

    /// <summary>Order of two values in plain encoding; there is no NaN among bounds.</summary>
    private static int Compare(ParquetType type, byte[] left, byte[] right) => type switch
    {
        ParquetType.Decimal => Unscaled(type, left).CompareTo(Unscaled(type, right)),
        _ => type.Physical switch
        {
            PhysicalType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(left).CompareTo(BinaryPrimitives.ReadInt32LittleEndian(right)),
            PhysicalType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(left).CompareTo(BinaryPrimitives.ReadInt64LittleEndian(right)),
            PhysicalType.Float => BinaryPrimitives.ReadSingleLittleEndian(left).CompareTo(BinaryPrimitives.ReadSingleLittleEndian(right)),
            PhysicalType.Double => BinaryPrimitives.ReadDoubleLittleEndian(left).CompareTo(BinaryPrimitives.ReadDoubleLittleEndian(right)),
            _ => left.AsSpan().SequenceCompareTo(right),
        },
    };

    private static Int128 Unscaled(ParquetType type, byte[] plain)
    {
        switch (type.Physical)
        {
            case PhysicalType.Int32: return BinaryPrimitives.ReadInt32LittleEndian(plain);
            case PhysicalType.Int64: return BinaryPrimitives.ReadInt64LittleEndian(plain);
        }
        var wide = (Int128)(sbyte)plain[0];
        foreach (var part in plain.AsSpan(1)) wide = wide << 8 | part;
        return wide;
    }
}
