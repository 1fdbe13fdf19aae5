using Matih.Fixtures;
using Matih.Interop.Tests.Connectors.S3;
using Matih.Interop.Tests.Delivery;

namespace Matih.Interop.Tests.Host;

/// <summary>What <c>matih catalog check</c> says of real catalogs and stores, and of what is wrong with them.</summary>
public sealed class CatalogCheckTests(SharedKafka kafka, SharedCeph ceph, SharedAzurite azurite, SharedRestCatalog rest)
{
    private static readonly Dictionary<string, string> None = [];

    [Fact]
    public async Task Everything_works_on_S3()
    {
        var said = await CheckAsync(await RemoteCatalog.OnCephAsync(ceph, (await ceph.GatewayAsync()).Uri));

        AssertWorks(said, stepCount: 6);
    }

    [Fact]
    public async Task Everything_works_on_Azure()
    {
        var server = await azurite.StartedAsync();

        var said = await CheckAsync(await RemoteCatalog.OnAzuriteAsync(server, server.Server));

        AssertWorks(said, stepCount: 6);
    }

    [Fact]
    public async Task Everything_works_with_a_REST_catalog()
    {
        var said = await CheckAsync($"type: rest, uri: '{(await rest.ServerAsync()).Uri}'", None);

        AssertWorks(said, stepCount: 1);
    }

    [Fact]
    public async Task Everything_works_with_an_SQL_catalog()
    {
        var folder = TemporaryDirectory.New();

        var said = await CheckAsync($"type: sql, uri: 'sqlite:{folder}/catalog.db', warehouse: '{folder}/warehouse'", None);

        AssertWorks(said, stepCount: 7);
    }

    [Fact]
    public async Task A_wrong_secret_is_at_fault_and_is_not_shown()
    {
        var server = await azurite.StartedAsync();
        const string secret = "planted/secret+of+nobody/0000000000000000";
        var wrongKey = Convert.ToBase64String(Enumerable.Repeat((byte)7, 64).ToArray());
        var s3 = await RemoteCatalog.OnCephAsync(ceph, (await ceph.GatewayAsync()).Uri) with { Secrets = new Dictionary<string, string> { ["S3_SECRET"] = secret } };
        var azure = await RemoteCatalog.OnAzuriteAsync(server, server.Server) with { Secrets = new Dictionary<string, string> { ["AZURE_KEY"] = wrongKey } };

        foreach (var (catalog, planted) in new[] { (s3, secret), (azure, wrongKey) })
        {
            var (said, run) = (await CheckAsync(catalog), await Pipeline(catalog).RunAsync("--once", "--log-level", "debug", "--set", "orchestration.max_retries=0"));

            AssertFails(said, "FAILED");
            Assert.True(run.ExitCode is 3 or 4 or 5, $"{run.ExitCode}\n{run.StandardError}");
            foreach (var text in new[] { said.StandardOutput, said.StandardError, run.StandardOutput, run.StandardError })
                Assert.DoesNotContain(planted, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_bucket_that_does_not_exist_is_named()
    {
        var catalog = await RemoteCatalog.OnCephAsync(ceph, (await ceph.GatewayAsync()).Uri);

        var said = await CheckAsync(catalog with { Entry = catalog.Entry.Replace($"s3://{S3Server.Bucket}/", "s3://no-such-bucket/", StringComparison.Ordinal) });

        AssertFails(said, "no-such-bucket");
    }

    [Fact]
    public async Task A_store_that_ignores_conditions_is_refused_by_the_check_and_by_a_run()
    {
        // To a second writer it says that it wrote, as to the first.
        await using var proxy = FaultProxy.Start((await ceph.GatewayAsync()).Uri, request =>
            request.Headers.ContainsKey("If-None-Match") ? new ProxyFault.Answer(200, "", ("ETag", "\"0123456789abcdef0123456789abcdef\"")) { IsEffective = true } : new ProxyFault.None());
        var catalog = await RemoteCatalog.OnCephAsync(ceph, proxy.Uri);

        var said = await CheckAsync(catalog);
        var pipeline = new OrderPipeline(TemporaryDirectory.New(), (await kafka.BrokerAsync()).Bootstrap, KafkaBroker.NewName("conditions"), catalog);
        await (await kafka.ClientAsync()).CreateTopicAsync(pipeline.Topic);
        var run = await pipeline.RunAsync("--until-caught-up");

        AssertFails(said, "8 writers were accepted: the store does not honour conditional writes");
        await foreach (var item in (await S3Server.OfAsync(ceph)).Open().ListAsync(catalog.Location[..^"shop/orders".Length], default))
            Assert.DoesNotContain("matih-check-", item.Location, StringComparison.Ordinal);
        Assert.True(run.ExitCode == 5, $"{run.ExitCode}\n{run.StandardError}");
        Assert.Contains("does not honour conditional writes", run.StandardError, StringComparison.Ordinal);
    }

    private static OrderPipeline Pipeline(RemoteCatalog catalog) => new(TemporaryDirectory.New(), "127.0.0.1:1", "orders", catalog);

    private static Task<ProcessOutput> CheckAsync(RemoteCatalog catalog) => Pipeline(catalog).CheckCatalogAsync();

    private static Task<ProcessOutput> CheckAsync(string entry, Dictionary<string, string> secrets) => CheckAsync(new RemoteCatalog($"{{ {entry} }}", secrets, "", None));

    private static void AssertWorks(ProcessOutput said, int stepCount)
    {
        said.Expect();
        Assert.Equal(stepCount, said.StandardOutput.Split('\n').Count(line => line.StartsWith("ok ", StringComparison.Ordinal)));
    }

    private static void AssertFails(ProcessOutput said, string expected)
    {
        Assert.True(said.ExitCode == 3, $"{said.ExitCode}\n{said.StandardOutput}{said.StandardError}");
        Assert.Contains("FAILED", said.StandardOutput, StringComparison.Ordinal);
        Assert.Contains(expected, said.StandardOutput, StringComparison.Ordinal);
    }
}
