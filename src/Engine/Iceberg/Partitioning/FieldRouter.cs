using Matih.Batches;
using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Partitioning;

/// <summary>Turns the values of one column into small numbers, one per distinct partition value; 0 is NULL. Not thread-safe.</summary>
internal abstract class FieldRouter
{
    /// <summary>One more than the highest number given out.</summary>
    public abstract int IdCount { get; }

    /// <summary>Gives each row of the column its number.</summary>
    public abstract void Assign(Column column, Span<int> ids);

    /// <summary>The partition value of a number.</summary>
    public abstract PartitionValue ValueOf(int id);

    /// <summary>Starts numbering again.</summary>
    public abstract void Forget();

    /// <param name="from">The rows' type. Times that were read back from a data file are BIGINT microseconds.</param>
    /// <exception cref="UnsupportedTableException">Values of the SQL type do not go into the column.</exception>
    public static FieldRouter Create(Transform transform, IcebergType type, DataType from)
    {
        if (!TypeMapping.IsWritable(from, type) && (from, type) is not (DataType.BigInt, IcebergType.Time)) throw new UnsupportedTableException($"A partition column of type {type} cannot be filled from {from.Name}.");
        return from.Layout switch
        {
            Layout.Bytes => new BytesFieldRouter(transform, type),
            Layout.Int128 => new DecimalFieldRouter(transform),
            _ => new NumberFieldRouter(transform, type, from),
        };
    }
}

/// <summary>Columns whose values are whole numbers of at most 64 bits (dates, times and instants among them), or floats by their bits.</summary>
/// <remarks>
/// Each partition value covers a range of source values: a day its microseconds, a number itself. The range last seen is
/// kept, so that a row within it costs one comparison.
/// </remarks>
internal sealed class NumberFieldRouter(Transform transform, IcebergType type, DataType from) : FieldRouter
{
    private const int MicrosPerMilli = 1_000;
    private readonly Dictionary<long, int> _idsByValue = [];
    private readonly List<long> _values = [0];
    private readonly long _unitsPerDay = type is IcebergType.Date ? 1 : TransformArithmetic.MicrosPerDay * UnitsPerMicro(type);
    private readonly long _unitsPerHour = TransformArithmetic.MicrosPerHour * UnitsPerMicro(type);
    private long _start;
    private long _end;
    private int _id;

    public override int IdCount => _values.Count;

    public override PartitionValue ValueOf(int id) => id == 0 ? PartitionValue.Null : PartitionValue.Of(_values[id]);

    public override void Forget()
    {
        _idsByValue.Clear();
        _values.RemoveRange(1, _values.Count - 1);
        _start = _end = 0;
    }

    public override void Assign(Column column, Span<int> ids)
    {
        switch (column)
        {
            case FixedColumn<long> longs:
                Assign(longs.Values, ids);
                break;
            case FixedColumn<int> ints:
                var scale = from is DataType.Time ? MicrosPerMilli : 1;
                for (var i = 0; i < ids.Length; i++) ids[i] = IdOf(ints.Values[i] * (long)scale);
                break;
            case FixedColumn<byte> bytes:
                for (var i = 0; i < ids.Length; i++) ids[i] = IdOf(bytes.Values[i]);
                break;
            case FixedColumn<float> floats:
                for (var i = 0; i < ids.Length; i++) ids[i] = IdOf(Bits(floats.Values[i]));
                break;
            case FixedColumn<double> doubles:
                for (var i = 0; i < ids.Length; i++) ids[i] = IdOf(Bits(doubles.Values[i]));
                break;
            default:
                throw new InvalidOperationException($"A column of type {column.Type} holds no numbers.");
        }
        if (column.NullCount == 0) return;
        var validity = column.Validity;
        for (var i = 0; i < ids.Length; i++)
            if (validity[i] == 0) ids[i] = 0;
    }

    private void Assign(ReadOnlySpan<long> values, Span<int> ids)
    {
        var (start, length, id) = (_start, (ulong)(_end - _start), _id);
        for (var i = 0; i < ids.Length; i++)
        {
            var value = values[i];
            if ((ulong)(value - start) >= length)
            {
                id = IdOf(value);
                (start, length) = (_start, (ulong)(_end - _start));
            }
            ids[i] = id;
        }
    }

    /// <remarks>Differences wrap, so that ranges at the ends of the number line hold as well.</remarks>
    private int IdOf(long source)
    {
        unchecked
        {
            if ((ulong)(source - _start) < (ulong)(_end - _start)) return _id;
            (var value, _start, _end) = Locate(source);
            if (!_idsByValue.TryGetValue(value, out _id))
            {
                _id = _values.Count;
                _idsByValue.Add(value, _id);
                _values.Add(value);
            }
            return _id;
        }
    }

