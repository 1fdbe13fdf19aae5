using System.Text;
using Matih.Connectors.S3;
using Matih.Definition;
using Matih.Fixtures;
using Matih.Storage;
using static Matih.Engine.Tests.Connectors.S3.ScriptedS3;

namespace Matih.Engine.Tests.Connectors.S3;

public sealed class S3ObjectWriterTests
{
    private const string UploadId = "U1";
    private static readonly string Begun = $"<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>folder/object</Key><UploadId>{UploadId}</UploadId></InitiateMultipartUploadResult>";
    private const string Completed = "<CompleteMultipartUploadResult><Bucket>bucket</Bucket><Key>folder/object</Key><ETag>\"x-4\"</ETag></CompleteMultipartUploadResult>";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(999)]
    [InlineData(1000)]
    public async Task Up_to_the_size_of_a_part_an_object_is_one_request_when_it_completes(int length)
    {
        await using var s3 = new ScriptedS3(Ok());
        await using var writer = await s3.Open(partBytes: 1000).CreateAsync(At, Cancellation);

        await writer.WriteAsync(new byte[length], Cancellation);
        await writer.EndAsync(Cancellation);
        Assert.Empty(s3.Server.Requests);
        Assert.InRange(writer.BufferedBytes, length, length + 32 * 1024);
        await writer.CompleteAsync(Cancellation);

        Assert.Equal(["PUT folder/object"], s3.Asked);
        Assert.Equal((length, 0), (s3.Server.Requests.Single().Body.Length, writer.BufferedBytes));
    }

    [Fact]
    public async Task A_larger_object_is_sent_in_parts_of_which_none_is_lost_or_mixed()
    {
        await using var s3 = new ScriptedS3(Multipart());
        await using var writer = await s3.Open(partBytes: 1000).CreateAsync(At, Cancellation);

        var text = string.Concat(Enumerable.Range(0, 500).Select(i => $"{i,7}"));
        foreach (var piece in text.Chunk(333)) await writer.WriteAsync(Encoding.UTF8.GetBytes(piece), Cancellation);
        await writer.CompleteAsync(Cancellation);

        var parts = s3.Server.Requests.Where(request => request.Method == "PUT").OrderBy(request => request.Target, StringComparer.Ordinal).ToList();
        Assert.Equal(["partNumber=1", "partNumber=2", "partNumber=3", "partNumber=4"], parts.Select(part => part.Query.Split('&')[0]));
        Assert.Equal(text, string.Concat(parts.Select(part => Encoding.UTF8.GetString(part.Body))));
        Assert.Equal(6, s3.Server.Requests.Count);
        Assert.Equal("POST folder/object?uploads", s3.Asked.First());
        Assert.Equal($"POST folder/object?uploadId={UploadId}", s3.Asked.Last());
        Assert.Equal("tag-1 tag-2 tag-3 tag-4", string.Join(' ', System.Xml.Linq.XDocument.Parse(Encoding.UTF8.GetString(s3.Server.Requests.Last().Body)).Descendants().Where(item => item.Name.LocalName == "ETag").Select(item => item.Value.Trim('"'))));
        Assert.Equal(0, writer.BufferedBytes);
    }

    [Fact]
    public async Task Parts_are_sent_while_more_is_written_and_writing_waits_when_three_are_under_way()
    {
        var gate = new TaskCompletionSource();
        var script = Multipart();
        await using var s3 = new ScriptedS3(request => request.Method == "PUT" ? script(request) with { Until = gate.Task } : script(request));
        await using var writer = await s3.Open(partBytes: 1000).CreateAsync(At, Cancellation);

        for (var i = 0; i < 4; i++) await writer.WriteAsync(new byte[1000], Cancellation);
        await s3.SeesAsync(4);
        Assert.InRange(writer.BufferedBytes, 4000, 4 * 32 * 1024);
        var waiting = writer.WriteAsync(new byte[1], Cancellation);
        Assert.False(waiting.IsCompleted);
        gate.SetResult();
        await waiting;
        await writer.CompleteAsync(Cancellation);

        Assert.Equal(7, s3.Server.Requests.Count);
    }

    [Fact]
    public async Task A_part_that_fails_removes_what_was_sent()
    {
        var script = Multipart();
        await using var s3 = new ScriptedS3(request => request.Query.StartsWith("partNumber=2&", StringComparison.Ordinal) ? Error(403, "AccessDenied") : script(request));
        await using var writer = await s3.Open(partBytes: 1000).CreateAsync(At, Cancellation);

        var failure = await FailureOfAsync(WriteAsync());
        await writer.DisposeAsync();

        Assert.Equal((StoreFailureKind.Denied, At, 0), (failure.Kind, failure.Location, writer.BufferedBytes));
        Assert.Equal($"DELETE folder/object?uploadId={UploadId}", s3.Asked.Last());
        Assert.Single(s3.Asked, asked => asked.StartsWith("DELETE", StringComparison.Ordinal));
        Assert.DoesNotContain($"POST folder/object?uploadId={UploadId}", s3.Asked);

        async ValueTask WriteAsync()
        {
            await writer.WriteAsync(new byte[5001], Cancellation);
            await writer.CompleteAsync(Cancellation);
        }
    }

    [Fact]
    public async Task A_writer_that_is_given_up_removes_what_was_sent_once_no_part_is_under_way()
    {
        await using var s3 = new ScriptedS3(Multipart());
        await using (var writer = await s3.Open(partBytes: 1000).CreateAsync(At, Cancellation))
        {
            await writer.WriteAsync(new byte[2500], Cancellation);
            await s3.SeesAsync(3);
        }

        Assert.Equal($"DELETE folder/object?uploadId={UploadId}", s3.Asked.Last());
    }

    [Fact]
    public async Task An_upload_that_is_just_beginning_when_its_writer_is_given_up_is_removed_too()
    {
        var gate = new TaskCompletionSource();
        var script = Multipart();
        await using var s3 = new ScriptedS3(request => request.Query == "uploads" ? script(request) with { Until = gate.Task } : script(request));
        var writer = await s3.Open(partBytes: 1000).CreateAsync(At, Cancellation);
        await writer.WriteAsync(new byte[1500], Cancellation);
        await s3.SeesAsync(1);

        var disposal = writer.DisposeAsync();
        Assert.False(disposal.IsCompleted);
        gate.SetResult();
        await disposal;

        Assert.Equal(["POST folder/object?uploads", $"DELETE folder/object?uploadId={UploadId}"], s3.Asked);
    }

    [Fact]
    public async Task Parts_are_sent_again_after_faults_that_pass()
    {
        var script = Multipart();
        var failed = new HashSet<string>();
        await using var s3 = new ScriptedS3(request => failed.Add(request.Target) ? Error(500, "InternalError") : script(request));
        await using var writer = await s3.Open(partBytes: 1000).CreateAsync(At, Cancellation);

        await writer.WriteAsync(new byte[3500], Cancellation);
        await writer.CompleteAsync(Cancellation);

        Assert.Equal(12, s3.Server.Requests.Count);
        Assert.Equal([1000, 1000, 1000, 500], s3.Server.Requests.Where(request => request.Method == "PUT").GroupBy(request => request.Target).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => group.Last().Body.Length));
    }

    [Theory]
    [InlineData(3500, "\"0123-4\"", true)]
    [InlineData(3500, "\"opaque\"", true)]
    [InlineData(3500, "\"0123-5\"", false)]
    [InlineData(3499, "\"0123-4\"", false)]
    public async Task A_completion_whose_answer_was_lost_is_looked_up(int length, string tag, bool isThere)
    {
        var script = Multipart();
        var completions = 0;
        await using var s3 = new ScriptedS3(request => request.Method switch
        {
            "POST" when request.Query.StartsWith("uploadId", StringComparison.Ordinal) => Interlocked.Increment(ref completions) == 1 ? new ProxyFault.CutBefore() : Error(404, "NoSuchUpload"),
            "HEAD" => new ProxyFault.Answer(200, "", ("Content-Length", $"{length}"), ("ETag", tag)),
            _ => script(request),
        });
        await using var writer = await s3.Open(partBytes: 1000).CreateAsync(At, Cancellation);
        await writer.WriteAsync(new byte[3500], Cancellation);

        if (isThere) await writer.CompleteAsync(Cancellation);
        else Assert.Equal(StoreFailureKind.UnknownOutcome, (await FailureOfAsync(writer.CompleteAsync(Cancellation))).Kind);

        Assert.Equal(2, completions);
        Assert.Equal(isThere ? "HEAD folder/object" : $"DELETE folder/object?uploadId={UploadId}", s3.Asked.Last());
    }

    [Fact]
    public async Task An_error_within_the_answer_of_a_completion_is_none()
    {
        var script = Multipart();
        var completions = 0;
        await using var s3 = new ScriptedS3(request =>
            request.Method == "POST" && request.Query.StartsWith("uploadId", StringComparison.Ordinal) && Interlocked.Increment(ref completions) == 1
                ? Ok(Error(500, "InternalError").Body, ("Content-Type", "application/xml"))
                : script(request));
        await using var writer = await s3.Open(partBytes: 1000).CreateAsync(At, Cancellation);

        await writer.WriteAsync(new byte[3500], Cancellation);
        await writer.CompleteAsync(Cancellation);

        Assert.Equal(2, completions);
    }

    [Fact]
    public void Parts_grow_so_that_ten_thousand_hold_the_largest_object()
    {
        var sizes = Enumerable.Range(0, 10_000).Select(ordinal => S3ObjectWriter.PartBytes(S3Writing.PartBytesDefault, ordinal)).ToList();

        Assert.True(sizes.Sum() >= 5L << 40);
        Assert.All(sizes, size => Assert.InRange(size, 5L << 20, 5L << 30));
        Assert.Equal(Enumerable.Repeat(8L << 20, 1000), sizes.Take(1000));
    }

    [Theory]
    [InlineData(S3Encryption.BucketDefault, null, null, null)]
    [InlineData(S3Encryption.S3, null, "AES256", null)]
    [InlineData(S3Encryption.Kms, null, "aws:kms", null)]
    [InlineData(S3Encryption.Kms, "key-1", "aws:kms", "key-1")]
    public async Task Every_write_asks_for_the_encryption(S3Encryption encryption, string? key, string? method, string? keySent)
    {
        await using var s3 = new ScriptedS3(Multipart());
        var store = s3.Open(access => access with { Encryption = encryption, KmsKeyId = key });

        await store.PutAsync(At, new byte[3], Cancellation);
        await store.PutIfAbsentAsync(At, new byte[3], Cancellation);
        foreach (var length in (int[])[10, 1500])
        {
            await using var writer = await store.CreateAsync(At, Cancellation);
            await writer.WriteAsync(new byte[length], Cancellation);
            await writer.CompleteAsync(Cancellation);
        }

        var writes = s3.Server.Requests.Where(request => request.Query is "" or "uploads").ToList();
        Assert.Equal(4, writes.Count);
        Assert.All(writes, request => Assert.Equal(
            (method, keySent),
            (request.Headers.GetValueOrDefault("x-amz-server-side-encryption"), request.Headers.GetValueOrDefault("x-amz-server-side-encryption-aws-kms-key-id"))));
    }

    [Fact]
    public async Task Nothing_is_sent_that_compatible_stores_do_not_understand()
    {
        await using var s3 = new ScriptedS3(Multipart());
        await using var writer = await s3.Open(partBytes: 1000).CreateAsync(At, Cancellation);

        await writer.WriteAsync(new byte[1500], Cancellation);
        await writer.CompleteAsync(Cancellation);

        Assert.All(s3.Server.Requests, request =>
        {
            Assert.DoesNotContain(request.Headers.Keys, name => name.Contains("checksum", StringComparison.OrdinalIgnoreCase) || name is "x-amz-trailer" or "Expect");
            Assert.DoesNotContain("STREAMING", request.Headers["x-amz-content-sha256"], StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Where_one_of_several_objects_fails_the_failure_is_the_stores()
    {
        await using var s3 = new ScriptedS3(request => request.Path.EndsWith("/7", StringComparison.Ordinal) ? Error(403, "AccessDenied") : Ok());
        var store = s3.Open();
        var writers = new List<IObjectWriter>();
        for (var i = 0; i < 40; i++) writers.Add(await store.CreateAsync($"s3://bucket/{i}", Cancellation));

        var failure = await FailureOfAsync(store.CompleteAsync(writers, Cancellation));

        Assert.Equal((StoreFailureKind.Denied, "s3://bucket/7"), (failure.Kind, failure.Location));
    }

    private static Func<ProxiedRequest, ProxyFault.Answer> Multipart() => request => (request.Method, request.Query) switch
    {
        ("POST", "uploads") => Ok(Begun),
        ("POST", _) => Ok(Completed),
        ("PUT", { Length: > 0 } query) => new ProxyFault.Answer(200, "", ("ETag", $"\"tag-{query.Split('&')[0].Split('=')[1]}\"")),
        ("DELETE", _) => new ProxyFault.Answer(204),
        _ => Ok(),
    };
}
