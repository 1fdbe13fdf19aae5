using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Matih.Connectors.Registry;
using Matih.Definition;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Registry;

namespace Matih.Interop.Tests.Connectors.Registry;

/// <summary>Our client of schema registries against a real one, in which schemas were registered over plain HTTP.</summary>
public sealed class RealRegistryTests(SharedRegistry shared)
{
    private static readonly HttpClient Http = new();
    private readonly string _prefix = $"t{Guid.NewGuid():N}";

    private static RegistryClient Open(Uri uri, RestAuth? auth = null, string? ca = null) =>
        RegistryClient.Open(DefinitionOf(uri) with { Auth = auth ?? new RestAuth.None(), Ca = ca }, new SystemIdSource(), TimeProvider.System);

    private static RegistryDefinition DefinitionOf(Uri uri) => EndpointUrl.TryParse(uri.AbsoluteUri, out var url) ? new RegistryDefinition("schemas", [url!]) : throw new ArgumentException(uri.AbsoluteUri);

    /// <returns>The id that the registry gives.</returns>
    private async Task<int> RegisterAsync(string subject, string schemaType, string schema, params (string Name, string Subject)[] references)
    {
        var body = JsonSerializer.Serialize(new { schemaType, schema, references = references.Select(reference => new { name = reference.Name, subject = _prefix + reference.Subject, version = 1 }) });
        using var content = new StringContent(body, new MediaTypeHeaderValue("application/vnd.schemaregistry.v1+json"));
        using var answer = await Http.PostAsync(new Uri($"{await shared.UriAsync()}/subjects/{Uri.EscapeDataString(_prefix + subject)}/versions"), content);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        using var document = JsonDocument.Parse(text);
        return document.RootElement.GetProperty("id").GetInt32();
    }

    [Fact]
    public async Task Avro_with_references_is_found_by_id_and_as_the_newest_version()
    {
        var money = await RegisterAsync("money", "AVRO", """{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"amount","type":"long"}]}""");
        await RegisterAsync("line", "AVRO", """{"type":"record","name":"Line","namespace":"shop","fields":[{"name":"price","type":"shop.Money"}]}""", ("shop.Money", "money"));
        const string first = """{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"lines","type":{"type":"array","items":"shop.Line"}},{"name":"total","type":"shop.Money"}]}""";
        const string second = """{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"total","type":"shop.Money"}]}""";
        var firstId = await RegisterAsync("order", "AVRO", first, ("shop.Line", "line"), ("shop.Money", "money"));
        var secondId = await RegisterAsync("order", "AVRO", second, ("shop.Money", "money"));
        var client = Open(await shared.UriAsync());

        var byId = (await client.FindAsync(SchemaKey.Of(firstId), default))!;
        var latest = (await client.FindLatestAsync($"{_prefix}order", default))!;

        Assert.Equal((SchemaLanguage.Avro, first, firstId), (byId.Language, byId.Text, byId.Id));
        Assert.Equal(["shop.Line", "shop.Money"], byId.References.Select(reference => reference.Name));
        Assert.Equal(money, byId.References[1].Schema.Id);
        Assert.Same(byId.References[1].Schema, byId.References[0].Schema.References.Single().Schema);
        Assert.Equal((second, secondId, 2), (latest.Text, latest.Id, latest.Version));
    }

