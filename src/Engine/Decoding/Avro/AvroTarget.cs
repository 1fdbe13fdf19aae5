using System.Collections.Immutable;
using Matih.Batches;

namespace Matih.Decoding.Avro;

/// <summary>Where the values of a field go: into a column, into those of some of its fields, or into both.</summary>
/// <param name="path">For messages: <c>customer.name</c>, <c>lines[*].sku</c>.</param>
/// <param name="type">What the query takes the field for; <see cref="DataType.Row"/> where only <see cref="Members"/> are filled.</param>
internal sealed class AvroTarget(string path, DataType type)
{
    public string Path { get; } = path;

    public DataType Type { get; } = type;

    /// <summary>The column of the whole value; null where only members are filled.</summary>
    public Column? Column { get; private init; }

    /// <summary>The fields of the row whose own columns are filled.</summary>
    public List<(string Name, AvroTarget Target)> Members { get; } = [];

    /// <summary>What the definition takes the field's schema for; null where it gives columns alone.</summary>
    public AvroSchema? Reader { get; private init; }

    /// <summary><see cref="Reader"/> without null, where nothing else is beside it.</summary>
    public AvroSchema? ReaderOfValue => Reader is AvroSchema.Union { Values: [var only] } ? only : Reader;

    /// <summary>The reader's field, for its aliases and its default; null at the top, and where there is none.</summary>
    public AvroField? Field { get; private init; }

    /// <summary>The columns that get one value, or NULL, for each value of this field.</summary>
    public ImmutableArray<Column> Columns => Column is null ? [.. Members.SelectMany(member => member.Target.Columns)] : [Column];

    public bool IsNullable => Type.IsNullable;

    /// <summary>A target that fills that column.</summary>
    public static AvroTarget Of(string path, Column column, AvroSchema? reader, AvroField? field = null) => new(path, column.Type) { Column = column, Reader = reader, Field = field };

    /// <summary>The whole value of a record: the targets of the input columns that are its fields.</summary>
    /// <param name="columns">For each input its column.</param>
    /// <param name="reader">The reader's schema; null where the definition gives columns alone.</param>
    public static AvroTarget Root(IReadOnlyList<InputColumn> inputs, Func<int, Column> columns, AvroSchema? reader)
    {
        var root = new AvroTarget("", new DataType.Row(new RowType([])) { IsNullable = false }) { Reader = reader };
        var rows = new Dictionary<string, AvroTarget>(StringComparer.Ordinal);
        for (var i = 0; i < inputs.Count; i++)
        {
            switch (inputs[i])
            {
                case InputColumn.SchemaField field: root.Add(field.FieldName, columns(i)); break;
                case InputColumn.NestedField field: Group(field.Parent).Add(field.FieldName, columns(i)); break;
            }
        }
        return root;

        AvroTarget Group(InputColumn input)
        {
            if (rows.TryGetValue(input.Name, out var known)) return known;
            var (parent, name) = input is InputColumn.NestedField nested ? (Group(nested.Parent), nested.FieldName) : (root, ((InputColumn.SchemaField)input).FieldName);
            var found = parent.FieldOf(name);
            var group = new AvroTarget(parent.PathOf(name), input.Type) { Reader = found?.Type, Field = found };
            parent.Members.Add((name, group));
            return rows[input.Name] = group;
        }
    }

    public void Add(string name, Column column)
    {
        var field = FieldOf(name);
        Members.Add((name, Of(PathOf(name), column, field?.Type, field)));
    }

    /// <summary>The targets of a row column's fields.</summary>
    public AvroTarget ForFields(RowColumn column)
    {
        var fields = new AvroTarget(Path, Type) { Reader = Reader };
        for (var i = 0; i < column.Fields.Length; i++) fields.Add(column.RowType[i].Name, column.Fields[i]);
        return fields;
    }

    /// <summary>The path of a field.</summary>
    public string PathOf(string name) => Path.Length == 0 ? name : $"{Path}.{name}";

    /// <summary>The reader's field of that name, where the value is a record or, besides null, can be nothing else.</summary>
    private AvroField? FieldOf(string name) =>
        ReaderOfValue is AvroSchema.Record record ? record.Fields.FirstOrDefault(field => field.Name == name) : null;
}
