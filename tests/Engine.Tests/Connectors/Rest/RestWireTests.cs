using System.Net;
using System.Net.Sockets;
using System.Text;
using Matih.Connectors.Rest;
using Matih.Definition;
using Matih.Iceberg.Catalogs;

namespace Matih.Engine.Tests.Connectors.Rest;

/// <summary>What really goes over the wire: the network layer below must not resend or follow anything by itself.</summary>
public sealed class RestWireTests : IDisposable
{
    private readonly RestSetting _rest = new();

    public void Dispose() => _rest.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"meta")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"met")]
    [InlineData("nonsense\r\n\r\n")]
    public async Task A_commit_goes_out_once_where_a_kept_connection_is_cut_before_or_within_the_answer(string answer)
    {
        var table = await _rest.CreateAsync();
        using var wire = new Wire(_rest, answer);
        var catalog = wire.Open();
        await catalog.LoadAsync(RestSetting.Orders, default);
        var (requirements, updates) = await _rest.PrepareAsync(table);

        var result = await catalog.CommitAsync(table, requirements, updates, default);

        Assert.IsType<CommitResult.Unknown>(result);
        Assert.Equal(1, wire.CommitCount);
        // The connection was kept for the commit: the handler was free to try another one, and did not.
        Assert.Equal(1, wire.ConnectionCount);
    }

    [Theory]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task A_redirect_is_not_followed_and_takes_no_credentials_along(int status)
    {
        var table = await _rest.CreateAsync();
        using var wire = new Wire(_rest, $"HTTP/1.1 {status} Elsewhere\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
        var catalog = wire.Open();
        var (requirements, updates) = await _rest.PrepareAsync(table);

        await Assert.ThrowsAsync<UnsupportedTableException>(() => catalog.CommitAsync(table, requirements, updates, default).AsTask());

        Assert.Equal(1, wire.CommitCount);
        Assert.DoesNotContain("/elsewhere", wire.Paths);
    }

    /// <summary>A server on a socket: commits get a fixed answer and lose the connection, all else the scripted catalog answers.</summary>
    private sealed class Wire : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly RestSetting _rest;
        private readonly string _answer;
        private readonly Task _serving;
        private readonly HttpMessageInvoker _server;
        private readonly SocketsHttpHandler _handler = RestParts.CreateHandler();

        public Wire(RestSetting rest, string answer)
        {
            _rest = rest;
            _answer = answer;
            _server = new HttpMessageInvoker(rest.Server, disposeHandler: false);
            _listener.Start();
            _serving = ServeAsync();
        }

        public int CommitCount { get; private set; }

        public int ConnectionCount { get; private set; }

        public List<string> Paths { get; } = [];

        public RestCatalog Open()
        {
            Assert.True(EndpointUrl.TryParse($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}", out var uri));
            var definition = new CatalogDefinition.Rest("wire", uri!, null) { Auth = new RestAuth.Bearer(new Secret("a-token-of-the-wire")) };
            return RestCatalog.Open(definition, _rest.Store, _rest.Ids, TimeProvider.System, _rest.Server.Parts with { Handler = _handler });
        }

        private async Task ServeAsync()
        {
            while (true)
            {
                Socket socket;
                try
                {
                    socket = await _listener.AcceptSocketAsync();
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
                {
                    return;
                }
                ConnectionCount++;
                await using var stream = new NetworkStream(socket, ownsSocket: true);
                while (await ServeRequestAsync(stream)) { }
            }
        }

        /// <summary>False once the connection is to be closed.</summary>
        private async Task<bool> ServeRequestAsync(NetworkStream stream)
        {
            if (await ReadLineAsync(stream) is not { Length: > 0 } first) return false;
            var (method, path) = (first.Split(' ')[0], first.Split(' ')[1]);
            var length = 0;
            while (await ReadLineAsync(stream) is { Length: > 0 } header)
                if (header.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)) length = int.Parse(header[15..], System.Globalization.CultureInfo.InvariantCulture);
            var body = new byte[length];
            await stream.ReadExactlyAsync(body);
            Paths.Add(path);
            if (method == "POST")
            {
                CommitCount++;
                await stream.WriteAsync(Encoding.ASCII.GetBytes(_answer));
                return false;
            }
            using var request = new HttpRequestMessage(new HttpMethod(method), $"http://catalog.test{path}");
            using var answer = await _server.SendAsync(request, default);
            var content = await answer.Content.ReadAsByteArrayAsync();
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {(int)answer.StatusCode} X\r\nContent-Type: application/json\r\nContent-Length: {content.Length}\r\n\r\n"));
            await stream.WriteAsync(content);
            return true;
        }

        private static async Task<string?> ReadLineAsync(NetworkStream stream)
        {
            var line = new List<byte>();
            var one = new byte[1];
            while (await stream.ReadAsync(one) == 1)
            {
                if (one[0] == '\n') return Encoding.ASCII.GetString([.. line]).TrimEnd('\r');
                line.Add(one[0]);
            }
            return null;
        }

        public void Dispose()
        {
            _listener.Stop();
            _handler.Dispose();
            _serving.Wait(TimeSpan.FromSeconds(10));
            _server.Dispose();
        }
    }
}
