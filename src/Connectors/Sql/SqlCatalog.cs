using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Matih.Definition;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Connectors.Sql;

/// <summary>
/// A catalog in a SQL database, in the layout that Iceberg's JDBC catalog (Java) and PyIceberg's SQL catalog use: a row names each
/// table's metadata file, and a commit replaces that name where it is still the one that the commit builds on. All three may write
/// the same table by turns. Thread-safe, and safe among any number of processes.
/// </summary>
/// <remarks>
/// A change is sent once. Whatever the answer is, if it does not say that the change was made then the row is read, and the metadata
/// that it names tells whether this commit is part of the table.
/// </remarks>
public sealed class SqlCatalog : ICatalog, IAsyncDisposable
{
    private static readonly CatalogTraits Traits = new(NamesMetadata: true);

    private readonly CatalogDatabase _database;
    private readonly CatalogRows _rows;
    private readonly IStore _store;
    private readonly string _warehouse;
    private readonly IIdSource _ids;
    private readonly TimeProvider _clock;

    /// <summary>The tables as this process committed them last. Nobody else writes a file of such a name, so that it need not be read while the row names it.</summary>
    private readonly ConcurrentDictionary<TableIdentifier, Table> _own = new();

    /// <param name="limits">Null gives calls as long as a run may wait.</param>
    public SqlCatalog(CatalogDefinition.Sql definition, IStore store, IIdSource ids, TimeProvider clock, CallLimits? limits = null)
        : this(definition, Open(definition.Database, limits), store, ids, clock) { }

    internal SqlCatalog(CatalogDefinition.Sql definition, CatalogDatabase database, IStore store, IIdSource ids, TimeProvider clock)
    {
        _database = database;
        _rows = new CatalogRows(database, definition.CatalogName);
        _store = store;
        _warehouse = definition.Warehouse.TrimEnd('/');
        _ids = ids;
        _clock = clock;
        Name = $"SQL catalog '{definition.CatalogName}' in {database.Name}";
    }

    public string Name { get; }

    private static CatalogDatabase Open(SqlDatabase database, CallLimits? limits) => database switch
    {
        SqlDatabase.Sqlite sqlite => new SqliteCatalogDatabase(sqlite),
        SqlDatabase.PostgreSql postgres => new PostgreSqlCatalogDatabase(postgres, limits),
        _ => throw new InvalidOperationException($"Unknown database {database}."),
    };

    /// <summary>The folder that a new table of that name gets, where the caller names none: that of Java's JDBC catalog, one folder for each level.</summary>
    public string TableLocation(TableIdentifier identifier) => $"{_warehouse}/{string.Join('/', identifier.Namespace.Add(identifier.Name))}";

