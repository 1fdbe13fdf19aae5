using System.Collections.Immutable;
using System.Text;
using Matih.Batches;

namespace Matih.Decoding.Avro;

/// <summary>
/// Compiles a writer's schema into steps that fill columns, by Avro's rules of resolution: fields by name or by the reader's aliases,
/// numbers widened, defaults for what the writer does not have, whatever the reader does not want passed over.
/// </summary>
/// <remarks>Source: Apache Avro specification 1.12, "Schema Resolution".</remarks>
internal sealed class AvroCompiler
{
    private readonly AvroSkipping _skipping = new();
    private readonly List<AvroSchema.Record> _around = [];

    /// <param name="writer">The whole value's schema.</param>
    /// <exception cref="AvroSchemaException">The schemas cannot be brought together. Says at which field, and what both have there.</exception>
    public AvroNode Compile(AvroSchema writer, AvroTarget root) => writer is AvroSchema.Record record
        ? Record(record, root, null)
        : throw new AvroSchemaException($"the value is {writer.Name}, expected a record, whose fields are the columns");

    private AvroNode Node(AvroSchema writer, AvroTarget target)
    {
        if (writer is AvroSchema.Union union)
        {
            var branches = union.Branches.Select(branch => BranchOf(branch, target)).ToArray();
            if (branches.All(branch => branch is AvroFaultNode)) throw Mismatch(writer, target);
            return new AvroUnionNode(branches, target.Path);
        }
        if (writer is AvroSchema.Primitive { Kind: AvroSchema.PrimitiveKind.Null }) return Null(target);
        if (target.Column is RowColumn row && target.Reader is AvroSchema.Union split && AvroTypes.IsSplit(split)) return Member(writer, target, row, split);
        if (target.Column is RowColumn values && AvroTypes.IsSplit(writer)) throw Mismatch(writer, target.Path, values.Type);
        return writer switch
        {
            AvroSchema.Record record when target.Column is RowColumn fields => Record(record, target.ForFields(fields), fields),
            AvroSchema.Record record when target.Column is null => Record(record, target, null),
            AvroSchema.Array array when target.Column is ListColumn { Type: DataType.Array } list =>
                new AvroArrayNode(list, Node(array.Items, AvroTarget.Of(target.Path + "[*]", list.Elements, (target.ReaderOfValue as AvroSchema.Array)?.Items)), target.Path),
            AvroSchema.Map map when target.Column is ListColumn { Type: DataType.Map { Key: DataType.Char or DataType.Varchar } } list =>
                new AvroMapNode(list, Node(map.Values, AvroTarget.Of(target.Path + "[*]", ((RowColumn)list.Elements).Fields[1], (target.ReaderOfValue as AvroSchema.Map)?.Values)), target.Path),
            AvroSchema.Primitive primitive => Primitive(primitive, target),
            AvroSchema.Fixed type => Fixed(type, target),
            AvroSchema.Enum type when target.Column is BytesColumn { Type: DataType.Char or DataType.Varchar } texts => Enum(type, target, texts),
            _ => throw Mismatch(writer, target),
        };
    }

    /// <summary>A branch that cannot go into the column is a fault only of the records that have it.</summary>
    private AvroNode BranchOf(AvroSchema branch, AvroTarget target)
    {
        try
        {
            return Node(branch, target);
        }
        catch (AvroSchemaException mismatch)
        {
            return new AvroFaultNode(mismatch.Message);
        }
    }

    private static AvroNode Null(AvroTarget target) => target.IsNullable ? new AvroNullNode(target.Columns) : new AvroFaultNode($"field {target.Path}: null, expected NOT NULL");

    private AvroMemberNode Member(AvroSchema writer, AvroTarget target, RowColumn row, AvroSchema.Union reader)
    {
        // The branch of the same type and name; else the first into which the value can be widened.
        var order = Enumerable.Range(0, reader.Values.Length).OrderBy(i => IsSame(writer, reader.Values[i]) ? 0 : 1);
        foreach (var i in order)
        {
            if (BranchOf(writer, AvroTarget.Of($"{target.Path}.{AvroTypes.MemberName(i)}", row.Fields[i], reader.Values[i])) is not AvroFaultNode and var value) return new AvroMemberNode(row, i, value);
        }
        throw Mismatch(writer, target);
    }

    private static bool IsSame(AvroSchema writer, AvroSchema reader) => (writer, reader) switch
    {
        (AvroSchema.Primitive one, AvroSchema.Primitive other) => one.Kind == other.Kind && one.Meaning == other.Meaning,
        (AvroSchema.Named one, AvroSchema.Named other) => one.GetType() == other.GetType() && (one.FullName == other.FullName || other.Aliases.Contains(one.FullName)),
        _ => writer.GetType() == reader.GetType(),
    };

