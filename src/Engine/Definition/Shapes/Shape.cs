using System.Text.Json;
using Matih.Definition.Yaml;

namespace Matih.Definition.Shapes;

/// <summary>
/// What a key's value may be. The one description that the reader, the JSON Schema and the reference document share.
/// </summary>
internal abstract class Shape
{
    /// <summary>What is allowed, as it follows "expected": <c>an integer from 1 to 64</c>.</summary>
    public abstract string Words { get; }

    /// <summary>What is allowed, as a cell of the reference; <see cref="Words"/> without its article by default.</summary>
    public virtual string Cell => Words.StartsWith("an ", StringComparison.Ordinal) ? Words[3..]
        : Words.StartsWith("a ", StringComparison.Ordinal) ? Words[2..] : Words;

    /// <summary>The mapping whose keys the reference lists in a section of its own, where there is one.</summary>
    public virtual KeySet? Keys => null;

    /// <summary>Whether the value makes all other keys of its mapping meaningless, so that only its own error counts.</summary>
    public virtual bool EndsMapping(YamlNode node, ReadState state) => false;

    /// <summary>Writes the members of a JSON Schema object that describes the value.</summary>
    public abstract void WriteSchema(Utf8JsonWriter writer);

    /// <summary>Where a path below the value goes: used by overrides. Null where nothing is below.</summary>
    public virtual Shape? Below(string step) => null;

    /// <summary>Members that allow what <paramref name="writeMembers"/> says, or a reference to a variable.</summary>
    protected static void WriteOrReference(Utf8JsonWriter writer, Action writeMembers)
    {
        writer.WriteStartArray("anyOf");
        writer.WriteStartObject();
        writeMembers();
        writer.WriteEndObject();
        writer.WriteStartObject();
        writer.WriteString("$ref", "#/$defs/reference");
        writer.WriteEndObject();
        writer.WriteEndArray();
    }
}

/// <summary>A shape whose values are read as <typeparamref name="T"/>.</summary>
internal abstract class Shape<T> : Shape
{
    /// <summary>Reads the value; false after reporting everything wrong with it.</summary>
    public abstract bool TryRead(YamlNode node, string path, ReadState state, out T value);
}

/// <summary>A shape written as one scalar.</summary>
internal abstract class ScalarShape<T> : Shape<T>
{
    public sealed override bool TryRead(YamlNode node, string path, ReadState state, out T value)
    {
        value = default!;
        if (node is not YamlNode.Scalar scalar)
        {
            state.Report(node.Position, path, $"expected {Words}, found {node.Kind}");
            return false;
        }
        if (!state.TryResolve(scalar, path, out var text)) return false;
        if (TryParse(text, state, out value, out var problem)) return true;
        state.Report(node.Position, path, problem ?? $"expected {Words}, found {text.Shown}");
        return false;
    }

    /// <summary>Parses the text; a null <paramref name="problem"/> means the usual "expected …, found …".</summary>
    protected abstract bool TryParse(ResolvedText text, ReadState state, out T value, out string? problem);
}
