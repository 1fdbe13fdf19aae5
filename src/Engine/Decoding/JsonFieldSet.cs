using Matih.Batches;
using Matih.Json;

namespace Matih.Decoding;

/// <summary>The fields of one decoder, or of the elements of one array: a tree for each column, and the list of all places that are read.</summary>
internal sealed class JsonFieldSet(TimestampStandard standard)
{
    private readonly List<JsonField> _all = [];
    private readonly List<JsonField> _filled = [];
    private readonly Dictionary<string, JsonField> _rows = new(StringComparer.Ordinal);

    /// <summary>Every place, by <see cref="JsonField.PathIndex"/>.</summary>
    public IReadOnlyList<JsonField> All => _all;

    /// <summary>The fields that are filled by themselves: one for each column, behind the rows that it lies in.</summary>
    public IReadOnlyList<JsonField> Filled => _filled;

    /// <summary>Refuses types that format json cannot fill; to be asked before columns are made.</summary>
    /// <exception cref="NotSupportedException">Names the field.</exception>
    public static void Require(InputColumn input)
    {
        if (input is InputColumn.SchemaField or InputColumn.NestedField) Require(input.Name, input.Type);
    }

    /// <summary>Adds the field of an input column; none for one that does not come from the document.</summary>
    /// <exception cref="ArgumentException">A path is malformed.</exception>
    public void Add(InputColumn input, Column column)
    {
        switch (input)
        {
            case InputColumn.JsonScalar scalar: _filled.Add(Place(scalar.Name, scalar.Type, Parse(scalar.Path), JsonConversion.Scalar, column, null)); break;
            case InputColumn.SchemaField field: _filled.Add(Build(field.Name, field.Type, StepsTo(field), column, null)); break;
            case InputColumn.NestedField field:
                var around = RowAround(field.Parent);
                _filled.Add(Build(field.Name, field.Type, StepsTo(field), column, around));
                break;
        }
    }

    /// <summary>A row that is not filled, but must be an object where it is there; one for all fields in it.</summary>
    private JsonField RowAround(InputColumn input)
    {
        if (_rows.TryGetValue(input.Name, out var known)) return known;
        var around = input is InputColumn.NestedField nested ? RowAround(nested.Parent) : null;
        var row = Place(input.Name, input.Type, PathOf(StepsTo(input)), JsonConversion.Row, null, around);
        _filled.Add(row);
        return _rows[input.Name] = row;
    }

    private JsonField Build(string name, DataType type, JsonPathStep[] steps, Column column, JsonField? parent)
    {
        var field = Place(name, type, PathOf(steps), ConversionOf(name, type), column, parent);
        switch (column)
        {
            case RowColumn row:
                for (var i = 0; i < row.Fields.Length; i++)
                {
                    var member = row.RowType[i];
                    field.Members = field.Members.Add(Build($"{name}.{member.Name}", member.Type, [.. steps, new JsonPathStep.Member(member.Name)], row.Fields[i], field));
                }
                break;
            case ListColumn list:
                var elements = new JsonFieldSet(standard);
                var isMap = type is DataType.Map;
                var values = isMap ? ((RowColumn)list.Elements).Fields[1] : list.Elements;
                elements._filled.Add(elements.Build(name + "[*]", values.Type, [], values, null));
                field.Elements = new JsonElements(elements) { Names = isMap ? new MemberNames() : null };
                break;
        }
        return field;
    }

    private JsonField Place(string name, DataType type, JsonPath path, JsonConversion conversion, Column? column, JsonField? parent)
    {
        var field = new JsonField(name, type, path, _all.Count, conversion, column, parent, standard);
        _all.Add(field);
        return field;
    }

    private static JsonPathStep[] StepsTo(InputColumn input) => input switch
    {
        InputColumn.NestedField field => [.. StepsTo(field.Parent), new JsonPathStep.Member(field.FieldName)],
        _ => [new JsonPathStep.Member(input.Name)],
    };

    private static JsonPath PathOf(JsonPathStep[] steps) =>
        new("$" + string.Concat(steps.OfType<JsonPathStep.Member>().Select(step => $"['{step.Name}']")), JsonPathMode.Strict, false, [.. steps], null);

    private static void Require(string name, DataType type)
    {
        switch (type)
        {
            case DataType.Row row:
                foreach (var field in row.Type.Fields) Require($"{name}.{field.Name}", field.Type);
                break;
            case DataType.Array array: Require(name + "[*]", array.Element); break;
            case DataType.Map map:
                if (map.Key is not (DataType.Char or DataType.Varchar))
                    throw new NotSupportedException($"Field {name}: the members of a JSON object have strings as names, so that a MAP of format json has STRING keys, not {map.Key.Name}.");
                Require(name + "[*]", map.Value);
                break;
            default: ConversionOf(name, type); break;
        }
    }

    private static JsonConversion ConversionOf(string name, DataType type) => type switch
    {
        DataType.Boolean => JsonConversion.Boolean,
        DataType.TinyInt => JsonConversion.TinyInt,
        DataType.SmallInt => JsonConversion.SmallInt,
        DataType.Int => JsonConversion.Int,
        DataType.BigInt => JsonConversion.BigInt,
        DataType.Float => JsonConversion.Float,
        DataType.Double => JsonConversion.Double,
        DataType.Decimal => JsonConversion.Decimal,
        DataType.Char or DataType.Varchar => JsonConversion.Text,
        DataType.Binary => JsonConversion.FixedBytes,
        DataType.Varbinary => JsonConversion.Bytes,
        DataType.Date => JsonConversion.Date,
        DataType.Time => JsonConversion.Time,
        DataType.Timestamp => JsonConversion.Timestamp,
        DataType.TimestampLtz => JsonConversion.TimestampLtz,
        DataType.Row => JsonConversion.Row,
        DataType.Array => JsonConversion.Array,
        DataType.Map => JsonConversion.Map,
        _ => throw new NotSupportedException($"Field {name}: format json gives no {type} columns."),
    };

    private static JsonPath Parse(string text)
    {
        if (JsonPath.TryParse(text, out var path, out var error, out var offset)) return path;
        throw new ArgumentException($"JSON path '{text}', offset {offset}: {error}.");
    }
}
