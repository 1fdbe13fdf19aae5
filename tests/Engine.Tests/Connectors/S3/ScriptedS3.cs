using Matih.Connectors.S3;
using Matih.Definition;
using Matih.Engine.Tests.Storage;
using Matih.Fixtures;
using Matih.Storage;

namespace Matih.Engine.Tests.Connectors.S3;

/// <summary>A server whose answers are a script, and a client of ours for it.</summary>
internal sealed class ScriptedS3 : IAsyncDisposable
{
    public const string PlantedSecret = "planted-secret-of-the-access-key";
    public const string PlantedToken = "planted-session-token";
    public const string At = "s3://bucket/folder/object";

    private readonly List<IDisposable> _opened = [];

    public ScriptedS3(Func<ProxiedRequest, ProxyFault> script)
    {
        Server = FaultProxy.Start(script);
        Access = new() { Endpoint = UrlOf(Server.Uri), AccessKeyId = "AKID", SecretAccessKey = new Secret(PlantedSecret) };
    }

    /// <summary>Answers the requests one after the other; the last answer stays.</summary>
    public ScriptedS3(params ProxyFault[] answers) : this(request => answers[Math.Min(request.Number, answers.Length) - 1]) { }

    public FaultProxy Server { get; }

    public S3Access Access { get; }

    public LeapingClock Clock { get; } = new();

    /// <summary>Methods with what follows the bucket, in order.</summary>
    public IEnumerable<string> Asked => Server.Requests.Select(request => $"{request.Method} {request.Target[(request.Target.IndexOf('/', 1) + 1)..]}");

    public static ProxyFault.Answer Error(int status, string code, string message = "as scripted") =>
        new(status, $"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>R1</RequestId></Error>", ("Content-Type", "application/xml"), ("x-amz-request-id", "R1"));

    public static ProxyFault.Answer Ok(string body = "", params (string, string)[] headers) => new(200, body, [("ETag", "\"e\""), .. headers]);

    public static EndpointUrl UrlOf(Uri uri) => EndpointUrl.TryParse(uri.AbsoluteUri, out var url) ? url! : throw new ArgumentException($"{uri}", nameof(uri));

    public S3Store Open(Func<S3Access, S3Access>? change = null, S3CredentialSource? credentials = null, int partBytes = 1000)
    {
        var store = new S3Store(change?.Invoke(Access) ?? Access, new SeededIdSource(1), Clock, credentials, partBytes);
        _opened.Add(store);
        return store;
    }

    /// <summary>Until the server has seen so many requests.</summary>
    public async Task SeesAsync(int count)
    {
        while (Server.Requests.Count < count) await Task.Yield();
    }

    public static async Task<StoreException> FailureOfAsync<T>(ValueTask<T> call) => await Assert.ThrowsAsync<StoreException>(async () => await call);

    public static async Task<StoreException> FailureOfAsync(ValueTask call) => await Assert.ThrowsAsync<StoreException>(async () => await call);

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _opened) store.Dispose();
        await Server.DisposeAsync();
    }
}
