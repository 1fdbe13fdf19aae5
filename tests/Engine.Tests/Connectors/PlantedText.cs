using System.Net;
using System.Net.Sockets;
using System.Text;
using Matih.Fixtures;

namespace Matih.Engine.Tests.Connectors;

/// <summary>A secret of characters that addresses, forms, XML and JSON write otherwise, and a search for what is left of it.</summary>
internal static class PlantedText
{
    /// <summary>No encoding of text changes this part.</summary>
    private const string Core = "PlantedSecret7fQzK9";

    public const string Text = $"a+b/{Core}=&<c>";

    /// <summary>In the form of the key of a storage account.</summary>
    public static string Key { get; } = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Core}-{Core}-{Core}"));

    /// <summary>A shared access signature whose signature is the secret.</summary>
    public static string Sas { get; } = $"sv=2023-11-03&sr=c&sp=racwdl&sig={Uri.EscapeDataString(Text)}";

    private static readonly string[] Traces = [Core, Convert.ToHexString(Encoding.UTF8.GetBytes(Core)), .. InBase64(Core), .. InBase64(Key)];

    /// <summary>Whether anything of the secret can be read out of a text, whatever it was encoded with.</summary>
    public static bool IsIn(string text) => Traces.Any(trace => text.Contains(trace, StringComparison.OrdinalIgnoreCase));

    public static void AssertNotIn(string text) => Assert.False(IsIn(text), text);

    /// <summary>What is in Base64 wherever the text stands in what is encoded.</summary>
    private static IEnumerable<string> InBase64(string text)
    {
        for (var skipped = 0; skipped < 3; skipped++)
        {
            byte[] bytes = [.. new byte[skipped], .. Encoding.UTF8.GetBytes(text)];
            yield return Convert.ToBase64String(bytes)[((skipped * 8 + 5) / 6)..(bytes.Length * 8 / 6)];
        }
    }
}

/// <summary>Servers that repeat the secrets that they were sent, as those do that explain a refusal at length.</summary>
internal static class EchoServers
{
    /// <summary>What a server answers to any request; null is an address at which nobody listens.</summary>
    public static TheoryData<string> Behaviours => ["refuses", "is not well", "understands nothing", "redirects", "accepts", "is no server"];

    public static FaultProxy Start(string behaviour) => FaultProxy.Start(request =>
    {
        var echo = EchoOf(request);
        var body = BodyOf(request, echo);
        var type = ("Content-Type", body.StartsWith('{') ? "application/json" : "application/xml");
        return behaviour switch
        {
            "refuses" => new ProxyFault.Answer(403, body, type, ("x-ms-error-code", echo), ("x-ms-request-id", echo), ("x-amz-request-id", echo)),
            "is not well" => new ProxyFault.Answer(500, body, type),
            "understands nothing" => new ProxyFault.Answer(400, body, type),
            "redirects" => new ProxyFault.Answer(307, body, type, ("Location", $"http://{Uri.EscapeDataString(echo)}@127.0.0.1:1/{Uri.EscapeDataString(echo)}?{Uri.EscapeDataString(echo)}")),
            "accepts" => new ProxyFault.Answer(200, body, type),
            _ => new ProxyFault.Answer(200, body, ($"{echo} is no header", "")),
        };
    });

    /// <summary>Of the request, each part that holds the secret, as it came and decoded.</summary>
    private static string EchoOf(ProxiedRequest request)
    {
        var parts = request.Headers.Values.Concat(request.Target.Split('?', '&')).Concat(Encoding.UTF8.GetString(request.Body).Split('&')).Where(PlantedText.IsIn).ToList();
        return parts.Count == 0 ? "nothing" : string.Join(' ', parts.Concat(parts.Select(Uri.UnescapeDataString)));
    }

    private static string BodyOf(ProxiedRequest request, string echo)
    {
        if (request.Headers.GetValueOrDefault("Accept")?.Contains("json", StringComparison.Ordinal) != true)
        {
            var text = WebUtility.HtmlEncode(echo);
            var error = $"<Error><Code>{text}</Code><Message>{text}</Message><RequestId>{text}</RequestId></Error>";
            return request.Method == "POST" ? $"<ErrorResponse>{error}<RequestId>{text}</RequestId></ErrorResponse>" : error;
        }
        var value = System.Text.Json.JsonEncodedText.Encode(echo);
        return request.Target.Contains("tokens", StringComparison.Ordinal) ? $$"""{"error":"{{value}}"}""" : $$$"""{"error":{"message":"{{{value}}}","type":"{{{value}}}","code":1},"error_code":1,"message":"{{{value}}}","schemaType":"{{{value}}}","overrides":{"uri":"{{{value}}}"}}""";
    }
}

/// <summary>A PostgreSQL server that asks for the password in clear text, and repeats it in its refusal.</summary>
/// <remarks>Source: PostgreSQL documentation, "Message Formats" of protocol version 3.</remarks>
internal sealed class EchoPostgreSql : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _serving;

    public EchoPostgreSql()
    {
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Address => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public int PasswordCount { get; private set; }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                try
                {
                    await AnswerAsync(client.GetStream());
                }
                catch (IOException)
                {
                    // The client is gone.
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The server ends.
        }
    }

    private async Task AnswerAsync(NetworkStream stream)
    {
        // Requests for encryption have eight bytes, and are refused with one.
        while ((await MessageAsync(stream)).Length == 4) await stream.WriteAsync("N"u8.ToArray());
        await stream.WriteAsync(new byte[] { (byte)'R', 0, 0, 0, 8, 0, 0, 0, 3 });
        await stream.ReadExactlyAsync(new byte[1]);
        var password = Encoding.UTF8.GetString(await MessageAsync(stream)).TrimEnd('\0');
        PasswordCount++;
        var fields = Encoding.UTF8.GetBytes($"SFATAL\0VFATAL\0C28P01\0M'{password}' is wrong: {Uri.EscapeDataString(password)}\0D{password}\0H{password}\0\0");
        await stream.WriteAsync(new byte[] { (byte)'E', 0, 0, (byte)((fields.Length + 4) >> 8), (byte)(fields.Length + 4) });
        await stream.WriteAsync(fields);
    }

    /// <summary>What follows a length, without it.</summary>
    private static async Task<byte[]> MessageAsync(NetworkStream stream)
    {
        var length = new byte[4];
        await stream.ReadExactlyAsync(length);
        var message = new byte[System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(length) - 4];
        await stream.ReadExactlyAsync(message);
        return message;
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _serving;
    }
}
