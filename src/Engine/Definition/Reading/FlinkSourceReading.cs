using System.Collections.Immutable;
using Matih.Batches;
using Matih.Definition.Format;
using Matih.Definition.Shapes;

namespace Matih.Definition.Reading;

/// <summary>Turns entries of <c>sources:</c> whose type is <c>flink</c> into <see cref="FlinkSourceDefinition"/>s.</summary>
internal static class FlinkSourceReading
{
    /// <summary>Whether the entry has that type.</summary>
    public static bool IsFlink(NamedMapping entry) => entry.Values.Has(SourceKeys.Type) && entry.Values.Get(SourceKeys.Type) == "flink";

    public static ImmutableArray<FlinkSourceDefinition> Read(ImmutableArray<NamedMapping> entries, ReadState state) =>
        [.. entries.Where(IsFlink).Select(entry => ReadOne(entry, state)).OfType<FlinkSourceDefinition>()];

    private static FlinkSourceDefinition? ReadOne(NamedMapping entry, ReadState state)
    {
        var source = entry.Values;
        var options = source.Get(FlinkSourceKeys.Options);
        foreach (var pair in options.Where(pair => pair.Key == "connector"))
            state.Report(pair.Position, pair.Path, "is a key of the source itself: write it beside 'options'");
        if (source.Has(FlinkSourceKeys.Schema)) CheckColumns(source, source.Get(FlinkSourceKeys.Schema), state);
        if (!source.IsWhole) return null;
        var watermark = source.Get(FlinkSourceKeys.Watermark);
        return new FlinkSourceDefinition
        {
            Name = entry.Name,
            Connector = source.Get(FlinkSourceKeys.Connector),
            Options = [.. options.Select(pair => new ConnectorOption(pair.Key, new Secret(pair.Value), pair.Path))],
            Schema = source.Get(FlinkSourceKeys.Schema),
            Metadata = source.Get(FlinkSourceKeys.Metadata).ToImmutableSortedDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal),
            PrimaryKey = source.Get(FlinkSourceKeys.PrimaryKey),
            Watermark = watermark is null ? null : new WatermarkDefinition(watermark.Get(WatermarkKeys.Column), watermark.Get(WatermarkKeys.Delay)),
            Position = source.Position,
        };
    }

    private static void CheckColumns(BoundMapping source, RowType schema, ReadState state)
    {
        foreach (var pair in source.Get(FlinkSourceKeys.Metadata)) Require(pair.Key, pair.Position, pair.Path);
        var key = source.Get(FlinkSourceKeys.PrimaryKey);
        foreach (var column in key) Require(column, source.PositionOf(FlinkSourceKeys.PrimaryKey), source.PathOf(FlinkSourceKeys.PrimaryKey));
        if (key.Distinct(StringComparer.Ordinal).Count() != key.Length)
            state.Report(source.PositionOf(FlinkSourceKeys.PrimaryKey), source.PathOf(FlinkSourceKeys.PrimaryKey), "names a column twice");
        if (source.Get(FlinkSourceKeys.Watermark) is not { IsWhole: true } watermark) return;
        var (at, path) = (watermark.PositionOf(WatermarkKeys.Column), watermark.PathOf(WatermarkKeys.Column));
        var time = watermark.Get(WatermarkKeys.Column);
        if (Require(time, at, path) && schema[schema.IndexOf(time)].Type is var type and not (DataType.Timestamp { Precision: <= 3 } or DataType.TimestampLtz { Precision: <= 3 }))
            state.Report(at, path, $"column '{time}' has type {type.Name}; a watermark needs TIMESTAMP or TIMESTAMP_LTZ with precision 3 or less");

        bool Require(string column, DefinitionPosition position, string place)
        {
            if (schema.IndexOf(column) >= 0) return true;
            state.Report(position, place, $"the schema has no column '{column}'; its columns are {string.Join(", ", schema.Fields.Select(field => field.Name))}");
            return false;
        }
    }
}
