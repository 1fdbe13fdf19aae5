namespace Matih.Engine.Tests.Sql;

public sealed class NestedQueryTests
{
    [Theory]
    [InlineData("WITH big AS (SELECT n, s FROM src WHERE n > 1) SELECT s AS r FROM big", """[["b"],["c"]]""")]
    [InlineData("WITH big AS (SELECT n, s FROM src WHERE n > 1), few (m) AS (SELECT n FROM big WHERE n < 3) SELECT few.m AS r FROM few", "[[2]]")]
    [InlineData("WITH a AS (SELECT s FROM {{ input }}) SELECT t.s AS r FROM a AS t WHERE t.s <> 'a'", """[["b"],["c"]]""")]
    [InlineData("WITH src AS (SELECT n + 10 AS n FROM src) SELECT n FROM src", "[[11],[12],[13]]")]
    [InlineData("SELECT m * 2 AS r FROM (SELECT n + 1 AS m FROM src WHERE s <> 'b') WHERE m > 2", "[[8]]")]
    [InlineData("SELECT * FROM (SELECT n, s FROM src) AS t (a, b) WHERE t.a = 1", """[[1,"a"]]""")]
    [InlineData("SELECT x AS r FROM (WITH a AS (SELECT n AS x FROM src) SELECT x FROM a WHERE x > 2)", "[[3]]")]
    [InlineData("SELECT a, b FROM (VALUES (1, 'x')) AS t (a, b)", """[[1,"x"]]""")]
    [InlineData("VALUES (1, UPPER('x'))", """[[1,"X"]]""")]
    [InlineData("SELECT JSON_OBJECT('a' VALUE x) AS r FROM (SELECT JSON_OBJECT('n' VALUE s) AS x FROM src WHERE n = 1)", """[["{\"a\":{\"n\":\"a\"}}"]]""")]
    [InlineData("WITH unused AS (SELECT n FROM src) SELECT 1 AS r", "[[1]]")]
    public void A_query_reads_another(string sql, string expected)
    {
        using var run = new QueryRun(sql, QueryRun.Schema("n INT, s STRING"));
        string[] rows = ["""[1,"a"]""", """[2,"b"]""", """[3,"c"]"""];

        var found = run.Show(run.InputNames.Count == 0 ? [] : [.. rows.Select(row => Pick(row, run.InputNames))]);

        Assert.Equal(expected, found);
    }

    /// <summary>The row's values in the order in which the query wants its columns.</summary>
    private static string Pick(string row, IReadOnlyList<string> names)
    {
        var values = row[1..^1].Split(',');
        return $"[{string.Join(',', names.Select(name => name == "n" ? values[0] : values[1]))}]";
    }

    [Fact]
    public void A_row_is_rejected_only_where_the_outer_query_asks_for_what_fails()
    {
        using var run = new QueryRun("SELECT n FROM (SELECT n, CAST(s AS INT) AS m FROM src) WHERE n < 2", QueryRun.Schema("n INT, s STRING"));

        Assert.Equal(["n"], run.InputNames);
        Assert.Equal("[[1]]", run.Show("[1]", "[2]"));
    }
}
