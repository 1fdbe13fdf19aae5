using System.Collections.Immutable;
using System.Globalization;
using Matih.Definition.Format;
using Matih.Definition.Shapes;
using Matih.Definition.Yaml;

namespace Matih.Definition.Reading;

/// <summary>
/// Applies <c>path=value</c> overrides to the parsed text, before anything is checked, so that they pass the same checks.
/// A value that begins with <c>[</c> or <c>{</c> is read as YAML, any other is text; an empty one takes the key away.
/// </summary>
internal static class Overrides
{
    public static YamlNode Apply(YamlNode root, ReadState state)
    {
        foreach (var given in state.Inputs.Overrides)
        {
            var equals = given.IndexOf('=', StringComparison.Ordinal);
            var path = equals < 0 ? given : given[..equals];
            var position = new DefinitionPosition("--set " + Shown.Key(path), 0, 0);
            var steps = path.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal).Split('.');
            if (equals < 0 || steps.Contains(""))
            {
                state.Report(position, "", "expected path=value, such as orchestration.checkpoint_interval=2s");
                continue;
            }
            var text = given[(equals + 1)..];
            var value = text.StartsWith('[') || text.StartsWith('{')
                ? YamlReader.ReadOutside(position, text, state.Report)
                : YamlNode.Scalar.Outside(position, text);
            if (value is not null) root = Set(root, new MappingShape(PipelineFormat.Root), steps, "", value, position, state);
        }
        return root;
    }

    private static YamlNode Set(
        YamlNode? node, Shape? shape, ReadOnlySpan<string> steps, string path, YamlNode value, DefinitionPosition position, ReadState state)
    {
        if (steps.IsEmpty) return value;
        if (node is YamlNode.Sequence sequence) return SetItem(sequence, shape, steps, path, value, position, state);
        if (node is null or YamlNode.Scalar { IsNull: true }) node = new YamlNode.Mapping(position, []);
        if (node is not YamlNode.Mapping mapping)
        {
            state.Report(position, path, $"cannot be gone into: it is {node.Kind}");
            return node;
        }
        // Keys of properties and labels have dots of their own: all the rest of the path is one key.
        var key = shape is TextMapShape ? string.Join('.', steps.ToArray()) : steps[0];
        var rest = shape is TextMapShape ? [] : steps[1..];
        var below = Set(mapping.Find(key), shape?.Below(key), rest, YamlReader.Join(path, key), value, position, state);
        return mapping.With(new YamlEntry(key, position, below));
    }

    private static YamlNode SetItem(
        YamlNode.Sequence sequence, Shape? shape, ReadOnlySpan<string> steps, string path, YamlNode value, DefinitionPosition position, ReadState state)
    {
        var step = steps[0];
        var index = int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : IndexOf(sequence, step);
        if (index < 0 || index >= sequence.Items.Length)
        {
            state.Report(position, path, $"has no item '{Shown.Key(step)}'; it has {sequence.Items.Length}, by name or by index from 0");
            return sequence;
        }
        var below = Set(sequence.Items[index], shape?.Below(step), steps[1..], $"{path}[{index}]", value, position, state);
        return new YamlNode.Sequence(sequence.Position, sequence.Items.SetItem(index, below));
    }

    private static int IndexOf(YamlNode.Sequence sequence, string name)
    {
        for (var i = 0; i < sequence.Items.Length; i++)
            if (sequence.Items[i] is YamlNode.Mapping item && item.Find("name") is YamlNode.Scalar scalar && scalar.Text == name) return i;
        return -1;
    }
}
