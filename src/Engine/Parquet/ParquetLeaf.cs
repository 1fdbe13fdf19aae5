using System.Collections.Immutable;

namespace Matih.Parquet;

/// <summary>What a node on the way to a leaf is.</summary>
internal enum LeafNodeKind : byte
{
    /// <summary>The leaf itself, which has values.</summary>
    Value,
    /// <summary>A group of fields, one of which leads on.</summary>
    Struct,
    /// <summary>A list or a map, whose elements lead on; those of a map are structs of a key and a value.</summary>
    List,
}

/// <summary>A node on the way from a top-level column to a leaf.</summary>
/// <param name="Name">The field that a struct leads on to.</param>
/// <param name="Index">Its position among the struct's fields.</param>
/// <param name="PresentAt">The definition level from which on the node is not NULL.</param>
/// <param name="RepeatedAt">The repetition level of a list's elements after the first; 0 for other nodes.</param>
/// <param name="IsOptional">Whether the node can be NULL.</param>
internal readonly record struct LeafNode(LeafNodeKind Kind, string Name, int Index, int PresentAt, int RepeatedAt, bool IsOptional)
{
    /// <summary>The definition level from which on a list has an element.</summary>
    public int ElementAt => PresentAt + 1;
}

/// <summary>A column of values in a Parquet file, with the groups around it.</summary>
/// <remarks>Source: parquet-format, README.md, "Nested Encoding"; LogicalTypes.md, "Nested Types".</remarks>
/// <param name="Column">The leaf itself.</param>
/// <param name="Root">Its top-level column's position in the file.</param>
/// <param name="Name">The leaf by its path in Iceberg's words: <c>lines.element.sku</c>.</param>
/// <param name="Path">The names from the top-level column down, with the groups that lists and maps are stored in.</param>
/// <param name="Nodes">From the top-level column to the leaf.</param>
internal sealed record ParquetLeaf(ParquetColumn Column, int Root, string Name, ImmutableArray<string> Path, ImmutableArray<LeafNode> Nodes)
{
    /// <summary>Most groups around a leaf, a map being two: a list of its entries. So levels fit a byte, and what is written is read.</summary>
    public const int DepthMax = 100;

    /// <summary>The leaf's own definition level; 0 where nothing on its way can be NULL or empty.</summary>
    public int DefinitionMax => Nodes[^1].PresentAt;

    /// <summary>The lists around it.</summary>
    public int RepetitionMax { get; } = Nodes.Count(node => node.Kind == LeafNodeKind.List);

    /// <summary>Whether it is a top-level column.</summary>
    public bool IsFlat => Nodes.Length == 1;

    /// <summary>The leaf under the name of its path.</summary>
    public ParquetColumn Named => IsFlat ? Column : Column with { Name = Name };

    /// <summary>The leaves of a file's columns, in the order in which they are stored.</summary>
    public static ImmutableArray<ParquetLeaf> Of(ImmutableArray<ParquetColumn> columns)
    {
        var leaves = ImmutableArray.CreateBuilder<ParquetLeaf>(columns.Length);
        for (var root = 0; root < columns.Length; root++) Add(leaves, root, columns[root], columns[root].Name, [columns[root].Name], [], 0, 0);
        return leaves.ToImmutable();
    }

    private static void Add(
        ImmutableArray<ParquetLeaf>.Builder leaves, int root, ParquetColumn column, string name, ImmutableArray<string> path, ImmutableArray<LeafNode> nodes, int definition, int repetition)
    {
        if (nodes.Length > DepthMax) throw new ArgumentException($"The Parquet column '{path[0]}' is nested more than {DepthMax} groups deep, a map being two of them.", nameof(column));
        var presentAt = definition + (column.IsRequired ? 0 : 1);
        var node = new LeafNode(LeafNodeKind.Value, "", 0, presentAt, 0, !column.IsRequired);
        switch (column.Type)
        {
            case ParquetType.Struct type:
                for (var i = 0; i < type.Fields.Length; i++)
                {
                    var field = type.Fields[i];
                    Add(leaves, root, field, $"{name}.{field.Name}", path.Add(field.Name), nodes.Add(node with { Kind = LeafNodeKind.Struct, Name = field.Name, Index = i }), presentAt, repetition);
                }
                break;
            case ParquetType.List type:
                var list = nodes.Add(node with { Kind = LeafNodeKind.List, RepeatedAt = repetition + 1 });
                Add(leaves, root, type.Element, $"{name}.{type.Element.Name}", [.. path, "list", type.Element.Name], list, presentAt + 1, repetition + 1);
                break;
            case ParquetType.Map type:
                var map = nodes.Add(node with { Kind = LeafNodeKind.List, RepeatedAt = repetition + 1 });
                foreach (var (part, index) in new[] { (type.Key, 0), (type.Value, 1) })
                    Add(leaves, root, part, $"{name}.{part.Name}", [.. path, "key_value", part.Name],
                        map.Add(new LeafNode(LeafNodeKind.Struct, index == 0 ? "key" : "value", index, presentAt + 1, 0, false)), presentAt + 1, repetition + 1);
                break;
            default:
                leaves.Add(new ParquetLeaf(column, root, name, path, nodes.Add(node)));
                break;
        }
    }
}
