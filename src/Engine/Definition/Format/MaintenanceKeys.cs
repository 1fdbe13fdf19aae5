using Matih.Definition.Shapes;

namespace Matih.Definition.Format;

/// <summary>Keys of a sink's <c>maintenance:</c>.</summary>
internal static class MaintenanceKeys
{
    public static readonly Key<MaintenanceMode> Mode = new("mode", new ChoiceShape<MaintenanceMode>([("auto", MaintenanceMode.Auto), ("on", MaintenanceMode.On), ("off", MaintenanceMode.Off)]),
        $"`auto` maintains tables that a pipeline created (they have the property `{MaintenanceDefinition.TableProperty}` = `auto`), `on` any table, `off` none. Of sinks into one table, one that says `on` counts before one that says nothing. `matih maintain` by hand does its work whatever the mode is.")
    {
        DefaultText = "auto",
    };

    /// <summary>Zero where it is left out.</summary>
    public static readonly Key<TimeSpan> Retention = new("retention", new DurationShape(TimeSpan.FromSeconds(1), "1s", TimeSpan.FromDays(36_500), "36500d"),
        "How long snapshots stay: time travel, roll-back and readers of older snapshots reach so far. Left out: the table's `history.expire.max-snapshot-age-ms`, which is five days where the table has none. It becomes that property when the table is created.");

    public static readonly Key<TimeSpan> Interval = new("interval", new DurationShape(TimeSpan.FromSeconds(1), "1s", TimeSpan.FromDays(7), "7d"), "Time between two rounds.")
    {
        Default = MaintenanceDefinition.Default.Interval,
        DefaultText = "1h",
    };

    public static readonly Key<long> Budget = new("budget", new SizeShape(1 << 20, "1MiB", 1L << 50, "1024TiB"), "Files that one round rewrites at most; the rest waits for the next.")
    {
        Default = MaintenanceDefinition.Default.BudgetBytes,
        DefaultText = "10GiB",
    };

    public static readonly KeySet Set = new("sinks.NAME.maintenance",
        "How the table is kept fast by the pipeline itself, in continuous runs and in Azure Functions: small files are put together, delete files applied, old snapshots expired. See [maintenance](maintenance.md). `maintenance: off` is short for `maintenance: { mode: off }`.",
        Mode, Retention, Interval, Budget);
}
