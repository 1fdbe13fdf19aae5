using System.Text.Json;
using Matih.Delivery;
using Matih.Hosting;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Tests.Hosting.Serverless;

/// <summary>The loop of a pipeline as people's tools read it, and as a newer version of the app finds it.</summary>
public sealed class LoopJsonTests
{
    private static readonly DateTimeOffset T0 = new(2026, 5, 1, 10, 0, 0, TimeSpan.Zero);

    private static readonly PipelineLoop Running = PipelineLoop.Start("p", T0) with { DueAt = T0.AddMinutes(1) };

    private static string Write(PipelineLoop? loop)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, HostJson.Compact))
        {
            json.WriteStartObject();
            LoopJson.WriteMembers(loop, json);
            json.WriteEndObject();
        }
        return System.Text.Encoding.UTF8.GetString(buffer.ToArray());
    }

    [Fact]
    public void A_loop_that_never_ran_has_every_member() => Assert.Equal(
        """{"state":"not-started","since":null,"due_at":null,"last_commit_at":null,"failing_since":null,"failures":0,"last_error":null}""", Write(null));

    [Fact]
    public void A_loop_that_runs_says_when_its_next_commit_is_due_unless_that_is_at_once()
    {
        Assert.Equal(
            """{"state":"running","since":"2026-05-01T10:00:00.000Z","due_at":"2026-05-01T10:01:00.000Z","last_commit_at":"2026-05-01T10:00:30.000Z","failing_since":null,"failures":0,"last_error":null}""",
            Write(Running with { LastCommitAt = T0.AddSeconds(30) }));
        Assert.Contains("\"due_at\":null", Write(Running with { DueAt = default }), StringComparison.Ordinal);
        Assert.Contains("\"due_at\":null", Write(Running with { Phase = LoopPhase.Paused }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_failure_has_the_word_of_its_kind_the_message_and_what_to_do()
    {
        var failure = ReportedFailure.Of(new PipelineException(FailureKind.WouldLoseOrDouble, "It was \"rolled back\".", "Roll it forward."));

        Assert.Equal(
            """{"state":"failed","since":"2026-05-01T10:00:00.000Z","due_at":null,"last_commit_at":null,"failing_since":"2026-05-01T09:59:00.000Z","failures":3,"last_error":{"code":"would-lose-or-double","message":"It was \"rolled back\".","remedy":"Roll it forward."}}""",
            Write(Running with { Phase = LoopPhase.Failed, FailingSince = T0.AddMinutes(-1), FailureCount = 3, Failure = failure }));
    }

    [Theory]
    [InlineData(LoopPhase.Running, false, false, "running")]
    [InlineData(LoopPhase.Running, false, true, "retrying")]
    [InlineData(LoopPhase.Running, true, true, "stopping")]
    [InlineData(LoopPhase.Paused, false, true, "paused")]
    [InlineData(LoopPhase.Failed, true, true, "failed")]
    [InlineData(LoopPhase.Idle, false, false, "idle")]
    [InlineData(LoopPhase.Stopped, true, false, "stopped")]
    [InlineData(LoopPhase.GaveUp, false, true, "gave-up")]
    public void A_state_is_a_word_in_lower_case(LoopPhase phase, bool isStopping, bool isFailing, string state) =>
        Assert.Equal(state, LoopJson.Name(Running with { Phase = phase, IsStopping = isStopping, FailingSince = isFailing ? T0 : null }));

    [Fact]
    public void Every_phase_has_a_name() => Assert.Equal(Enum.GetValues<LoopPhase>().Length, Enum.GetValues<LoopPhase>().Select(phase => LoopJson.Name(Running with { Phase = phase })).Distinct().Count());

    /// <summary>As Durable Functions keep it, and hand it to whatever version of the app runs next.</summary>
    [Fact]
    public void A_kept_loop_is_read_with_members_that_are_not_known_yet_and_without_those_that_are_new()
    {
        var newer = Read("""{"pipeline":"p","phase":"GaveUp","since":"2026-05-01T10:00:00+00:00","mood":"good","flows":[{"sink":"lake","outcome":"Committed","colour":"blue"}],"failure":{"code":"no-such-word","message":"No.","remedy":"Look.","cause":{"x":1}}}""");
        var older = Read("""{"pipeline":"p"}""");

        Assert.Equal(
            """{"state":"gave-up","since":"2026-05-01T10:00:00.000Z","due_at":null,"last_commit_at":null,"failing_since":null,"failures":0,"last_error":{"code":"no-such-word","message":"No.","remedy":"Look."}}""", Write(newer));
        Assert.Equal(new FlowReport("lake", FlowOutcome.Committed), Assert.Single(newer.Flows));
        Assert.Equal((LoopPhase.Running, "running"), (older.Phase, LoopJson.Name(older)));
        Assert.True(older.IsDue(T0), "it begins with a look at what is there");
        Assert.Empty(older.WatchesAt(T0));
        Assert.Equal(LoopPhase.Paused, older.After(new LoopSignal(LoopCommand.Pause), T0).Phase);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"pipeline":"p","phase":"Dreaming"}""")]
    public void A_kept_loop_that_says_nothing_of_its_pipeline_or_an_unknown_phase_is_not_guessed_at(string json) =>
        Assert.Throws<JsonException>(() => Read(json));

    [Fact]
    public void What_is_written_is_the_same_after_the_loop_was_kept()
    {
        var loop = Running with { Phase = LoopPhase.Failed, FailingSince = T0, FailureCount = 2, LastCommitAt = T0, Failure = new ReportedFailure("crashed", "Ü \"…\"", "Look.") };

        Assert.Equal(Write(loop), Write(Read(JsonSerializer.Serialize(loop, JsonSerializerOptions.Web))));
    }

    private static PipelineLoop Read(string json) => JsonSerializer.Deserialize<PipelineLoop>(json, JsonSerializerOptions.Web)!;
}
