using System.Collections.Immutable;
using Matih.Connectors.Rest;
using Matih.Definition;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Connectors.Rest;

/// <summary>What each service does in its own way, as its public documentation or sources say, played by a server within the process.</summary>
public sealed class DialectTests : IDisposable
{
    private readonly RestSetting _rest = new();

    public void Dispose() => _rest.Dispose();

    private void Use(string uri, string? warehouse, string config, string prefix, RestAuth? auth = null, Func<RestParts, RestParts>? parts = null)
    {
        // The server of these tests begins at /v1: what comes before it is the service's.
        var root = new Uri(uri).AbsolutePath.TrimEnd('/');
        _rest.Server.Root = root;
        _rest.Server.Config = config;
        _rest.Server.Prefix = prefix;
        var definition = ScriptedCatalog.Definition(uri, warehouse) with { Auth = auth ?? new RestAuth.None() };
        _rest.Catalog = RestCatalog.Open(definition, _rest.Store, _rest.Ids, _rest.Clock, parts is null ? _rest.Server.Parts : parts(_rest.Server.Parts));
    }

    private async Task<Table> CommitOnceAsync() => Assert.IsType<CommitResult.Committed>(await _rest.AppendAsync(await _rest.CreateAsync())).Table;

    /// <summary>polaris.apache.org, "Using Polaris": the catalog's name is the warehouse, and then the prefix; scope PRINCIPAL_ROLE:ALL.</summary>
    [Fact]
    public async Task Polaris_names_its_catalog_as_the_prefix_and_issues_tokens_by_role()
    {
        Use("http://polaris.test:8181/api/catalog", "lake", """{"defaults":{"default-base-location":"s3://b"},"overrides":{"prefix":"lake"}}""", "/lake",
            new RestAuth.OAuth2("root", new Secret("s3cr3t-of-root"), null, "PRINCIPAL_ROLE:ALL", ImmutableSortedDictionary<string, string>.Empty));
        _rest.Server.Script = call => call.Path == "/api/catalog/v1/oauth/tokens"
            ? ScriptedCatalog.Json(200, """{"access_token":"polaris-token","token_type":"bearer","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","expires_in":3600}""")
            : call["Authorization"] == "Bearer polaris-token" ? null : ScriptedCatalog.Error(401, "NotAuthorizedException", "no");

        await CommitOnceAsync();

        Assert.Contains("scope=PRINCIPAL_ROLE%3AALL", _rest.Server.Calls.Single(call => call.Path.EndsWith("/tokens", StringComparison.Ordinal)).Body, StringComparison.Ordinal);
        Assert.Equal("/api/catalog/v1/lake/namespaces/shop%1Fweb/tables/orders", _rest.Server.Commits.Single().Path);
    }

    /// <summary>apache/polaris pull requests 5138 (400 for a lost race), 5263 and 5458 (409 where the answer of its database was lost).</summary>
    [Fact]
    public async Task Polaris_answers_lost_races_with_400_and_lost_answers_with_409()
    {
        Use("http://polaris.test/api/catalog", "lake", """{"overrides":{"prefix":"lake"}}""", "/lake");
        var table = await CommitOnceAsync();
        _rest.Server.NextCommit(_ =>
        {
            _rest.ForeignAppendAsync().GetAwaiter().GetResult();
            return ScriptedCatalog.Error(400, "BadRequestException", "Cannot add snapshot with sequence number 2 older than last sequence number 2");
        });
        Assert.IsType<CommitResult.Conflict>(await _rest.AppendAsync(table));

        _rest.Server.NextCommit(apply => { apply(); return ScriptedCatalog.Error(409, "CommitFailedException", "Cannot commit to table: metadata location has changed"); });
        Assert.IsType<CommitResult.Committed>(await _rest.AppendAsync(await _rest.LoadAsync()));
    }

