using System.Collections.Immutable;
using System.Net;
using Matih.Connectors.Rest;
using Matih.Definition;
using Matih.Iceberg.Catalogs;

namespace Matih.Engine.Tests.Connectors.Rest;

public sealed class RestAuthenticationTests : IDisposable
{
    private const string Planted = "planted-secret-5551";
    private readonly RestSetting _rest = new();
    private int _issued;

    public void Dispose() => _rest.Dispose();

    private static RestAuth.OAuth2 OAuth(string? clientId = "me", string? tokenUri = null)
    {
        EndpointUrl? url = null;
        if (tokenUri is not null) Assert.True(EndpointUrl.TryParse(tokenUri, out url));
        return new RestAuth.OAuth2(clientId, new Secret(Planted), url, "catalog", ImmutableSortedDictionary<string, string>.Empty.Add("audience", "lake"));
    }

    private void Use(RestAuth auth, Func<RestParts, RestParts>? change = null, string uri = "http://catalog.test")
    {
        var definition = ScriptedCatalog.Definition(uri) with
        {
            Auth = auth,
            Headers = ImmutableSortedDictionary<string, Secret>.Empty.Add("X-Realm", new Secret("realm-of-headers-77")),
        };
        _rest.Catalog = RestCatalog.Open(definition, _rest.Store, _rest.Ids, _rest.Clock, change is null ? _rest.Server.Parts : change(_rest.Server.Parts));
    }

    /// <summary>The server wants the newest token that it gave.</summary>
    private void IssueTokens(string lifetime = "\"expires_in\":3600,")
    {
        _rest.Server.Script = call =>
        {
            if (call.Path.EndsWith("/tokens", StringComparison.Ordinal)) return ScriptedCatalog.Json(200, $$"""{{{lifetime}}"access_token":"token-number-{{++_issued}}","token_type":"bearer"}""");
            return call["Authorization"] == $"Bearer token-number-{_issued}" ? null : ScriptedCatalog.Error(401, "NotAuthorizedException", $"refused {call["Authorization"]}");
        };
    }

    [Fact]
    public async Task Without_credentials_only_the_definition_s_headers_are_sent()
    {
        Use(new RestAuth.None());

        await _rest.CreateAsync();

        Assert.All(_rest.Server.Calls, call => Assert.Equal((null, "realm-of-headers-77"), (call["Authorization"], call["X-Realm"])));
    }

    [Fact]
    public async Task A_bearer_token_is_sent_with_each_request()
    {
        Use(new RestAuth.Bearer(new Secret(Planted)));

        await _rest.CreateAsync();

        Assert.All(_rest.Server.Calls, call => Assert.Equal($"Bearer {Planted}", call["Authorization"]));
    }

