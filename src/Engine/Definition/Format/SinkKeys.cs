using System.Collections.Immutable;
using Matih.Definition.Shapes;

namespace Matih.Definition.Format;

/// <summary>Keys of an entry under <c>sinks:</c>.</summary>
internal static class SinkKeys
{
    public static readonly Key<string> Type = new("type", new ChoiceShape<string>([("iceberg", "iceberg")],
        ("delta", "is not supported in this version; use iceberg")) { EndsMappingWhenNotYet = true }, "The kind of table.")
    {
        IsRequired = true,
        Example = "iceberg",
    };

    public static readonly Key<string> Table = new("table", new NameShape(Grammars.Table),
        "Namespace and name, joined by dots. The first part is a catalog only if `catalogs:` defines that name; otherwise everything but the last part is the namespace.")
    {
        IsRequired = true,
        Example = "analytics.web.clicks",
    };

    public static readonly Key<SinkMode> Mode = new("mode", new ChoiceShape<SinkMode>([("append", SinkMode.Append), ("upsert", SinkMode.Upsert)]),
        "What a row does to the table: `append` adds it; `upsert`, which only `engine: flink` runs, puts it in the place of the row with the same `key`, and a deletion takes that row away.")
    {
        DefaultText = "append",
    };

    public static readonly Key<ImmutableArray<string>> KeyColumns = new("key", new ListShape<string>("a list of columns such as [id]", new NameShape(Grammars.Column)),
        "For `upsert`: the columns of the query that identify a row. They become the table's identifier fields, and partition fields must be made of them.") { Default = [] };

    public static readonly Key<string?> Input = new("input", new NameShape(Grammars.Name)!,
        "The transformation or source to write. May be left out where only one transformation is read by no other, or where there is only one source and no transformation.");

    public static readonly Key<ImmutableArray<PartitionDefinition>> PartitionBy = new("partition_by", new ListShape<PartitionDefinition>("a list such as [day(ts), 'bucket(16, id)']", new PartitionShape()),
        "How the table is partitioned when it is created: columns of the query or Iceberg transforms `year(c)`, `month(c)`, `day(c)`, `hour(c)`, `bucket(N, c)`, `truncate(N, c)`. `day(ts) AS name` names the partition field, which must not be named like another column; left out, it is Iceberg's usual name (`ts_day`). `date`, where no column has that name, is the day of the event time. On a table that exists the table's own partitioning is used; a run warns where the definition asks for another one.") { Default = [] };

    public static readonly Key<string?> Catalog = new("catalog", new NameShape(Grammars.Name)!,
        "An entry under `catalogs:`. Left out: the first part of `table` where that names a catalog, else what `MATIH_CATALOG` and `MATIH_WAREHOUSE` say, else the only catalog defined, else a file catalog in `./warehouse`.");

    public static readonly Key<bool> Create = new("create", new FlagShape(), "Whether a missing table is created.") { Default = true, DefaultText = "true" };

    public static readonly Key<string> Branch = new("branch", new NameShape(Grammars.Key),
        "The branch of the table that is written, for example one that is audited and then published with `fast_forward`. Where it is not there, the first commit makes it from the current snapshot of `main`. Ledger, resume and `verify` are those of the branch; one pipeline writes one branch of a table. Compaction works on `main`. See [delivery](delivery.md#branches).")
    {
        Default = "main",
        DefaultText = "main",
    };

    public static readonly Key<ImmutableArray<TextPair>> SnapshotProperties = new("snapshot_properties", new TextMapShape("a mapping of names to values", Grammars.Key),
        "What each commit of the pipeline says of itself in the snapshot's summary, for example `team: web`. Names by which Iceberg or the ledger say what a snapshot did are refused. Not with `engine: flink`, whose sink sets none.") { Default = [] };

    public static readonly Key<SchemaEvolutionMode> SchemaEvolution = new("schema_evolution",
        new ChoiceShape<SchemaEvolutionMode>([("strict", SchemaEvolutionMode.Strict), ("add", SchemaEvolutionMode.Add), ("full", SchemaEvolutionMode.Full)]),
        "What a run may change in the columns of a table that exists: `strict` changes nothing, and refuses a query that does not fit; `add` adds columns, and fields within structs, that the query has and the table lacks; `full` also widens types (INT to BIGINT, FLOAT to DOUBLE, DECIMAL to more digits) and makes columns optional. The change is a commit of its own before the first row that needs it. Columns are never dropped, renamed or narrowed, and one that somebody dropped or renamed in the table is not added again. See [delivery](delivery.md#tables-that-others-change).")
    {
        DefaultText = "strict",
    };

    /// <summary>0 where it is left out.</summary>
    public static readonly Key<long> TargetFileSize = new("target_file_size", new SizeShape(64 << 10, "64KiB", 4L << 30, "4GiB"),
        "The size at which a data file is closed. Left out: the table's `write.target-file-size-bytes`, which is 512 MiB where the table has none.");

    public static readonly Key<ImmutableArray<TextPair>> Properties = new("properties", new TextMapShape("a mapping of table properties to values", Grammars.Key),
        "Iceberg table properties, set when the table is created. Those that this program reads are checked, a name that is nearly one of Iceberg's is warned of; `format-version` is 2 (the default) or 3. On a table that exists the table's own are used: a run warns of those with another value, and names those that decide how files are written and are not in the definition. Other properties that you take out of the definition stay in the table without a word, because the table does not know who set them.") { Default = [] };

    public static readonly Key<BoundMapping?> Maintenance = new("maintenance", new ShortShape(new MappingShape(MaintenanceKeys.Set), MaintenanceKeys.Mode)!, "How the table is kept fast.");

    public static readonly KeySet Set = new("sinks.NAME", "An Iceberg table.", Type, Table, Mode, KeyColumns, Input, PartitionBy, Catalog, Branch, Create, SchemaEvolution, TargetFileSize, Properties, SnapshotProperties, Maintenance);
}
