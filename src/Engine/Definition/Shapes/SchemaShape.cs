using System.Collections.Immutable;
using System.Text.Json;
using Matih.Batches;
using Matih.Definition.Yaml;
using Matih.Sql;

namespace Matih.Definition.Shapes;

/// <summary>
/// A source's columns: a list of <c>{ name, type, required }</c>, or one string as in a Flink CREATE TABLE. Types that no
/// column of this engine holds are refused here, where their place is known.
/// </summary>
internal sealed class SchemaShape : Shape<RowType>
{
    /// <summary>Length of the string form, and of one type.</summary>
    private const int TextLengthMax = 64 * 1024;
    private const int TypeLengthMax = 1000;

    private static readonly Key<string> Name = new("name", new NameShape(Grammars.Column), "The field's name in the document and in SQL.")
    {
        IsRequired = true,
        Example = "user_id",
    };

    private static readonly Key<bool> Required = new("required", new FlagShape(), "Whether NULL is excluded, as `NOT NULL` in the type does: a record without the field is a bad one.")
    {
        DefaultText = "false",
    };

    private static readonly Key<string> Description = new("description", new TextShape("text"), "A remark; not used.");

    private readonly bool _holdsAny;
    private readonly Key<ColumnTypeText> _type;
    private readonly ListShape<BoundMapping> _list;

    /// <param name="holdsAny">Whether Flink alone fills the columns, so that every type of its is allowed.</param>
    public SchemaShape(bool holdsAny = false)
    {
        _holdsAny = holdsAny;
        _type = new("type", new ColumnTypeShape(holdsAny), "A type in Flink's words, such as `BIGINT`, `DECIMAL(10, 2)` or `TIMESTAMP(3)`.")
        {
            IsRequired = true,
            Example = "BIGINT",
        };
        _list = new("a list of { name, type }", new MappingShape(new KeySet("sources.NAME.schema[]", "A column of the source.", Name, _type, Required, Description)));
    }

    public override string Words => "a list of { name, type }, or one text as in CREATE TABLE";

    public override string Cell => $"{_list.Cell}; or one text as in `CREATE TABLE`: `id BIGINT NOT NULL, code STRING`";

    /// <summary>The reference describes both kinds of columns in one section.</summary>
    public override KeySet? Keys => _holdsAny ? null : _list.Keys;

    public override bool TryRead(YamlNode node, string path, ReadState state, out RowType value)
    {
        value = null!;
        return node switch
        {
            YamlNode.Scalar scalar => TryReadText(scalar, path, state, out value),
            YamlNode.Sequence => TryReadList(node, path, state, out value),
            _ => Refuse(node, path, state),
        };
    }

    private bool Refuse(YamlNode node, string path, ReadState state)
    {
        state.Report(node.Position, path, $"expected {Words}, found {node.Kind}");
        return false;
    }

    private bool TryReadText(YamlNode.Scalar scalar, string path, ReadState state, out RowType value)
    {
        value = null!;
        if (!state.TryResolve(scalar, path, out var text)) return false;
        if (text.Value.Length > TextLengthMax)
        {
            state.Report(scalar.Position, path, $"the schema has {Quantity.Of(text.Value.Length, "character")}; at most {Quantity.Count(TextLengthMax)} are allowed");
            return false;
        }
        if (!DataTypeSyntax.TryParseColumns(text.Value, out var columns, out var error))
        {
            state.Report(text.Positions.PositionAt(error.Offset), path, error.Message);
            return false;
        }
        var isHeld = true;
        var searched = 0;
        foreach (var column in columns.Fields)
        {
            var problem = !Grammars.Column.Accepts(column.Name) ? $"expected {Grammars.Column.Words}, found {Shown.Value(column.Name)}" : _holdsAny ? null : WhyNotHeld(column.Type);
            var at = FindWord(text.Value, column.Name, searched);
            if (at >= 0) searched = at + column.Name.Length;
            if (problem is null) continue;
            isHeld = false;
            at = Math.Max(0, at);
            state.Report(text.Positions.PositionAt(at), path, $"column {Shown.Value(column.Name)}: {problem}");
        }
        value = columns;
        return isHeld;
    }

