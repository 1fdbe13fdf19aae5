using System.Net;
using Amazon.Runtime;
using Amazon.S3.Model;
using Matih.Connectors.S3;
using Matih.Definition;

namespace Matih.Engine.Tests.Connectors.S3;

public sealed class S3ClientTests
{
    [Theory]
    [InlineData(null, "eu-west-1", null, "https://bucket.s3.eu-west-1.amazonaws.com/a/b")]
    [InlineData(null, "eu-west-1", true, "https://s3.eu-west-1.amazonaws.com/bucket/a/b")]
    [InlineData(null, "cn-north-1", null, "https://bucket.s3.cn-north-1.amazonaws.com.cn/a/b")]
    [InlineData("http://minio.example:9000", null, null, "http://minio.example:9000/bucket/a/b")]
    [InlineData("http://minio.example:9000", null, false, "http://bucket.minio.example:9000/a/b")]
    [InlineData("https://0123.r2.cloudflarestorage.com", "auto", null, "https://0123.r2.cloudflarestorage.com/bucket/a/b")]
    [InlineData("https://vpce-1.s3.eu-west-1.vpce.amazonaws.com", "eu-west-1", null, "https://vpce-1.s3.eu-west-1.vpce.amazonaws.com/bucket/a/b")]
    public async Task The_bucket_is_a_part_of_the_path_where_an_endpoint_is_given_and_else_of_the_host(string? endpoint, string? region, bool? isPathStyle, string expected)
    {
        var noted = new NotingHandler();
        var access = new S3Access { Endpoint = endpoint is null ? null : ScriptedS3.UrlOf(new Uri(endpoint)), Region = region, IsPathStyle = isPathStyle };
        using var client = S3Client.Create(access, new BasicAWSCredentials("AKID", "secret"), noted);

        await Assert.ThrowsAnyAsync<Exception>(async () => await client.GetObjectAsync(new GetObjectRequest { BucketName = "bucket", Key = "a/b" }, TestContext.Current.CancellationToken));

        Assert.Equal(expected, noted.Asked!.GetLeftPart(UriPartial.Path));
        Assert.Contains($"/{region ?? "us-east-1"}/s3/aws4_request", noted.Authorization, StringComparison.Ordinal);
    }

    private sealed class NotingHandler : HttpMessageHandler
    {
        public Uri? Asked { get; private set; }

        public string? Authorization { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            (Asked, Authorization) = (request.RequestUri, string.Join(' ', request.Headers.GetValues("Authorization")));
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.NotFound) { RequestMessage = request, Content = new StringContent("") });
        }
    }
}
