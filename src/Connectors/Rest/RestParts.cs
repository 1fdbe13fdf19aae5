using System.Net;
using Matih.Definition;

namespace Matih.Connectors.Rest;

/// <summary>What a REST catalog's client stands on: the network, and who gives credentials.</summary>
/// <param name="Handler">Sends each request once, follows no redirect, keeps no cookie. Belongs to the caller.</param>
/// <param name="AwsKeys">The keys of the moment, for <see cref="RestAuth.SigV4"/>.</param>
/// <param name="EntraToken">A token for a scope, for <see cref="RestAuth.Entra"/>.</param>
/// <param name="Lending">Opens stores with credentials that the catalog lends; null asks for none.</param>
public sealed record RestParts(
    HttpMessageHandler Handler, Func<CancellationToken, ValueTask<AwsKeys>> AwsKeys, Func<string, CancellationToken, ValueTask<IssuedToken>> EntraToken, LentStoreOpening? Lending)
{
    /// <summary>Null gives calls as long as a run may wait.</summary>
    public CallLimits? Limits { get; init; }

    /// <summary>The network, and the credentials of the definition's stores.</summary>
    internal static RestParts Real(CatalogDefinition.Rest definition, TimeProvider clock) =>
        new(CreateHandler(), AwsKeyChain.Of(definition.Stores.S3, clock), EntraTokens.Of(definition.Stores.Azure, definition.Uri.Reveal().Host, clock), Lending: null);

    /// <remarks>
    /// .NET's handler sends a request a second time only where a kept connection was closed before anything of the request's
    /// body was sent; a commit has one.
    /// </remarks>
    internal static SocketsHttpHandler CreateHandler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.All,
        ConnectTimeout = TimeSpan.FromSeconds(15),
        // So that a change of the server's address in the DNS is seen.
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    };
}
