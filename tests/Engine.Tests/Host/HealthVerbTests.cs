using System.Net;
using System.Net.Sockets;
using Matih.Engine.Tests.Delivery;
using Matih.Engine.Tests.Hosting;
using Matih.Host.Commands;
using Matih.Host.Health;
using Matih.Host.Runtime;
using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Host;

/// <summary>What <c>matih health</c> says of a run, and by which exit code a container's health check knows it.</summary>
public sealed class HealthVerbTests : IDisposable
{
    private readonly HurriedClock _clock = new();
    private readonly MetricsPage _metrics = new(TelemetryNames.Meter);

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public async Task A_live_run_gives_0_and_its_answer()
    {
        await using var endpoint = Open();

        var said = await AskAsync(endpoint.Address.Port.ToString(System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal((0, "{\"status\":\"live\"}\n", ""), said);
    }

    [Fact]
    public async Task A_run_that_is_not_ready_gives_1_and_the_reason_only_where_that_was_asked()
    {
        await using var endpoint = Open();

        var (code, output, error) = await AskAsync(endpoint.Address.ToString(), "--ready");

        Assert.Equal((1, ""), (code, error));
        Assert.Contains("has not opened its table yet", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_who_answers_gives_1_and_names_the_address()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var free = (IPEndPoint)taken.LocalEndpoint;
        taken.Stop();

        var (code, output, error) = await AskAsync(free.ToString());

        Assert.Equal((1, ""), (code, output));
        Assert.Equal($"matih health: no answer from http://{free}/health/live: Connection refused.\nCheck that a run serves its health there: --health or MATIH_HEALTH of the run, and the url in its log's event health.\n", error);
    }

    [Fact]
    public async Task A_program_that_speaks_something_else_gives_1()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var answering = AnswerWithNonsenseAsync(listener);

        var (code, _, error) = await AskAsync(listener.LocalEndpoint.ToString()!);

        await answering;
        Assert.Equal(1, code);
        Assert.StartsWith("matih health: no answer from ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("off")]
    [InlineData("0")]
    [InlineData("example.org:8471")]
    public async Task What_is_no_address_to_ask_is_a_wrong_command_line(string address)
    {
        var failure = await Assert.ThrowsAsync<UsageException>(() => AskAsync(address));

        Assert.Equal($"ADDRESS: '{address}' is no address that can be asked. Name the [HOST:]PORT at which the run serves its health; HOST is an IP address or localhost, for example 8471 or 10.0.0.7:8471.", failure.Message);
    }

    [Theory]
    [InlineData(null, null, "127.0.0.1:8471")]
    [InlineData(null, "0.0.0.0:9000", "127.0.0.1:9000")]
    [InlineData(null, "[::]:9000", "[::1]:9000")]
    [InlineData("9001", "0.0.0.0:9000", "127.0.0.1:9001")]
    [InlineData("10.0.0.7:9001", "off", "10.0.0.7:9001")]
    public void The_address_is_the_named_one_else_where_the_run_serves(string? address, string? variable, string expected)
    {
        var settings = variable is null ? Settings.Of() : Settings.Of((CommandVariables.Health, variable));

        Assert.Equal(expected, HealthAddress.ToAsk(address, settings).ToString());
    }

    [Fact]
    public void A_run_that_serves_nothing_cannot_be_asked()
    {
        var failure = Assert.Throws<UsageException>(() => HealthAddress.ToAsk(null, Settings.Of((CommandVariables.Health, "off"))));

        Assert.StartsWith("MATIH_HEALTH: 'off' is no address that can be asked.", failure.Message, StringComparison.Ordinal);
    }

    private HealthEndpoint Open() => HealthEndpoint.Open(
        new HealthAddress(new IPEndPoint(IPAddress.Loopback, 0), IsRequired: true),
        new HealthReport(new PipelineHealth([new FlowProgress("orders/lake")], _clock, new HealthLimits(TimeSpan.FromMinutes(2))), "9.8.7", _clock), _metrics, new SilentLog())!;

    private static async Task AnswerWithNonsenseAsync(TcpListener listener)
    {
        using var client = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        await stream.ReadExactlyAsync(new byte["GET ".Length], TestContext.Current.CancellationToken);
        await stream.WriteAsync("220 mail.example.org ESMTP\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
    }

    private static async Task<(int Code, string Output, string Error)> AskAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await new MatihCommand(Settings.Of()).InvokeAsync(["health", .. arguments], output, error);
        return (code, output.ToString(), error.ToString());
    }

    private sealed class SilentLog : IEngineLog
    {
        public void Write(LogEntry entry)
        {
            // The endpoint says where it listens, which the test knows.
        }
    }
}
