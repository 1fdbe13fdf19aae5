using System.Collections.Immutable;
using System.Text.Unicode;
using Matih.Batches;

namespace Matih.Decoding.Avro;

/// <summary>One step of a compiled schema: reads what the writer wrote at one place, and appends it where it goes.</summary>
internal abstract class AvroNode
{
    public abstract void Read(ref AvroReader reader);
}

/// <summary>Reads one value and converts it for a column.</summary>
internal interface IAvroValue<T> where T : unmanaged
{
    static abstract T Read(ref AvroReader reader);
}

internal readonly struct AvroBoolean : IAvroValue<byte> { public static byte Read(ref AvroReader reader) => reader.ReadBoolean() ? (byte)1 : (byte)0; }
internal readonly struct AvroInt : IAvroValue<int> { public static int Read(ref AvroReader reader) => reader.ReadInt(); }
internal readonly struct AvroIntAsLong : IAvroValue<long> { public static long Read(ref AvroReader reader) => reader.ReadInt(); }
internal readonly struct AvroLong : IAvroValue<long> { public static long Read(ref AvroReader reader) => reader.ReadLong(); }
internal readonly struct AvroIntAsFloat : IAvroValue<float> { public static float Read(ref AvroReader reader) => reader.ReadInt(); }
internal readonly struct AvroLongAsFloat : IAvroValue<float> { public static float Read(ref AvroReader reader) => reader.ReadLong(); }
internal readonly struct AvroFloat : IAvroValue<float> { public static float Read(ref AvroReader reader) => reader.ReadFloat(); }
internal readonly struct AvroIntAsDouble : IAvroValue<double> { public static double Read(ref AvroReader reader) => reader.ReadInt(); }
internal readonly struct AvroLongAsDouble : IAvroValue<double> { public static double Read(ref AvroReader reader) => reader.ReadLong(); }
internal readonly struct AvroFloatAsDouble : IAvroValue<double> { public static double Read(ref AvroReader reader) => reader.ReadFloat(); }
internal readonly struct AvroDouble : IAvroValue<double> { public static double Read(ref AvroReader reader) => reader.ReadDouble(); }

/// <summary>A value that only has to be read.</summary>
internal sealed class AvroValueNode<T, TValue>(FixedColumn<T> column) : AvroNode where T : unmanaged where TValue : struct, IAvroValue<T>
{
    public override void Read(ref AvroReader reader) => column.Append(TValue.Read(ref reader));
}

/// <summary>An int for TINYINT or SMALLINT.</summary>
internal sealed class AvroSmallIntNode(FixedColumn<int> column, string path, int min, int max) : AvroNode
{
    private readonly string _fault = $"field {path}: the int lies outside of {column.Type.OrNull()}";

    public override void Read(ref AvroReader reader)
    {
        var value = reader.ReadInt();
        if (value < min || value > max) reader.Fail(_fault);
        column.Append(value);
    }
}

/// <summary>Days of the years 0 to 9999, as everywhere.</summary>
internal sealed class AvroDateNode(FixedColumn<int> column, string path) : AvroNode
{
    public const int DayMin = -719_528;
    public const int DayMax = 2_932_896;
    private readonly string _fault = $"field {path}: the date lies outside of the years 0000 to 9999";

    public override void Read(ref AvroReader reader)
    {
        var days = reader.ReadInt();
        if (days is < DayMin or > DayMax) reader.Fail(_fault);
        column.Append(days);
    }
}

/// <summary>A time of day, as milliseconds.</summary>
/// <param name="unitsPerMilli">1000 for microseconds, whose last three digits are cut.</param>
internal sealed class AvroTimeNode(FixedColumn<int> column, string path, int unitsPerMilli) : AvroNode
{
    private const long MillisPerDay = 86_400_000;
    private readonly string _fault = $"field {path}: a time of day outside of 00:00 to 24:00";

    public override void Read(ref AvroReader reader)
    {
        var value = reader.ReadLong();
        if (value < 0 || value >= MillisPerDay * unitsPerMilli) reader.Fail(_fault);
        column.Append((int)(value / unitsPerMilli));
    }
}

/// <summary>A moment, in another unit or cut to a precision.</summary>
/// <param name="multiplier">Of the writer's number; then <paramref name="unit"/> cuts it.</param>
/// <param name="divisor">Of the writer's number, rounded down.</param>
/// <param name="unit">The column's units of the last digit that is kept.</param>
internal sealed class AvroMomentNode(FixedColumn<long> column, string path, long multiplier, long divisor, long unit) : AvroNode
{
    private const long MicrosPerDay = 86_400_000_000;
    private readonly string _fault = $"field {path}: the moment lies outside of {(column.Type.HasNanoseconds ? Nanoseconds.Range : "the years 0000 to 9999")}";
    private readonly long _min = column.Type.HasNanoseconds ? long.MinValue + 1 : AvroDateNode.DayMin * MicrosPerDay;
    private readonly long _max = column.Type.HasNanoseconds ? long.MaxValue - 1 : (AvroDateNode.DayMax + 1) * MicrosPerDay - 1;

