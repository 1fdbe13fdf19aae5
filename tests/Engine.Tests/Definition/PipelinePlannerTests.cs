using Matih.Planning;

namespace Matih.Engine.Tests.Definition;

public sealed class PipelinePlannerTests
{
    private const string Head = "metadata: { name: p }\nsources:\n  src: { type: kafka, connection: \"localhost:9092\", topic: t, consumer_group: g, format: json, schema: \"id INT, s STRING\" }\n";

    [Fact]
    public void A_column_without_a_name_is_refused_where_it_stands_with_the_ways_to_name_it()
    {
        var errors = Plan("SELECT id, UPPER(s),\n        id + 1 AS next, -id\n      FROM {{ input }}").Errors;

        Assert.Equal(
        [
            "p.yaml:8:18: transformations.t1.sql: The column has no name: add AS and one. Left out, it would be EXPR$1, a name that depends on the columns before it; a table that has this column keeps it with AS `EXPR$1`.",
            "p.yaml:9:25: transformations.t1.sql: The column has no name: add AS and one. Left out, it would be EXPR$3, a name that depends on the columns before it; a table that has this column keeps it with AS `EXPR$3`.",
        ], errors.Select(error => error.ToString()));
    }

    [Fact]
    public void A_column_without_a_name_that_star_hands_on_is_refused_in_the_step_that_computes_it()
    {
        var errors = Plan("SELECT id, UPPER(s) FROM {{ input }}", "SELECT * FROM {{ input }} WHERE id > 1").Errors;

        Assert.Equal(["p.yaml:8:18"], errors.Select(error => $"{error.File}:{error.Line}:{error.Column}"));
    }

    [Theory]
    [InlineData("SELECT id, `EXPR$1` AS name FROM {{ input }}", "id, name")]
    [InlineData("SELECT id, `EXPR$1` FROM {{ input }}", "id, EXPR$1")]
    [InlineData("SELECT id FROM {{ input }}", "id")]
    public void A_column_without_a_name_between_two_steps_does_no_harm(string second, string columns)
    {
        var plan = Plan("SELECT t1.id, UPPER(s) FROM {{ input }} AS t1", second);

        Assert.Equal("", string.Join('\n', plan.Errors));
        Assert.Equal(columns, string.Join(", ", Assert.Single(plan.Flows).Plan.Table.Rows.Fields.Select(field => field.Name)));
    }

    [Fact]
    public void The_name_that_Flink_makes_up_can_be_given()
    {
        var plan = Plan("SELECT id, UPPER(s) AS `EXPR$1` FROM {{ input }}");

        Assert.Equal("EXPR$1", Assert.Single(plan.Flows).Plan.Table.Rows[1].Name);
    }

    [Theory]
    [InlineData("write.parquet.compresion-codec", "write.parquet.compression-codec")]
    [InlineData("write.parquet.compression_codec", "write.parquet.compression-codec")]
    [InlineData("Write.Target-File-Size-Bytes", "write.target-file-size-bytes")]
    [InlineData("write.target-file-size-byte", "write.target-file-size-bytes")]
    [InlineData("commit.retry.num-retires", "commit.retry.num-retries")]
    [InlineData("write.distribution.mode", "write.distribution-mode")]
    [InlineData("write.metadata.metrics.colum.id", "write.metadata.metrics.column.id")]
    [InlineData("gc.enable", "gc.enabled")]
    public void A_property_that_is_nearly_one_of_Iceberg_is_a_warning_at_its_place(string property, string meant)
    {
        var plan = PlanProperty(property);

        Assert.True(plan.IsValid);
        Assert.Equal($"p.yaml:5:53: sinks.lake.properties.{property}: is no property that Iceberg knows, and does nothing here; did you mean '{meant}'?", Assert.Single(plan.Warnings).ToString());
    }

    [Theory]
    [InlineData("owner")]
    [InlineData("comment")]
    [InlineData("team.retention-days")]
    [InlineData("write.parquet.page-version")]
    [InlineData("write.delete.mode")]
    [InlineData("write.parquet.bloom-filter-enabled.column.id")]
    [InlineData("history.expire.max-ref-age-ms")]
    public void A_property_that_Iceberg_knows_or_nobody_knows_is_taken(string property)
    {
        Assert.Empty(PlanProperty(property).Warnings);
    }

    [Theory]
    [InlineData("db.t.data", true)]
    [InlineData("db.t.a.b", true)]
    [InlineData("db.t", false)]
    [InlineData("db.tt.x", false)]
    [InlineData("db.u", false)]
    public void A_table_in_the_folder_of_another_sink_s_table_is_refused(string second, bool isNested)
    {
        var errors = PipelinePlanner.Plan(Samples.Valid($"{Head}sinks:\n  lake: {{ type: iceberg, table: db.t }}\n  pond: {{ type: iceberg, table: {second} }}\n")).Errors;

        Assert.Equal(
            isNested ? [$"p.yaml:6:33: sinks.pond.table: {second} would lie in the folder of table db.t of sink 'lake'; give it another namespace."] : [],
            errors.Select(error => error.ToString()));
    }

    private static PlanResult Plan(params string[] statements)
    {
        var steps = string.Concat(statements.Select((sql, index) => $"  - name: t{index + 1}\n    type: sql_transform\n    sql: |\n      {sql}\n    input: {(index == 0 ? "src" : $"t{index}")}\n"));
        return PipelinePlanner.Plan(Samples.Valid($"{Head}transformations:\n{steps}sinks:\n  lake: {{ type: iceberg, table: db.t }}\n"));
    }

    private static PlanResult PlanProperty(string name) =>
        PipelinePlanner.Plan(Samples.Valid($"{Head}sinks:\n  lake: {{ type: iceberg, table: db.t, properties: {{ {name}: 1 }} }}\n"));
}
