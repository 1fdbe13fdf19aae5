using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Matih.Delivery;
using Matih.Engine.Tests.Delivery;
using Matih.Host.Health;
using Matih.Host.Runtime;
using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Host;

public sealed class HealthEndpointTests : IDisposable
{
    private static readonly HealthAddress AnyPort = new(new IPEndPoint(IPAddress.Loopback, 0), IsRequired: true);

    private readonly HurriedClock _clock = new();
    private readonly FlowProgress _flow = new("orders/lake");
    private readonly List<LogEntry> _entries = [];
    private readonly MetricsPage _metrics = new(TelemetryNames.Meter);

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public async Task Each_path_is_answered_as_json_that_nobody_may_store()
    {
        await using var endpoint = Open();

        var live = await AskAsync(endpoint, "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
        var ready = await AskAsync(endpoint, "GET /health/ready?verbose HTTP/1.0\r\n\r\n");
        var (status, head, body) = await AskAsync(endpoint, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");

        Assert.Equal((200, "{\"status\":\"live\"}\n"), (live.Status, live.Body));
        Assert.Equal(503, ready.Status);
        Assert.Contains("has not opened its table yet", ready.Body, StringComparison.Ordinal);
        Assert.Equal(200, status);
        Assert.Contains("\r\nContent-Type: application/json\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nCache-Control: no-store\r\n", head, StringComparison.Ordinal);
        Assert.Equal("orders/lake", JsonDocument.Parse(body).RootElement.GetProperty("flows")[0].GetProperty("flow").GetString());
    }

    [Fact]
    public async Task Metrics_are_answered_in_Prometheus_text_format()
    {
        var flow = new FlowProgress($"m-{Guid.NewGuid():N}/lake");
        await using var endpoint = Open();
        flow.NoteRead(3, 300);

        var (status, head, body) = await AskAsync(endpoint, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");

        Assert.Equal(200, status);
        Assert.Contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n", head, StringComparison.Ordinal);
        Assert.Contains($"\nmatih_records_read_total{{pipeline=\"{flow.Flow.Split('/')[0]}\",sink=\"lake\"}} 3\n", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_head_request_has_the_same_head_and_no_body()
    {
        await using var endpoint = Open();

        var get = await AskAsync(endpoint, "GET /health/live HTTP/1.1\r\n\r\n");
        var head = await AskAsync(endpoint, "HEAD /health/live HTTP/1.1\r\n\r\n");

        Assert.Equal(get.Head, head.Head);
        Assert.Equal("", head.Body);
    }

    [Theory]
    [InlineData("POST /health HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 405)]
    [InlineData("DELETE /health/live HTTP/1.1\r\n\r\n", 405)]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 404)]
    [InlineData("GET /health/../etc/passwd HTTP/1.1\r\n\r\n", 404)]
    [InlineData("GET /HEALTH HTTP/1.1\r\n\r\n", 404)]
    [InlineData("GET /metrics/ HTTP/1.1\r\n\r\n", 404)]
    [InlineData("POST /metrics HTTP/1.1\r\n\r\n", 405)]
    [InlineData("GET http://elsewhere/health HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET /health HTTP/2.0\r\n\r\n", 400)]
    [InlineData("hello\r\n\r\n", 400)]
    [InlineData("\r\n\r\n", 400)]
    public async Task Anything_else_is_refused(string request, int status)
    {
        await using var endpoint = Open();

        var answer = await AskAsync(endpoint, request);

        Assert.Equal(status, answer.Status);
        if (status == 405) Assert.Contains("\r\nAllow: GET, HEAD\r\n", answer.Head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_head_that_never_ends_is_431()
    {
        await using var endpoint = Open();

        var answer = await AskAsync(endpoint, $"GET /health HTTP/1.1\r\nX: {new string('a', 20_000)}\r\n\r\n");

        Assert.Equal(431, answer.Status);
    }

    [Fact]
    public async Task Clients_that_say_nothing_keep_nobody_out()
    {
        await using var endpoint = Open(timeMax: TimeSpan.FromMinutes(10));
        var silent = new List<TcpClient>();
        for (var i = 0; i < HealthEndpoint.ConnectionsMax * 2; i++)
        {
            var client = new TcpClient();
            await client.ConnectAsync(endpoint.Address, TestContext.Current.CancellationToken);
            silent.Add(client);
        }

        var answer = await AskAsync(endpoint, "GET /health/live HTTP/1.1\r\n\r\n");

        Assert.Equal(200, answer.Status);
        foreach (var client in silent) client.Dispose();
    }

    [Fact]
    public async Task A_slow_client_is_cut_off()
    {
        await using var endpoint = Open(timeMax: TimeSpan.FromMilliseconds(50));
        using var client = new TcpClient();
        await client.ConnectAsync(endpoint.Address, TestContext.Current.CancellationToken);

        Assert.Equal(0, await AnswerLengthAsync());

        // A server that has not read what it was sent resets the connection when it closes it.
        async Task<int> AnswerLengthAsync()
        {
            try
            {
                await client.GetStream().WriteAsync("GET /hea"u8.ToArray(), TestContext.Current.CancellationToken);
                return await client.GetStream().ReadAsync(new byte[1], TestContext.Current.CancellationToken);
            }
            catch (IOException cut) when (cut.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.Shutdown })
            {
                return 0;
            }
        }
    }

    [Fact]
    public async Task The_default_port_gives_way_when_it_is_taken_and_the_log_says_so_once()
    {
        await using var first = Open();
        var taken = new HealthAddress(first.Address, IsRequired: false);
        _entries.Clear();

        await using var second = Open(taken);

        Assert.NotEqual(first.Address.Port, second.Address.Port);
        var said = Assert.Single(_entries);
        Assert.Equal(("health", $"Health is served at http://127.0.0.1:{second.Address.Port}/health (port {first.Address.Port} is taken)."), (said.Event, said.Message));
        Assert.Equal(("url", (object?)$"http://127.0.0.1:{second.Address.Port}/health"), Assert.Single(said.Fields));
    }

    [Fact]
    public async Task A_port_that_was_asked_for_and_is_taken_is_an_error()
    {
        await using var first = Open();

        var failure = Assert.Throws<PipelineException>(() => Open(new HealthAddress(first.Address, IsRequired: true)));

        Assert.Equal((FailureKind.Endpoint, 3), (failure.Kind, failure.ExitCode));
        Assert.Equal($"Health cannot be served at {first.Address}: another program listens there.", failure.Message);
        Assert.Equal("End that program, or name another port with --health [HOST:]PORT or MATIH_HEALTH (0 takes a free one, off serves none).", failure.Remedy);
    }

    [Theory]
    [InlineData(null, null, true, "127.0.0.1:8471 by default")]
    [InlineData(null, null, false, "none")]
    [InlineData("9000", null, false, "127.0.0.1:9000")]
    [InlineData("9000", "0.0.0.0:1", true, "127.0.0.1:9000")]
    [InlineData(null, "0.0.0.0:8080", false, "0.0.0.0:8080")]
    [InlineData("0", null, true, "127.0.0.1:0")]
    [InlineData("localhost:81", null, true, "127.0.0.1:81")]
    [InlineData("[::1]:81", null, true, "[::1]:81")]
    [InlineData("off", "9000", true, "none")]
    [InlineData(null, "off", true, "none")]
    public void The_option_wins_over_the_variable_and_a_port_alone_is_on_loopback(string? option, string? variable, bool isContinuous, string expected)
    {
        var address = HealthAddress.Of(option, Settings(variable), isContinuous);

        Assert.Equal(expected, address is null ? "none" : $"{address.Endpoint}{(address.IsRequired ? "" : " by default")}");
    }

    [Theory]
    [InlineData("on")]
    [InlineData("65536")]
    [InlineData("-1")]
    [InlineData(":80")]
    [InlineData("example.org:80")]
    [InlineData("1:80")]
    [InlineData("::1:80")]
    [InlineData("[::1]")]
    [InlineData("127.0.0.1:")]
    public void Anything_else_is_refused_with_what_can_be_said(string text)
    {
        var failure = Assert.Throws<UsageException>(() => HealthAddress.Of(text, Settings(null), isContinuous: true));

        Assert.Equal($"--health: '{text}' is neither off nor [HOST:]PORT. HOST is an IP address or localhost (0.0.0.0 for every interface), PORT a number up to 65535; for example 8471 or 0.0.0.0:8471.", failure.Message);
    }

    private static HostSettings Settings(string? variable) => new()
    {
        Environment = name => name == CommandVariables.Health ? variable : null,
        CurrentDirectory = "/",
    };

    private HealthEndpoint Open(HealthAddress? address = null, TimeSpan? timeMax = null) => HealthEndpoint.Open(
        address ?? AnyPort, new HealthReport(new PipelineHealth([_flow], _clock, new HealthLimits(TimeSpan.FromMinutes(2))), "9.8.7", _clock), _metrics, new Log(_entries), timeMax)!;

    private static async Task<(int Status, string Head, string Body)> AskAsync(HealthEndpoint endpoint, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(endpoint.Address, TestContext.Current.CancellationToken);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(client.GetStream(), Encoding.UTF8);
        var answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        var end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return (int.Parse(answer.AsSpan("HTTP/1.1 ".Length, 3), System.Globalization.CultureInfo.InvariantCulture), answer[..(end + 2)], answer[(end + 4)..]);
    }

    private sealed class Log(List<LogEntry> entries) : IEngineLog
    {
        public void Write(LogEntry entry) => entries.Add(entry);
    }
}
