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
    [InlineData("ARRAY[", "]", 100)]
    [InlineData("ROW(", ")", 100)]
    [InlineData("MAP['k', ", "]", 50)]
    public void A_column_that_is_nested_deeper_than_files_hold_is_refused(string open, string close, int depthMax)
    {
        string Nested(int depth) => $"SELECT {string.Concat(Enumerable.Repeat(open, depth))}id{string.Concat(Enumerable.Repeat(close, depth))} AS v FROM {{{{ input }}}}";

        Assert.Equal("", string.Join('\n', Plan(Nested(depthMax)).Errors));
        var depth = depthMax == 50 ? 102 : 101;
        Assert.Equal($"column 'v' of the query is nested {depth} deep, where a data file holds 100 (a map counts twice); select what is needed of it as columns of their own.", Assert.Single(Plan(Nested(depthMax + 1)).Errors).Message);
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
    [InlineData("", "auto 432000000")]
    [InlineData(", maintenance: off", "")]
    [InlineData(", maintenance: { retention: 2d }", "auto 172800000")]
    [InlineData(", maintenance: on, properties: { history.expire.max-snapshot-age-ms: \"5\" }", "auto 432000000")]
    public void A_new_table_says_that_pipelines_maintain_it_and_how_long_snapshots_stay(string sink, string defaults)
    {
        var plan = Assert.Single(PipelinePlanner.Plan(Samples.Valid($"{Head}sinks:\n  lake: {{ type: iceberg, table: a.b, mode: append, input: src{sink} }}\n")).Flows).Plan.Table;

        Assert.Equal(defaults, string.Join(' ', plan.Defaults.Values.Reverse()));
    }

    [Fact]
    public void Of_sinks_into_one_table_each_would_create_it_with_the_retention_of_the_one_that_maintains_it()
    {
        var plan = PipelinePlanner.Plan(Samples.Valid($"{Head}sinks:\n  a: {{ type: iceberg, table: a.b, mode: append, input: src, maintenance: {{ retention: 2d }} }}\n  b: {{ type: iceberg, table: a.b, mode: append, input: src, maintenance: {{ mode: on, retention: 3d }} }}\n"));

        Assert.All(plan.Flows, flow => Assert.Equal("259200000", flow.Plan.Table.Defaults["history.expire.max-snapshot-age-ms"]));
        Assert.Equal("b", Assert.Single(plan.Flows, flow => flow.Plan.MaintainsTable).Definition.Sink.Name);
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

    [Theory]
    [InlineData("_file", "column '_file' of the query has a name that Iceberg reserves for a metadata column; give it another one with AS in the SQL.")]
    [InlineData("_POS", "column '_POS' of the query has a name that Iceberg reserves for a metadata column; give it another one with AS in the SQL.")]
    [InlineData("_row_id", "column '_row_id' of the query has a name that Iceberg reserves for a metadata column; give it another one with AS in the SQL.")]
    [InlineData("a\u0001b", "column 'a\\u0001b' of the query has a control character in its name, such as a line break; give it another one with AS in the SQL.")]
    [InlineData("LONG", "column 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…' of the query has a name of 256 characters; at most 255 are allowed; give it another one with AS in the SQL.")]
    public void A_name_that_no_column_may_have_is_an_error(string name, string message)
    {
        if (name == "LONG") name = new string('x', 256);

        var error = Assert.Single(Plan($"SELECT id, s AS `{name}` FROM {{{{ input }}}}", "SELECT * FROM {{ input }}").Errors);

        Assert.Equal(("sinks.lake", message), (error.Path, error.Message));
    }

    [Fact]
    public void A_partition_field_does_not_take_the_name_of_a_metadata_column()
    {
        var plan = PipelinePlanner.Plan(Samples.Valid($"{Head}sinks:\n  lake: {{ type: iceberg, table: db.t, partition_by: [s, id AS _partition] }}\n"));

        Assert.Equal(
            ["p.yaml:5:57: sinks.lake.partition_by[1]: partition field '_partition' has a name that Iceberg reserves for a metadata column; give it another one."],
            plan.Errors.Select(error => error.ToString()));
    }

    [Theory]
    [InlineData("SELECT id, s AS ID FROM {{ input }}", "columns 'id' and 'ID' differ by case only; engines that ignore case, such as Spark and DuckDB by default, find them ambiguous or rename one.")]
    [InlineData("SELECT id AS `id ` FROM {{ input }}", "column 'id ' of the query has a space at the beginning or the end of its name.")]
    public void A_name_that_is_hard_to_query_is_a_warning(string sql, string warning)
    {
        var plan = Plan(sql);

        Assert.Empty(plan.Errors);
        Assert.Equal([warning], plan.Warnings.Select(found => found.Message));
    }

    [Theory]
    [InlineData("a.b")]
    [InlineData("\U0001F600")]
    [InlineData("a/b;c=d\"e")]
    [InlineData("file_path")]
    public void A_name_that_readers_take_is_no_fault(string name)
    {
        var plan = Plan($"SELECT id AS `{name}` FROM {{{{ input }}}}");

        Assert.Empty(plan.Errors);
        Assert.Empty(plan.Warnings);
    }

    private static PlanResult Plan(params string[] statements)
    {
        var steps = string.Concat(statements.Select((sql, index) => $"  - name: t{index + 1}\n    type: sql_transform\n    sql: |\n      {sql}\n    input: {(index == 0 ? "src" : $"t{index}")}\n"));
        return PipelinePlanner.Plan(Samples.Valid($"{Head}transformations:\n{steps}sinks:\n  lake: {{ type: iceberg, table: db.t }}\n"));
    }

    private static PlanResult PlanProperty(string name) =>
        PipelinePlanner.Plan(Samples.Valid($"{Head}sinks:\n  lake: {{ type: iceberg, table: db.t, properties: {{ {name}: 1 }} }}\n"));
}
