using Matih.Sql;

namespace Matih.Engine.Tests.Sql;

public sealed class QueryExecutorTests
{
    [Fact]
    public void Where_drops_rows_before_the_projection_can_fail_on_them()
    {
        using var run = new QueryRun("SELECT 10 / n AS q FROM src WHERE n <> 0", QueryRun.Schema("n INT"));

        var shown = run.Show("[0]", "[5]", "[null]", "[3]");

        Assert.Equal("[[2],[3]]", shown);
        Assert.Equal(2, run.FilteredCount);
    }

    [Fact]
    public void A_row_that_fails_is_rejected_and_the_others_are_given()
    {
        using var run = new QueryRun("SELECT n, 10 / n AS q, s FROM src", QueryRun.Schema("n INT, s STRING"));

        var shown = run.Show("""[2,"a"]""", """[0,"b"]""", """[null,"c"]""");

        Assert.Equal("""[[2,5,"a"],[null,null,"c"]] !1 Division by zero.""", shown);
        Assert.Equal(0, run.FilteredCount);
    }

    [Fact]
    public void A_row_that_fails_in_where_is_rejected_even_where_the_condition_holds_all_the_same()
    {
        using var run = new QueryRun("SELECT n FROM src WHERE 10 / n = 5 OR n < 100", QueryRun.Schema("n INT"));

        var shown = run.Show("[2]", "[0]", "[1]", "[1000]");

        Assert.Equal("[[2],[1]] !1 Division by zero.", shown);
        Assert.Equal(1, run.FilteredCount);
    }

    [Theory]
    [InlineData("CASE WHEN n = 0 THEN -1 ELSE 10 / n END", "[[5],[-1],[null],[10]]")]
    [InlineData("CASE WHEN n <> 0 AND 10 / n > 5 THEN 'big' WHEN n <> 0 THEN 'small' END", """[["small"],[null],[null],["big"]]""")]
    [InlineData("CASE n WHEN 0 THEN 0 WHEN 1 THEN 10 / n ELSE n END", "[[2],[0],[null],[10]]")]
    [InlineData("IF(n IS NULL OR n = 0, 0, 10 / n)", "[[5],[0],[0],[10]]")]
    [InlineData("n <> 0 AND 10 / n = 5", "[[true],[false],[null],[false]]")]
    [InlineData("n = 0 OR 10 / n = 5", "[[true],[true],[null],[false]]")]
    [InlineData("NOT (n = 0 OR n IS NULL) AND (n = 1 OR 1 / (n - 1) = 1)", "[[true],[false],[false],[true]]")]
    [InlineData("COALESCE(n, 1 / (CASE WHEN n IS NULL THEN 0 ELSE n END))", "[[2],[0],[1]] !2 Division by zero.")]
    [InlineData("CASE WHEN n = 0 THEN CASE WHEN n = 0 THEN 7 ELSE 1 / n END ELSE CASE WHEN n > 1 THEN n ELSE 100 / n END END", "[[2],[7],[null],[100]]")]
    public void Only_rows_that_reach_a_part_evaluate_it(string expression, string expected)
    {
        using var run = new QueryRun($"SELECT {expression} AS r FROM src", QueryRun.Schema("n INT"));

        Assert.Equal(expected, run.Show("[2]", "[0]", "[null]", "[1]"));
    }

    [Fact]
    public void Batches_of_any_size_follow_one_another_on_one_executor()
    {
        using var run = new QueryRun("SELECT CASE WHEN n > 2 THEN s ELSE CAST(n AS STRING) END AS r, n * 2 AS d FROM src WHERE n <> 3", QueryRun.Schema("n INT, s STRING"));

        Assert.Equal("""[["1",2],["x",8]]""", run.Show("""[1,"a"]""", """[3,"b"]""", """[4,"x"]"""));
        Assert.Equal("[]", run.Show());
        Assert.Equal("""[["0",0],["1",2],["2",4],["y",18]]""", run.Show("""[0,null]""", """[1,null]""", """[2,null]""", """[9,"y"]"""));
        Assert.Equal("[]", run.Show("""[3,"z"]"""));
    }

