namespace Matih.Definition;

/// <summary>Whether pipelines maintain a sink's table.</summary>
public enum MaintenanceMode
{
    /// <summary>Where a pipeline created the table: it has the property <see cref="MaintenanceDefinition.TableProperty"/>.</summary>
    Auto,
    On,
    Off,
}

/// <summary>How a sink's table is kept fast: small files put together, old snapshots expired, orphan files removed.</summary>
/// <param name="Retention">How long snapshots stay; null takes the table's own <c>history.expire.max-snapshot-age-ms</c>.</param>
/// <param name="Interval">Between two rounds.</param>
/// <param name="BudgetBytes">Bytes of files that one round rewrites at most.</param>
public sealed record MaintenanceDefinition(MaintenanceMode Mode, TimeSpan? Retention, TimeSpan Interval, long BudgetBytes)
{
    /// <summary>The table property that says <see cref="TableProperty"/> = <c>auto</c> where a pipeline created the table and is to maintain it.</summary>
    public const string TableProperty = "matih.maintenance";

    /// <summary>Five days, as Iceberg's own default is.</summary>
    public static readonly TimeSpan RetentionDefault = TimeSpan.FromDays(5);

    public static MaintenanceDefinition Default { get; } = new(MaintenanceMode.Auto, null, TimeSpan.FromHours(1), 10L << 30);

    /// <summary>Whether a table with that value of <see cref="TableProperty"/> (null where it is not set) is maintained.</summary>
    public bool Includes(string? property) => Mode switch
    {
        MaintenanceMode.On => true,
        MaintenanceMode.Off => false,
        _ => property == "auto",
    };
}
