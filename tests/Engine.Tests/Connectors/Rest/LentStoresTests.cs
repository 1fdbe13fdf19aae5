using System.Globalization;
using Matih.Connectors;
using Matih.Connectors.Rest;
using Matih.Definition;
using Matih.Iceberg.Catalogs;
using Matih.Storage;

namespace Matih.Engine.Tests.Connectors.Rest;

/// <summary>Credentials that a catalog lends: which of them count where, and that they are renewed before they expire.</summary>
public sealed class LentStoresTests : IDisposable
{
    private const string Planted = "planted-secret-9127";
    private readonly RestSetting _rest = new();
    private readonly List<(S3Access Access, Func<CancellationToken, ValueTask<LentS3Keys>> Keys, IStore Store)> _s3 = [];
    private readonly List<(AzureAccess Access, Func<string, CancellationToken, ValueTask<string>> Sas, IStore Store)> _azure = [];
    private readonly LocationStore _store;
    private readonly List<IStore> _reached = [];
    private readonly ReachedStore _own;
    private StoreAccess _access = StoreAccess.Default;

    public LentStoresTests()
    {
        _own = new ReachedStore(_reached);
        _store = Open();
    }

    public void Dispose() => _rest.Dispose();

    private LocationStore Open()
    {
        var opening = new LentStoreOpening(
            (access, keys) =>
            {
                var store = new ReachedStore(_reached);
                _s3.Add((access, keys, store));
                return store;
            },
            (access, sas) =>
            {
                var store = new ReachedStore(_reached);
                _azure.Add((access, sas, store));
                return store;
            });
        var locations = new LocationStore(kind => kind == StoreKind.Local ? _rest.Store : _own);
        _rest.Catalog = RestCatalog.Open(ScriptedCatalog.Definition() with { Stores = _access }, locations, _rest.Ids, _rest.Clock, _rest.Server.Parts with { Lending = opening });
        return locations;
    }

    private static string S3(string prefix, string key, string? expires = null, string more = "") =>
        $$"""{"prefix":"{{prefix}}","config":{"s3.access-key-id":"{{key}}","s3.secret-access-key":"{{Planted}}","s3.session-token":"t-{{key}}"{{(expires is null ? "" : $",\"s3.session-token-expires-at-ms\":\"{expires}\"")}}{{more}} } }""";

