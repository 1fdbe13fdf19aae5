using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Matih.Definition.Yaml;

namespace Matih.Definition.Shapes;

/// <summary>A mapping with the keys of a <see cref="KeySet"/>.</summary>
internal sealed class MappingShape(KeySet keys) : Shape<BoundMapping>
{
    public override string Words => "a mapping of keys to values";

    public override string Cell => $"see [{keys.Title}](#{keys.Anchor})";

    public override KeySet Keys => keys;

    public override bool TryRead(YamlNode node, string path, ReadState state, out BoundMapping value)
    {
        value = null!;
        if (node is not YamlNode.Mapping mapping)
        {
            state.Report(node.Position, path, $"expected {Words}, found {node.Kind}");
            return false;
        }
        value = BoundMapping.Bind(keys, mapping, node.Position, path, state);
        return true;
    }

    public override Shape? Below(string step) => (keys.Find(step) ?? keys.Variants.Select(variant => variant.Keys.Find(step)).FirstOrDefault(key => key is not null))?.Shape;

    public override void WriteSchema(Utf8JsonWriter writer) => keys.WriteSchema(writer);
}

/// <summary>An entry that the author named.</summary>
internal sealed record NamedMapping(string Name, BoundMapping Values);

/// <summary>A mapping from names that the author chooses to mappings of one <see cref="KeySet"/>.</summary>
internal sealed class NamedMappingsShape(KeySet keys) : Shape<ImmutableArray<NamedMapping>>
{
    private readonly MappingShape _entry = new(keys);

    public override string Words => "a mapping of names to entries";

    public override string Cell => $"names to entries, see {string.Join(" or ", keys.Variants.Select(variant => variant.Keys).Prepend(keys).Select(set => $"[{set.Title}](#{set.Anchor})"))}";

    public override KeySet Keys => keys;

    public override bool TryRead(YamlNode node, string path, ReadState state, out ImmutableArray<NamedMapping> value)
    {
        value = [];
        if (node is not YamlNode.Mapping mapping)
        {
            state.Report(node.Position, path, $"expected {Words}, found {node.Kind}");
            return false;
        }
        var read = ImmutableArray.CreateBuilder<NamedMapping>();
        foreach (var entry in mapping.Entries)
        {
            var entryPath = YamlReader.Join(path, entry.Key);
            if (!Grammars.Name.Accepts(entry.Key))
                state.Report(entry.KeyPosition, entryPath, $"expected {Grammars.Name.Words}");
            if (entry.Value is not YamlNode.Mapping values)
            {
                state.Report(entry.Value.Position, entryPath, $"expected {_entry.Words}, found {entry.Value.Kind}");
                var empty = new BoundMapping(entry.KeyPosition, entryPath); // The name is known all the same.
                empty.SetIncomplete();
                read.Add(new NamedMapping(entry.Key, empty));
            }
            else read.Add(new NamedMapping(entry.Key, BoundMapping.Bind(keys, values, entry.KeyPosition, entryPath, state)));
        }
        value = read.ToImmutable();
        return true;
    }

    public override Shape Below(string step) => _entry;

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", "object");
        writer.WriteStartObject("propertyNames");
        writer.WriteString("pattern", Grammars.Name.Pattern);
        writer.WriteNumber("maxLength", Grammars.Name.LengthMax);
        writer.WriteEndObject();
        writer.WriteStartObject("additionalProperties");
        _entry.WriteSchema(writer);
        writer.WriteEndObject();
    }
}

/// <summary>A list of values of one shape.</summary>
internal sealed class ListShape<T>(string words, Shape<T> item) : Shape<ImmutableArray<T>>
{
    public override string Words => words;

    public override string Cell => item.Keys is null ? base.Cell : $"list, see [{item.Keys.Title}](#{item.Keys.Anchor})";

    public override KeySet? Keys => item.Keys;

    public override bool TryRead(YamlNode node, string path, ReadState state, out ImmutableArray<T> value)
    {
        value = [];
        if (node is not YamlNode.Sequence sequence)
        {
            state.Report(node.Position, path, $"expected {Words}, found {node.Kind}");
            return false;
        }
        var read = ImmutableArray.CreateBuilder<T>();
        var isWhole = true;
        for (var i = 0; i < sequence.Items.Length; i++)
        {
            if (item.TryRead(sequence.Items[i], $"{path}[{i.ToString(CultureInfo.InvariantCulture)}]", state, out var one)) read.Add(one);
            else isWhole = false;
        }
        value = read.ToImmutable();
        return isWhole;
    }

    public override Shape Below(string step) => item;

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", "array");
        writer.WriteStartObject("items");
        item.WriteSchema(writer);
        writer.WriteEndObject();
    }
}

/// <summary>A pair of a <see cref="TextMapShape"/>; the value is never shown.</summary>
internal sealed record TextPair(string Key, DefinitionPosition Position, string Path, string Value);

/// <summary>A mapping of free keys to text: properties, labels.</summary>
internal sealed class TextMapShape(string words, Grammar keyGrammar) : Shape<ImmutableArray<TextPair>>
{
    public override string Words => words;

    public override bool TryRead(YamlNode node, string path, ReadState state, out ImmutableArray<TextPair> value)
    {
        value = [];
        if (node is not YamlNode.Mapping mapping)
        {
            state.Report(node.Position, path, $"expected {Words}, found {node.Kind}");
            return false;
        }
        var read = ImmutableArray.CreateBuilder<TextPair>();
        foreach (var entry in mapping.Entries)
        {
            var entryPath = YamlReader.Join(path, entry.Key);
            if (!keyGrammar.Accepts(entry.Key)) state.Report(entry.KeyPosition, entryPath, $"expected {keyGrammar.Words}");
            else if (entry.Value is not YamlNode.Scalar scalar)
                state.Report(entry.Value.Position, entryPath, $"expected text, found {entry.Value.Kind}");
            else if (state.TryResolve(scalar, entryPath, out var text))
                read.Add(new TextPair(entry.Key, entry.KeyPosition, entryPath, scalar.IsNull ? "" : text.Value));
        }
        value = read.ToImmutable();
        return true;
    }

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", "object");
        writer.WriteStartObject("propertyNames");
        writer.WriteString("pattern", keyGrammar.Pattern);
        writer.WriteEndObject();
        writer.WriteStartObject("additionalProperties");
        writer.WriteStartArray("type");
        foreach (var type in new[] { "string", "number", "boolean", "null" }) writer.WriteStringValue(type);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}

/// <summary>A mapping, or a value of another kind that stands for the mapping with that key alone.</summary>
internal sealed class ShortShape(MappingShape whole, Key brief) : Shape<BoundMapping>
{
    public override string Words => $"{brief.Shape.Words}, or a mapping of keys to values";

    public override string Cell => $"{brief.Shape.Cell}, or {whole.Cell}";

    public override KeySet? Keys => whole.Keys;

    public override bool TryRead(YamlNode node, string path, ReadState state, out BoundMapping value)
    {
        var mapping = node is not YamlNode.Mapping ? new YamlNode.Mapping(node.Position, [new YamlEntry(brief.Name, node.Position, node)]) : node;
        return whole.TryRead(mapping, path, state, out value);
    }

    public override Shape? Below(string step) => whole.Below(step);

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("anyOf");
        foreach (var shape in (Shape[])[brief.Shape, whole])
        {
            writer.WriteStartObject();
            shape.WriteSchema(writer);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }
}
