using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Matih.Batches;
using Matih.Json;
using Matih.Sql.Casting;
using Matih.Sql.Values;

namespace Matih.Sql.Strings;

/// <summary>Writes values of columns as JSON, as Flink's RowDataToJsonConverters and Jackson do.</summary>
internal static class JsonOutput
{
    private static readonly ConditionalWeakTable<RowType, (byte[] Name, int Index)[]> Members = [];

    /// <summary>What of the type Flink writes no JSON of; null where it does.</summary>
    public static string? WhyNot(DataType type) => type switch
    {
        DataType.Date or DataType.Time or DataType.DayTimeInterval or DataType.YearMonthInterval => type.Name,
        DataType.Array array => WhyNot(array.Element),
        DataType.Map { Key: not (DataType.Char or DataType.Varchar) } => type.Name,
        DataType.Map map => WhyNot(map.Value),
        DataType.Row row => row.Type.Fields.Select(field => WhyNot(field.Type)).FirstOrDefault(what => what is not null),
        _ => null,
    };

    public static void Write(ArrayBufferWriter<byte> target, Column column, int row)
    {
        if (column.IsNull(row))
        {
            target.Write("null"u8);
            return;
        }
        switch (column)
        {
            case FixedColumn<byte> truths: target.Write(truths.Values[row] == 0 ? "false"u8 : "true"u8); break;
            case FixedColumn<int> ints: WriteWhole(target, ints.Values[row]); break;
            case FixedColumn<long> longs when column.Type is DataType.BigInt: WriteWhole(target, longs.Values[row]); break;
            case FixedColumn<long> moments: WriteMoment(target, moments.Values[row], column.Type); break;
            case FixedColumn<Int128> decimals: WriteDecimal(target, decimals.Values[row], ((DataType.Decimal)column.Type).Scale); break;
            case FixedColumn<float> floats: WriteFloat(target, floats.Values[row]); break;
            case FixedColumn<double> doubles: JavaJsonText.WriteDouble(target, doubles.Values[row]); break;
            case BytesColumn texts when column.Type is DataType.Char or DataType.Varchar: JavaJsonText.WriteString(target, texts[row]); break;
            case BytesColumn bytes: WriteBytes(target, bytes[row]); break;
            case RowColumn fields: WriteRow(target, fields, row); break;
            case ListColumn map when column.Type is DataType.Map: WriteMap(target, map, row); break;
            default: WriteArray(target, (ListColumn)column, row); break;
        }
    }

    private static void WriteWhole(ArrayBufferWriter<byte> target, long value)
    {
        value.TryFormat(target.GetSpan(20), out var length, default, CultureInfo.InvariantCulture);
        target.Advance(length);
    }

    /// <summary>ISO 8601 with the digits of the fraction that there are; an instant in UTC.</summary>
    private static void WriteMoment(ArrayBufferWriter<byte> target, long value, DataType type)
    {
        var micros = TemporalText.MicrosOf(value, type, out var below);
        Span<byte> text = stackalloc byte[TemporalText.TimestampLengthMax];
        var fraction = text[..TemporalText.WriteTimestamp(micros, 9, text, (byte)'T', below)].TrimEnd((byte)'0');
        // Without a fraction the seconds keep their zeros.
        var length = fraction[^1] == '.' ? fraction.Length - 1 : fraction.Length;
        target.Write("\""u8);
        target.Write(text[..length]);
        target.Write(type is DataType.TimestampLtz ? "Z\""u8 : "\""u8);
    }

