using System.Collections.Immutable;
using Matih.Definition.Format;
using Matih.Definition.Shapes;
using Matih.Storage;

namespace Matih.Definition.Reading;

/// <summary>Turns <c>catalogs:</c> into <see cref="CatalogDefinition"/>s, and finds the one that a sink means.</summary>
internal sealed class CatalogReading
{
    private const string CatalogVariable = "MATIH_CATALOG";
    private const string WarehouseVariable = "MATIH_WAREHOUSE";
    private const string DefaultName = "default";
    private const string DefaultWarehouse = "./warehouse";

    private readonly Dictionary<string, CatalogDefinition?> _byName = new(StringComparer.Ordinal);
    private readonly ReadState _state;

    public CatalogReading(ImmutableArray<NamedMapping> entries, ReadState state)
    {
        _state = state;
        foreach (var entry in entries)
            _byName[entry.Name] = ReadOne(entry);
        All = [.. _byName.Values.OfType<CatalogDefinition>()];
    }

    public ImmutableArray<CatalogDefinition> All { get; }

    private CatalogDefinition? ReadOne(NamedMapping entry)
    {
        var values = entry.Values;
        if (!values.Has(CatalogKeys.Type)) return null;
        var type = values.Get(CatalogKeys.Type);
        var stores = StoreAccessReading.Read(values, _state);
        Key[] ofRest = [CatalogKeys.Prefix, CatalogKeys.Auth, CatalogKeys.VendedCredentials, CatalogKeys.Headers];
        Key[] ofSql = [CatalogKeys.CatalogName, CatalogKeys.User, CatalogKeys.Password, CatalogKeys.Options];
        Key[] ofHive = [CatalogKeys.HiveConfFolder, CatalogKeys.HadoopConfFolder];
        Key[] foreign = type switch
        {
            CatalogType.File => [CatalogKeys.Address, .. ofRest, .. ofSql, .. ofHive],
            CatalogType.Rest => [.. ofSql, .. ofHive],
            CatalogType.Sql => [.. ofRest, .. ofHive],
            _ => [.. ofRest, .. ofSql],
        };
        StoreAccessReading.RefuseForeign(values, foreign, Name(type), _state);
        CatalogDefinition? read = type switch
        {
            CatalogType.File => ReadWarehouse(values) is { } warehouse ? new CatalogDefinition.File(entry.Name, warehouse) : null,
            CatalogType.Rest => RestCatalogReading.Read(entry.Name, values, stores.S3, _state),
            CatalogType.Sql => ReadSql(entry.Name, values),
            _ => ReadHive(entry.Name, values),
        };
        return read is null ? null : read with { Stores = stores };
    }

    private static string Name(CatalogType type) => type switch { CatalogType.File => "file", CatalogType.Rest => "rest", CatalogType.Sql => "sql", _ => "hive" };

    private string? ReadWarehouse(BoundMapping values)
    {
        if (values.Get(CatalogKeys.Warehouse) is { } warehouse)
            return ToLocation(warehouse, values.PositionOf(CatalogKeys.Warehouse), values.PathOf(CatalogKeys.Warehouse));
        if (!values.IsGiven(CatalogKeys.Warehouse))
            _state.Report(values.Position, values.PathOf(CatalogKeys.Warehouse), $"is missing, for example 'warehouse: {DefaultWarehouse}'");
        return null;
    }

    private CatalogDefinition.Sql? ReadSql(string name, BoundMapping values)
    {
        var warehouse = ReadWarehouse(values);
        if (!values.IsGiven(CatalogKeys.Address))
            _state.Report(values.Position, values.PathOf(CatalogKeys.Address), "is missing, for example 'uri: sqlite:./catalog.db', or postgresql://HOST:PORT/DATABASE");
        if (values.Get(CatalogKeys.Address) is not { } address) return null;
        var database = ReadDatabase(address, values);
        return database is null || warehouse is null ? null : new(name, database, warehouse, values.Get(CatalogKeys.CatalogName) ?? name);
    }