    /// <param name="row">The column of the whole record; null where only some of its fields are filled.</param>
    private AvroRecordNode Record(AvroSchema.Record writer, AvroTarget target, RowColumn? row)
    {
        if (_around.Contains(writer)) throw new AvroSchemaException($"field {target.Path} is the {writer.Name} that it lies in, which has no end");
        _around.Add(writer);
        var steps = new List<AvroNode>();
        var found = new HashSet<AvroTarget>();
        foreach (var field in writer.Fields)
        {
            var targets = target.Members.Where(member => IsFor(member, field.Name, writer)).Select(member => member.Target).ToList();
            foreach (var member in targets) found.Add(member);
            var nodes = targets.Select(member => Node(field.Type, member)).ToArray();
            steps.Add(nodes switch
            {
                [] => _skipping.NodeFor(field.Type, target.PathOf(field.Name)),
                [var one] => one,
                _ => new AvroTeeNode(nodes),
            });
        }
        foreach (var (_, member) in target.Members)
            if (!found.Contains(member)) steps.Add(Missed(writer, member));
        _around.RemoveAt(_around.Count - 1);
        return new AvroRecordNode([.. steps], row);
    }

    /// <summary>By name; by an alias where the writer has no field of that name.</summary>
    private static bool IsFor((string Name, AvroTarget Target) member, string field, AvroSchema.Record writer) =>
        member.Name == field || (member.Target.Field is { } known && known.Aliases.Contains(field) && writer.Fields.All(other => other.Name != member.Name));

    /// <summary>A field that the writer does not write: the reader's default, else NULL.</summary>
    private AvroNode Missed(AvroSchema.Record writer, AvroTarget target)
    {
        if (target.Field is { Default: { } value } field)
            return new AvroDefaultNode(AvroDefaults.Encode(field.Type, value, target.Path), Node(field.Type, target));
        return target.IsNullable
            ? new AvroNullNode(target.Columns)
            : throw new AvroSchemaException($"field {target.Path} is not in {writer.Name} (it has {string.Join(", ", writer.Fields.Select(other => other.Name))}), has no default, and must not be NULL");
    }

    private static AvroNode Primitive(AvroSchema.Primitive writer, AvroTarget target)
    {
        var path = target.Path;
        return (writer.Kind, writer.Meaning, target.Column) switch
        {
            (_, AvroMeaning.Date, FixedColumn<int> { Type: DataType.Date } days) => new AvroDateNode(days, path),
            (_, AvroMeaning.TimeMillis, FixedColumn<int> { Type: DataType.Time } times) => new AvroTimeNode(times, path, 1),
            (_, AvroMeaning.TimeMicros, FixedColumn<int> { Type: DataType.Time } times) => new AvroTimeNode(times, path, 1000),
            (_, >= AvroMeaning.TimestampMillis and <= AvroMeaning.LocalTimestampNanos, FixedColumn<long> { Type: DataType.Timestamp or DataType.TimestampLtz } moments) => Moment(writer.Meaning, path, moments),
            (_, AvroMeaning.Decimal, FixedColumn<Int128> decimals) => Decimal(writer, writer.Precision, writer.Scale, null, decimals, target),
            (AvroSchema.PrimitiveKind.Boolean, _, FixedColumn<byte> truths) => new AvroValueNode<byte, AvroBoolean>(truths),
            (AvroSchema.PrimitiveKind.Int, _, FixedColumn<int> { Type: DataType.Int } ints) => new AvroValueNode<int, AvroInt>(ints),
            (AvroSchema.PrimitiveKind.Int, AvroMeaning.Plain, FixedColumn<int> { Type: DataType.TinyInt } ints) => new AvroSmallIntNode(ints, path, sbyte.MinValue, sbyte.MaxValue),
            (AvroSchema.PrimitiveKind.Int, AvroMeaning.Plain, FixedColumn<int> { Type: DataType.SmallInt } ints) => new AvroSmallIntNode(ints, path, short.MinValue, short.MaxValue),
            (AvroSchema.PrimitiveKind.Int, _, FixedColumn<long> { Type: DataType.BigInt } longs) => new AvroValueNode<long, AvroIntAsLong>(longs),
            (AvroSchema.PrimitiveKind.Long, _, FixedColumn<long> { Type: DataType.BigInt } longs) => new AvroValueNode<long, AvroLong>(longs),
            (AvroSchema.PrimitiveKind.Int, AvroMeaning.Plain, FixedColumn<float> floats) => new AvroValueNode<float, AvroIntAsFloat>(floats),
            (AvroSchema.PrimitiveKind.Long, AvroMeaning.Plain, FixedColumn<float> floats) => new AvroValueNode<float, AvroLongAsFloat>(floats),
            (AvroSchema.PrimitiveKind.Float, _, FixedColumn<float> floats) => new AvroValueNode<float, AvroFloat>(floats),
            (AvroSchema.PrimitiveKind.Int, AvroMeaning.Plain, FixedColumn<double> doubles) => new AvroValueNode<double, AvroIntAsDouble>(doubles),
            (AvroSchema.PrimitiveKind.Long, AvroMeaning.Plain, FixedColumn<double> doubles) => new AvroValueNode<double, AvroLongAsDouble>(doubles),
            (AvroSchema.PrimitiveKind.Float, _, FixedColumn<double> doubles) => new AvroValueNode<double, AvroFloatAsDouble>(doubles),
            (AvroSchema.PrimitiveKind.Double, _, FixedColumn<double> doubles) => new AvroValueNode<double, AvroDouble>(doubles),
            (AvroSchema.PrimitiveKind.String or AvroSchema.PrimitiveKind.Bytes, _, BytesColumn { Type: DataType.Char or DataType.Varchar } texts) when writer.Meaning != AvroMeaning.Decimal => new AvroTextNode(texts, path),
            (AvroSchema.PrimitiveKind.String or AvroSchema.PrimitiveKind.Bytes, _, BytesColumn { Type: DataType.Varbinary } bytes) => new AvroBytesNode(bytes),
            _ => throw Mismatch(writer, target),
        };
    }

