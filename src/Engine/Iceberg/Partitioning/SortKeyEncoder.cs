using System.Buffers.Binary;
using Matih.Batches;
using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Partitioning;

/// <summary>
/// Turns what a sort order says of a row into bytes: of two rows the one with the smaller bytes comes first. Not thread-safe.
/// </summary>
/// <remarks>
/// Source: Apache Iceberg table spec, "Sorting". Per field a byte says whether there is a value, so that NULL goes where the
/// order wants it; numbers are big-endian with their sign turned; floats in their total order, from -NaN over -0.0 and 0.0 to
/// NaN; strings and bytes escaped so that none is the beginning of another. A descending field's bytes are turned over.
/// </remarks>
internal sealed class SortKeyEncoder
{
    private readonly KeyField[] _fields;
    private readonly ColumnPlace[] _columns;

    private SortKeyEncoder(KeyField[] fields, ColumnPlace[] columns) => (_fields, _columns) = (fields, columns);

    /// <summary>The encoder for batches of these rows; null where rows need no order, and where the order cannot be computed for them.</summary>
    /// <param name="row">A sort column that they lack is NULL in every row.</param>
    public static SortKeyEncoder? Create(Schema schema, SortOrder order, RowType row)
    {
        var fields = new List<KeyField>();
        var columns = new List<ColumnPlace>();
        foreach (var field in order.Fields)
        {
            var column = schema.FindField(field.SourceId);
            if (field.Transform is Transform.Void) continue;
            if (column is null || ColumnPlace.Find(schema, column.Id, row) is not { } place || field.Transform.ResultType(column.Type) is null) return null;
            if (!place.IsThere) continue;
            fields.Add(field.Transform is Transform.Identity ? new PlainField(field) : new TransformedField(field, FieldRouter.Create(field.Transform, column.Type, place.Type!)));
            columns.Add(place);
        }
        return fields.Count == 0 ? null : new SortKeyEncoder([.. fields], [.. columns]);
    }

    /// <summary>Appends the key of each row of the batch.</summary>
    public void Encode(ColumnBatch batch, BytesColumn keys)
    {
        for (var i = 0; i < _fields.Length; i++) _fields[i].Begin(_columns[i].In(batch));
        for (var row = 0; row < batch.Count; row++)
        {
            var lengthMax = 0;
            foreach (var field in _fields) lengthMax += field.LengthMax(row);
            var key = keys.Begin(lengthMax);
            var length = 0;
            foreach (var field in _fields) length += field.Write(row, key[length..]);
            keys.End(length);
        }
    }

    private abstract class KeyField(SortField field)
    {
        private const byte Value = 1;
        private readonly byte _null = (byte)(field.NullsFirst ? 0 : 2);

        /// <summary>Prepares for the rows of a batch.</summary>
        public abstract void Begin(Column column);

        public abstract int LengthMax(int row);

        /// <summary>Writes the field's part of a row's key and gives its length.</summary>
        public abstract int Write(int row, Span<byte> target);

        protected int WriteNull(Span<byte> target)
        {
            target[0] = _null;
            return 1;
        }

        protected int WriteNumber(Int128 value, Span<byte> target)
        {
            target[0] = Value;
            BinaryPrimitives.WriteUInt128BigEndian(target[1..], (UInt128)value ^ (UInt128.One << 127));
            return Turn(target, 17);
        }

        protected int WriteNumber(long value, Span<byte> target)
        {
            target[0] = Value;
            BinaryPrimitives.WriteUInt64BigEndian(target[1..], (ulong)value ^ (1UL << 63));
            return Turn(target, 9);
        }

        protected int WriteBytes(ReadOnlySpan<byte> value, Span<byte> target)
        {
            target[0] = Value;
            var length = 1;
            foreach (var part in value)
            {
                target[length++] = part;
                if (part == 0) target[length++] = byte.MaxValue;
            }
            target[length++] = 0;
            target[length++] = 0;
            return Turn(target, length);
        }

        protected static int BytesMax(int length) => 2 * length + 3;

        private int Turn(Span<byte> target, int length)
        {
            if (field.IsDescending)
                for (var i = 1; i < length; i++) target[i] = (byte)~target[i];
            return length;
        }
    }

    /// <summary>A column's own values.</summary>
    private sealed class PlainField(SortField field) : KeyField(field)
    {
        private Column _column = null!;

        public override void Begin(Column column) => _column = column;

        public override int LengthMax(int row) => _column is BytesColumn bytes ? BytesMax(bytes[row].Length) : 17;

        public override int Write(int row, Span<byte> target)
        {
            if (_column.IsNull(row)) return WriteNull(target);
            return _column switch
            {
                BytesColumn bytes => WriteBytes(bytes[row], target),
                FixedColumn<long> longs => WriteNumber(longs.Values[row], target),
                FixedColumn<int> ints => WriteNumber(ints.Values[row], target),
                FixedColumn<byte> bools => WriteNumber(bools.Values[row], target),
                FixedColumn<Int128> wide => WriteNumber(wide.Values[row], target),
                FixedColumn<float> floats => WriteNumber(Total(BitConverter.SingleToInt32Bits(floats.Values[row])), target),
                FixedColumn<double> doubles => WriteNumber(Total(BitConverter.DoubleToInt64Bits(doubles.Values[row])), target),
                _ => throw new InvalidOperationException($"A column of type {_column.Type} has no order."),
            };
        }

        private static long Total(long bits) => bits < 0 ? bits ^ long.MaxValue : bits;

        private static long Total(int bits) => bits < 0 ? bits ^ int.MaxValue : bits;
    }

    /// <summary>What a transform makes of a column: each of its values is encoded once.</summary>
    private sealed class TransformedField(SortField field, FieldRouter router) : KeyField(field)
    {
        private const int RememberedMax = 1 << 16;

        private readonly List<byte[]> _encoded = [];
        private int[] _ids = [];

        public override void Begin(Column column)
        {
            if (router.IdCount > RememberedMax)
            {
                router.Forget();
                _encoded.Clear();
            }
            if (_ids.Length < column.Count) _ids = new int[column.Count];
            router.Assign(column, _ids.AsSpan(0, column.Count));
            while (_encoded.Count < router.IdCount) _encoded.Add(Encode(router.ValueOf(_encoded.Count)));
        }

        private byte[] Encode(PartitionValue value)
        {
            var target = new byte[Math.Max(17, BytesMax(value.Bytes.Length))];
            var length = value.IsNull ? WriteNull(target) : value.IsBytes ? WriteBytes(value.Bytes, target) : WriteNumber(value.Number, target);
            return target[..length];
        }

        public override int LengthMax(int row) => _encoded[_ids[row]].Length;

        public override int Write(int row, Span<byte> target)
        {
            _encoded[_ids[row]].CopyTo(target);
            return _encoded[_ids[row]].Length;
        }
    }
}