    /// <summary>Folders stay as they are written: they are those of Flink's machines.</summary>
    private CatalogDefinition.Hive? ReadHive(string name, BoundMapping values)
    {
        var hasConf = values.IsGiven(CatalogKeys.HiveConfFolder);
        if (!values.IsGiven(CatalogKeys.Address) && !hasConf)
            _state.Report(values.Position, values.PathOf(CatalogKeys.Address), "is missing, for example 'uri: thrift://metastore:9083', or give hive_conf_dir");
        if (!values.IsGiven(CatalogKeys.Warehouse) && !hasConf)
            _state.Report(values.Position, values.PathOf(CatalogKeys.Warehouse), "is missing, for example 'warehouse: s3://bucket/warehouse', or give hive_conf_dir");
        var uri = values.Get(CatalogKeys.Address);
        if (uri is not null && !uri.Split(',').All(address => Uri.TryCreate(address.Trim(), UriKind.Absolute, out var parsed) && parsed.Scheme == "thrift" && parsed.Host.Length != 0 && parsed.UserInfo.Length == 0))
        {
            _state.Report(values.PositionOf(CatalogKeys.Address), values.PathOf(CatalogKeys.Address), "expected thrift://HOST:PORT, or several separated by commas, found something else (not shown: it may hold credentials)");
            return null;
        }
        return values.IsWhole && (hasConf || uri is not null && values.Get(CatalogKeys.Warehouse) is not null)
            ? new(name, uri, values.Get(CatalogKeys.Warehouse), values.Get(CatalogKeys.HiveConfFolder), values.Get(CatalogKeys.HadoopConfFolder))
            : null;
    }

    private SqlDatabase? ReadDatabase(string address, BoundMapping values)
    {
        const string Sqlite = "sqlite:", Java = "jdbc:";
        const int PostgreSqlPort = 5432;
        if (address.StartsWith(Java, StringComparison.Ordinal)) address = address[Java.Length..];
        if (address.StartsWith(Sqlite, StringComparison.Ordinal))
        {
            foreach (var key in new Key[] { CatalogKeys.User, CatalogKeys.Password, CatalogKeys.Options }) StoreAccessReading.Refuse(values, key, "has no meaning with SQLite; leave it out", _state);
            // PyIceberg's addresses have three slashes before a relative path and four before an absolute one.
            var path = address[Sqlite.Length..];
            if (path.StartsWith("///", StringComparison.Ordinal)) path = path[3..];
            if (path.Length != 0 && path != ":memory:" && !path.Any(char.IsControl)) return new SqlDatabase.Sqlite(_state.ToAbsolutePath(path));
            Report("expected the path of a file after 'sqlite:'");
            return null;
        }
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme.Split('+')[0] is not ("postgresql" or "postgres") || uri.Host.Length == 0 || uri.AbsolutePath.Length < 2)
        {
            Report("expected sqlite:PATH or postgresql://HOST:PORT/DATABASE, found something else (not shown: it may hold credentials)");
            return null;
        }
        if (uri.UserInfo.Length != 0 || uri.Query.Length != 0)
        {
            Report("has more than host, port and database: credentials belong under 'user' and 'password', settings under 'options'");
            return null;
        }
        return new SqlDatabase.PostgreSql(
            uri.Host, uri.Port > 0 ? uri.Port : PostgreSqlPort, Uri.UnescapeDataString(uri.AbsolutePath[1..]), values.Get(CatalogKeys.User), values.Get(CatalogKeys.Password),
            values.Get(CatalogKeys.Options).ToImmutableSortedDictionary(pair => pair.Key, pair => pair.Value, StringComparer.OrdinalIgnoreCase));

