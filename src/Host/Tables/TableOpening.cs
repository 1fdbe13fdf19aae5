using Matih.Connectors;
using Matih.Definition;
using Matih.Delivery;
using Matih.Host.Runtime;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Storage;

namespace Matih.Host.Tables;

/// <summary>Where the table of a command line is.</summary>
/// <param name="Warehouse">Folder of a file catalog; null means what the environment says.</param>
/// <param name="Definition">A definition file, whose catalog it is in; null means a file catalog.</param>
/// <param name="Catalog">Which of the definition's catalogs; null where there is one.</param>
internal sealed record TablePlace(string? Warehouse, string? Definition, string? Catalog);

/// <summary>Finds the table that a command line names: a dotted name in a catalog, or the table's own folder.</summary>
internal static class TableOpening
{
    /// <exception cref="UsageException">There is no such table, or no such catalog.</exception>
    /// <exception cref="PipelineException">It cannot be read.</exception>
    public static async Task<Table> OpenAsync(string name, TablePlace place, HostSettings settings, CancellationToken cancellationToken)
    {
        var (catalog, identifier) = await OpenCatalogAsync(name, place, settings);
        return await GuardAsync(name, async () => await catalog.LoadAsync(identifier, cancellationToken)) ?? throw Missing(identifier, catalog, place);
    }

    public static UsageException Missing(TableIdentifier identifier, ICatalog catalog, TablePlace place) =>
        new($"there is no table {identifier} in the {catalog.Name}. {(place.Definition is null ? $"Name another warehouse with --warehouse or {HostSettings.WarehouseVariable}, the table by its folder, or the catalog by --definition." : "Check its name and the catalog's warehouse.")}");

    /// <summary>The catalog that a table is in, and what the table is called there. Whether it is there is not looked at.</summary>
    /// <exception cref="UsageException">There is no such catalog.</exception>
    /// <exception cref="PipelineException">It cannot be reached.</exception>
    public static async Task<(ICatalog Catalog, TableIdentifier Identifier)> OpenCatalogAsync(string name, TablePlace place, HostSettings settings)
    {
        CatalogDefinition definition;
        TableIdentifier identifier;
        if (place.Definition is not null)
        {
            definition = FindCatalog(place, "Choose one with --catalog.", settings);
            identifier = Parse(name);
        }
        else
        {
            (var folder, identifier) = Resolve(name, place.Warehouse, settings);
            definition = new CatalogDefinition.File("default", folder);
        }
        return (await OpenCatalogAsync(name, definition), identifier);
    }

    /// <param name="name">Of the table that is wanted, for messages.</param>
    /// <exception cref="PipelineException">It cannot be reached.</exception>
    public static Task<ICatalog> OpenCatalogAsync(string name, CatalogDefinition definition)
    {
        var ids = new SystemIdSource();
        return GuardAsync(name, () => Task.FromResult(CatalogOpening.Open(definition, StoreOpening.Open(definition.Stores, ids, TimeProvider.System), ids, TimeProvider.System)));
    }

    /// <summary>The catalog that the command line names in a definition, which has to be right.</summary>
    /// <param name="howToChoose">What to do where the definition has several.</param>
    public static CatalogDefinition FindCatalog(TablePlace place, string howToChoose, HostSettings settings)
    {
        var load = PipelineLoading.Load(new PipelineRequest(place.Definition!, [], place.Warehouse), settings, isForFlink: null);
        if (load.Pipeline is not { } pipeline) throw load.Failure!;
        var catalogs = pipeline.Definition.Catalogs.Concat(pipeline.Definition.Flows.Select(flow => flow.Sink.Catalog)).DistinctBy(catalog => catalog.Name).ToList();
        var names = string.Join(", ", catalogs.Select(catalog => catalog.Name));
        if (place.Catalog is { } wanted)
            return catalogs.Find(catalog => catalog.Name == wanted) is { } found ? found is CatalogDefinition.Hive ? throw Unreachable(found) : found : throw new UsageException($"{place.Definition} has no catalog '{wanted}'. It has: {names}.");
        var reachable = catalogs.Where(catalog => catalog is not CatalogDefinition.Hive).ToList();
        return reachable.Count == 1 ? reachable[0] : reachable.Count == 0 ? throw Unreachable(catalogs[0]) : throw new UsageException($"{place.Definition} has several catalogs: {names}. {howToChoose}");
    }

    private static UsageException Unreachable(CatalogDefinition catalog) =>
        new($"catalog '{catalog.Name}' is a Hive metastore, which only a Flink cluster reaches.");

    /// <summary>Turns what reading a table can meet into failures with a remedy.</summary>
    public static async Task<T> GuardAsync<T>(string name, Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (InvalidTableException invalid)
        {
            throw new PipelineException(FailureKind.Table, $"Table {name}: {invalid.Message}", "Restore the table's files, or roll it back.", invalid);
        }
        catch (UnsupportedTableException unsupported)
        {
            throw new PipelineException(FailureKind.Table, $"Table {name}: {unsupported.Message}", "Read it with the engine that wrote it.", unsupported);
        }
        catch (CatalogException catalog)
        {
            throw new PipelineException(FailureKind.Catalog, $"Table {name}: {catalog.Failure}", catalog.Remedy, catalog);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PipelineException(FailureKind.Store, $"Table {name}: {exception.Message}", "Check the path and this user's permissions.", exception);
        }
    }

    internal static (string Warehouse, TableIdentifier Identifier) Resolve(string name, string? warehouse, HostSettings settings)
    {
        if (name.Contains('\0')) throw new UsageException("the table's name holds a NUL character.");
        if (StoreLocation.KindOf(name) != StoreKind.Local)
        {
            var folder = name.TrimEnd('/');
            var slash = folder.LastIndexOf('/');
            return (folder[..slash], Named(() => new TableIdentifier([], folder[(slash + 1)..])));
        }
        var path = Path.GetFullPath(name, settings.CurrentDirectory).TrimEnd('/');
        var isFolder = name.Contains('/') || Directory.Exists(Path.Combine(path, "metadata"));
        return isFolder
            ? (Path.GetDirectoryName(path) ?? "/", Named(() => new TableIdentifier([], Path.GetFileName(path))))
            : (settings.Warehouse(warehouse), Parse(name));
    }

    public static TableIdentifier Parse(string name) => Named(() => TableIdentifier.Parse(name));

    /// <exception cref="UsageException">What was typed, a dotted name or a folder, cannot be a table's name.</exception>
    private static TableIdentifier Named(Func<TableIdentifier> make)
    {
        try
        {
            return make();
        }
        catch (ArgumentException exception)
        {
            throw new UsageException(exception.Message);
        }
    }
}
