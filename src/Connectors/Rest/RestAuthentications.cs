using System.Collections.Immutable;
using Matih.Definition;

namespace Matih.Connectors.Rest;

/// <summary>Makes a <see cref="RestAuthentication"/> of what a definition says.</summary>
/// <param name="parts">Who gives credentials.</param>
/// <param name="http">Asks a token server.</param>
internal sealed class RestAuthentications(RestParts parts, HttpMessageInvoker http, RedactedText redaction, TimeProvider clock)
{
    /// <param name="ownTokens">Where a server issues tokens itself; null where it does not.</param>
    /// <param name="headers">What that server has to see with each request.</param>
    public RestAuthentication Create(RestAuth auth, Uri? ownTokens, ImmutableSortedDictionary<string, Secret> headers)
    {
        switch (auth)
        {
            case RestAuth.None:
                return new RestAuthentication.Anonymous();
            case RestAuth.Basic(var user, var password):
                redaction.Hide(password.Reveal());
                redaction.Hide(RestAuthentication.Basic.TextOf(user, password));
                return new RestAuthentication.Basic(user, password);
            case RestAuth.Bearer(var token):
                redaction.Hide(token.Reveal());
                return new RestAuthentication.Bearer(token);
            case RestAuth.OAuth2 oauth:
                redaction.Hide(oauth.ClientSecret.Reveal());
                foreach (var value in oauth.Parameters.Values) redaction.Hide(value);
                var address = oauth.TokenUri?.Reveal() ?? ownTokens ?? throw new InvalidOperationException("Nothing says where tokens are issued.");
                // The headers of the definition are its server's alone: they may hold what another server must not see.
                var shown = oauth.TokenUri is null ? headers : ImmutableSortedDictionary<string, Secret>.Empty;
                var asking = new RestClient(http, $"token server {address.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped)}", new RestAuthentication.Anonymous(), shown, redaction, clock, parts.Limits);
                return Issued(new OAuthTokens(asking, oauth, address, redaction).IssueAsync);
            case RestAuth.SigV4(var region, var service):
                return new RestAuthentication.Signed(region, service, parts.AwsKeys, redaction, clock);
            case RestAuth.Entra(var scope):
                return Issued(cancellationToken => parts.EntraToken(scope, cancellationToken));
            default:
                throw new InvalidOperationException($"Unknown authentication {auth.GetType().Name}.");
        }
    }

    private RestAuthentication.Issued Issued(Func<CancellationToken, ValueTask<IssuedToken>> issue) => new(new TokenCache(issue, clock), redaction);
}
