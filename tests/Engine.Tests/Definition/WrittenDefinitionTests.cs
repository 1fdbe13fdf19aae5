using Matih.Definition;

namespace Matih.Engine.Tests.Definition;

/// <summary>Values of a definition as their author wrote them.</summary>
public sealed class WrittenDefinitionTests
{
    private const string Text = """
        metadata: { name: orders, labels: [a, b] }
        connections:
          main:
            bootstrap_servers: "${HOST}:9092,${HOST}:9093"
            security:
              username: "plain"
              password: { from_env: PASSWORD }
              key: { from_file: "/keys/${STAGE:-dev}.pem" }
            properties:
              fetch.min.bytes: 5
              fetch: { min: "inner", max: "${UNSET}" }
        sources:
          s:
            topic: "orders-${STAGE:-dev}"
            price: "$${HOST} costs $5"
            nothing: null
            broken: "${HOST"
        """;

    /// <summary>The host's references for the variables that are set.</summary>
    private static string? Reference(string name) => name is "HOST" or "PASSWORD" ? $"%{name}%" : null;

    private static WrittenValue? Find(string path, string text = Text) => WrittenDefinition.Read("orders.yaml", text).Find(path, Reference);

    [Theory]
    [InlineData("metadata.name", "orders", "orders", false)]
    [InlineData("connections.main.bootstrap_servers", "%HOST%:9092,%HOST%:9093", ":9092,:9093", true)]
    [InlineData("connections.main.security.username", "plain", "plain", false)]
    [InlineData("connections.main.security.password", "%PASSWORD%", "", true)]
    [InlineData("sources.s.topic", "orders-dev", "orders-dev", false)]
    [InlineData("sources.s.price", "${HOST} costs $5", "${HOST} costs $5", false)]
    public void A_value_has_references_in_the_place_of_variables(string path, string text, string literal, bool hasReference) =>
        Assert.Equal(new WrittenValue(text, literal, hasReference, IsFile: false), Find(path));

    [Fact]
    public void Variables_and_files_of_all_values_are_found()
    {
        var written = WrittenDefinition.Read("orders.yaml", Text.Replace("[a, b]", "[a, \"${LABEL} ${STAGE}\"]", StringComparison.Ordinal));

        // STAGE has a default in two places, and none in the third.
        Assert.Equal([("HOST", false), ("LABEL", false), ("PASSWORD", false), ("STAGE", false), ("UNSET", false)], written.FindVariables().Select(pair => (pair.Key, pair.Value)));
        Assert.True(WrittenDefinition.Read("orders.yaml", Text).FindVariables()["STAGE"]);
        Assert.Equal(["/keys/${STAGE:-dev}.pem"], written.FindFiles());
    }

    [Fact]
    public void A_file_is_its_path() => Assert.Equal(new WrittenValue("/keys/dev.pem", "/keys/dev.pem", HasReference: false, IsFile: true), Find("connections.main.security.key"));

    [Theory]
    [InlineData("connections.main.properties.fetch.min.bytes", "5")]
    [InlineData("connections.main.properties.fetch.min", "inner")]
    public void A_key_may_have_dots_of_its_own_and_the_longest_that_fits_is_meant(string path, string text) => Assert.Equal(text, Find(path)!.Text);

    [Theory]
    [InlineData("sources.t.topic")]
    [InlineData("sources.s.topic.more")]
    [InlineData("sources.s.nothing")]
    [InlineData("sources.s")]
    [InlineData("metadata.labels")]
    [InlineData("sources.s.broken")]
    [InlineData("connections.main.properties.fetch.max")]
    [InlineData("connections.main.properties.fetch.min.byte")]
    [InlineData("")]
    public void Where_there_is_no_text_there_is_no_value(string path) => Assert.Null(Find(path));

    [Theory]
    [InlineData("")]
    [InlineData("just text")]
    [InlineData("a: [")]
    public void A_text_that_is_no_definition_has_no_values(string text) => Assert.Null(Find("metadata.name", text));

    [Fact]
    public void A_default_counts_where_the_variable_has_no_reference_and_else_the_reference_does()
    {
        var written = WrittenDefinition.Read("orders.yaml", Text);

        Assert.Equal(new WrittenValue("orders-%STAGE%", "orders-", HasReference: true, IsFile: false), written.Find("sources.s.topic", name => $"%{name}%"));
        Assert.Equal(new WrittenValue("/keys/%STAGE%.pem", "/keys/%STAGE%.pem", HasReference: true, IsFile: true), written.Find("connections.main.security.key", name => $"%{name}%"));
        Assert.Null(written.Find("connections.main.security.password", _ => null));
    }
}
