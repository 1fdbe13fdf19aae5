using System.Collections.Immutable;
using System.Text.Json;
using Matih.Definition.Yaml;

namespace Matih.Definition.Shapes;

/// <summary>One key of a mapping, with all that is known about it.</summary>
internal abstract class Key(string name, string meaning)
{
    public string Name { get; } = name;

    /// <summary>Sentences for the reference, the schema and the message of a missing key.</summary>
    public string Meaning { get; } = meaning;

    public abstract Shape Shape { get; }

    public bool IsRequired { get; init; }

    /// <summary>The default in the definition's own words; empty where leaving the key out means that there is none.</summary>
    public string DefaultText { get; init; } = "";

    /// <summary>Whether a value that refers to an unset variable counts as left out.</summary>
    public bool MayBeUnset { get; init; }

    /// <summary>A value for the message of a missing key.</summary>
    public string Example { get; init; } = "";

    /// <summary>Reads the value into the mapping being read.</summary>
    public abstract void Read(YamlNode node, string path, ReadState state, BoundMapping into);
}

/// <summary>A key whose value is read as <typeparamref name="T"/>.</summary>
internal sealed class Key<T>(string name, Shape<T> shape, string meaning) : Key(name, meaning)
{
    public override Shape Shape => shape;

    /// <summary>The value where the key is left out, the same as <see cref="Key.DefaultText"/> says.</summary>
    public T Default { get; init; } = default!;

    public override void Read(YamlNode node, string path, ReadState state, BoundMapping into)
    {
        if (shape.TryRead(node, path, state, out var value)) into.Set(this, value, node);
        else into.SetFailed(this, node);
    }
}

/// <summary>The keys that a mapping may have, in the order of the reference.</summary>
internal sealed class KeySet(string title, string meaning, params Key[] keys)
{
    /// <summary>Where the mapping stands, e.g. <c>sources.NAME</c>: the heading of its section.</summary>
    public string Title { get; } = title;

    /// <summary>The anchor that Markdown renderers give that heading.</summary>
    public string Anchor => string.Concat(Title.ToLowerInvariant().Replace(' ', '-').Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));

    /// <summary>What the mapping has in place of these keys where its <c>type</c> is that word.</summary>
    public ImmutableArray<(string Type, KeySet Keys)> Variants { get; private init; } = [];

    /// <summary>The same with a variant.</summary>
    public KeySet With(string type, KeySet variant) => new(Title, Meaning, [.. Keys]) { Variants = Variants.Add((type, variant)) };

    /// <summary>The keys for a mapping whose <c>type</c> is that word.</summary>
    public KeySet For(string? type) => Variants.FirstOrDefault(variant => variant.Type == type).Keys ?? this;

    public string Meaning { get; } = meaning;

    public IReadOnlyList<Key> Keys { get; } = keys;

    public Key? Find(string name) => Keys.FirstOrDefault(key => key.Name == name);

    /// <summary>Writes the members of a JSON Schema that describe a mapping with these keys, or with those of a variant.</summary>
    public void WriteSchema(Utf8JsonWriter writer)
    {
        if (Variants.IsEmpty)
        {
            WriteOwnSchema(writer);
            return;
        }
        foreach (var (type, variant) in Variants)
        {
            writer.WriteStartObject("if");
            writer.WriteStartArray("required");
            writer.WriteStringValue("type");
            writer.WriteEndArray();
            writer.WriteStartObject("properties");
            writer.WriteStartObject("type");
            writer.WriteString("const", type);
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteStartObject("then");
            variant.WriteSchema(writer);
            writer.WriteEndObject();
            writer.WriteStartObject("else");
        }
        WriteOwnSchema(writer);
        foreach (var _ in Variants) writer.WriteEndObject();
    }

    private void WriteOwnSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", "object");
        writer.WriteBoolean("additionalProperties", false);
        if (Keys.Any(key => key.IsRequired))
        {
            writer.WriteStartArray("required");
            foreach (var key in Keys.Where(key => key.IsRequired)) writer.WriteStringValue(key.Name);
            writer.WriteEndArray();
        }
        writer.WriteStartObject("properties");
        foreach (var key in Keys)
        {
            writer.WriteStartObject(key.Name);
            writer.WriteString("description", key.Meaning);
            if (key.DefaultText.Length != 0) WriteDefault(writer, key);
            key.Shape.WriteSchema(writer);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    private static void WriteDefault(Utf8JsonWriter writer, Key key)
    {
        if (key is Key<bool> { Shape: FlagShape } flag) writer.WriteBoolean("default", flag.Default);
        else if (key is Key<long> { Shape: IntegerShape } number) writer.WriteNumber("default", number.Default);
        else writer.WriteString("default", key.DefaultText);
    }
}
