using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Infra;

/// <summary>
/// One process of the Bicep compiler that answers all requests, one after the other, and ends with the tests: a start of its own
/// for each of many evaluations takes most of their CPU time. Thread-safe.
/// </summary>
/// <remarks>JSON-RPC 2.0 over a loopback connection, with the headers of the Language Server Protocol (`bicep jsonrpc --socket`).</remarks>
internal static class BicepServer
{
    private static readonly SemaphoreSlim Turn = new(1);
    private static readonly Lazy<Task<Connection>> Server = new(ConnectAsync);

    /// <summary>What the compiler answers.</summary>
    /// <exception cref="InvalidOperationException">It refuses the request, or has ended.</exception>
    public static async Task<JsonNode> AskAsync(string method, JsonObject request)
    {
        var server = await Server.Value;
        await Turn.WaitAsync();
        try
        {
            var answer = await server.AskAsync(new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = method, ["params"] = new JsonArray(request) });
            return answer["result"] ?? throw new InvalidOperationException($"{method}: {answer["error"]?["message"]} {answer["error"]?["data"]?["message"]}");
        }
        finally
        {
            Turn.Release();
        }
    }

    private static async Task<Connection> ConnectAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        var process = ExternalProcess.Start(BicepCompiler.Find(), ["jsonrpc", "--socket", port], environment: BicepCompiler.Environment());
        using var limit = new CancellationTokenSource(ExternalProcess.WaitMax);
        return new Connection(process, (await listener.AcceptTcpClientAsync(limit.Token)).GetStream());
    }

    private sealed class Connection(ExternalProcess process, Stream stream)
    {
        public async Task<JsonNode> AskAsync(JsonObject request)
        {
            using var limit = new CancellationTokenSource(ExternalProcess.WaitMax);
            try
            {
                var body = JsonSerializer.SerializeToUtf8Bytes(request);
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"Content-Length: {body.Length}\r\n\r\n"), limit.Token);
                await stream.WriteAsync(body, limit.Token);
                var answer = new byte[await ReadLengthAsync(limit.Token)];
                await stream.ReadExactlyAsync(answer, limit.Token);
                return JsonNode.Parse(answer)!;
            }
            catch (IOException failure)
            {
                throw new InvalidOperationException($"{process.CommandLine} does not answer: {failure.Message}\n{process.Output.Text}\n{process.Error.Text}", failure);
            }
        }

        private async Task<int> ReadLengthAsync(CancellationToken cancellationToken)
        {
            var head = new StringBuilder();
            var one = new byte[1];
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            {
                await stream.ReadExactlyAsync(one, cancellationToken);
                head.Append((char)one[0]);
            }
            const string Length = "Content-Length: ";
            var line = head.ToString().Split("\r\n").First(line => line.StartsWith(Length, StringComparison.OrdinalIgnoreCase));
            return int.Parse(line.AsSpan(Length.Length), CultureInfo.InvariantCulture);
        }
    }
}
