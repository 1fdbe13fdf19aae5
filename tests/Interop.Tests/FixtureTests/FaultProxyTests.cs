using System.Net;
using Matih.Fixtures;

namespace Matih.Interop.Tests.FixtureTests;

public sealed class FaultProxyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_script_answers_by_itself_and_sees_the_whole_request()
    {
        await using var server = FaultProxy.Start(request => new ProxyFault.Answer(request.Number == 1 ? 409 : 200, $"{request.Body.Length}", ("X-Said", request.Headers["X-Asked"])));
        using var client = NewClient(server.Uri);

        foreach (var (status, content) in ((HttpStatusCode, HttpContent)[])[(HttpStatusCode.Conflict, new ByteArrayContent(new byte[100_000])), (HttpStatusCode.OK, new StreamContent(new Unseekable(300_000)))])
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, "/a%2Fb?c=d") { Content = content, Headers = { { "X-Asked", "yes" }, { "Expect", "100-continue" } } };
            using var answer = await client.SendAsync(request, Token);
            Assert.Equal((status, "yes"), (answer.StatusCode, answer.Headers.GetValues("X-Said").Single()));
        }

        Assert.Equal([("/a%2Fb", "c=d", 100_000), ("/a%2Fb", "c=d", 300_000)], server.Requests.Select(request => (request.Path, request.Query, request.Body.Length)));
    }

    [Fact]
    public async Task A_request_is_cut_before_or_after_it_took_effect_or_its_answer_is_replaced()
    {
        await using var server = FaultProxy.Start(request => new ProxyFault.Answer(200, new string('x', 1000)));
        var faults = new Queue<ProxyFault>([
            new ProxyFault.None(), new ProxyFault.CutBefore(), new ProxyFault.CutAfter(), new ProxyFault.CutWithin(), new ProxyFault.Answer(503),
            new ProxyFault.Answer(500) { IsEffective = true }, new ProxyFault.Drip(100, TimeSpan.FromMilliseconds(1)), new ProxyFault.Delay(TimeSpan.FromMilliseconds(1)),
        ]);
        await using var proxy = FaultProxy.Start(server.Uri, _ => faults.Dequeue());
        using var client = NewClient(proxy.Uri);
        var seen = new List<string>();

        for (var i = 0; i < 8; i++)
        {
            try
            {
                using var answer = await client.PostAsync($"/{i}", new StringContent("body"), Token);
                seen.Add($"{(int)answer.StatusCode} {(await answer.Content.ReadAsStringAsync(Token)).Length}");
            }
            catch (HttpRequestException)
            {
                seen.Add("cut");
            }
        }

        Assert.Equal(["200 1000", "cut", "cut", "cut", "503 0", "500 0", "200 1000", "200 1000"], seen);
        Assert.Equal(["/0", "/2", "/3", "/5", "/6", "/7"], server.Requests.Select(request => request.Path));
    }

    [Fact]
    public async Task A_request_waits_for_a_signal_and_random_faults_come_from_a_seed()
    {
        var signal = new TaskCompletionSource();
        await using var server = FaultProxy.Start(request => new ProxyFault.Answer(200) { Until = signal.Task });
        using var client = NewClient(server.Uri);

        var call = client.GetAsync("/", Token);
        while (server.Requests.Count == 0) await Task.Yield();
        Assert.False(call.IsCompleted);
        signal.SetResult();
        (await call).Dispose();

        var (one, other) = (FaultProxy.AtRandom(7, 0.3, new ProxyFault.CutAfter(), new ProxyFault.CutBefore()), FaultProxy.AtRandom(7, 0.3, new ProxyFault.CutAfter(), new ProxyFault.CutBefore()));
        var faults = Enumerable.Range(0, 1000).Select(_ => one(server.Requests.First())).ToList();
        Assert.Equal(faults, Enumerable.Range(0, 1000).Select(_ => other(server.Requests.First())));
        Assert.InRange(faults.Count(fault => fault is not ProxyFault.None), 200, 400);
    }

    private static HttpClient NewClient(Uri uri) => new(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromSeconds(30) }) { BaseAddress = uri };

    /// <summary>Has no known length, so that it is sent in chunks.</summary>
    private sealed class Unseekable(int length) : Stream
    {
        private int _left = length;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = Math.Min(count, _left);
            _left -= read;
            return read;
        }

        public override void Flush() => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
