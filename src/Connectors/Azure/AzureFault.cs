using System.Text.RegularExpressions;
using System.Xml;
using Azure;
using Azure.Identity;
using Matih.Definition;
using Matih.Storage;
using Microsoft.Identity.Client;

namespace Matih.Connectors.Azure;

/// <summary>What became of one request that failed. The one place that reads the SDK's exceptions.</summary>
/// <param name="Kind">The kind for a request that changes nothing.</param>
/// <param name="Code">The service's error code; empty where it gave none.</param>
/// <param name="Reason">What happened; nothing secret.</param>
/// <param name="Remedy">Null takes the one of the kind.</param>
/// <param name="IsTransient">Whether the same request may succeed a little later.</param>
/// <param name="IsInDoubt">Whether the service may have done, or may still do, what it was asked for.</param>
/// <param name="Cause">Kept only where it cannot hold a secret.</param>
internal sealed partial record AzureFault(
    StoreFailureKind Kind, string Code, string Reason, string? Remedy = null, bool IsTransient = false, bool IsInDoubt = false, TimeSpan? RetryAfter = null, Exception? Cause = null)
{
    /// <summary>Null for an exception that is no failure of the service, the network or the credentials.</summary>
    /// <param name="uri">The address called; its query is not shown.</param>
    /// <param name="isTimeUp">Whether the request was cancelled because it took too long.</param>
    public static AzureFault? Of(Exception exception, Uri uri, bool isTimeUp)
    {
        var called = uri.GetLeftPart(UriPartial.Path);
        return exception switch
        {
            StoreException => null,
            OperationCanceledException when isTimeUp => new(StoreFailureKind.Unreachable, "", $"{called} did not answer in time", IsTransient: true, IsInDoubt: true),
            // Nothing else cancels a request: the transport gave up connecting.
            OperationCanceledException => new(StoreFailureKind.Unreachable, "", $"no connection to {uri.Authority} in time", IsTransient: true),
            RequestFailedException { Status: not 0 } answer => OfAnswer(answer, called),
            RequestFailedException { InnerException: { } inner } => Of(inner, uri, isTimeUp),
            RequestFailedException => new(StoreFailureKind.Unreachable, "", $"{called} gave no answer that can be read", IsTransient: true, IsInDoubt: true),
            AuthenticationFailedException failure => OfToken(failure),
            HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => new(
                StoreFailureKind.Unreachable, "", $"the host {uri.Host} is unknown", "Check the account's name and the network's name service.", IsTransient: true, Cause: exception),
            HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.ProxyTunnelError or HttpRequestError.SecureConnectionError } => new(
                StoreFailureKind.Unreachable, "", $"no connection to {uri.Authority}: {exception.Message}", IsTransient: true, Cause: exception),
            HttpRequestException or IOException => new(
                StoreFailureKind.Unreachable, "", $"the connection to {uri.Authority} was lost: {exception.Message}", IsTransient: true, IsInDoubt: true, Cause: exception),
            // What the SDK makes of an answer in which parts are missing.
            XmlException or FormatException or NullReferenceException or ArgumentNullException => new(StoreFailureKind.Unreachable, "", $"{called} gave an answer that is not Azure Blob Storage's", IsTransient: true, IsInDoubt: true),
            _ => null,
        };
    }

    private static AzureFault OfAnswer(RequestFailedException answer, string called)
    {
        var response = answer.GetRawResponse();
        // To a HEAD, and through some gateways, the header alone has the code.
        var (status, code) = (answer.Status, answer.ErrorCode ?? (response is not null && response.Headers.TryGetValue("x-ms-error-code", out var header) ? header : ""));
        // A server that is not Azure's may repeat there what it was sent.
        if (!Word().IsMatch(code)) code = "";
        var request = response is not null && response.Headers.TryGetValue("x-ms-request-id", out var id) && Guid.TryParse(id, out _) ? $" (request {id})" : "";
        var reason = $"{called} answered {status}{(code.Length == 0 ? "" : " " + code)}{request}";
        TimeSpan? wait = response is not null && response.Headers.TryGetValue("Retry-After", out var text) && int.TryParse(text, out var seconds) && seconds is >= 0 and < 3600
            ? TimeSpan.FromSeconds(seconds)
            : null;
        return (status, code) switch
        {
            (404, "BlobNotFound" or "ResourceNotFound" or "PathNotFound") => new(StoreFailureKind.Absent, code, reason),
            (404, "ContainerNotFound" or "ContainerDisabled" or "FilesystemNotFound") => new(StoreFailureKind.Refused, code, reason, "Create that container, or correct the location."),
            (404, _) => new(StoreFailureKind.Refused, code, reason, "Check the account's address: what answered there does not know such a container."),
            (409, "BlobAlreadyExists" or "BlobImmutableDueToPolicy") => new(StoreFailureKind.Exists, code, reason),
            (409, "ContainerBeingDeleted") => new(StoreFailureKind.Refused, code, reason, "Wait until the container is deleted, then create it."),
            (409, "BlobArchived" or "BlobBeingRehydrated") => new(StoreFailureKind.Refused, code, reason, "Bring the blob back from the archive tier, and keep a table's files out of it."),
            (412, _) => new(StoreFailureKind.PreconditionFailed, code, reason),
            (401 or 403, _) => new(StoreFailureKind.Denied, code, reason, RemedyOfDenial(code)),
            (408, _) => new(StoreFailureKind.Unreachable, code, reason, IsTransient: true, IsInDoubt: true, RetryAfter: wait),
            // Azure Storage, "Common REST API error codes": ServerBusy is refused before anything is done.
            (429, _) or (503, "ServerBusy") => new(StoreFailureKind.Throttled, code, reason, IsTransient: true, RetryAfter: wait),
            (501 or 505, _) => new(StoreFailureKind.Refused, code, reason),
            (507, _) => new(StoreFailureKind.Full, code, reason),
            ( >= 500, _) => new(StoreFailureKind.Unreachable, code, reason, IsTransient: true, IsInDoubt: true, RetryAfter: wait),
            ( >= 300 and < 400, _) => new(StoreFailureKind.Refused, code, reason, "Credentials do not follow a redirect: name the address that it leads to."),
            ( < 300, _) => new(StoreFailureKind.Unreachable, code, reason, IsTransient: true, IsInDoubt: true),
            _ => new(StoreFailureKind.Refused, code, reason),
        };
    }

    private static string RemedyOfDenial(string code) => code switch
    {
        "AuthenticationFailed" or "InvalidAuthenticationInfo" => "Check the credential: another account's, expired, not valid yet, or a clock that is wrong by more than 15 minutes.",
        "AuthorizationPermissionMismatch" or "InsufficientAccountPermissions" =>
            "Give the identity the role Storage Blob Data Contributor on the container, or the SAS token the permissions to read, create, write, delete and list.",
        "AuthorizationFailure" => "Let the account's network rules admit this machine, or use a private endpoint; a SAS token also needs the service, the resource types and the permission, and must not have expired.",
        "AuthorizationSourceIPMismatch" => "The SAS token is for another address than this machine's.",
        "AuthorizationProtocolMismatch" => "The SAS token is for https alone.",
        "AuthorizationServiceMismatch" or "AuthorizationResourceTypeMismatch" => "Make a SAS token for the blob service, with containers and objects.",
        "UnauthorizedBlobOverwrite" => "The SAS token may create blobs but not replace them: give it the permission to write.",
        "KeyBasedAuthenticationNotPermitted" => "The account refuses keys and SAS tokens made of them: use a managed or workload identity.",
        "NoAuthenticationInformation" or "ResourceNotFound" or "PublicAccessNotPermitted" => "Give the catalog's settings a credential for this account.",
        "AccountIsDisabled" => "The account is disabled: see its subscription.",
        _ => "Check the credentials, and the permissions that they give on this place.",
    };

    /// <summary>An identity gave no token, so that nothing was sent.</summary>
    public static AzureFault OfToken(AuthenticationFailedException failure)
    {
        // The token's own request did not reach its service, or that was not well (a machine's says 404 and 410 while it is
        // updated): the storage request was never sent.
        var isTransient = Causes(failure).Any(cause => cause
            is RequestFailedException { Status: 0 or 408 or 429 or >= 500 } or MsalServiceException { StatusCode: 404 or 408 or 410 or 429 or >= 500 }
            or HttpRequestException or OperationCanceledException);
        var reason = $"no token for Azure: {SaidBy(failure)}";
        return isTransient
            ? new(StoreFailureKind.Unreachable, "", reason, "Check that this machine has the identity that the catalog's settings choose, and the network to the identity service.", IsTransient: true)
            : new(StoreFailureKind.Denied, "", reason, failure is CredentialUnavailableException
                ? "Give this machine the identity that the catalog's settings choose, or choose another kind of credential."
                : "Check the client id, the tenant, and the secret or the federation of the identity.");
    }

    /// <summary>
    /// The text of Microsoft Entra ID where there is one, which never repeats a credential; else the SDK's, up to the answer of
    /// an identity service that it repeats, which may hold a token.
    /// </summary>
    private static string SaidBy(AuthenticationFailedException failure)
    {
        var text = Causes(failure).Select(cause => EntraText().Match(cause.Message)).FirstOrDefault(match => match.Success)?.Value ?? failure.Message.Split('{')[0];
        text = LineBreaks().Replace(text, " ").Trim();
        return text.Length > 400 ? text[..400] + "…" : text;
    }

    private static IEnumerable<Exception> Causes(Exception? exception)
    {
        for (var at = exception; at is not null; at = at.InnerException)
        {
            yield return at;
            if (at is not AggregateException several) continue;
            foreach (var cause in several.InnerExceptions.SelectMany(Causes)) yield return cause;
            yield break;
        }
    }

    /// <param name="action">A verb in its first form.</param>
    /// <param name="redaction">Knows the credentials, whatever they came in by.</param>
    public StoreException ToException(StoreFailureKind kind, string action, string location, RedactedText redaction)
    {
        var reason = redaction.Without(Signature().Replace(Reason, "$1" + Secret.Mask));
        return StoreException.Of(kind, action, location, reason, kind == Kind ? Remedy : null, redaction.Kept(Cause));
    }

    [GeneratedRegex(@"^[A-Za-z0-9]{1,80}$")]
    private static partial Regex Word();

    [GeneratedRegex(@"AADSTS[0-9]+:[^{}\r\n]+", RegexOptions.CultureInvariant)]
    private static partial Regex EntraText();

    [GeneratedRegex(@"\s*[\r\n]+\s*")]
    private static partial Regex LineBreaks();

    [GeneratedRegex(@"((?:sig|client_secret|client_assertion)=)[^&\s'""]+", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Signature();
}
