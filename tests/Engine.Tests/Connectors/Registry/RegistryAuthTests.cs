using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Matih.Connectors.Registry;
using Matih.Definition;
using Matih.Engine.Tests.Storage;
using Matih.Fixtures;
using Matih.Registry;

namespace Matih.Engine.Tests.Connectors.Registry;

public sealed class RegistryAuthTests : IDisposable
{
    private const string Tokens = "http://id.test/tokens";
    private readonly ScriptedRegistry _server = new();

    public RegistryAuthTests() => _server.Add(7, "\"string\"");

    public void Dispose() => _server.Dispose();

    private static RestAuth.OAuth2 OAuth(string tokens = Tokens, string? scope = null) =>
        new("me", new Secret(PlantedText.Text), EndpointUrl.TryParse(tokens, out var url) ? url : null, scope, ImmutableSortedDictionary<string, string>.Empty);

    private async Task<SchemaRegistryException> RefusalAsync(RestAuth auth, string? name = "schemas") =>
        await Assert.ThrowsAsync<SchemaRegistryException>(() => _server.Open(ScriptedRegistry.Definition(auth: auth, name: name)).FindAsync(SchemaKey.Of(7), default).AsTask());

    [Fact]
    public async Task A_name_and_a_password_are_sent_with_each_request()
    {
        _server.Answers["/subjects/s/versions/latest"] = _server.Answers["/schemas/ids/7"];
        var client = _server.Open(ScriptedRegistry.Definition(auth: new RestAuth.Basic("Aladdin", new Secret("open sesame"))));

        await client.FindAsync(SchemaKey.Of(7), default);
        await client.FindLatestAsync("s", default);

        // The example of RFC 7617, section 2.
        Assert.Equal(["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="], _server.Shown);
    }

    [Fact]
    public async Task A_fixed_token_and_headers_are_sent_with_each_request()
    {
        string? cluster = null;
        _server.Script = request =>
        {
            cluster = request.Headers.GetValues("target-sr-cluster").Single();
            return null;
        };
        var definition = ScriptedRegistry.Definition(auth: new RestAuth.Bearer(new Secret("a-token"))) with { Headers = ImmutableSortedDictionary<string, Secret>.Empty.Add("target-sr-cluster", new Secret("lsrc-1")) };

        await _server.Open(definition).FindAsync(SchemaKey.Of(7), default);

        Assert.Equal(["Bearer a-token"], _server.Shown);
        Assert.Equal("lsrc-1", cluster);
    }

    [Theory]
    [InlineData(null, "")]
    [InlineData("read", "&scope=read")]
    public async Task Tokens_are_asked_for_and_renewed_where_one_is_refused(string? scope, string sent)
    {
        var (issued, asked) = (0, "");
        _server.Script = request =>
        {
            if (request.RequestUri!.Host != "id.test") return request.Headers.Authorization!.Parameter == "token-2" ? null : ScriptedRegistry.Error(401, 401);
            Assert.False(request.Headers.Contains("target-sr-cluster"));
            asked = request.Content!.ReadAsStringAsync().GetAwaiter().GetResult();
            return ScriptedRegistry.Json(200, $$"""{"access_token":"token-{{++issued}}","expires_in":3600}""");
        };
        var definition = ScriptedRegistry.Definition(auth: OAuth(scope: scope)) with { Headers = ImmutableSortedDictionary<string, Secret>.Empty.Add("target-sr-cluster", new Secret("lsrc-1")) };

        Assert.NotNull(await _server.Open(definition).FindAsync(SchemaKey.Of(7), default));

        Assert.Equal($"grant_type=client_credentials&client_id=me&client_secret={Uri.EscapeDataString(PlantedText.Text)}{sent}", asked);
        Assert.Equal([null, "Bearer token-1", null, "Bearer token-2"], _server.Shown);
    }

    [Fact]
    public async Task A_token_server_that_is_not_well_is_asked_again_and_one_that_refuses_is_not()
    {
        _server.Script = request => request.RequestUri!.Host == "id.test" ? ScriptedRegistry.Json(503, "{}") : null;
        var passing = await RefusalAsync(OAuth());
        Assert.True(passing.IsTransient);
        Assert.InRange(_server.Calls.Count, 12, 40);
        Assert.InRange(_server.Clock.Elapsed, TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(60));

        _server.Calls.Clear();
        _server.Script = request => request.RequestUri!.Host == "id.test" ? ScriptedRegistry.Json(401, """{"error":"invalid_client"}""") : null;
        var refused = await RefusalAsync(OAuth());

        Assert.Equal((
            "The schema registry http://registry.test was not asked: The token server http://id.test/tokens gave no token: it answered 401 (invalid_client). " +
            "Check the client's id and secret, the scope, and the address of the token server.", false), (refused.Message, refused.IsTransient));
        Assert.Equal(["id.test/tokens"], _server.Calls);
    }

    [Theory]
    [InlineData(401, "basic", "schemas", "user 'u': it answered GET /schemas/ids/7 with 401 (a message). Check registries.schemas.auth, and what the registry allows this identity.")]
    [InlineData(403, "basic", "schemas", "user 'u': it answered GET /schemas/ids/7 with 403 (a message). Check registries.schemas.auth, and what the registry allows this identity.")]
    [InlineData(403, "bearer", "schemas", "the token of the definition: it answered GET /schemas/ids/7 with 403 (a message). Check registries.schemas.auth, and what the registry allows this identity.")]
    [InlineData(401, "none", "schemas", "who shows no credentials: it answered GET /schemas/ids/7 with 401 (a message). Write its credentials under registries.schemas.auth.")]
    [InlineData(401, "none", null, "who shows no credentials: it answered GET /schemas/ids/7 with 401 (a message). Give it an entry under registries with its auth, and write the entry's name into schema_registry.")]
    public async Task Who_is_refused_is_named_with_what_to_do_and_not_asked_for_again(int status, string auth, string? name, string message)
    {
        _server.Next(_ => ScriptedRegistry.Error(status, status));

        var refusal = await RefusalAsync(auth switch { "basic" => new RestAuth.Basic("u", new Secret("a-password")), "bearer" => new RestAuth.Bearer(new Secret("a-token")), _ => new RestAuth.None() }, name);

        Assert.Equal(($"The schema registry http://registry.test refuses {message}", false), (refusal.Message, refusal.IsTransient));
        Assert.Single(_server.Calls);
    }

