using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Matih.Definition.Yaml;

namespace Matih.Definition.Shapes;

/// <summary>A value without variables below it: a test means the same on every machine, and prints no secret.</summary>
internal sealed class LiteralShape<T>(Shape<T> inner) : Shape<T>
{
    public override string Words => inner.Words;

    public override string Cell => inner.Cell;

    public override KeySet? Keys => inner.Keys;

    public override Shape? Below(string step) => inner.Below(step);

    public override void WriteSchema(Utf8JsonWriter writer) => inner.WriteSchema(writer);

    public override bool TryRead(YamlNode node, string path, ReadState state, out T value)
    {
        var errorCount = state.ErrorCount;
        Check(node, path, state);
        value = default!;
        return state.ErrorCount == errorCount && inner.TryRead(node, path, state, out value);
    }

    private static void Check(YamlNode node, string path, ReadState state)
    {
        switch (node)
        {
            case YamlNode.Mapping mapping:
                foreach (var entry in mapping.Entries) Check(entry.Value, YamlReader.Join(path, entry.Key), state);
                break;
            case YamlNode.Sequence sequence:
                for (var i = 0; i < sequence.Items.Length; i++) Check(sequence.Items[i], $"{path}[{i.ToString(CultureInfo.InvariantCulture)}]", state);
                break;
            case YamlNode.Scalar scalar:
                string? variable = null;
                var isWhole = Substitution.TryResolve(scalar, name => variable ??= name, (position, message) => state.Report(position, path, message), out _);
                if (isWhole && variable is not null) state.Report(node.Position, path, $"refers to the environment variable {variable}; a test means the same everywhere, so write the value itself, or $${{ for the characters");
                break;
        }
    }
}

/// <summary>A point in time.</summary>
internal sealed class InstantShape : ScalarShape<DateTimeOffset?>
{
    public override string Words => "a time with its zone such as 2026-05-01T00:00:00Z";

    protected override bool TryParse(ResolvedText text, ReadState state, out DateTimeOffset? value, out string? problem)
    {
        problem = null;
        value = StartOffset.TryParse(text.Value, out var start) && start is StartOffset.AtTime(var time) ? time : null;
        return value is not null;
    }

    public override void WriteSchema(Utf8JsonWriter writer) => writer.WriteString("type", "string");
}

/// <summary>How many records are rejected, or a part of each one's reason.</summary>
internal sealed class RejectionsShape : Shape<TestRejections>
{
    private readonly IntegerShape _count = new(0, int.MaxValue);
    private readonly ListShape<string> _reasons = new("a list of texts", new TextShape("text"));

    public override string Words => $"their number, or {_reasons.Words}";

    public override bool TryRead(YamlNode node, string path, ReadState state, out TestRejections value)
    {
        value = null!;
        switch (node)
        {
            case YamlNode.Sequence:
                if (!_reasons.TryRead(node, path, state, out var parts)) return false;
                value = new TestRejections.Reasons(parts);
                return true;
            case YamlNode.Scalar:
                if (!_count.TryRead(node, path, state, out var count)) return false;
                value = new TestRejections.Count(count);
                return true;
            default:
                state.Report(node.Position, path, $"expected {Words}, found {node.Kind}");
                return false;
        }
    }

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("anyOf");
        foreach (var shape in (Shape[])[_count, _reasons])
        {
            writer.WriteStartObject();
            shape.WriteSchema(writer);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }
}
