using System.Buffers;
using System.Globalization;
using Matih.Delivery.Ledgers;
using Matih.Engine.Simulation.Scheduling;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Planning;

namespace Matih.Engine.Simulation.World;

/// <summary>Everything outside the processes: the cluster, the store, the catalogs and the weather.</summary>
internal sealed class SimulatedWorld
{
    public const string Warehouse = "mem://lake";

    private const string MetadataEnding = ".metadata.json";

    private readonly SeededIds _ids;
    private readonly Dictionary<string, (byte[] Bytes, TableMetadata Metadata)> _parsed = new(StringComparer.Ordinal);

    public SimulatedWorld(Simulator simulator, int seed, bool hasCatalogServer)
    {
        Simulator = simulator;
        HasCatalogServer = hasCatalogServer;
        Weather = new Weather(simulator, seed ^ 0x11);
        Store = new StoreServer(simulator, seed ^ 0x22);
        CatalogServer = new CatalogServer(simulator, Store, Warehouse, seed ^ 0x33);
        _ids = new SeededIds(new Random(seed ^ 0x44));
        View = new ServerSideStore(Store);
    }

    public Simulator Simulator { get; }

    public bool HasCatalogServer { get; }

    public Weather Weather { get; }

    public StoreServer Store { get; }

    public CatalogServer CatalogServer { get; }

    public KafkaCluster Kafka { get; } = new();

    public ServerSideStore View { get; }

    public SeededIds Ids => _ids;

    /// <summary>What is known of the processes that were ever started, by their id.</summary>
    public Dictionary<int, ProcessLife> Processes { get; } = [];

    /// <summary>When somebody last changed a table's properties or sort order.</summary>
    public TimeSpan? WritingChangedAt { get; set; }

    public DateTimeOffset Now => SimulatedClock.Epoch + Simulator.Now;

    /// <summary>The table as it now stands, seen from the server's side.</summary>
    public Table? Load(TableIdentifier identifier)
    {
        if (HasCatalogServer) return CatalogServer.Load(identifier, View);
        var folder = $"{FolderOf(identifier)}/metadata/";
        var newest = Store.Names(folder).Select(location => (Location: location, Version: VersionOf(location))).Where(item => item.Version > 0).DefaultIfEmpty().MaxBy(item => item.Version).Location;
        if (newest is null) return null;
        var bytes = Store.Read(newest)!;
        if (!_parsed.TryGetValue(newest, out var found) || found.Bytes != bytes) _parsed[newest] = found = (bytes, TableMetadataJson.Read(bytes, newest));
        return new Table(identifier, newest, found.Metadata, View);
    }

    private static int VersionOf(string location)
    {
        var name = location.AsSpan(location.LastIndexOf('/') + 1);
        return name is ['v', .. var rest] && rest.EndsWith(MetadataEnding, StringComparison.Ordinal)
            && int.TryParse(rest[..^MetadataEnding.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : 0;
    }

    /// <summary>Another writer's commit, at one moment; false where it conflicts.</summary>
    public bool Commit(Table table, IReadOnlyList<TableRequirement> requirements, IReadOnlyList<TableUpdate> updates) => HasCatalogServer
        ? CatalogServer.Commit(table.Identifier, requirements, updates, View) is CommitResult.Committed
        : Completed(OwnFileCatalog().CommitAsync(table, requirements, updates, default)) is CommitResult.Committed;

    /// <summary>Takes a table out of the warehouse, for <see cref="Restore"/>.</summary>
    public HiddenTable Hide(TableIdentifier identifier) => new(identifier, Store.Hide(FolderOf(identifier)), CatalogServer.Hide(identifier));

    public void Restore(HiddenTable hidden)
    {
        Store.Restore(hidden.Objects);
        CatalogServer.Restore(hidden.Identifier, hidden.Pointer);
    }

    /// <summary>Somebody else creates an empty table.</summary>
    public void Create(TableIdentifier identifier, TablePlan plan)
    {
        var table = new NewTable(Schema.FromRow(plan.Rows), PartitionSpec.Unpartitioned, plan.Properties);
        if (HasCatalogServer) CatalogServer.Create(identifier, table, View);
        else Completed(OwnFileCatalog().CreateAsync(identifier, table, default));
    }

    private static string FolderOf(TableIdentifier identifier) => $"{Warehouse}/{string.Join('/', identifier.Namespace.Add(identifier.Name))}";

    private FileCatalog OwnFileCatalog() => new(View, Warehouse, _ids, new FixedClock(this));

    /// <summary>Another writer's change that no update expresses; the metadata is replaced as it is.</summary>
    public void Replace(Table table, TableMetadata metadata)
    {
        if (HasCatalogServer)
        {
            CatalogServer.Replace(table.Identifier, metadata, View);
            return;
        }
        var log = table.Metadata.MetadataLog.Add(new(table.Metadata.LastUpdatedMillis, table.MetadataLocation));
        var next = $"{table.MetadataLocation[..(table.MetadataLocation.LastIndexOf('/') + 1)]}v{VersionOf(table.MetadataLocation) + 1}{MetadataEnding}";
        Store.Put(next, TableMetadataJson.Write(metadata with { MetadataLog = log }).ToArray());
    }

    /// <summary>The result of a call on the server's side, which never waits.</summary>
    public static T Completed<T>(ValueTask<T> call) =>
        call.IsCompleted ? call.GetAwaiter().GetResult() : throw new InvalidOperationException("A call on the server's side has to complete at once.");

    private sealed class FixedClock(SimulatedWorld world) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => world.Now;
    }
}

/// <summary>A process as the world remembers it.</summary>
/// <param name="hasAcceptedTag">Asks whether it has continued from a tag of that name.</param>
/// <param name="wasTold">Asks whether it knows that a commit of its own got into a table.</param>
internal sealed class ProcessLife(TimeSpan startedAt, Func<string, bool> hasAcceptedTag, Func<CommitId, bool> wasTold)
{
    public bool HasAcceptedTag(string tag) => hasAcceptedTag(tag);

    public bool WasTold(CommitId commit) => wasTold(commit);

    public TimeSpan StartedAt { get; } = startedAt;

    /// <summary>When it last was stopped (SIGSTOP), or woke.</summary>
    public TimeSpan PausedAt { get; set; } = TimeSpan.MinValue;
}

/// <summary>A table that was taken out of the warehouse.</summary>
internal sealed record HiddenTable(TableIdentifier Identifier, HiddenFolder Objects, (string Location, TableMetadata Metadata)? Pointer);
