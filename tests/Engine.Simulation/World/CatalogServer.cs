using System.Buffers;
using System.Globalization;
using Matih.Engine.Simulation.Processes;
using Matih.Engine.Simulation.Scheduling;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Engine.Simulation.World;

/// <summary>
/// A catalog with a server, as the REST and SQL ones: it holds a pointer to each table's metadata, checks the requirements
/// against the table as it stands when the request arrives, and applies the updates to that.
/// </summary>
internal sealed class CatalogServer(Simulator simulator, StoreServer store, string warehouse, int seed)
{
    private readonly Dictionary<TableIdentifier, (string Location, TableMetadata Metadata)> _pointers = [];
    private readonly SeededIds _ids = new(new Random(seed));

    /// <summary>Called whenever a pointer moved.</summary>
    public Action<TableIdentifier>? Changed { get; set; }

    public Table? Load(TableIdentifier identifier, IStore view) =>
        _pointers.TryGetValue(identifier, out var found) ? new Table(identifier, found.Location, found.Metadata, view) : null;

    public (Table Table, bool IsCreated) Create(TableIdentifier identifier, NewTable table, IStore view)
    {
        if (Load(identifier, view) is { } existing) return (existing, false);
        var metadata = CatalogMetadata.Create($"{warehouse}/{string.Join('/', identifier.Namespace.Add(identifier.Name))}", table, _ids, Now);
        return (Store(identifier, metadata, 0, view), true);
    }

    public CommitResult Commit(TableIdentifier identifier, IReadOnlyList<TableRequirement> requirements, IReadOnlyList<TableUpdate> updates, IStore view)
    {
        var current = Load(identifier, view);
        foreach (var requirement in requirements)
            if (requirement.Violation(current?.Metadata) is { } violation) return new CommitResult.Conflict(violation);
        if (current is null) return new CommitResult.Conflict("the table is gone");
        TableMetadata after;
        try
        {
            after = TableUpdates.Apply(current.Metadata, updates, Now.ToUnixTimeMilliseconds());
        }
        catch (ArgumentException e)
        {
            return new CommitResult.Conflict(e.Message);
        }
        var log = current.Metadata.MetadataLog.Add(new(current.Metadata.LastUpdatedMillis, current.MetadataLocation));
        var surplus = log.Length - new TableSettings(after.Properties).MetadataLogCountMax;
        var version = int.Parse(Path.GetFileName(current.MetadataLocation).AsSpan(0, 5), CultureInfo.InvariantCulture) + 1;
        return new CommitResult.Committed(Store(identifier, after with { MetadataLog = surplus > 0 ? log[surplus..] : log }, version, view));
    }

    /// <summary>Puts other metadata in the place of a table's.</summary>
    public void Replace(TableIdentifier identifier, TableMetadata metadata, IStore view)
    {
        var current = _pointers[identifier];
        var version = int.Parse(Path.GetFileName(current.Location).AsSpan(0, 5), CultureInfo.InvariantCulture) + 1;
        Store(identifier, metadata with { MetadataLog = metadata.MetadataLog.Add(new(current.Metadata.LastUpdatedMillis, current.Location)) }, version, view);
    }

    /// <summary>Takes a table's pointer away, for <see cref="Restore"/>.</summary>
    public (string Location, TableMetadata Metadata)? Hide(TableIdentifier identifier) => _pointers.Remove(identifier, out var pointer) ? pointer : null;

    public void Restore(TableIdentifier identifier, (string Location, TableMetadata Metadata)? pointer)
    {
        _pointers.Remove(identifier);
        if (pointer is { } found) _pointers.Add(identifier, found);
    }

    private Table Store(TableIdentifier identifier, TableMetadata metadata, int version, IStore view)
    {
        var location = string.Create(CultureInfo.InvariantCulture, $"{metadata.Location}/metadata/{version:00000}-{_ids.NewUuid():D}.metadata.json");
        store.Put(location, TableMetadataJson.Write(metadata).ToArray());
        _pointers[identifier] = (location, metadata);
        Changed?.Invoke(identifier);
        return new Table(identifier, location, metadata, view);
    }

    private DateTimeOffset Now => SimulatedClock.Epoch + simulator.Now;
}

/// <summary>A process's way to that server. A request without an answer may have been served, and may still be.</summary>
internal sealed class CatalogClient(CatalogServer server, Weather weather, SimulatedProcess process, IStore store) : ICatalog
{
    public string Name => "simulated catalog";

    public ValueTask<Table?> LoadAsync(TableIdentifier identifier, CancellationToken cancellationToken) =>
        CallAsync($"load {identifier}", isWrite: false, () => server.Load(identifier, store), cancellationToken);

    public ValueTask<(Table Table, bool IsCreated)> CreateAsync(TableIdentifier identifier, NewTable table, CancellationToken cancellationToken) =>
        CallAsync($"create {identifier}", isWrite: true, () => server.Create(identifier, table, store), cancellationToken);

    /// <remarks>As the clients of REST and SQL catalogs: the table itself says whether a conflict was one.</remarks>
    public async ValueTask<CommitResult> CommitAsync(
        Table baseTable, IReadOnlyList<TableRequirement> requirements, IReadOnlyList<TableUpdate> updates, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await CallAsync(
                $"commit {baseTable.Identifier}", isWrite: true, () => server.Commit(baseTable.Identifier, requirements, updates, store), cancellationToken, Falsify);
            if (answer is not CommitResult.Conflict) return answer;
            var now = await LoadAsync(baseTable.Identifier, cancellationToken);
            var added = updates.OfType<TableUpdate.AddSnapshot>().Select(update => update.Snapshot).FirstOrDefault();
            if (added is not null && now?.Metadata.Lineage().Any(known => known.Id == added.Id && known.ManifestList == added.ManifestList) == true) return new CommitResult.Committed(now);
            var isOvertaken = requirements.Any(requirement => requirement.Violation(now?.Metadata) is not null) || added?.SequenceNumber <= now?.Metadata.LastSequenceNumber;
            return isOvertaken ? answer : new CommitResult.Unknown(new IOException($"Catalog: {((CommitResult.Conflict)answer).Reason}; and the table stands as the commit expects it."));
        }
        catch (IOException e)
        {
            return new CommitResult.Unknown(e);
        }
    }

    /// <summary>Servers answer 409 for what they have committed, and 500 for a lost race.</summary>
    private static CommitResult Falsify(CommitResult result) =>
        result is CommitResult.Committed ? new CommitResult.Conflict("409, the commit was there already") : new CommitResult.Unknown(new IOException("Catalog: 500."));

    private ValueTask<T> CallAsync<T>(string what, bool isWrite, Func<T> effect, CancellationToken cancellationToken, Func<T, T>? falsified = null) =>
        process.CallAsync(what, weather.Decide(Service.Catalog, isWrite), effect, fault => new IOException($"Catalog: {fault.Cause()} ({what})."), cancellationToken, falsified);
}
