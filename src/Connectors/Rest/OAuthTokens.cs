using System.Text.Json;
using Matih.Definition;

namespace Matih.Connectors.Rest;

/// <summary>Gets tokens by OAuth 2.0 client credentials.</summary>
/// <remarks>Source: RFC 6749, section 4.4, and the Apache Iceberg REST catalog API, "oauth/tokens".</remarks>
internal sealed class OAuthTokens(RestClient client, RestAuth.OAuth2 settings, Uri tokenAddress, RedactedText redaction)
{
    /// <exception cref="CatalogException">No token was issued.</exception>
    public async ValueTask<IssuedToken> IssueAsync(CancellationToken cancellationToken)
    {
        var fields = new List<KeyValuePair<string, string>> { new("grant_type", "client_credentials") };
        if (settings.ClientId is { } id) fields.Add(new("client_id", id));
        fields.Add(new("client_secret", settings.ClientSecret.Reveal()));
        if (settings.Scope is { } scope) fields.Add(new("scope", scope));
        fields.AddRange(settings.Parameters);
        using var form = new FormUrlEncodedContent(fields);
        var body = await form.ReadAsByteArrayAsync(cancellationToken);
        var request = new RestRequest(HttpMethod.Post, tokenAddress, body) { BodyType = "application/x-www-form-urlencoded" };
        // Another token more does no harm: the request may be sent again.
        var answer = await client.AskAsync(request, cancellationToken);
        var server = $"The token server {tokenAddress.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped)}";
        if (!answer.IsSuccess)
        {
            if (answer.IsRedirect || answer.Status == 404) throw client.Failure(request, answer);
            throw new CatalogException(
                $"{server} gave no token: it answered {client.Describe(answer)}.",
                "Check the client's id and secret, the scope, and the address of the token server.");
        }
        return Read(answer) ?? throw new CatalogException(
            $"{server} answered {answer.Status} without an access_token.", "Check the address of the token server.");
    }

    private IssuedToken? Read(RestAnswer answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer.Body);
            if (!document.RootElement.TryGetProperty("access_token", out var token) || token.GetString() is not { Length: > 0 } text) return null;
            redaction.Hide(text);
            return new IssuedToken(text, Lifetime(document.RootElement));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Some servers write the number as a text.</summary>
    private static TimeSpan? Lifetime(JsonElement json)
    {
        if (!json.TryGetProperty("expires_in", out var value)) return null;
        var text = value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText();
        return double.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var seconds) && seconds > 0 ? TimeSpan.FromSeconds(seconds) : null;
    }
}
