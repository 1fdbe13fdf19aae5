using System.Collections.Immutable;
using Matih.Batches;

namespace Matih.Parquet;

/// <summary>
/// The types of Iceberg format version 2, with the nanoseconds of version 3: primitive ones, each with its Parquet physical and logical type, and groups of columns.
/// The family is closed.
/// </summary>
/// <remarks>Source: Apache Iceberg table spec, Appendix A, "Parquet"; Apache Parquet format 2.12, LogicalTypes.</remarks>
internal abstract record ParquetType
{
    private readonly PhysicalType _physical;

    private ParquetType(PhysicalType physical, int typeLength = 0) => (_physical, TypeLength) = (physical, typeLength);

    /// <summary>How Parquet stores the value; a group has none.</summary>
    public PhysicalType Physical => IsGroup ? throw new InvalidOperationException($"{Name} is a group of columns.") : _physical;

    /// <summary>Whether values lie in columns below this one.</summary>
    public bool IsGroup => this is List or Map or Struct;

    /// <summary>Bytes of a <see cref="PhysicalType.FixedLenByteArray"/>; 0 for the others.</summary>
    public int TypeLength { get; }

    /// <summary>The type's name in Iceberg's words, e.g. <c>decimal(10, 2)</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The type of a batch column that holds every value exactly; what <see cref="ParquetFileReader"/> fills.</summary>
    /// <remarks>
    /// TIME is given as BIGINT microseconds of the day, because the layout of TIME keeps milliseconds only and other
    /// writers' files have finer values. UUID and fixed are BINARY.
    /// </remarks>
    public abstract DataType ReadAs { get; }

    public sealed override string ToString() => Name;

    public sealed record Boolean() : ParquetType(PhysicalType.Boolean)
    {
        public override string Name => "boolean";
        public override DataType ReadAs => new DataType.Boolean();
    }

    public sealed record Int() : ParquetType(PhysicalType.Int32)
    {
        public override string Name => "int";
        public override DataType ReadAs => new DataType.Int();
    }

    public sealed record Long() : ParquetType(PhysicalType.Int64)
    {
        public override string Name => "long";
        public override DataType ReadAs => new DataType.BigInt();
    }

    public sealed record Float() : ParquetType(PhysicalType.Float)
    {
        public override string Name => "float";
        public override DataType ReadAs => new DataType.Float();
    }

    public sealed record Double() : ParquetType(PhysicalType.Double)
    {
        public override string Name => "double";
        public override DataType ReadAs => new DataType.Double();
    }

    /// <summary>INT32 up to 9 digits, INT64 up to 18, else the fewest big-endian bytes that hold the precision.</summary>
    public sealed record Decimal : ParquetType
    {
        public const int PrecisionMax = 38;

        /// <param name="precision">1 to 38 digits.</param>
        /// <param name="scale">0 to <paramref name="precision"/> fractional digits.</param>
        public Decimal(int precision, int scale) : base(PhysicalOf(precision), precision > 18 ? BytesFor(precision) : 0)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(scale);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(scale, precision);
            (Precision, Scale) = (precision, scale);
        }

        public int Precision { get; }
        public int Scale { get; }
        public override string Name => $"decimal({Precision}, {Scale})";
        public override DataType ReadAs => new DataType.Decimal(Precision, Scale);

        private static PhysicalType PhysicalOf(int precision)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(precision, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(precision, PrecisionMax);
            return precision <= 9 ? PhysicalType.Int32 : precision <= 18 ? PhysicalType.Int64 : PhysicalType.FixedLenByteArray;
        }

