using Matih.Batches;
using Matih.Sql;

namespace Matih.Engine.Tests.Sql;

public sealed class QueryCompilerTests
{
    public static TheoryData<string, string> Errors => CaseFile.Read("errors.cases");
    public static TheoryData<string, string> Values => CaseFile.Read("values.cases");
    public static TheoryData<string, string> Plans => CaseFile.Read("plans.cases");

    private static QueryInput Clickstream => new("clickstream", null, HasRecordMetadata: true, InputFormat.Json);

    private static QueryInput Events
    {
        get
        {
            Assert.True(DataTypeSyntax.TryParseColumns(
                "id INT NOT NULL, name STRING, price DECIMAL(10, 2), at TIMESTAMP(3), tags ARRAY<STRING>, fine TIMESTAMP(9)", out var schema, out _));
            return new QueryInput("events", schema, HasRecordMetadata: true, InputFormat.Json);
        }
    }

    [Theory]
    [MemberData(nameof(Errors))]
    public void What_cannot_be_compiled_is_refused_with_its_place(string sql, string expected)
    {
        var compilation = QueryCompiler.Compile(sql, Events, QuerySettings.Default);

        Assert.Equal(expected, string.Join(" ¶ ", compilation.Errors));
        Assert.Null(compilation.Query);
    }

    [Theory]
    [MemberData(nameof(Values))]
    public void Expressions_have_the_value_and_type_that_flink_gives_them(string expression, string expected) => Assert.Equal(expected, QueryRun.Evaluate(expression));

    [Theory]
    [MemberData(nameof(Plans))]
    public void Only_what_is_needed_is_read(string sql, string expected)
    {
        var plan = QueryRun.Compiled(sql, Clickstream).Explain();

        Assert.Equal(expected, plan.TrimEnd().Replace("\n", " ¶ ", StringComparison.Ordinal));
    }

    [Fact]
    public void Schema_fields_win_over_metadata_and_star_gives_the_schema()
    {
        Assert.True(DataTypeSyntax.TryParseColumns("value INT, `offset` STRING", out var schema, out _));
        var query = QueryRun.Compiled("SELECT *, `partition` FROM {{ input }}", new QueryInput("src", schema, true, InputFormat.Json));

        Assert.Equal("ROW<`value` INT, `offset` STRING, `partition` INT NOT NULL>", query.Output.ToString());
        Assert.Equal([new InputColumn.SchemaField("value", new DataType.Int()), new InputColumn.SchemaField("offset", DataType.String), new InputColumn.Metadata(RecordMetadata.Partition, new DataType.Int().NotNull())], query.Inputs);
    }

    [Fact]
    public void A_raw_source_is_asked_for_its_value_and_the_paths_are_answered_here()
    {
        var query = QueryRun.Compiled("SELECT JSON_VALUE(value, '$.a') AS a, JSON_VALUE(value, '$.b') AS b FROM {{ input }}", Clickstream with { Format = InputFormat.Raw });

        Assert.Equal([new InputColumn.Metadata(RecordMetadata.Value, DataType.String)], query.Inputs);
    }

    [Fact]
    public void A_chain_becomes_one_query_over_the_source_with_its_paths_pushed_down()
    {
        var compilation = QueryCompiler.CompileChain(
        [
            ("raw_events", "SELECT value AS v, event_timestamp AS ts, CAST(JSON_VALUE(value, '$.unused') AS INT) AS unused FROM {{ input }} WHERE JSON_VALUE(value, '$.kind') = 'click'"),
            ("parsed", "SELECT JSON_VALUE(v, '$.user') AS u, ts FROM raw_events"),
            ("known", "SELECT u, ts FROM {{ input }} WHERE u IS NOT NULL"),
        ], Clickstream, QuerySettings.Default);

        Assert.Equal(
            """
            read   JSON_VALUE(value, '$.kind') STRING
            read   JSON_VALUE(value, '$.user') STRING
            read   EventTimestamp TIMESTAMP(3)
            filter =(JSON_VALUE(value, '$.kind'), 'click')
            filter IS NOT NULL(JSON_VALUE(value, '$.user'))
            give   u STRING = JSON_VALUE(value, '$.user')
            give   ts TIMESTAMP(3) = EventTimestamp

            """, compilation.Query!.Explain());
    }

    [Fact]
    public void Errors_of_a_chain_name_the_statement_and_later_names_are_those_before()
    {
        var compilation = QueryCompiler.CompileChain([("first", "SELECT value AS v FROM {{ input }}"), ("second", "SELECT value FROM firs")], Clickstream, QuerySettings.Default);

        Assert.Equal(
            [(1, "1:8: There is no column 'value' in 'first'."), (1, "1:19: There is no table 'firs'; did you mean 'first'? This statement reads 'first' (or {{ input }}).")],
            compilation.Errors.Select(error => (error.Statement, error.ToString())));
    }

    [Fact]
    public void A_chain_whose_columns_double_at_every_step_stays_small()
    {
        var chain = Enumerable.Range(0, 60).Select(step => ($"s{step}", step == 0 ? "SELECT CHAR_LENGTH(value) AS x FROM {{ input }}" : "SELECT x + x AS x FROM {{ input }}")).ToArray();

        using var executor = QueryCompiler.CompileChain(chain, Clickstream, QuerySettings.Default).Query!.CreateExecutor(TimeProvider.System, MemoryAccount.Unlimited());
        using var value = new BytesColumn(DataType.String, MemoryAccount.Unlimited());
        value.Append("abc"u8);
        var errors = new RowErrors();
        errors.Clear(1);

        var batch = executor.Execute(new ColumnBatch(new RowType([new Field("value", DataType.String)]), [value], 1), errors);

        Assert.Equal(unchecked((int)(3L << 59)), ((FixedColumn<int>)batch[0]).Values[0]);
    }

    [Fact]
    public void A_chain_that_nests_too_deep_is_refused()
    {
        var deep = "SELECT x" + string.Concat(Enumerable.Repeat(" + 1", 900)) + " AS x FROM {{ input }}";

        var compilation = QueryCompiler.CompileChain([("a", deep.Replace("x +", "CHAR_LENGTH(value) +", StringComparison.Ordinal)), ("b", deep)], Clickstream, QuerySettings.Default);

        var error = Assert.Single(compilation.Errors);
        Assert.Equal((1, "With the transformations before, this expression is more than 1500 operations deep."), (error.Statement, error.Message));
    }

    [Theory]
    [InlineData("(", 199)]
    [InlineData("NOT ", 199)]
    [InlineData("- ", 199)]
    [InlineData("1 + ", 999)]
    public void Long_and_deep_expressions_have_a_limit_below_which_they_compile(string piece, int countMax)
    {
        var close = piece == "(" ? ")" : "";
        string Statement(int count) => $"SELECT {string.Concat(Enumerable.Repeat(piece, count))}{(piece == "NOT " ? "TRUE" : "1e0")}{string.Concat(Enumerable.Repeat(close, count))} AS r";

        Assert.NotNull(QueryCompiler.Compile(Statement(countMax), Clickstream, QuerySettings.Default).Query);
        var refused = QueryCompiler.Compile(Statement(countMax + 2), Clickstream, QuerySettings.Default);
        Assert.Contains("at most", Assert.Single(refused.Errors).Message);
    }
}
