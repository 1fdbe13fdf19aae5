using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Matih.Connectors.Rest;

/// <summary>What a request to AWS is signed with.</summary>
/// <param name="SessionToken">Null for keys that last.</param>
public sealed record AwsKeys(string AccessKeyId, string SecretAccessKey, string? SessionToken)
{
    /// <summary>Prints no key.</summary>
    public override string ToString() => "AWS keys";
}

/// <summary>AWS Signature Version 4 over the headers of a request.</summary>
/// <remarks>
/// Source: AWS documentation, "Create a signed AWS API request". As for all services but S3, each part of the path, which is
/// encoded already, is encoded once more.
/// </remarks>
internal sealed class AwsSignature(AwsKeys keys, string region, string service)
{
    private const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>Adds the hash of the body, the time, the session token and the signature as headers.</summary>
    public void Sign(HttpRequestMessage request, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        request.Headers.TryAddWithoutValidation("x-amz-content-sha256", Hash(body));
        SignHeaders(request, body, now);
    }

    /// <summary>The same without a header for the hash of the body, which not every service asks for.</summary>
    public void SignHeaders(HttpRequestMessage request, ReadOnlySpan<byte> body, DateTimeOffset now)
    {
        var time = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        request.Headers.TryAddWithoutValidation("x-amz-date", time);
        if (keys.SessionToken is { } token) request.Headers.TryAddWithoutValidation("x-amz-security-token", token);
        var headers = SignedHeaders(request);
        var names = string.Join(';', headers.Keys);
        var canonical = string.Join('\n',
            request.Method.Method, CanonicalPath(request.RequestUri!), CanonicalQuery(request.RequestUri!),
            string.Concat(headers.Select(header => $"{header.Key}:{header.Value}\n")), names, Hash(body));
        var scope = $"{time[..8]}/{region}/{service}/aws4_request";
        var text = string.Join('\n', Algorithm, time, scope, Hash(Encoding.UTF8.GetBytes(canonical)));
        var key = Encoding.UTF8.GetBytes("AWS4" + keys.SecretAccessKey);
        foreach (var part in scope.Split('/')) key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text)));
        request.Headers.TryAddWithoutValidation("Authorization", $"{Algorithm} Credential={keys.AccessKeyId}/{scope}, SignedHeaders={names}, Signature={signature}");
    }

    /// <summary>Those of AWS, the host and the type of the body. Others a proxy may change.</summary>
    private static SortedDictionary<string, string> SignedHeaders(HttpRequestMessage request)
    {
        var uri = request.RequestUri!;
        var signed = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["host"] = request.Headers.Host ?? (uri.IsDefaultPort ? uri.IdnHost : $"{uri.IdnHost}:{uri.Port}") };
        foreach (var (name, values) in request.Headers.NonValidated)
            if (name.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase)) signed[name.ToLowerInvariant()] = Trimmed(string.Join(',', values));
        if (request.Content?.Headers.ContentType is { } type) signed["content-type"] = type.ToString();
        return signed;
    }

    private static string Trimmed(string value) => string.Join(' ', value.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    internal static string CanonicalPath(Uri uri) => string.Join('/', uri.AbsolutePath.Split('/').Select(Uri.EscapeDataString));

    private static string CanonicalQuery(Uri uri) => uri.Query.Length < 2 ? "" : string.Join('&', uri.Query[1..].Split('&')
        .Select(pair => pair.Split('=', 2))
        .Select(pair => (Name: Encoded(pair[0]), Value: pair.Length == 2 ? Encoded(pair[1]) : ""))
        .OrderBy(pair => pair.Name, StringComparer.Ordinal).ThenBy(pair => pair.Value, StringComparer.Ordinal)
        .Select(pair => $"{pair.Name}={pair.Value}"));

    private static string Encoded(string text) => Uri.EscapeDataString(Uri.UnescapeDataString(text));

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
