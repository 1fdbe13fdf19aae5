using System.Net.Http.Headers;
using System.Text;
using Matih.Definition;

namespace Matih.Connectors.Rest;

/// <summary>Shows a server who is asking. Thread-safe.</summary>
internal abstract class RestAuthentication
{
    /// <summary>Adds what the server wants to see. All other headers are there already.</summary>
    /// <param name="body">Empty for a request without one.</param>
    public abstract ValueTask AuthorizeAsync(HttpRequestMessage request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken);

    /// <summary>Takes note that a request was refused. True where the next one can show something else.</summary>
    public virtual bool Renew(HttpRequestMessage refused) => false;

    private static AuthenticationHeaderValue HeaderOf(string token, string what) => token.All(character => character is > ' ' and <= '~')
        ? new("Bearer", token)
        : throw new CatalogException($"{what} holds a space, a line break or another character that no token has.", "Correct where it comes from.");

    public sealed class Anonymous : RestAuthentication
    {
        public override ValueTask AuthorizeAsync(HttpRequestMessage request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) => default;
    }

    public sealed class Bearer(Secret token) : RestAuthentication
    {
        public override ValueTask AuthorizeAsync(HttpRequestMessage request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = HeaderOf(token.Reveal(), "The token in the definition");
            return default;
        }
    }

    /// <remarks>Source: RFC 7617.</remarks>
    public sealed class Basic(string user, Secret password) : RestAuthentication
    {
        private readonly AuthenticationHeaderValue _header = new("Basic", TextOf(user, password));

        /// <summary>What is sent.</summary>
        public static string TextOf(string user, Secret password) => Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password.Reveal()}"));

        public override ValueTask AuthorizeAsync(HttpRequestMessage request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = _header;
            return default;
        }
    }

    /// <summary>A bearer token that expires: of OAuth, or of Microsoft Entra ID.</summary>
    public sealed class Issued(TokenCache tokens, RedactedText redaction) : RestAuthentication
    {
        public override async ValueTask AuthorizeAsync(HttpRequestMessage request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
        {
            var token = await tokens.GetAsync(cancellationToken);
            redaction.Hide(token);
            request.Headers.Authorization = HeaderOf(token, "The token that the token server issued");
        }

        public override bool Renew(HttpRequestMessage refused)
        {
            if (refused.Headers.Authorization?.Parameter is { } token) tokens.Forget(token);
            return true;
        }
    }

    /// <summary>AWS Signature Version 4.</summary>
    public sealed class Signed(string region, string service, Func<CancellationToken, ValueTask<AwsKeys>> keys, RedactedText redaction, TimeProvider clock) : RestAuthentication
    {
        public override async ValueTask AuthorizeAsync(HttpRequestMessage request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
        {
            var current = await keys(cancellationToken);
            redaction.Hide(current.SecretAccessKey);
            if (current.SessionToken is { } token) redaction.Hide(token);
            new AwsSignature(current, region, service).Sign(request, body.Span, clock.GetUtcNow());
        }

        /// <summary>The keys may have been replaced since, and the clock set right.</summary>
        public override bool Renew(HttpRequestMessage refused) => true;
    }
}
