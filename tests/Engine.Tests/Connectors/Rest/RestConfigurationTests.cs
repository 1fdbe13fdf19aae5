using Matih.Connectors.Rest;
using Matih.Iceberg.Catalogs;

namespace Matih.Engine.Tests.Connectors.Rest;

public sealed class RestConfigurationTests : IDisposable
{
    private readonly RestSetting _rest = new();

    public void Dispose() => _rest.Dispose();

    private static RestConfiguration Read(string json, string uri = "http://h.test/api/", string? prefix = null) =>
        RestConfiguration.Read(ScriptedCatalog.Definition(uri) with { Prefix = prefix }, "REST catalog", System.Text.Encoding.UTF8.GetBytes(json));

    [Theory]
    [InlineData("""{"defaults":{"prefix":"d"},"overrides":{}}""", null, "http://h.test/api/v1/d/namespaces")]
    [InlineData("""{"defaults":{"prefix":"d"},"overrides":{}}""", "mine", "http://h.test/api/v1/mine/namespaces")]
    [InlineData("""{"defaults":{"prefix":"d"},"overrides":{"prefix":"o"}}""", "mine", "http://h.test/api/v1/o/namespaces")]
    [InlineData("""{"defaults":{"uri":"http://ignored.test"},"overrides":{}}""", null, "http://h.test/api/v1/namespaces")]
    [InlineData("""{"overrides":{"uri":"https://o.test/x/"}}""", null, "https://o.test/x/v1/namespaces")]
    [InlineData("""{"overrides":{"prefix":"main|wh"}}""", null, "http://h.test/api/v1/main%7Cwh/namespaces")]
    [InlineData("""{"overrides":{"prefix":"main%7Cwh"}}""", null, "http://h.test/api/v1/main%7Cwh/namespaces")]
    [InlineData("""{"overrides":{"prefix":"arn%3Aaws%3As3tables%3Aeu-west-1%3A1%3Abucket%2Fb"}}""", null, "http://h.test/api/v1/arn%3Aaws%3As3tables%3Aeu-west-1%3A1%3Abucket%2Fb/namespaces")]
    [InlineData("{}", null, "http://h.test/api/v1/namespaces")]
    public void The_server_s_defaults_yield_to_the_definition_and_that_to_the_server_s_overrides(string json, string? prefix, string address) =>
        Assert.Equal(address, Read(json, prefix: prefix).Namespaces.AbsoluteUri);

    [Theory]
    [InlineData("{}", "a%1Fb%20c")]
    [InlineData("""{"overrides":{"namespace-separator":"%2E"}}""", "a.b%20c")]
    [InlineData("""{"defaults":{"namespace-separator":"%1F"}}""", "a%1Fb%20c")]
    public void Levels_of_a_namespace_are_joined_by_the_server_s_separator(string json, string levels)
    {
        var table = Read(json).Table(TableIdentifier.Parse("a.b c.tä"));

        Assert.Equal($"http://h.test/api/v1/namespaces/{levels}/tables/t%C3%A4", table.AbsoluteUri);
    }

    [Theory]
    [InlineData("""{"overrides":{"uri":"http://plain.test"}}""")]
    [InlineData("""{"overrides":{"uri":"ftp://x.test"}}""")]
    [InlineData("""{"overrides":{"uri":"nonsense"}}""")]
    public void An_address_that_is_less_safe_than_the_definition_s_is_refused(string json)
    {
        var refusal = Assert.Throws<UnsupportedTableException>(() => Read(json, "https://h.test"));

        Assert.Contains("not https", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html>")]
    [InlineData("[]")]
    [InlineData("7")]
    public void What_is_no_configuration_is_refused_with_what_to_check(string body)
    {
        var refusal = Assert.Throws<UnsupportedTableException>(() => Read(body));

        Assert.Contains("Check the address", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_configuration_is_asked_for_once_with_the_warehouse_however_many_begin_at_once()
    {
        _rest.Catalog = _rest.Server.Open(_rest.Ids, _rest.Clock, ScriptedCatalog.Definition(warehouse: "s3://b/w x"));

        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => _rest.Catalog.LoadAsync(RestSetting.Orders, default).AsTask()));

        Assert.Equal("?warehouse=s3%3A%2F%2Fb%2Fw%20x", Assert.Single(_rest.Server.Calls, call => call.Path == "/v1/config").Query);
    }

    [Fact]
    public async Task A_configuration_that_could_not_be_had_is_asked_for_again()
    {
        _rest.Server.Script = _ => ScriptedCatalog.Error(403, "ForbiddenException", "no");
        await Assert.ThrowsAsync<CatalogException>(() => _rest.Catalog.LoadAsync(RestSetting.Orders, default).AsTask());
        _rest.Server.Script = null;

        Assert.Null(await _rest.Catalog.LoadAsync(RestSetting.Orders, default));
    }

    [Fact]
    public async Task A_server_that_says_what_it_offers_is_asked_for_nothing_else()
    {
        _rest.Server.Config = """{"endpoints":["GET /v1/{prefix}/namespaces/{namespace}/tables/{table}"]}""";

        var refusal = await Assert.ThrowsAsync<UnsupportedTableException>(() => _rest.Catalog.CreateAsync(RestSetting.Orders, RestSetting.Blank, default).AsTask());

        Assert.Contains("does not offer to create a table", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_rest.Server.Calls, call => call.Method == "POST");
    }

    [Fact]
    public async Task A_server_that_takes_no_commits_is_not_sent_one()
    {
        var table = Assert.IsType<CommitResult.Committed>(await _rest.AppendAsync(await _rest.CreateAsync())).Table;
        _rest.Server.Config = """{"endpoints":["GET /v1/{prefix}/namespaces/{namespace}/tables/{table}"]}""";
        _rest.Catalog = _rest.Server.Open(_rest.Ids, _rest.Clock);

        await Assert.ThrowsAsync<UnsupportedTableException>(() => _rest.AppendAsync(table));

        Assert.Single(_rest.Server.Commits);
    }

    [Fact]
    public async Task A_redirected_address_is_named_and_not_followed()
    {
        _rest.Server.Script = _ =>
        {
            var answer = new HttpResponseMessage(System.Net.HttpStatusCode.SeeOther);
            answer.Headers.Location = new Uri("https://login.test/?session=abcdefgh");
            return answer;
        };

        var failure = await Assert.ThrowsAsync<UnsupportedTableException>(() => _rest.Catalog.LoadAsync(RestSetting.Orders, default).AsTask());

        Assert.Contains("It points to https://login.test, and redirects are not followed", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("abcdefgh", failure.ToString(), StringComparison.Ordinal);
        Assert.Single(_rest.Server.Calls);
    }
}
