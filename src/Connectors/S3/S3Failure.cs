using System.Net.Sockets;
using System.Security.Authentication;
using Amazon.Runtime;
using Amazon.S3;
using Matih.Storage;

namespace Matih.Connectors.S3;

/// <summary>What one attempt at a request came to, in place of the SDK's exceptions.</summary>
/// <param name="Kind">Of a request that changes nothing.</param>
/// <param name="Code">S3's own code of the error; empty where there was no answer.</param>
/// <param name="Reason">What happened, for a message; a server's own words may repeat what it was sent.</param>
internal sealed record S3Failure(StoreFailureKind Kind, string Code, string Reason)
{
    /// <summary>What to do; null takes the kind's own.</summary>
    public string? Remedy { get; init; }

    /// <summary>Whether it is certain that the request changed nothing.</summary>
    public bool IsDecided { get; init; } = true;

    /// <summary>Whether the same request may succeed soon.</summary>
    public bool IsPassing { get; init; }

    /// <summary>Whether the store takes these credentials no longer.</summary>
    public bool IsExpired { get; init; }

    /// <summary>What happened below, where that is worth keeping and cannot hold a secret.</summary>
    public Exception? Cause { get; init; }

    /// <summary>Sorts every exception of the SDK and of the network; null for any other.</summary>
    /// <param name="tried">Whose credentials are used, for a message.</param>
    /// <param name="region">Where the client asks; null is unknown.</param>
    public static S3Failure? Of(Exception exception, string tried, string? region) => exception switch
    {
        // Ours from within a request says it all already.
        StoreException => null,
        S3CredentialException { InnerException: { } inner } => OfCredentials(inner, tried, region),
        S3RedirectException redirect => OfRedirect(redirect, region),
        AmazonServiceException service when OfTransport(service) is { } transport => transport,
        AmazonServiceException service => OfAnswer(service, tried),
        AmazonClientException client => OfTransport(client) ?? OfClient(client, tried),
        _ => OfTransport(exception),
    };

    /// <summary>Nothing was sent. Whatever it was that the source did not find or would not give, the object is not meant.</summary>
    private static S3Failure? OfCredentials(Exception exception, string tried, string? region)
    {
        var failure = exception is StoreException store
            ? new(store.Kind, "", store.Message) { IsPassing = store.Kind is StoreFailureKind.Unreachable or StoreFailureKind.Throttled }
            : Of(exception, tried, region);
        if (failure is null) return null;
        return failure with { Kind = failure.IsPassing ? failure.Kind : StoreFailureKind.Denied, IsDecided = true, Reason = $"there are no credentials: {failure.Reason}" };
    }

    /// <param name="redaction">Knows the credentials, which a server may repeat in its answer.</param>
    public StoreException ToException(string action, string location, RedactedText redaction) =>
        StoreException.Of(Kind, action, location, redaction.Without(Reason), Remedy, redaction.Kept(Cause));

    private static S3Failure OfRedirect(S3RedirectException redirect, string? region)
    {
        var place = (redirect.Region, redirect.Host) switch
        {
            ({ } real, _) => $"region {real}",
            (_, { } host) => $"host {host}",
            _ => "another region or address, which it does not name",
        };
        return new(StoreFailureKind.Refused, $"{(int)redirect.Status}", $"the bucket is in {place}, and was asked for in region {region ?? "of the default"} ({(int)redirect.Status} {redirect.Status})")
        {
            Remedy = "Give the catalog's S3 settings the bucket's region, and an endpoint that belongs to it or none.",
        };
    }

