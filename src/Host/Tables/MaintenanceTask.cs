using System.Text.Json;
using Matih.Definition;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;

namespace Matih.Host.Tables;

/// <summary>What is asked of every kind of maintenance.</summary>
/// <param name="OlderThan">What orphan files have to be, at least.</param>
/// <param name="LooksOutside">Whether folders outside of the table's location are its alone.</param>
/// <param name="Sink">The sink whose table it is; null for a table that was named.</param>
internal sealed record MaintenanceOrder(ICatalog Catalog, TableIdentifier Table, bool IsDryRun, TimeSpan OlderThan, bool LooksOutside, SinkDefinition? Sink)
{
    public required HostSettings Settings { get; init; }
}

/// <summary>One kind of maintenance.</summary>
/// <param name="Word">What <c>--only</c> calls it.</param>
/// <param name="Member">What its part of the JSON is called.</param>
/// <param name="WhereRefused">What is so where the table does not allow it.</param>
/// <param name="RunAsync">Does it, and says what it did; null where there is no such table.</param>
internal sealed record MaintenanceTask(string Word, string Member, string WhereRefused, Func<MaintenanceOrder, CancellationToken, ValueTask<IMaintenanceOutcome?>> RunAsync);

/// <summary>What one kind of maintenance did to a table, or would do.</summary>
internal interface IMaintenanceOutcome
{
    /// <summary>Whether all was done that was to be done.</summary>
    bool IsComplete { get; }

    void WriteText(TextWriter output);

    /// <summary>Writes the members of an object that is begun.</summary>
    void WriteJson(Utf8JsonWriter json);
}