    /// <summary>projectnessie.org/guides/iceberg-rest: branch and warehouse in the path, the prefix from the configuration; one snapshot, no parents kept.</summary>
    [Fact]
    public async Task Nessie_gives_its_branch_as_the_prefix_and_shows_one_snapshot()
    {
        Use("http://nessie.test:19120/iceberg/main|lake", null, """{"defaults":{"prefix":"main|lake"},"overrides":{"uri":"http://nessie.test:19120/iceberg"}}""", "/main%7Clake");
        _rest.Server.Root = "/iceberg";
        _rest.Server.Script = call => call.Path == "/iceberg/main%7Clake/v1/config" ? ScriptedCatalog.Json(200, _rest.Server.Config) : null;
        _rest.Server.Shown = metadata => metadata.CurrentSnapshot is not { } current ? metadata : metadata with
        {
            Snapshots = [new Snapshot(current.Id, null, current.SequenceNumber, current.TimestampMillis, current.ManifestList!, current.Summary, current.SchemaId)],
            Refs = metadata.Refs.RemoveRange(metadata.Refs.Keys.Where(name => name != SnapshotRef.Main)),
            SnapshotLog = [],
        };

        var first = await CommitOnceAsync();
        var second = Assert.IsType<CommitResult.Committed>(await _rest.AppendAsync(first)).Table;

        Assert.Single(second.Metadata.Snapshots);
        Assert.Equal("/iceberg/v1/main%7Clake/namespaces/shop%1Fweb/tables/orders", _rest.Server.Commits.Last().Path);
    }

    /// <summary>projectnessie/nessie, IcebergMetadataUpdate: an update of a ref that is no branch main is refused; IcebergUpdateRequirement: any other ref is a conflict.</summary>
    [Fact]
    public async Task Nessie_refuses_tags_and_says_so_instead_of_being_asked_for_ever()
    {
        Use("http://nessie.test/iceberg", null, """{"defaults":{"prefix":"main"}}""", "/main");
        var table = await _rest.CreateAsync();
        _rest.Server.NextCommit(_ => ScriptedCatalog.Error(400, "IllegalArgumentException", "Refs/tags not supported in Nessie"));

        var refusal = await Assert.ThrowsAsync<UnsupportedTableException>(() => _rest.AppendAsync(table));
        Assert.Contains("Refs/tags not supported", refusal.Message, StringComparison.Ordinal);

        _rest.Server.NextCommit(_ => ScriptedCatalog.Error(409, "CommitFailedException", "Requirement failed: branch matih-orders-lake is missing"));
        var unknown = Assert.IsType<CommitResult.Unknown>(await _rest.AppendAsync(table));
        Assert.Contains("is missing", unknown.Cause.Message, StringComparison.Ordinal);
    }

    /// <summary>docs.unitycatalog.io, "Iceberg": the prefix has two parts; servers that only read list what they offer.</summary>
    [Fact]
    public async Task Unity_has_a_prefix_of_two_parts_and_may_only_be_read()
    {
        const string Endpoints = """["GET /v1/{prefix}/namespaces/{namespace}/tables/{table}","HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}"]""";
        Use("http://unity.test:8080/api/2.1/unity-catalog/iceberg", "unity", """{"overrides":{"prefix":"catalogs/unity"}}""", "/catalogs/unity");
        await CommitOnceAsync();
        Use("http://unity.test:8080/api/2.1/unity-catalog/iceberg", "unity", $$"""{"overrides":{"prefix":"catalogs/unity"},"endpoints":{{Endpoints}}}""", "/catalogs/unity");

        var refusal = await Assert.ThrowsAsync<UnsupportedTableException>(async () => await _rest.AppendAsync(await _rest.LoadAsync()));

        Assert.Contains("does not offer to change a table", refusal.Message, StringComparison.Ordinal);
        Assert.Equal("/api/2.1/unity-catalog/iceberg/v1/catalogs/unity/namespaces/shop%1Fweb/tables/orders", _rest.Server.Loads.Last().Path);
    }

