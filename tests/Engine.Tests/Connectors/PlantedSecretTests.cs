using Azure.Core.Pipeline;
using Matih.Connectors;
using Matih.Connectors.Azure;
using Matih.Connectors.Rest;
using Matih.Definition;
using Matih.Delivery;
using Matih.Engine.Tests.Connectors.Azure;
using Matih.Engine.Tests.Connectors.Rest;
using Matih.Engine.Tests.Delivery;
using Matih.Engine.Tests.Status;
using Matih.Engine.Tests.Storage;
using Matih.Fixtures;
using Matih.Host.Commands;
using Matih.Host.Output;
using Matih.Host.Status;
using Matih.Host.Tables;
using Matih.Host.Verification;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Status;
using Matih.Storage;
using Matih.Telemetry;
using Matih.Verification;

namespace Matih.Engine.Tests.Connectors;

/// <summary>
/// No secret of a catalog is in anything that somebody may see: messages, exceptions as they print, logs, answers about health,
/// reports, the table. Servers repeat what they were sent, which is how secrets get into messages.
/// </summary>
public sealed class PlantedSecretTests : IDisposable
{
    private static readonly string[] NotTriedAgain = ["refuses", "understands nothing", "redirects"];

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _said = [];
    private readonly SeededIdSource _ids = new(1);
    private int _failureCount;

    public static TheoryData<string> Cases => [.. PlantedCatalog.All.Select(planted => planted.Name)];

    public static TheoryData<string> Behaviours => EchoServers.Behaviours;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_secret_is_planted_in_each_key_that_may_hold_one() =>
        Assert.Equal(PlantedCatalog.HiddenKeys.Append("s3.role_external_id").Order(StringComparer.Ordinal), PlantedCatalog.All.SelectMany(planted => planted.Keys).Concat(PlantedCatalog.PlantedElsewhere).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void The_search_finds_a_secret_in_every_encoding()
    {
        string[] spellings =
        [
            PlantedText.Text, Uri.EscapeDataString(PlantedText.Text), PlantedText.Sas, PlantedText.Key, System.Text.Json.JsonSerializer.Serialize(PlantedText.Text),
            .. new[] { "", "x", "xy" }.Select(before => Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{before}{PlantedText.Text} and more"))),
            .. new[] { "", "x", "xy" }.Select(before => Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"{before}{PlantedText.Key} and more"))),
        ];

        Assert.All(spellings, text => Assert.True(PlantedText.IsIn($"before {text} after"), text));
        Assert.False(PlantedText.IsIn("nothing of it"));
    }

    [Theory, MemberData(nameof(Cases))]
    public async Task Whatever_fails_shows_no_secret(string name)
    {
        var planted = PlantedCatalog.All.Single(item => item.Name == name);
        var isDatabase = planted.Entry.Contains("POSTGRESQL", StringComparison.Ordinal);
        // In a store where everything exists a file catalog would look for the newest version without end.
        var mayAccept = planted.Entry.Contains("type: rest", StringComparison.Ordinal) || planted.Entry.Contains("role_arn", StringComparison.Ordinal);
        foreach (var behaviour in isDatabase ? ["refuses"] : EchoServers.Behaviours.Select(row => row.Data).Where(behaviour => mayAccept || behaviour != "accepts"))
        {
            await using var server = EchoServers.Start(behaviour);
            await using var database = new EchoPostgreSql();
            await TryAllAsync(planted.Entry.Replace("HTTP", server.Uri.AbsoluteUri.TrimEnd('/'), StringComparison.Ordinal).Replace("POSTGRESQL", database.Address, StringComparison.Ordinal), behaviour);
        }
        await TryAllAsync(planted.Entry.Replace("HTTP", "http://127.0.0.1:1", StringComparison.Ordinal).Replace("POSTGRESQL", "127.0.0.1:1", StringComparison.Ordinal), "nobody listens");

        // A catalog that cannot be opened fails three times.
        Assert.True(_failureCount >= 3, $"{_failureCount} failures");
        foreach (var text in _said) PlantedText.AssertNotIn(text);
    }

