using Matih.Sql;

namespace Matih.Engine.Tests.Sql;

public sealed class FunctionTests
{
    public static TheoryData<string, string> Text => CaseFile.Read("text-functions.cases");
    public static TheoryData<string, string> Time => CaseFile.Read("time-functions.cases");
    public static TheoryData<string, string> Numbers => CaseFile.Read("number-functions.cases");
    public static TheoryData<string, string> Json => CaseFile.Read("json-functions.cases");
    public static TheoryData<string, string> Nested => CaseFile.Read("nested.cases");
    public static TheoryData<string, string> Recorded => CaseFile.Read("flink-functions.cases");

    [Theory]
    [MemberData(nameof(Text))]
    public void Text_functions_give_what_flink_gives(string expression, string expected) => Assert.Equal(expected, QueryRun.Evaluate(expression));

    [Theory]
    [MemberData(nameof(Time))]
    public void Time_functions_give_what_flink_gives(string expression, string expected) => Assert.Equal(expected, QueryRun.Evaluate(expression));

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Functions_of_numbers_give_what_flink_gives(string expression, string expected) => Assert.Equal(expected, QueryRun.Evaluate(expression));

    [Theory]
    [MemberData(nameof(Json))]
    public void Json_functions_give_what_flink_gives(string expression, string expected) => Assert.Equal(expected, QueryRun.Evaluate(expression));

    [Theory]
    [MemberData(nameof(Nested))]
    public void Nested_values_are_made_and_taken_apart_as_by_flink(string expression, string expected) => Assert.Equal(expected, QueryRun.Evaluate(expression));

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Functions_agree_with_flink_on_random_arguments(string expression, string expected) => Assert.Equal(expected, QueryRun.Evaluate(expression));

    [Theory]
    [InlineData("REGEXP(c, 'a(?=b)')", "a group that starts with '(?'")]
    [InlineData("REGEXP(c, 'a*+')", "a quantifier after another")]
    [InlineData("REGEXP(c, '(a*)*')", "repeating what can be empty")]
    [InlineData("REGEXP(c, '[a&&b]')", "'&&' in a character class")]
    [InlineData("REGEXP(c, '\\bx')", "'\\b'")]
    [InlineData("REGEXP(c, c)", "REGEXP with a computed pattern")]
    [InlineData("REGEXP_EXTRACT(c, '(a)+', 1)", "Extracting group 1, which is repeated,")]
    [InlineData("REGEXP_REPLACE(c, 'a*', 'x')", "REGEXP_REPLACE of what can be empty")]
    [InlineData("SPLIT_INDEX(c, '', 1)", "SPLIT_INDEX with an empty separator")]
    [InlineData("c SIMILAR TO c", "SIMILAR TO with a computed pattern")]
    [InlineData("c SIMILAR TO 'a' ESCAPE '%'", "This ESCAPE of SIMILAR TO")]
    [InlineData("c SIMILAR TO '(?i)a'", "a group that starts with '(?'")]
    [InlineData("ENCODE(c, 'EBCDIC')", "The character set 'EBCDIC'")]
    [InlineData("ENCODE(c, c)", "ENCODE with a computed character set")]
    [InlineData("UUID()", "a replay must give the same rows")]
    [InlineData("RAND()", "a replay must give the same rows")]
    [InlineData("TO_TIMESTAMP(c, 'yyyy-MM-dd VV')", "'VV' in the pattern")]
    [InlineData("TO_TIMESTAMP(c, 'yyyy-MM-dd[ HH:mm]')", "'[' in the pattern")]
    [InlineData("TO_DATE(c, 'yy-MM-dd')", "Reading by the pattern")]
    [InlineData("TO_DATE(c, 'yyyy-MM-dd X')", "Reading an offset from UTC by TO_DATE")]
    [InlineData("FROM_UNIXTIME(1, 'HH X')", "Writing an offset from UTC")]
    [InlineData("TO_TIMESTAMP(c, 'MM-dd')", "Reading by the pattern")]
    [InlineData("DATE_FORMAT(TIMESTAMP '2024-01-02 00:00:00', 'B')", "'B' in the pattern")]
    [InlineData("TO_DATE(c, c)", "TO_DATE with a computed pattern")]
    [InlineData("CONVERT_TZ(c, 'UTC', 'EST')", "The time zone 'EST'")]
    [InlineData("EXTRACT(HOUR FROM DATE '2024-01-02')", "HOUR of DATE")]
    [InlineData("TIMESTAMP '2024-01-02 00:00:00' + INTERVAL '0.5' SECOND", "TIMESTAMP(0) + INTERVAL")]
    public void What_may_differ_from_flink_is_refused(string expression, string reason)
    {
        var compilation = QueryCompiler.Compile($"SELECT {expression} FROM src", QueryRun.Schema("c STRING"), QuerySettings.Default);

        Assert.Null(compilation.Query);
        var error = Assert.Single(compilation.Errors);
        Assert.True(error.IsUnsupported);
        Assert.Contains(reason, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Text_functions_work_row_by_row_with_nulls_between()
    {
        using var run = new QueryRun(
            "SELECT UPPER(c) AS u, SUBSTRING(c, n) AS s, CONCAT_WS(',', c, 'x', d) AS j, REGEXP_EXTRACT(c, '(\\w)(\\d)', 2) AS r FROM src", QueryRun.Schema("c STRING, n INT, d STRING"));

        var found = QueryRun.Json(run.Execute("""["é1",2,"z"]""", """[null,1,null]""", """["a7",null,""]"""));

        Assert.Equal("""[["É1","1","é1,x,z",null],[null,null,"x",null],["A7",null,"a7,x,","7"]]""", found);
    }
}
