namespace Matih.Batches;

/// <summary>How a column's values lie in memory; one <see cref="Column"/> class per layout.</summary>
public enum Layout
{
    /// <summary>One byte a value, 0 or 1: BOOLEAN.</summary>
    Byte,
    /// <summary>TINYINT, SMALLINT, INT; DATE as days since 1970-01-01; TIME as milliseconds of the day.</summary>
    Int32,
    /// <summary>
    /// BIGINT; TIMESTAMP and TIMESTAMP_LTZ as microseconds, or with more than 6 fraction digits nanoseconds (<see cref="Nanoseconds"/>),
    /// since 1970-01-01T00:00:00 (of UTC for LTZ); day-time intervals as milliseconds.
    /// </summary>
    Int64,
    /// <summary>DECIMAL as its unscaled value.</summary>
    Int128,
    /// <summary>FLOAT.</summary>
    Float,
    /// <summary>DOUBLE.</summary>
    Double,
    /// <summary>CHAR, VARCHAR, STRING as valid UTF-8; BINARY, VARBINARY, BYTES: offsets and bytes.</summary>
    Bytes,
    /// <summary>ARRAY: offsets and a column of elements; MAP likewise, its elements being rows of a key and a value.</summary>
    List,
    /// <summary>ROW: a column for each field.</summary>
    Row,
    /// <summary>The type of an untyped NULL, which no column holds.</summary>
    None,
}

/// <summary>
/// A SQL type in Flink's words. The family is closed; nullability is part of the type, as in Flink's printed types.
/// </summary>
/// <remarks>Source: Apache Flink 1.20, "Data Types".</remarks>
public abstract record DataType
{
    private DataType(Layout layout) => Layout = layout;

    /// <summary>Whether NULL is a value of the type. Default true, as in SQL.</summary>
    public bool IsNullable { get; init; } = true;

    /// <summary>The memory layout of a column of this type.</summary>
    public Layout Layout { get; }

    /// <summary>The type's name without nullability, e.g. <c>DECIMAL(10, 2)</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Whether values are nanoseconds: TIMESTAMP and TIMESTAMP_LTZ of more than <see cref="Timestamp.MicrosPrecisionMax"/> fraction digits.</summary>
    public bool HasNanoseconds => this is Timestamp { Precision: > Timestamp.MicrosPrecisionMax } or TimestampLtz { Precision: > Timestamp.MicrosPrecisionMax };

    /// <summary>Fraction digits of a TIMESTAMP or TIMESTAMP_LTZ.</summary>
    internal int TimestampPrecision => this is Timestamp local ? local.Precision : ((TimestampLtz)this).Precision;

    /// <summary>The type as Flink prints it: the name, then <c>NOT NULL</c> where it is.</summary>
    public sealed override string ToString() => IsNullable ? Name : Name + " NOT NULL";

    /// <summary>The same type without NULL.</summary>
    public DataType NotNull() => this with { IsNullable = false };

    /// <summary>The same type with NULL.</summary>
    public DataType OrNull() => this with { IsNullable = true };

    /// <summary>Whether both are the same type, nullability aside.</summary>
    public bool IsSameTypeAs(DataType other) => OrNull() == other.OrNull();

    public sealed record Boolean() : DataType(Layout.Byte) { public override string Name => "BOOLEAN"; }
    public sealed record TinyInt() : DataType(Layout.Int32) { public override string Name => "TINYINT"; }
    public sealed record SmallInt() : DataType(Layout.Int32) { public override string Name => "SMALLINT"; }
    public sealed record Int() : DataType(Layout.Int32) { public override string Name => "INT"; }
    public sealed record BigInt() : DataType(Layout.Int64) { public override string Name => "BIGINT"; }
    public sealed record Float() : DataType(Layout.Float) { public override string Name => "FLOAT"; }
    public sealed record Double() : DataType(Layout.Double) { public override string Name => "DOUBLE"; }

    /// <summary>Precision 1 to 38 digits, of which <paramref name="Scale"/> (0 to precision) are fractional.</summary>
    public sealed record Decimal(int Precision, int Scale) : DataType(Layout.Int128)
    {
        public const int PrecisionMax = 38;
        public override string Name => $"DECIMAL({Precision}, {Scale})";

