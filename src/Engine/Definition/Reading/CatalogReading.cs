using System.Collections.Immutable;
using Matih.Definition.Format;

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
        if (!entry.Values.Has(CatalogKeys.Type) || !entry.Values.Has(CatalogKeys.Warehouse)) return null;
        return ToFile(entry.Name, entry.Values.Get(CatalogKeys.Warehouse), entry.Values.PositionOf(CatalogKeys.Warehouse), entry.Values.PathOf(CatalogKeys.Warehouse));
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
            var later = CatalogKeys.NotYet.FirstOrDefault(kind => kind.Word == catalog);
            _state.Report(position, path, later.Reason is not null
                ? $"{CatalogVariable} says '{catalog}': {catalog} {later.Reason}"
                : UnknownCatalog($"{CatalogVariable} names neither 'file' nor a catalog that is defined", catalog));
            return (null, false);
        }
        if (catalog is null && warehouse is null && _byName.Count == 1) return (Placed(_byName.Values.Single()), true);
        if (catalog is null && warehouse is null && _byName.Count > 1)
        {
            _state.Report(position, path, $"is missing, and there are several to choose from: {string.Join(", ", _byName.Keys)}");
            return (null, false);
        }
        return (Placed(ToFile(DefaultName, warehouse ?? DefaultWarehouse, position, path)), true);
    }

    private CatalogDefinition? Placed(CatalogDefinition? catalog) =>
        catalog is CatalogDefinition.File file && _state.Inputs.Warehouse is { } warehouse
            ? file with { Warehouse = _state.ToAbsolutePath(warehouse) }
            : catalog;

    private CatalogDefinition? ToFile(string name, string warehouse, DefinitionPosition position, string path)
    {
        var scheme = warehouse.IndexOf(':', StringComparison.Ordinal);
        if (scheme > 1 && !warehouse.StartsWith("file:", StringComparison.Ordinal) && !warehouse.AsSpan(0, scheme).ContainsAny('/', '.'))
        {
            _state.Report(position, path, "expected a local directory or a file: address; object stores are not supported in this version");
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
        return new CatalogDefinition.File(name, Path.TrimEndingDirectorySeparator(_state.ToAbsolutePath(warehouse)));
    }

    private string UnknownCatalog(string message, string name)
    {
        var nearest = Spelling.Nearest(name, _byName.Keys);
        return $"{message}{(nearest is null ? ". " : $"; did you mean '{nearest}'? ")}Defined under catalogs: {(_byName.Count == 0 ? "none" : string.Join(", ", _byName.Keys))}";
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