    /// <summary>Databricks' documentation of its Iceberg REST catalog: the workspace is in the host's name; apache/iceberg pull request 16644 (400 for a lost race).</summary>
    [Fact]
    public async Task Databricks_redirects_where_the_workspace_is_missing_and_answers_lost_races_with_400()
    {
        Use("https://dbc.test/api/2.1/unity-catalog/iceberg-rest", "main", """{"overrides":{"prefix":"catalogs/main"}}""", "/catalogs/main", new RestAuth.Bearer(new Secret("dapi-token-1")));
        var table = await CommitOnceAsync();
        _rest.Server.NextCommit(_ =>
        {
            _rest.ForeignAppendAsync().GetAwaiter().GetResult();
            return ScriptedCatalog.Error(400, "BadRequestException", "Commit validation failed");
        });
        Assert.IsType<CommitResult.Conflict>(await _rest.AppendAsync(table));

        _rest.Server.Script = _ =>
        {
            var answer = new HttpResponseMessage(System.Net.HttpStatusCode.SeeOther);
            answer.Headers.Location = new Uri("https://login.databricks.test/?next=1");
            return answer;
        };
        var failure = await Assert.ThrowsAsync<UnsupportedTableException>(() => _rest.Catalog.LoadAsync(RestSetting.Orders, default).AsTask());
        Assert.Contains("https://login.databricks.test", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>docs.lakekeeper.io: the warehouse's name becomes an id; lakekeeper pull requests 1527 (500 for a lost race), 1671 and 1814 (409 for the own key).</summary>
    [Fact]
    public async Task Lakekeeper_gives_an_id_for_the_warehouse_and_500_or_409_where_nothing_is_lost()
    {
        const string Id = "0198b2d8-6f4c-7b61-9d5e-2d0f6c3a1b22";
        Use("http://lakekeeper.test:8181/catalog", "demo", $$$"""{"defaults":{},"overrides":{"prefix":"{{{Id}}}","idempotency-key-lifetime":"PT30M"}}""", $"/{Id}");
        var table = await CommitOnceAsync();

        _rest.Server.NextCommit(_ =>
        {
            _rest.ForeignAppendAsync().GetAwaiter().GetResult();
            return ScriptedCatalog.Error(500, "ConcurrentUpdateError", "lost race");
        });
        Assert.IsType<CommitResult.Unknown>(await _rest.AppendAsync(table));
        _rest.Server.NextCommit(apply => { apply(); return ScriptedCatalog.Error(409, "RequestInProgress", "key in flight"); });
        Assert.IsType<CommitResult.Committed>(await _rest.AppendAsync(await _rest.LoadAsync()));

        Assert.Equal(3, _rest.Server.Commits.Select(call => call["Idempotency-Key"]).OfType<string>().Distinct().Count());
        Assert.Contains("?warehouse=demo", _rest.Server.Calls.First().Query, StringComparison.Ordinal);
    }

    /// <summary>gravitino.apache.org, "Iceberg REST catalog service": the warehouse picks a backend; IcebergExceptionMapper gives 500 for all that it does not know.</summary>
    [Fact]
    public async Task Gravitino_serves_its_default_backend_and_answers_500_for_what_it_does_not_know()
    {
        Use("http://gravitino.test:9001/iceberg", null, """{"defaults":{"warehouse":"/tmp"},"overrides":{}}""", "");
        var table = await CommitOnceAsync();
        _rest.Server.NextCommit(apply => { apply(); return ScriptedCatalog.Error(500, "RuntimeException", "java.sql.SQLException: connection lost"); });

        Assert.IsType<CommitResult.Unknown>(await _rest.AppendAsync(table));

        Assert.Equal("", _rest.Server.Calls.First().Query);
        Assert.Equal(2, (await _rest.LoadAsync()).Metadata.Snapshots.Length);
    }

    /// <summary>docs.aws.amazon.com/glue, "Connecting to the Data Catalog using AWS Glue Iceberg REST endpoint": the account is the prefix; a table needs a location.</summary>
    [Fact]
    public async Task Glue_is_signed_for_and_told_the_location_that_its_database_has()
    {
        Use("https://glue.us-east-1.amazonaws.test/iceberg", "123456789012", """{"defaults":{},"overrides":{"prefix":"catalogs/123456789012","namespace-separator":"%1F"}}""", "/catalogs/123456789012",
            new RestAuth.SigV4("us-east-1", "glue"), parts => parts with { AwsKeys = _ => new ValueTask<AwsKeys>(new AwsKeys("AKID", "a-secret-key", null)) });
        _rest.Server.Script = call =>
            call is { Method: "GET", Path: "/iceberg/v1/catalogs/123456789012/namespaces/shop%1Fweb" } ? ScriptedCatalog.Json(200, $$$"""{"namespace":["shop","web"],"properties":{"location":"{{{_rest.Folder}}}/db/"}}""")
            : call.Method == "POST" && call.Path.EndsWith("/tables", StringComparison.Ordinal) && !call.Body.Contains("\"location\"", StringComparison.Ordinal) ? ScriptedCatalog.Error(400, "ValidationException", "location is required")
            : null;

        _rest.Server.AddNamespace("shop%1Fweb");
        var table = await CommitOnceAsync();

        Assert.Equal($"{_rest.Folder}/db/orders", table.Metadata.Location);
        Assert.All(_rest.Server.Calls, call => Assert.Contains("/us-east-1/glue/aws4_request", call["Authorization"], StringComparison.Ordinal));
    }

    /// <summary>docs.aws.amazon.com/AmazonS3, "Accessing tables using the Amazon S3 Tables Iceberg REST endpoint": the bucket's ARN is the warehouse, and encoded the prefix.</summary>
    [Fact]
    public async Task S3_Tables_have_an_encoded_ARN_as_the_prefix()
    {
        const string Prefix = "arn%3Aaws%3As3tables%3Aeu-west-1%3A111122223333%3Abucket%2Flake";
        Use("https://s3tables.eu-west-1.amazonaws.test/iceberg", "arn:aws:s3tables:eu-west-1:111122223333:bucket/lake", $$$"""{"overrides":{"prefix":"{{{Prefix}}}"}}""", $"/{Prefix}",
            new RestAuth.SigV4("eu-west-1", "s3tables"), parts => parts with { AwsKeys = _ => new ValueTask<AwsKeys>(new AwsKeys("AKID", "a-secret-key", null)) });

        await CommitOnceAsync();

        Assert.Equal($"/iceberg/v1/{Prefix}/namespaces/shop%1Fweb/tables/orders", _rest.Server.Commits.Single().Path);
        Assert.Equal("?warehouse=arn%3Aaws%3As3tables%3Aeu-west-1%3A111122223333%3Abucket%2Flake", _rest.Server.Calls.First().Query);
        // Each part of the path is encoded once more for the signature.
        Assert.Contains("%253Abucket%252Flake", AwsSignature.CanonicalPath(new Uri($"https://s3tables.eu-west-1.amazonaws.test{_rest.Server.Commits.Single().Path}")), StringComparison.Ordinal);
    }

    /// <summary>learn.microsoft.com/fabric, "OneLake table APIs for Iceberg": workspace and item are the warehouse; a token of Entra for storage.</summary>
    [Fact]
    public async Task OneLake_takes_a_storage_token_and_workspace_and_item_as_the_warehouse()
    {
        Use("https://onelake.table.fabric.microsoft.test/iceberg", "ws-1/item-2", """{"overrides":{"prefix":"ws-1/item-2"},"endpoints":["GET /v1/{prefix}/namespaces/{namespace}/tables/{table}"]}""", "/ws-1/item-2",
            new RestAuth.Entra("https://storage.azure.com/.default"), parts => parts with { EntraToken = (scope, _) => new ValueTask<IssuedToken>(new IssuedToken($"entra-for-{scope}", TimeSpan.FromHours(1))) });

        Assert.Null(await _rest.Catalog.LoadAsync(RestSetting.Orders, default));
        await Assert.ThrowsAsync<UnsupportedTableException>(() => _rest.CreateAsync());

        Assert.Equal("?warehouse=ws-1%2Fitem-2", _rest.Server.Calls.First().Query);
        Assert.All(_rest.Server.Calls, call => Assert.Equal("Bearer entra-for-https://storage.azure.com/.default", call["Authorization"]));
    }
}
