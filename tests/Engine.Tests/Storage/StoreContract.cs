using Matih.Storage;

namespace Matih.Engine.Tests.Storage;

/// <summary>What every store does, whatever it is made of. A class for each store runs it.</summary>
public abstract class StoreContract
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A client of the store under test. Each call gives another one, as another process has it.</summary>
    protected abstract IStore Open();

    /// <summary>A folder that nothing else uses, with a slash at its end.</summary>
    protected abstract string Folder { get; }

    /// <summary>A size that the store's client sends in several requests.</summary>
    protected abstract int LargeBytes { get; }

    /// <summary>The objects in one answer to a listing, where the store's client asks for them in several requests.</summary>
    protected const int PageObjects = 20;

    /// <summary>Why the server under test, and not its client, lets two callers put one absent object; null where it does not.</summary>
    protected virtual string? RaceReason => null;

    [Fact]
    public async Task An_object_is_there_once_it_is_complete_and_not_before()
    {
        var (store, location) = (Open(), $"{Folder}a/b.bin");
        await using (var writer = await store.CreateAsync(location, Token))
        {
            await writer.WriteAsync("half"u8.ToArray(), Token);
            await writer.WriteAsync("whole"u8.ToArray(), Token);
            await writer.EndAsync(Token);
            Assert.Null(await store.ReadAsync(location, Token));
            Assert.Equal(9, writer.PositionBytes);
            await writer.CompleteAsync(Token);
            Assert.Equal(0, writer.BufferedBytes);
        }

        Assert.Equal("halfwhole"u8.ToArray(), await Open().ReadAsync(location, Token));
        Assert.Equal(9, await store.LengthAsync(location, Token));
    }

    [Fact]
    public async Task A_large_object_is_whole()
    {
        var (store, location, bytes) = (Open(), $"{Folder}large", Bytes(LargeBytes));
        await using (var writer = await store.CreateAsync(location, Token))
        {
            var buffer = new byte[100_003];
            for (var at = 0; at < bytes.Length; at += buffer.Length)
            {
                var count = Math.Min(buffer.Length, bytes.Length - at);
                bytes.AsSpan(at, count).CopyTo(buffer);
                await writer.WriteAsync(buffer.AsMemory(0, count), Token);
                buffer.AsSpan().Fill(0xFF); // The buffer is the caller's again.
            }
            Assert.Null(await store.LengthAsync(location, Token));
            await writer.CompleteAsync(Token);
        }

        Assert.Equal(bytes, await store.ReadAsync(location, Token));
        Assert.Equal(bytes[(LargeBytes - 70_000)..(LargeBytes - 10_000)], await store.ReadRangeAsync(location, LargeBytes - 70_000, 60_000, Token));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task An_object_of_hardly_any_bytes_is_an_object(int length)
    {
        var store = Open();
        await using (var writer = await store.CreateAsync($"{Folder}written", Token))
        {
            await writer.WriteAsync(new byte[length], Token);
            await writer.CompleteAsync(Token);
        }
        await store.PutAsync($"{Folder}put", new byte[length], Token);

        Assert.Equal(new byte[length], await store.ReadAsync($"{Folder}written", Token));
        Assert.Equal(new byte[length], await store.ReadAsync($"{Folder}put", Token));
        Assert.Equal(length, await store.LengthAsync($"{Folder}put", Token));
        Assert.Empty(await store.ReadRangeAsync($"{Folder}put", 0, 0, Token));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(0)]
    public async Task A_writer_that_is_given_up_leaves_nothing(int megabytes)
    {
        var store = Open();
        await using (var writer = await store.CreateAsync($"{Folder}given-up", Token))
        {
            for (var i = 0; i < megabytes; i++) await writer.WriteAsync(new byte[1 << 20], Token);
            await writer.WriteAsync(new byte[3], Token);
            await writer.EndAsync(Token);
        }

        Assert.Null(await store.ReadAsync($"{Folder}given-up", Token));
        Assert.Empty(await ListAsync(store, Folder));
    }

    [Fact]
    public async Task A_writer_replaces_what_was_there()
    {
        var store = Open();
        await store.PutAsync($"{Folder}x", "before"u8.ToArray(), Token);
        await using (var writer = await store.CreateAsync($"{Folder}x", Token))
        {
            await writer.WriteAsync("after"u8.ToArray(), Token);
            Assert.Equal("before"u8.ToArray(), await store.ReadAsync($"{Folder}x", Token));
            await writer.CompleteAsync(Token);
        }

        Assert.Equal("after"u8.ToArray(), await store.ReadAsync($"{Folder}x", Token));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    public async Task Objects_that_are_completed_together_exist_afterwards(int count)
    {
        var store = Open();
        string[] locations = [.. Enumerable.Range(0, count).Select(i => $"{Folder}deep/p={i}/x")];
        await store.PrepareAsync(locations, Token);
        var writers = new List<IObjectWriter>();
        foreach (var location in locations)
        {
            var writer = await store.CreateAsync(location, Token);
            await writer.WriteAsync(System.Text.Encoding.UTF8.GetBytes(location), Token);
            if (writers.Count % 2 == 1) await writer.EndAsync(Token);
            writers.Add(writer);
        }

        await store.CompleteAsync(writers, Token);

        foreach (var location in locations) Assert.Equal(System.Text.Encoding.UTF8.GetBytes(location), await store.ReadAsync(location, Token));
        foreach (var writer in writers) await writer.DisposeAsync();
        Assert.Equal(locations.Order(StringComparer.Ordinal), (await ListAsync(store, Folder)).Select(item => item.Location));
    }

    [Fact]
    public async Task Of_many_callers_exactly_one_puts_an_absent_object()
    {
        if (RaceReason is { } reason) Assert.Skip(reason);
        const int CallerCount = 8, RoundCount = 5;
        for (var round = 0; round < RoundCount; round++)
        {
            var location = $"{Folder}race/{round}";
            using var start = new ManualResetEventSlim();
            var calls = Enumerable.Range(0, CallerCount).Select(caller => Task.Run(async () =>
            {
                var store = Open();
                start.Wait(Token);
                return await store.PutIfAbsentAsync(location, Content(caller), Token);
            }, Token)).ToList();
            start.Set();
            var isPut = await Task.WhenAll(calls);

            var winner = Assert.Single(Enumerable.Range(0, CallerCount), caller => isPut[caller]);
            Assert.Equal(Content(winner), await Open().ReadAsync(location, Token));
        }

        static byte[] Content(int caller) => [(byte)caller, .. Bytes(5000)];
    }

    [Fact]
    public async Task Put_if_absent_leaves_what_is_there_and_put_replaces_it()
    {
        var (store, location) = (Open(), $"{Folder}x");

        Assert.True(await store.PutIfAbsentAsync(location, "one"u8.ToArray(), Token));
        Assert.False(await store.PutIfAbsentAsync(location, "two"u8.ToArray(), Token));
        Assert.False(await store.PutIfAbsentAsync(location, "one"u8.ToArray(), Token));
        Assert.Equal("one"u8.ToArray(), await store.ReadAsync(location, Token));
        await store.PutAsync(location, "three"u8.ToArray(), Token);
        Assert.Equal("three"u8.ToArray(), await store.ReadAsync(location, Token));
        await store.DeleteAsync(location, Token);
        Assert.True(await store.PutIfAbsentAsync(location, "four"u8.ToArray(), Token));
        Assert.Equal("four"u8.ToArray(), await store.ReadAsync(location, Token));
    }

    [Fact]
    public async Task What_does_not_exist_is_null_empty_or_nothing_to_delete()
    {
        var store = Open();

        Assert.Null(await store.ReadAsync($"{Folder}no/x", Token));
        Assert.Null(await store.LengthAsync($"{Folder}no/x", Token));
        Assert.Empty(await ListAsync(store, $"{Folder}no/"));
        Assert.Empty(await ListAsync(store, $"{Folder}no"));
        await store.DeleteAsync($"{Folder}no/x", Token);
        var failure = await Assert.ThrowsAsync<StoreException>(async () => await store.ReadRangeAsync($"{Folder}no/x", 0, 1, Token));
        Assert.Equal((StoreFailureKind.Absent, $"{Folder}no/x"), (failure.Kind, failure.Location));
    }

    [Fact]
    public async Task A_range_is_read_and_one_beyond_the_end_is_refused()
    {
        var (store, location) = (Open(), $"{Folder}x");
        await store.PutAsync(location, "0123456789"u8.ToArray(), Token);

        Assert.Equal("345"u8.ToArray(), await store.ReadRangeAsync(location, 3, 3, Token));
        Assert.Equal("0123456789"u8.ToArray(), await store.ReadRangeAsync(location, 0, 10, Token));
        foreach (var (offset, count) in ((long, int)[])[(8, 3), (10, 1), (1000, 1)])
        {
            var failure = await Assert.ThrowsAsync<StoreException>(async () => await store.ReadRangeAsync(location, offset, count, Token));
            Assert.Equal(StoreFailureKind.Refused, failure.Kind);
            Assert.Contains($"has 10 bytes; bytes {offset} to {offset + count}", failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_listing_has_what_begins_with_the_prefix()
    {
        var store = Open();
        foreach (var (name, length) in ((string, int)[])[("d/v1", 1), ("d/v10", 2), ("d/v2", 3), ("d/v1x/deep/er", 4), ("dd", 5), ("d/w", 6), ("d v/x", 7)])
            await store.PutAsync(Folder + name, new byte[length], Token);

        Assert.Equal([("d v/x", 7), ("d/v1", 1), ("d/v10", 2), ("d/v1x/deep/er", 4), ("d/v2", 3), ("d/w", 6), ("dd", 5)], await NamesAsync(""));
        Assert.Equal([("d/v1", 1), ("d/v10", 2), ("d/v1x/deep/er", 4), ("d/v2", 3), ("d/w", 6)], await NamesAsync("d/"));
        Assert.Equal([("d/v1", 1), ("d/v10", 2), ("d/v1x/deep/er", 4)], await NamesAsync("d/v1"));
        Assert.Equal([("d/v10", 2)], await NamesAsync("d/v10"));
        Assert.Empty(await NamesAsync("d/v3"));

        async Task<IEnumerable<(string, long)>> NamesAsync(string prefix) =>
            (await ListAsync(store, Folder + prefix)).Select(item => (item.Location[Folder.Length..], item.LengthBytes));
    }

    [Fact]
    public async Task A_listing_of_many_pages_is_whole_and_says_when()
    {
        const int Count = 2 * PageObjects + 3;
        var store = Open();
        await Parallel.ForAsync(0, Count, Token, async (i, token) => await store.PutAsync($"{Folder}many/{i}", "x"u8.ToArray(), token));

        var items = await ListAsync(store, $"{Folder}many/");

        Assert.Equal(Enumerable.Range(0, Count).Select(i => $"{Folder}many/{i}").Order(StringComparer.Ordinal), items.Select(item => item.Location));
        Assert.All(items, item => Assert.InRange(DateTimeOffset.UtcNow - item.LastModified, TimeSpan.FromMinutes(-1), TimeSpan.FromHours(1)));
    }

    [Theory]
    [InlineData("a%20b")]
    [InlineData("a b")]
    [InlineData("day=2026-11-29/ä=日本語😀")]
    [InlineData("a+b&c?d=e#f")]
    [InlineData("quote'\"`[]{}|^~")]
    [InlineData("percent%/%25/%2F")]
    [InlineData("dots/...x/.hidden")]
    public async Task Names_are_taken_as_they_are(string name)
    {
        var (store, bytes) = (Open(), System.Text.Encoding.UTF8.GetBytes(name));
        Assert.True(await store.PutIfAbsentAsync($"{Folder}put/{name}", bytes, Token));
        await using (var writer = await store.CreateAsync($"{Folder}written/{name}", Token))
        {
            await writer.WriteAsync(bytes, Token);
            await writer.CompleteAsync(Token);
        }

        Assert.Equal(bytes, await store.ReadAsync($"{Folder}put/{name}", Token));
        Assert.Equal(bytes, await store.ReadRangeAsync($"{Folder}written/{name}", 0, bytes.Length, Token));
        Assert.Equal([$"{Folder}put/{name}", $"{Folder}written/{name}"], (await ListAsync(store, Folder)).Select(item => item.Location));
        await store.DeleteAsync($"{Folder}put/{name}", Token);
        await store.DeleteAsync($"{Folder}written/{name}", Token);
        Assert.Empty(await ListAsync(store, Folder));
    }

    [Theory]
    [InlineData("relative/x")]
    [InlineData("ftp://host.example/x")]
    [InlineData("")]
    public async Task Places_of_other_stores_are_refused(string location)
    {
        var failure = await Assert.ThrowsAsync<StoreException>(async () => await Open().ReadAsync(location, Token));

        Assert.Equal((StoreFailureKind.Refused, location), (failure.Kind, failure.Location));
    }

    [Fact]
    public async Task A_cancelled_call_is_cancelled()
    {
        var (store, cancelled) = (Open(), new CancellationToken(canceled: true));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.ReadAsync($"{Folder}x", cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.PutIfAbsentAsync($"{Folder}x", new byte[1], cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.PutAsync($"{Folder}x", new byte[1], cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await store.DeleteAsync($"{Folder}x", cancelled));
        Assert.Empty(await ListAsync(store, Folder));
    }

    /// <summary>Sorted by location.</summary>
    private static async Task<List<StoredObject>> ListAsync(IStore store, string prefix)
    {
        var items = new List<StoredObject>();
        await foreach (var item in store.ListAsync(prefix, Token)) items.Add(item);
        items.Sort((a, b) => string.CompareOrdinal(a.Location, b.Location));
        return items;
    }

    private static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
