using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Matih.Definition;

namespace Matih.Connectors.S3;

/// <summary>Configures the SDK: it sends each request once, follows no redirect, and says nothing that compatible stores do not understand.</summary>
internal static class S3Client
{
    private static readonly TimeSpan ConnectMax = TimeSpan.FromSeconds(10);

    /// <param name="credentials">Null leaves it to the SDK's own chain.</param>
    /// <param name="handler">Stays the caller's.</param>
    public static AmazonS3Client Create(S3Access access, AWSCredentials? credentials, HttpMessageHandler handler)
    {
        var config = new AmazonS3Config
        {
            // Which call may be sent again, and when, is decided in one place, which is ours. The SDK counts requests on a
            // connection that broke apart, and sends them again up to ten times, conditional ones too.
            MaxErrorRetry = 0,
            MaxStaleConnectionRetries = 0,
            AllowAutoRedirect = false,
            Timeout = Timeout.InfiniteTimeSpan,
            // Compatible stores refuse checksums in headers and trailers that they do not know. The signature covers the content.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            ForcePathStyle = access.IsPathStyle ?? access.Endpoint is not null,
            HttpClientFactory = new SdkHttpClients(handler),
        };
        if (access.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.Reveal().AbsoluteUri;
            config.AuthenticationRegion = access.Region ?? "us-east-1";
        }
        else if (access.Region is { } region)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }
        return credentials is null ? new AmazonS3Client(config) : new AmazonS3Client(credentials, config);
    }

    /// <summary>Sends through connections of its own.</summary>
    public static HttpMessageHandler CreateHandler() => new SdkCorrection(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = ConnectMax,
        MaxConnectionsPerServer = S3Pace.RequestsMax,
        // Names are looked up again now and then, and a connection that a load balancer forgets is not used.
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(15),
    });

    /// <summary>
    /// The SDK follows redirects by itself, with all headers; here an answer that sends elsewhere is an error. It also asks before
    /// it sends content, which costs a round trip for each object, and takes the tag of what it reads for an MD5, which it is not
    /// in every store.
    /// </summary>
    private sealed class SdkCorrection(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.ExpectContinue = false;
            var answer = await base.SendAsync(request, cancellationToken);
            if (request.Method == HttpMethod.Get) answer.Headers.Remove("ETag");
            var region = answer.Headers.TryGetValues("x-amz-bucket-region", out var values) ? values.FirstOrDefault() : null;
            var isElsewhere = answer.StatusCode is >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest and not HttpStatusCode.NotModified
                // A HEAD in the wrong region has no text that says why.
                || (answer.StatusCode == HttpStatusCode.BadRequest && request.Method == HttpMethod.Head && region is not null);
            if (!isElsewhere) return answer;
            var failure = new S3RedirectException(answer.StatusCode, region, answer.Headers.Location?.Host);
            answer.Dispose();
            throw failure;
        }
    }
}

/// <summary>Gives the SDK clients that send through one handler, which stays its owner's.</summary>
internal sealed class SdkHttpClients(HttpMessageHandler handler) : HttpClientFactory
{
    public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

    public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

    public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
}

/// <summary>The store says that the bucket is elsewhere.</summary>
internal sealed class S3RedirectException(HttpStatusCode status, string? region, string? host) : Exception($"{(int)status}, region {region}, host {host}")
{
    public HttpStatusCode Status { get; } = status;

    public string? Region { get; } = region;

    public string? Host { get; } = host;
}
