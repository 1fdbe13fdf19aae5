using System.Collections.Immutable;
using Matih.Definition.Format;
using Matih.Definition.Shapes;

namespace Matih.Definition.Reading;

/// <summary>Turns <c>sources:</c> into <see cref="SourceDefinition"/>s.</summary>
internal static class SourceReading
{
    public static ImmutableArray<SourceDefinition> Read(
        ImmutableArray<NamedMapping> entries, ImmutableArray<ConnectionDefinition> connections, RegistryReading registries, ReadState state) =>
        [.. entries.Where(entry => !FlinkSourceReading.IsFlink(entry)).Select(entry => ReadOne(entry, connections, registries, state)).OfType<SourceDefinition>()];

    private static SourceDefinition? ReadOne(
        NamedMapping entry, ImmutableArray<ConnectionDefinition> connections, RegistryReading registries, ReadState state)
    {
        var source = entry.Values;
        CheckJson(source, state);
        CheckAvro(source, state);
        var connection = source.Has(SourceKeys.Connection) ? FindConnection(source, connections, state) : null;
        var registry = registries.Find(source);
        var properties = new ConnectionReading.Properties();
        ConnectionReading.AddFree(source.Get(SourceKeys.Properties), properties, state);
        if (connection is null || !source.IsWhole) return null;

        properties.Set("group.id", source.Get(SourceKeys.ConsumerGroup));
        properties.Set("isolation.level", source.Get(SourceKeys.IsolationLevel) ? "read_committed" : "read_uncommitted");
        properties.Set("check.crcs", source.Get(SourceKeys.CheckCrcs) ? "true" : "false");
        var json = source.Get(SourceKeys.Json);
        return new SourceDefinition
        {
            Name = entry.Name,
            Connection = connection.With(properties.ToImmutable(), properties.Places),
            Topic = source.Get(SourceKeys.Topic),
            ConsumerGroup = source.Get(SourceKeys.ConsumerGroup),
            Format = source.Get(SourceKeys.Format),
            Start = source.Get(SourceKeys.StartOffset),
            Schema = (source.Get(SourceKeys.Schema) as SourceSchema.Columns)?.Row,
            SchemaPlace = source.Get(SourceKeys.Schema) is SourceSchema.Columns ? null : source.Get(SourceKeys.Schema),
            Json = new JsonDefinition(
                json?.Get(JsonKeys.FailOnMissingField) ?? false, json?.Get(JsonKeys.IgnoreParseErrors) ?? false, json?.Get(JsonKeys.TimestampFormat) ?? default),
            OnError = source.Get(SourceKeys.OnError),
            OnLostOffsets = source.Get(SourceKeys.OnLostOffsets),
            ReadsCommittedOnly = source.Get(SourceKeys.IsolationLevel),
            ChecksCrcs = source.Get(SourceKeys.CheckCrcs),
            SchemaRegistry = registry,
            Position = source.Position,
        };
    }

    private static void CheckAvro(BoundMapping source, ReadState state)
    {
        if (!source.Has(SourceKeys.Format)) return;
        if (source.Get(SourceKeys.Format) != RecordFormat.Avro)
        {
            if (source.Get(SourceKeys.Schema) is not (null or SourceSchema.Columns)) state.Report(source.PositionOf(SourceKeys.Schema), source.PathOf(SourceKeys.Schema), "says where an Avro schema is, and the format is not avro; name the columns");
            return;
        }
        if (source.IsGiven(SourceKeys.Json)) state.Report(source.PositionOf(SourceKeys.Json), source.PathOf(SourceKeys.Json), "has no meaning with format avro; leave it out");
        if (!source.IsGiven(SourceKeys.Schema)) Lack(SourceKeys.Schema, "the columns, or `latest` for those of the topic's latest schema in the registry");
        if (!source.IsGiven(SourceKeys.SchemaRegistry)) Lack(SourceKeys.SchemaRegistry, "the registry that knows the schemas that the records were written with");

        void Lack(Key key, string what)
        {
            state.Report(source.Position, source.PathOf(key), $"is missing: format avro needs {what}");
            source.SetIncomplete();
        }
    }

    private static void CheckJson(BoundMapping source, ReadState state)
    {
        if (source.Has(SourceKeys.Format) && source.Get(SourceKeys.Format) == RecordFormat.Raw)
        {
            foreach (var key in new Key[] { SourceKeys.Schema, SourceKeys.Json })
                if (source.IsGiven(key)) state.Report(source.PositionOf(key), source.PathOf(key), "has no meaning with format raw; use format json, or leave it out");
        }
        else if (source.IsGiven(SourceKeys.Json) && !source.IsGiven(SourceKeys.Schema))
            state.Report(source.PositionOf(SourceKeys.Json), source.PathOf(SourceKeys.Json), "has no meaning without a schema: it says how typed fields are read");
        if (source.Get(SourceKeys.Json) is { } json && json.Get(JsonKeys.FailOnMissingField) && json.Get(JsonKeys.IgnoreParseErrors))
            state.Report(json.PositionOf(JsonKeys.IgnoreParseErrors), json.PathOf(JsonKeys.IgnoreParseErrors), "contradicts fail_on_missing_field; set one of them to false");
    }

    private static KafkaConnection? FindConnection(
        BoundMapping source, ImmutableArray<ConnectionDefinition> connections, ReadState state)
    {
        var value = source.Get(SourceKeys.Connection);
        if (connections.FirstOrDefault(connection => connection.Name == value) is { } named) return named.Kafka;
        if (value.Contains(':', StringComparison.Ordinal))
            return new KafkaConnection(null, ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal).Add("bootstrap.servers", value));
        // A host without a port looks just like a name; asking for the port keeps a mistyped name from being looked up in DNS.
        var connectionNames = connections.Select(connection => connection.Name).ToList();
        var nearest = Spelling.Nearest(value, connectionNames);
        state.Report(source.PositionOf(SourceKeys.Connection), source.PathOf(SourceKeys.Connection),
            $"names no connection{(nearest is null ? "" : $"; did you mean '{nearest}'?")}{(nearest is null ? ". " : " ")}"
            + $"Defined under connections: {(connectionNames.Count == 0 ? "none" : string.Join(", ", connectionNames))}; a bootstrap list has ports, such as broker:9092");
        return null;
    }
}
