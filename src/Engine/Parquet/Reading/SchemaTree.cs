using System.Collections.Immutable;
using Matih.Parquet.Format;

namespace Matih.Parquet.Reading;

/// <summary>Puts a schema's elements, which stand one behind the other, together: columns, and the way to each leaf.</summary>
/// <remarks>Source: parquet-format, LogicalTypes.md, "Nested Types", with the rules for files of writers before there were rules.</remarks>
internal sealed class SchemaTree(SchemaReader[] elements, List<StoredColumn> stored)
{
    private readonly ImmutableArray<ParquetLeaf>.Builder _leaves = ImmutableArray.CreateBuilder<ParquetLeaf>();
    private int _next;

    public ImmutableArray<ParquetLeaf> Read(List<ParquetColumn> columns)
    {
        var root = elements[_next++];
        while (_next < elements.Length) columns.Add(ReadColumn(columns.Count, default, 0, 0));
        if (root.ChildCount != columns.Count) throw new InvalidDataException($"The Parquet schema's root has {root.ChildCount} children, found {columns.Count}.");
        return _leaves.ToImmutable();
    }

    /// <summary>What leads to a column.</summary>
    private readonly record struct Way(string Name, ImmutableArray<string> Path, ImmutableArray<LeafNode> Nodes)
    {
        public Way Step(string name) => Through(name) with { Name = Path.IsDefault ? name : $"{Name}.{name}" };

        /// <summary>Over a group that lists and maps are stored in, which is no field of theirs.</summary>
        public Way Through(string name) => this with { Path = Path.IsDefault ? [name] : Path.Add(name) };

        public Way Over(LeafNode node) => this with { Nodes = Nodes.IsDefault ? [node] : Nodes.Add(node) };
    }

    private SchemaReader Take()
    {
        if (_next == elements.Length) throw new InvalidDataException("The Parquet schema has fewer columns than its groups say.");
        var element = elements[_next++];
        if (element.ChildCount < 0 || element.ChildCount > elements.Length) throw new InvalidDataException($"The Parquet column '{element.Name}' has {element.ChildCount} children.");
        return element;
    }

    private ParquetColumn ReadColumn(int root, Way way, int definition, int repetition)
    {
        if (way.Nodes is { IsDefault: false, Length: > ParquetLeaf.DepthMax }) throw new NotSupportedException($"The Parquet schema is nested more than {ParquetLeaf.DepthMax} deep.");
        var element = Take();
        if (element.Repetition != SchemaFormat.Repeated) return ReadSingle(element, element.Repetition == SchemaFormat.Required, root, way.Step(element.Name), definition, repetition);
        // A repeated column without a list around it is a list that is never NULL, of elements that never are.
        var list = new LeafNode(LeafNodeKind.List, "", 0, definition, repetition + 1, IsOptional: false);
        var item = ReadSingle(element, true, root, way.Step(element.Name).Over(list), definition + 1, repetition + 1);
        return new ParquetColumn(ParquetColumn.NoFieldId, element.Name, new ParquetType.List(item), IsRequired: true);
    }

    /// <summary>Reads a column whose own element is taken.</summary>
    private ParquetColumn ReadSingle(SchemaReader element, bool isRequired, int root, Way way, int definition, int repetition)
    {
        var presentAt = definition + (isRequired ? 0 : 1);
        if (element.ChildCount == 0)
        {
            var (type, how) = element.Resolve();
            var leaf = new ParquetColumn(element.FieldId, element.Name, type, isRequired);
            stored.Add(how);
            _leaves.Add(new ParquetLeaf(leaf, root, way.Name, way.Path, way.Over(new LeafNode(LeafNodeKind.Value, "", 0, presentAt, 0, !isRequired)).Nodes));
            return leaf;
        }
        var isListed = element.ChildCount == 1 && _next < elements.Length && elements[_next].Repetition == SchemaFormat.Repeated;
        var node = new LeafNode(LeafNodeKind.List, "", 0, presentAt, repetition + 1, !isRequired);
        ParquetType group = element switch
        {
            { IsMap: true } when isListed && elements[_next].ChildCount == 2 => ReadMap(root, way.Over(node), presentAt + 1, repetition + 1),
            { IsList: true } when isListed => new ParquetType.List(ReadElement(element, root, way.Over(node), presentAt + 1, repetition + 1)),
            _ => ReadStruct(element, root, way, presentAt, repetition, isRequired),
        };
        return new ParquetColumn(element.FieldId, element.Name, group, isRequired);
    }

    private ParquetType.Struct ReadStruct(SchemaReader group, int root, Way way, int presentAt, int repetition, bool isRequired)
    {
        var fields = ImmutableArray.CreateBuilder<ParquetColumn>();
        for (var i = 0; i < group.ChildCount; i++)
        {
            var name = _next < elements.Length ? elements[_next].Name : "";
            fields.Add(ReadColumn(root, way.Over(new LeafNode(LeafNodeKind.Struct, name, i, presentAt, 0, !isRequired)), presentAt, repetition));
        }
        return new ParquetType.Struct(fields.ToImmutable());
    }

    private ParquetType.Map ReadMap(int root, Way way, int definition, int repetition)
    {
        var entry = Take();
        var inside = way.Through(entry.Name);
        var key = ReadColumn(root, inside.Over(new LeafNode(LeafNodeKind.Struct, "key", 0, definition, 0, false)), definition, repetition);
        var value = ReadColumn(root, inside.Over(new LeafNode(LeafNodeKind.Struct, "value", 1, definition, 0, false)), definition, repetition);
        return new ParquetType.Map(key, value);
    }

    /// <summary>The element of a list: what is in the repeated group, or, by the rules for old files, the repeated column itself.</summary>
    private ParquetColumn ReadElement(SchemaReader list, int root, Way way, int definition, int repetition)
    {
        var repeated = elements[_next];
        var isElement = repeated.ChildCount != 1 || repeated.Name == "array" || repeated.Name == list.Name + "_tuple" || elements.ElementAtOrDefault(_next + 1).Repetition == SchemaFormat.Repeated;
        Take();
        return isElement
            ? ReadSingle(repeated, true, root, way.Step(repeated.Name), definition, repetition)
            : ReadColumn(root, way.Through(repeated.Name), definition, repetition);
    }
}
