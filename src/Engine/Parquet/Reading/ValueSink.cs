using Matih.Batches;

namespace Matih.Parquet.Reading;

/// <summary>Appends decoded values to a batch column, as values of the column's type.</summary>
internal sealed class ValueSink(ParquetColumn column, StoredColumn stored, Column target)
{
    public void AppendNulls(int count)
    {
        for (var i = 0; i < count; i++) target.AppendNull();
    }

    /// <param name="values">Values, or the dictionary that the indices refer to.</param>
    /// <param name="indices">One a value; null where values are given directly.</param>
    /// <param name="levels">One a row, 0 = NULL; null where no row is.</param>
    /// <param name="rowCount">Rows to append.</param>
    public void Append(PageValues values, int[]? indices, int[]? levels, int rowCount)
    {
        var next = 0;
        for (var row = 0; row < rowCount; row++)
        {
            if (levels is not null && levels[row] == 0)
            {
                target.AppendNull();
                continue;
            }
            var index = indices is null ? next : indices[next];
            next++;
            Append(values, index);
        }
    }

    /// <summary>Appends one value, or the dictionary's entry.</summary>
    public void Append(PageValues values, int index)
    {
        switch (target)
        {
            case BytesColumn bytes:
                bytes.Append(values.Bytes(index));
                break;
            case FixedColumn<long> longs:
                longs.Append(Long(values.Numbers[index]));
                break;
            case FixedColumn<int> ints:
                ints.Append((int)values.Numbers[index]);
                break;
            case FixedColumn<double> doubles:
                doubles.Append(BitConverter.Int64BitsToDouble(values.Numbers[index]));
                break;
            case FixedColumn<float> floats:
                floats.Append(BitConverter.Int32BitsToSingle((int)values.Numbers[index]));
                break;
            case FixedColumn<byte> booleans:
                booleans.Append((byte)values.Numbers[index]);
                break;
            case FixedColumn<Int128> decimals:
                decimals.Append(values.Numbers.Length != 0 ? values.Numbers[index] : Unscaled(values.Bytes(index)));
                break;
        }
    }

    private long Long(long value)
    {
        if (stored.IsUnsigned) return (uint)value;
        if (stored.Factor == 1) return value;
        var scaled = value * stored.Factor;
        if (scaled / stored.Factor != value) throw new InvalidDataException($"Parquet column '{column.Name}': {value} is out of range as microseconds.");
        return scaled;
    }

    /// <summary>Two's complement, most significant byte first; leading bytes past 16 can only repeat the sign.</summary>
    private Int128 Unscaled(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) throw new InvalidDataException($"Parquet column '{column.Name}': a decimal of no bytes.");
        Int128 value = (sbyte)bytes[0];
        if (bytes.Length > 16 && bytes[..^16].ContainsAnyExcept((byte)(value >> 127)))
            throw new InvalidDataException($"Parquet column '{column.Name}': a decimal of more than 16 significant bytes.");
        foreach (var next in bytes[1..]) value = value << 8 | next;
        return value;
    }
}
