namespace Matih.Definition;

/// <summary>Where tables are registered. A closed family; this version has the file catalog.</summary>
public abstract record CatalogDefinition
{
    private CatalogDefinition(string name) => Name = name;

    /// <summary>The entry under <c>catalogs:</c>, or <c>default</c>.</summary>
    public string Name { get; init; }

    /// <summary>The embedded catalog: tables are folders below a warehouse.</summary>
    /// <param name="Name">The entry under <c>catalogs:</c>, or <c>default</c>.</param>
    /// <param name="Warehouse">An absolute local path, without a slash at its end.</param>
    public sealed record File(string Name, string Warehouse) : CatalogDefinition(Name);
}
