using Matih.Fixtures;
using Matih.Storage;
using static Matih.Engine.Tests.Connectors.S3.ScriptedS3;

namespace Matih.Engine.Tests.Connectors.S3;

public sealed class S3ConditionalPutTests
{
    private static readonly byte[] Content = "content"u8.ToArray();

    /// <summary>Every cut, for objects with and without content, on new and on used connections.</summary>
    public static IEnumerable<TheoryDataRow<ProxyFault, int, bool>> Cuts =>
        from cut in (ProxyFault[])[new ProxyFault.CutBefore(), new ProxyFault.CutAfter(), new ProxyFault.CutWithin()]
        from length in (int[])[0, 7, 3_000_000]
        from isUsed in (bool[])[false, true]
        select new TheoryDataRow<ProxyFault, int, bool>(cut, length, isUsed);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_object_is_put_with_one_request_that_has_the_condition()
    {
        await using var s3 = new ScriptedS3(Ok());

        Assert.True(await s3.Open(partBytes: 3).PutIfAbsentAsync(At, Content, Cancellation));

        var request = Assert.Single(s3.Server.Requests);
        Assert.Equal(("PUT", "/bucket/folder/object", "*", "content"), (request.Method, request.Target, request.Headers["If-None-Match"], System.Text.Encoding.UTF8.GetString(request.Body)));
        Assert.DoesNotContain("Expect", request.Headers.Keys);
    }

    [Fact]
    public async Task A_precondition_that_fails_says_that_the_object_exists()
    {
        await using var s3 = new ScriptedS3(Error(412, "PreconditionFailed"));

        Assert.False(await s3.Open().PutIfAbsentAsync(At, Content, Cancellation));

        Assert.Single(s3.Server.Requests);
    }

    [Theory]
    [InlineData(409, "ConditionalRequestConflict")]
    [InlineData(409, "OperationAborted")]
    [InlineData(503, "SlowDown")]
    [InlineData(429, "TooManyRequests")]
    public async Task An_answer_that_decides_nothing_is_followed_by_the_same_request(int status, string code)
    {
        await using var s3 = new ScriptedS3(Error(status, code), Error(status, code), Ok());

        Assert.True(await s3.Open().PutIfAbsentAsync(At, Content, Cancellation));

        Assert.Equal(3, s3.Server.Requests.Count);
        Assert.All(s3.Server.Requests, request => Assert.Equal(("*", Content.Length), (request.Headers["If-None-Match"], request.Body.Length)));
    }

    [Theory]
    [InlineData(409, "ConditionalRequestConflict")]
    [InlineData(503, "SlowDown")]
    public async Task An_answer_that_decides_nothing_for_ever_is_a_throttled_store(int status, string code)
    {
        await using var s3 = new ScriptedS3(Error(status, code));

        var failure = await FailureOfAsync(s3.Open().PutIfAbsentAsync(At, Content, Cancellation));

        Assert.Equal((StoreFailureKind.Throttled, At), (failure.Kind, failure.Location));
        Assert.Equal($"Could not write {At}: as scripted ({status} {code}, request R1). Spread the load, or ask the store's provider for a higher limit.", failure.Message);
        Assert.InRange(s3.Clock.Elapsed, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(31));
        Assert.InRange(s3.Server.Requests.Count, 8, 20);
    }

    [Theory]
    [InlineData(500, "InternalError")]
    [InlineData(502, "BadGateway")]
    [InlineData(503, "ServiceUnavailable")]
    [InlineData(503, "SlowDownWrite")] // MinIO without a quorum: some disks may have written it.
    [InlineData(504, "GatewayTimeout")]
    [InlineData(400, "RequestTimeout")]
    public async Task An_error_of_the_server_leaves_the_outcome_unknown_and_is_sent_once(int status, string code)
    {
        await using var s3 = new ScriptedS3(Error(status, code), Ok());

        var failure = await FailureOfAsync(s3.Open().PutIfAbsentAsync(At, Content, Cancellation));

        Assert.Equal(StoreFailureKind.UnknownOutcome, failure.Kind);
        Assert.Equal($"Could not write {At}: as scripted ({status} {code}, request R1). The next attempt reads what stands there.", failure.Message);
        Assert.Single(s3.Server.Requests);
    }

