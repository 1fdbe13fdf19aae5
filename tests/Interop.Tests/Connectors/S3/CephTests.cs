using System.Text;
using Amazon.S3.Model;
using Matih.Connectors.S3;
using Matih.Definition;
using Matih.Fixtures;
using Matih.Storage;
using S3Encryption = Matih.Definition.S3Encryption;
using S3Location = Matih.Connectors.S3.S3Location;

namespace Matih.Interop.Tests.Connectors.S3;

/// <summary>What the contract of all stores does not say, on a real gateway.</summary>
public sealed class CephTests(SharedCeph ceph)
{
    private readonly string _folder = S3Server.NewFolder();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_object_in_many_parts_is_whole_and_one_that_is_given_up_leaves_no_part()
    {
        var server = await S3Server.OfAsync(ceph);
        using var store = server.Open(partBytes: 5 << 20);
        var bytes = new byte[28_000_003];
        new Random(1).NextBytes(bytes);

        await using (var whole = await store.CreateAsync($"{_folder}whole", Token))
        await using (var given = await store.CreateAsync($"{_folder}given-up", Token))
        {
            foreach (var writer in (IObjectWriter[])[whole, given]) await writer.WriteAsync(bytes, Token);
            await whole.CompleteAsync(Token);
        }

        Assert.Equal(bytes, await store.ReadAsync($"{_folder}whole", Token));
        Assert.Null(await store.LengthAsync($"{_folder}given-up", Token));
        using var client = server.NewClient();
        var left = await client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = S3Server.Bucket, Prefix = S3Location.OfPrefix(_folder).Key }, Token);
        Assert.Empty(left.MultipartUploads ?? []);
    }

    [Fact]
    public async Task The_spellings_of_the_scheme_name_the_same_object()
    {
        using var store = (await S3Server.OfAsync(ceph)).Open();
        var (s3a, s3n) = (_folder.Replace("s3:", "s3a:", StringComparison.Ordinal), _folder.Replace("s3:", "S3N:", StringComparison.Ordinal));

        await store.PutAsync($"{s3a}x", "one"u8.ToArray(), Token);

        Assert.False(await store.PutIfAbsentAsync($"{s3n}x", "two"u8.ToArray(), Token));
        Assert.Equal("one"u8.ToArray(), await store.ReadAsync($"{_folder}x", Token));
        Assert.Equal([$"{s3n}x"], await store.ListAsync(s3n, Token).Select(item => item.Location).ToListAsync(Token));
    }

    [Theory]
    [InlineData("/leading")]
    [InlineData("a//b")]
    [InlineData("trailing/")]
    [InlineData("back\\slash")]
    [InlineData("line\nand\ttab")]
    [InlineData("e\u0301 and \u00e9")]
    [InlineData("*;:@=$,!()")]
    public async Task Keys_that_no_file_system_has_are_taken_as_they_are(string key)
    {
        using var store = (await S3Server.OfAsync(ceph)).Open();
        var location = $"{_folder}{key}";

        Assert.True(await store.PutIfAbsentAsync(location, "one"u8.ToArray(), Token));

        Assert.Equal("one"u8.ToArray(), await store.ReadAsync(location, Token));
        Assert.Equal([location], await store.ListAsync(_folder, Token).Select(item => item.Location).ToListAsync(Token));
        await store.DeleteAsync(location, Token);
        Assert.Null(await store.LengthAsync(location, Token));
    }

    [Fact]
    public async Task Of_many_clients_behind_a_faulty_line_at_most_one_puts_an_absent_object_and_all_read_the_same()
    {
        const int CallerCount = 12, RoundCount = 8;
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var server = await S3Server.OfAsync(ceph);
        await using var proxy = FaultProxy.Start((await ceph.GatewayAsync()).Uri, FaultProxy.AtRandom(seed, 0.15, new ProxyFault.CutBefore(), new ProxyFault.CutAfter(), new ProxyFault.CutWithin(), new ProxyFault.Answer(500), new ProxyFault.Answer(503) { IsEffective = true }));
        var access = server.Access with { Endpoint = EndpointUrl.TryParse(proxy.Uri.AbsoluteUri, out var url) ? url : null };

        for (var round = 0; round < RoundCount; round++)
        {
            var location = $"{_folder}{round}";
            var results = await Task.WhenAll(Enumerable.Range(0, CallerCount).Select(caller => Task.Run(
                async () =>
                {
                    using var store = server.Open(access);
                    try
                    {
                        return (Caller: caller, Put: await store.PutIfAbsentAsync(location, Content(caller), Token) ? "yes" : "no");
                    }
                    catch (StoreException failure) when (failure.Kind == StoreFailureKind.UnknownOutcome)
                    {
                        return (Caller: caller, Put: "unknown");
                    }
                },
                Token)));

            using var reader = server.Open();
            var stands = await reader.ReadAsync(location, Token);
            var winners = results.Where(result => result.Put == "yes").ToList();
            Assert.True(winners.Count <= 1, $"seed {seed}, round {round}: {winners.Count} callers put the object");
            if (winners is [var winner]) Assert.Equal(Content(winner.Caller), stands);
            else if (stands is not null) Assert.Contains(results, result => result.Put == "unknown" && Content(result.Caller).SequenceEqual(stands));
        }

        static byte[] Content(int caller) => Encoding.UTF8.GetBytes($"caller {caller}");
    }

    [Fact]
    public async Task Objects_written_behind_a_faulty_line_are_whole()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var server = await S3Server.OfAsync(ceph);
        await using var proxy = FaultProxy.Start((await ceph.GatewayAsync()).Uri, FaultProxy.AtRandom(seed, 0.1, new ProxyFault.CutBefore(), new ProxyFault.CutAfter(), new ProxyFault.CutWithin(), new ProxyFault.Answer(503, "", ("Retry-After", "1")), new ProxyFault.Answer(500) { IsEffective = true }));
        using var store = server.Open(server.Access with { Endpoint = EndpointUrl.TryParse(proxy.Uri.AbsoluteUri, out var url) ? url : null }, partBytes: 5 << 20);
        var bytes = new byte[13_000_001];
        new Random(seed).NextBytes(bytes);

        var writers = new List<IObjectWriter>();
        for (var i = 0; i < 12; i++)
        {
            var writer = await store.CreateAsync($"{_folder}{i}", Token);
            await writer.WriteAsync(bytes.AsMemory(0, i % 4 == 0 ? bytes.Length : i * 1000), Token);
            writers.Add(writer);
        }
        await store.CompleteAsync(writers, Token);

        for (var i = 0; i < 12; i++) Assert.Equal(bytes.AsMemory(0, i % 4 == 0 ? bytes.Length : i * 1000), await store.ReadAsync($"{_folder}{i}", Token));
        foreach (var writer in writers) await writer.DisposeAsync();
    }

    [Fact]
    public async Task Wrong_keys_are_denied_and_a_bucket_that_is_not_there_is_refused_without_a_secret_in_the_message()
    {
        var server = await S3Server.OfAsync(ceph);
        using var store = server.Open();
        using var wrongSecret = server.Open(server.Access with { SecretAccessKey = new Secret("planted-wrong-secret") });
        using var wrongId = server.Open(server.Access with { AccessKeyId = "NOSUCHKEY" });
        using var wrongToken = server.Open(server.Access with { SessionToken = new Secret("planted-wrong-token") });
        var failures = new List<StoreException>();

        foreach (var denied in (S3Store[])[wrongSecret, wrongId])
        {
            failures.Add(await FailureAsync(async () => await denied.ReadAsync($"{_folder}x", Token)));
            failures.Add(await FailureAsync(async () => await denied.PutIfAbsentAsync($"{_folder}x", new byte[1], Token)));
            failures.Add(await FailureAsync(async () => await denied.LengthAsync($"{_folder}x", Token)));
            failures.Add(await FailureAsync(async () => await denied.ListAsync(_folder, Token).ToListAsync(Token)));
        }
        Assert.All(failures, failure => Assert.Equal(StoreFailureKind.Denied, failure.Kind));
        foreach (var call in (Func<Task>[])[
            async () => await store.ReadAsync("s3://no-such-bucket/x", Token), async () => await store.LengthAsync("s3://no-such-bucket/x", Token),
            async () => await store.PutIfAbsentAsync("s3://no-such-bucket/x", new byte[1], Token), async () => await store.PutAsync("s3://no-such-bucket/x", new byte[1], Token),
            async () => await store.DeleteAsync("s3://no-such-bucket/x", Token), async () => await store.ListAsync("s3://no-such-bucket/", Token).ToListAsync(Token)])
        {
            failures.Add(await FailureAsync(call));
            Assert.Equal(StoreFailureKind.Refused, failures[^1].Kind);
        }

        failures.Add(await FailureAsync(async () => await wrongToken.ReadAsync($"{_folder}x", Token)));
        foreach (var failure in failures)
        {
            foreach (var planted in (string[])["planted", CephGateway.SecretAccessKey, "Signature="]) Assert.DoesNotContain(planted, failure.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_role_is_assumed_and_one_that_is_not_there_is_denied()
    {
        var server = await S3Server.OfAsync(ceph);
        using var store = server.Open(server.Access with { RoleArn = CephGateway.RoleArn, RoleSessionName = "test" });
        using var denied = server.Open(server.Access with { RoleArn = "arn:aws:iam:::role/no-such-role" });

        await store.PutAsync($"{_folder}x", "one"u8.ToArray(), Token);

        Assert.Equal("one"u8.ToArray(), await store.ReadAsync($"{_folder}x", Token));
        var failure = await FailureAsync(async () => await denied.ReadAsync($"{_folder}x", Token));
        Assert.Equal(StoreFailureKind.Denied, failure.Kind);
        Assert.Contains("arn:aws:iam:::role/no-such-role, assumed with access key", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Objects_are_encrypted_with_the_key_that_is_named()
    {
        var server = await S3Server.OfAsync(ceph);
        using var store = server.Open(server.Access with { Encryption = S3Encryption.Kms, KmsKeyId = CephGateway.KmsKeyId }, partBytes: 5 << 20);

        foreach (var length in (int[])[10, 6 << 20])
        {
            await using var writer = await store.CreateAsync($"{_folder}{length}", Token);
            await writer.WriteAsync(new byte[length], Token);
            await writer.CompleteAsync(Token);
        }

        using var client = server.NewClient();
        foreach (var length in (int[])[10, 6 << 20])
        {
            var head = await client.GetObjectMetadataAsync(S3Server.Bucket, S3Location.OfObject($"{_folder}{length}").Key, Token);
            Assert.Equal(("aws:kms", CephGateway.KmsKeyId), (head.ServerSideEncryptionMethod?.Value, head.ServerSideEncryptionKeyManagementServiceKeyId));
            Assert.Equal(new byte[length], await store.ReadAsync($"{_folder}{length}", Token));
        }
    }

    private static async Task<StoreException> FailureAsync(Func<Task> call) => await Assert.ThrowsAsync<StoreException>(call);
}
