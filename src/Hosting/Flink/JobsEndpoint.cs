using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Matih.Hosting.Flink;

/// <summary>A job in the list of a cluster.</summary>
internal sealed record FlinkJob(string Id, string Name, string State, DateTimeOffset StartedAt)
{
    /// <summary>Whether it has not ended for good.</summary>
    public bool IsLive => State is not ("FINISHED" or "CANCELED" or "FAILED");
}

/// <summary>One job, looked at closely.</summary>
/// <param name="Tasks">How many tasks are in each state: a job is RUNNING before its tasks are.</param>
internal sealed record FlinkJobState(string Id, string Name, string State, ImmutableSortedDictionary<string, int> Tasks, FlinkFailure? Failure)
{
    public bool IsRunning => State == "RUNNING" && Tasks.Count != 0 && Tasks.All(state => state.Key is "running" or "finished" || state.Value == 0);

    public bool HasEnded => State is "FINISHED" or "CANCELED" or "FAILED";

    /// <summary>Ids of the vertices that read from outside.</summary>
    public ImmutableArray<string> Sources { get; init; } = [];
}

/// <summary>Checkpoints of a job.</summary>
/// <param name="LastDuration">Of the last completed one.</param>
internal sealed record FlinkCheckpoints(long Completed, long Failed, long InProgress, TimeSpan? LastDuration, DateTimeOffset? LastAt, string? LastPath, string? SavepointPath, long? SavepointId)
{
    /// <summary>Why the last failed one failed; null where none did.</summary>
    public string? LastFailure { get; init; }

    /// <summary>Whether the savepoint is that of a stop, after which nothing was read.</summary>
    public bool IsOfStop { get; init; }
}

/// <summary>What became of a stop with savepoint.</summary>
internal sealed record SavepointState(bool IsCompleted, string? Location, FlinkFailure? Failure);

/// <summary>The JobManager's REST endpoint (Flink 1.20, "REST API").</summary>
internal sealed class JobsEndpoint(FlinkHttp http)
{
    public Uri Address => http.Address;

    public async Task<ImmutableArray<FlinkJob>> ListAsync(CancellationToken cancellationToken)
    {
        var answer = await RequireAsync("/jobs/overview", cancellationToken);
        return [.. answer.GetProperty("jobs").EnumerateArray().Select(job => new FlinkJob(
            job.GetProperty("jid").GetString()!, job.GetProperty("name").GetString()!, job.GetProperty("state").GetString()!, Time(job.GetProperty("start-time"))))];
    }

    /// <summary>The job's state; null where the cluster does not know it.</summary>
    public async Task<FlinkJobState?> FindAsync(string id, CancellationToken cancellationToken)
    {
        var answer = await http.GetAsync($"/jobs/{id}", cancellationToken);
        if (!answer.IsOk) return null;
        var job = answer.Json();
        var tasks = ImmutableSortedDictionary.CreateBuilder<string, int>(StringComparer.Ordinal);
        foreach (var vertex in job.GetProperty("vertices").EnumerateArray())
            foreach (var state in vertex.GetProperty("tasks").EnumerateObject())
                if (state.Value.GetInt32() is > 0 and var count) tasks[state.Name.ToLowerInvariant()] = tasks.GetValueOrDefault(state.Name.ToLowerInvariant()) + count;
        return new FlinkJobState(id, job.GetProperty("name").GetString()!, job.GetProperty("state").GetString()!, tasks.ToImmutable(), await FailureAsync(id, cancellationToken))
        {
            // A job that is being made has no plan yet.
            Sources = Member(job, "plan") is { } plan && plan.TryGetProperty("nodes", out var nodes)
                ? [.. nodes.EnumerateArray().Where(node => !node.TryGetProperty("inputs", out var inputs) || inputs.GetArrayLength() == 0).Select(node => node.GetProperty("id").GetString()!)]
                : [],
        };
    }

    private async Task<FlinkFailure?> FailureAsync(string id, CancellationToken cancellationToken)
    {
        var answer = await http.GetAsync($"/jobs/{id}/exceptions", cancellationToken);
        return answer.IsOk && answer.Json().TryGetProperty("root-exception", out var root) && root.GetString() is { Length: > 0 } trace ? FlinkFailure.Of(trace) : null;
    }

    public async Task<FlinkCheckpoints> CheckpointsAsync(string id, CancellationToken cancellationToken)
    {
        var answer = await RequireAsync($"/jobs/{id}/checkpoints", cancellationToken);
        var counts = answer.GetProperty("counts");
        var latest = answer.GetProperty("latest");
        var completed = Member(latest, "completed");
        return new FlinkCheckpoints(
            counts.GetProperty("completed").GetInt64(), counts.GetProperty("failed").GetInt64(), counts.GetProperty("in_progress").GetInt64(),
            completed is { } last ? TimeSpan.FromMilliseconds(last.GetProperty("end_to_end_duration").GetInt64()) : null,
            completed is { } at ? Time(at.GetProperty("latest_ack_timestamp")) : null,
            completed is { } kept && kept.TryGetProperty("external_path", out var path) ? path.GetString() : null,
            Member(latest, "savepoint") is { } savepoint && savepoint.TryGetProperty("external_path", out var place) ? place.GetString() : null,
            Member(latest, "savepoint") is { } numbered && numbered.TryGetProperty("id", out var number) ? number.GetInt64() : null)
        {
            IsOfStop = Member(latest, "savepoint") is { } made && made.TryGetProperty("checkpoint_type", out var kind) && kind.GetString() == "SYNC_SAVEPOINT",
            LastFailure = Member(latest, "failed") is { } failed && failed.TryGetProperty("failure_message", out var message) && message.GetString() is { Length: > 0 } text ? FlinkFailure.Of(text).Cause : null,
        };
    }

