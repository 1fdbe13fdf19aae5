using System.Text.Json;

namespace Matih.Hosting.Serverless;

/// <summary>The loop of a pipeline as JSON members, for people and their tools.</summary>
public static class LoopJson
{
    /// <summary>The members <c>state</c>, <c>since</c>, <c>due_at</c>, <c>last_commit_at</c>, <c>failing_since</c>, <c>failures</c> and <c>last_error</c>.</summary>
    /// <param name="loop">Null for a pipeline whose loop has never run.</param>
    public static void WriteMembers(PipelineLoop? loop, Utf8JsonWriter json)
    {
        json.WriteString("state", loop is null ? "not-started" : Name(loop));
        json.WriteInstant("since", loop?.Since);
        json.WriteInstant("due_at", loop is { Phase: LoopPhase.Running } && loop.DueAt != default ? loop.DueAt : null);
        json.WriteInstant("last_commit_at", loop?.LastCommitAt);
        json.WriteInstant("failing_since", loop?.FailingSince);
        json.WriteNumber("failures", loop?.FailureCount ?? 0);
        if (loop?.Failure is { } failure)
        {
            json.WriteStartObject("last_error");
            json.WriteString("code", failure.Code);
            json.WriteString("message", failure.Message);
            json.WriteString("remedy", failure.Remedy);
            json.WriteEndObject();
        }
        else json.WriteNull("last_error");
    }

    public static string Name(PipelineLoop loop) => loop.Phase switch
    {
        LoopPhase.Running when loop.IsStopping => "stopping",
        LoopPhase.Running when loop.FailingSince is not null => "retrying",
        LoopPhase.Running => "running",
        LoopPhase.Paused => "paused",
        LoopPhase.Failed => "failed",
        LoopPhase.Idle => "idle",
        LoopPhase.Stopped => "stopped",
        LoopPhase.GaveUp => "gave-up",
        _ => throw new ArgumentOutOfRangeException(nameof(loop), loop.Phase, null),
    };
}
