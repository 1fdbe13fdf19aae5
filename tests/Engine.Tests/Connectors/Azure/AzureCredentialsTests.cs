using System.Text;
using Matih.Connectors.Azure;
using Matih.Definition;
using Matih.Engine.Tests.Storage;
using Matih.Storage;
using static Matih.Engine.Tests.Connectors.Azure.ScriptedService;

namespace Matih.Engine.Tests.Connectors.Azure;

/// <summary>Which credential a request shows, and that no message shows it. Identity services are played as their documentation says.</summary>
public sealed class AzureCredentialsTests
{
    private const string Location = Folder + "x";
    private const string Client = "00000000-1111-2222-3333-444444444444";
    private const string Tenant = "99999999-8888-7777-6666-555555555555";
    private const string PlantedSignature = "planted%2Bsignature%3D";
    private const string PlantedSas = "?sv=2023-11-03&sr=c&sp=racwdl&sig=" + PlantedSignature;
    private const string PlantedToken = "planted-bearer-token";
    private const string PlantedSecret = "planted-client-secret";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_managed_identity_is_asked_for_a_token_by_its_client_id()
    {
        // The SDK keeps tokens for the process, by client id.
        var client = Guid.NewGuid().ToString();
        var service = Of(Machine);
        var store = service.Store(new AzureAccess { Credential = AzureCredentialKind.ManagedIdentity, ClientId = client });

        await store.PutAsync(Location, "x"u8.ToArray(), Token);
        await store.PutAsync(Location, "x"u8.ToArray(), Token);

        var request = Assert.Single(service.Requests, IsTokenRequest);
        Assert.Contains("resource=https://storage.azure.com", Uri.UnescapeDataString(request.Uri.Query), StringComparison.Ordinal);
        Assert.Contains(client, request.Uri.Query, StringComparison.Ordinal);
        Assert.All(service.Requests.Where(request => request.Kind == "PUT"), put => Assert.Equal($"Bearer {PlantedToken}", put.Headers["Authorization"]));
    }

    [Fact]
    public async Task An_identity_service_that_is_not_up_yet_is_asked_again()
    {
        var count = 0;
        var service = Of(request => IsTokenRequest(request) && ++count <= 2 ? (count == 1 ? NoConnection : Answer(503))(request) : Machine(request));

        await service.Store(new AzureAccess { Credential = AzureCredentialKind.ManagedIdentity }).PutAsync(Location, "x"u8.ToArray(), Token);

        Assert.Equal($"Bearer {PlantedToken}", service.Requests[^1].Headers["Authorization"]);
    }

