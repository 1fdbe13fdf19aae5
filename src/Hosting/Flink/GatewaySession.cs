using System.Collections.Immutable;
using System.Text.Json;
using Matih.Flink;

namespace Matih.Hosting.Flink;

/// <summary>What a statement gave.</summary>
/// <param name="Rows">The first page of its rows, each field as text; null for NULL.</param>
/// <param name="Failure">Why Flink refused it; null where it did not.</param>
internal sealed record StatementResult(ImmutableArray<ImmutableArray<string?>> Rows, FlinkFailure? Failure);

/// <summary>
/// A session of Flink's SQL Gateway (REST endpoint, versions v1 to v3): it holds the catalogs, tables and options of one
/// script. Jobs live on when it is closed.
/// </summary>
internal sealed class GatewaySession : IAsyncDisposable
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    private readonly FlinkHttp _http;
    private readonly TimeProvider _clock;
    private readonly string _path;

    private GatewaySession(FlinkHttp http, TimeProvider clock, string path)
    {
        _http = http;
        _clock = clock;
        _path = path;
    }

    /// <exception cref="FlinkSilenceException">The gateway does not answer.</exception>
    public static async Task<GatewaySession> OpenAsync(FlinkHttp http, TimeProvider clock, CancellationToken cancellationToken)
    {
        foreach (var version in (string[])["v3", "v2", "v1"])
        {
            var answer = await http.PostAsync($"/{version}/sessions", _ => { }, cancellationToken);
            if (answer.Status == System.Net.HttpStatusCode.NotFound) continue;
            if (answer.IsOk && answer.Json().TryGetProperty("sessionHandle", out var handle)) return new GatewaySession(http, clock, $"/{version}/sessions/{handle.GetString()}");
            throw NoGateway(http, answer);
        }
        throw FlinkHttp.Failed($"{http.Address} is no SQL Gateway of Flink: it knows none of the paths /v1/sessions to /v3/sessions.", "Give the address of the SQL Gateway (default port 8083), not that of the JobManager (8081).");
    }

    private static Exception NoGateway(FlinkHttp http, FlinkAnswer answer) =>
        FlinkHttp.Failed($"The SQL Gateway at {http.Address} opened no session: {(int)answer.Status} {FlinkFailure.Of(answer.Trace()).Cause}", "Look into the gateway's log.");

    /// <summary>The options that the session has, the cluster's own among them.</summary>
    public async Task<IReadOnlyDictionary<string, string>> OptionsAsync(CancellationToken cancellationToken)
    {
        var answer = await _http.GetAsync(_path, cancellationToken);
        return answer.IsOk && answer.Json().TryGetProperty("properties", out var properties)
            ? properties.EnumerateObject().ToDictionary(property => property.Name, property => property.Value.GetString() ?? "", StringComparer.Ordinal)
            : new Dictionary<string, string>();
    }

    public Task<StatementResult> ExecuteAsync(FlinkStatement statement, CancellationToken cancellationToken) => ExecuteAsync(statement.Reveal(), cancellationToken);

    /// <summary>Submits one statement and waits for its end.</summary>
    /// <exception cref="FlinkSilenceException">The gateway does not answer, or has forgotten the session: the statement may have been run.</exception>
    public async Task<StatementResult> ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        var submitted = await _http.PostAsync($"{_path}/statements", json => json.WriteString("statement", sql), cancellationToken);
        if (!submitted.IsOk) throw Forgotten(submitted);
        var operation = $"{_path}/operations/{submitted.Json().GetProperty("operationHandle").GetString()}";
        while (await StatusAsync(operation, cancellationToken) is "RUNNING" or "PENDING" or "INITIALIZED") await Task.Delay(PollInterval, _clock, cancellationToken);
        var result = await FetchAsync(operation, cancellationToken);
        await _http.DeleteAsync($"{operation}/close", cancellationToken);
        return result;
    }

    private async Task<string?> StatusAsync(string operation, CancellationToken cancellationToken)
    {
        var answer = await _http.GetAsync($"{operation}/status", cancellationToken);
        return answer.IsOk ? answer.Json().GetProperty("status").GetString() : throw Forgotten(answer);
    }

    private async Task<StatementResult> FetchAsync(string operation, CancellationToken cancellationToken)
    {
        var rows = ImmutableArray.CreateBuilder<ImmutableArray<string?>>();
        for (var next = $"{operation}/result/0?rowFormat=JSON"; ;)
        {
            var answer = await _http.GetAsync(next, cancellationToken);
            if (!answer.IsOk) return new StatementResult([], FlinkFailure.Of(answer.Trace()));
            var page = answer.Json();
            if (page.TryGetProperty("results", out var results))
                foreach (var row in results.GetProperty("data").EnumerateArray())
                    rows.Add([.. row.GetProperty("fields").EnumerateArray().Select(TextOf)]);
            if (page.GetProperty("resultType").GetString() == "EOS" || !page.TryGetProperty("nextResultUri", out var uri) || uri.GetString() is not { } following) return new StatementResult(rows.ToImmutable(), null);
            if (page.GetProperty("resultType").GetString() == "NOT_READY") await Task.Delay(PollInterval, _clock, cancellationToken);
            next = following;
        }
    }

    private static string? TextOf(JsonElement field) => field.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String => field.GetString(),
        _ => field.GetRawText(),
    };

    private FlinkSilenceException Forgotten(FlinkAnswer answer) =>
        new($"The SQL Gateway at {_http.Address} does not know its session any more: {FlinkFailure.Of(answer.Trace()).Cause}", new InvalidOperationException(answer.Trace()));

    /// <summary>A gateway that does not answer any more forgets the session by itself, after ten minutes.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _http.DeleteAsync(_path, CancellationToken.None);
        }
        catch (FlinkSilenceException)
        {
        }
    }
}