        void Report(string problem) => _state.Report(values.PositionOf(CatalogKeys.Address), values.PathOf(CatalogKeys.Address), problem);
    }

    /// <summary>The catalog and the table in it; null after a report.</summary>
    public (CatalogDefinition Catalog, TableName Table)? Resolve(BoundMapping sink)
    {
        var parts = sink.Get(SinkKeys.Table)?.Split('.') ?? [];
        var isPrefixed = parts.Length != 0 && _byName.ContainsKey(parts[0]);
        var (catalog, isKnown) = Choose(sink, isPrefixed ? parts[0] : null);
        if (!isKnown || parts.Length == 0) return null;
        var inCatalog = isPrefixed ? parts[1..] : parts;
        if (inCatalog.Length < 2)
        {
            _state.Report(sink.PositionOf(SinkKeys.Table), sink.PathOf(SinkKeys.Table),
                $"'{parts[0]}' is a catalog here, which leaves no namespace for the table; write {parts[0]}.NAMESPACE.{parts[^1]}");
            return null;
        }
        return catalog is null ? null : (catalog, new TableName([.. inCatalog[..^1]], inCatalog[^1]));
    }

    /// <summary>The sink's catalog; null with true where it is defined but was reported itself.</summary>
    private (CatalogDefinition? Catalog, bool IsKnown) Choose(BoundMapping sink, string? prefix)
    {
        if (sink.IsGiven(SinkKeys.Catalog))
        {
            if (sink.Get(SinkKeys.Catalog) is not { } name) return (null, true);
            var (position, path) = (sink.PositionOf(SinkKeys.Catalog), sink.PathOf(SinkKeys.Catalog));
            if (prefix is not null && prefix != name)
            {
                _state.Report(position, path, $"'{name}' contradicts the table's first part, which names the catalog '{prefix}'");
                return (null, false);
            }
            if (_byName.TryGetValue(name, out var found)) return (Placed(found), true);
            _state.Report(position, path, UnknownCatalog($"there is no catalog '{name}'", name));
            return (null, false);
        }
        if (prefix is not null) return (Placed(_byName[prefix]), true);
        return ChooseDefault(sink);
    }

    private (CatalogDefinition?, bool) ChooseDefault(BoundMapping sink)
    {
        var (position, path) = (sink.Position, sink.PathOf(SinkKeys.Catalog));
        var catalog = NullIfEmpty(_state.Inputs.Environment(CatalogVariable));
        var warehouse = NullIfEmpty(_state.Inputs.Environment(WarehouseVariable));
        if (catalog is not null && _byName.TryGetValue(catalog, out var named)) return (Placed(named), true);
        if (catalog is not (null or "file"))
        {
            _state.Report(position, path, UnknownCatalog($"{CatalogVariable} names neither 'file' nor a catalog that is defined", catalog));
            return (null, false);
        }
        if (catalog is null && warehouse is null && _byName.Count == 1) return (Placed(_byName.Values.Single()), true);
        if (catalog is null && warehouse is null && _byName.Count > 1)
        {
            _state.Report(position, path, $"is missing, and there are several to choose from: {string.Join(", ", _byName.Keys)}");
            return (null, false);
        }
        return (Placed(ToLocation(warehouse ?? DefaultWarehouse, position, path) is { } location ? new CatalogDefinition.File(DefaultName, location) : null), true);
    }

    private CatalogDefinition? Placed(CatalogDefinition? catalog) =>
        catalog is CatalogDefinition.File file && _state.Inputs.Warehouse is { } warehouse
            ? file with { Warehouse = StoreLocation.KindOf(warehouse) == StoreKind.Local ? _state.ToAbsolutePath(warehouse) : warehouse.TrimEnd('/') }
            : catalog;

    /// <summary>The address of a folder, absolute and without a slash at its end; null after a report.</summary>
    private string? ToLocation(string warehouse, DefinitionPosition position, string path)
    {
        if (StoreLocation.KindOf(warehouse) != StoreKind.Local)
        {
            var fault = warehouse.Any(char.IsControl) ? "the address has control characters" : StoreLocation.FaultOf(warehouse);
            if (fault is null) return warehouse.TrimEnd('/');
            _state.Report(position, path, fault);
            return null;
        }
        if (warehouse.StartsWith("file:", StringComparison.Ordinal))
        {
            // Iceberg writers also spell it file:/path, which is no URI to .NET.
            if (warehouse.StartsWith("file:/", StringComparison.Ordinal) && !warehouse.StartsWith("file://", StringComparison.Ordinal))
                warehouse = "file://" + warehouse["file:".Length..];
            if (!Uri.TryCreate(warehouse, UriKind.Absolute, out var uri) || !uri.IsFile || uri.Host.Length != 0)
            {
                _state.Report(position, path, "expected a file: address of this machine, such as file:///var/lib/matih/warehouse");
                return null;
            }
            warehouse = uri.LocalPath;
        }
        if (warehouse.Any(char.IsControl))
        {
            _state.Report(position, path, "the directory has control characters");
            return null;
        }
        return Path.TrimEndingDirectorySeparator(_state.ToAbsolutePath(warehouse));
    }

    private string UnknownCatalog(string message, string name)
    {
        var nearest = Spelling.Nearest(name, _byName.Keys);
        return $"{message}{(nearest is null ? ". " : $"; did you mean '{nearest}'? ")}Defined under catalogs: {(_byName.Count == 0 ? "none" : string.Join(", ", _byName.Keys))}";
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
