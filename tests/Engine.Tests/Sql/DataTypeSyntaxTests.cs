using Matih.Sql;

namespace Matih.Engine.Tests.Sql;

public sealed class DataTypeSyntaxTests
{
    public static TheoryData<string, string> Types => CaseFile.Read("types.cases");
    public static TheoryData<string, string> Columns => CaseFile.Read("columns.cases");

    [Theory]
    [MemberData(nameof(Types))]
    public void A_type_reads_as_flink_reads_it(string text, string expected)
    {
        var found = DataTypeSyntax.TryParse(text, out var type, out var error) ? type.ToString() : error.ToString();

        Assert.Equal(expected, found);
    }

    [Theory]
    [MemberData(nameof(Columns))]
    public void A_column_list_reads_as_in_a_create_table(string text, string expected)
    {
        var found = DataTypeSyntax.TryParseColumns(text, out var columns, out var error) ? columns.ToString() : error.ToString();

        Assert.Equal(expected, found);
    }
}
