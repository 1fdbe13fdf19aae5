using System.Collections.Immutable;

namespace Matih.Definition;

/// <summary>
/// How to reach a Kafka cluster, in librdkafka's own property names. Values may be secrets: it prints names, never values
/// other than the bootstrap servers, the protocol and the mechanism.
/// </summary>
public sealed class KafkaConnection(string? name, ImmutableSortedDictionary<string, string> properties)
{
    private static readonly string[] Shown = ["bootstrap.servers", "security.protocol", "sasl.mechanism"];

    /// <summary>The entry under <c>connections:</c>; null for a bootstrap list given with the source.</summary>
    public string? Name { get; } = name;

    /// <summary>Every property to set, secrets in plain text; no reserved one among them.</summary>
    public ImmutableSortedDictionary<string, string> Properties { get; } = properties;

    /// <summary>Where the author wrote the properties, under <c>properties:</c> or as keys of <c>security:</c>, by their names here.</summary>
    internal ImmutableDictionary<string, PropertyPlace> Places { get; init; } = ImmutableDictionary<string, PropertyPlace>.Empty;

    /// <summary>The place of a property, or of the key that sets it; null for those that come from keys outside <c>security:</c>.</summary>
    public PropertyPlace? PlaceOf(string property) => Places.GetValueOrDefault(property);

    public string BootstrapServers => Properties["bootstrap.servers"];

    /// <summary>In librdkafka's spelling: <c>plaintext</c>, <c>ssl</c>, <c>sasl_plaintext</c> or <c>sasl_ssl</c>.</summary>
    public string SecurityProtocol => Properties.GetValueOrDefault("security.protocol", "plaintext");

    /// <summary>The same connection with further properties, which win.</summary>
    internal KafkaConnection With(IEnumerable<KeyValuePair<string, string>> more, IEnumerable<KeyValuePair<string, PropertyPlace>> places) =>
        new(Name, Properties.SetItems(more)) { Places = Places.SetItems(places) };

    public override string ToString() =>
        "kafka(" + string.Join(", ", Properties.Select(pair => $"{pair.Key}={(Shown.Contains(pair.Key) ? pair.Value : Secret.Mask)}")) + ")";
}

/// <summary>Where a property stands, and its path for messages.</summary>
public sealed record PropertyPlace(DefinitionPosition Position, string Path);
