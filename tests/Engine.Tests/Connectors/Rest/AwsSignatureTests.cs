using System.Net.Http.Headers;
using System.Text;
using Matih.Connectors.Rest;

namespace Matih.Engine.Tests.Connectors.Rest;

/// <summary>AWS's published test suite for Signature Version 4 (aws-sig-v4-test-suite), as far as it applies to requests of a catalog.</summary>
public sealed class AwsSignatureTests
{
    private const string SuiteToken =
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

    private static readonly DateTimeOffset SuiteTime = new(2015, 8, 30, 12, 36, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    [InlineData("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
    [InlineData("GET", "/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")]
    [InlineData("GET", "/?ሴ=bar", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04")]
    [InlineData("GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f")]
    public void A_request_of_the_suite_is_signed_as_published(string method, string path, string signature) =>
        Assert.Equal(Expected("host;x-amz-date", signature), Signed(new HttpRequestMessage(new HttpMethod(method), $"https://example.amazonaws.com{path}"), "", null));

    [Fact]
    public void A_body_and_its_type_are_signed_as_published()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "https://example.amazonaws.com/") { Content = new ByteArrayContent("Param1=value1"u8.ToArray()) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded");

        Assert.Equal(Expected("content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"), Signed(request, "Param1=value1", null));
    }

    [Fact]
    public void A_session_token_is_sent_and_signed_as_published()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "https://example.amazonaws.com/");

        Assert.Equal(Expected("host;x-amz-date;x-amz-security-token", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"), Signed(request, "", SuiteToken));
        Assert.Equal(SuiteToken, Assert.Single(request.Headers.GetValues("x-amz-security-token")));
    }

    [Fact]
    public void A_path_that_is_encoded_already_is_encoded_once_more_and_the_hash_of_the_body_is_sent()
    {
        var plain = new HttpRequestMessage(HttpMethod.Get, "https://glue.us-east-1.amazonaws.com/iceberg/v1/catalogs/1/namespaces/a%251Fb/tables/t");
        var request = new HttpRequestMessage(HttpMethod.Get, "https://glue.us-east-1.amazonaws.com/iceberg/v1/catalogs/1/namespaces/a%1Fb/tables/t");

        Assert.NotEqual(Signed(plain, "", null), Signed(request, "", null));
        Assert.Equal("/iceberg/v1/catalogs/1/namespaces/a%251Fb/tables/t", AwsSignature.CanonicalPath(request.RequestUri!));
        var whole = new HttpRequestMessage(HttpMethod.Get, "https://example.amazonaws.com/");
        new AwsSignature(new AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", null), "us-east-1", "glue").Sign(whole, [], SuiteTime);
        Assert.Equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Assert.Single(whole.Headers.GetValues("x-amz-content-sha256")));
        Assert.Contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date,", Assert.Single(whole.Headers.GetValues("Authorization")), StringComparison.Ordinal);
    }

    private static string Signed(HttpRequestMessage request, string body, string? token)
    {
        new AwsSignature(new AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token), "us-east-1", "service").SignHeaders(request, Encoding.UTF8.GetBytes(body), SuiteTime);
        return Assert.Single(request.Headers.GetValues("Authorization"));
    }

    private static string Expected(string headers, string signature) =>
        $"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={headers}, Signature={signature}";
}
