using System.Text.Json;
using Matih.Definition.Yaml;

namespace Matih.Definition.Shapes;

/// <summary>
/// A secret: text (best as <c>${NAME}</c>), <c>{ from_env: NAME }</c>, or <c>{ from_file: PATH }</c>, whose last line break is
/// left out. Nothing of its value is ever shown. Text written in the file itself gives a warning.
/// </summary>
internal sealed class SecretShape : Shape<Secret>
{
    /// <summary>Whether the value may be the path of a PEM file, which is no secret itself.</summary>
    public bool MayBePath { get; init; }

    /// <summary>Whether the value is sent where a line break cannot be, such as in a header.</summary>
    public bool IsLine { get; init; }

    private static readonly Key<string> FromEnv = new("from_env", new TextShape("the name of an environment variable"), "");
    private static readonly Key<string> FromFile = new("from_file", new TextShape("the path of a file"), "");
    private static readonly KeySet Forms = new("secret", "", FromEnv, FromFile);

    public override string Words => "a secret: ${NAME}, { from_env: NAME } or { from_file: PATH }";

    public override string Cell => "secret: `${NAME}`, `{ from_env: NAME }` or `{ from_file: PATH }`";

    public override bool TryRead(YamlNode node, string path, ReadState state, out Secret value)
    {
        value = null!;
        switch (node)
        {
            case YamlNode.Scalar scalar:
                if (!state.TryResolve(scalar, path, out var text)) return false;
                if (!text.IsSubstituted && !(MayBePath && !text.Value.StartsWith(Pem.Start, StringComparison.Ordinal)))
                    state.Warn(node.Position, path, "the secret stands in the definition itself; better ${NAME}, { from_env: NAME } or { from_file: PATH }");
                return TryTake(text.Value, "the value", node, path, state, out value);
            case YamlNode.Mapping mapping:
                var form = BoundMapping.Bind(Forms, mapping, node.Position, path, state);
                if (!form.IsWhole) return false;
                if (form.Has(FromEnv) != form.Has(FromFile)) return form.Has(FromEnv)
                    ? TryReadEnvironment(form.Get(FromEnv), node, path, state, out value)
                    : TryReadFile(form.Get(FromFile), node, path, state, out value);
                state.Report(node.Position, path, "expected either from_env or from_file");
                return false;
            default:
                state.Report(node.Position, path, $"expected {Words}, found {node.Kind}");
                return false;
        }
    }

    private bool TryReadEnvironment(string name, YamlNode node, string path, ReadState state, out Secret value)
    {
        value = null!;
        if (state.Inputs.Environment(name) is { } found) return TryTake(found, $"the environment variable {Shown.Key(name)}", node, path, state, out value);
        state.Report(node.Position, path, $"the environment variable {Shown.Key(name)} is not set");
        return false;
    }

    private bool TryReadFile(string file, YamlNode node, string path, ReadState state, out Secret value)
    {
        value = null!;
        try
        {
            var content = state.Inputs.ReadSecretFile(state.ToAbsolutePath(file));
            if (content.EndsWith('\n')) content = content[..^1];
            if (content.EndsWith('\r')) content = content[..^1];
            return TryTake(content, $"the file {Shown.Value(file)}", node, path, state, out value);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            var reason = e switch
            {
                FileNotFoundException or DirectoryNotFoundException => "there is no such file",
                UnauthorizedAccessException => "access is denied",
                _ => e.GetType().Name,
            };
            state.Report(node.Position, path, $"the file {Shown.Value(file)} cannot be read: {reason}");
            return false;
        }
    }

    private bool TryTake(string found, string origin, YamlNode node, string path, ReadState state, out Secret value)
    {
        value = new Secret(found);
        var problem = found switch
        {
            "" => "is empty",
            _ when found.Contains('\0', StringComparison.Ordinal) => "holds a NUL character",
            _ when IsLine && found.Any(char.IsControl) => "holds a line break or another control character",
            _ => null,
        };
        if (problem is not null) state.Report(node.Position, path, $"{origin} {problem}");
        return problem is null;
    }

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("oneOf");
        writer.WriteStartObject();
        writer.WriteStartArray("type");
        writer.WriteStringValue("string");
        writer.WriteStringValue("number");
        writer.WriteEndArray();
        writer.WriteEndObject();
        foreach (var form in Forms.Keys)
        {
            writer.WriteStartObject();
            writer.WriteString("type", "object");
            writer.WriteStartObject("properties");
            writer.WriteStartObject(form.Name);
            writer.WriteString("type", "string");
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteStartArray("required");
            writer.WriteStringValue(form.Name);
            writer.WriteEndArray();
            writer.WriteBoolean("additionalProperties", false);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }
}