    private static int FindWord(string text, string word, int from)
    {
        for (var at = text.IndexOf(word, from, StringComparison.Ordinal); at >= 0; at = text.IndexOf(word, at + 1, StringComparison.Ordinal))
        {
            var end = at + word.Length;
            if ((at == 0 || !IsWordPart(text[at - 1])) && (end == text.Length || !IsWordPart(text[end]))) return at;
        }
        return -1;

        static bool IsWordPart(char c) => char.IsLetterOrDigit(c) || c == '_';
    }

    private bool TryReadList(YamlNode node, string path, ReadState state, out RowType value)
    {
        value = null!;
        if (!_list.TryRead(node, path, state, out var columns)) return false;
        if (columns.IsEmpty)
        {
            state.Report(node.Position, path, "the schema is empty; leave it out to work with 'value' as text");
            return false;
        }
        var isWhole = columns.All(column => column.IsWhole);
        var first = new Dictionary<string, BoundMapping>(StringComparer.Ordinal);
        var fields = ImmutableArray.CreateBuilder<Field>();
        foreach (var column in columns.Where(column => column.Has(Name)))
        {
            var name = column.Get(Name);
            if (!first.TryAdd(name, column))
            {
                state.Report(column.PositionOf(Name), column.PathOf(Name), $"the column '{name}' stands twice, first in line {first[name].PositionOf(Name).Line}");
                isWhole = false;
            }
            if (!column.Has(_type)) continue;
            var type = column.Get(_type).Type;
            if (column.Has(Required) && !column.Get(Required) && !type.IsNullable)
            {
                state.Report(column.PositionOf(Required), column.PathOf(Required), "contradicts NOT NULL in the type; leave one of them out");
                isWhole = false;
            }
            fields.Add(new Field(name, column.Get(Required) ? type.NotNull() : type));
        }
        value = new RowType(fields.ToImmutable());
        return isWhole;
    }

    public override Shape? Below(string step) => _list.Below(step);

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("anyOf");
        writer.WriteStartObject();
        writer.WriteString("type", "string");
        writer.WriteEndObject();
        writer.WriteStartObject();
        _list.WriteSchema(writer);
        writer.WriteEndObject();
        writer.WriteEndArray();
    }

    /// <summary>Why this engine cannot fill a column of the type; null where it can.</summary>
    private static string? WhyNotHeld(DataType type) => type switch
    {
        DataType.DayTimeInterval or DataType.YearMonthInterval or DataType.Null => $"{type.Name} is no type of a field",
        DataType.Array array => WhyNotHeld(array.Element),
        DataType.Map { Key: not (DataType.Char or DataType.Varchar) } map =>
            $"the keys of a MAP are the names of a JSON object's members, which are STRING, not {map.Key.Name}; CAST the map in the SQL",
        DataType.Map map => WhyNotHeld(map.Value),
        DataType.Row { Type.Count: 0 } => "a ROW has at least one field",
        DataType.Row row => row.Type.Fields.Select(field => WhyNotHeld(field.Type)).FirstOrDefault(problem => problem is not null),
        _ => null,
    };

    /// <summary>A type that passed.</summary>
    internal sealed record ColumnTypeText(DataType Type);

    private sealed class ColumnTypeShape(bool holdsAny) : ScalarShape<ColumnTypeText>
    {
        public override string Words => "a type in Flink's words, such as BIGINT or DECIMAL(10, 2)";

        protected override bool TryParse(ResolvedText text, ReadState state, out ColumnTypeText value, out string? problem)
        {
            value = null!;
            problem = null;
            if (text.Value.Length is 0 or > TypeLengthMax) return false;
            if (!DataTypeSyntax.TryParse(text.Value, out var type, out var error))
            {
                problem = text.IsSubstituted || text.IsMultiLine ? null
                    : text.Value.Contains('(', StringComparison.Ordinal) && !text.Value.Contains(')', StringComparison.Ordinal)
                        ? $"found {text.Shown}, half of a type: in {{ }} a type with a comma needs quotes, such as 'DECIMAL(10, 2)'"
                        : error.Message;
                return false;
            }
            value = new ColumnTypeText(type);
            problem = holdsAny ? null : WhyNotHeld(type);
            return problem is null;
        }

        public override void WriteSchema(Utf8JsonWriter writer) => writer.WriteString("type", "string");
    }
}
