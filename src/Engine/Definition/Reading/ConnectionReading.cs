using System.Collections.Immutable;
using Matih.Definition.Format;
using Matih.Definition.Shapes;

namespace Matih.Definition.Reading;

/// <summary>Turns <c>connections:</c> into librdkafka properties.</summary>
internal static class ConnectionReading
{
    public static ImmutableArray<ConnectionDefinition> Read(ImmutableArray<NamedMapping> entries, ReadState state) =>
        [.. entries.Select(entry => new ConnectionDefinition(entry.Name, ReadOne(entry, state), entry.Values.Position))];

    private static KafkaConnection ReadOne(NamedMapping entry, ReadState state)
    {
        var properties = new Properties();
        properties.Set("bootstrap.servers", entry.Values.Get(ConnectionKeys.BootstrapServers) ?? "");
        if (entry.Values.Get(ConnectionKeys.Security) is { } security) SecurityReading.Read(security, properties, state);
        AddFree(entry.Values.Get(ConnectionKeys.Properties), properties, state);
        return new KafkaConnection(entry.Name, properties.ToImmutable()) { Places = properties.Places };
    }

    /// <summary>Adds properties that the author named, unless they are reserved, have a key of their own, or are set already.</summary>
    public static void AddFree(ImmutableArray<TextPair> pairs, Properties properties, ReadState state)
    {
        foreach (var pair in pairs)
        {
            if (KafkaPropertyNames.Reserved.TryGetValue(pair.Key, out var reason))
                state.Report(pair.Position, pair.Path, $"'{pair.Key}' is reserved: {reason}; leave it out");
            else if (KafkaPropertyNames.Dedicated.TryGetValue(pair.Key, out var key))
                state.Report(pair.Position, pair.Path, $"'{pair.Key}' has a key of its own: use {key}");
            else if (KafkaPropertyNames.AdviceFor(pair.Key) is { } advice)
                state.Report(pair.Position, pair.Path, $"'{pair.Key}' {advice}");
            else if (pair.Value.Contains('\0', StringComparison.Ordinal))
                state.Report(pair.Position, pair.Path, "the value holds a NUL character");
            else if (!properties.TryAdd(KafkaPropertyNames.Canonical(pair.Key), pair))
                state.Report(pair.Position, pair.Path, $"'{pair.Key}' is set by security as well; keep one of them");
        }
    }

    /// <summary>Properties being gathered.</summary>
    internal sealed class Properties
    {
        private readonly ImmutableSortedDictionary<string, string>.Builder _values = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);

        public void Set(string name, string value) => _values[name] = value;

        /// <summary>Sets what a key says, so that a fault of the property is shown at the key.</summary>
        public void Set(string name, string value, BoundMapping mapping, Key key)
        {
            Set(name, value);
            Place(name, mapping, key);
        }

        /// <summary>Where a fault of the property is shown, also where the key is left out.</summary>
        public void Place(string name, BoundMapping mapping, Key key) => Places = Places.SetItem(name, new PropertyPlace(mapping.PositionOf(key), mapping.PathOf(key)));

        public ImmutableDictionary<string, PropertyPlace> Places { get; private set; } = ImmutableDictionary<string, PropertyPlace>.Empty;

        public bool TryAdd(string name, TextPair pair)
        {
            if (_values.ContainsKey(name)) return false;
            _values.Add(name, pair.Value);
            Places = Places.Add(name, new PropertyPlace(pair.Position, pair.Path));
            return true;
        }

        public ImmutableSortedDictionary<string, string> ToImmutable() => _values.ToImmutable();
    }
}
