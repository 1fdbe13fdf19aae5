using System.Numerics;
using System.Runtime.InteropServices;
using Matih.Batches;

namespace Matih.Maintenance.Compaction;

/// <summary>
/// Values of a row as bytes, so that equal values are equal bytes: NULL equals NULL, and one NaN every other; zeros of two signs
/// differ, as in Iceberg's reference implementation. Not thread-safe; the bytes are valid until the next row.
/// </summary>
internal sealed class RowBytes
{
    private readonly List<byte> _bytes = [];

    public ReadOnlySpan<byte> Span => CollectionsMarshal.AsSpan(_bytes);

    public void Clear() => _bytes.Clear();

    public void Append(Column column, int row)
    {
        if (column.IsNull(row))
        {
            _bytes.Add(0);
            return;
        }
        _bytes.Add(1);
        switch (column)
        {
            case BytesColumn bytes:
                Number(bytes[row].Length);
                _bytes.AddRange(bytes[row]);
                break;
            case FixedColumn<byte> flags: Number((int)flags.Values[row]); break;
            case FixedColumn<int> ints: Number(ints.Values[row]); break;
            case FixedColumn<long> longs: Number(longs.Values[row]); break;
            case FixedColumn<Int128> decimals: Number(decimals.Values[row]); break;
            case FixedColumn<float> floats: Number(BitConverter.SingleToInt32Bits(float.IsNaN(floats.Values[row]) ? float.NaN : floats.Values[row])); break;
            case FixedColumn<double> doubles: Number(BitConverter.DoubleToInt64Bits(double.IsNaN(doubles.Values[row]) ? double.NaN : doubles.Values[row])); break;
            case RowColumn rows:
                foreach (var field in rows.Fields) Append(field, row);
                break;
            case ListColumn lists:
                Number(lists.LengthOf(row));
                for (var i = lists.StartOf(row); i < lists.StartOf(row) + lists.LengthOf(row); i++) Append(lists.Elements, i);
                break;
            default: throw new InvalidOperationException($"Columns of type {column.Type} cannot be compared.");
        }
    }

    private void Number<T>(T value) where T : unmanaged, IBinaryInteger<T>
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteLittleEndian(bytes, out var written);
        _bytes.AddRange(bytes[..written]);
    }
}