    private string InMinutes(double minutes) => _rest.Clock.GetUtcNow().AddMinutes(minutes).ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);

    private async Task<Table> LoadWithAsync(string members)
    {
        _rest.Server.LoadMembers = members.Length == 0 ? "" : "," + members;
        return await _rest.Catalog.LoadAsync(RestSetting.Orders, default) ?? (await _rest.Catalog.CreateAsync(RestSetting.Orders, RestSetting.Blank, default)).Table;
    }

    private async Task<LentS3Keys> KeysForAsync(string location)
    {
        var reached = await ReachedAsync(location);
        return await _s3.Single(item => item.Store == reached).Keys(default);
    }

    /// <summary>The store that a location leads to.</summary>
    private async Task<IStore> ReachedAsync(string location)
    {
        _reached.Clear();
        await _store.LengthAsync(location, default);
        return Assert.Single(_reached);
    }

    [Fact]
    public async Task The_catalog_is_asked_to_lend_credentials_and_a_definition_may_forbid_it()
    {
        await _rest.CreateAsync();
        Assert.All(_rest.Server.Calls.Where(call => call.Path.Contains("/tables", StringComparison.Ordinal)), call => Assert.Equal("vended-credentials", call["X-Iceberg-Access-Delegation"]));

        _rest.Catalog = RestCatalog.Open(ScriptedCatalog.Definition() with { IsVendingAsked = false }, _store, _rest.Ids, _rest.Clock, _rest.Server.Parts);
        _rest.Server.Calls.Clear();
        await LoadWithAsync($"\"storage-credentials\":[{S3("s3://b", "A")}]");

        Assert.All(_rest.Server.Calls, call => Assert.Null(call["X-Iceberg-Access-Delegation"]));
        Assert.Same(_own, await ReachedAsync("s3://b/x"));
    }

    [Fact]
    public async Task Of_several_credentials_that_with_the_longest_prefix_counts()
    {
        await LoadWithAsync($"\"storage-credentials\":[{S3("s3://b/shop", "A")},{S3("s3a://b/shop/orders", "B")},{S3("s3://c", "C")}],\"config\":{{\"s3.access-key-id\":\"X\",\"s3.secret-access-key\":\"Y\"}}");

        Assert.Equal("A", (await KeysForAsync("s3://b/shop/x/data.parquet")).AccessKeyId);
        Assert.Equal("B", (await KeysForAsync("s3n://b/shop/orders/data/1.parquet")).AccessKeyId);
        Assert.Equal("A", (await KeysForAsync("s3://b/shop/orders2/1.parquet")).AccessKeyId);
        Assert.Equal("C", (await KeysForAsync("s3://c/1.parquet")).AccessKeyId);
        foreach (var elsewhere in (string[])["s3://b/shopping/x", "s3://b/1.parquet", "s3://cc/1.parquet", "abfss://b@lake.dfs.core.windows.net/shop/x"])
            Assert.Same(_own, await ReachedAsync(elsewhere));
    }

    [Fact]
    public async Task Credentials_in_the_table_s_configuration_count_for_the_table_s_folders()
    {
        _rest.Server.Shown = metadata => metadata with { Location = "s3://b/orders", Properties = metadata.Properties.Add("write.data.path", "s3://fast/orders") };

        await LoadWithAsync($$"""
            "config":{"s3.access-key-id":"A","s3.secret-access-key":"{{Planted}}"}
            """);

        Assert.Equal("A", (await KeysForAsync("s3://b/orders/metadata/1.avro")).AccessKeyId);
        Assert.Equal("A", (await KeysForAsync("s3://fast/orders/1.parquet")).AccessKeyId);
        Assert.Null((await KeysForAsync("s3://b/orders/x")).SessionToken);
        Assert.Same(_own, await ReachedAsync("s3://b/customers/x"));
        Assert.Same(_own, await ReachedAsync("s3://fast/customers/x"));
    }

    [Fact]
    public async Task The_catalog_s_settings_for_S3_count_where_the_definition_is_silent()
    {
        const string Members = """
            "config":{"client.region":"eu-west-1","s3.endpoint":"http://minio.test:9000","s3.path-style-access":"true","s3.sse.type":"kms","s3.sse.key":"arn:k"}
            """;
        await LoadWithAsync($"\"storage-credentials\":[{S3("s3://b", "A")}],{Members.Trim()}");
        var access = _s3[^1].Access;
        Assert.Equal(("http://minio.test:9000/", "eu-west-1", true, S3Encryption.Kms, "arn:k"), (access.Endpoint!.ToString(), access.Region, access.IsPathStyle, access.Encryption, access.KmsKeyId));
        Assert.Null(access.SecretAccessKey);

        Assert.True(EndpointUrl.TryParse("http://mine.test", out var mine));
        _access = new StoreAccess(new S3Access { Endpoint = mine, Region = "r", IsPathStyle = false, AccessKeyId = "own", SecretAccessKey = new Secret(Planted) }, new AzureAccess());
        Open();
        await LoadWithAsync($"\"storage-credentials\":[{S3("s3://b", "A")}],{Members.Trim()}");
        
        Assert.Equal(("http://mine.test/", "r", false), (_s3[^1].Access.Endpoint!.ToString(), _s3[^1].Access.Region, _s3[^1].Access.IsPathStyle));
        Assert.Null(_s3[^1].Access.AccessKeyId);
    }

    [Fact]
    public async Task Keys_are_renewed_before_they_expire_by_the_server_s_own_endpoint()
    {
        _rest.Server.Config = """
            {"endpoints":["GET /v1/{prefix}/namespaces/{namespace}/tables/{table}","POST /v1/{prefix}/namespaces/{namespace}/tables","POST /v1/{prefix}/namespaces","GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials"]}
            """;
        await LoadWithAsync($"\"storage-credentials\":[{S3("s3://b", "A", InMinutes(60))}]");
        _rest.Server.Script = call => call.Path.EndsWith("/credentials", StringComparison.Ordinal) ? ScriptedCatalog.Json(200, $"{{\"storage-credentials\":[{S3("s3://b", "B", InMinutes(60))}]}}") : null;

        _rest.Clock.Advance(TimeSpan.FromMinutes(54));
        var before = await KeysForAsync("s3://b/x");
        _rest.Clock.Advance(TimeSpan.FromMinutes(1.5));
        var after = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => KeysForAsync("s3://b/x")));

        Assert.Equal("A", before.AccessKeyId);
        Assert.All(after, keys => Assert.Equal(("B", "t-B"), (keys.AccessKeyId, keys.SessionToken!.Reveal())));
        Assert.Single(_rest.Server.Calls, call => call.Path == "/v1/namespaces/shop%1Fweb/tables/orders/credentials");
        Assert.Single(_s3);
    }

    [Fact]
    public async Task Keys_are_renewed_by_loading_the_whole_table_where_the_server_has_no_endpoint_for_them()
    {
        _rest.Server.GivesETags = true;
        await LoadWithAsync($"\"storage-credentials\":[{S3("s3://b", "A", InMinutes(10))}]");
        _rest.Server.LoadMembers = $",\"storage-credentials\":[{S3("s3://b", "B", InMinutes(30))}]";
        // Nothing has changed, and the answer holds no credentials.
        await _rest.Catalog.LoadAsync(RestSetting.Orders, default);
        Assert.Equal("A", (await KeysForAsync("s3://b/x")).AccessKeyId);

        _rest.Clock.Advance(TimeSpan.FromMinutes(9.5));

        Assert.Equal("B", (await KeysForAsync("s3://b/x")).AccessKeyId);
        Assert.Null(_rest.Server.Loads.Last()["If-None-Match"]);
    }

    [Fact]
    public async Task A_load_brings_newer_keys_by_itself()
    {
        await LoadWithAsync($"\"storage-credentials\":[{S3("s3://b", "A", InMinutes(10))}]");
        await LoadWithAsync($"\"storage-credentials\":[{S3("s3://b", "B", InMinutes(20))}]");

        Assert.Equal("B", (await KeysForAsync("s3://b/x")).AccessKeyId);
        Assert.Single(_s3);
    }

    [Fact]
    public async Task Keys_whose_renewal_fails_serve_until_they_expire()
    {
        await LoadWithAsync($"\"storage-credentials\":[{S3("s3://b", "A", InMinutes(6000))}]");
        var loads = _rest.Server.Loads.Count();
        _rest.Server.Script = _ => ScriptedCatalog.Error(500, "X", "down");

        _rest.Clock.Advance(TimeSpan.FromMinutes(5996));
        Assert.Equal("A", (await KeysForAsync("s3://b/x")).AccessKeyId);
        Assert.True(_rest.Server.Loads.Count() > loads);
        _rest.Clock.Advance(TimeSpan.FromMinutes(10));
        await Assert.ThrowsAsync<CatalogException>(() => KeysForAsync("s3://b/x"));
    }

    [Theory]
    [InlineData("adls.sas-token.lake.dfs.core.windows.net")]
    [InlineData("adls.sas-token.lake.blob.core.windows.net")]
    [InlineData("adls.sas-token.lake")]
    public async Task A_SAS_token_counts_for_its_account_however_the_catalog_names_it(string key)
    {
        await LoadWithAsync($$"""
            "storage-credentials":[{"prefix":"abfss://c@lake.dfs.core.windows.net/t","config":{"{{key}}":"?sig={{Planted}}","adls.sas-token-expires-at-ms.lake":"{{InMinutes(60)}}"} }]
            """);

        Assert.Same(_azure.Single().Store, await ReachedAsync("wasbs://c@LAKE.blob.core.windows.net/t/x"));
        Assert.Same(_own, await ReachedAsync("abfss://c@lake.dfs.core.windows.net/other/x"));
        Assert.Same(_own, await ReachedAsync("abfss://c@pond.dfs.core.windows.net/t/x"));
        Assert.Equal($"sig={Planted}", await _azure.Single().Sas("lake.blob.core.windows.net", default));
        var denied = await Assert.ThrowsAsync<StoreException>(() => _azure.Single().Sas("pond.blob.core.windows.net", default).AsTask());
        Assert.Equal(StoreFailureKind.Denied, denied.Kind);
    }

    [Fact]
    public async Task A_SAS_token_is_renewed_before_it_expires()
    {
        string Sas(string value, double minutes) => $$"""
            ,"storage-credentials":[{"prefix":"abfss://c@lake.dfs.core.windows.net/t","config":{"adls.sas-token.lake":"{{value}}","adls.sas-token-expires-at-ms.lake":"{{InMinutes(minutes)}}"} }]
            """.Trim();
        await LoadWithAsync(Sas("one", 60)[1..]);
        _rest.Server.LoadMembers = Sas("two", 120);

        _rest.Clock.Advance(TimeSpan.FromMinutes(56));

        Assert.Equal("two", await _azure.Single().Sas("lake.dfs.core.windows.net", default));
    }

    [Fact]
    public async Task Signing_by_the_catalog_is_refused_with_its_reason()
    {
        var refusal = await Assert.ThrowsAsync<UnsupportedTableException>(() => LoadWithAsync("\"config\":{\"s3.remote-signing-enabled\":\"true\"}"));
        Assert.Contains("s3.remote-signing-enabled", refusal.Message, StringComparison.Ordinal);

        // Credentials are lent as well: nothing has to be signed.
        Assert.NotNull(await LoadWithAsync($"\"config\":{{\"s3.remote-signing-enabled\":\"true\"}},\"storage-credentials\":[{S3("s3://b", "A")}]"));
    }

    [Fact]
    public async Task No_lent_secret_is_printed()
    {
        await LoadWithAsync($"\"storage-credentials\":[{S3("s3://b", "A")}]");

        var keys = await KeysForAsync("s3://b/x");

        Assert.DoesNotContain(Planted, keys.ToString(), StringComparison.Ordinal);
        Assert.Equal(Planted, keys.SecretAccessKey.Reveal());
    }

    /// <summary>Notes that it was asked.</summary>
    private sealed class ReachedStore(List<IStore> reached) : IStore
    {
        public ValueTask<long?> LengthAsync(string location, CancellationToken cancellationToken)
        {
            reached.Add(this);
            return default;
        }

        public ValueTask<IObjectWriter> CreateAsync(string location, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<bool> PutIfAbsentAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask PutAsync(string location, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<byte[]?> ReadAsync(string location, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<byte[]> ReadRangeAsync(string location, long offset, int count, CancellationToken cancellationToken) => throw new NotSupportedException();

        public IAsyncEnumerable<StoredObject> ListAsync(string prefix, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask DeleteAsync(string location, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
