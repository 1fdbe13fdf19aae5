using System.Net;
using System.Net.Sockets;
using Matih.Connectors;
using Matih.Definition;
using Matih.Engine.Tests.Definition;
using Matih.Engine.Tests.Storage;
using Matih.Fixtures;

namespace Matih.Engine.Tests.Connectors;

/// <summary>How long a check of a catalog takes where nothing works, and what it says then.</summary>
public sealed class CatalogCheckTests
{
    private const string S3 = "{ type: file, warehouse: 's3://b/w', s3: { endpoint: 'http://ADDRESS', region: eu-west-1, access_key_id: AKID, secret_access_key: none } }";
    private const string Azure = "{ type: file, warehouse: 'abfss://c@acct.dfs.core.windows.net/w', azure: { endpoint: 'http://ADDRESS/acct', account_key: 'bm9uZQ==' } }";
    private const string Rest = "{ type: rest, uri: 'http://ADDRESS/catalog' }";
    private const string Tokens = "{ type: rest, uri: 'http://127.0.0.1:1/', auth: { type: oauth2, client_secret: none, token_uri: 'http://ADDRESS/tokens' } }";
    private const string PostgreSql = "{ type: sql, uri: 'postgresql://ADDRESS/lake', warehouse: /tmp/none, user: me, password: none }";

    private readonly LeapingClock _clock = new();

    [Theory]
    [InlineData(S3)]
    [InlineData(Azure)]
    [InlineData(Rest)]
    [InlineData(Tokens)]
    [InlineData(PostgreSql)]
    public async Task An_address_at_which_nobody_listens_is_named(string entry)
    {
        // The clock leaps over eight seconds, and not over twenty: the refusal comes first.
        var fault = await FaultAsync(entry, "127.0.0.1:1", new CallLimits(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(20)));

        Assert.Contains("127.0.0.1:1", fault, StringComparison.Ordinal);
        Assert.Contains("refused", fault, StringComparison.Ordinal);
        Assert.InRange(_clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(4));
    }

    [Theory]
    [InlineData(S3)]
    [InlineData(Azure)]
    [InlineData(Rest)]
    [InlineData(Tokens)]
    public async Task An_address_that_keeps_silent_is_named_after_some_seconds(string entry)
    {
        await using var silent = FaultProxy.Start(_ => new ProxyFault.CutBefore { Until = new TaskCompletionSource().Task });

        var fault = await FaultAsync(entry, silent.Uri.Authority);

        Assert.Contains(silent.Uri.Authority, fault, StringComparison.Ordinal);
        Assert.DoesNotContain("30 s", fault, StringComparison.Ordinal);
        Assert.InRange(_clock.Elapsed, TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(12));
    }

    [Fact]
    public async Task A_database_that_keeps_silent_is_named_after_its_time_to_connect()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();

        var fault = await FaultAsync(PostgreSql, $"{silent.LocalEndpoint}", new CallLimits(TimeSpan.Zero, TimeSpan.FromSeconds(1)));

        Assert.Contains($"{silent.LocalEndpoint}", fault, StringComparison.Ordinal);
        Assert.Equal(TimeSpan.Zero, _clock.Elapsed);
    }

    [Theory]
    [InlineData(PostgreSql)]
    [InlineData(S3)]
    [InlineData(Rest)]
    public async Task A_check_ends_after_half_a_minute_whatever_its_clients_wait_for(string entry)
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var patient = new CallLimits(TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(15));

        var checking = FaultAsync(entry, $"{silent.LocalEndpoint}", patient);
        var accepting = silent.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask();
        Assert.Same(accepting, await Task.WhenAny(accepting, checking));
        using var connection = await accepting;
        _clock.Advance(CatalogCheck.TimeMax);
        var fault = await checking;

        Assert.Contains("30 s", fault, StringComparison.Ordinal);
        Assert.Contains($"{silent.LocalEndpoint}", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_caller_that_cancels_ends_the_check()
    {
        using var cancelled = new CancellationTokenSource();
        await using var silent = FaultProxy.Start(_ =>
        {
            cancelled.Cancel();
            return new ProxyFault.CutBefore { Until = new TaskCompletionSource().Task };
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => FaultAsync(Rest, silent.Uri.Authority, new CallLimits(TimeSpan.FromHours(1), TimeSpan.FromHours(1)), cancelled.Token));
    }

    [Fact]
    public async Task A_setting_that_the_database_s_client_does_not_know_is_a_fault_of_the_catalog()
    {
        var fault = await FaultAsync(PostgreSql.Replace("user: me", "options: { Sesame: open }", StringComparison.Ordinal), "127.0.0.1:1");

        Assert.Contains("The setting 'Sesame'", fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_that_do_not_fit_together_are_a_fault_of_the_catalog()
    {
        var fault = await FaultAsync(PostgreSql.Replace("user: me", "options: { Minimum Pool Size: '20', Maximum Pool Size: '10' }", StringComparison.Ordinal), "127.0.0.1:1");

        Assert.Contains("do not fit together", fault, StringComparison.Ordinal);
    }

    /// <summary>What is said of the one step that was tried.</summary>
    private async Task<string> FaultAsync(string entry, string address, CallLimits? limits = null, CancellationToken cancellationToken = default)
    {
        var definition = Samples.Valid($$"""
            metadata: { name: orders }
            catalogs: { lake: {{entry.Replace("ADDRESS", address, StringComparison.Ordinal)}} }
            sources: { src: { type: kafka, connection: "localhost:9092", topic: t, consumer_group: g, format: json, schema: "id BIGINT" } }
            sinks: { out: { type: iceberg, table: a.b } }
            """).Catalogs.Single();
        var check = new CatalogCheck(definition, null, new SeededIdSource(1), _clock);
        if (limits is not null) check = new CatalogCheck(definition, null, new SeededIdSource(1), _clock) { Limits = limits };
        var steps = new List<CheckedStep>();
        await foreach (var step in check.RunAsync(cancellationToken)) steps.Add(step);
        return Assert.Single(steps).Fault ?? throw new InvalidOperationException($"{steps[0]}");
    }
}