    [Fact]
    public async Task A_token_that_no_header_can_carry_is_named_and_not_shown()
    {
        _rest.Server.Script = call => call.Path.EndsWith("/tokens", StringComparison.Ordinal) ? ScriptedCatalog.Json(200, $$"""{"access_token":"{{Planted}}\nx","token_type":"bearer"}""") : null;

        foreach (var auth in new RestAuth[] { new RestAuth.Bearer(new Secret(Planted + "\n")), OAuth() })
        {
            Use(auth);
            var failure = await Assert.ThrowsAsync<CatalogException>(() => _rest.Catalog.LoadAsync(RestSetting.Orders, default).AsTask());
            Assert.Contains("holds a space, a line break or another character that no token has", failure.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(Planted, failure.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Client_credentials_are_exchanged_for_one_token_that_serves_until_it_is_old()
    {
        IssueTokens();
        Use(OAuth());

        await _rest.Catalog.CreateAsync(RestSetting.Orders, RestSetting.Blank, default);
        var request = Assert.Single(_rest.Server.Calls, call => call.Path == "/v1/oauth/tokens");
        Assert.Equal($"grant_type=client_credentials&client_id=me&client_secret={Planted}&scope=catalog&audience=lake", request.Body);
        Assert.Equal("application/x-www-form-urlencoded", request["Content-Type"]);

        // A tenth of an hour is six minutes: five is the most.
        _rest.Clock.Advance(TimeSpan.FromMinutes(50));
        await _rest.Catalog.LoadAsync(RestSetting.Orders, default);
        Assert.Equal(1, _issued);
        _rest.Clock.Advance(TimeSpan.FromMinutes(5));
        await _rest.Catalog.LoadAsync(RestSetting.Orders, default);
        Assert.Equal(2, _issued);
    }

    [Fact]
    public async Task A_secret_without_an_id_is_sent_alone_to_the_token_server_that_the_definition_names()
    {
        IssueTokens();
        Use(OAuth(clientId: null, tokenUri: "http://login.test/x/tokens"));

        await _rest.Catalog.LoadAsync(RestSetting.Orders, default);

        var request = Assert.Single(_rest.Server.Calls, call => call.Path == "/x/tokens");
        Assert.DoesNotContain("client_id", request.Body, StringComparison.Ordinal);
        // Headers of the catalog may be secrets that another server must not see.
        Assert.Null(request["X-Realm"]);
    }

    [Fact]
    public async Task A_short_lived_token_is_renewed_a_tenth_of_its_life_before_it_ends()
    {
        IssueTokens("\"expires_in\":\"100\",");
        Use(OAuth());
        await _rest.Catalog.LoadAsync(RestSetting.Orders, default);

        _rest.Clock.Advance(TimeSpan.FromSeconds(80));
        await _rest.Catalog.LoadAsync(RestSetting.Orders, default);
        Assert.Equal(1, _issued);
        _rest.Clock.Advance(TimeSpan.FromSeconds(11));
        await _rest.Catalog.LoadAsync(RestSetting.Orders, default);

        Assert.Equal(2, _issued);
    }

    [Fact]
    public async Task A_token_without_a_lifetime_serves_until_it_is_refused()
    {
        IssueTokens("");
        Use(OAuth());
        await _rest.Catalog.LoadAsync(RestSetting.Orders, default);
        _rest.Clock.Advance(TimeSpan.FromDays(30));

        await _rest.Catalog.LoadAsync(RestSetting.Orders, default);

        Assert.Equal(1, _issued);
    }

    [Fact]
    public async Task A_refused_token_is_renewed_once_and_the_commit_sent_with_the_new_one()
    {
        IssueTokens();
        Use(OAuth());
        var table = await _rest.CreateAsync();
        // The server forgot its tokens.
        _issued = 10;

        var committed = Assert.IsType<CommitResult.Committed>(await _rest.AppendAsync(table));

        Assert.Single(committed.Table.Metadata.Snapshots);
        Assert.Equal(["Bearer token-number-1", "Bearer token-number-11"], _rest.Server.Commits.Select(call => call["Authorization"]));
        Assert.Equal(_rest.Server.Commits.First().Body, _rest.Server.Commits.Last().Body);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(419)]
    public async Task A_commit_whose_credentials_are_refused_twice_is_a_failure_and_not_sent_a_third_time(int status)
    {
        IssueTokens();
        Use(OAuth());
        var table = await _rest.CreateAsync();
        for (var i = 0; i < 3; i++) _rest.Server.NextCommit(_ => ScriptedCatalog.Error(status, "NotAuthorizedException", "no"));

        await Assert.ThrowsAsync<CatalogException>(() => _rest.AppendAsync(table));

        Assert.Equal(2, _rest.Server.Commits.Count());
    }

    [Fact]
    public async Task Callers_that_need_a_token_at_once_share_one_request_for_it()
    {
        var asked = 0;
        var gate = new TaskCompletionSource<IssuedToken>();
        var tokens = new TokenCache(async _ =>
        {
            asked++;
            return await gate.Task;
        }, _rest.Clock);

        var callers = Enumerable.Range(0, 50).Select(_ => tokens.GetAsync(default).AsTask()).ToList();
        gate.SetResult(new IssuedToken("t", TimeSpan.FromHours(1)));

        Assert.All(await Task.WhenAll(callers), token => Assert.Equal("t", token));
        Assert.Equal(1, asked);
    }

    [Fact]
    public async Task A_caller_that_gives_up_takes_the_token_from_nobody()
    {
        var gate = new TaskCompletionSource<IssuedToken>();
        var tokens = new TokenCache(async _ => await gate.Task, _rest.Clock);
        using var stop = new CancellationTokenSource();
        var first = tokens.GetAsync(stop.Token).AsTask();
        var second = tokens.GetAsync(default).AsTask();

        await stop.CancelAsync();
        gate.SetResult(new IssuedToken("t", null));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal("t", await second);
    }

    [Fact]
    public async Task A_renewal_that_fails_early_leaves_the_old_token_until_its_end()
    {
        var fails = false;
        var tokens = new TokenCache(_ => fails ? throw new IOException("down") : new ValueTask<IssuedToken>(new IssuedToken("t", TimeSpan.FromSeconds(1000))), _rest.Clock);
        await tokens.GetAsync(default);
        fails = true;

        _rest.Clock.Advance(TimeSpan.FromSeconds(950));
        Assert.Equal("t", await tokens.GetAsync(default));
        _rest.Clock.Advance(TimeSpan.FromSeconds(60));
        await Assert.ThrowsAsync<IOException>(() => tokens.GetAsync(default).AsTask());
    }

    [Fact]
    public async Task A_refused_client_is_named_without_its_secret()
    {
        _rest.Server.Script = call => call.Path.EndsWith("/tokens", StringComparison.Ordinal) ? ScriptedCatalog.Json(401, $$"""{"error":"invalid_client","error_description":"{{Planted}} is wrong"}""") : null;
        Use(OAuth());

        var failure = await Assert.ThrowsAsync<CatalogException>(() => _rest.Catalog.LoadAsync(RestSetting.Orders, default).AsTask());

        Assert.Contains("invalid_client", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Planted, failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Requests_are_signed_with_the_keys_of_the_moment()
    {
        var keys = new AwsKeys("AKID1", Planted, null);
        Use(new RestAuth.SigV4("eu-west-1", "glue"), parts => parts with { AwsKeys = _ => new ValueTask<AwsKeys>(keys) });
        var table = await _rest.CreateAsync();
        keys = new AwsKeys("AKID2", Planted, "session-of-keys");

        await _rest.AppendAsync(table);

        var commit = _rest.Server.Commits.Single();
        Assert.Matches("^AWS4-HMAC-SHA256 Credential=AKID2/[0-9]{8}/eu-west-1/glue/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$", commit["Authorization"]);
        Assert.Equal("session-of-keys", commit["x-amz-security-token"]);
        Assert.All(_rest.Server.Calls.SkipLast(1), call => Assert.StartsWith("AWS4-HMAC-SHA256 Credential=AKID1/", call["Authorization"], StringComparison.Ordinal));
    }

    [Fact]
    public async Task Keys_of_the_definition_s_settings_for_S3_sign_requests()
    {
        var access = new S3Access { AccessKeyId = "AKID-OF-DEFINITION", SecretAccessKey = new Secret(Planted), SessionToken = new Secret("session-9") };

        var keys = await AwsKeyChain.Of(access, _rest.Clock)(default);

        Assert.Equal(new AwsKeys("AKID-OF-DEFINITION", Planted, "session-9"), keys);
        Assert.DoesNotContain(Planted, keys.ToString(), StringComparison.Ordinal);
        var missing = await Assert.ThrowsAsync<CatalogException>(() => AwsKeyChain.Of(new S3Access { Profile = "no-such-profile" }, _rest.Clock)(default).AsTask());
        Assert.Contains("profile no-such-profile", missing.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(AzureCredentialKind.SasToken)]
    [InlineData(AzureCredentialKind.ConnectionString)]
    [InlineData(AzureCredentialKind.AccountKey)]
    public async Task A_credential_of_a_storage_account_alone_gives_no_token_of_Entra(AzureCredentialKind kind)
    {
        var refusal = await Assert.ThrowsAsync<UnsupportedTableException>(
            () => EntraTokens.Of(new AzureAccess { Credential = kind, SasToken = new Secret(Planted) }, "onelake.test", _rest.Clock)("scope", default).AsTask());

        Assert.Contains("managed_identity", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_of_Entra_is_asked_for_by_scope_and_renewed()
    {
        Use(new RestAuth.Entra("https://storage.azure.com/.default"), parts => parts with
        {
            EntraToken = (scope, _) => new ValueTask<IssuedToken>(new IssuedToken($"{scope}#{++_issued}", TimeSpan.FromHours(1))),
        });
        _rest.Server.Script = call => call["Authorization"] == "Bearer https://storage.azure.com/.default#2" ? null : ScriptedCatalog.Error(401, "X", "old");

        await _rest.CreateAsync();

        Assert.Equal(2, _issued);
    }

    [Fact]
    public async Task No_secret_that_a_server_repeats_gets_into_a_message()
    {
        _rest.Server.Script = call => call.Path == "/v1/config" ? null : ScriptedCatalog.Error(400, "X", $"bad header {call["Authorization"]} and {call["X-Realm"]}");
        Use(new RestAuth.Bearer(new Secret(Planted)), uri: $"http://user:{Planted}@catalog.test/p?key={Planted}");
        _rest.Server.Prefix = "";
        _rest.Server.Script = call => call.Path == "/p/v1/config" ? ScriptedCatalog.Json(200, "{}") : ScriptedCatalog.Error(400, "X", $"bad header {call["Authorization"]} and {call["X-Realm"]}");

        var failure = await Assert.ThrowsAsync<UnsupportedTableException>(() => _rest.Catalog.LoadAsync(RestSetting.Orders, default).AsTask());

        Assert.Contains("400 (X: bad header Bearer *** and ***)", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Planted, failure.ToString() + _rest.Catalog.Name, StringComparison.Ordinal);
        Assert.DoesNotContain("realm-of-headers-77", failure.ToString(), StringComparison.Ordinal);
    }
}