    [Fact]
    public async Task A_workload_identity_shows_the_file_s_token_to_the_tenant()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "token");
        await File.WriteAllTextAsync(file, "planted-federated-token", Token);
        var service = Of(Entra);
        var store = service.Store(
            new AzureAccess(),
            variable: name => name switch { "AZURE_FEDERATED_TOKEN_FILE" => file, "AZURE_CLIENT_ID" => Client, "AZURE_TENANT_ID" => Tenant, _ => null });

        await store.PutAsync(Location, "x"u8.ToArray(), Token);

        var asked = Assert.Single(service.Requests, request => request.Uri.AbsolutePath == $"/{Tenant}/oauth2/v2.0/token");
        var form = Encoding.UTF8.GetString(asked.Body);
        Assert.Contains("client_assertion=planted-federated-token", form, StringComparison.Ordinal);
        Assert.Contains(Client, form, StringComparison.Ordinal);
        Assert.Equal($"Bearer {PlantedToken}", service.Requests[^1].Headers["Authorization"]);
    }

    [Theory]
    [InlineData("acct.dfs.core.windows.net", "login.microsoftonline.com")]
    [InlineData("acct.dfs.core.usgovcloudapi.net", "login.microsoftonline.us")]
    [InlineData("acct.dfs.core.chinacloudapi.cn", "login.chinacloudapi.cn")]
    public async Task An_application_shows_its_secret_to_its_own_cloud(string account, string authority)
    {
        var service = Of(Entra);

        await service.Store(ClientSecret).PutAsync($"abfss://tables@{account}/x", "x"u8.ToArray(), Token);

        var asked = Assert.Single(service.Requests, request => request.Uri.AbsolutePath == $"/{Tenant}/oauth2/v2.0/token");
        Assert.Equal(authority, asked.Uri.Host);
        Assert.Contains(PlantedSecret, Encoding.UTF8.GetString(asked.Body), StringComparison.Ordinal);
        Assert.Equal($"Bearer {PlantedToken}", service.Requests[^1].Headers["Authorization"]);
    }

    [Fact]
    public async Task A_host_that_says_that_it_has_an_identity_is_believed_without_a_probe()
    {
        var (service, client) = (Of(Machine), Guid.NewGuid().ToString());
        var store = service.Store(new AzureAccess { ClientId = client }, variable: name => name == "IDENTITY_ENDPOINT" ? "http://identity.example/" : null);

        await store.PutAsync(Location, "x"u8.ToArray(), Token);

        Assert.Contains(service.Requests, request => request.Uri.Query.Contains(client, StringComparison.Ordinal));
        Assert.Equal($"Bearer {PlantedToken}", service.Requests[^1].Headers["Authorization"]);
        // The SDK asks for what the machine's service offers first, and repeats none of these questions for half a minute.
        Assert.All(service.Requests.GroupBy(request => request.Uri), asked => Assert.Single(asked));
    }

    [Fact]
    public async Task An_identity_that_is_refused_is_denied_and_says_why_without_the_secret()
    {
        const string body = """{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided for app 'x'."}""";
        var service = Of(request => request.Uri.AbsolutePath.EndsWith("/oauth2/v2.0/token", StringComparison.Ordinal) ? Answer(401, null, body, ("Content-Type", "application/json"))(request) : Entra(request));

        var failure = await AzureBlobStoreTests.FailureAsync(service.Store(ClientSecret).PutIfAbsentAsync(Location, "x"u8.ToArray(), Token));

        Assert.Equal(StoreFailureKind.Denied, failure.Kind);
        Assert.Contains("AADSTS7000215", failure.Message, StringComparison.Ordinal);
        AssertNothingPlanted(failure);
        Assert.DoesNotContain(service.Requests, request => request.Kind == "PUT");
    }

    [Fact]
    public async Task An_identity_service_that_cannot_be_reached_leaves_a_change_undone()
    {
        var service = Of(request => request.Uri.Host.StartsWith("login.", StringComparison.Ordinal) ? NoConnection(request) : Created(request));

        var failure = await AzureBlobStoreTests.FailureAsync(service.Store(ClientSecret).PutIfAbsentAsync(Location, "x"u8.ToArray(), Token));

        Assert.Equal(StoreFailureKind.Unreachable, failure.Kind);
        AssertNothingPlanted(failure);
    }

    [Fact]
    public async Task A_token_of_an_identity_is_not_sent_without_TLS()
    {
        EndpointUrl.TryParse("http://127.0.0.1:10000/devstoreaccount1", out var endpoint);
        var service = Of(Entra);

        var failure = await AzureBlobStoreTests.FailureAsync(() => service.Store(ClientSecret with { Endpoint = endpoint }).ReadAsync("abfss://c/x", Token));

        Assert.Equal(StoreFailureKind.Refused, failure.Kind);
        Assert.Empty(service.Requests);
    }

    [Theory]
    [InlineData("DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=KEY;EndpointSuffix=core.windows.net", "https://acct.blob.core.windows.net/tables/x")]
    [InlineData("AccountName=acct;AccountKey=KEY", "https://acct.blob.core.windows.net/tables/x")]
    [InlineData("accountname=acct; accountkey=KEY; EndpointSuffix=core.usgovcloudapi.net;", "https://acct.blob.core.usgovcloudapi.net/tables/x")]
    [InlineData("BlobEndpoint=http://127.0.0.1:10000/acct;AccountName=acct;AccountKey=KEY", "http://127.0.0.1:10000/acct/tables/x")]
    [InlineData("BlobEndpoint=https://acct.blob.core.windows.net/;SharedAccessSignature=sv=2023-11-03&sig=planted%2Bsignature%3D", "https://acct.blob.core.windows.net/tables/x")]
    [InlineData("UseDevelopmentStorage=true", "http://127.0.0.1:10000/devstoreaccount1/tables/x")]
    public async Task A_connection_string_names_the_account_and_opens_it(string text, string address)
    {
        var service = Of(Created);
        var store = service.Store(new AzureAccess { Credential = AzureCredentialKind.ConnectionString, ConnectionString = new Secret(text.Replace("KEY", Key, StringComparison.Ordinal)) });

        await store.PutAsync("abfss://tables/x", "x"u8.ToArray(), Token);

        var request = Assert.Single(service.Requests);
        Assert.Equal(address, request.Uri.GetLeftPart(UriPartial.Path));
        if (text.Contains("SharedAccess", StringComparison.Ordinal)) Assert.EndsWith("sig=" + PlantedSignature, request.Uri.Query, StringComparison.Ordinal);
        else Assert.StartsWith("SharedKey ", request.Headers["Authorization"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("planted-no-equals-sign")]
    [InlineData("AccountName=acct")]
    [InlineData("BlobEndpoint=ftp://planted.example/;AccountName=acct;AccountKey=planted")]
    public void A_connection_string_that_is_none_is_refused_and_not_shown(string text)
    {
        var failure = Assert.Throws<StoreException>(() => Of(Created).Store(new AzureAccess { Credential = AzureCredentialKind.ConnectionString, ConnectionString = new Secret(text) }));

        Assert.Equal(StoreFailureKind.Refused, failure.Kind);
        AssertNothingPlanted(failure);
    }

    [Fact]
    public async Task A_key_that_is_no_key_is_refused_and_not_shown()
    {
        var store = Of(Created).Store(new AzureAccess { Credential = AzureCredentialKind.AccountKey, AccountKey = new Secret("planted not base64!") });

        var failure = await AzureBlobStoreTests.FailureAsync(() => store.ReadAsync(Location, Token));

        Assert.Equal(StoreFailureKind.Refused, failure.Kind);
        AssertNothingPlanted(failure);
    }

    [Fact]
    public async Task A_lent_token_is_asked_for_before_each_request_and_each_attempt()
    {
        var (asked, service) = (0, Of(Created, Cut, Created));
        var store = service.Store(new AzureAccess(), sas: (host, _) => new($"sv=1&sig={host}-{++asked}"));

        await store.PutAsync(Location, "x"u8.ToArray(), Token);
        await store.PutAsync(Location, "x"u8.ToArray(), Token);

        Assert.Equal(
            ["?sv=1&sig=acct.blob.core.windows.net-1", "?sv=1&sig=acct.blob.core.windows.net-2", "?sv=1&sig=acct.blob.core.windows.net-3"],
            service.Requests.Select(request => request.Uri.Query));
        Assert.All(service.Requests, request => Assert.False(request.Headers.ContainsKey("Authorization")));
    }

    [Theory]
    [InlineData("http://127.0.0.1:10000/acct", "abfss://c/x", "acct.blob.core.windows.net")]
    [InlineData("https://blobs.corp.example", "abfss://c@acct.dfs.core.windows.net/x", "acct.blob.core.windows.net")]
    [InlineData("https://blobs.corp.example", "abfss://c@other.dfs.core.windows.net/x", "other.blob.core.windows.net")]
    [InlineData("https://acct.privatelink.blob.core.windows.net", "abfss://c/x", "acct.privatelink.blob.core.windows.net")]
    public async Task A_lent_token_is_the_account_s_also_behind_an_endpoint(string endpoint, string location, string host)
    {
        EndpointUrl.TryParse(endpoint, out var url);
        var service = Of(Created);
        var store = service.Store(new AzureAccess { Endpoint = url }, sas: (account, _) => new($"sig={account}"));

        await store.PutAsync("abfss://c@acct.dfs.core.windows.net/x", "x"u8.ToArray(), Token);
        await store.PutAsync(location, "x"u8.ToArray(), Token);

        Assert.Equal(["?sig=" + (endpoint.Contains("privatelink", StringComparison.Ordinal) ? host : "acct.blob.core.windows.net"), "?sig=" + host], service.Requests.Select(request => request.Uri.Query));
    }

    [Fact]
    public async Task A_lent_token_that_cannot_be_had_is_the_failure_of_who_lends_it()
    {
        var lender = new StoreException(StoreFailureKind.Denied, "catalog", "The catalog lends nothing.");
        var service = Of(Created);
        var store = service.Store(new AzureAccess(), sas: (_, _) => throw lender);

        Assert.Same(lender, await AzureBlobStoreTests.FailureAsync(store.PutIfAbsentAsync(Location, "x"u8.ToArray(), Token)));
        Assert.Empty(service.Requests);
    }

    [Theory]
    [InlineData(AzureCredentialKind.AccountKey)]
    [InlineData(AzureCredentialKind.SasToken)]
    [InlineData(AzureCredentialKind.ClientSecret)]
    public async Task No_failure_shows_a_credential(AzureCredentialKind kind)
    {
        var access = kind switch
        {
            AzureCredentialKind.AccountKey => new AzureAccess { Credential = kind, AccountKey = new Secret(Key) },
            AzureCredentialKind.SasToken => new AzureAccess { Credential = kind, SasToken = new Secret(PlantedSas) },
            _ => ClientSecret,
        };
        // The service's own texts repeat what it was sent.
        var echo = $"<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>{Key} {PlantedSecret} {PlantedToken}</Message><AuthenticationErrorDetail>sig={PlantedSignature}</AuthenticationErrorDetail></Error>";
        foreach (var answer in (Func<SentRequest, Task<HttpResponseMessage>>[])[Answer(403, "AuthenticationFailed", echo, ("Content-Type", "application/xml")), Answer(500, "InternalError", echo), Answer(200, null, echo), Cut, NoConnection])
        {
            var store = Of(request => request.Uri.Host.StartsWith("login.", StringComparison.Ordinal) ? Entra(request) : answer(request)).Store(access);
            AssertNothingPlanted(await AzureBlobStoreTests.FailureAsync(store.PutIfAbsentAsync(Location, "x"u8.ToArray(), Token)));
            AssertNothingPlanted(await AzureBlobStoreTests.FailureAsync(store.PutAsync(Location, "x"u8.ToArray(), Token)));
            AssertNothingPlanted(await AzureBlobStoreTests.FailureAsync(AzureBlobStoreTests.FirstAsync(store.ListAsync(Folder, Token))));
            AssertNothingPlanted(await AzureBlobStoreTests.FailureAsync(store.DeleteAsync(Location, Token)));
        }
    }

    private static AzureAccess ClientSecret { get; } = new()
    {
        Credential = AzureCredentialKind.ClientSecret,
        ClientId = Client,
        TenantId = Tenant,
        ClientSecret = new Secret(PlantedSecret),
    };

    private static string TokenBody { get; } =
        $$"""{"access_token":"{{PlantedToken}}","expires_in":"3600","expires_on":"{{DateTimeOffset.UtcNow.AddHours(8).ToUnixTimeSeconds()}}","resource":"https://storage.azure.com","token_type":"Bearer"}""";

    private static bool IsTokenRequest(SentRequest request) => request.Uri.Host == "169.254.169.254" && request.Headers.ContainsKey("Metadata") && request.Uri.Query.Contains("resource=", StringComparison.Ordinal);

    /// <summary>The identity service of a machine, which refuses what lacks the header Metadata, and a blob service that takes everything.</summary>
    private static Task<HttpResponseMessage> Machine(SentRequest request)
    {
        if (request.Uri.Host != "169.254.169.254") return Created(request);
        return IsTokenRequest(request) ? Answer(200, null, TokenBody, ("Content-Type", "application/json"))(request)
            : request.Uri.AbsolutePath.EndsWith("/token", StringComparison.Ordinal) ? Answer(400, null, """{"error":"invalid_request"}""", ("Content-Type", "application/json"))(request)
            : Answer(404)(request);
    }

    /// <summary>Microsoft Entra ID, and a blob service that takes everything.</summary>
    internal static Task<HttpResponseMessage> Entra(SentRequest request)
    {
        if (!request.Uri.Host.StartsWith("login.", StringComparison.Ordinal)) return Created(request);
        var authority = $"https://{request.Uri.Host}/{Tenant}";
        var body = request.Uri.AbsolutePath switch
        {
            "/common/discovery/instance" =>
                $$"""{"tenant_discovery_endpoint":"{{authority}}/v2.0/.well-known/openid-configuration","api-version":"1.1","metadata":[]}""",
            var path when path.EndsWith("/openid-configuration", StringComparison.Ordinal) =>
                $$"""{"token_endpoint":"{{authority}}/oauth2/v2.0/token","authorization_endpoint":"{{authority}}/oauth2/v2.0/authorize","issuer":"{{authority}}/v2.0"}""",
            _ => $$"""{"access_token":"{{PlantedToken}}","expires_in":3600,"ext_expires_in":3600,"token_type":"Bearer"}""",
        };
        return Answer(200, null, body, ("Content-Type", "application/json"))(request);
    }

    private static void AssertNothingPlanted(StoreException failure)
    {
        var all = failure + failure.Location;
        foreach (var secret in (string[])["planted", Key]) Assert.DoesNotContain(secret, all, StringComparison.OrdinalIgnoreCase);
    }
}
