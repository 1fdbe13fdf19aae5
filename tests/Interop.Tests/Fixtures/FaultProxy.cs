using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Matih.Fixtures;

/// <summary>
/// An HTTP/1.1 server on this machine between a client and the server that it means, which does to each request what a script
/// says: hands it on, delays it, cuts the connection before or after it took effect, answers in the server's place. Without a
/// server behind it, the script answers everything. Requests are handed on byte for byte, so that signatures stay valid.
/// </summary>
/// <remarks>
/// A request is read whole before the script sees it. Each is handed on through a connection of its own, so that no connection
/// fails that the script did not mean.
/// </remarks>
public sealed class FaultProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentQueue<ProxiedRequest> _requests = new();
    private readonly ConcurrentDictionary<Task, bool> _connections = new();
    private readonly Uri? _server;
    private readonly Func<ProxiedRequest, ProxyFault> _script;
    private readonly bool _keepsRequests;
    private readonly X509Certificate2? _certificate;
    private readonly Task _accepting;
    private int _requestCount;

    private FaultProxy(Uri? server, Func<ProxiedRequest, ProxyFault> script, bool keepsRequests = true, X509Certificate2? certificate = null)
    {
        (_server, _script, _keepsRequests, _certificate) = (server, script, keepsRequests, certificate);
        _listener.Start();
        Uri = new Uri($"{(certificate is null ? "http" : "https")}://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _accepting = AcceptAsync();
    }

    /// <summary>Where clients connect to.</summary>
    public Uri Uri { get; }

    /// <summary>Every request so far that was read whole, in the order in which the script saw them.</summary>
    public IReadOnlyCollection<ProxiedRequest> Requests => _requests;

    /// <summary>A proxy before a server.</summary>
    /// <param name="keepsRequests">Whether <see cref="Requests"/> is filled, with the bodies of all requests.</param>
    public static FaultProxy Start(Uri server, Func<ProxiedRequest, ProxyFault> script, bool keepsRequests = true) => new(server, script, keepsRequests);

    /// <summary>A proxy to which clients speak TLS, before a server to which it does not.</summary>
    /// <param name="certificate">For 127.0.0.1, with its key.</param>
    public static FaultProxy StartTls(Uri server, X509Certificate2 certificate, Func<ProxiedRequest, ProxyFault> script) => new(server, script, certificate: certificate);

    /// <summary>A server that consists of the script; it must answer or cut.</summary>
    public static FaultProxy Start(Func<ProxiedRequest, ProxyFault> script) => new(null, script);

    /// <summary>A script that does one of the faults to a part of the requests, the same for the same seed and order of requests.</summary>
    public static Func<ProxiedRequest, ProxyFault> AtRandom(int seed, double rate, params ProxyFault[] faults)
    {
        var random = new Random(seed);
        return _ =>
        {
            lock (random) return random.NextDouble() < rate ? faults[random.Next(faults.Length)] : new ProxyFault.None();
        };
    }

    public async ValueTask DisposeAsync()
    {
        _ending.Cancel();
        await _accepting;
        _listener.Stop();
        await Task.WhenAll(_connections.Keys);
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync(_ending.Token);
                var connection = Task.Run(() => ServeAsync(client));
                _connections[connection] = true;
                _ = connection.ContinueWith(ended => _connections.TryRemove(ended, out _), TaskScheduler.Default);
            }
        }
        catch (OperationCanceledException)
        {
            // The proxy ends.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        client.NoDelay = true;
        await using var network = new NetworkStream(client, ownsSocket: true);
        await using var tls = _certificate is null ? null : new SslStream(network);
        var stream = tls ?? (Stream)network;
        try
        {
            if (tls is not null) await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _ending.Token);
            var reader = new HttpMessageReader(stream);
            while (await reader.ReadHeadAsync(_ending.Token) is { } head)
            {
                if (head.Headers.TryGetValue("Expect", out _)) await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), _ending.Token);
                var (raw, body) = await reader.ReadBodyAsync(head, hasBodyWithoutLength: false, _ending.Token);
                var start = head.StartLine.Split(' ');
                var request = new ProxiedRequest(Interlocked.Increment(ref _requestCount), start[0], start[1], head.Headers, body);
                if (_keepsRequests) _requests.Enqueue(request);
                var fault = _script(request);
                await fault.Until.WaitAsync(_ending.Token);
                if (!await DoAsync(fault, request, head, raw, stream)) break;
            }
            client.LingerState = new LingerOption(true, 0);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or SocketException or AuthenticationException)
        {
            // The client is gone, does not trust the certificate, or the proxy ends.
        }
    }

    /// <summary>False cuts the connection.</summary>
    private async Task<bool> DoAsync(ProxyFault fault, ProxiedRequest request, HttpMessageHead head, byte[] rawBody, Stream client)
    {
        switch (fault)
        {
            case ProxyFault.CutBefore:
                return false;
            case ProxyFault.Answer { IsEffective: false } answer:
                await client.WriteAsync(answer.Bytes(request.Method == "HEAD"), _ending.Token);
                return true;
            case ProxyFault.Delay delay:
                await Task.Delay(delay.Time, _ending.Token);
                break;
        }
        if (await SendOnAsync(request, head, rawBody) is not { } real) return false;
        switch (fault)
        {
            case ProxyFault.CutAfter:
                return false;
            case ProxyFault.CutWithin:
                await client.WriteAsync(real.AsMemory(0, real.Length - Math.Max(1, real.Length / 4)), _ending.Token);
                return false;
            case ProxyFault.Answer answer:
                await client.WriteAsync(answer.Bytes(request.Method == "HEAD"), _ending.Token);
                return true;
            case ProxyFault.Drip drip:
                for (var at = 0; at < real.Length; at += drip.ChunkBytes)
                {
                    await client.WriteAsync(real.AsMemory(at, Math.Min(drip.ChunkBytes, real.Length - at)), _ending.Token);
                    await Task.Delay(drip.Pause, _ending.Token);
                }
                return true;
            default:
                await client.WriteAsync(real, _ending.Token);
                return true;
        }
    }

    /// <summary>The server's whole answer; null where it cut the connection itself, or is not there.</summary>
    private async Task<byte[]?> SendOnAsync(ProxiedRequest request, HttpMessageHead head, byte[] rawBody)
    {
        if (_server is null) throw new InvalidOperationException($"There is no server behind the script, which has no answer for {request}.");
        try
        {
            using var connection = new TcpClient { NoDelay = true };
            await connection.ConnectAsync(_server.Host, _server.Port, _ending.Token);
            var stream = connection.GetStream();
            await stream.WriteAsync(head.Without("Expect"), _ending.Token);
            await stream.WriteAsync(rawBody, _ending.Token);
            var reader = new HttpMessageReader(stream);
            while (await reader.ReadHeadAsync(_ending.Token) is { } answer)
            {
                var status = int.Parse(answer.StartLine.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
                if (status is >= 100 and < 200) continue;
                if (request.Method == "HEAD" || status is 204 or 304) return answer.Raw;
                var (raw, _) = await reader.ReadBodyAsync(answer, hasBodyWithoutLength: true, _ending.Token);
                return [.. answer.Raw, .. raw];
            }
            return null;
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            return null;
        }
    }
}