    [Fact]
    public async Task Servers_of_these_tests_do_repeat_secrets()
    {
        await using var server = EchoServers.Start("refuses");
        await using var database = new EchoPostgreSql();
        foreach (var name in new[] { "S3 session", "S3 role", "SAS", "bearer", "headers", "OAuth client", "signed", "signed with a role" })
        {
            var before = server.Requests.Count(Repeats);
            await TryCatalogAsync(Load(PlantedCatalog.All.Single(item => item.Name == name).Entry.Replace("HTTP", server.Uri.AbsoluteUri.TrimEnd('/'), StringComparison.Ordinal)));
            Assert.True(server.Requests.Count(Repeats) > before, name);
        }
        await TryCatalogAsync(Load(PlantedCatalog.All.Single(item => item.Name == "password").Entry.Replace("POSTGRESQL", database.Address, StringComparison.Ordinal)));
        Assert.True(database.PasswordCount > 0);

        static bool Repeats(ProxiedRequest request) => PlantedText.IsIn($"{request.Target} {string.Join(' ', request.Headers.Values)} {System.Text.Encoding.UTF8.GetString(request.Body)}");
    }

    [Theory]
    [InlineData("type: rest, uri: 'http://me:${PLAIN}@catalog.test/'")]
    [InlineData("type: rest, uri: 'http://catalog.test/?key=${PLAIN}'")]
    [InlineData("type: rest, uri: '${PLANTED}'")]
    [InlineData("type: sql, uri: 'postgresql://me:${PLAIN}@db.test/lake', warehouse: /w")]
    [InlineData("type: sql, uri: 'jdbc:postgresql://db.test/lake?user=me&password=${PLAIN}', warehouse: /w")]
    [InlineData("type: sql, uri: '${PLANTED}', warehouse: /w")]
    [InlineData("type: file, warehouse: 's3://AKID:${PLAIN}@bucket/w'")]
    [InlineData("type: file, warehouse: 'abfss://c@acct.dfs.core.windows.net/w?${SAS}'")]
    [InlineData("type: file, warehouse: 's3://b/w', s3: { endpoint: 'http://me:${PLAIN}@store.test/' }")]
    [InlineData("type: file, warehouse: 's3://b/w', s3: { endpoint: 'http://store.test/?key=${PLAIN}' }")]
    [InlineData("type: file, warehouse: 'abfss://c@acct.dfs.core.windows.net/w', azure: { endpoint: 'https://acct.blob.core.windows.net/?${SAS}' }")]
    [InlineData("type: rest, uri: 'http://catalog.test/', auth: { type: oauth2, client_secret: x, token_uri: 'http://me:${PLAIN}@id.test/' }")]
    [InlineData("type: rest, uri: 'http://catalog.test/', headers: { X-Key: \"${PLANTED}\\nX-Other: 1\" }")]
    [InlineData("type: rest, uri: 'http://catalog.test/', auth: { type: bearer, token: \"${PLANTED}\\n\\n\" }")]
    [InlineData("type: rest, uri: 'http://catalog.test/', auth: { type: '${PLANTED}' }")]
    [InlineData("type: '${PLANTED}'")]
    [InlineData("type: file, warehouse: 's3://b/w', s3: { encryption: '${PLANTED}' }")]
    public void What_is_no_place_for_a_secret_is_refused_and_not_shown(string entry)
    {
        var load = TryLoad(entry);

        Assert.Null(load.Pipeline);
        Assert.NotEmpty(load.Findings);
        foreach (var text in _said) PlantedText.AssertNotIn(text);
    }

