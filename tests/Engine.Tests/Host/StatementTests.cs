using System.Text;
using System.Text.Json;
using Matih.Engine.Tests.Delivery;
using Matih.Host.Runtime;
using Matih.Host.Statements;
using Matih.Hosting;
using Matih.Sql;

namespace Matih.Engine.Tests.Host;

public sealed class StatementTests
{
    [Fact]
    public void A_statement_without_from_gives_one_row() =>
        Assert.Equal("""{"type":"ROW<`n` INT NOT NULL>","rows":[[3]]}""", Json("SELECT 1 + 2 AS n", null, null));

    [Fact]
    public void Fields_of_the_sample_are_columns_and_its_lines_are_value() =>
        Assert.Equal("""{"type":"ROW<`c` STRING, `m` INT, `v` STRING>","rows":[["b",3,"2"]]}""",
            Json("SELECT c, n + 1 AS m, JSON_VALUE(`value`, '$.n') AS v FROM src WHERE n > 1", "c STRING, n INT", ["""{"c":"a","n":1}""", """{"c":"b","n":2}"""]));

    [Fact]
    public void More_lines_than_a_batch_holds_keep_their_order()
    {
        var lines = Enumerable.Range(0, 2500).Select(i => $"{{\"n\":{i}}}");

        var result = Run("SELECT n FROM src", "n INT", lines);

        var rows = JsonDocument.Parse(Assert.IsType<StatementResult.Done>(result).Rows).RootElement.EnumerateArray().Select(row => row[0].GetInt32());
        Assert.Equal(Enumerable.Range(0, 2500), rows);
    }

    [Fact]
    public void An_error_of_the_statement_has_its_place() =>
        Assert.Equal("""{"error":"There is no function NOPE.","position":{"line":2,"column":3,"offset":9}}""", Json("SELECT\n  NOPE(1)", null, null));

    [Fact]
    public void A_line_that_is_no_record_is_an_error_unless_it_may_be_left_out()
    {
        string[] lines = ["""{"n":1}""", "{", """{"n":3}"""];

        var rejected = Assert.IsType<StatementResult.Rejected>(Run("SELECT n FROM src", "n INT", lines));
        var done = Assert.IsType<StatementResult.Done>(Run("SELECT n FROM src", "n INT", lines, "json.ignore_parse_errors=true"));

        Assert.Equal(2, rejected.Line);
        Assert.Equal((2, 1), (done.RowCount, done.RejectedCount));
    }

    [Fact]
    public void The_statements_of_a_pipeline_run_on_a_sample_as_they_stand()
    {
        using var harness = new FlowHarness
        {
            Definition = """
                metadata: { name: orders, version: "1" }
                sources:
                  src: { type: kafka, connection: "localhost:9092", topic: shop.orders, consumer_group: g, format: json, schema: "id BIGINT NOT NULL, lines ARRAY<ROW<sku STRING, qty INT>>" }
                transformations:
                  - { name: flat, type: sql_transform, input: src, sql: "SELECT id, sku, qty, `offset` FROM {{ input }} CROSS JOIN UNNEST(lines) AS l" }
                  - { name: many, type: sql_transform, input: flat, sql: "SELECT id, sku, `offset` AS line FROM {{ input }} WHERE qty > 1" }
                sinks:
                  lake: { type: iceberg, input: many, table: shop.orders, mode: append }
                """,
        };
        string[] lines = ["""{"id":1,"lines":[{"sku":"a","qty":2},{"sku":"b","qty":3},{"sku":"c","qty":1}]}""", """{"id":2}""", "{", """{"lines":[]}""", """{"id":3,"lines":[{"sku":"d","qty":9}]}"""];

        var result = StatementRun.RunFlow(harness.Plan()[0], lines.Select(Bytes), TimeZoneInfo.Utc, TimeProvider.System);

        Assert.Equal("""[[1,"a",0],[1,"b",0],[3,"d",4]]""", Encoding.UTF8.GetString(result.Rows.Span));
        Assert.Equal((3, 5, 1), (result.RowCount, result.LineCount, result.FilteredCount));
        Assert.Equal([(3, "value: the text ends inside the JSON document, at offset 1"), (4, "field id: expected BIGINT NOT NULL, found no such member")], result.Rejections.Select(rejected => (rejected.Line, rejected.Reason)));
    }

    [Fact]
    public void Raw_lines_need_not_be_json() =>
        Assert.Equal("""{"type":"ROW<`value` STRING>","rows":[["not json"]]}""", Json("SELECT `value` FROM src", null, ["not json"], "format=raw"));

    [Theory]
    [InlineData("nope=1", "--option: there is no option 'nope'. There are format, json.ignore_parse_errors, json.fail_on_missing_field, json.timestamp_format, time_zone.")]
    [InlineData("json.ignore-parse-errors=true", "--option: there is no option 'json.ignore-parse-errors'; did you mean 'json.ignore_parse_errors'? There are format, json.ignore_parse_errors, json.fail_on_missing_field, json.timestamp_format, time_zone.")]
    [InlineData("json.timestamp-format.standard=SQL", "--option: there is no option 'json.timestamp-format.standard'; did you mean 'json.timestamp_format'? There are format, json.ignore_parse_errors, json.fail_on_missing_field, json.timestamp_format, time_zone.")]
    [InlineData("table.local-time-zone=UTC", "--option: there is no option 'table.local-time-zone'; did you mean 'time_zone'? There are format, json.ignore_parse_errors, json.fail_on_missing_field, json.timestamp_format, time_zone.")]
    [InlineData("json.timestamp_format=ISO-8601", "--option: json.timestamp_format is 'ISO-8601'; it can be sql or iso-8601.")]
    [InlineData("format", "--option: 'format' has no value; write name=value.")]
    [InlineData("format=xml", "--option: format is 'xml'; it can be json or raw.")]
    [InlineData("time_zone=Mars/Base", "--option: time_zone is 'Mars/Base'; it can be a time zone of this machine, such as UTC or America/New_York.")]
    public void A_wrong_option_is_refused_with_what_there_is(string option, string message) =>
        Assert.Equal(message, Assert.Throws<UsageException>(() => StatementOptions.Parse([option])).Message);

    private static string Json(string sql, string? schema, IEnumerable<string>? lines, params string[] options)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, HostJson.Compact)) StatementReport.WriteJson(Run(sql, schema, lines, options), json);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static StatementResult Run(string sql, string? schema, IEnumerable<string>? lines, params string[] options)
    {
        Matih.Batches.RowType? columns = null;
        if (schema is not null) Assert.True(DataTypeSyntax.TryParseColumns(schema, out columns, out _));
        return StatementRun.Run(sql, columns, lines?.Select(Bytes), StatementOptions.Parse(options), TimeProvider.System);
    }

    private static ReadOnlyMemory<byte> Bytes(string line) => Encoding.UTF8.GetBytes(line);
}
