using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Matih.Definition.Yaml;

namespace Matih.Definition.Shapes;

/// <summary>A value's bytes with its place.</summary>
/// <param name="Bytes">JSON, or text as it stands; null where nothing stands there.</param>
internal sealed record TestDocument(ReadOnlyMemory<byte>? Bytes, DefinitionPosition Position);

/// <summary>A record's value: a mapping or a list stands for that JSON, a text for itself.</summary>
internal sealed class DocumentShape : Shape<TestDocument>
{
    public override string Words => "a document as YAML, or its text";

    public override bool TryRead(YamlNode node, string path, ReadState state, out TestDocument value)
    {
        ReadOnlyMemory<byte>? bytes;
        if (node is not YamlNode.Scalar scalar) bytes = YamlJson.Write(node, state);
        else if (scalar.IsNull) bytes = null;
        else bytes = state.TryResolve(scalar, path, out var text) ? Encoding.UTF8.GetBytes(text.Value) : null;
        value = new TestDocument(bytes, node.Position);
        return true;
    }

    public override void WriteSchema(Utf8JsonWriter writer) { }
}

/// <summary>A row that a test expects: columns with their values.</summary>
internal sealed class TestRowShape : Shape<TestRow>
{
    public override string Words => "a row ({ column: value, ... })";

    public override bool TryRead(YamlNode node, string path, ReadState state, out TestRow value)
    {
        value = null!;
        if (node is not YamlNode.Mapping mapping)
        {
            state.Report(node.Position, path, $"expected {Words}, found {node.Kind}");
            return false;
        }
        value = new TestRow([.. mapping.Entries.Select(entry => new TestValue(entry.Key, YamlJson.Write(entry.Value, state), entry.Value.Position, YamlReader.Join(path, entry.Key)))], node.Position, path);
        return true;
    }

    public override void WriteSchema(Utf8JsonWriter writer) => writer.WriteString("type", "object");
}

/// <summary>
/// YAML as JSON. A scalar without quotes that JSON would read as a number, as true or false is that; every other one is text,
/// so that <c>007</c>, <c>yes</c> and <c>2026-05-01</c> are what they look like.
/// </summary>
internal static partial class YamlJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static ReadOnlyMemory<byte> Write(YamlNode node, ReadState state)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Options)) Write(writer, node, state);
        return buffer.WrittenMemory;
    }

    private static void Write(Utf8JsonWriter writer, YamlNode node, ReadState state)
    {
        switch (node)
        {
            case YamlNode.Mapping mapping:
                writer.WriteStartObject();
                foreach (var entry in mapping.Entries)
                {
                    writer.WritePropertyName(entry.Key);
                    Write(writer, entry.Value, state);
                }
                writer.WriteEndObject();
                break;
            case YamlNode.Sequence sequence:
                writer.WriteStartArray();
                foreach (var item in sequence.Items) Write(writer, item, state);
                writer.WriteEndArray();
                break;
            case YamlNode.Scalar { IsNull: true }:
                writer.WriteNullValue();
                break;
            case YamlNode.Scalar scalar:
                // Variables are refused before; what is left to resolve is $${.
                state.TryResolve(scalar, "", out var text);
                if (!scalar.IsPlain) writer.WriteStringValue(text.Value);
                else if (text.Value is "true" or "false") writer.WriteBooleanValue(text.Value == "true");
                else if (Number().IsMatch(text.Value)) writer.WriteRawValue(text.Value);
                else writer.WriteStringValue(text.Value);
                break;
        }
    }

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\z")]
    private static partial Regex Number();
}
