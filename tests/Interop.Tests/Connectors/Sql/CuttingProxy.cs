using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Matih.Interop.Tests.Connectors.Sql;

/// <summary>
/// Stands between a client and a server, and cuts the connection at the first request that holds a text: before the server gets it,
/// after the server has answered (the answer is lost), or when the caller says so.
/// </summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _serverPort;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;
    private Cut? _cut;

    public CuttingProxy(int serverPort)
    {
        _serverPort = serverPort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Whether new connections are refused as well, after the cut.</summary>
    public bool StaysDown { get; set; }

    private bool _isDown;

    private sealed record Cut(string Text, bool IsForwarded, Func<Task>? Until);

    public void CutBefore(string text) => _cut = new Cut(text, IsForwarded: false, null);

    public void CutAfter(string text) => _cut = new Cut(text, IsForwarded: true, null);

    /// <summary>Forwards the request, and cuts as soon as the task has ended, whether the server has answered or not.</summary>
    public void CutWhen(string text, Func<Task> until) => _cut = new Cut(text, IsForwarded: true, until);

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_end.Token));
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient();
        using (client)
        {
            if (_isDown) return;
            await server.ConnectAsync(IPAddress.Loopback, _serverPort, _end.Token);
            var (near, far) = (client.GetStream(), server.GetStream());
            var answers = new Answers();
            var pumping = PumpAnswersAsync(far, near, answers);
            await PumpRequestsAsync(near, far, answers);
            client.Client.Close(0);
        }
        server.Close();
    }

    private async Task PumpRequestsAsync(NetworkStream client, NetworkStream server, Answers answers)
    {
        var buffer = new byte[1 << 16];
        try
        {
            for (int count; (count = await client.ReadAsync(buffer, _end.Token)) > 0;)
            {
                var request = buffer.AsMemory(0, count);
                if (_cut is { } cut && Encoding.UTF8.GetString(request.Span).Contains(cut.Text, StringComparison.Ordinal))
                {
                    _cut = null;
                    if (cut.IsForwarded)
                    {
                        answers.AreHeld = true;
                        await server.WriteAsync(request, _end.Token);
                        await (cut.Until?.Invoke() ?? answers.First.Task);
                    }
                    _isDown = StaysDown;
                    return;
                }
                await server.WriteAsync(request, _end.Token);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // One of both sides is gone.
        }
    }

    private async Task PumpAnswersAsync(NetworkStream server, NetworkStream client, Answers answers)
    {
        var buffer = new byte[1 << 16];
        try
        {
            for (int count; (count = await server.ReadAsync(buffer, _end.Token)) > 0;)
            {
                if (answers.AreHeld) answers.First.TrySetResult();
                else await client.WriteAsync(buffer.AsMemory(0, count), _end.Token);
            }
            answers.First.TrySetResult();
            client.Close();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            answers.First.TrySetResult();
        }
    }

    private sealed class Answers
    {
        public volatile bool AreHeld;

        public TaskCompletionSource First { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting;
        _end.Dispose();
    }
}