    public override void Read(ref AvroReader reader)
    {
        var value = reader.ReadLong();
        if (divisor > 1) value = Floor(value, divisor);
        if (multiplier > 1)
        {
            var wide = Math.BigMul(value, multiplier, out var low);
            if (wide != low >> 63) reader.Fail(_fault);
            value = low;
        }
        if (value < _min || value > _max) reader.Fail(_fault);
        else if (unit > 1) value = Floor(value, unit) * unit;
        column.Append(value);
    }

    private static long Floor(long value, long by)
    {
        var quotient = Math.DivRem(value, by, out var rest);
        return rest < 0 ? quotient - 1 : quotient;
    }
}

internal sealed class AvroBytesNode(BytesColumn column) : AvroNode
{
    public override void Read(ref AvroReader reader) => reader.ReadBytesTo(column);
}

internal sealed class AvroFixedNode(BytesColumn column, int size) : AvroNode
{
    public override void Read(ref AvroReader reader) => column.Append(reader.ReadFixed(size));
}

internal sealed class AvroTextNode(BytesColumn column, string path) : AvroNode
{
    private readonly string _fault = $"field {path}: invalid UTF-8, expected a string";

    public override void Read(ref AvroReader reader)
    {
        reader.ReadBytesTo(column);
        if (reader.ChecksTexts && !reader.HasFailed && !Utf8.IsValid(column[column.Count - 1])) reader.Fail(_fault);
    }
}

internal sealed class AvroUuidNode(BytesColumn column) : AvroNode
{
    private const int TextLength = 36;

    public override void Read(ref AvroReader reader)
    {
        var bytes = reader.ReadFixed(16);
        var id = bytes.IsEmpty ? Guid.Empty : new Guid(bytes, bigEndian: true);
        id.TryFormat(column.Begin(TextLength), out var length);
        column.End(length);
    }
}

/// <param name="symbols">For each of the writer's symbols its text; null where the reader knows none for it.</param>
internal sealed class AvroEnumNode(BytesColumn column, string path, ImmutableArray<byte[]?> symbols, ImmutableArray<string> names) : AvroNode
{
    public override void Read(ref AvroReader reader)
    {
        var index = reader.ReadLong();
        if ((ulong)index >= (ulong)symbols.Length) reader.Fail($"field {path}: symbol {index} of an enum that has {symbols.Length}", $"field {path}: a symbol that the enum does not have");
        else if (symbols[(int)index] is { } text)
        {
            column.Append(text);
            return;
        }
        else reader.Fail($"field {path}: the symbol '{names[(int)index]}' is not one of the reader's enum, which has no default");
        column.Append(default);
    }
}

/// <summary>The unscaled value as big-endian two's complement.</summary>
/// <param name="size">Bytes of a fixed; null where the length stands before them.</param>
/// <param name="multiplier">What makes the scale that of the column.</param>
/// <param name="limit">The first number of more digits than the column has.</param>
internal sealed class AvroDecimalNode(FixedColumn<Int128> column, string path, int? size, Int128 multiplier, Int128 limit) : AvroNode
{
    private readonly string _fault = $"field {path}: the decimal has more digits than {column.Type.OrNull()}";

    public override void Read(ref AvroReader reader)
    {
        var bytes = size is { } length ? reader.ReadFixed(length) : reader.ReadBytes();
        if (!TryRead(bytes, out var value) || Int128.Abs(value) >= limit / multiplier) reader.Fail(_fault);
        else value *= multiplier;
        column.Append(value);
    }

    /// <summary>A number of at most 16 bytes, and those before them only its sign.</summary>
    private static bool TryRead(ReadOnlySpan<byte> bytes, out Int128 value)
    {
        value = !bytes.IsEmpty && (bytes[0] & 0x80) != 0 ? -1 : 0;
        var sign = (byte)value;
        while (bytes.Length > 16 && bytes[0] == sign) bytes = bytes[1..];
        if (bytes.Length > 16 || (bytes.Length == 16 && ((bytes[0] ^ sign) & 0x80) != 0)) return false;
        foreach (var next in bytes) value = (value << 8) | next;
        return value != Int128.MinValue;
    }
}

/// <summary>Months, days and milliseconds, little-endian.</summary>
internal sealed class AvroDurationNode(RowColumn column) : AvroNode
{
    public override void Read(ref AvroReader reader)
    {
        var bytes = reader.ReadFixed(12);
        for (var i = 0; i < 3; i++) ((FixedColumn<long>)column.Fields[i]).Append(bytes.IsEmpty ? 0 : System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes[(4 * i)..]));
        column.EndRow();
    }
}

/// <summary>NULL into the columns of a target; nothing is read.</summary>
internal sealed class AvroNullNode(ImmutableArray<Column> columns) : AvroNode
{
    public override void Read(ref AvroReader reader)
    {
        foreach (var column in columns) column.AppendNull();
    }
}

/// <summary>A value that cannot go where it should.</summary>
internal sealed class AvroFaultNode(string fault) : AvroNode
{
    public override void Read(ref AvroReader reader) => reader.Fail(fault);
}

