using System.Buffers;
using System.Text.Json;
using Matih.Telemetry;

namespace Matih.Hosting;

/// <summary>An answer to a question about health, for whoever serves HTTP.</summary>
/// <param name="Status">HTTP's status code.</param>
public sealed record HealthAnswer(int Status, byte[] Body, string ContentType = "application/json");

/// <summary>
/// What a run says of its health: flows by name, states, ages and counts. Nothing of the definition, no hosts and no paths,
/// because whoever can reach the port can read it.
/// </summary>
public sealed class HealthReport(PipelineHealth health, string version, TimeProvider clock)
{
    /// <summary>The answer for a path: <c>/health</c>, <c>/health/live</c> or <c>/health/ready</c>; null where there is nothing.</summary>
    public HealthAnswer? Answer(string path)
    {
        var reading = health.Read();
        return path switch
        {
            "/health/live" => Probe(reading.IsLive, "live", "stuck", reading.Flows.Select(flow => flow.Stuck)),
            "/health/ready" => Probe(reading.IsReady, reading.IsStandingBy ? "standing-by" : "ready", "not-ready", reading.Flows.Select(flow => flow.Unready)),
            "/health" => new HealthAnswer(200, Json(json => WriteAll(json, reading))),
            _ => null,
        };
    }

    private static HealthAnswer Probe(bool isGood, string good, string bad, IEnumerable<string?> reasons) => new(isGood ? 200 : 503, Json(json =>
    {
        json.WriteStartObject();
        json.WriteString("status", isGood ? good : bad);
        if (!isGood)
        {
            json.WriteStartArray("reasons");
            foreach (var reason in reasons)
                if (reason is not null) json.WriteStringValue(reason);
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }));

    private void WriteAll(Utf8JsonWriter json, HealthReading reading)
    {
        json.WriteStartObject();
        json.WriteString("status", !reading.IsLive ? "stuck" : !reading.IsReady ? "not-ready" : reading.IsStandingBy ? "standing-by" : "ready");
        json.WriteBoolean("live", reading.IsLive);
        json.WriteBoolean("ready", reading.IsReady);
        json.WriteString("version", version);
        WriteSeconds(json, "uptime_seconds", health.Uptime);
        json.WriteStartArray("flows");
        foreach (var flow in reading.Flows) WriteFlow(json, flow);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteFlow(Utf8JsonWriter json, FlowHealth flow)
    {
        var progress = flow.Progress;
        json.WriteStartObject();
        json.WriteString("flow", flow.Flow);
        json.WriteString("state", PipelineHealth.Name(flow.State));
        json.WriteString("reason", flow.Unready);
        if (progress.LastCommit is { } at)
        {
            json.WriteStartObject("last_commit");
            var age = clock.GetUtcNow() - at;
            WriteSeconds(json, "age_seconds", age < TimeSpan.Zero ? TimeSpan.Zero : age);
            json.WriteId("snapshot_id", progress.LastSnapshotId is { } id ? new SnapshotId(id) : null);
            json.WriteEndObject();
        }
        else json.WriteNull("last_commit");
        if (flow.UncommittedAge is { } waiting) WriteSeconds(json, "uncommitted_age_seconds", waiting);
        else json.WriteNull("uncommitted_age_seconds");
        if (Moment.Of(progress.LastContact, clock) is { } contact)
        {
            json.WriteStartObject("last_contact");
            WriteMoment(json, "at", contact);
            json.WriteEndObject();
        }
        else json.WriteNull("last_contact");
        if (progress.Lag is { } lag)
        {
            json.WriteStartObject("lag");
            json.WriteNumber("unread", lag.Unread);
            json.WriteNumber("uncommitted", lag.Uncommitted);
            WriteMoment(json, "as_of", Moment.Of(lag.AsOf, clock)!.Value);
            json.WriteEndObject();
        }
        else json.WriteNull("lag");
        json.WriteNumber("retries_in_a_row", progress.FailureCount);
        json.WriteNumber("rows_committed", progress.CommittedRowCount);
        json.WriteNumber("records_committed", progress.CommittedRecordCount);
        json.WriteNumber("records_filtered", progress.CommittedFilteredCount);
        json.WriteNumber("records_skipped", progress.CommittedSkippedCount);
        json.WriteNumber("offsets_lost", progress.LostCount);
        json.WriteNumber("offsets_empty", progress.EmptyOffsetCount);
        json.WriteNumber("records_staged", progress.StagedRecordCount);
        json.WriteNumber("commits", progress.CommitCount);
        json.WriteEndObject();
    }

    private static void WriteMoment(Utf8JsonWriter json, string name, Moment moment)
    {
        json.WriteString(name, moment.Text);
        WriteSeconds(json, "age_seconds", moment.Age);
    }

    private static void WriteSeconds(Utf8JsonWriter json, string name, TimeSpan time) => json.WriteNumber(name, Math.Round(time.TotalSeconds, 3));

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, HostJson.Compact)) write(json);
        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }
}
