using Matih.Delivery;

namespace Matih.Hosting.Flink;

/// <summary>A Flink cluster, by the address of its SQL Gateway.</summary>
/// <param name="gateway">Such as <c>http://flink:8083</c>.</param>
/// <param name="jobManager">Where the JobManager's REST endpoint is reached from here; null takes what the gateway is configured with.</param>
public sealed class FlinkCluster(Uri gateway, Uri? jobManager, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ConnectMax = TimeSpan.FromSeconds(5);

    private readonly HttpClient _client = new(new SocketsHttpHandler { ConnectTimeout = ConnectMax }) { Timeout = Timeout.InfiniteTimeSpan };

    internal TimeProvider Clock => clock;

    internal async Task<GatewaySession> OpenSessionAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await GatewaySession.OpenAsync(new FlinkHttp(_client, gateway, "The SQL Gateway", CallMax), clock, cancellationToken);
        }
        catch (FlinkSilenceException silence)
        {
            throw FlinkHttp.Failed(silence.Message, "Start the SQL Gateway (bin/sql-gateway.sh start), or correct the address.", silence);
        }
    }

    internal async Task<JobsEndpoint> JobManagerAsync(GatewaySession session, CancellationToken cancellationToken)
    {
        if (jobManager is not null) return new JobsEndpoint(Http(jobManager));
        var options = await session.OptionsAsync(cancellationToken);
        if (options.TryGetValue("rest.address", out var host) && options.TryGetValue("rest.port", out var port) && Uri.TryCreate($"http://{host}:{port}", UriKind.Absolute, out var address))
            return new JobsEndpoint(Http(address));
        throw FlinkHttp.Failed($"The SQL Gateway at {gateway} does not say where the JobManager is.", "Give the JobManager's address with --jobmanager, such as http://flink:8081.");
    }

    /// <summary>The JobManager alone, for what needs no session.</summary>
    internal async Task<JobsEndpoint> FindJobManagerAsync(CancellationToken cancellationToken)
    {
        if (jobManager is not null) return new JobsEndpoint(Http(jobManager));
        await using var session = await OpenSessionAsync(cancellationToken);
        return await JobManagerAsync(session, cancellationToken);
    }

    private FlinkHttp Http(Uri address) => new(_client, address, "The JobManager", CallMax);

    public void Dispose() => _client.Dispose();
}