        /// <summary>The fewest bytes whose two's complement holds every number of that many digits.</summary>
        internal static int BytesFor(int precision)
        {
            var max = DataType.Decimal.LimitOf(precision) - 1;
            var bytes = 1;
            while (bytes < 16 && max >> (8 * bytes - 1) != 0) bytes++;
            return bytes;
        }
    }

    /// <summary>Days since 1970-01-01.</summary>
    public sealed record Date() : ParquetType(PhysicalType.Int32)
    {
        public override string Name => "date";
        public override DataType ReadAs => new DataType.Date();
    }

    /// <summary>Microseconds of the day.</summary>
    public sealed record Time() : ParquetType(PhysicalType.Int64)
    {
        public override string Name => "time";
        public override DataType ReadAs => new DataType.BigInt();
    }

    /// <summary>Local date and time: microseconds since 1970-01-01T00:00:00, not adjusted to UTC.</summary>
    public sealed record Timestamp() : ParquetType(PhysicalType.Int64)
    {
        public override string Name => "timestamp";
        public override DataType ReadAs => new DataType.Timestamp(6);
    }

    /// <summary>An instant: microseconds since 1970-01-01T00:00:00 UTC, adjusted to UTC.</summary>
    public sealed record TimestampTz() : ParquetType(PhysicalType.Int64)
    {
        public override string Name => "timestamptz";
        public override DataType ReadAs => new DataType.TimestampLtz(6);
    }

    /// <summary>Local date and time: nanoseconds since 1970-01-01T00:00:00, not adjusted to UTC.</summary>
    public sealed record TimestampNs() : ParquetType(PhysicalType.Int64)
    {
        public override string Name => "timestamp_ns";
        public override DataType ReadAs => new DataType.Timestamp(9);
    }

    /// <summary>An instant: nanoseconds since 1970-01-01T00:00:00 UTC, adjusted to UTC.</summary>
    public sealed record TimestampTzNs() : ParquetType(PhysicalType.Int64)
    {
        public override string Name => "timestamptz_ns";
        public override DataType ReadAs => new DataType.TimestampLtz(9);
    }

    /// <summary>UTF-8 text.</summary>
    public sealed record String() : ParquetType(PhysicalType.ByteArray)
    {
        public override string Name => "string";
        public override DataType ReadAs => DataType.String;
    }

    /// <summary>16 bytes, most significant first.</summary>
    public sealed record Uuid() : ParquetType(PhysicalType.FixedLenByteArray, 16)
    {
        public override string Name => "uuid";
        public override DataType ReadAs => new DataType.Binary(16);
    }

    /// <summary>Exactly <paramref name="Length"/> bytes (1 or more).</summary>
    public sealed record Fixed(int Length) : ParquetType(PhysicalType.FixedLenByteArray, Length)
    {
        public override string Name => $"fixed[{Length}]";
        public override DataType ReadAs => new DataType.Binary(Length);
    }

    public sealed record Binary() : ParquetType(PhysicalType.ByteArray)
    {
        public override string Name => "binary";
        public override DataType ReadAs => DataType.Bytes;
    }

    /// <param name="Element">Named <c>element</c> in files of ours.</param>
    public sealed record List(ParquetColumn Element) : ParquetType(default(PhysicalType))
    {
        public override string Name => $"list<{Element.Type.Name}>";
        public override DataType ReadAs => new DataType.Array(Element.ReadAs);
    }

    /// <param name="Key">Named <c>key</c>, and required.</param>
    /// <param name="Value">Named <c>value</c>.</param>
    public sealed record Map(ParquetColumn Key, ParquetColumn Value) : ParquetType(default(PhysicalType))
    {
        public override string Name => $"map<{Key.Type.Name}, {Value.Type.Name}>";
        public override DataType ReadAs => new DataType.Map(Key.ReadAs, Value.ReadAs);
    }

    /// <param name="Fields">At least one, with unique names.</param>
    public sealed record Struct(ImmutableArray<ParquetColumn> Fields) : ParquetType(default(PhysicalType))
    {
        public override string Name => "struct<" + string.Join(", ", Fields.Select(part => $"{part.Name}: {part.Type.Name}")) + ">";
        public override DataType ReadAs => new DataType.Row(new RowType([.. Fields.Select(part => new Field(part.Name, part.ReadAs))]));
        public bool Equals(Struct? other) => other is not null && Fields.AsSpan().SequenceEqual(other.Fields.AsSpan());
        public override int GetHashCode() => Fields.Aggregate(Fields.Length, HashCode.Combine);
    }
}
