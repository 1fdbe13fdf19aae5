using System.Net;
using System.Net.Sockets;
using Matih.Fixtures;
using Matih.Storage;
using static Matih.Engine.Tests.Connectors.S3.ScriptedS3;

namespace Matih.Engine.Tests.Connectors.S3;

public sealed class S3ReadingTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_read_is_sent_again_after_every_fault_that_passes()
    {
        await using var s3 = new ScriptedS3(
            Error(500, "InternalError"), new ProxyFault.CutBefore(), Error(503, "SlowDown"), Ok("whole"), Error(503, ""), Ok("whole"));
        await using var proxy = FaultProxy.Start(s3.Server.Uri, request => request.Number == 4 ? new ProxyFault.CutWithin() : new ProxyFault.None());

        var bytes = await s3.Open(access => access with { Endpoint = UrlOf(proxy.Uri) }).ReadAsync(At, Cancellation);

        Assert.Equal("whole"u8.ToArray(), bytes);
        Assert.Equal(6, proxy.Requests.Count);
    }

    [Theory]
    [InlineData(500, "InternalError", StoreFailureKind.Unreachable)]
    [InlineData(503, "SlowDown", StoreFailureKind.Throttled)]
    public async Task Faults_that_do_not_pass_end_a_read_after_half_a_minute(int status, string code, StoreFailureKind kind)
    {
        await using var s3 = new ScriptedS3(Error(status, code));

        var failure = await FailureOfAsync(s3.Open().ReadAsync(At, Cancellation));

        Assert.Equal(kind, failure.Kind);
        Assert.InRange(s3.Clock.Elapsed, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(31));
    }

    [Fact]
    public async Task A_plain_put_is_sent_again_and_is_unknown_where_every_answer_is_lost()
    {
        await using var passing = new ScriptedS3(new ProxyFault.CutBefore(), Error(500, "InternalError"), Ok());
        await using var lasting = new ScriptedS3(Error(500, "InternalError"), Error(503, "SlowDown"));

        await passing.Open().PutAsync(At, "content"u8.ToArray(), Cancellation);
        var failure = await FailureOfAsync(lasting.Open().PutAsync(At, "content"u8.ToArray(), Cancellation));
        var delete = await FailureOfAsync(lasting.Open().DeleteAsync(At, Cancellation));

        Assert.All(passing.Server.Requests, request => Assert.Equal("content"u8.ToArray(), request.Body));
        Assert.Equal(3, passing.Server.Requests.Count);
        Assert.Equal(StoreFailureKind.UnknownOutcome, failure.Kind);
        Assert.Equal(StoreFailureKind.Throttled, delete.Kind);
    }

    [Fact]
    public async Task A_refusal_is_not_asked_for_again()
    {
        await using var s3 = new ScriptedS3(Error(403, "AccessDenied", "User: arn:aws:iam::1:user/x is not authorized to perform: s3:GetObject"));

        var failure = await FailureOfAsync(s3.Open().ReadAsync(At, Cancellation));

        Assert.Equal(StoreFailureKind.Denied, failure.Kind);
        Assert.Equal(
            $"Could not read {At}: User: arn:aws:iam::1:user/x is not authorized to perform: s3:GetObject (403 AccessDenied, request R1); with access key AKID. " +
            "Check the credentials, and the permissions that they give on this place: s3:GetObject, s3:PutObject, s3:DeleteObject, and s3:ListBucket on the bucket, without which S3 refuses what does not exist.",
            failure.Message);
        Assert.Single(s3.Server.Requests);
    }

    [Fact]
    public async Task An_address_where_nobody_listens_is_unreachable_and_changed_nothing()
    {
        await using var s3 = new ScriptedS3(Ok());
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        var store = s3.Open(access => access with { Endpoint = UrlOf(new Uri($"http://127.0.0.1:{port}")) });

        var read = await FailureOfAsync(store.ReadAsync(At, Cancellation));
        var put = await FailureOfAsync(store.PutIfAbsentAsync(At, new byte[1], Cancellation));

        Assert.Equal((StoreFailureKind.Unreachable, StoreFailureKind.Unreachable), (read.Kind, put.Kind));
        Assert.Contains($"127.0.0.1:{port}", read.Message, StringComparison.Ordinal);
        Assert.InRange(s3.Clock.Elapsed, TimeSpan.FromSeconds(40), TimeSpan.FromSeconds(62));
    }

    [Fact]
    public async Task An_answer_that_stands_still_is_given_up_and_one_that_drips_is_not()
    {
        var never = new TaskCompletionSource();
        await using var s3 = new ScriptedS3(request => request.Number == 1 ? Ok() with { Until = never.Task } : Ok(new string('x', 5000)));
        await using var proxy = FaultProxy.Start(s3.Server.Uri, _ => new ProxyFault.Drip(100, TimeSpan.FromMilliseconds(1)));

        var call = s3.Open(access => access with { Endpoint = UrlOf(proxy.Uri) }).ReadAsync(At, Cancellation);
        await s3.SeesAsync(1);
        s3.Clock.Advance(TimeSpan.FromSeconds(21));

        Assert.Equal(5000, (await call)!.Length);
        Assert.Equal(2, proxy.Requests.Count);
    }

    [Fact]
    public async Task A_range_that_the_server_takes_no_notice_of_is_refused()
    {
        await using var s3 = new ScriptedS3(Ok("0123456789"));

        var failure = await FailureOfAsync(s3.Open().ReadRangeAsync(At, 2, 3, Cancellation));

        Assert.Equal((StoreFailureKind.Refused, $"The store takes no notice of ranges: bytes 2 to 5 of {At} were asked for, and it answered with the whole object."), (failure.Kind, failure.Message));
    }

    [Fact]
    public async Task A_missing_bucket_is_refused_also_by_answers_without_a_text()
    {
        await using var s3 = new ScriptedS3(request => request.Method == "HEAD" ? new ProxyFault.Answer(404) : Error(404, "NoSuchBucket", "The specified bucket does not exist"));
        var store = s3.Open();

        var look = await FailureOfAsync(store.LengthAsync(At, Cancellation));
        var read = await FailureOfAsync(store.ReadAsync(At, Cancellation));

        Assert.All([look, read], failure => Assert.Equal(StoreFailureKind.Refused, failure.Kind));
        Assert.Equal($"Could not read {At}: The specified bucket does not exist (404 NoSuchBucket, request R1). Create the bucket, or correct its name.", read.Message);
    }

    [Fact]
    public async Task At_an_address_where_nothing_exists_no_object_counts_as_missing()
    {
        await using var s3 = new ScriptedS3(new ProxyFault.Answer(404, "<html>Not here</html>", ("Content-Type", "text/html")));
        var store = s3.Open();

        var look = await FailureOfAsync(store.LengthAsync(At, Cancellation));
        var read = await FailureOfAsync(store.ReadAsync(At, Cancellation));

        Assert.All([look, read], failure => Assert.Equal(StoreFailureKind.Refused, failure.Kind));
        Assert.Equal($"There is no bucket bucket for {At}, or its address is not that of an S3 store. Create the bucket, or correct the catalog's settings.", read.Message);
    }

    [Fact]
    public async Task A_bucket_that_was_seen_is_not_looked_for_again()
    {
        await using var s3 = new ScriptedS3(request => request.Method == "HEAD" ? new ProxyFault.Answer(404) : Ok("<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated></ListBucketResult>"));
        var store = s3.Open();

        for (var i = 0; i < 3; i++) Assert.Null(await store.LengthAsync(At, Cancellation));

        Assert.Equal(["HEAD folder/object", "GET ?list-type=2&max-keys=1", "HEAD folder/object", "HEAD folder/object"], s3.Asked);
    }

    [Fact]
    public async Task Pages_of_a_listing_are_asked_for_as_the_caller_comes_to_them()
    {
        await using var s3 = new ScriptedS3(request => Ok($"""
            <ListBucketResult><Name>bucket</Name><EncodingType>url</EncodingType><IsTruncated>{(request.Number < 3 ? "true" : "false")}</IsTruncated><NextContinuationToken>t{request.Number}</NextContinuationToken>
            <Contents><Key>folder/a%2Bb+{request.Number}%01%25</Key><Size>7</Size><LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents></ListBucketResult>
            """));
        var names = new List<string>();

        await foreach (var item in s3.Open().ListAsync("s3a://bucket/folder/", Cancellation))
        {
            names.Add(item.Location);
            Assert.Equal(names.Count, s3.Server.Requests.Count);
            Assert.Equal((7, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)), (item.LengthBytes, item.LastModified));
        }

        Assert.Equal(["s3a://bucket/folder/a+b 1\u0001%", "s3a://bucket/folder/a+b 2\u0001%", "s3a://bucket/folder/a+b 3\u0001%"], names);
        Assert.Equal(["", "t1", "t2"], s3.Server.Requests.Select(request => System.Web.HttpUtility.ParseQueryString(request.Query)["continuation-token"] ?? ""));
    }

    [Theory]
    [InlineData("s3://bucket")]
    [InlineData("s3://bucket/")]
    [InlineData("s3:///key")]
    [InlineData("s3://buc ket/key")]
    [InlineData("s3://bucket@host/key")]
    [InlineData("s3://bucket/a/../b")]
    [InlineData("s3://bucket/./b")]
    [InlineData("/local/file")]
    public async Task A_location_that_is_no_object_of_S3_is_refused_before_anything_is_sent(string location)
    {
        await using var s3 = new ScriptedS3(Ok());

        var failure = await FailureOfAsync(s3.Open().PutAsync(location, new byte[1], Cancellation));

        // What stands before a host may be a key and its secret.
        Assert.Equal((StoreFailureKind.Refused, location.Replace("bucket@host", "***@host", StringComparison.Ordinal)), (failure.Kind, failure.Location));
        Assert.Empty(s3.Server.Requests);
    }
}