        /// <summary>10 to the power of the precision: the first number of too many digits.</summary>
        internal static Int128 LimitOf(int precision)
        {
            var limit = Int128.One;
            for (var i = 0; i < precision; i++) limit *= 10;
            return limit;
        }
    }

    /// <summary>Text of exactly <paramref name="Length"/> code points.</summary>
    public sealed record Char(int Length) : DataType(Layout.Bytes) { public override string Name => $"CHAR({Length})"; }

    /// <summary>Text of at most <paramref name="Length"/> code points; <see cref="LengthMax"/> is STRING.</summary>
    public sealed record Varchar(int Length) : DataType(Layout.Bytes)
    {
        public const int LengthMax = int.MaxValue;
        public override string Name => Length == LengthMax ? "STRING" : $"VARCHAR({Length})";
    }

    /// <summary>Exactly <paramref name="Length"/> bytes.</summary>
    public sealed record Binary(int Length) : DataType(Layout.Bytes) { public override string Name => $"BINARY({Length})"; }

    /// <summary>At most <paramref name="Length"/> bytes; <see cref="LengthMax"/> is BYTES.</summary>
    public sealed record Varbinary(int Length) : DataType(Layout.Bytes)
    {
        public const int LengthMax = int.MaxValue;
        public override string Name => Length == LengthMax ? "BYTES" : $"VARBINARY({Length})";
    }

    public sealed record Date() : DataType(Layout.Int32) { public override string Name => "DATE"; }

    /// <summary>Time of day; precision 0 to 9 is kept in the name, the value has milliseconds (as in Flink).</summary>
    public sealed record Time(int Precision) : DataType(Layout.Int32) { public override string Name => $"TIME({Precision})"; }

    /// <summary>Local date and time; precision 0 to 9 fractional digits of the second.</summary>
    public sealed record Timestamp(int Precision) : DataType(Layout.Int64)
    {
        /// <summary>The most fraction digits of a value in microseconds.</summary>
        public const int MicrosPrecisionMax = 6;

        public override string Name => $"TIMESTAMP({Precision})";
    }

    /// <summary>An instant, shown in the session's time zone.</summary>
    public sealed record TimestampLtz(int Precision) : DataType(Layout.Int64) { public override string Name => $"TIMESTAMP_LTZ({Precision})"; }

    /// <summary>A day-time interval, milliseconds.</summary>
    public sealed record DayTimeInterval() : DataType(Layout.Int64) { public override string Name => "INTERVAL DAY TO SECOND(3)"; }

    /// <summary>A year-month interval, months.</summary>
    public sealed record YearMonthInterval() : DataType(Layout.Int32) { public override string Name => "INTERVAL YEAR TO MONTH"; }

    /// <summary>The type of an untyped NULL.</summary>
    public sealed record Null() : DataType(Layout.None) { public override string Name => "NULL"; }

    public sealed record Array(DataType Element) : DataType(Layout.List) { public override string Name => $"ARRAY<{Element}>"; }

    /// <summary>Keys are never NULL in a column, whatever <paramref name="Key"/> says of itself.</summary>
    public sealed record Map(DataType Key, DataType Value) : DataType(Layout.List)
    {
        public override string Name => $"MAP<{Key}, {Value}>";

        /// <summary>The row of a key and a value that the map's elements are.</summary>
        internal Row Entry => new(new RowType([new Field("key", Key.NotNull()), new Field("value", Value)])) { IsNullable = false };
    }

    public sealed record Row(RowType Type) : DataType(Layout.Row) { public override string Name => Type.ToString(); }

    /// <summary>What the column of elements of an ARRAY or a MAP holds.</summary>
    internal DataType ElementType() => this switch
    {
        Array array => array.Element,
        Map map => map.Entry,
        _ => throw new InvalidOperationException($"{Name} has no elements."),
    };

    public static DataType String { get; } = new Varchar(Varchar.LengthMax);
    public static DataType Bytes { get; } = new Varbinary(Varbinary.LengthMax);
}
