using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Azure.Storage.Sas;
using Matih.Connectors.Azure;
using Matih.Definition;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Storage;

namespace Matih.Interop.Tests.Connectors.Azure;

/// <summary>The blob store against Azurite: what is particular to Azure.</summary>
public sealed class AzureStoreTests(SharedAzurite shared)
{
    private static readonly byte[] Content = "content"u8.ToArray();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_spellings_reach_one_blob_and_listings_keep_theirs()
    {
        var azurite = await shared.StartedAsync();
        var container = await azurite.NewContainerAsync();
        var store = Open(azurite.KeyAccess());
        string[] roots =
        [
            $"abfss://{container}@{Azurite.Account}.dfs.core.windows.net/", $"abfs://{container}@{Azurite.Account}.dfs.core.windows.net/",
            $"wasbs://{container}@{Azurite.Account}.blob.core.windows.net/", $"wasb://{container}@{Azurite.Account}.blob.core.windows.net/",
            $"https://{Azurite.Account}.blob.core.windows.net/{container}/", $"https://{Azurite.Account}.dfs.core.windows.net/{container}/",
            $"{Azurite.EndpointAt(azurite.Server)}/{container}/", $"abfss://{container}/", $"abfss://{container}@{Azurite.Account}/",
        ];
        const string name = "db/t/d=1%2F2/ä b.parquet";
        await store.PutAsync(roots[0] + name, Content, Token);

        foreach (var root in roots)
        {
            Assert.Equal(Content, await store.ReadAsync(root + name, Token));
            Assert.False(await store.PutIfAbsentAsync(root + name, "other"u8.ToArray(), Token));
            Assert.Equal([root + name], await NamesAsync(store, root + "db/t/"));
            Assert.Equal([root + name], await NamesAsync(store, root));
        }
        Assert.Equal([name], await azurite.Service().GetBlobContainerClient(container).GetBlobsAsync(cancellationToken: Token).Select(blob => blob.Name).ToListAsync(Token));
    }

    [Theory]
    [InlineData("a//b")]
    [InlineData("/a")]
    [InlineData("p=1./x")]
    [InlineData("a%2E%2E/b")]
    public async Task Uncommon_names_stand_in_the_container_as_they_are(string name)
    {
        var azurite = await shared.StartedAsync();
        var container = await azurite.NewContainerAsync();
        var (store, root) = (Open(azurite.KeyAccess()), $"abfss://{container}@{Azurite.Account}.dfs.core.windows.net/");

        await store.PutAsync(root + name, Content, Token);

        Assert.Equal(Content, await store.ReadAsync(root + name, Token));
        Assert.Equal([root + name], await NamesAsync(store, root));
        Assert.Equal(name, Assert.Single(await azurite.Service().GetBlobContainerClient(container).GetBlobsAsync(cancellationToken: Token).Select(blob => blob.Name).ToListAsync(Token)));
    }

