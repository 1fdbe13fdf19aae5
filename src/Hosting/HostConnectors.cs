using System.Collections.Concurrent;
using Matih.Connectors;
using Matih.Connectors.Registry;
using Matih.Definition;
using Matih.Delivery;
using Matih.Iceberg.Catalogs;
using Matih.Kafka;
using Matih.Kafka.Native;
using Matih.Registry;
using Matih.Storage;
using Matih.Telemetry;

namespace Matih.Hosting;

/// <summary>The real outside: Kafka through librdkafka, and the catalogs and stores of the definition.</summary>
/// <param name="laneCountMax">The most lanes that a flow will have; its queue memory is shared out among them.</param>
/// <param name="limits">How long calls to catalogs and stores may take, for who wants an answer soon; null is the patience of a run.</param>
public sealed class HostConnectors(HostSettings settings, EngineEnvironment environment, IEngineLog log, int laneCountMax, CallLimits? limits = null) : IConnectors
{
    private const string MockProperty = "test.mock.num.brokers";

    /// <summary>A member fetches nothing; this only has to be a size that settings allow.</summary>
    private const long MemberQueueBytes = 1 << 20;

    private static readonly string[] OwnFields = ["bootstrap.servers", "group.id", MockProperty];

    private readonly ClientLog _clientLog = new(log, environment.Clock, settings.IsMockKafka);
    private readonly ConcurrentDictionary<RegistryDefinition, ISchemaRegistry> _registries = new(ReferenceEqualityComparer.Instance);
    private readonly Lazy<Librdkafka> _library = new(() => Librdkafka.Load(settings.LibrdkafkaPath));

    public IRecordSource OpenSource(SourceDefinition source, long queueBytes)
    {
        try
        {
            return LibrdkafkaSource.Open(_library.Value, SettingsOf(source, queueBytes), source.Topic, environment.Clock, _clientLog.Write);
        }
        catch (SourceException refusal)
        {
            throw Refused(source, refusal);
        }
    }

    public IGroupMember JoinGroup(SourceDefinition source, string group)
    {
        try
        {
            return LibrdkafkaGroupMember.Join(_library.Value, SettingsOf(source, MemberQueueBytes), source.Topic, group, environment.Clock, environment.Tasks, _clientLog.Write);
        }
        catch (SourceException refusal)
        {
            throw Refused(source, refusal);
        }
    }

    public IStore OpenStore(CatalogDefinition catalog) => StoreOpening.Open(catalog.Stores, environment.Ids, environment.Clock, limits);

    public ICatalog OpenCatalog(CatalogDefinition catalog, IStore store)
    {
        try
        {
            return CatalogOpening.Open(catalog, (LocationStore)store, environment.Ids, environment.Clock, limits);
        }
        catch (CatalogException refusal)
        {
            throw new PipelineException(FailureKind.Catalog, $"Catalog {catalog.Name}: {refusal.Failure}", refusal.Remedy, refusal);
        }
    }

    public ISchemaRegistry OpenRegistry(RegistryDefinition registry)
    {
        try
        {
            return _registries.GetOrAdd(registry, found => RegistryClient.Open(found, environment.Ids, environment.Clock, limits));
        }
        catch (SchemaRegistryException refusal)
        {
            throw new PipelineException(FailureKind.BadDefinition, $"Schema registry {registry.Address}: {refusal.Message}", "The start after that continues from the table's ledger.", refusal);
        }
    }

    internal KafkaSettings SettingsOf(SourceDefinition source, long queueBytes) => SettingsOf(settings, source, queueBytes, laneCountMax);

    /// <summary>
    /// What librdkafka says against the properties of the sources, at the place of each; one warning where there is no
    /// librdkafka to ask.
    /// </summary>
    internal static IEnumerable<DefinitionError> CheckClients(HostSettings settings, PipelineDefinition definition, Action<string> warn)
    {
        Librdkafka library;
        try
        {
            library = Librdkafka.Load(settings.LibrdkafkaPath);
        }
        catch (SourceException missing)
        {
            warn($"the Kafka properties are not checked: {missing.Message}");
            return [];
        }
        return
            from source in definition.Sources
            let parallelism = Math.Max(1, definition.Orchestration.Parallelism)
            from fault in SettingsOf(settings, source, MemberQueueBytes * parallelism, parallelism).Validate(library)
            let place = source.Connection.PlaceOf(fault.Property)
            let position = place?.Position ?? source.Position
            select new DefinitionError(position.File, position.Line, position.Column, place?.Path ?? $"sources.{source.Name}", fault.Message);
    }

    private static KafkaSettings SettingsOf(HostSettings settings, SourceDefinition source, long queueBytes, int laneCountMax)
    {
        var properties = source.Connection.Properties;
        return new KafkaSettings
        {
            BootstrapServers = source.Connection.BootstrapServers,
            GroupId = source.ConsumerGroup,
            Properties = properties.RemoveRange(OwnFields),
            QueueBytes = queueBytes,
            QueueCountMax = laneCountMax,
            IsMockCluster = settings.IsMockKafka || properties.ContainsKey(MockProperty),
        };
    }

    private static PipelineException Refused(SourceDefinition source, SourceException refusal) => new(
        FailureKind.KafkaAccess, $"Source {source.Name}: {refusal.Message}",
        $"Check the connection of source {source.Name} and the installed librdkafka.", refusal);
}