    /// <summary>Names of metrics of a job, or of one of its vertices.</summary>
    /// <returns>Empty where none was fetched yet: asking makes the JobManager fetch them.</returns>
    public async Task<ImmutableArray<string>> MetricNamesAsync(string path, CancellationToken cancellationToken)
    {
        var answer = await http.GetAsync(path, cancellationToken);
        return answer.IsOk ? [.. answer.Json().EnumerateArray().Select(metric => metric.GetProperty("id").GetString()!)] : [];
    }

    /// <summary>Values of metrics; those that are not known are left out.</summary>
    /// <param name="aggregation"><c>sum</c> or <c>max</c> over a vertex's tasks; null where the path is a job's, whose metrics have one value.</param>
    public async Task<IReadOnlyDictionary<string, double>> MetricsAsync(string path, IReadOnlyCollection<string> names, string? aggregation, CancellationToken cancellationToken)
    {
        var values = new Dictionary<string, double>(StringComparer.Ordinal);
        if (names.Count == 0) return values;
        var answer = await http.GetAsync($"{path}?get={string.Join(',', names.Select(Uri.EscapeDataString))}{(aggregation is null ? "" : $"&agg={aggregation}")}", cancellationToken);
        if (!answer.IsOk) return values;
        foreach (var metric in answer.Json().EnumerateArray())
            if (metric.TryGetProperty(aggregation ?? "value", out var value) && NumberOf(value) is { } number) values[metric.GetProperty("id").GetString()!] = number;
        return values;
    }

    /// <summary>A metric's value: a number, or a text such as <c>"0"</c> or <c>"NaN"</c>.</summary>
    private static double? NumberOf(JsonElement value) =>
        double.TryParse(value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    /// <summary>Begins a stop with savepoint; the same trigger asks for the same one again.</summary>
    /// <param name="trigger">32 hexadecimal digits.</param>
    /// <param name="folder">Where the savepoint goes; null takes the cluster's own.</param>
    /// <param name="stops">Whether the job ends; otherwise only a savepoint is made.</param>
    public async Task TriggerSavepointAsync(string id, string trigger, string? folder, bool stops, CancellationToken cancellationToken)
    {
        var answer = await http.PostAsync($"/jobs/{id}/{(stops ? "stop" : "savepoints")}", json =>
        {
            if (stops) json.WriteBoolean("drain", false);
            if (folder is not null) json.WriteString(stops ? "targetDirectory" : "target-directory", folder);
            json.WriteString("triggerId", trigger);
        }, cancellationToken);
        if (answer.IsOk) return;
        throw FlinkHttp.Failed($"Job {id} makes no savepoint: {FlinkFailure.Of(answer.Trace()).Cause}", "Give a folder that the cluster can write with --savepoint, or set execution.checkpointing.savepoint-dir on the cluster.");
    }

    public async Task<SavepointState> FindSavepointAsync(string id, string trigger, CancellationToken cancellationToken)
    {
        var answer = await http.GetAsync($"/jobs/{id}/savepoints/{trigger}", cancellationToken);
        if (!answer.IsOk) return new SavepointState(false, null, null);
        var state = answer.Json();
        if (state.GetProperty("status").GetProperty("id").GetString() != "COMPLETED") return new SavepointState(false, null, null);
        var operation = state.GetProperty("operation");
        if (operation.TryGetProperty("failure-cause", out var cause) && cause.ValueKind == JsonValueKind.Object)
            return new SavepointState(true, null, FlinkFailure.Of(cause.GetProperty("stack-trace").GetString() ?? cause.GetProperty("class").GetString() ?? ""));
        return new SavepointState(true, operation.GetProperty("location").GetString(), null);
    }

    private async Task<JsonElement> RequireAsync(string path, CancellationToken cancellationToken)
    {
        var answer = await http.GetAsync(path, cancellationToken);
        return answer.IsOk ? answer.Json() : throw FlinkHttp.Failed($"The JobManager at {http.Address} answered GET {path} with {((int)answer.Status).ToString(CultureInfo.InvariantCulture)}: {FlinkFailure.Of(answer.Trace()).Cause}", "Check that the address is that of a JobManager of Flink, and look into its log.");
    }

    private static JsonElement? Member(JsonElement parent, string name) => parent.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.Object ? member : null;

    private static DateTimeOffset Time(JsonElement milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds.GetInt64());
}