    [Fact]
    public async Task An_application_s_secret_that_Entra_ID_repeats_is_not_shown()
    {
        var access = new AzureAccess
        {
            Credential = AzureCredentialKind.ClientSecret,
            ClientId = "00000000-1111-2222-3333-444444444444",
            TenantId = "99999999-8888-7777-6666-555555555555",
            ClientSecret = new Secret(PlantedText.Text),
        };
        foreach (var body in new[] { "ECHO", """{"error":"invalid_client","error_description":"AADSTS7000215: ECHO is wrong."}""", """{"error":"ECHO","error_description":"ECHO"}""" })
        {
            foreach (var status in new[] { 400, 401, 500 })
            {
                var service = ScriptedService.Of(request => request.Uri.AbsolutePath.EndsWith("/token", StringComparison.Ordinal)
                    ? ScriptedService.Answer(status, null, body.Replace("ECHO", $"{PlantedText.Text} {Uri.EscapeDataString(PlantedText.Text)}", StringComparison.Ordinal), ("Content-Type", "application/json"))(request)
                    : AzureCredentialsTests.Entra(request));
                var store = service.Store(access);
                await TryAsync(() => store.PutIfAbsentAsync("abfss://tables@acct.dfs.core.windows.net/x", "x"u8.ToArray(), default).AsTask());
                var transport = new HttpClientTransport(new HttpClient(service));
                await TryAsync(() => EntraTokens.Of(access, "onelake.test", new LeapingClock(), transport)("https://storage.azure.com/.default", default).AsTask());
            }
        }

        Assert.Equal(18, _failureCount);
        foreach (var text in _said) PlantedText.AssertNotIn(text);
    }