    /// <summary>The partition value of a source value, and the range of source values that share it (or part of that range).</summary>
    private (long Value, long Start, long End) Locate(long source)
    {
        unchecked
        {
            switch (transform)
            {
                // Nanoseconds are hashed as the microsecond that they lie in.
                case Transform.Bucket(var count) when UnitsPerMicro(type) != 1:
                    var micros = Nanoseconds.ToMicros(source, out _);
                    return (TransformArithmetic.Bucket(micros, count), micros * Nanoseconds.PerMicro, (micros + 1) * Nanoseconds.PerMicro);
                case Transform.Bucket(var count):
                    return (TransformArithmetic.Bucket(source, count), source, source + 1);
                case Transform.Truncate(var width):
                    var floor = TransformArithmetic.Truncate(source, width);
                    return (type is IcebergType.Int ? (int)floor : floor, floor, floor + width);
                case Transform.Hour:
                    var hour = TransformArithmetic.FloorDivide(source, _unitsPerHour);
                    return (hour, hour * _unitsPerHour, (hour + 1) * _unitsPerHour);
                case Transform.Day:
                    var day = TransformArithmetic.FloorDivide(source, _unitsPerDay);
                    return (day, day * _unitsPerDay, (day + 1) * _unitsPerDay);
                case Transform.Month:
                    var month = TransformArithmetic.MonthsOfDays(TransformArithmetic.FloorDivide(source, _unitsPerDay));
                    return (month, TransformArithmetic.DaysOfMonth(month) * _unitsPerDay, TransformArithmetic.DaysOfMonth(month + 1) * _unitsPerDay);
                case Transform.Year:
                    var year = TransformArithmetic.YearsOfDays(TransformArithmetic.FloorDivide(source, _unitsPerDay));
                    return (year, TransformArithmetic.DaysOfMonth(year * 12) * _unitsPerDay, TransformArithmetic.DaysOfMonth((year + 1) * 12) * _unitsPerDay);
                default:
                    return (source, source, source + 1);
            }
        }
    }

    private static long UnitsPerMicro(IcebergType type) => type is IcebergType.TimestampNs or IcebergType.TimestampTzNs ? Nanoseconds.PerMicro : 1;

    /// <summary>All NaN are one value; -0.0 and 0.0 are two.</summary>
    private long Bits(float value) => type is IcebergType.Double
        ? Bits((double)value)
        : BitConverter.SingleToInt32Bits(float.IsNaN(value) ? float.NaN : value);

    private static long Bits(double value) => BitConverter.DoubleToInt64Bits(double.IsNaN(value) ? double.NaN : value);
}

/// <summary>Decimal columns.</summary>
internal sealed class DecimalFieldRouter(Transform transform) : FieldRouter
{
    private readonly Dictionary<Int128, int> _idsByValue = [];
    private readonly List<Int128> _values = [0];

    public override int IdCount => _values.Count;

    public override PartitionValue ValueOf(int id) => id == 0 ? PartitionValue.Null : PartitionValue.Of(_values[id]);

    public override void Forget()
    {
        _idsByValue.Clear();
        _values.RemoveRange(1, _values.Count - 1);
    }

    public override void Assign(Column column, Span<int> ids)
    {
        var values = ((FixedColumn<Int128>)column).Values;
        var lastId = 0;
        Int128 last = 0;
        for (var i = 0; i < ids.Length; i++)
        {
            if (column.IsNull(i))
            {
                ids[i] = 0;
                continue;
            }
            if (lastId == 0 || values[i] != last)
            {
                last = values[i];
                lastId = IdOf(last);
            }
            ids[i] = lastId;
        }
    }

    private int IdOf(Int128 source)
    {
        var value = transform switch
        {
            Transform.Bucket(var count) => TransformArithmetic.Bucket(source, count),
            Transform.Truncate(var width) => TransformArithmetic.Truncate(source, width),
            _ => source,
        };
        if (_idsByValue.TryGetValue(value, out var id)) return id;
        id = _values.Count;
        _idsByValue.Add(value, id);
        _values.Add(value);
        return id;
    }
}

/// <summary>Columns of strings and bytes.</summary>
internal sealed class BytesFieldRouter : FieldRouter
{
    private readonly Transform _transform;
    private readonly bool _isText;
    private readonly Dictionary<byte[], int> _idsByValue = new(BytesEquality.Instance);
    private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private readonly Dictionary<int, int> _idsByBucket = [];
    private readonly List<PartitionValue> _values = [PartitionValue.Null];

    public BytesFieldRouter(Transform transform, IcebergType type)
    {
        _transform = transform;
        _isText = type is IcebergType.String;
        _lookup = _idsByValue.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    public override int IdCount => _values.Count;

    public override PartitionValue ValueOf(int id) => _values[id];

    public override void Forget()
    {
        _idsByValue.Clear();
        _idsByBucket.Clear();
        _values.RemoveRange(1, _values.Count - 1);
    }

    public override void Assign(Column column, Span<int> ids)
    {
        var bytes = (BytesColumn)column;
        var lastId = 0;
        ReadOnlySpan<byte> last = default;
        for (var i = 0; i < ids.Length; i++)
        {
            if (column.IsNull(i))
            {
                ids[i] = 0;
                continue;
            }
            var value = bytes[i];
            if (lastId == 0 || !value.SequenceEqual(last))
            {
                last = value;
                lastId = IdOf(value);
            }
            ids[i] = lastId;
        }
    }

    private int IdOf(ReadOnlySpan<byte> source)
    {
        if (_transform is Transform.Bucket(var count))
        {
            var bucket = TransformArithmetic.Bucket(source, count);
            if (_idsByBucket.TryGetValue(bucket, out var known)) return known;
            known = _values.Count;
            _idsByBucket.Add(bucket, known);
            _values.Add(PartitionValue.Of(bucket));
            return known;
        }
        var value = _transform is Transform.Truncate(var width)
            ? _isText ? TransformArithmetic.TruncateText(source, width) : TransformArithmetic.TruncateBinary(source, width)
            : source;
        if (_lookup.TryGetValue(value, out var id)) return id;
        id = _values.Count;
        _idsByValue.Add(value.ToArray(), id);
        _values.Add(PartitionValue.Of(value));
        return id;
    }

    private sealed class BytesEquality : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly BytesEquality Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] bytes) => GetHashCode(bytes.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
