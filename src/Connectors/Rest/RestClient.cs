using System.Collections.Immutable;
using System.Net.Http.Headers;
using Matih.Definition;

namespace Matih.Connectors.Rest;

/// <summary>What is asked of a catalog.</summary>
/// <param name="Body">JSON; null for a request without a body.</param>
internal sealed record RestRequest(HttpMethod Method, Uri Address, byte[]? Body = null)
{
    public ImmutableArray<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>The type of the body, where it is not JSON.</summary>
    public string BodyType { get; init; } = "application/json";
}

/// <summary>No whole answer came: the request may have done its work, or may still do it. Carries no secret.</summary>
internal sealed class NoAnswerException(string message, Exception? cause = null) : IOException(message, cause);

/// <summary>An answer is longer than it may be. Most of it was not read.</summary>
internal sealed class LongAnswerException(long lengthMax) : Exception($"The answer is longer than {lengthMax >> 20} MiB.");

/// <summary>Asks a catalog or a schema registry over HTTP. Follows no redirect, and sends again only what changes nothing. Thread-safe.</summary>
/// <param name="http">Sends each request once, without following redirects.</param>
/// <param name="name">What messages call the server.</param>
internal sealed class RestClient(
    HttpMessageInvoker http, string name, RestAuthentication authentication, ImmutableSortedDictionary<string, Secret> headers, RedactedText redaction, TimeProvider clock, CallLimits? limits = null, int answerBytesMax = int.MaxValue)
{
    /// <summary>How long a question is asked again, from its first time on.</summary>
    private readonly TimeSpan _askingMax = limits?.AgainMax ?? TimeSpan.FromSeconds(30);

    private readonly AnswerBuffer _buffer = new();

    private readonly TimeSpan _answerMax = limits?.AnswerMax ?? TimeSpan.FromSeconds(60);
    private static readonly TimeSpan WaitMin = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(5);

    /// <summary>Asks something that changes nothing, again and again within half a minute where the answer may be another one soon.</summary>
    /// <exception cref="CatalogException">No answer came, or none but passing failures.</exception>
    public async ValueTask<RestAnswer> AskAsync(RestRequest request, CancellationToken cancellationToken)
    {
        var startedAt = clock.GetTimestamp();
        for (var wait = WaitMin; ; wait = wait * 2 < WaitMax ? wait * 2 : WaitMax)
        {
            TimeSpan? asked = null;
            Exception failure;
            try
            {
                var answer = await SendAsync(request, cancellationToken);
                if (!answer.IsPassing) return answer;
                asked = answer.RetryAfter;
                failure = Failure(request, answer);
            }
            catch (NoAnswerException e)
            {
                failure = new CatalogException($"The {name} did not answer {Describe(request)}: {e.Message.TrimEnd('.')}.",
                    "Check its address, the network and the server's health.", e) { IsPassing = true };
            }
            var next = asked > wait ? asked.Value : wait;
            if (clock.GetElapsedTime(startedAt) + next > _askingMax) throw failure;
            await Task.Delay(next, clock, cancellationToken);
        }
    }

    /// <summary>
    /// Sends a request. It is sent a second time only where the server refused the credentials, so that nothing was done, and
    /// there are others.
    /// </summary>
    /// <exception cref="NoAnswerException">It may have been done.</exception>
    /// <exception cref="LongAnswerException">It may have been done.</exception>
    public async ValueTask<RestAnswer> SendAsync(RestRequest request, CancellationToken cancellationToken)
    {
        using var first = MessageOf(request);
        var answer = await SendAsync(first, request.Body, cancellationToken);
        if (!answer.IsDenied || !authentication.Renew(first)) return answer;
        using var second = MessageOf(request);
        return await SendAsync(second, request.Body, cancellationToken);
    }

    private HttpRequestMessage MessageOf(RestRequest request)
    {
        var message = new HttpRequestMessage(request.Method, request.Address);
        message.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        message.Headers.UserAgent.Add(new ProductInfoHeaderValue("matih", null));
        foreach (var (header, value) in headers) message.Headers.TryAddWithoutValidation(header, value.Reveal());
        foreach (var (header, value) in request.Headers) message.Headers.TryAddWithoutValidation(header, value);
        if (request.Body is not null)
        {
            message.Content = new ByteArrayContent(request.Body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue(request.BodyType);
        }
        return message;
    }

    private async ValueTask<RestAnswer> SendAsync(HttpRequestMessage message, byte[]? body, CancellationToken cancellationToken)
    {
        await authentication.AuthorizeAsync(message, body, cancellationToken);
        using var limit = new CancellationTokenSource(_answerMax, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var response = await http.SendAsync(message, both.Token);
            var content = await AnswerBody.ReadAsync(response.Content, _buffer, answerBytesMax, both.Token);
            return new RestAnswer(
                response.StatusCode, content, ETagOf(response),
                WaitOf(response.Headers.RetryAfter), response.Headers.Location);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new NoAnswerException($"no answer within {_answerMax.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new NoAnswerException(redaction.Of(Innermost(e).Message), redaction.Kept(e));
        }
    }

    /// <summary>As it was sent: Iceberg's own server leaves out the quotes that HTTP wants.</summary>
    private static string? ETagOf(HttpResponseMessage response) => response.Headers.NonValidated.TryGetValues("ETag", out var values) && values.ToString() is { Length: > 0 } text ? text : null;

    private TimeSpan? WaitOf(RetryConditionHeaderValue? asked) => asked?.Delta ?? (asked?.Date is { } date ? date - clock.GetUtcNow() : null);

    private static Exception Innermost(Exception e) => e.InnerException is { } inner ? Innermost(inner) : e;

    /// <summary>What an answer means that is of no use: a <see cref="CatalogException"/> where it may be another one later, else an <see cref="UnsupportedTableException"/>.</summary>
    public Exception Failure(RestRequest request, RestAnswer answer)
    {
        var text = $"The {name} answered {Describe(request)} with {Describe(answer)}.";
        if (answer.IsRedirect)
        {
            return new UnsupportedTableException(
                $"{text} {DescribeRedirect(answer)} Write the address that really serves the catalog into the definition.");
        }
        return answer.Status switch
        {
            401 or 403 or 419 => new CatalogException(text, "Check the catalog's credentials in the definition, and the rights that the server gives them."),
            404 => new UnsupportedTableException($"{text} Check the catalog's address, its warehouse and its prefix."),
            429 => new CatalogException(text, "The server asks for fewer requests: lengthen the checkpoint interval, or ask for a higher limit.") { IsPassing = true },
            >= 400 and < 500 or 501 => new UnsupportedTableException($"{text} The server cannot do what is asked: correct the catalog's settings or the table's."),
            _ => new CatalogException(text, "Look into the server's log.") { IsPassing = true },
        };
    }

    /// <summary>Where a redirect points to, as a sentence: a path and a query may hold secrets.</summary>
    public string DescribeRedirect(RestAnswer answer) =>
        $"It points to {(answer.Redirect is { IsAbsoluteUri: true } target ? redaction.Of(target.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped)) : "another path")}, and redirects are not followed.";

    /// <summary>An answer in a message: what the server said, without secrets.</summary>
    public string Describe(RestAnswer answer) => redaction.Of(answer.Description);

    private static string Describe(RestRequest request) => $"{request.Method} {request.Address.AbsolutePath}";
}
