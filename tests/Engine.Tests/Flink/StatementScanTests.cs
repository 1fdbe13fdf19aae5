using Matih.Flink;

namespace Matih.Engine.Tests.Flink;

public sealed class StatementScanTests
{
    [Theory]
    [InlineData("SELECT * FROM {{ input }}", 1)]
    [InlineData("SELECT '{{ input }}', `{{ input }}` FROM x -- {{ input }}\n/* {{ input }} */", 0)]
    [InlineData("SELECT 'it''s' FROM {{input}} AS a JOIN {{ input }} AS b ON a.x = b.x", 2)]
    [InlineData("SELECT '{{ input }}", 0)]
    public void Input_is_found_where_it_stands_for_a_table(string sql, int count) => Assert.Equal(count, StatementScan.Inputs(sql).Count());

    [Theory]
    [InlineData("SELECT * FROM t", true)]
    [InlineData("select a, * FROM t", true)]
    [InlineData("SELECT t.* FROM t", true)]
    [InlineData("SELECT COUNT(*), a * b FROM t", false)]
    [InlineData("SELECT '*' AS x FROM t", false)]
    public void A_star_for_all_columns_is_told_from_a_product(string sql, bool expected) => Assert.Equal(expected, StatementScan.HasStar(sql));

    [Theory]
    [InlineData("SELECT 1 ; -- done", "SELECT 1")]
    [InlineData("SELECT 1\n/* x */\n", "SELECT 1")]
    [InlineData("SELECT ';'", "SELECT ';'")]
    [InlineData("", "")]
    public void The_end_is_behind_the_last_token(string sql, string expected) => Assert.Equal(expected, sql[..StatementScan.EndOf(sql)]);

    [Fact]
    public void Names_come_without_backticks() => Assert.Equal(["SELECT", "a`b", "FROM", "t1", "größe"], StatementScan.Names("SELECT `a``b`, 'no' FROM t1 -- no\n, größe"));
}