    [Fact]
    public async Task A_wrong_key_and_an_expired_token_are_denied_and_not_shown()
    {
        var azurite = await shared.StartedAsync();
        var container = await azurite.NewContainerAsync();
        var wrongKey = Convert.ToBase64String("planted-wrong-key-planted-wrong-key"u8);
        var expired = azurite.Sas(container, BlobContainerSasPermissions.All, TimeSpan.FromHours(-1));
        var signature = expired[(expired.IndexOf("sig=", StringComparison.Ordinal) + 4)..].Split('&')[0];

        foreach (var access in (AzureAccess[])[azurite.KeyAccess() with { AccountKey = new Secret(wrongKey) }, azurite.SasAccess(expired)])
        {
            var store = Open(access);
            var location = $"abfss://{container}@{Azurite.Account}.dfs.core.windows.net/x";
            StoreException[] failures =
            [
                await FailureAsync(async () => await store.ReadAsync(location, Token)),
                await FailureAsync(async () => await store.PutIfAbsentAsync(location, Content, Token)),
                await FailureAsync(async () => await store.LengthAsync(location, Token)),
                await FailureAsync(async () => await NamesAsync(store, location)),
            ];
            foreach (var failure in failures)
            {
                Assert.Equal(StoreFailureKind.Denied, failure.Kind);
                Assert.Contains("answered 403 ", failure.Message, StringComparison.Ordinal);
                foreach (var secret in (string[])[wrongKey, Azurite.Key, signature, "sig="]) Assert.DoesNotContain(secret, failure.ToString(), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task An_unknown_container_is_refused_with_what_to_do()
    {
        var azurite = await shared.StartedAsync();
        var store = Open(azurite.KeyAccess());
        var location = $"abfss://nobody-made-it@{Azurite.Account}.dfs.core.windows.net/x";

        StoreException[] failures =
        [
            await FailureAsync(async () => await store.ReadAsync(location, Token)),
            await FailureAsync(async () => await store.LengthAsync(location, Token)),
            await FailureAsync(async () => await store.ReadRangeAsync(location, 0, 1, Token)),
            await FailureAsync(async () => await store.PutIfAbsentAsync(location, Content, Token)),
            await FailureAsync(async () => await NamesAsync(store, location)),
        ];

        foreach (var failure in failures)
        {
            Assert.Equal((StoreFailureKind.Refused, location), (failure.Kind, failure.Location));
            Assert.Contains("404 ContainerNotFound", failure.Message, StringComparison.Ordinal);
            Assert.Contains("Create that container", failure.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_container_s_token_does_what_it_permits_and_says_what_it_does_not()
    {
        var azurite = await shared.StartedAsync();
        var container = await azurite.NewContainerAsync();
        var root = $"abfss://{container}@{Azurite.Account}.dfs.core.windows.net/";
        var store = Open(azurite.SasAccess("?" + azurite.Sas(container, BlobContainerSasPermissions.Read | BlobContainerSasPermissions.Create | BlobContainerSasPermissions.Write)));

        Assert.True(await store.PutIfAbsentAsync(root + "x", Content, Token));
        Assert.Equal(Content, await store.ReadAsync(root + "x", Token));
        var list = await FailureAsync(async () => await NamesAsync(store, root));
        var delete = await FailureAsync(async () => await store.DeleteAsync(root + "x", Token));

        Assert.Equal((StoreFailureKind.Denied, StoreFailureKind.Denied), (list.Kind, delete.Kind));
        Assert.StartsWith($"Could not list {root}: ", list.Message, StringComparison.Ordinal);
        Assert.Contains("AuthorizationPermissionMismatch", list.Message, StringComparison.Ordinal);
        Assert.Contains("the SAS token the permissions to read, create, write, delete and list", list.Message, StringComparison.Ordinal);
        Assert.StartsWith($"Could not delete {root}x: ", delete.Message, StringComparison.Ordinal);
        Assert.Equal(StoreFailureKind.Denied, (await FailureAsync(async () => await store.ReadAsync($"abfss://{await azurite.NewContainerAsync()}@{Azurite.Account}.dfs.core.windows.net/x", Token))).Kind);
    }

    [Fact]
    public async Task A_token_that_may_only_create_and_read_puts_once()
    {
        var azurite = await shared.StartedAsync();
        var container = await azurite.NewContainerAsync();
        var location = $"abfss://{container}@{Azurite.Account}.dfs.core.windows.net/x";
        var store = Open(azurite.SasAccess(azurite.Sas(container, BlobContainerSasPermissions.Read | BlobContainerSasPermissions.Create)));

        Assert.True(await store.PutIfAbsentAsync(location, Content, Token));
        Assert.False(await store.PutIfAbsentAsync(location, "other"u8.ToArray(), Token));
        Assert.Equal(Content, await store.ReadAsync(location, Token));

        var reader = Open(azurite.SasAccess(azurite.Sas(container, BlobContainerSasPermissions.Read)));
        Assert.Equal(StoreFailureKind.Denied, (await FailureAsync(async () => await reader.PutIfAbsentAsync(location + ".new", Content, Token))).Kind);
    }

    [Fact]
    public async Task A_blob_with_snapshots_is_deleted_and_one_of_no_more_than_blocks_is_none()
    {
        var azurite = await shared.StartedAsync();
        var container = await azurite.NewContainerAsync();
        var (store, root) = (Open(azurite.KeyAccess()), $"abfss://{container}@{Azurite.Account}.dfs.core.windows.net/");
        await store.PutAsync(root + "x", Content, Token);
        await azurite.Service().GetBlobContainerClient(container).GetBlockBlobClient("x").CreateSnapshotAsync(cancellationToken: Token);
        await azurite.Service().GetBlobContainerClient(container).GetBlockBlobClient("y").StageBlockAsync("MDE=", new MemoryStream(Content), cancellationToken: Token);

        await store.DeleteAsync(root + "x", Token);

        Assert.Null(await store.LengthAsync(root + "x", Token));
        Assert.Null(await store.LengthAsync(root + "y", Token));
        Assert.Empty(await NamesAsync(store, root));
    }

    [Fact]
    public async Task Of_two_writers_of_one_name_one_wins_whole()
    {
        var azurite = await shared.StartedAsync();
        var container = await azurite.NewContainerAsync();
        var (store, location) = (Open(azurite.KeyAccess()), $"abfss://{container}@{Azurite.Account}.dfs.core.windows.net/x");
        await using var first = await store.CreateAsync(location, Token);
        await using var second = await store.CreateAsync(location, Token);
        await first.WriteAsync(Enumerable.Repeat((byte)1, 9 << 20).ToArray(), Token);
        await second.WriteAsync(Enumerable.Repeat((byte)2, 9 << 20).ToArray(), Token);
        await first.EndAsync(Token);
        await second.EndAsync(Token);

        await first.CompleteAsync(Token);
        // The service drops blocks that nobody committed when a list is; the second one has to say so, and not to mix.
        var failure = await FailureAsync(async () => await second.CompleteAsync(Token));

        Assert.Equal(StoreFailureKind.Refused, failure.Kind);
        Assert.Contains("InvalidBlockList", failure.Message, StringComparison.Ordinal);
        Assert.All(await store.ReadAsync(location, Token) ?? [], value => Assert.Equal(1, value));
    }

    private static IStore Open(AzureAccess access) => new AzureBlobStore(access, new SystemIdSource(), TimeProvider.System);

    private static Task<StoreException> FailureAsync(Func<Task> call) => Assert.ThrowsAsync<StoreException>(call);

    private static async Task<List<string>> NamesAsync(IStore store, string prefix)
    {
        var names = new List<string>();
        await foreach (var item in store.ListAsync(prefix, Token)) names.Add(item.Location);
        return names;
    }
}