/// <summary>A field that the writer does not write: its default, which is read again each time.</summary>
internal sealed class AvroDefaultNode(byte[] value, AvroNode node) : AvroNode
{
    public override void Read(ref AvroReader reader)
    {
        var inner = new AvroReader(value, reader.ChecksTexts);
        node.Read(ref inner);
        if (inner.HasFailed) reader.Fail(inner.Fault!);
    }
}

/// <summary>The fields in the writer's order, then those that it does not write.</summary>
/// <param name="row">The column whose row is complete then; null where the fields are columns of their own.</param>
internal sealed class AvroRecordNode(AvroNode[] steps, RowColumn? row) : AvroNode
{
    public override void Read(ref AvroReader reader)
    {
        foreach (var step in steps) step.Read(ref reader);
        row?.EndRow();
    }
}

/// <summary>One value for several columns: a row, and fields of it by themselves.</summary>
internal sealed class AvroTeeNode(AvroNode[] nodes) : AvroNode
{
    public override void Read(ref AvroReader reader)
    {
        var start = reader.Position;
        for (var i = 0; i < nodes.Length; i++)
        {
            if (i > 0) reader.Return(start);
            nodes[i].Read(ref reader);
        }
    }
}

/// <summary>The branch's number, then its value.</summary>
internal sealed class AvroUnionNode(AvroNode[] branches, string path) : AvroNode
{
    public override void Read(ref AvroReader reader)
    {
        var index = reader.ReadLong();
        if ((ulong)index < (ulong)branches.Length) branches[index].Read(ref reader);
        else reader.Fail($"field {path}: branch {index} of a union that has {branches.Length}", $"field {path}: a branch that the union does not have");
    }
}

/// <summary>One branch of a union whose values are in the fields of a row: the others are NULL.</summary>
internal sealed class AvroMemberNode(RowColumn row, int index, AvroNode value) : AvroNode
{
    public override void Read(ref AvroReader reader)
    {
        for (var i = 0; i < row.Fields.Length; i++)
        {
            if (i == index) value.Read(ref reader);
            else row.Fields[i].AppendNull();
        }
        row.EndRow();
    }
}

internal sealed class AvroArrayNode(ListColumn column, AvroNode items, string path) : AvroNode
{
    public override void Read(ref AvroReader reader)
    {
        AvroBlocks.Read(ref reader, items, path);
        if (!reader.HasFailed) column.EndRow();
    }
}

/// <summary>Entries of a string and a value; a key that comes twice is a fault.</summary>
internal sealed class AvroMapNode : AvroNode
{
    private const int FewEntries = 8;
    private readonly ListColumn _column;
    private readonly RowColumn _entries;
    private readonly BytesColumn _keys;
    private readonly AvroNode _entry;
    private readonly string _path;

    public AvroMapNode(ListColumn column, AvroNode value, string path)
    {
        (_column, _path) = (column, path);
        _entries = (RowColumn)column.Elements;
        _keys = (BytesColumn)_entries.Fields[0];
        _entry = new AvroRecordNode([new AvroTextNode(_keys, path + " (a key)"), value], _entries);
    }

    public override void Read(ref AvroReader reader)
    {
        var first = _entries.Count;
        AvroBlocks.Read(ref reader, _entry, _path);
        if (reader.HasFailed) return;
        if (FindTwice(first) is { } twice) reader.Fail($"field {_path}: the key '{Convert.ToHexString(_keys[twice])}' (hexadecimal) comes twice", $"field {_path}: a key comes twice");
        else _column.EndRow();
    }

    private int? FindTwice(int first)
    {
        var count = _entries.Count - first;
        if (count <= FewEntries)
        {
            for (var i = first + 1; i < _entries.Count; i++)
                for (var j = first; j < i; j++)
                    if (_keys[i].SequenceEqual(_keys[j])) return i;
            return null;
        }
        var order = new int[count];
        for (var i = 0; i < count; i++) order[i] = first + i;
        order.AsSpan().Sort((left, right) => _keys[left].SequenceCompareTo(_keys[right]));
        for (var i = 1; i < count; i++)
            if (_keys[order[i]].SequenceEqual(_keys[order[i - 1]])) return order[i];
        return null;
    }
}

/// <summary>The blocks of an array or a map.</summary>
internal static class AvroBlocks
{
    /// <summary>Items that take no bytes (null, a record without fields) could be named in any number.</summary>
    private const int EmptyItemsMax = 1_000_000;

    public static void Read(ref AvroReader reader, AvroNode item, string path)
    {
        var empty = 0;
        for (var count = reader.ReadBlock(out _); count != 0 && !reader.HasFailed; count = reader.ReadBlock(out _)) ReadItems(ref reader, count, item, path, ref empty);
    }

    /// <param name="empty">How many items of the value took no bytes so far.</param>
    public static void ReadItems(ref AvroReader reader, long count, AvroNode item, string path, ref int empty)
    {
        for (var i = 0L; i < count; i++)
        {
            var start = reader.Position;
            item.Read(ref reader);
            if (reader.HasFailed) return;
            if (reader.Position != start || ++empty <= EmptyItemsMax) continue;
            reader.Fail($"field {path}: more than {EmptyItemsMax} items without bytes");
            return;
        }
    }
}
