namespace Matih.Engine.Tests.Sql;

public sealed class UrlTests
{
    [Fact]
    public void Urls_of_files_within_files_reject_the_row()
    {
        using var run = new QueryRun("SELECT PARSE_URL(c, 'PATH') AS p FROM src", QueryRun.Schema("c STRING"));

        var found = run.Show("""["jar:file:/x.jar!/y"]""", """["http://h/p"]""", "[null]");

        Assert.Equal("""[["/p"],[null]] !0 PARSE_URL: 'jar:file:/x.jar!/y' names a file within another, which is not taken apart here.""", found);
    }
}