    private static S3Failure OfAnswer(AmazonServiceException answer, string tried)
    {
        var (status, code) = ((int)answer.StatusCode, answer.ErrorCode ?? "");
        var reason = $"{Said(answer)} ({string.Join(", ", Details(answer, status, code))})";
        return (status, code) switch
        {
            (_, "NoSuchBucket") => new(StoreFailureKind.Refused, code, reason) { Remedy = "Create the bucket, or correct its name." },
            (_, "ExpiredToken" or "InvalidToken" or "TokenRefreshRequired" or "ExpiredTokenException") =>
                new(StoreFailureKind.Denied, code, $"{reason}; with {tried}") { IsExpired = true, Remedy = "Renew the credentials: their session has ended." },
            (_, "RequestTimeTooSkewed") => new(StoreFailureKind.Denied, code, reason) { Remedy = "Set this machine's clock: it differs from the store's by more than the store allows." },
            (_, "SlowDown" or "RequestLimitExceeded" or "TooManyRequests" or "ThrottlingException" or "Throttling" or "BandwidthLimitExceeded") or (429, _) =>
                new(StoreFailureKind.Throttled, code, reason) { IsPassing = true },
            // Another change of this object is under way, and nothing is decided yet.
            (409, "ConditionalRequestConflict" or "OperationAborted") => new(StoreFailureKind.Throttled, code, reason) { IsPassing = true },
            (_, "QuotaExceeded" or "InsufficientCapacity" or "XMinioStorageFull" or "StorageFull") or (507, _) => new(StoreFailureKind.Full, code, reason),
            (401 or 403, _) when answer is not AmazonS3Exception => new(StoreFailureKind.Denied, code, $"{reason}; with {tried}"),
            (401 or 403, _) => new(StoreFailureKind.Denied, code, $"{reason}; with {tried}")
            {
                Remedy = "Check the credentials, and the permissions that they give on this place: s3:GetObject, s3:PutObject, s3:DeleteObject, and s3:ListBucket on the bucket, without which S3 refuses what does not exist.",
            },
            (404, _) => new(StoreFailureKind.Absent, code, $"{reason}{(answer is AmazonS3Exception ? "" : $"; with {tried}")}"),
            (412, _) => new(StoreFailureKind.PreconditionFailed, code, reason),
            (501, _) => new(StoreFailureKind.Refused, code, reason) { Remedy = "The store lacks what is asked of it: use another one." },
            // The body did not arrive whole, says the store. An error in a body whose status is 200 is one of the server.
            (>= 500, _) or (400, "RequestTimeout") or (200, _) or (0, _) => new(StoreFailureKind.Unreachable, code, reason) { IsPassing = true, IsDecided = false },
            _ => new(StoreFailureKind.Refused, code, reason),
        };
    }

    private static S3Failure OfClient(AmazonClientException client, string tried) =>
        client.Message.Contains("credential", StringComparison.OrdinalIgnoreCase) || client.Message.Contains("profile", StringComparison.OrdinalIgnoreCase) || client.Message.Contains("access key", StringComparison.Ordinal)
            ? new(StoreFailureKind.Denied, "", $"no credentials were found; tried {tried}: {OneLine(client.Message)}") { Remedy = "Give the catalog's S3 settings an access key, a profile or a role, or the process an identity." }
            : new(StoreFailureKind.Refused, "", OneLine(client.Message))
            {
                Remedy = client.Message.Contains("RegionEndpoint", StringComparison.Ordinal) ? "Give the catalog's S3 settings the bucket's region, or set AWS_REGION; a store that is not AWS itself needs an endpoint." : null,
            };

    /// <summary>No answer, or none that can be read.</summary>
    private static S3Failure? OfTransport(Exception exception)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            switch (inner)
            {
                case AuthenticationException:
                    return new(StoreFailureKind.Refused, "", $"the TLS connection failed: {OneLine(inner.Message)}") { Cause = inner, Remedy = "Check the address and the server's certificate." };
                case HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError } request:
                    // Nothing was sent.
                    return new(StoreFailureKind.Unreachable, "", OneLine(request.Message)) { IsPassing = true, Cause = request.InnerException is SocketException socket ? socket : null };
                case IOException or SocketException or HttpRequestException or TimeoutException or OperationCanceledException:
                    if (inner is HttpRequestException && inner.InnerException is not null) continue;
                    var said = inner is OperationCanceledException ? "there was no answer in time" : OneLine(inner.Message);
                    return new(StoreFailureKind.Unreachable, "", said) { IsPassing = true, IsDecided = false, Cause = inner is OperationCanceledException ? null : inner };
            }
        }
        return null;
    }

    /// <summary>The server's own words, unless they could repeat what was sent.</summary>
    private static string Said(AmazonServiceException answer)
    {
        var text = answer.Message.Split('\n')[0];
        var isPlain = !text.StartsWith("Error making request", StringComparison.Ordinal) && text.Length is > 0 and < 1000 && !text.Contains("ignature=", StringComparison.Ordinal) && !text.Contains("X-Amz-", StringComparison.OrdinalIgnoreCase) && !text.Contains('<', StringComparison.Ordinal);
        return isPlain ? OneLine(text) : $"{answer.StatusCode}";
    }

    private static IEnumerable<string> Details(AmazonServiceException answer, int status, string code)
    {
        yield return code.Length > 0 && !code.Contains('<', StringComparison.Ordinal) ? $"{status} {code}" : $"{status}";
        if (!string.IsNullOrEmpty(answer.RequestId)) yield return $"request {answer.RequestId}";
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ").Trim().TrimEnd('.');
}