    /// <summary>On a connection that was used before: HTTP clients and the SDK take a cut there for a stale connection, and send again.</summary>
    [Theory]
    [MemberData(nameof(Cuts), DisableDiscoveryEnumeration = true)]
    public async Task A_cut_leaves_the_outcome_unknown_and_is_sent_once(ProxyFault cut, int length, bool isUsed)
    {
        await using var store = FaultProxy.Start(_ => Ok("x"));
        await using var proxy = FaultProxy.Start(store.Uri, request => request.Method == "PUT" ? cut : new ProxyFault.None());
        await using var s3 = new ScriptedS3(Ok());
        var client = s3.Open(access => access with { Endpoint = UrlOf(proxy.Uri) });
        if (isUsed) await client.ReadAsync(At, Cancellation);

        var failure = await FailureOfAsync(client.PutIfAbsentAsync(At, new byte[length], Cancellation));

        Assert.Equal(StoreFailureKind.UnknownOutcome, failure.Kind);
        Assert.Single(proxy.Requests, request => request.Method == "PUT");
    }

    [Fact]
    public async Task No_answer_in_time_leaves_the_outcome_unknown_and_is_sent_once()
    {
        var never = new TaskCompletionSource();
        await using var s3 = new ScriptedS3(_ => Ok() with { Until = never.Task });

        var call = s3.Open().PutIfAbsentAsync(At, Content, Cancellation);
        await s3.SeesAsync(1);
        s3.Clock.Advance(TimeSpan.FromSeconds(21));
        var failure = await FailureOfAsync(call);

        Assert.Equal(StoreFailureKind.UnknownOutcome, failure.Kind);
        Assert.Equal($"Could not write {At}: there was no answer in time (asked {s3.Server.Uri}). The next attempt reads what stands there.", failure.Message);
        Assert.Single(s3.Server.Requests);
    }

    [Theory]
    [InlineData(403, "AccessDenied", StoreFailureKind.Denied)]
    [InlineData(403, "SignatureDoesNotMatch", StoreFailureKind.Denied)]
    [InlineData(401, "Unauthorized", StoreFailureKind.Denied)]
    [InlineData(400, "ExpiredToken", StoreFailureKind.Denied)]
    [InlineData(403, "RequestTimeTooSkewed", StoreFailureKind.Denied)]
    [InlineData(404, "NoSuchBucket", StoreFailureKind.Refused)]
    [InlineData(501, "NotImplemented", StoreFailureKind.Refused)]
    [InlineData(400, "KeyTooLongError", StoreFailureKind.Refused)]
    [InlineData(403, "QuotaExceeded", StoreFailureKind.Full)]
    [InlineData(507, "XMinioStorageFull", StoreFailureKind.Full)]
    public async Task A_refusal_changed_nothing_and_is_sent_once(int status, string code, StoreFailureKind kind)
    {
        await using var s3 = new ScriptedS3(Error(status, code), Ok());

        var failure = await FailureOfAsync(s3.Open().PutIfAbsentAsync(At, Content, Cancellation));

        Assert.Equal(kind, failure.Kind);
        Assert.Contains($"Could not write {At}: as scripted ({status} {code}, request R1)", failure.Message, StringComparison.Ordinal);
        Assert.Single(s3.Server.Requests);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(307)]
    [InlineData(302)]
    public async Task A_bucket_that_is_elsewhere_is_refused_with_its_region_and_no_redirect_is_followed(int status)
    {
        await using var elsewhere = FaultProxy.Start(_ => Ok());
        await using var s3 = new ScriptedS3(_ => Error(status, "PermanentRedirect") with { Headers = [("Location", new Uri(elsewhere.Uri, "/bucket/folder/object").AbsoluteUri), ("x-amz-bucket-region", "eu-west-7")] });
        var store = s3.Open(access => access with { Region = "us-east-1" });

        var put = await FailureOfAsync(store.PutIfAbsentAsync(At, Content, Cancellation));
        var look = await FailureOfAsync(store.LengthAsync(At, Cancellation));

        Assert.All([put, look], failure => Assert.Equal(StoreFailureKind.Refused, failure.Kind));
        Assert.Contains("the bucket is in region eu-west-7, and was asked for in region us-east-1", put.Message, StringComparison.Ordinal);
        Assert.Empty(elsewhere.Requests);
        Assert.Equal(2, s3.Server.Requests.Count);
    }
}