    [Fact]
    public async Task A_run_that_works_leaves_no_secret_in_table_logs_and_health()
    {
        using var flow = new FlowHarness();
        using var server = new ScriptedCatalog(flow.Warehouse, new LocalStore(flow.Ids));
        flow.Clock.Speed = 20;
        var definition = (CatalogDefinition.Rest)Load("type: rest, uri: 'http://catalog.test/', headers: { X-Key: '${PLANTED}' }, auth: { type: bearer, token: '${PLANTED}' }").Definition.Flows.Single().Sink.Catalog;
        flow.CatalogOver = store => RestCatalog.Open(definition, store, flow.Ids, new LeapingClock(), server.Parts);
        flow.Produce(0, 10);
        await flow.CatchUpAsync();
        await flow.AssertHoldsWholeTopicAsync();
        Assert.All(server.Calls, call => Assert.True(PlantedText.IsIn(call["X-Key"]!)));

        SayRun(flow);
        foreach (var file in Directory.EnumerateFiles(flow.Warehouse, "*", SearchOption.AllDirectories)) _said.Add(System.Text.Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)));
        Assert.Contains(_said, text => text.Contains("\"format-version\"", StringComparison.Ordinal));
        foreach (var text in _said) PlantedText.AssertNotIn(text);
    }

    /// <summary>The command itself, with everything that it prints.</summary>
    [Fact]
    public async Task The_command_prints_no_secret()
    {
        await using var server = EchoServers.Start("refuses");
        var entry = PlantedCatalog.All.Single(item => item.Name == "bearer").Entry.Replace("HTTP", server.Uri.AbsoluteUri.TrimEnd('/'), StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "p.yaml"), DefinitionOf(entry));
        foreach (var (arguments, exitCode) in new (string[], int)[] { (["validate", "p.yaml", "--explain"], 0), (["catalog", "check", "p.yaml"], 3), (["table", "show", "shop.orders", "--definition", "p.yaml"], 3), (["verify", "p.yaml", "--offline", "--json", "--log-level", "debug"], 3), (["status", "p.yaml", "--offline", "--json", "--log-level", "debug"], 3), (["status", "p.yaml", "--offline"], 3) })
        {
            var printed = await ExternalProcess.RunAsync(Path.Combine(AppContext.BaseDirectory, "matih"), arguments, workingDirectory: _folder.Path, environment: new Dictionary<string, string?> { ["PLANTED"] = PlantedText.Text, ["MATIH_CATALOG"] = null, ["MATIH_WAREHOUSE"] = null });

            Assert.True(printed.ExitCode == exitCode, $"{arguments[0]}: {printed.ExitCode}\n{printed.StandardOutput}{printed.StandardError}");
            PlantedText.AssertNotIn(printed.StandardOutput + printed.StandardError);
        }
        Assert.NotEmpty(server.Requests);
    }

    private async Task TryAllAsync(string entry, string behaviour)
    {
        if (TryLoad(entry).Pipeline is not { } pipeline) throw new InvalidOperationException(string.Join('\n', _said));
        var catalog = await TryCatalogAsync(pipeline);
        if (!NotTriedAgain.Contains(behaviour)) return;

        // What the host opens has the real clock: only what is not tried again.
        await TryAsync(() => TableOpening.OpenAsync("shop.orders", new TablePlace(null, Path.Combine(_folder.Path, "p.yaml"), null), Settings, default));
        if (catalog is null) return;
        using var flow = new FlowHarness();
        flow.Clock.Speed = 1000;
        var clock = new LeapingClock();
        flow.StoreOver = () => StoreOpening.Open(catalog.Stores, _ids, clock);
        flow.CatalogOver = store => CatalogOpening.Open(catalog, store as LocationStore ?? StoreOpening.Open(catalog.Stores, _ids, clock), _ids, clock);
        flow.Produce(0, 3);
        var refusal = await flow.RefusalAsync();
        _said.Add(refusal.ToString());
        SayRun(flow);
        foreach (var form in new[] { LogForm.Text, LogForm.Json }) new EngineLogWriter(form, LogSeverity.Debug, flow.Clock, _said.Add).Write(FailureEntry.Of(refusal));
        var report = await new PipelineVerifier(flow).VerifyAsync(flow.Plan(), new VerificationRequest(IsOffline: true), default);
        Assert.Contains(report.Flows.Single().Findings, finding => finding is VerificationFinding.Unreachable);
        var text = new StringWriter();
        VerificationText.Write(report, flow.Clock, text);
        _said.Add(text.ToString());
        using var json = new MemoryStream();
        JsonOutput.Write(json, writer => VerificationJson.Write(report, flow.Clock, writer));
        _said.Add(System.Text.Encoding.UTF8.GetString(json.ToArray()));
        await SayStatusAsync(flow);
    }

    private async Task SayStatusAsync(FlowHarness flow)
    {
        // The limit of a status is one of real time.
        var status = await flow.PipelineStatusAsync(environment: flow.Environment() with { Clock = TimeProvider.System });
        Assert.Contains(status.Flows.Single().Unread, part => part.Part == StatusPart.Table);
        var text = new StringWriter();
        StatusText.Write(status, text);
        _said.Add(text.ToString());
        using var json = new MemoryStream();
        JsonOutput.Write(json, writer => StatusJson.Write(status, writer));
        _said.Add(System.Text.Encoding.UTF8.GetString(json.ToArray()));
    }

    /// <summary>Everything that can be asked of a catalog and its store, and the check of both. Null where it cannot be opened.</summary>
    private async Task<CatalogDefinition?> TryCatalogAsync(LoadedPipeline pipeline)
    {
        var definition = pipeline.Definition.Flows.Single().Sink.Catalog;
        var clock = new LeapingClock();
        await foreach (var step in new CatalogCheck(definition, null, _ids, clock) { Limits = null }.RunAsync(default)) _said.Add($"{step.What} {step.Fault}");

        var store = StoreOpening.Open(definition.Stores, _ids, clock);
        ICatalog? catalog = null;
        await TryAsync(() => Task.FromResult(catalog = CatalogOpening.Open(definition, store, _ids, clock)));
        if (catalog is null) return null;
        _said.Add(catalog.Name);
        await TryAsync(() => catalog.LoadAsync(FlowHarness.Identifier, default).AsTask());
        await TryAsync(() => catalog.CreateAsync(FlowHarness.Identifier, RestSetting.Blank, default).AsTask());
        if (definition is not CatalogDefinition.File { Warehouse: var warehouse }) return definition;
        var location = $"{warehouse}/x";
        await TryAsync(() => store.PutIfAbsentAsync(location, "x"u8.ToArray(), default).AsTask());
        await TryAsync(() => store.PutAsync(location, "x"u8.ToArray(), default).AsTask());
        await TryAsync(() => store.ReadAsync(location, default).AsTask());
        await TryAsync(() => store.LengthAsync(location, default).AsTask());
        await TryAsync(() => store.DeleteAsync(location, default).AsTask());
        await TryAsync(async () =>
        {
            await foreach (var item in store.ListAsync(location, default)) _said.Add(item.Location);
        });
        await TryAsync(async () =>
        {
            await using var writer = await store.CreateAsync(location, default);
            await writer.WriteAsync("x"u8.ToArray(), default);
            await writer.CompleteAsync(default);
        });
        return definition;
    }

    private async Task TryAsync(Func<Task> attempt)
    {
        try
        {
            await attempt();
        }
        catch (Exception failure)
        {
            Assert.True(failure is IOException or UnauthorizedAccessException or InvalidTableException or UnsupportedTableException or PipelineException, failure.ToString());
            _failureCount++;
            _said.Add(failure.ToString());
            if (failure is StoreException store) _said.Add(store.Location);
        }
    }

    private void SayRun(FlowHarness flow)
    {
        foreach (var form in new[] { LogForm.Text, LogForm.Json })
        {
            var log = new EngineLogWriter(form, LogSeverity.Debug, flow.Clock, _said.Add);
            foreach (var entry in flow.Entries) log.Write(entry);
        }
        var health = new HealthReport(new PipelineHealth(flow.Progress, flow.Clock, new HealthLimits(TimeSpan.FromMinutes(2))), "1", flow.Clock);
        foreach (var path in new[] { "/health", "/health/live", "/health/ready" }) _said.Add(System.Text.Encoding.UTF8.GetString(health.Answer(path)!.Body));
    }

    private HostSettings Settings => new() { Environment = PlantedCatalog.ValueOf, CurrentDirectory = _folder.Path };

    private LoadedPipeline Load(string entry) => TryLoad(entry).Pipeline ?? throw new InvalidOperationException(string.Join('\n', _said));

    private PipelineLoad TryLoad(string entry)
    {
        File.WriteAllText(Path.Combine(_folder.Path, "p.yaml"), DefinitionOf(entry));
        var load = PipelineLoading.Load(new PipelineRequest("p.yaml", [], null), Settings);
        var text = new StringWriter();
        DefinitionReport.WriteText(load, text);
        foreach (var form in new[] { LogForm.Text, LogForm.Json }) DefinitionReport.Show(load, form, new EngineLogWriter(form, LogSeverity.Debug, TimeProvider.System, _said.Add), text);
        if (load.Pipeline is { } pipeline)
        {
            ValidateVerb.WritePlan(pipeline, explain: true, text);
            var catalog = pipeline.Definition.Catalogs.Single();
            text.Write($"{pipeline.Definition}\n{catalog}\n{catalog.Stores}\n{(catalog as CatalogDefinition.Rest)?.Auth}\n{(catalog as CatalogDefinition.Sql)?.Database}\n{string.Join('\n', pipeline.Flows)}\n{string.Join('\n', pipeline.Definition.Flows.Select(flow => $"{flow.Sink} {flow.Hash}"))}");
        }
        _said.Add(text.ToString());
        return load;
    }

    private static string DefinitionOf(string entry) => $$"""
        metadata: { name: orders }
        catalogs: { lake: { {{entry}} } }
        sources: { src: { type: kafka, connection: "localhost:9092", topic: shop.orders, consumer_group: g, format: json, schema: "id BIGINT" } }
        sinks: { out: { type: iceberg, table: shop.orders } }
        """;
}
