using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Matih.Connectors;
using Matih.Connectors.Registry;
using Matih.Definition;
using Matih.Engine.Tests.Storage;

namespace Matih.Engine.Tests.Connectors.Registry;

/// <summary>A schema registry within the process: answers by path, and first the scripted ones.</summary>
internal sealed class ScriptedRegistry : HttpMessageHandler
{
    private readonly ConcurrentQueue<Func<HttpRequestMessage, HttpResponseMessage>> _next = new();

    /// <summary>Method, scheme and host are left out where they are the usual ones.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>The Authorization of each call.</summary>
    public ConcurrentQueue<string?> Shown { get; } = new();

    /// <summary>Answers by path and query.</summary>
    public ConcurrentDictionary<string, string> Answers { get; } = new();

    /// <summary>Answers before all else; null leaves the request to the others.</summary>
    public Func<HttpRequestMessage, HttpResponseMessage?>? Script { get; set; }

    /// <summary>Whoever asks waits for this.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>An answer is waited for for 20 s.</summary>
    public LeapingClock Clock { get; } = new() { LeapMax = TimeSpan.FromSeconds(15) };

    public RegistryClient Open(RegistryDefinition? definition = null, CallLimits? limits = null) => RegistryClient.Open(definition ?? Definition(), new SeededIdSource(1), Clock, limits, this);

    public static RegistryDefinition Definition(string urls = "http://registry.test", RestAuth? auth = null, string? name = "schemas") =>
        new(name, [.. urls.Split(',').Select(url => EndpointUrl.TryParse(url, out var parsed) ? parsed! : throw new ArgumentException(url))]) { Auth = auth ?? new RestAuth.None() };

    public void Next(Func<HttpRequestMessage, HttpResponseMessage> answer, int times = 1)
    {
        for (var i = 0; i < times; i++) _next.Enqueue(answer);
    }

    public void NextError(int status, int code, int times = 1) => Next(_ => Error(status, code), times);

    /// <summary>Adds a schema under an id.</summary>
    public void Add(int id, string text, params (string Name, string Subject, int Version)[] references) => Answers[$"/schemas/ids/{id}"] = $"{{{Members(text, references)}}}";

    /// <summary>Adds a schema under a subject's version, as references ask for it.</summary>
    public void AddVersion(string subject, int version, string text, params (string Name, string Subject, int Version)[] references) =>
        Answers[$"/subjects/{subject}/versions/{version}?deleted=true"] = $$"""{"subject":"{{subject}}","id":{{1000 + version}},"version":{{version}},{{Members(text, references)}}}""";

    private static string Members(string text, (string Name, string Subject, int Version)[] references) =>
        $$"""
        "schema":{{System.Text.Json.JsonSerializer.Serialize(text)}},"references":[{{string.Join(',', references.Select(reference => $$"""{"name":"{{reference.Name}}","subject":"{{reference.Subject}}","version":{{reference.Version}}}"""))}}]
        """;

    public static HttpResponseMessage Json(int status, string body) => new((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };

    public static HttpResponseMessage Error(int status, int code) => Json(status, $$"""{"error_code":{{code}},"message":"a message"}""");

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var uri = request.RequestUri!;
        Calls.Enqueue(uri.Host == "registry.test" ? uri.PathAndQuery : $"{uri.Host}{uri.PathAndQuery}");
        Shown.Enqueue(request.Headers.Authorization?.ToString());
        await Gate.WaitAsync(cancellationToken);
        if (Script?.Invoke(request) is { } scripted) return scripted;
        if (_next.TryDequeue(out var next)) return next(request);
        return Answers.TryGetValue(uri.PathAndQuery, out var answer) ? Json(200, answer) : Error(404, 40403);
    }
}
