using System.Collections.Immutable;
using Matih.Batches;
using Matih.Definition.Shapes;

namespace Matih.Definition.Format;

/// <summary>Keys of an entry under <c>sources:</c> whose type is <c>flink</c>.</summary>
internal static class FlinkSourceKeys
{
    public static readonly Key<string> Connector = new("connector", new NameShape(Grammars.Key), "The connector's name, what Flink calls `connector`: `postgres-cdc`, `mysql-cdc`, `mongodb-cdc`, `oracle-cdc`, `sqlserver-cdc`, `datagen` and so on. The cluster has to have it.")
    {
        IsRequired = true,
        Example = "postgres-cdc",
    };

    public static readonly Key<ImmutableArray<TextPair>> Options = new("options", new TextMapShape("a mapping of the connector's options to values", Grammars.Key),
        "The connector's options by Flink's names, as in `WITH (...)`. Write secrets as `${NAME}`: what is printed then holds that, and never the value.") { Default = [] };

    public static readonly Key<RowType> Schema = new("schema", new SchemaShape(holdsAny: true), "The columns with Flink's types, nested ones too.")
    {
        IsRequired = true,
        Example = "\"id INT, product STRING\"",
    };

    public static readonly Key<ImmutableArray<TextPair>> Metadata = new("metadata", new TextMapShape("a mapping of columns to the connector's metadata", Grammars.Column),
        "Columns of the schema that the connector fills with metadata, each with the metadata's name: `changed_at: op_ts`.") { Default = [] };

    public static readonly Key<ImmutableArray<string>> PrimaryKey = new("primary_key", new ListShape<string>("a list of columns such as [id]", new NameShape(Grammars.Column)),
        "The columns that identify a row (`NOT ENFORCED` in Flink). Change capture needs it.") { Default = [] };

    public static readonly Key<BoundMapping?> Watermark = new("watermark", new MappingShape(WatermarkKeys.Set)!, "The column of the event time, for windows.");

    public static readonly KeySet Set = new("sources.NAME of type flink", "What a connector of Flink reads. Only `matih deploy` can run a pipeline with such a source; see [flink.md](flink.md).",
        SourceKeys.Type, Connector, Options, Schema, Metadata, PrimaryKey, Watermark);
}

/// <summary>Keys of a source's <c>watermark:</c>.</summary>
internal static class WatermarkKeys
{
    public static readonly Key<string> Column = new("column", new NameShape(Grammars.Column), "A column of type `TIMESTAMP` or `TIMESTAMP_LTZ`.") { IsRequired = true, Example = "updated_at" };

    public static readonly Key<TimeSpan> Delay = new("delay", new DurationShape(TimeSpan.Zero, "0s", TimeSpan.FromDays(30), "30d"), "How late a row may come.")
    {
        Default = TimeSpan.FromSeconds(10),
        DefaultText = "10s",
    };

    public static readonly KeySet Set = new("sources.NAME.watermark", "The event time of a source.", Column, Delay);
}