    public async ValueTask<Table?> LoadAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        string? missing = null;
        while (true)
        {
            if (await FindAsync(identifier, cancellationToken) is not { } row) return null;
            if (row.MetadataLocation is not { } location)
                throw new InvalidTableException($"The row of {identifier} in {Name} names no metadata file (metadata_location is NULL). Set it to the newest one of the table's folder, or drop the table.");
            if (_own.TryGetValue(identifier, out var own) && own.MetadataLocation == location) return own;
            if (await _store.ReadAsync(location, cancellationToken) is { } bytes) return new Table(identifier, location, CatalogMetadata.Read(bytes, location), _store) { Traits = Traits };
            // A file that is gone was replaced while we looked, and deleted as the table's settings want it.
            if (location == missing)
                throw new InvalidTableException($"The metadata file {location}, which {Name} names for {identifier}, does not exist. Restore the file, or set the row's metadata_location to one that exists.");
            missing = location;
        }
    }

    private async ValueTask<CatalogRow?> FindAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        try
        {
            var row = await _rows.FindAsync(identifier, cancellationToken);
            if (row is { IsView: true }) throw new UnsupportedTableException($"{identifier} in {Name} is a view, not a table.");
            return row;
        }
        catch (SqlFault fault) when (fault.Kind == SqlFaultKind.NoTable)
        {
            return null;
        }
        catch (SqlFault fault)
        {
            throw Failed("read", identifier, fault);
        }
    }

    /// <summary>Whether rows can be written, as far as the database's tables exist. Nothing is changed.</summary>
    /// <param name="absent">A name that no table has.</param>
    /// <exception cref="CatalogException">They cannot.</exception>
    public async ValueTask CheckWritableAsync(TableIdentifier absent, CancellationToken cancellationToken)
    {
        try
        {
            await _rows.TryWritingAsync(absent, cancellationToken);
        }
        catch (SqlFault fault) when (fault.Kind == SqlFaultKind.NoTable)
        {
            // The first table that is created makes them.
        }
        catch (SqlFault fault)
        {
            throw new CatalogException($"Could not write to {Name}: {fault.Reason}.", fault.Remedy, fault);
        }
    }

    public async ValueTask<(Table Table, bool IsCreated)> CreateAsync(TableIdentifier identifier, NewTable table, CancellationToken cancellationToken)
    {
        if (await LoadAsync(identifier, cancellationToken) is { } existing) return (existing, false);
        await RefuseNestedAsync(identifier, cancellationToken);
        var metadata = CatalogMetadata.Create(table.Location?.TrimEnd('/') ?? TableLocation(identifier), table, _ids, _clock.GetUtcNow());
        var own = new Table(identifier, NewLocation(metadata, version: 0), metadata, _store) { Traits = Traits };
        var wasWritten = false;
        try
        {
            await _rows.PrepareAsync(cancellationToken);
            wasWritten = true;
            await _store.PutAsync(own.MetadataLocation, CatalogMetadata.Write(metadata, CatalogMetadata.IsZipped(metadata)), cancellationToken);
            await _rows.InsertAsync(identifier, own.MetadataLocation, cancellationToken);
            return (own, true);
        }
        catch (SqlFault fault)
        {
            // Whether another caller or a lost answer of ours made the table: what the row names is the table.
            var found = fault.Kind is SqlFaultKind.KeyExists or SqlFaultKind.Lost ? await LoadAsync(identifier, cancellationToken) : null;
            if (found?.Metadata.TableUuid == metadata.TableUuid) return (found, true);
            if (wasWritten && (found is not null || fault.Kind != SqlFaultKind.Lost)) await RemoveAsync(own.MetadataLocation, cancellationToken);
            if (found is not null) return (found, false);
            throw Failed("create", identifier, fault);
        }
    }

    /// <summary>A folder of a table belongs to it alone: who removes its orphan files would remove another table's.</summary>
    private async ValueTask RefuseNestedAsync(TableIdentifier identifier, CancellationToken cancellationToken)
    {
        for (var depth = 0; depth < identifier.Namespace.Length; depth++)
        {
            var outer = new TableIdentifier(identifier.Namespace[..depth], identifier.Namespace[depth]);
            if (await FindAsync(outer, cancellationToken) is not null)
                throw new UnsupportedTableException($"{identifier} cannot be created: it would lie in the folder of table {outer}. Give it another namespace.");
        }
    }

    public async ValueTask<CommitResult> CommitAsync(
        Table baseTable, IReadOnlyList<TableRequirement> requirements, IReadOnlyList<TableUpdate> updates, CancellationToken cancellationToken)
    {
        foreach (var requirement in requirements)
            if (requirement.Violation(baseTable.Metadata) is { } violation) return new CommitResult.Conflict(violation);
        var metadata = CatalogMetadata.Next(baseTable, updates, _clock.GetUtcNow());
        var own = baseTable with { MetadataLocation = NewLocation(metadata, VersionOf(baseTable.MetadataLocation) + 1), Metadata = metadata };
        await _store.PutAsync(own.MetadataLocation, CatalogMetadata.Write(metadata, CatalogMetadata.IsZipped(metadata)), cancellationToken);
        SqlFault? fault = null;
        try
        {
            if (await _rows.SwapAsync(own.Identifier, baseTable.MetadataLocation, own.MetadataLocation, cancellationToken))
            {
                _own[own.Identifier] = own;
                return await CommittedAsync(baseTable, own, cancellationToken);
            }
        }
        catch (SqlFault failure)
        {
            fault = failure;
        }
        return await SettleAsync(baseTable, own, fault, cancellationToken);
    }

    /// <summary>The commit stands, so that metadata files which it pushed out of the log may go.</summary>
    private async ValueTask<CommitResult> CommittedAsync(Table baseTable, Table own, CancellationToken cancellationToken)
    {
        foreach (var location in CatalogMetadata.FindSurplus(baseTable, own)) await RemoveAsync(location, cancellationToken);
        return new CommitResult.Committed(own);
    }

    /// <summary>The answer did not say that the commit was made, or there was none.</summary>
    /// <param name="fault">Null where the answer was that the row is not as it was.</param>
    private async ValueTask<CommitResult> SettleAsync(Table baseTable, Table own, SqlFault? fault, CancellationToken cancellationToken)
    {
        var isLost = fault is { Kind: SqlFaultKind.Lost };
        bool? isIn = null;
        var reason = "";
        try
        {
            (isIn, reason) = await LookAsync(baseTable, own, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidTableException or UnsupportedTableException)
        {
            if (isLost) return new CommitResult.Unknown(Failed("commit to", own.Identifier, fault!));
            reason = e.Message;
        }
        if (isIn == true) return await CommittedAsync(baseTable, own, cancellationToken);
        // A server that went on after its client was cut off may still be about to carry the statement out.
        if (isIn is null && isLost) return new CommitResult.Unknown(Failed("commit to", own.Identifier, fault!));
        await RemoveAsync(own.MetadataLocation, cancellationToken);
        if (isIn is null && fault is { Kind: SqlFaultKind.Refused or SqlFaultKind.NoTable or SqlFaultKind.KeyExists }) throw Failed("commit to", own.Identifier, fault);
        return new CommitResult.Conflict(isIn is null && fault is not null ? $"{Name}: {fault.Reason}. {fault.Remedy}" : reason);
    }

    /// <summary>Whether the commit is part of the table: true or false for good, null where this does not show it, or not yet.</summary>
    private async ValueTask<(bool? IsIn, string Reason)> LookAsync(Table baseTable, Table own, CancellationToken cancellationToken)
    {
        if (await FindAsync(own.Identifier, cancellationToken) is not { MetadataLocation: { } location }) return (null, $"{own.Identifier} is gone from {Name}");
        if (location == own.MetadataLocation) return (true, "");
        if (location == baseTable.MetadataLocation) return (null, $"{Name} still names {location} for {own.Identifier}");
        var bytes = await _store.ReadAsync(location, cancellationToken)
            ?? throw new InvalidTableException($"The metadata file {location}, which {Name} names for {own.Identifier}, does not exist.");
        return (IsPartOf(CatalogMetadata.Read(bytes, location), baseTable, own), $"{own.Identifier} is at {location}, which another commit wrote");
    }

    /// <remarks>
    /// Each version of the metadata logs the file that it replaced. So a log that reaches back to the base without naming our file says
    /// that another commit took its place; and no two snapshots of a table share a sequence number, where it has them.
    /// </remarks>
    private static bool? IsPartOf(TableMetadata newest, Table baseTable, Table own)
    {
        if (newest.TableUuid != own.Metadata.TableUuid) return false;
        var added = own.Metadata.Snapshots.FirstOrDefault(snapshot => baseTable.Metadata.FindSnapshot(snapshot.Id) is null);
        if (added is not null && newest.FindSnapshot(added.Id) is not null) return true;
        if (IsLogged(own)) return true;
        if (IsLogged(baseTable)) return false;
        return added is { SequenceNumber: > 0 } && newest.Snapshots.Any(snapshot => snapshot.SequenceNumber == added.SequenceNumber) ? false : null;

        bool IsLogged(Table table) => newest.MetadataLog.Any(entry => entry.MetadataFile == table.MetadataLocation);
    }

    /// <summary>Deletes a metadata file that nothing names. Where that fails, it stays as an orphan and does no harm.</summary>
    private async ValueTask RemoveAsync(string location, CancellationToken cancellationToken)
    {
        try
        {
            await _store.DeleteAsync(location, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OperationCanceledException)
        {
            // What was to be done is done; this was but tidying up.
            Activity.Current?.AddEvent(new ActivityEvent("metadata-file-not-deleted", _clock.GetUtcNow(), new() { ["location"] = location, ["reason"] = e.Message }));
        }
    }

    /// <summary>A name as Java and PyIceberg give it: <c>00012-UUID.metadata.json</c>.</summary>
    private string NewLocation(TableMetadata metadata, int version) =>
        CatalogMetadata.FileLocation(metadata, string.Create(CultureInfo.InvariantCulture, $"{version:00000}-{_ids.NewUuid():D}{CatalogMetadata.EndingOf(CatalogMetadata.IsZipped(metadata))}"));

    /// <summary>The number before the dash; -1 where the name has none, as that of a table that was registered from elsewhere may not.</summary>
    private static int VersionOf(string location)
    {
        var name = location.AsSpan(location.LastIndexOf('/') + 1);
        var dash = name.IndexOf('-');
        return dash > 0 && int.TryParse(name[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : -1;
    }

    private CatalogException Failed(string action, TableIdentifier identifier, SqlFault fault) => new(
        $"Could not {action} table {identifier} in {Name}: {fault.Reason}{(fault.Kind == SqlFaultKind.Lost ? "; whether the statement was carried out is not known" : "")}.", fault.Remedy, fault);

    public ValueTask DisposeAsync() => _database.DisposeAsync();
}
