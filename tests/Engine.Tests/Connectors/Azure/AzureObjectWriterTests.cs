using System.Collections.Concurrent;
using System.Text;
using System.Xml.Linq;
using Matih.Storage;
using static Matih.Engine.Tests.Connectors.Azure.ScriptedService;

namespace Matih.Engine.Tests.Connectors.Azure;

/// <summary>How a blob is sent, in one piece or in blocks.</summary>
public sealed class AzureObjectWriterTests
{
    private const string Location = Folder + "t/data/f.parquet";
    private const int BlockBytes = 8 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(300_000)]
    [InlineData(BlockBytes)]
    public async Task What_fits_into_a_block_is_one_request_when_it_completes(int length)
    {
        var service = Of(Created);
        await using var writer = await service.Store().CreateAsync(Location, Token);
        await writer.WriteAsync(Bytes(length), Token);
        Assert.Empty(service.Requests);
        Assert.InRange(writer.BufferedBytes, length, Math.Max(64 << 10, 2 * length));

        await writer.CompleteAsync(Token);

        var request = Assert.Single(service.Requests);
        Assert.Equal("PUT", request.Kind);
        Assert.True(Bytes(length).AsSpan().SequenceEqual(request.Body));
        Assert.Equal(0, writer.BufferedBytes);
    }

    [Fact]
    public async Task More_is_sent_in_blocks_and_committed_in_order()
    {
        var (service, bytes) = (Of(Created), Bytes((2 * BlockBytes) + 5));
        await using var writer = await service.Store().CreateAsync(Location, Token);
        for (var at = 0; at < bytes.Length; at += 1_000_003) await writer.WriteAsync(bytes.AsMemory(at, Math.Min(1_000_003, bytes.Length - at)), Token);
        Assert.DoesNotContain("PUT comp=blocklist", service.Kinds);

        await writer.CompleteAsync(Token);

        Assert.Equal(["PUT comp=block", "PUT comp=block", "PUT comp=block", "PUT comp=blocklist"], service.Kinds);
        var blocks = service.Requests.Take(3).ToDictionary(IdOf, request => request.Body);
        Assert.True(bytes.AsSpan().SequenceEqual(ListOf(service.Requests[3]).SelectMany(id => blocks[id]).ToArray()));
        Assert.Equal((bytes.Length, 0), (writer.PositionBytes, writer.BufferedBytes));
    }

    [Fact]
    public async Task Blocks_of_two_writers_of_one_name_have_different_ids_of_one_length()
    {
        var service = Of(Created);
        var store = service.Store();
        foreach (var _ in Enumerable.Range(0, 2))
        {
            await using var writer = await store.CreateAsync(Location, Token);
            await writer.WriteAsync(new byte[BlockBytes + 1], Token);
            await writer.EndAsync(Token);
            await writer.CompleteAsync(Token);
        }

        var ids = service.Requests.Where(request => request.Kind == "PUT comp=block").Select(IdOf).ToList();
        Assert.Equal(4, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Equal(20, Convert.FromBase64String(id).Length));
    }

    [Fact]
    public async Task Writing_continues_while_two_blocks_are_sent_and_holds_three()
    {
        var (sending, release) = (new ConcurrentQueue<string>(), new TaskCompletionSource());
        var service = Of(async request =>
        {
            sending.Enqueue(request.Kind);
            await release.Task;
            return await Created(request);
        });
        await using var writer = await service.Store().CreateAsync(Location, Token);

        await writer.WriteAsync(new byte[3 * BlockBytes], Token);
        var fourth = writer.WriteAsync(new byte[1], Token).AsTask();

        Assert.False(fourth.IsCompleted);
        Assert.Equal(2, service.Requests.Count);
        Assert.Equal(3 * BlockBytes, writer.BufferedBytes);
        release.SetResult();
        await fourth;
        await writer.CompleteAsync(Token);
        Assert.Equal(5, service.Requests.Count);
    }

    [Fact]
    public async Task What_waits_is_sent_when_the_writer_ends_and_a_little_is_kept()
    {
        var large = Of(Created);
        await using (var writer = await large.Store().CreateAsync(Location, Token))
        {
            await writer.WriteAsync(new byte[300_000], Token);
            await writer.EndAsync(Token);
            await writer.CompleteAsync(Token);
            Assert.Equal(["PUT comp=block", "PUT comp=blocklist"], large.Kinds);
        }

        var small = Of(Created);
        await using (var writer = await small.Store().CreateAsync(Location, Token))
        {
            await writer.WriteAsync(new byte[100_000], Token);
            await writer.EndAsync(Token);
            Assert.Empty(small.Requests);
            await writer.CompleteAsync(Token);
            Assert.Equal(["PUT"], small.Kinds);
        }
    }

    [Fact]
    public async Task Lost_answers_to_blocks_and_to_their_list_are_sent_again()
    {
        var service = Of(Cut, Created, Answer(500, "InternalError"), Created, Cut, Answer(503, "ServerBusy"), Created);
        await using var writer = await service.Store().CreateAsync(Location, Token);
        await writer.WriteAsync(new byte[300_000], Token);
        await writer.EndAsync(Token);
        await writer.CompleteAsync(Token);

        Assert.Equal(["PUT comp=block", "PUT comp=block", "PUT comp=blocklist", "PUT comp=blocklist"], service.Kinds);
        Assert.Equal(service.Requests[0].Uri, service.Requests[1].Uri);
        Assert.Equal(service.Requests[2].Body, service.Requests[3].Body);
    }

    [Fact]
    public async Task A_list_whose_answers_are_all_lost_is_unknown()
    {
        var service = Of(Created, Cut);
        await using var writer = await service.Store().CreateAsync(Location, Token);
        await writer.WriteAsync(new byte[300_000], Token);
        await writer.EndAsync(Token);

        var failure = await AzureBlobStoreTests.FailureAsync(writer.CompleteAsync(Token));

        Assert.Equal((StoreFailureKind.UnknownOutcome, Location), (failure.Kind, failure.Location));
    }

    [Fact]
    public async Task A_block_that_fails_fails_whatever_follows_and_nothing_is_committed()
    {
        var service = Of(Answer(403, "AuthenticationFailed"));
        await using var writer = await service.Store().CreateAsync(Location, Token);
        await writer.WriteAsync(new byte[BlockBytes + 1], Token);

        foreach (var _ in Enumerable.Range(0, 2))
            Assert.Equal(StoreFailureKind.Denied, (await AzureBlobStoreTests.FailureAsync(writer.CompleteAsync(Token))).Kind);

        await writer.DisposeAsync();
        Assert.All(service.Kinds, kind => Assert.Equal("PUT comp=block", kind));
        Assert.Equal(0, writer.BufferedBytes);
    }

    [Fact]
    public async Task A_block_that_nobody_takes_in_is_unreachable_and_not_unknown()
    {
        var service = Of(Cut);
        await using var writer = await service.Store().CreateAsync(Location, Token);
        await writer.WriteAsync(new byte[BlockBytes + 1], Token);

        Assert.Equal(StoreFailureKind.Unreachable, (await AzureBlobStoreTests.FailureAsync(writer.CompleteAsync(Token))).Kind);
    }

    [Fact]
    public async Task A_writer_that_is_given_up_cancels_what_it_sends()
    {
        var started = new TaskCompletionSource<SentRequest>();
        var service = Of(async request =>
        {
            started.SetResult(request);
            await Task.Delay(Timeout.Infinite, request.CancellationToken);
            return await Created(request);
        });
        var writer = await service.Store().CreateAsync(Location, Token);
        await writer.WriteAsync(new byte[BlockBytes + 1], Token);
        var sent = await started.Task;

        await writer.DisposeAsync();

        Assert.True(sent.CancellationToken.IsCancellationRequested);
        Assert.Equal(["PUT comp=block"], service.Kinds);
        Assert.Equal(0, writer.BufferedBytes);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await writer.CompleteAsync(Token));
    }

    [Fact]
    public async Task Objects_that_complete_together_are_sent_sixteen_at_a_time()
    {
        var (sending, sendingMax, release) = (0, 0, new TaskCompletionSource());
        var service = Of(async request =>
        {
            lock (release)
            {
                sendingMax = Math.Max(sendingMax, ++sending);
                if (sending == 16) release.TrySetResult();
            }
            await release.Task;
            await Task.Yield();
            lock (release) sending--;
            return await Created(request);
        });
        var store = service.Store();
        var writers = new List<IObjectWriter>();
        for (var i = 0; i < 50; i++)
        {
            writers.Add(await store.CreateAsync($"{Location}.{i}", Token));
            await writers[i].WriteAsync(new byte[i], Token);
        }

        await ((IStore)store).CompleteAsync(writers, Token);

        Assert.Equal(50, service.Requests.Count);
        Assert.Equal(16, sendingMax);
    }

    [Fact]
    public async Task Of_objects_that_complete_together_the_first_failure_is_reported()
    {
        var service = Of(request => request.Uri.AbsolutePath.EndsWith(".7", StringComparison.Ordinal) ? Answer(403, "AuthorizationFailure")(request) : Created(request));
        var store = service.Store();
        var writers = new List<IObjectWriter>();
        for (var i = 0; i < 30; i++) writers.Add(await store.CreateAsync($"{Location}.{i}", Token));

        var failure = await AzureBlobStoreTests.FailureAsync(((IStore)store).CompleteAsync(writers, Token));

        Assert.Equal((StoreFailureKind.Denied, $"{Location}.7"), (failure.Kind, failure.Location));
    }

    private static string IdOf(SentRequest block) =>
        Uri.UnescapeDataString(block.Uri.Query.TrimStart('?').Split('&').Single(part => part.StartsWith("blockid=", StringComparison.Ordinal))["blockid=".Length..]);

    private static IEnumerable<string> ListOf(SentRequest list) => XDocument.Parse(Encoding.UTF8.GetString(list.Body).TrimStart('\uFEFF')).Root!.Elements().Select(element => element.Value);

    private static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
