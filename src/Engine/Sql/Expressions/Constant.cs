using System.Globalization;
using System.Text;
using Matih.Batches;
using Matih.Sql.Values;

namespace Matih.Sql.Expressions;

/// <summary>A value known at compile time.</summary>
/// <param name="Value">Null for NULL, else the layout's type boxed: byte, int, long, Int128, float, double or byte[].</param>
internal sealed record Constant(DataType Type, object? Value)
{
    public bool IsNull => Value is null;

    public static Constant Null(DataType type) => new(type.OrNull(), null);

    /// <summary>A CHAR as long as Flink's planner takes a literal to be: in UTF-16 code units.</summary>
    public static Constant Text(string value) => new(new DataType.Char(value.Length).NotNull(), Encoding.UTF8.GetBytes(value));

    public static Constant Boolean(bool? value) =>
        value is { } known ? new(new DataType.Boolean().NotNull(), known ? (byte)1 : (byte)0) : Null(new DataType.Boolean());

    /// <summary>The text of a string constant.</summary>
    public string AsText() => Encoding.UTF8.GetString((byte[])Value!);

    /// <summary>Appends the value to a column of the type's layout.</summary>
    public void AppendTo(Column column)
    {
        if (Value is null)
        {
            column.AppendNull();
            return;
        }
        switch (column)
        {
            case FixedColumn<byte> bytes: bytes.Append((byte)Value); break;
            case FixedColumn<int> ints: ints.Append((int)Value); break;
            case FixedColumn<long> longs: longs.Append((long)Value); break;
            case FixedColumn<Int128> wides: wides.Append((Int128)Value); break;
            case FixedColumn<float> floats: floats.Append((float)Value); break;
            case FixedColumn<double> doubles: doubles.Append((double)Value); break;
            case BytesColumn texts: texts.Append((byte[])Value); break;
        }
    }

    /// <summary>The value at a row, as a constant of the column's type.</summary>
    public static Constant At(Column column, int row, DataType type)
    {
        if (column.IsNull(row)) return new Constant(type, null);
        return new Constant(type, column switch
        {
            FixedColumn<byte> bytes => bytes.Values[row],
            FixedColumn<int> ints => ints.Values[row],
            FixedColumn<long> longs => longs.Values[row],
            FixedColumn<Int128> wides => wides.Values[row],
            FixedColumn<float> floats => floats.Values[row],
            FixedColumn<double> doubles => doubles.Values[row],
            _ => ((BytesColumn)column)[row].ToArray(),
        });
    }

    /// <summary>For plans: the literal, short.</summary>
    public override string ToString() => Value switch
    {
        null => "NULL",
        byte[] text when Type is DataType.Binary or DataType.Varbinary => $"X'{Convert.ToHexString(text)}'",
        byte[] text => $"'{Encoding.UTF8.GetString(text).Replace("'", "''", StringComparison.Ordinal)}'",
        byte truth => truth == 0 ? "FALSE" : "TRUE",
        Int128 unscaled when Type is DataType.Decimal type => DecimalDigits.Format(unscaled, type.Scale),
        double number => number.ToString("R", CultureInfo.InvariantCulture) + "e0",
        IFormattable number => Type is DataType.Int or DataType.BigInt
            ? number.ToString(null, CultureInfo.InvariantCulture)
            : $"{Type.OrNull()} {number.ToString(null, CultureInfo.InvariantCulture)}",
        _ => Value.ToString()!,
    };
}