    public static TheoryData<string> Behaviours => EchoServers.Behaviours;

    [Theory, MemberData(nameof(Behaviours))]
    public async Task No_secret_that_a_server_repeats_gets_into_a_message(string behaviour)
    {
        await using var server = EchoServers.Start(behaviour);
        var url = server.Uri.AbsoluteUri;
        var secret = new Secret(PlantedText.Text);
        foreach (var auth in new RestAuth[] { new RestAuth.Basic("user", secret), new RestAuth.Bearer(new Secret(Uri.EscapeDataString(PlantedText.Text))), OAuth($"{url}tokens") })
        {
            var definition = ScriptedRegistry.Definition(url, auth) with { Headers = ImmutableSortedDictionary<string, Secret>.Empty.Add("X-Key", secret) };
            var client = RegistryClient.Open(definition, new SeededIdSource(1), new LeapingClock());

            var refusal = await Assert.ThrowsAsync<SchemaRegistryException>(() => client.FindAsync(SchemaKey.Of(7), default).AsTask());

            PlantedText.AssertNotIn($"{refusal} {definition} {definition.Auth}");
        }
        Assert.Contains(server.Requests, request => PlantedText.IsIn(string.Join(' ', request.Headers.Values)));
    }

    [Fact]
    public async Task A_redirect_is_not_followed_and_takes_no_credentials_along()
    {
        await using var other = FaultProxy.Start(_ => new ProxyFault.Answer(200, """{"schema":"\"int\""}"""));
        await using var server = FaultProxy.Start(_ => new ProxyFault.Answer(307, "", ("Location", $"{other.Uri}schemas/ids/7")));
        var client = RegistryClient.Open(ScriptedRegistry.Definition(server.Uri.AbsoluteUri, new RestAuth.Basic("u", new Secret("a-password"))), new SeededIdSource(1), TimeProvider.System);

        var refusal = await Assert.ThrowsAsync<SchemaRegistryException>(() => client.FindAsync(SchemaKey.Of(7), default).AsTask());

        var address = server.Uri.AbsoluteUri.TrimEnd('/');
        Assert.Equal((
            $"The schema registry {address} answered GET /schemas/ids/7 with 307. It points to {other.Uri.AbsoluteUri.TrimEnd('/')}, and redirects are not followed. " +
            "Write the address that really serves the schemas into the definition.", false), (refusal.Message, refusal.IsTransient));
        Assert.Single(server.Requests);
        Assert.Empty(other.Requests);
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("other", false)]
    [InlineData("own", true)]
    [InlineData("file", true)]
    public async Task A_server_is_trusted_whose_authority_is_among_the_certificates_of_the_definition(string? trusted, bool isTrusted)
    {
        using var own = Authority("own");
        using var other = Authority("other");
        using var certificate = CertificateOf(own);
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "ca.pem");
        await File.WriteAllTextAsync(file, $"{other.ExportCertificatePem()}\n{own.ExportCertificatePem()}\n");
        await using var plain = FaultProxy.Start(_ => new ProxyFault.Answer(200, """{"schema":"\"int\""}"""));
        await using var server = FaultProxy.StartTls(plain.Uri, certificate, _ => new ProxyFault.None());
        var definition = ScriptedRegistry.Definition(server.Uri.AbsoluteUri) with { Ca = trusted switch { "own" => own.ExportCertificatePem(), "other" => other.ExportCertificatePem(), "file" => file, _ => null } };
        var client = RegistryClient.Open(definition, new SeededIdSource(1), new LeapingClock());

        if (isTrusted)
        {
            Assert.NotNull(await client.FindAsync(SchemaKey.Of(7), default));
            return;
        }
        var refusal = await Assert.ThrowsAsync<SchemaRegistryException>(() => client.FindAsync(SchemaKey.Of(7), default).AsTask());

        Assert.StartsWith($"The schema registry {server.Uri.AbsoluteUri.TrimEnd('/')} shows a certificate that is not trusted, or speaks TLS otherwise: ", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith(". Give the certificate of its authority as registries.schemas.ca, or correct the address.", refusal.Message, StringComparison.Ordinal);
        Assert.False(refusal.IsTransient);
        Assert.Empty(plain.Requests);
    }

    [Theory]
    [InlineData("/no/such/file.pem", "The file /no/such/file.pem cannot be read as certificates: ")]
    [InlineData("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----", "The text ")]
    [InlineData("-----BEGIN NOTHING-----", "The text holds no certificate. Correct registries.schemas.ca: a PEM file with the certificates of the authorities to trust, or such text.")]
    public void Certificates_that_cannot_be_used_are_refused_at_the_start(string ca, string message)
    {
        var refusal = Assert.Throws<SchemaRegistryException>(() => RegistryClient.Open(ScriptedRegistry.Definition() with { Ca = ca }, new SeededIdSource(1), TimeProvider.System));

        Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
        Assert.False(refusal.IsTransient);
    }

    private static X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static X509Certificate2 CertificateOf(X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=registry", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3, 4]);
        return certificate.CopyWithPrivateKey(key);
    }
}
