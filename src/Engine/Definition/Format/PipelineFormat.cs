using System.Collections.Immutable;
using Matih.Definition.Reading;

namespace Matih.Definition.Format;

/// <summary>The whole format: the keys at the root, and through them all others.</summary>
internal static class PipelineFormat
{
    public static readonly Key<BoundMapping?> Metadata = new("metadata", new MappingShape(MetadataKeys.Set)!, "Who the pipeline is.") { IsRequired = true, Example = "{ name: clicks }" };

    public static readonly Key<ImmutableArray<NamedMapping>> Connections = new("connections", new NamedMappingsShape(ConnectionKeys.Set), "Kafka clusters, for sources to name.") { Default = [] };

    public static readonly Key<ImmutableArray<NamedMapping>> Catalogs = new("catalogs", new NamedMappingsShape(CatalogKeys.Set), "Where tables are registered.") { Default = [] };

    public static readonly Key<ImmutableArray<NamedMapping>> Sources = new("sources", new NamedMappingsShape(SourceKeys.Set), "Topics to read.") { IsRequired = true, Default = [] };

    public static readonly Key<ImmutableArray<BoundMapping>> Transformations = new("transformations",
        new ListShape<BoundMapping>("a list of steps ('- name: ...')", new MappingShape(TransformationKeys.Set)), "SQL statements between sources and sinks.") { Default = [] };

    public static readonly Key<ImmutableArray<NamedMapping>> Sinks = new("sinks", new NamedMappingsShape(SinkKeys.Set), "Tables to write.") { IsRequired = true, Default = [] };

    public static readonly Key<BoundMapping?> Orchestration = new("orchestration", new MappingShape(OrchestrationKeys.Set)!, "How the pipeline is run.");

    public static readonly KeySet Root = new("definition", "The whole file.", Metadata, Connections, Catalogs, Sources, Transformations, Sinks, Orchestration);

    /// <summary>Every mapping of the format, in the order of the reference, the root first.</summary>
    public static IEnumerable<KeySet> Sets => Below(Root);

    /// <summary>The titles of the mappings that know a key of that name.</summary>
    public static IReadOnlyList<string> PlacesOf(string name) => Sets.Where(set => set.Find(name) is not null).Select(set => set.Title).ToList();

    private static IEnumerable<KeySet> Below(KeySet set) =>
        set.Keys.Select(key => key.Shape.Keys).OfType<KeySet>().SelectMany(Below).Prepend(set);
}
