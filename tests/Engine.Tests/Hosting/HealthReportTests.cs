using System.Text;
using System.Text.Json;
using Matih.Engine.Tests.Delivery;
using Matih.Hosting;
using Matih.Telemetry;

namespace Matih.Engine.Tests.Hosting;

public sealed class HealthReportTests
{
    private readonly HurriedClock _clock = new();
    private readonly FlowProgress _flow = new("orders/lake");
    private readonly HealthReport _report;

    public HealthReportTests() => _report = new HealthReport(new PipelineHealth([_flow], _clock, new HealthLimits(TimeSpan.FromMinutes(2))), "9.8.7", _clock);

    [Fact]
    public void Live_and_ready_are_200_and_health_tells_the_flow()
    {
        _flow.NoteState(FlowState.Reading, _clock.GetTimestamp());
        _flow.NoteOpened(_clock.GetUtcNow().AddSeconds(-30).ToUnixTimeMilliseconds(), 41);
        _flow.NoteFates(10, 2, 1);
        _flow.NoteContact(_clock.GetTimestamp());
        _flow.NoteLag(new FlowLag(17, 30, _clock.GetTimestamp()));
        _flow.NoteCommit(13, 10, 1, 100, _clock.GetUtcNow(), 9007199254740993);
        _flow.NoteCommittedFates(2, 1, 4);
        _flow.NoteLost(5);

        var live = Ask("/health/live");
        var ready = Ask("/health/ready");
        var (status, body) = Ask("/health");

        Assert.Equal((200, "{\"status\":\"live\"}\n"), (live.Status, live.Body));
        Assert.Equal((200, "{\"status\":\"ready\"}\n"), (ready.Status, ready.Body));
        Assert.Equal(200, status);
        var health = JsonDocument.Parse(body).RootElement;
        var flow = Assert.Single(health.GetProperty("flows").EnumerateArray());
        Assert.Equal(["status", "live", "ready", "version", "uptime_seconds", "flows"], health.EnumerateObject().Select(property => property.Name));
        Assert.Equal("9.8.7", health.GetProperty("version").GetString());
        Assert.Equal(
            ["flow", "state", "reason", "last_commit", "uncommitted_age_seconds", "last_contact", "lag", "retries_in_a_row", "rows_committed", "records_committed", "records_filtered", "records_skipped", "offsets_lost", "offsets_empty", "records_staged", "commits"],
            flow.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("orders/lake", "reading"), (flow.GetProperty("flow").GetString(), flow.GetProperty("state").GetString()));
        Assert.Equal("9007199254740993", flow.GetProperty("last_commit").GetProperty("snapshot_id").GetString());
        Assert.InRange(flow.GetProperty("last_commit").GetProperty("age_seconds").GetDouble(), 0, 29);
        Assert.InRange(AgeOf(flow.GetProperty("last_contact"), "at"), 0, 29);
        Assert.InRange(AgeOf(flow.GetProperty("lag"), "as_of"), 0, 29);
        Assert.Equal((17, 30), (flow.GetProperty("lag").GetProperty("unread").GetInt64(), flow.GetProperty("lag").GetProperty("uncommitted").GetInt64()));
        Assert.Equal((10, 13, 1), (flow.GetProperty("rows_committed").GetInt64(), flow.GetProperty("records_committed").GetInt64(), flow.GetProperty("records_skipped").GetInt64()));
        Assert.Equal((2, 5, 4), (flow.GetProperty("records_filtered").GetInt64(), flow.GetProperty("offsets_lost").GetInt64(), flow.GetProperty("offsets_empty").GetInt64()));
    }

    [Fact]
    public void Before_the_first_answer_of_a_broker_contact_and_lag_are_null()
    {
        var (_, body) = Ask("/health");

        Assert.Contains("\"last_contact\":null,\"lag\":null", body, StringComparison.Ordinal);
    }

    [Fact]
    public void Lost_contact_is_503_with_its_age_and_the_lag_is_of_that_time()
    {
        _flow.NoteState(FlowState.Reading, _clock.GetTimestamp());
        _flow.NoteOpened(_clock.GetUtcNow().ToUnixTimeMilliseconds(), 41);
        _flow.NoteContact(_clock.GetTimestamp());
        _flow.NoteLag(new FlowLag(0, 0, _clock.GetTimestamp()));
        _clock.Elapsed += TimeSpan.FromSeconds(45);
        _clock.Jump += TimeSpan.FromDays(1);

        var ready = Ask("/health/ready");
        var (_, body) = Ask("/health");

        Assert.Equal(503, ready.Status);
        Assert.Contains("Flow orders/lake has had no answer from Kafka for 45 s", ready.Body, StringComparison.Ordinal);
        var flow = JsonDocument.Parse(body).RootElement.GetProperty("flows")[0];
        Assert.InRange(AgeOf(flow.GetProperty("last_contact"), "at"), 45, 59);
        Assert.InRange(AgeOf(flow.GetProperty("lag"), "as_of"), 45, 59);
    }

    [Fact]
    public void A_flow_that_retries_is_503_with_its_reason_and_still_live()
    {
        _flow.NoteFailures(2);
        _flow.NoteState(FlowState.Retrying, _clock.GetTimestamp());

        var ready = Ask("/health/ready");
        var live = Ask("/health/live");
        var all = Ask("/health");

        Assert.Equal((503, "{\"status\":\"not-ready\",\"reasons\":[\"Flow orders/lake is retrying after 2 failures in a row.\"]}\n"), (ready.Status, ready.Body));
        Assert.Equal(200, live.Status);
        Assert.Equal(200, all.Status);
        Assert.StartsWith("{\"status\":\"not-ready\",\"live\":true,\"ready\":false,", all.Body, StringComparison.Ordinal);
    }

    [Fact]
    public void A_coordinator_that_is_stuck_is_503_for_liveness()
    {
        _flow.NoteState(FlowState.Committing, _clock.GetTimestamp());

        _clock.Elapsed += TimeSpan.FromMinutes(6);

        var live = Ask("/health/live");
        Assert.Equal(503, live.Status);
        Assert.StartsWith("{\"status\":\"stuck\",\"reasons\":[\"Flow orders/lake has been committing for 360 s", live.Body, StringComparison.Ordinal);
    }

    [Fact]
    public void Standing_by_is_ready_with_a_word()
    {
        _flow.NoteState(FlowState.StandingBy, _clock.GetTimestamp());

        var ready = Ask("/health/ready");

        Assert.Equal((200, "{\"status\":\"standing-by\"}\n"), (ready.Status, ready.Body));
    }

    [Fact]
    public void Another_path_has_no_answer() => Assert.Null(_report.Answer("/"));

    /// <summary>The age in seconds, which must agree with the time beside it.</summary>
    private double AgeOf(JsonElement moment, string name)
    {
        var age = moment.GetProperty("age_seconds").GetDouble();
        Assert.Equal(_clock.GetUtcNow().AddSeconds(-age).ToUnixTimeMilliseconds() / 1000.0, moment.GetProperty(name).GetDateTimeOffset().ToUnixTimeMilliseconds() / 1000.0, tolerance: 10);
        return age;
    }

    private (int Status, string Body) Ask(string path)
    {
        var answer = _report.Answer(path)!;
        Assert.Equal("application/json", answer.ContentType);
        return (answer.Status, Encoding.UTF8.GetString(answer.Body));
    }
}
