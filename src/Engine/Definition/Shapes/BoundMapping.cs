using Matih.Definition.Yaml;

namespace Matih.Definition.Shapes;

/// <summary>A mapping whose keys were checked against their <see cref="KeySet"/>: values by key, with their places.</summary>
internal sealed class BoundMapping(DefinitionPosition position, string path)
{
    private readonly Dictionary<Key, (object? Value, YamlNode Node)> _values = [];
    private readonly Dictionary<Key, YamlNode> _failed = [];

    /// <summary>Where the mapping is named: its key, or its first entry in a list.</summary>
    public DefinitionPosition Position { get; } = position;

    public string Path { get; } = path;

    /// <summary>Whether every key could be read.</summary>
    public bool IsWhole { get; private set; } = true;

    public void Set<T>(Key<T> key, T value, YamlNode node) => _values[key] = (value, node);

    public void SetFailed(Key key, YamlNode node)
    {
        _failed[key] = node;
        IsWhole = false;
    }

    public void SetIncomplete() => IsWhole = false;

    /// <summary>The value, or the key's default where it is left out or was reported.</summary>
    public T Get<T>(Key<T> key) => _values.TryGetValue(key, out var found) ? (T)found.Value! : key.Default;

    /// <summary>Whether the key has a value that could be read.</summary>
    public bool Has(Key key) => _values.ContainsKey(key);

    /// <summary>Whether the key is there at all, read or reported.</summary>
    public bool IsGiven(Key key) => _values.ContainsKey(key) || _failed.ContainsKey(key);

    /// <summary>Where the key's value stands; the mapping's own place where the key is left out.</summary>
    public DefinitionPosition PositionOf(Key key) =>
        _values.TryGetValue(key, out var found) ? found.Node.Position
        : _failed.TryGetValue(key, out var failed) ? failed.Position : Position;

    public string PathOf(Key key) => YamlReader.Join(Path, key.Name);

    public static BoundMapping Bind(KeySet keys, YamlNode.Mapping mapping, DefinitionPosition position, string path, ReadState state)
    {
        var bound = new BoundMapping(position, path);
        keys = keys.For(TypeOf(mapping, state));
        var entries = mapping.Entries.Select(entry => (Entry: entry, Key: keys.Find(entry.Key))).ToList();
        foreach (var (entry, key) in entries)
        {
            if (key is null || !key.Shape.EndsMapping(entry.Value, state)) continue;
            key.Read(entry.Value, YamlReader.Join(path, entry.Key), state, bound);
            return bound;
        }
        foreach (var (entry, key) in entries)
        {
            var keyPath = YamlReader.Join(path, entry.Key);
            if (key is null) ReportUnknown(keys, entry, path, bound, state);
            else if (entry.Value is YamlNode.Scalar { IsNull: true }) continue; // A key with nothing after it is left out.
            else if (!key.IsRequired && entry.Value is YamlNode.Scalar scalar
                && Substitution.IsNothing(scalar, state.Inputs.Environment, key.MayBeUnset)) continue;
            else key.Read(entry.Value, keyPath, state, bound);
        }
        foreach (var key in keys.Keys)
        {
            if (!key.IsRequired || bound.IsGiven(key)) continue;
            var example = key.Example.Length == 0 ? "" : $", for example '{key.Name}: {key.Example}'";
            state.Report(position, YamlReader.Join(path, key.Name), $"is missing{example}");
            bound.SetIncomplete();
        }
        return bound;
    }

    private static string? TypeOf(YamlNode.Mapping mapping, ReadState state) =>
        mapping.Find("type") is YamlNode.Scalar scalar && Substitution.TryResolve(scalar, state.Inputs.Environment, (_, _) => { }, out var text) ? text.Value : null;

    private static void ReportUnknown(KeySet keys, YamlEntry entry, string path, BoundMapping bound, ReadState state)
    {
        bound.SetIncomplete();
        var nearest = Spelling.Nearest(entry.Key, keys.Keys.Select(key => key.Name));
        var hint = nearest is not null ? $"; did you mean '{nearest}'?" : state.HintFor(entry.Key) ?? ".";
        var allowed = string.Join(", ", keys.Keys.Select(key => key.Name).Order(StringComparer.Ordinal));
        state.Report(entry.KeyPosition, YamlReader.Join(path, entry.Key), $"unknown key{hint} Allowed here: {allowed}");
    }
}
