using System.Collections.Immutable;
using Matih.Definition;

namespace Matih.Connectors.Rest;

/// <summary>Makes a <see cref="RestAuthentication"/> of what a definition says.</summary>
internal sealed class RestAuthentications(CatalogDefinition.Rest definition, RestParts parts, HttpMessageInvoker http, RedactedText redaction, TimeProvider clock)
{
    public RestAuthentication Create()
    {
        switch (definition.Auth)
        {
            case RestAuth.None:
                return new RestAuthentication.Anonymous();
            case RestAuth.Bearer(var token):
                redaction.Hide(token.Reveal());
                return new RestAuthentication.Bearer(token);
            case RestAuth.OAuth2 oauth:
                redaction.Hide(oauth.ClientSecret.Reveal());
                foreach (var value in oauth.Parameters.Values) redaction.Hide(value);
                var address = oauth.TokenUri?.Reveal() ?? new Uri($"{RestConfiguration.RootOf(definition.Uri)}/v1/oauth/tokens");
                // The headers of the definition are the catalog's alone: they may hold what another server must not see.
                var headers = oauth.TokenUri is null ? definition.Headers : ImmutableSortedDictionary<string, Secret>.Empty;
                var asking = new RestClient(http, $"token server {address.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped)}", new RestAuthentication.Anonymous(), headers, redaction, clock, parts.Limits);
                return Issued(new OAuthTokens(asking, oauth, address, redaction).IssueAsync);
            case RestAuth.SigV4(var region, var service):
                return new RestAuthentication.Signed(region, service, parts.AwsKeys, redaction, clock);
            case RestAuth.Entra(var scope):
                return Issued(cancellationToken => parts.EntraToken(scope, cancellationToken));
            default:
                throw new InvalidOperationException($"Unknown authentication {definition.Auth.GetType().Name}.");
        }
    }

    private RestAuthentication.Issued Issued(Func<CancellationToken, ValueTask<IssuedToken>> issue) => new(new TokenCache(issue, clock), redaction);
}
