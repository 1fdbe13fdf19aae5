using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Matih.Batches;

namespace Matih.Engine.Tests.Batches;

/// <summary>
/// Random types of any depth with random values: null, a number (of a DECIMAL its unscaled digits, of a DATE its days), a text, bytes, or a list of these for ARRAY (its elements), MAP (lists
/// of a key and a value) and ROW (its fields). The plain form in which columns are compared with what they were made of.
/// </summary>
internal static class NestedValues
{
    /// <param name="isWide">Whether DECIMAL, DATE and BINARY are among the types.</param>
    public static DataType RandomType(Random random, int depthMax, bool isWide = false)
    {
        var type = (depthMax == 0 ? random.Next(4) : random.Next(7)) switch
        {
            < 4 when isWide && random.Next(2) == 0 => RandomWide(random),
            0 => new DataType.Int(),
            1 => new DataType.BigInt(),
            2 => DataType.String,
            3 => (DataType)new DataType.Double(),
            4 => new DataType.Array(RandomType(random, depthMax - 1, isWide)),
            5 => new DataType.Map(DataType.String, RandomType(random, depthMax - 1, isWide)),
            _ => RandomRow(random, depthMax - 1, isWide),
        };
        return random.Next(4) == 0 ? type.NotNull() : type;
    }

    private static DataType RandomWide(Random random) => random.Next(5) switch
    {
        0 => new DataType.Decimal(5, 2),
        1 => new DataType.Decimal(18, 4),
        2 => new DataType.Decimal(30, 10),
        3 => new DataType.Date(),
        _ => new DataType.Binary(random.Next(2) == 0 ? 16 : 3),
    };

    public static DataType.Row RandomRow(Random random, int depthMax, bool isWide = false) =>
        new(new RowType([.. Enumerable.Range(0, random.Next(1, 4)).Select(i => new Field("f" + i.ToString(CultureInfo.InvariantCulture), RandomType(random, depthMax, isWide)))]));

    public static object? RandomValue(DataType type, Random random)
    {
        if (type.IsNullable && random.Next(5) == 0) return null;
        return type switch
        {
            DataType.Int => random.Next(-50, 50),
            DataType.BigInt => random.NextInt64(),
            DataType.Double => random.Next(100) / 4.0,
            DataType.Decimal number => (Int128)random.NextInt64(-99_999, 100_000) * (number.Precision > 18 ? 1_000_000_000_000_000_000 : number.Precision > 9 ? 1_000_000_000 : 1),
            DataType.Date => random.Next(-25_000, 30_000),
            DataType.Binary bytes => Enumerable.Range(0, bytes.Length).Select(_ => (byte)random.Next(256)).ToArray(),
            DataType.Varchar => "t" + new string('x', random.Next(6)),
            DataType.Array array => Enumerable.Range(0, random.Next(4)).Select(_ => RandomValue(array.Element, random)).ToArray(),
            DataType.Map map => Enumerable.Range(0, random.Next(4)).Select(i => (object?)new[] { "k" + i.ToString(CultureInfo.InvariantCulture), RandomValue(map.Value, random) }).ToArray(),
            DataType.Row row => row.Type.Fields.Select(field => RandomValue(field.Type, random)).ToArray(),
            _ => throw new ArgumentException(type.Name),
        };
    }

    public static void Append(Column column, object? value)
    {
        switch (column, value)
        {
            case (_, null): column.AppendNull(); break;
            case (FixedColumn<int> to, int v): to.Append(v); break;
            case (FixedColumn<long> to, long v): to.Append(v); break;
            case (FixedColumn<double> to, double v): to.Append(v); break;
            case (FixedColumn<Int128> to, Int128 v): to.Append(v); break;
            case (BytesColumn to, byte[] v): to.Append(v); break;
            case (BytesColumn to, string v): to.Append(Encoding.UTF8.GetBytes(v)); break;
            case (ListColumn to, object?[] elements):
                foreach (var element in elements) Append(to.Elements, element);
                to.EndRow();
                break;
            case (RowColumn to, object?[] fields):
                for (var i = 0; i < fields.Length; i++) Append(to.Fields[i], fields[i]);
                to.EndRow();
                break;
            default: throw new ArgumentException($"{value} does not go into {column.Type}.");
        }
    }

    public static object? ValueAt(Column column, int row)
    {
        if (column.IsNull(row)) return null;
        return column switch
        {
            FixedColumn<int> from => from.Values[row],
            FixedColumn<long> from => from.Values[row],
            FixedColumn<double> from => from.Values[row],
            FixedColumn<Int128> from => from.Values[row],
            BytesColumn { Type: DataType.Binary } from => from[row].ToArray(),
            BytesColumn from => Encoding.UTF8.GetString(from[row]),
            ListColumn from => Enumerable.Range(from.StartOf(row), from.LengthOf(row)).Select(element => ValueAt(from.Elements, element)).ToArray(),
            RowColumn from => Enumerable.Range(0, from.Fields.Length).Select(i => ValueAt(from.Fields[i], row)).ToArray(),
            _ => throw new ArgumentException(column.Type.Name),
        };
    }

    /// <summary>A value's text: <c>null</c>, <c>1.5</c>, <c>[a, [b, null]]</c>.</summary>
    public static string Text(object? value) => value switch
    {
        null => "null",
        byte[] bytes => Convert.ToHexString(bytes),
        object?[] parts => "[" + string.Join(", ", parts.Select(Text)) + "]",
        _ => string.Create(CultureInfo.InvariantCulture, $"{value}"),
    };

    /// <summary>The text of all rows.</summary>
    public static ImmutableArray<string> Rows(Column column) => [.. Enumerable.Range(0, column.Count).Select(row => Text(ValueAt(column, row)))];
}
