using Matih.Connectors.Azure;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Storage;

namespace Matih.Interop.Tests.Connectors.Azure;

/// <summary>The blob store with a network between it and Azurite that fails on demand.</summary>
public sealed class AzureFaultTests(SharedAzurite shared)
{
    private static readonly byte[] Content = "content"u8.ToArray();
    private static readonly ProxyFault Busy = new ProxyFault.Answer(503, "", ("x-ms-error-code", "ServerBusy"));
    private static readonly ProxyFault FailedAfterwards = new ProxyFault.Answer(500, "", ("x-ms-error-code", "InternalError")) { IsEffective = true };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, bool> LostAnswers => new()
    {
        { "cut before", false },
        { "cut after", true },
        { "cut within", true },
        { "500 afterwards", true },
    };

    [Theory]
    [MemberData(nameof(LostAnswers))]
    public async Task A_put_if_absent_on_a_used_connection_whose_answer_is_lost_goes_out_once(string kind, bool isMade)
    {
        var fault = (ProxyFault)(kind switch
        {
            "cut before" => new ProxyFault.CutBefore(),
            "cut after" => new ProxyFault.CutAfter(),
            "cut within" => new ProxyFault.CutWithin(),
            _ => FailedAfterwards,
        });
        var azurite = await shared.StartedAsync();
        var isFailing = false;
        await using var proxy = FaultProxy.Start(azurite.Server, _ => isFailing ? fault : new ProxyFault.None());
        var (store, folder) = await OpenAsync(azurite, proxy);
        await store.PutAsync(folder + "before", Content, Token);
        var count = proxy.Requests.Count;
        isFailing = true;

        var failure = await Assert.ThrowsAsync<StoreException>(async () => await store.PutIfAbsentAsync(folder + "x", Content, Token));

        isFailing = false;
        Assert.Equal(StoreFailureKind.UnknownOutcome, failure.Kind);
        Assert.Equal(count + 1, proxy.Requests.Count);
        Assert.Equal(isMade ? Content : null, await store.ReadAsync(folder + "x", Token));
        Assert.Equal(!isMade, await store.PutIfAbsentAsync(folder + "x", Content, Token));
    }

    [Fact]
    public async Task A_busy_server_is_asked_again()
    {
        var azurite = await shared.StartedAsync();
        var count = 0;
        await using var proxy = FaultProxy.Start(azurite.Server, _ => ++count <= 2 ? Busy : new ProxyFault.None());
        var (store, folder) = await OpenAsync(azurite, proxy);

        Assert.True(await store.PutIfAbsentAsync(folder + "x", Content, Token));

        Assert.Equal(3, proxy.Requests.Count);
    }

    [Fact]
    public async Task Large_objects_are_whole_behind_a_network_that_loses_every_fifth_answer()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var azurite = await shared.StartedAsync();
        await using var proxy = FaultProxy.Start(azurite.Server, FaultProxy.AtRandom(
            seed, 0.2, new ProxyFault.CutBefore(), new ProxyFault.CutAfter(), new ProxyFault.CutWithin(), Busy, FailedAfterwards, new ProxyFault.Drip(1 << 20, TimeSpan.FromMilliseconds(1))));
        var (store, folder) = await OpenAsync(azurite, proxy);
        var bytes = new byte[20_000_001];
        new Random(seed).NextBytes(bytes);

        var writers = new List<IObjectWriter>();
        for (var i = 0; i < 4; i++)
        {
            writers.Add(await store.CreateAsync($"{folder}{i}", Token));
            await writers[i].WriteAsync(bytes.AsMemory(0, i % 2 == 0 ? bytes.Length : 1000), Token);
        }
        await store.CompleteAsync(writers, Token);

        for (var i = 0; i < 4; i++)
        {
            var length = i % 2 == 0 ? bytes.Length : 1000;
            Assert.Equal(length, await store.LengthAsync($"{folder}{i}", Token));
            var (whole, range) = (await store.ReadAsync($"{folder}{i}", Token), await store.ReadRangeAsync($"{folder}{i}", 500, 400, Token));
            Assert.True(bytes.AsSpan(0, length).SequenceEqual(whole));
            Assert.True(bytes.AsSpan(500, 400).SequenceEqual(range));
        }
        var names = new List<string>();
        await foreach (var item in store.ListAsync(folder, Token)) names.Add(item.Location);
        Assert.Equal(Enumerable.Range(0, 4).Select(i => $"{folder}{i}"), names);
        foreach (var writer in writers) await writer.DisposeAsync();
    }

    [Fact]
    public async Task Of_many_callers_behind_such_a_network_one_puts_and_the_others_find_its_object()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var azurite = await shared.StartedAsync();
        await using var proxy = FaultProxy.Start(azurite.Server, FaultProxy.AtRandom(seed, 0.3, new ProxyFault.CutBefore(), new ProxyFault.CutAfter(), Busy, FailedAfterwards));
        var (store, folder) = await OpenAsync(azurite, proxy);

        for (var round = 0; round < 10; round++)
        {
            var location = $"{folder}{round}";
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async caller =>
            {
                try
                {
                    return await store.PutIfAbsentAsync(location, new byte[] { (byte)caller }, Token);
                }
                catch (StoreException unknown) when (unknown.Kind == StoreFailureKind.UnknownOutcome)
                {
                    return (bool?)null;
                }
            }));

            var standing = await store.ReadAsync(location, Token);
            Assert.InRange(answers.Count(answer => answer == true), 0, 1);
            if (answers.Contains(true)) Assert.Equal((byte)Array.IndexOf(answers, true), Assert.Single(standing!));
            if (answers.Contains(false)) Assert.True(answers[Assert.Single(standing!)] is true or null);
        }
    }

    private static async Task<(IStore Store, string Folder)> OpenAsync(Azurite azurite, FaultProxy proxy) => (
        new AzureBlobStore(azurite.KeyAccess(proxy.Uri), new SystemIdSource(), TimeProvider.System),
        $"abfss://{await azurite.NewContainerAsync()}@{Azurite.Account}.dfs.core.windows.net/");
}
