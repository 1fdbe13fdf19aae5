using System.Net;
using System.Net.Sockets;
using System.Text;
using Matih.Delivery;
using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Host.Health;

/// <summary>
/// Answers <c>GET</c> and <c>HEAD</c> for a run's health and metrics, and nothing else, over HTTP/1.1: one request a connection, headers
/// of at most 4 KiB, five seconds at most. When too many are open the oldest is cut off, so that slow clients keep nobody out.
/// </summary>
/// <remarks>
/// A responder of its own, because the platform's HttpListener bounds neither time nor connections, and a web framework
/// would triple the size of the program for four paths.
/// </remarks>
internal sealed class HealthEndpoint : IAsyncDisposable
{
    internal const int ConnectionsMax = 32;
    private const int HeaderBytesMax = 4096;

    private readonly TcpListener _listener;
    private readonly HealthReport _report;
    private readonly MetricsPage _metrics;
    private readonly TimeSpan _timeMax;
    private readonly CancellationTokenSource _end = new();
    private readonly List<(Task Task, CancellationTokenSource Cut)> _connections = [];
    private readonly Task _serving;

    private HealthEndpoint(TcpListener listener, HealthReport report, MetricsPage metrics, TimeSpan timeMax)
    {
        _listener = listener;
        _report = report;
        _metrics = metrics;
        _timeMax = timeMax;
        _serving = ServeAsync();
    }

    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndpoint;

    public string Url => $"http://{Address}/health";

    /// <summary>Listens. Where the default port is taken a free one serves; a port that was asked for is an error then.</summary>
    /// <returns>Null where not even a free port is to be had by default, which the log says.</returns>
    /// <exception cref="PipelineException">The address that was asked for cannot be listened on.</exception>
    public static HealthEndpoint? Open(HealthAddress address, HealthReport report, MetricsPage metrics, IEngineLog log, TimeSpan? timeMax = null)
    {
        var (listener, fault) = Listen(address.Endpoint);
        if (listener is null && address.IsRequired)
        {
            throw new PipelineException(FailureKind.Endpoint,
                $"Health cannot be served at {address.Endpoint}: {(fault!.SocketErrorCode == SocketError.AddressAlreadyInUse ? "another program listens there" : fault.Message)}.",
                "End that program, or name another port with --health [HOST:]PORT or MATIH_HEALTH (0 takes a free one, off serves none).", fault);
        }
        if (listener is null) (listener, fault) = Listen(new IPEndPoint(address.Endpoint.Address, 0));
        if (listener is null)
        {
            log.Warning("health", $"Health is not served: {fault!.Message}.");
            return null;
        }
        var endpoint = new HealthEndpoint(listener, report, metrics, timeMax ?? TimeSpan.FromSeconds(5));
        var isElsewhere = address.Endpoint.Port != 0 && endpoint.Address.Port != address.Endpoint.Port;
        log.Information("health", $"Health is served at {endpoint.Url}{(isElsewhere ? $" (port {address.Endpoint.Port} is taken)" : "")}.",
            ("url", endpoint.Url));
        return endpoint;
    }

    private static (TcpListener? Listener, SocketException? Fault) Listen(IPEndPoint address)
    {
        var listener = new TcpListener(address);
        try
        {
            listener.Start(ConnectionsMax);
            return (listener, null);
        }
        catch (SocketException e)
        {
            listener.Dispose();
            return (null, e);
        }
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync(_end.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // The client left before it was accepted, or no file can be opened just now, which lasts.
                await Task.WhenAny(Task.Delay(TimeSpan.FromMilliseconds(100), _end.Token));
                continue;
            }
            if (_connections.Count >= ConnectionsMax) await MakeRoomAsync();
            var cut = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
            cut.CancelAfter(_timeMax);
            _connections.Add((AnswerAsync(client, cut.Token), cut));
        }
    }

    private async Task MakeRoomAsync()
    {
        if (!_connections.Any(connection => connection.Task.IsCompleted))
        {
            await _connections[0].Cut.CancelAsync();
            await _connections[0].Task;
        }
        foreach (var (_, cut) in _connections.Where(connection => connection.Task.IsCompleted)) cut.Dispose();
        _connections.RemoveAll(connection => connection.Task.IsCompleted);
    }

    private async Task AnswerAsync(Socket client, CancellationToken cancellationToken)
    {
        using var socket = client;
        try
        {
            socket.NoDelay = true;
            var (headers, hasLeft) = await ReadHeadersAsync(socket, cancellationToken);
            if (hasLeft) return;
            await SendAsync(socket, headers is null ? new HealthAnswer(431, "The request's headers have more than 4,096 bytes.\n"u8.ToArray(), "text/plain") : Answer(headers), headers, cancellationToken);
            socket.Shutdown(SocketShutdown.Send);
            // Unread bytes would make the system reset the connection, and the client lose the answer.
            var rest = new byte[HeaderBytesMax];
            for (var total = 0; total < 16 * HeaderBytesMax;)
            {
                var count = await socket.ReceiveAsync(rest, cancellationToken);
                if (count == 0) break;
                total += count;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Too slow, cut off, or gone.
        }
    }

    /// <summary>The request's headers without their end; null where they are too long, or where the client left before their end.</summary>
    private static async ValueTask<(string? Headers, bool HasLeft)> ReadHeadersAsync(Socket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[HeaderBytesMax];
        for (var filled = 0; filled < buffer.Length;)
        {
            var count = await socket.ReceiveAsync(buffer.AsMemory(filled), cancellationToken);
            if (count == 0) return (null, true);
            filled += count;
            var end = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8);
            if (end >= 0) return (Encoding.Latin1.GetString(buffer, 0, end), false);
        }
        return (null, false);
    }

    private HealthAnswer Answer(string headers)
    {
        // RFC 9112, section 3: method SP request-target SP HTTP-version.
        var line = headers.AsSpan(0, headers.IndexOf('\r') is >= 0 and var end ? end : headers.Length).ToString().Split(' ');
        if (line is not [_, ['/', ..], "HTTP/1.1" or "HTTP/1.0"]) return new HealthAnswer(400, "This is no HTTP/1.1 request.\n"u8.ToArray(), "text/plain");
        var path = line[1].Split('?')[0];
        var answer = path == MetricsPage.Path ? _metrics.Answer() : _report.Answer(path);
        return answer is not null && line[0] is not ("GET" or "HEAD")
            ? new HealthAnswer(405, "Only GET and HEAD are answered.\n"u8.ToArray(), "text/plain")
            : answer ?? new HealthAnswer(404, "There are /health, /health/live, /health/ready and /metrics.\n"u8.ToArray(), "text/plain");
    }

    private static async ValueTask SendAsync(Socket socket, HealthAnswer answer, string? request, CancellationToken cancellationToken)
    {
        var headers = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {answer.Status} {ReasonOf(answer.Status)}\r\nContent-Type: {answer.ContentType}\r\nContent-Length: {answer.Body.Length}\r\n"
            + $"{(answer.Status == 405 ? "Allow: GET, HEAD\r\n" : "")}Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n");
        var hasBody = request?.StartsWith("HEAD ", StringComparison.Ordinal) != true;
        ReadOnlyMemory<byte> bytes = hasBody ? (byte[])[.. headers, .. answer.Body] : headers;
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes, cancellationToken)..];
    }

    private static string ReasonOf(int status) => status switch
    {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => throw new InvalidOperationException($"No answer has status {status}."),
    };

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _serving;
        _listener.Dispose();
        await Task.WhenAll(_connections.Select(connection => connection.Task));
        foreach (var (_, cut) in _connections) cut.Dispose();
        _end.Dispose();
    }
}
