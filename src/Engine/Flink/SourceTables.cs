using System.Globalization;
using Matih.Batches;
using Matih.Definition;

namespace Matih.Flink;

/// <summary>The statements that make a source a table or a view of its name.</summary>
/// <param name="begin">The offset at which each partition begins; null begins as the definition says.</param>
/// <param name="names">Every name that some statement which reads the source mentions: metadata columns that nobody names are left out.</param>
internal sealed class SourceTables(SourceDefinition source, IReadOnlySet<string> names, KafkaClientOptions client, string? begin)
{
    private const string EventTimestamp = "event_timestamp";

    /// <summary>Record metadata by the column's name, as Flink's connector calls and types it (Kafka connector, "Available Metadata").</summary>
    private static readonly (string Column, string Type, string Key)[] Metadata =
    [
        ("topic", "STRING NOT NULL", "topic"),
        ("partition", "INT NOT NULL", "partition"),
        ("offset", "BIGINT NOT NULL", "offset"),
        ("timestamp_type", "STRING NOT NULL", "timestamp-type"),
        ("headers", "MAP<STRING, BYTES>", "headers"),
    ];

    /// <summary>Columns that a star does not give and a source has only where a statement names them.</summary>
    public static IEnumerable<string> MetadataNames => Metadata.Select(column => column.Column).Append("key").Append("timestamp");

    private bool IsTyped => source.Schema is not null;

    /// <summary>The table of the topic, under a name that no source and no step can have.</summary>
    private string TopicTable => $"{source.Name}.topic";

    public IEnumerable<FlinkStatement> Create(List<DefinitionError> errors)
    {
        Check(errors);
        yield return CreateTable(errors);
        yield return CreateView();
    }

    private bool Has(string column) => source.Schema?.IndexOf(column) >= 0;

    /// <summary>Whether a column of the record itself is wanted, and no field of the schema has its name.</summary>
    private bool Wants(string column) => names.Contains(column) && !Has(column);

    private FlinkStatement CreateTable(List<DefinitionError> errors)
    {
        var columns = new List<string>();
        foreach (var field in source.Schema?.Fields ?? []) columns.Add($"{FlinkSql.Quoted(field.Name)} {field.Type}");
        if (!IsTyped) columns.Add("`value` STRING");
        if (WantsKey) columns.Add("`key` STRING");
        var hasTime = !Has(EventTimestamp);
        if (hasTime) columns.Add($"`{EventTimestamp}` TIMESTAMP(3) METADATA FROM 'timestamp' VIRTUAL");
        foreach (var (column, type, key) in Metadata)
            if (Wants(column) || NeedsPlace && (column is "partition" or "offset")) columns.Add($"{FlinkSql.Quoted(column)} {type} METADATA FROM '{key}' VIRTUAL");
        if (hasTime || source.Schema![source.Schema.IndexOf(EventTimestamp)].Type is DataType.Timestamp { Precision: <= 3 } or DataType.TimestampLtz { Precision: <= 3 })
            columns.Add($"WATERMARK FOR `{EventTimestamp}` AS `{EventTimestamp}` - INTERVAL '10' SECOND");
        return new FlinkSql().Text("CREATE TEMPORARY TABLE ").Name(TopicTable).Text($" (\n  {string.Join(",\n  ", columns)}\n) WITH ").Options(Options(errors)).Build($"sources.{source.Name}");
    }

    private bool WantsKey => Wants("key");

    /// <summary>Whether the view says where a bad record lies.</summary>
    private bool NeedsPlace => source is { Schema: null, Format: RecordFormat.Json, OnError: ErrorPolicy.Fail };

    private IEnumerable<KeyValuePair<string, FlinkValue>> Options(List<DefinitionError> errors)
    {
        var format = IsTyped ? "json" : "raw";
        yield return new("connector", "kafka");
        yield return new("topic", source.Topic);
        foreach (var option in client.Map(errors)) yield return option;
        if (begin is not null)
        {
            yield return new("scan.startup.mode", "specific-offsets");
            yield return new("scan.startup.specific-offsets", begin);
        }
        else foreach (var option in StartOptions()) yield return option;
        if (WantsKey)
        {
            yield return new("key.format", "raw");
            yield return new("key.fields", "key");
            yield return new("value.fields-include", "EXCEPT_KEY");
        }
        var prefix = WantsKey ? "value." : "";
        yield return new($"{prefix}format", format);
        if (!IsTyped) yield break;
        yield return new($"{prefix}json.fail-on-missing-field", Flag(source.Json.FailOnMissingField));
        yield return new($"{prefix}json.ignore-parse-errors", Flag(source.Json.IgnoreParseErrors));
        yield return new($"{prefix}json.timestamp-format.standard", source.Json.TimestampFormat == JsonTimestampFormat.Sql ? "SQL" : "ISO-8601");
    }

