using System.Collections.Immutable;
using Matih.Definition.Shapes;
using Matih.Definition.Yaml;

namespace Matih.Definition;

/// <summary>A value as its author wrote it, for a host that hands references on instead of values.</summary>
/// <param name="Text">The text, with references in the place of variables; the path where it is a file.</param>
/// <param name="Literal">What the author wrote beside the variables.</param>
/// <param name="HasReference">Whether a variable is part of it.</param>
/// <param name="IsFile">Whether it is <c>{ from_file: PATH }</c>.</param>
public sealed record WrittenValue(string Text, string Literal, bool HasReference, bool IsFile);

/// <summary>
/// The values of a definition as they are written, by their paths. For example, <c>connections.main.security.password</c> is
/// <c>${KAFKA_PASSWORD}</c>, and whoever resolves variables later gets a reference to it and never the password.
/// </summary>
public sealed class WrittenDefinition
{
    /// <summary>A character that YAML does not allow.</summary>
    private const string Marker = "\u0001";

    private readonly YamlNode? _root;

    private WrittenDefinition(YamlNode? root) => _root = root;

    /// <param name="file">What it is called; nothing is opened.</param>
    public static WrittenDefinition Read(string file, string text) => new(YamlReader.Read(file, text, (_, _, _) => { }));

    /// <summary>The value at a path such as <c>sources.clicks.topic</c>; null where there is none, or where it is not text.</summary>
    /// <param name="reference">What stands for a variable; null where it is unset or empty, so that the default of <c>${NAME:-default}</c> counts.</param>
    public WrittenValue? Find(string path, Func<string, string?> reference)
    {
        switch (Find(_root, path))
        {
            case YamlNode.Scalar { IsNull: false } scalar:
                if (!Substitution.TryResolve(scalar, reference, (_, _) => { }, out var text)) return null;
                Substitution.TryResolve(scalar, name => reference(name) is null ? null : Marker, (_, _) => { }, out var literal);
                return new WrittenValue(text.Value, literal.Value.Replace(Marker, "", StringComparison.Ordinal), text.IsSubstituted, IsFile: false);
            case YamlNode.Mapping mapping when mapping.Find("from_env") is YamlNode.Scalar variable:
                return reference(variable.Text) is { } found ? new WrittenValue(found, "", HasReference: true, IsFile: false) : null;
            case YamlNode.Mapping mapping when mapping.Find("from_file") is YamlNode.Scalar file:
                return Substitution.TryResolve(file, reference, (_, _) => { }, out var filePath) ? new WrittenValue(filePath.Value, filePath.Value, filePath.IsSubstituted, IsFile: true) : null;
            default:
                return null;
        }
    }

    /// <summary>Every environment variable that some value needs, by name; true where there is a default for it everywhere.</summary>
    public ImmutableSortedDictionary<string, bool> FindVariables()
    {
        var variables = ImmutableSortedDictionary.CreateBuilder<string, bool>(StringComparer.Ordinal);
        foreach (var node in Below(_root))
        {
            if (node is YamlNode.Mapping mapping && mapping.Find("from_env") is YamlNode.Scalar named) variables[named.Text] = false;
            if (node is not YamlNode.Scalar scalar) continue;
            var names = new HashSet<string>(StringComparer.Ordinal);
            Substitution.TryResolve(scalar, name =>
            {
                names.Add(name);
                return Marker;
            }, (_, _) => { }, out _);
            foreach (var name in names)
                variables[name] = Substitution.TryResolve(scalar, other => other == name ? null : Marker, (_, _) => { }, out _) && variables.GetValueOrDefault(name, true);
        }
        return variables.ToImmutable();
    }

    /// <summary>Every path of a <c>{ from_file: PATH }</c>, as it is written.</summary>
    public IEnumerable<string> FindFiles() =>
        Below(_root).OfType<YamlNode.Mapping>().Select(mapping => mapping.Find("from_file")).OfType<YamlNode.Scalar>().Select(path => path.Text).Distinct();

    private static IEnumerable<YamlNode> Below(YamlNode? node) => node switch
    {
        YamlNode.Mapping mapping => mapping.Entries.SelectMany(entry => Below(entry.Value)).Prepend(node),
        YamlNode.Sequence sequence => sequence.Items.SelectMany(Below).Prepend(node),
        null => [],
        _ => [node],
    };

    /// <summary>Keys of properties have dots of their own: the longest key that fits is meant.</summary>
    private static YamlNode? Find(YamlNode? node, string path)
    {
        if (path.Length == 0) return node;
        if (node is not YamlNode.Mapping mapping) return null;
        foreach (var entry in mapping.Entries.OrderByDescending(entry => entry.Key.Length).ToImmutableArray())
        {
            if (path == entry.Key) return entry.Value;
            if (path.StartsWith(entry.Key + ".", StringComparison.Ordinal) && Find(entry.Value, path[(entry.Key.Length + 1)..]) is { } found) return found;
        }
        return null;
    }
}