    private static AvroNode Fixed(AvroSchema.Fixed writer, AvroTarget target) => (writer.Meaning, target.Column) switch
    {
        (AvroMeaning.Decimal, FixedColumn<Int128> decimals) => Decimal(writer, writer.Precision, writer.Scale, writer.Size, decimals, target),
        (AvroMeaning.Uuid, BytesColumn { Type: DataType.Char or DataType.Varchar } texts) => new AvroUuidNode(texts),
        (AvroMeaning.Duration, RowColumn { Type: DataType.Row { Type.Count: 3 } } row) when row.RowType.Fields.All(field => field.Type is DataType.BigInt) => new AvroDurationNode(row),
        (_, BytesColumn { Type: DataType.Varbinary } bytes) => new AvroFixedNode(bytes, writer.Size),
        (_, BytesColumn { Type: DataType.Binary type } bytes) when type.Length == writer.Size => new AvroFixedNode(bytes, writer.Size),
        _ => throw Mismatch(writer, target),
    };

    private static AvroDecimalNode Decimal(AvroSchema writer, int precision, int scale, int? size, FixedColumn<Int128> column, AvroTarget target)
    {
        var type = (DataType.Decimal)column.Type;
        if (type.Scale < scale || type.Precision - type.Scale < precision - scale) throw Mismatch(writer, target);
        return new AvroDecimalNode(column, target.Path, size, DataType.Decimal.LimitOf(type.Scale - scale), DataType.Decimal.LimitOf(type.Precision));
    }

    private static AvroMomentNode Moment(AvroMeaning meaning, string path, FixedColumn<long> column)
    {
        var digits = meaning switch
        {
            AvroMeaning.TimestampMillis or AvroMeaning.LocalTimestampMillis => 3,
            AvroMeaning.TimestampMicros or AvroMeaning.LocalTimestampMicros => 6,
            _ => 9,
        };
        var held = column.Type.HasNanoseconds ? 9 : 6;
        var precision = column.Type.TimestampPrecision;
        return new AvroMomentNode(column, path, PowerOf10(held - digits), PowerOf10(digits - held), precision < digits ? PowerOf10(held - precision) : 1);
    }

    private static long PowerOf10(int exponent) => (long)DataType.Decimal.LimitOf(exponent);

    private static AvroEnumNode Enum(AvroSchema.Enum writer, AvroTarget target, BytesColumn column)
    {
        var reader = target.ReaderOfValue as AvroSchema.Enum;
        return new AvroEnumNode(column, target.Path, [.. writer.Symbols.Select(TextOf)], writer.Symbols);

        byte[]? TextOf(string symbol)
        {
            var text = reader is null || reader.Symbols.Contains(symbol) ? symbol : reader.Default;
            return text is null ? null : Encoding.UTF8.GetBytes(text);
        }
    }

    private static AvroSchemaException Mismatch(AvroSchema writer, AvroTarget target) => Mismatch(writer, target.Path, target.Type);

    private static AvroSchemaException Mismatch(AvroSchema writer, string path, DataType type) => new($"field {path}: the writer's {writer.Name} cannot be read as {type.OrNull()}");
}