    [Fact]
    public async Task Protobuf_with_imports_is_found_by_id_and_as_the_newest_version()
    {
        const string money = "syntax = \"proto3\";\npackage shop;\n\nmessage Money {\n  int64 amount = 1;\n}\n";
        const string order = "syntax = \"proto3\";\npackage shop;\n\nimport \"google/protobuf/timestamp.proto\";\nimport \"shop/money.proto\";\n\nmessage Order {\n  Money total = 1;\n  google.protobuf.Timestamp at = 2;\n}\n";
        await RegisterAsync("money", "PROTOBUF", money);
        var id = await RegisterAsync("order/value", "PROTOBUF", order, ("shop/money.proto", "money"));
        var client = Open(await shared.UriAsync());

        foreach (var found in new[] { await client.FindAsync(SchemaKey.Of(id), default), await client.FindLatestAsync($"{_prefix}order/value", default) })
        {
            Assert.Equal((SchemaLanguage.Protobuf, id), (found!.Language, found.Id));
            Assert.Contains("import \"shop/money.proto\";", found.Text, StringComparison.Ordinal);
            var reference = Assert.Single(found.References);
            Assert.Equal(("shop/money.proto", SchemaLanguage.Protobuf), (reference.Name, reference.Schema.Language));
            Assert.Contains("int64 amount = 1;", reference.Schema.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task JSON_Schema_with_references_is_found_by_id_and_as_the_newest_version()
    {
        await RegisterAsync("money", "JSON", """{"$id":"money.json","type":"object","properties":{"amount":{"type":"integer"}}}""");
        var id = await RegisterAsync("order", "JSON", """{"type":"object","properties":{"total":{"$ref":"money.json"}}}""", ("money.json", "money"));
        var client = Open(await shared.UriAsync());

        foreach (var found in new[] { await client.FindAsync(SchemaKey.Of(id), default), await client.FindLatestAsync($"{_prefix}order", default) })
        {
            Assert.Equal((SchemaLanguage.Json, id), (found!.Language, found.Id));
            Assert.Equal(("money.json", SchemaLanguage.Json), (found.References.Single().Name, found.References.Single().Schema.Language));
        }
    }

    [Fact]
    public async Task What_the_registry_does_not_know_is_told_from_an_address_that_is_wrong()
    {
        var uri = await shared.UriAsync();

        Assert.Null(await Open(uri).FindAsync(SchemaKey.Of(int.MaxValue), default));
        Assert.Null(await Open(uri).FindLatestAsync($"{_prefix}nothing", default));
        var byGuid = await Assert.ThrowsAsync<SchemaRegistryException>(() => Open(uri).FindAsync(SchemaKey.Of(Guid.NewGuid()), default).AsTask());
        var elsewhere = await Assert.ThrowsAsync<SchemaRegistryException>(() => Open(new Uri(uri, "/apis")).FindAsync(SchemaKey.Of(1), default).AsTask());

        Assert.Contains("does not know schemas by their GUIDs", byGuid.Message, StringComparison.Ordinal);
        Assert.Contains("Check the address", elsewhere.Message, StringComparison.Ordinal);
        Assert.False(byGuid.IsTransient || elsewhere.IsTransient);
    }

    [Fact]
    public async Task A_proxy_with_TLS_that_wants_a_password_serves_who_has_it_through_its_faults()
    {
        var id = await RegisterAsync("s", "AVRO", "\"string\"");
        var uri = await shared.UriAsync();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = SelfSigned(key);
        var expected = $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes("u:a-password"))}";
        var faults = new Queue<ProxyFault>([new ProxyFault.CutBefore(), new ProxyFault.CutWithin(), new ProxyFault.Answer(503), new ProxyFault.Answer(502, "<html>")]);
        await using var proxy = FaultProxy.StartTls(uri, certificate, request => request.Headers.GetValueOrDefault("Authorization") != expected
            ? new ProxyFault.Answer(401, """{"error_code":401,"message":"Unauthorized"}""", ("Content-Type", "application/json"))
            : faults.TryDequeue(out var fault) ? fault : new ProxyFault.None());
        var through = new Uri(proxy.Uri, uri.AbsolutePath);

        var refusal = await Assert.ThrowsAsync<SchemaRegistryException>(
            () => Open(through, new RestAuth.Basic("u", new Secret("another")), certificate.ExportCertificatePem()).FindAsync(SchemaKey.Of(id), default).AsTask());
        var found = await Open(through, new RestAuth.Basic("u", new Secret("a-password")), certificate.ExportCertificatePem()).FindAsync(SchemaKey.Of(id), default);

        Assert.StartsWith($"The schema registry {through.AbsoluteUri} refuses user 'u': it answered GET /schemas/ids/{id} with 401 (Unauthorized).", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("\"string\"", found!.Text);
        Assert.Empty(faults);
    }

    private static X509Certificate2 SelfSigned(ECDsa key)
    {
        var request = new CertificateRequest("CN=proxy", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
    }
}
