using System.Collections.Immutable;
using Matih.Definition.Shapes;

namespace Matih.Definition.Format;

/// <summary>The whole format: the keys at the root, and through them all others.</summary>
internal static class PipelineFormat
{
    public static readonly Key<BoundMapping?> Metadata = new("metadata", new MappingShape(MetadataKeys.Set)!, "Who the pipeline is.") { IsRequired = true, Example = "{ name: clicks }" };

    public static readonly Key<ImmutableArray<NamedMapping>> Connections = new("connections", new NamedMappingsShape(ConnectionKeys.Set), "Kafka clusters, for sources to name.") { Default = [] };

    public static readonly Key<ImmutableArray<NamedMapping>> Registries = new("registries", new NamedMappingsShape(RegistryKeys.Set), "Schema registries, for sources to name.") { Default = [] };

    public static readonly Key<ImmutableArray<NamedMapping>> Catalogs = new("catalogs", new NamedMappingsShape(CatalogKeys.Set), "Where tables are registered.") { Default = [] };

    public static readonly Key<ImmutableArray<NamedMapping>> Sources = new("sources", new NamedMappingsShape(SourceKeys.Set.With("flink", FlinkSourceKeys.Set)), "What to read.") { IsRequired = true, Default = [] };

    public static readonly Key<ImmutableArray<BoundMapping>> Transformations = new("transformations",
        new ListShape<BoundMapping>("a list of steps ('- name: ...')", new MappingShape(TransformationKeys.Set)), "SQL statements between sources and sinks.") { Default = [] };

    public static readonly Key<ImmutableArray<NamedMapping>> Sinks = new("sinks", new NamedMappingsShape(SinkKeys.Set), "Tables to write.") { IsRequired = true, Default = [] };

    public static readonly Key<BoundMapping?> Orchestration = new("orchestration", new MappingShape(OrchestrationKeys.Set)!, "How the pipeline is run.");

    public static readonly Key<ImmutableArray<BoundMapping>> Tests = new("tests",
        new ListShape<BoundMapping>("a list of tests ('- name: ...')", new LiteralShape<BoundMapping>(new MappingShape(TestKeys.Set))), "Examples of what the statements make of records; `matih test` checks them.") { Default = [] };

    public static readonly KeySet Root = new("definition", "The whole file.", Metadata, Connections, Registries, Catalogs, Sources, Transformations, Sinks, Orchestration, Tests);

    /// <summary>Every mapping of the format, in the order of the reference, the root first.</summary>
    public static IEnumerable<KeySet> Sets => Below(Root);

    /// <summary>Where a key that does not belong here does belong, as the end of a message: it is Flink's, or another mapping's. Null for neither.</summary>
    public static string? HintFor(string name)
    {
        if (FlinkNames.KeyOf(name) is { } key) return $"; Flink's {name} is {key} here.";
        var places = Sets.Where(set => set.Find(name) is not null).Select(set => set.Title).ToList();
        return places.Count == 0 ? null : $"; it belongs under {string.Join(" or ", places)}.";
    }

    private static IEnumerable<KeySet> Below(KeySet set) =>
        set.Keys.Select(key => key.Shape.Keys).OfType<KeySet>().Concat(set.Variants.Select(variant => variant.Keys)).SelectMany(Below).Prepend(set);
}
