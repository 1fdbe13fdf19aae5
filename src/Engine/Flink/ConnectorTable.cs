using System.Globalization;
using Matih.Definition;

namespace Matih.Flink;

/// <summary>The statement that makes a source of type <c>flink</c> a table of its name.</summary>
internal sealed class ConnectorTable(FlinkSourceDefinition source, FlinkReferences references)
{
    public FlinkStatement Create()
    {
        var parts = source.Schema.Fields.Select(field => $"{FlinkSql.Quoted(field.Name)} {field.Type}{MetadataOf(field.Name)}").ToList();
        if (!source.PrimaryKey.IsEmpty) parts.Add($"PRIMARY KEY ({string.Join(", ", source.PrimaryKey.Select(FlinkSql.Quoted))}) NOT ENFORCED");
        if (source.Watermark is { } watermark) parts.Add($"WATERMARK FOR {FlinkSql.Quoted(watermark.Column)} AS {FlinkSql.Quoted(watermark.Column)}{DelayOf(watermark.Delay)}");
        return new FlinkSql().Text("CREATE TEMPORARY TABLE ").Name(source.Name).Text($" (\n  {string.Join(",\n  ", parts)}\n) WITH ").Options(Options()).Build($"sources.{source.Name}");
    }

    private string MetadataOf(string column) => source.Metadata.TryGetValue(column, out var name) ? $" METADATA FROM {FlinkSql.Literal(name)} VIRTUAL" : "";

    /// <summary>Days and seconds together: an interval of seconds alone has at most 99 of them in Flink 1.20.</summary>
    private static string DelayOf(TimeSpan delay) =>
        delay == TimeSpan.Zero ? "" : string.Create(CultureInfo.InvariantCulture, $" - INTERVAL '{delay:%d} {delay:hh\\:mm\\:ss\\.fff}' DAY TO SECOND(3)");

    private IEnumerable<KeyValuePair<string, FlinkValue>> Options()
    {
        yield return new("connector", source.Connector);
        foreach (var option in source.Options) yield return new(option.Name, references.Option(option.Name, option.Value.Reveal(), option.Path));
    }
}