    /// <summary>As java.math.BigDecimal prints it without trailing zeros: an exponent where it is above 0 or the value below a millionth.</summary>
    private static void WriteDecimal(ArrayBufferWriter<byte> target, Int128 unscaled, int scale)
    {
        if (unscaled == 0)
        {
            target.Write("0"u8);
            return;
        }
        for (; unscaled % 10 == 0; unscaled /= 10) scale--;
        Span<byte> text = stackalloc byte[DecimalDigits.LengthMax];
        var digits = text[..DecimalDigits.Write(unscaled, 0, text)];
        var signLength = unscaled < 0 ? 1 : 0;
        var exponent = digits.Length - signLength - 1 - scale;
        if (scale >= 0 && exponent >= -6)
        {
            target.Write(text[..DecimalDigits.Write(unscaled, scale, text)]);
            return;
        }
        target.Write(digits[..(signLength + 1)]);
        if (digits.Length > signLength + 1)
        {
            target.Write("."u8);
            target.Write(digits[(signLength + 1)..]);
        }
        target.Write(exponent < 0 ? "E"u8 : "E+"u8);
        WriteWhole(target, exponent);
    }

    private static void WriteFloat(ArrayBufferWriter<byte> target, float value)
    {
        Span<byte> text = stackalloc byte[JsonNumber.FractionTextLengthMax];
        var number = text[..CastsToText.WriteFloat(value, text)];
        if (float.IsFinite(value)) target.Write(number);
        else JavaJsonText.WriteString(target, number);
    }

    private static void WriteBytes(ArrayBufferWriter<byte> target, ReadOnlySpan<byte> bytes)
    {
        target.Write("\""u8);
        Base64.EncodeToUtf8(bytes, target.GetSpan(Base64.GetMaxEncodedToUtf8Length(bytes.Length) + 1), out _, out var length);
        target.Advance(length);
        target.Write("\""u8);
    }

    private static void WriteArray(ArrayBufferWriter<byte> target, ListColumn lists, int row)
    {
        var start = lists.StartOf(row);
        target.Write("["u8);
        for (var i = 0; i < lists.LengthOf(row); i++)
        {
            if (i > 0) target.Write(","u8);
            Write(target, lists.Elements, start + i);
        }
        target.Write("]"u8);
    }

    /// <summary>Members in the order of their names.</summary>
    private static void WriteRow(ArrayBufferWriter<byte> target, RowColumn row, int at)
    {
        var members = Members.GetValue(((DataType.Row)row.Type).Type, static type => MembersOf(type));
        target.Write("{"u8);
        for (var i = 0; i < members.Length; i++)
        {
            if (i > 0) target.Write(","u8);
            target.Write(members[i].Name);
            Write(target, row.Fields[members[i].Index], at);
        }
        target.Write("}"u8);
    }

    /// <summary>The fields' names as JSON with the colon, in their order, and where the fields are.</summary>
    private static (byte[] Name, int Index)[] MembersOf(RowType type) =>
        [.. type.Fields.Select((field, index) => (field.Name, index)).OrderBy(field => field.Name, StringComparer.Ordinal).Select(field => (NameOf(field.Name), field.index))];

    /// <summary>A member's name as JSON, with the colon.</summary>
    public static byte[] NameOf(string name)
    {
        var text = new ArrayBufferWriter<byte>();
        JavaJsonText.WriteString(text, Encoding.UTF8.GetBytes(name));
        text.Write(":"u8);
        return text.WrittenSpan.ToArray();
    }

    /// <summary>Members in the order of their names.</summary>
    private static void WriteMap(ArrayBufferWriter<byte> target, ListColumn map, int row)
    {
        var entries = (RowColumn)map.Elements;
        var keys = (BytesColumn)entries.Fields[0];
        var order = Enumerable.Range(map.StartOf(row), map.LengthOf(row)).ToArray();
        Array.Sort(order, (left, right) => TextOrder.Compare(keys[left], keys[right]));
        target.Write("{"u8);
        for (var i = 0; i < order.Length; i++)
        {
            if (i > 0) target.Write(","u8);
            JavaJsonText.WriteString(target, keys[order[i]]);
            target.Write(":"u8);
            Write(target, entries.Fields[1], order[i]);
        }
        target.Write("}"u8);
    }
}
