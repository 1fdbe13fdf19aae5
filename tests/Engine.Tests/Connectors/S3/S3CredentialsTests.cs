using System.Globalization;
using Matih.Connectors.S3;
using Matih.Definition;
using Matih.Fixtures;
using Matih.Storage;
using static Matih.Engine.Tests.Connectors.S3.ScriptedS3;

namespace Matih.Engine.Tests.Connectors.S3;

public sealed class S3CredentialsTests
{
    private const string Role = "arn:aws:iam::123456789012:role/writer";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_session_token_goes_with_each_request()
    {
        await using var s3 = new ScriptedS3(Ok());
        var store = s3.Open(access => access with { SessionToken = new Secret(PlantedToken) });

        await store.ReadAsync(At, Cancellation);
        await store.PutIfAbsentAsync(At, new byte[1], Cancellation);

        Assert.All(s3.Server.Requests, request =>
        {
            Assert.Equal(PlantedToken, request.Headers["x-amz-security-token"]);
            Assert.Contains("Credential=AKID/", request.Headers["Authorization"], StringComparison.Ordinal);
            Assert.Contains("/us-east-1/s3/", request.Headers["Authorization"], StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Credentials_of_a_source_are_asked_for_again_before_they_expire_and_once_for_all_callers()
    {
        await using var s3 = new ScriptedS3(Ok("x"));
        var askedCount = 0;
        var store = s3.Open(credentials: async _ =>
        {
            await Task.Yield();
            var number = Interlocked.Increment(ref askedCount);
            return new($"VENDED{number}", new Secret(PlantedSecret), new Secret($"token-{number}"), s3.Clock.GetUtcNow() + TimeSpan.FromHours(1));
        });

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => store.ReadAsync(At, Cancellation).AsTask()));
        s3.Clock.Advance(TimeSpan.FromMinutes(54));
        await store.ReadAsync(At, Cancellation);
        Assert.Equal((1, 21), (askedCount, s3.Server.Requests.Count(request => request.Headers["x-amz-security-token"] == "token-1")));
        s3.Clock.Advance(TimeSpan.FromMinutes(2));
        await store.ReadAsync(At, Cancellation);

        Assert.Equal(2, askedCount);
        Assert.Contains("Credential=VENDED2/", s3.Server.Requests.Last().Headers["Authorization"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_that_fails_is_asked_again_and_valid_credentials_are_used_meanwhile()
    {
        await using var s3 = new ScriptedS3(Ok("x"));
        var askedCount = 0;
        var store = s3.Open(credentials: _ => ++askedCount is 1 or 3
            ? new(new S3SessionCredentials($"VENDED{askedCount}", new Secret(PlantedSecret), null, s3.Clock.GetUtcNow() + TimeSpan.FromHours(1)))
            : throw new StoreException(StoreFailureKind.Denied, "s3://bucket/", "the catalog gives none"));

        await store.ReadAsync(At, Cancellation);
        s3.Clock.Advance(TimeSpan.FromMinutes(56));
        await store.ReadAsync(At, Cancellation);
        await store.ReadAsync(At, Cancellation);
        s3.Clock.Advance(TimeSpan.FromSeconds(11));
        await store.ReadAsync(At, Cancellation);

        Assert.Equal(["VENDED1", "VENDED1", "VENDED1", "VENDED3"], s3.Server.Requests.Select(request => request.Headers["Authorization"].Split("Credential=")[1].Split('/')[0]));
    }

    [Fact]
    public async Task A_conditional_put_whose_credentials_cannot_be_had_was_not_sent()
    {
        await using var s3 = new ScriptedS3(Ok());
        var denied = s3.Open(credentials: _ => throw new StoreException(StoreFailureKind.Denied, "s3://bucket/", "the catalog gives none"));
        var passing = 0;
        var cut = s3.Open(credentials: _ => ++passing == 1 ? throw new HttpRequestException("cut") : new(new S3SessionCredentials("VENDED", new Secret(PlantedSecret), null, null)));
        var broken = s3.Open(credentials: _ => throw new InvalidOperationException("a mistake of ours"));

        var failure = await FailureOfAsync(denied.PutIfAbsentAsync(At, new byte[1], Cancellation));
        Assert.Equal(StoreFailureKind.Denied, failure.Kind);
        Assert.Contains("the catalog gives none", failure.Message, StringComparison.Ordinal);
        Assert.Equal("a mistake of ours", (await Assert.ThrowsAsync<InvalidOperationException>(async () => await broken.PutIfAbsentAsync(At, new byte[1], Cancellation))).Message);
        Assert.Empty(s3.Server.Requests);

        Assert.True(await cut.PutIfAbsentAsync(At, new byte[1], Cancellation));
        Assert.Single(s3.Server.Requests);
    }

    [Fact]
    public async Task Credentials_that_the_store_calls_expired_are_renewed_once()
    {
        await using var s3 = new ScriptedS3(request => request.Headers["x-amz-security-token"] == "token-1" ? Error(400, "ExpiredToken") : Ok("x"));
        var askedCount = 0;
        var store = s3.Open(credentials: _ => new(new S3SessionCredentials("VENDED", new Secret(PlantedSecret), new Secret($"token-{++askedCount}"), null)));

        Assert.True(await store.PutIfAbsentAsync(At, new byte[1], Cancellation));
        Assert.Equal((2, 2), (askedCount, s3.Server.Requests.Count));

        await using var stubborn = new ScriptedS3(Error(400, "ExpiredToken"));
        var failure = await FailureOfAsync(stubborn.Open(credentials: _ => new(new S3SessionCredentials("VENDED", new Secret(PlantedSecret), null, null))).ReadAsync(At, Cancellation));
        Assert.Equal((StoreFailureKind.Denied, 2), (failure.Kind, stubborn.Server.Requests.Count));
    }

    [Fact]
    public async Task A_role_is_assumed_at_the_stores_own_address_and_again_before_it_expires()
    {
        await using var s3 = new ScriptedS3(_ => Ok());
        await using var aws = new ScriptedS3(request => request.Method == "POST" ? Assumed(request.Number, s3.Clock.GetUtcNow() + TimeSpan.FromHours(1)) : Ok("x"));
        var store = s3.Open(access => access with { Endpoint = aws.Access.Endpoint, Region = "eu-west-7", RoleArn = Role, RoleSessionName = "night-run", RoleExternalId = new Secret("outside") });

        await store.ReadAsync(At, Cancellation);
        await store.ReadAsync(At, Cancellation);
        s3.Clock.Advance(TimeSpan.FromMinutes(56));
        await store.ReadAsync(At, Cancellation);

        Assert.Equal(["POST", "GET", "GET", "POST", "GET"], aws.Server.Requests.Select(request => request.Method));
        var asked = System.Web.HttpUtility.ParseQueryString(System.Text.Encoding.UTF8.GetString(aws.Server.Requests.First().Body));
        Assert.Equal(("AssumeRole", Role, "night-run", "outside"), (asked["Action"], asked["RoleArn"], asked["RoleSessionName"], asked["ExternalId"]));
        Assert.Contains("Credential=AKID/", aws.Server.Requests.First().Headers["Authorization"], StringComparison.Ordinal);
        Assert.Contains("/eu-west-7/sts/", aws.Server.Requests.First().Headers["Authorization"], StringComparison.Ordinal);
        Assert.Equal("assumed-token-4", aws.Server.Requests.Last().Headers["x-amz-security-token"]);
    }

    [Theory]
    [InlineData(404, "NoSuchEntity")]
    [InlineData(412, "PreconditionFailed")]
    [InlineData(400, "ValidationError")]
    public async Task Whatever_assuming_a_role_fails_with_says_nothing_about_the_object(int status, string code)
    {
        await using var s3 = new ScriptedS3(new ProxyFault.Answer(status, $"<ErrorResponse><Error><Code>{code}</Code><Message>as scripted</Message></Error></ErrorResponse>", ("Content-Type", "text/xml")));
        var store = s3.Open(access => access with { RoleArn = Role });

        var read = await FailureOfAsync(store.ReadAsync(At, Cancellation));
        var put = await FailureOfAsync(store.PutIfAbsentAsync(At, new byte[1], Cancellation));

        Assert.All([read, put], failure => Assert.Equal(StoreFailureKind.Denied, failure.Kind));
        Assert.Contains("there are no credentials: as scripted", read.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_that_may_not_be_assumed_is_denied_with_what_was_tried()
    {
        await using var s3 = new ScriptedS3(new ProxyFault.Answer(403, "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error><RequestId>R2</RequestId></ErrorResponse>", ("Content-Type", "text/xml")));

        var failure = await FailureOfAsync(s3.Open(access => access with { RoleArn = Role }).PutIfAbsentAsync(At, new byte[1], Cancellation));

        Assert.Equal(StoreFailureKind.Denied, failure.Kind);
        Assert.Contains($"not authorized to perform: sts:AssumeRole (403 AccessDenied, request R2); with role {Role}, assumed with access key AKID", failure.Message, StringComparison.Ordinal);
        Assert.All(s3.Server.Requests, request => Assert.Equal("POST", request.Method));
    }

    [Fact]
    public async Task No_credentials_go_to_where_assuming_a_role_is_redirected()
    {
        await using var elsewhere = FaultProxy.Start(_ => Ok());
        await using var s3 = new ScriptedS3(_ => new ProxyFault.Answer(307, "", ("Location", elsewhere.Uri.AbsoluteUri)));

        var failure = await FailureOfAsync(s3.Open(access => access with { RoleArn = Role, SessionToken = new Secret(PlantedToken) }).ReadAsync(At, Cancellation));

        Assert.Equal(StoreFailureKind.Denied, failure.Kind);
        Assert.Empty(elsewhere.Requests);
    }

    [Fact]
    public async Task Without_a_region_and_an_address_the_store_is_refused()
    {
        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
        await using var s3 = new ScriptedS3(Ok());

        var failure = await FailureOfAsync(s3.Open(access => access with { Endpoint = null }).ReadAsync(At, Cancellation));

        Assert.Equal(StoreFailureKind.Refused, failure.Kind);
        Assert.Contains("the bucket's region, or set AWS_REGION", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_no_credentials_are_found_the_message_says_what_was_tried()
    {
        // Else the SDK would ask an address of a cloud's machine.
        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
        await using var s3 = new ScriptedS3(Ok());

        var chain = await FailureOfAsync(s3.Open(access => new S3Access { Endpoint = access.Endpoint }).ReadAsync(At, Cancellation));
        var profile = await FailureOfAsync(s3.Open(access => new S3Access { Endpoint = access.Endpoint, Profile = "no-such-profile" }).ReadAsync(At, Cancellation));
        var half = await FailureOfAsync(s3.Open(access => access with { SecretAccessKey = null }).ReadAsync(At, Cancellation));

        Assert.All([chain, profile, half], failure => Assert.Equal(StoreFailureKind.Denied, failure.Kind));
        Assert.Contains("no credentials were found; tried the default chain (environment, profile, web identity, container, machine)", chain.Message, StringComparison.Ordinal);
        Assert.Contains("no credentials were found; tried profile no-such-profile", profile.Message, StringComparison.Ordinal);
        Assert.Contains("an access key needs its secret access key", half.Message, StringComparison.Ordinal);
        Assert.Empty(s3.Server.Requests);
    }

    [Fact]
    public async Task No_secret_and_no_signature_is_in_a_failure_or_a_setting()
    {
        // A server that repeats all that it was sent.
        await using var s3 = new ScriptedS3(request => Error(
            (request.Number % 4) switch { 0 => 403, 1 => 500, 2 => 400, _ => 404 }, "Echo", string.Join(' ', request.Headers.Select(header => $"{header.Key}: {header.Value}"))));
        var access = s3.Access with { SessionToken = new Secret(PlantedToken) };
        var store = s3.Open(_ => access);
        var vended = s3.Open(credentials: _ => new(new S3SessionCredentials("AKID", new Secret(PlantedSecret), new Secret(PlantedToken), null)));

        foreach (var client in (S3Store[])[store, vended])
        {
            for (var i = 0; i < 8; i++)
            {
                var failure = await FailureOfAsync(client.PutIfAbsentAsync(At, new byte[1], Cancellation));
                foreach (var planted in (string[])[PlantedSecret, PlantedToken, "Signature="]) Assert.DoesNotContain(planted, failure.ToString(), StringComparison.OrdinalIgnoreCase);
            }
        }
        var shown = $"{access} {new S3SessionCredentials("AKID", new Secret(PlantedSecret), new Secret(PlantedToken), null)} {store}";
        foreach (var planted in (string[])[PlantedSecret, PlantedToken]) Assert.DoesNotContain(planted, shown, StringComparison.Ordinal);
    }

    private static ProxyFault.Answer Assumed(int number, DateTimeOffset expires) => Ok($"""
        <AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASSUMED{number}</AccessKeyId><SecretAccessKey>{PlantedSecret}</SecretAccessKey>
        <SessionToken>assumed-token-{number}</SessionToken><Expiration>{expires.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>
        """, ("Content-Type", "text/xml"));
}
