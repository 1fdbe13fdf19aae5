namespace Matih.Engine.Tests.Iceberg;

public sealed class TableIdentifierTests
{
    [Fact]
    public void All_but_the_last_part_is_the_namespace()
    {
        var identifier = TableIdentifier.Parse("analytics.web.clickstream_events");

        Assert.Equal(["analytics", "web"], identifier.Namespace);
        Assert.Equal("clickstream_events", identifier.Name);
        Assert.Equal("analytics.web.clickstream_events", identifier.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a..b")]
    [InlineData("a.")]
    [InlineData(".a")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    [InlineData(" a")]
    [InlineData("a%2Fb")]
    [InlineData("c:d")]
    [InlineData("a?b")]
    public void What_could_lead_out_of_the_folder_is_refused(string dotted) => Assert.Throws<ArgumentException>(() => TableIdentifier.Parse(dotted));

    [Fact]
    public void Half_a_character_is_refused() => Assert.Throws<ArgumentException>(() => TableIdentifier.Parse("a\uD800b"));

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("a.b")]
    public void Dots_within_a_part_are_refused(string part) => Assert.Throws<ArgumentException>(() => new TableIdentifier([], part));

    [Theory]
    [InlineData("Straße_1-x")]
    [InlineData("表")]
    [InlineData("🚀")]
    [InlineData("a b")]
    public void Names_of_any_language_are_taken(string name) => Assert.Equal(name, TableIdentifier.Parse(name).Name);
}
