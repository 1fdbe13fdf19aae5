using System.Collections.Immutable;

namespace Matih.Batches;

/// <summary>A named, typed column of a row.</summary>
public sealed record Field(string Name, DataType Type);

/// <summary>The ordered columns of a batch, a query or a table. Names are unique and case-sensitive, as in Flink.</summary>
public sealed record RowType(ImmutableArray<Field> Fields)
{
    public int Count => Fields.Length;

    public Field this[int index] => Fields[index];

    /// <summary>The position of the field of that exact name, or -1.</summary>
    public int IndexOf(string name)
    {
        for (var i = 0; i < Fields.Length; i++)
            if (Fields[i].Name == name) return i;
        return -1;
    }

    public bool Equals(RowType? other) => other is not null && Fields.AsSpan().SequenceEqual(other.Fields.AsSpan());

    public override int GetHashCode() => Fields.Aggregate(Fields.Length, HashCode.Combine);

    /// <summary>As Flink prints a row type: <c>ROW&lt;`a` INT, `b` STRING NOT NULL&gt;</c>.</summary>
    public override string ToString() =>
        "ROW<" + string.Join(", ", Fields.Select(field => $"`{field.Name.Replace("`", "``", StringComparison.Ordinal)}` {field.Type}")) + ">";
}