/// <summary>A request that a <see cref="FaultProxy"/> has read.</summary>
/// <param name="Number">From 1 on.</param>
/// <param name="Target">Path and query as the client sent them.</param>
/// <param name="Headers">Names ignore case; values of one name are joined by commas.</param>
/// <param name="Body">Without the framing of chunked transfer.</param>
public sealed record ProxiedRequest(int Number, string Method, string Target, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Path => Target.Split('?')[0];

    /// <summary>Behind the question mark; empty where there is none.</summary>
    public string Query => Target.Contains('?', StringComparison.Ordinal) ? Target[(Target.IndexOf('?', StringComparison.Ordinal) + 1)..] : "";

    public override string ToString() => $"{Method} {Target}";
}

/// <summary>What a <see cref="FaultProxy"/> does to a request. A closed family.</summary>
public abstract record ProxyFault
{
    private ProxyFault() { }

    /// <summary>Nothing happens to the request before this has ended.</summary>
    public Task Until { get; init; } = Task.CompletedTask;

    /// <summary>Hands it on.</summary>
    public sealed record None : ProxyFault;

    /// <summary>Hands it on after a while.</summary>
    public sealed record Delay(TimeSpan Time) : ProxyFault;

    /// <summary>Cuts the connection; the server never sees the request.</summary>
    public sealed record CutBefore : ProxyFault;

    /// <summary>The request takes effect; the connection is cut before any of the answer.</summary>
    public sealed record CutAfter : ProxyFault;

    /// <summary>The request takes effect; the connection is cut before the answer's last quarter.</summary>
    public sealed record CutWithin : ProxyFault;

    /// <summary>Hands it on; the answer arrives in small pieces.</summary>
    public sealed record Drip(int ChunkBytes, TimeSpan Pause) : ProxyFault;

    /// <summary>Answers in the server's place.</summary>
    /// <param name="Headers">A Content-Length among them stands in place of the body's own, also where it does not fit.</param>
    public sealed record Answer(int Status, string Body = "", params (string Name, string Value)[] Headers) : ProxyFault
    {
        /// <summary>Whether the server sees the request all the same and only its answer is replaced.</summary>
        public bool IsEffective { get; init; }

        internal byte[] Bytes(bool isHeadAlone)
        {
            var body = System.Text.Encoding.UTF8.GetBytes(Body);
            var lines = Headers.Select(header => $"{header.Name}: {header.Value}\r\n").ToList();
            if (!Headers.Any(header => header.Name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))) lines.Add($"Content-Length: {body.Length}\r\n");
            var head = System.Text.Encoding.Latin1.GetBytes($"HTTP/1.1 {Status} Scripted\r\n{string.Concat(lines)}\r\n");
            return isHeadAlone ? head : [.. head, .. body];
        }
    }
}