    [Fact]
    public void Several_paths_of_one_computed_document_are_answered_with_the_clauses_of_each()
    {
        using var run = new QueryRun(
            "SELECT JSON_VALUE(c, '$.a') AS a, JSON_VALUE(c, 'lax $.b' DEFAULT 'none' ON EMPTY) AS b, JSON_VALUE(c, '$.a' RETURNING INTEGER) AS n FROM src",
            QueryRun.Schema("c STRING"));

        var shown = run.Show("""["{\"a\":1,\"b\":\"é\\u00e9\"}"]""", """[null]""", """["{"]""", """["{\"a\":\"x\"}"]""");

        Assert.Equal("""[["1","éé",1],[null,null,null],[null,"none",null]] !3 JSON_VALUE(…, '$.a'): the value is a string, RETURNING INT does not convert it (use CAST(JSON_VALUE(…) AS INT)).""", shown);
    }

    [Fact]
    public void A_statement_without_from_gives_one_row()
    {
        using var run = new QueryRun("SELECT 1 AS a, 'x' AS b", QueryRun.Schema("c STRING"));

        Assert.Equal("""[[1,"x"]]""", run.Show());
    }

    [Fact]
    public void Columns_that_are_not_needed_cannot_fail()
    {
        var chain = QueryCompiler.CompileChain(
            [("a", "SELECT n, 1 / n AS q FROM src"), ("b", "SELECT n FROM a")], QueryRun.Schema("n INT") with { Name = "src" }, QuerySettings.Default);

        Assert.Equal("read   n INT\ngive   n INT = n\n", chain.Query!.Explain());
    }

    [Fact]
    public void Disposing_gives_all_memory_back()
    {
        var run = new QueryRun("SELECT CASE WHEN n > 1 THEN s || 'x' ELSE s END AS r FROM src WHERE s LIKE '%a%' AND 6 / n > 1", QueryRun.Schema("n INT, s STRING"));

        run.Show("""["a",1]""", """["ba",2]""", """["a",0]""", """["c",3]""");
        var used = run.UsedBytes;
        run.Dispose();

        Assert.True(used > 0);
        Assert.Equal(0, run.UsedBytes);
    }

    /// <summary>Random expressions over random rows: each row alone must give what it gives among the others.</summary>
    [Fact]
    public void A_row_does_not_depend_on_its_neighbours()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var round = 0; round < 150; round++)
        {
            var expression = RandomExpression.Of(random, depth: 4);
            var sql = $"SELECT {expression} AS r FROM src WHERE {RandomExpression.Condition(random, depth: 2)}";
            // What fails whatever the row is no statement.
            if (QueryCompiler.Compile(sql, QueryRun.Schema("a INT, b INT, s STRING"), QuerySettings.Default).Query is null) continue;
            using var run = new QueryRun(sql, QueryRun.Schema("a INT, b INT, s STRING"));
            var rows = Enumerable.Range(0, random.Next(1, 12)).Select(_ => RandomExpression.Row(random)).ToArray();

            var together = QueryRun.Json(run.Execute([.. Ordered(run, rows)]));
            var rejected = run.Errors.Errors.Count;
            var alone = new List<string>();
            var rejectedAlone = 0;
            foreach (var row in Ordered(run, rows))
            {
                var json = QueryRun.Json(run.Execute(row));
                if (json.Length > 2) alone.Add(json[1..^1]);
                rejectedAlone += run.Errors.Errors.Count;
            }

            Assert.True(together == $"[{string.Join(',', alone)}]" && rejected == rejectedAlone, $"seed {seed}, round {round}: {sql}\n{string.Join('\n', rows.Select(row => string.Join(',', row)))}\n{together}\n[{string.Join(',', alone)}] {rejected} {rejectedAlone}");
        }
    }

    private static IEnumerable<string> Ordered(QueryRun run, string[][] rows) =>
        rows.Select(row => "[" + string.Join(',', run.InputColumns.Select((_, i) => row[run.InputNames[i] switch { "a" => 0, "b" => 1, _ => 2 }])) + "]");
}
