using Matih.Delivery;
using Matih.Host.Runtime;
using Matih.Iceberg.Catalogs;
using Matih.Storage;

namespace Matih.Host.Tables;

/// <summary>Finds the table that a command line names: a dotted name in the file catalog, or the table's own folder.</summary>
internal static class TableOpening
{
    /// <exception cref="UsageException">There is no such table.</exception>
    /// <exception cref="PipelineException">It cannot be read.</exception>
    public static async Task<Table> OpenAsync(string name, string? warehouse, HostSettings settings, CancellationToken cancellationToken)
    {
        var (folder, identifier) = Resolve(name, warehouse, settings);
        var ids = new SystemIdSource();
        var catalog = new FileCatalog(new LocalStore(ids), folder, ids, TimeProvider.System);
        return await GuardAsync(name, async () => await catalog.LoadAsync(identifier, cancellationToken))
            ?? throw new UsageException($"there is no table {identifier} in the file catalog {folder}. Name another warehouse with --warehouse or {HostSettings.WarehouseVariable}, or the table by its folder.");
    }

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
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PipelineException(FailureKind.Store, $"Table {name}: {exception.Message}", "Check the path and this user's permissions.", exception);
        }
    }

    internal static (string Warehouse, TableIdentifier Identifier) Resolve(string name, string? warehouse, HostSettings settings)
    {
        try
        {
            var path = Path.GetFullPath(name, settings.CurrentDirectory).TrimEnd('/');
            var isFolder = name.Contains('/') || Directory.Exists(Path.Combine(path, "metadata"));
            return isFolder
                ? (Path.GetDirectoryName(path) ?? "/", new TableIdentifier([], Path.GetFileName(path)))
                : (settings.Warehouse(warehouse), TableIdentifier.Parse(name));
        }
        catch (ArgumentException exception)
        {
            throw new UsageException(exception.Message);
        }
    }
}
