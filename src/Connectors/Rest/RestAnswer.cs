using System.Net;
using System.Text.Json;

namespace Matih.Connectors.Rest;

/// <summary>A whole answer of a catalog.</summary>
internal sealed class RestAnswer(HttpStatusCode status, AnswerBody body, string? eTag, TimeSpan? retryAfter, Uri? redirect)
{
    /// <summary>419 is Iceberg's own: the session has expired.</summary>
    private const int AuthenticationTimeout = 419;

    public int Status => (int)status;

    public ReadOnlyMemory<byte> Body => body.Bytes;

    /// <summary>Says that the body has been read, and no part of it was kept.</summary>
    public void ReleaseBody() => body.Release();

    public string? ETag => eTag;

    /// <summary>How long the server asks to wait; null where it does not say.</summary>
    public TimeSpan? RetryAfter => retryAfter;

    /// <summary>Where the server would rather be asked.</summary>
    public Uri? Redirect => redirect;

    public bool IsSuccess => Status is >= 200 and < 300;

    public bool IsRedirect => Status is >= 300 and < 400 and not 304;

    /// <summary>Whether other credentials may help. Nothing was changed.</summary>
    public bool IsDenied => Status is 401 or 403 or AuthenticationTimeout;

    /// <summary>Whether the same question may get another answer soon.</summary>
    public bool IsPassing => Status is 408 or 429 or 500 or 502 or 503 or 504;

    /// <summary>What kind of error the server names, such as <c>NoSuchTableException</c>; null where the answer is no error of a catalog.</summary>
    public string? ErrorType => Error is { ValueKind: JsonValueKind.Object } error ? Text(error, "type") ?? "" : null;

    /// <summary>How messages describe the answer. The text is the server's, and may hold what it was sent.</summary>
    public string Description
    {
        get
        {
            var detail = Error switch
            {
                { ValueKind: JsonValueKind.Object } error => $"{Text(error, "type")}: {Text(error, "message")}".Trim(' ', ':'),
                // OAuth (RFC 6749, section 5.2).
                { ValueKind: JsonValueKind.String } error => error.GetString()!,
                _ => "",
            };
            return detail.Length == 0 ? $"{Status}" : $"{Status} ({detail})";
        }
    }

    private JsonElement? Error
    {
        get
        {
            try
            {
                using var document = JsonDocument.Parse(Body);
                return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("error", out var error) ? error.Clone() : null;
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