    private IEnumerable<KeyValuePair<string, FlinkValue>> StartOptions()
    {
        yield return new("scan.startup.mode", source.Start switch
        {
            StartOffset.Earliest => "earliest-offset",
            StartOffset.Latest => "latest-offset",
            _ => "timestamp",
        });
        if (source.Start is StartOffset.AtTime at) yield return new("scan.startup.timestamp-millis", at.Time.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture));
    }

    private static string Flag(bool value) => value ? "true" : "false";

    /// <summary>What a query reads: the columns that a query has here, and only records that are rows.</summary>
    private FlinkStatement CreateView()
    {
        var columns = IsTyped ? source.Schema!.Fields.Select(field => FlinkSql.Quoted(field.Name)).ToList() : ["`value`"];
        if (!Has(EventTimestamp) && (!IsTyped || Wants(EventTimestamp))) columns.Add($"`{EventTimestamp}`");
        if (WantsKey) columns.Add("`key`");
        foreach (var (column, _, _) in Metadata)
            if (Wants(column)) columns.Add(FlinkSql.Quoted(column));
        if (Wants("timestamp")) columns.Add($"CAST(`{EventTimestamp}` AS TIMESTAMP_LTZ(3)) AS `timestamp`");
        var sql = new FlinkSql().Text("CREATE TEMPORARY VIEW ").Name(source.Name).Text($" AS\nSELECT {string.Join(", ", columns)}\nFROM ").Name(TopicTable);
        if (Condition() is { } condition) sql.Text($"\nWHERE {condition}");
        return sql.Build($"sources.{source.Name}");
    }

    /// <summary>
    /// A record of format raw is a row whatever its value, a tombstone too. JSON without a schema is read as raw text, which takes every
    /// record: those that are no rows (null and empty values) are left out, and a value that is no JSON is left out or, by the cast of a
    /// text that is no BOOLEAN, ends the job with a message that says where the record lies. Flink evaluates the cast for a null value,
    /// too, as the comparison before it is then unknown and not false: the text has to be null with the value.
    /// </summary>
    private string? Condition()
    {
        if (IsTyped || source.Format == RecordFormat.Raw) return null;
        const string IsRow = "`value` <> ''";
        return source.OnError == ErrorPolicy.Skip
            ? $"{IsRow} AND `value` IS JSON"
            : $"{IsRow} AND (`value` IS JSON OR CAST('The record at offset ' || CAST(`offset` AS STRING) || ' of partition ' || CAST(`partition` AS STRING) || ' of topic ' || {FlinkSql.Literal(source.Topic)} || ' is no JSON document' || LEFT(NULLIF(`value`, ''), 0) AS BOOLEAN))";
    }

    private void Check(List<DefinitionError> errors)
    {
        var path = $"sources.{source.Name}";
        if (source.Format == RecordFormat.Avro) Refuse($"{path}.format", "no Flink SQL is generated for format avro in this version. Run the pipeline with engine: matih.");
        if (IsTyped && Wants("value")) Refuse($"{path}.schema", "a statement names the column value, which Flink does not have beside the fields of a schema. Leave the schema out, or select the fields.");
        if (IsTyped && source.OnError == ErrorPolicy.Skip && !source.Json.IgnoreParseErrors)
            Refuse($"{path}.on_error", "Flink cannot leave out just the records with a field that does not fit. Set json.ignore_parse_errors to true, which makes such a field NULL and leaves out what is no JSON, or on_error to fail.");
        if (IsTyped && source.OnError == ErrorPolicy.Fail && source.Json.IgnoreParseErrors)
            Refuse($"{path}.on_error", "with json.ignore_parse_errors Flink also leaves out values that are no JSON. Set on_error to skip, or ignore_parse_errors to false.");

        void Refuse(string at, string message) => errors.Add(new DefinitionError(source.Position.File, source.Position.Line, source.Position.Column, at, message));
    }
}
