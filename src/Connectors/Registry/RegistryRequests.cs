using System.Security.Authentication;
using Matih.Connectors.Rest;
using Matih.Definition;
using Matih.Registry;
using Matih.Storage;

namespace Matih.Connectors.Registry;

/// <summary>
/// Asks a registry again and again within a limit where the answer may be another one soon, and its next address where it has
/// several. Follows no redirect: credentials go to no address but those of the definition. Thread-safe.
/// </summary>
internal sealed class RegistryRequests(RegistryDefinition definition, RestClient client, RedactedText redaction, IIdSource ids, TimeProvider clock, TimeSpan againMax)
{
    /// <summary>No such subject, version or schema. Any other 404 says that the address is wrong.</summary>
    private const int NoSubject = 40401, NoSchema = 40403;

    private readonly string[] _roots = [.. definition.Urls.Select(RestConfiguration.RootOf)];
    private int _current;

    /// <summary>What messages call the registry.</summary>
    public string Name => $"schema registry {string.Join(',', _roots)}";

    /// <param name="path">Begins with a slash. Escaped, and without segments of dots.</param>
    /// <returns>Null where the registry says that it knows nothing of that subject, version or id.</returns>
    /// <exception cref="SchemaRegistryException">There is no answer, or none that can be used.</exception>
    public async Task<RegistryAnswer?> GetAsync(string path, CancellationToken cancellationToken)
    {
        var startedAt = clock.GetTimestamp();
        for (var round = 0; ; round++)
        {
            var current = Volatile.Read(ref _current);
            var request = new RestRequest(HttpMethod.Get, new Uri(_roots[current] + path));
            var name = $"The schema registry {_roots[current]}";
            TimeSpan? asked = null;
            SchemaRegistryException failure;
            try
            {
                var answer = await client.SendAsync(request, cancellationToken);
                if (!answer.IsPassing) return Read(name, path, answer);
                asked = answer.RetryAfter;
                failure = new SchemaRegistryException(
                    $"{name} answered GET {path} with {Describe(answer)}. {(answer.Status == 429 ? "It asks for fewer requests: ask for a higher limit." : "Look into its log.")}", isTransient: true);
            }
            catch (NoAnswerException e) when (e.InnerException is HttpRequestException { InnerException: AuthenticationException })
            {
                throw new SchemaRegistryException($"{name} shows a certificate that is not trusted, or speaks TLS otherwise: {e.Message.TrimEnd('.')}. {CertificateAdvice}", isTransient: false, e);
            }
            catch (NoAnswerException e)
            {
                failure = new SchemaRegistryException($"{name} did not answer GET {path}: {e.Message.TrimEnd('.')}. Check its address, the network and its health.", isTransient: true, e);
            }
            catch (CatalogException e) when (e.IsPassing)
            {
                failure = new SchemaRegistryException($"{name} was not asked: {e.Message}", isTransient: true, e);
            }
            catch (Exception e) when (e is CatalogException or UnsupportedTableException)
            {
                throw new SchemaRegistryException($"{name} was not asked: {e.Message}", isTransient: false, e);
            }
            catch (LongAnswerException e)
            {
                throw new SchemaRegistryException($"{name} answered GET {path} at too great length. {e.Message} Check the address: no schema is that long.", isTransient: false, e);
            }
            Interlocked.CompareExchange(ref _current, (current + 1) % _roots.Length, current);
            var pause = RequestRetry.PauseAfter(round, ids);
            if (asked > pause) pause = asked.Value;
            if (clock.GetElapsedTime(startedAt) + pause > againMax) throw failure;
            await Task.Delay(pause, clock, cancellationToken);
        }
    }

    private RegistryAnswer? Read(string name, string path, RestAnswer answer)
    {
        if (answer.IsSuccess)
        {
            try
            {
                return RegistryAnswer.Read(answer.Body);
            }
            catch (FormatException e)
            {
                throw new SchemaRegistryException(
                    $"{name} answered GET {path} with what is no schema: {redaction.Of(e.Message)}. Check the address: it is what comes before /schemas and /subjects.", isTransient: false, redaction.Kept(e));
            }
            finally
            {
                answer.ReleaseBody();
            }
        }
        if (answer.Status == 404 && RegistryAnswer.ReadError(answer.Body).Code is >= NoSubject and <= NoSchema) return null;
        var said = $"GET {path} with {Describe(answer)}.";
        throw new SchemaRegistryException(answer switch
        {
            { IsRedirect: true } => $"{name} answered {said} {client.DescribeRedirect(answer)} Write the address that really serves the schemas into the definition.",
            { IsDenied: true } => $"{name} refuses {WhoAsks}: it answered {said} {CredentialAdvice}",
            { Status: 404 } when path.StartsWith(RegistryClient.GuidPath, StringComparison.Ordinal) =>
                $"{name} answered {said} It does not know schemas by their GUIDs, or its address is another one: that is what comes before /schemas and /subjects.",
            { Status: 404 } => $"{name} answered {said} Check the address: it is what comes before /schemas and /subjects.",
            _ => $"{name} answered {said} It cannot do what is asked: check that it speaks the protocol of Confluent's schema registry.",
        }, isTransient: false);
    }

    private string WhoAsks => definition.Auth switch
    {
        RestAuth.Basic basic => $"user '{basic.User}'",
        RestAuth.Bearer => "the token of the definition",
        RestAuth.OAuth2 { ClientId: { } client } => $"client '{client}'",
        RestAuth.OAuth2 => "the token that the token server issued",
        _ => "who shows no credentials",
    };

    private string CertificateAdvice => definition.Name is { } entry
        ? $"Give the certificate of its authority as registries.{entry}.ca, or correct the address."
        : "Give it an entry under registries with its authority as ca, and write the entry's name into schema_registry.";

    private string CredentialAdvice => definition switch
    {
        { Name: null } => "Give it an entry under registries with its auth, and write the entry's name into schema_registry.",
        { Auth: RestAuth.None } => $"Write its credentials under registries.{definition.Name}.auth.",
        _ => $"Check registries.{definition.Name}.auth, and what the registry allows this identity.",
    };

    /// <summary>What the registry said, without secrets.</summary>
    private string Describe(RestAnswer answer) => RegistryAnswer.ReadError(answer.Body) is ({ } code, { } message)
        ? redaction.Of(code == answer.Status ? $"{code} ({message})" : $"{answer.Status} ({code}: {message})")
        : $"{answer.Status}";
}
