using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Matih.Connectors.Azure;
using Matih.Definition;
using Matih.Engine.Tests.Storage;

namespace Matih.Engine.Tests.Connectors.Azure;

/// <summary>A request as it would have gone out.</summary>
internal sealed record SentRequest(HttpMethod Method, Uri Uri, IReadOnlyDictionary<string, string> Headers, byte[] Body, CancellationToken CancellationToken)
{
    /// <summary>What the request does, by the parameters that tell: <c>PUT comp=block</c>.</summary>
    public string Kind
    {
        get
        {
            var comp = Uri.Query.TrimStart('?').Split('&').FirstOrDefault(part => part.StartsWith("comp=", StringComparison.Ordinal));
            return comp is null ? Method.Method : $"{Method.Method} {comp}";
        }
    }
}

/// <summary>Plays the blob service, an identity service or a broken network, without a network. Answers are taken in order; the last one stays.</summary>
internal sealed class ScriptedService : HttpMessageHandler
{
    public const string Folder = "abfss://tables@acct.dfs.core.windows.net/db/";

    /// <summary>The account's key in these tests; it must be in no message.</summary>
    public static string Key { get; } = Convert.ToBase64String(Encoding.UTF8.GetBytes("planted-account-key-0123456789abcdef"));

    private readonly Func<SentRequest, Task<HttpResponseMessage>>[] _answers;
    private readonly ConcurrentQueue<SentRequest> _requests = new();
    private int _count;

    private ScriptedService(Func<SentRequest, Task<HttpResponseMessage>>[] answers) => _answers = answers;

    public static ScriptedService Of(params Func<SentRequest, Task<HttpResponseMessage>>[] answers) => new(answers);

    public IReadOnlyList<SentRequest> Requests => [.. _requests];

    public IEnumerable<string> Kinds => _requests.Select(request => request.Kind);

    public LeapingClock Clock { get; } = new();

    public AzureBlobStore Store(AzureAccess? access = null, Func<string, CancellationToken, ValueTask<string>>? sas = null, Func<string, string?>? variable = null) => new(
        access ?? new AzureAccess { Credential = AzureCredentialKind.AccountKey, AccountKey = new Secret(Key) },
        new SeededIdSource(7), Clock, sas, this, variable ?? (_ => null));

    public static Func<SentRequest, Task<HttpResponseMessage>> Answer(int status, string? code = null, string body = "", params (string Name, string Value)[] headers) => _ =>
    {
        var response = new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(body) };
        response.Content.Headers.ContentLength = Encoding.UTF8.GetByteCount(body);
        response.Headers.Add("x-ms-request-id", "11111111-2222-3333-4444-555555555555");
        if (status is >= 200 and < 300)
        {
            response.Headers.Add("ETag", "\"0x1\"");
            response.Content.Headers.TryAddWithoutValidation("Last-Modified", "Sun, 29 Nov 2026 10:00:00 GMT");
        }
        if (code is not null) response.Headers.Add("x-ms-error-code", code);
        foreach (var (name, value) in headers)
            if (!response.Headers.TryAddWithoutValidation(name, value)) response.Content.Headers.TryAddWithoutValidation(name, value);
        return Task.FromResult(response);
    };

    public static Func<SentRequest, Task<HttpResponseMessage>> Created { get; } = Answer(201);

    /// <summary>The connection ends without an answer, after the request went out.</summary>
    public static Func<SentRequest, Task<HttpResponseMessage>> Cut { get; } =
        _ => throw new HttpRequestException(HttpRequestError.ResponseEnded, "The response ended prematurely.", new IOException("The connection was closed."));

    /// <summary>Nobody listens.</summary>
    public static Func<SentRequest, Task<HttpResponseMessage>> NoConnection { get; } =
        _ => throw new HttpRequestException(HttpRequestError.ConnectionError, "Connection refused (acct.blob.core.windows.net:443)");

    /// <summary>No answer before the client gives up.</summary>
    public Func<SentRequest, Task<HttpResponseMessage>> Silence => async request =>
    {
        Clock.Advance(TimeSpan.FromSeconds(21));
        await Task.Delay(Timeout.Infinite, request.CancellationToken);
        throw new InvalidOperationException("An endless wait ended.");
    };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var headers = request.Headers.Concat(request.Content?.Headers ?? Enumerable.Empty<KeyValuePair<string, IEnumerable<string>>>())
            .ToDictionary(header => header.Key, header => string.Join(',', header.Value), StringComparer.OrdinalIgnoreCase);
        var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken);
        var sent = new SentRequest(request.Method, request.RequestUri!, headers, body, cancellationToken);
        _requests.Enqueue(sent);
        var response = await _answers[Math.Min(Interlocked.Increment(ref _count), _answers.Length) - 1](sent);
        response.RequestMessage = request;
        return response;
    }
}
