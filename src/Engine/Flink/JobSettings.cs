using System.Collections.Immutable;
using System.Globalization;
using Matih.Definition;

namespace Matih.Flink;

/// <summary>How Flink runs the job of a pipeline: what <c>orchestration:</c> says, in Flink's options (version 1.20).</summary>
internal static class JobSettings
{
    /// <summary>The longest wait between two restarts, as between two attempts of a run of this engine.</summary>
    private const string RestartDelayMax = "1 min";

    public static IEnumerable<KeyValuePair<string, string>> Of(PipelineDefinition definition)
    {
        var orchestration = definition.Orchestration;
        var settings = new Dictionary<string, string>
        {
            ["execution.runtime-mode"] = "streaming",
            ["pipeline.name"] = definition.Metadata.Name,
            ["parallelism.default"] = orchestration.Parallelism.ToString(CultureInfo.InvariantCulture),
            ["execution.checkpointing.interval"] = Milliseconds(orchestration.CheckpointInterval),
            ["execution.checkpointing.mode"] = "EXACTLY_ONCE",
            // A cancelled job's last checkpoint is all that a new one can continue from.
            ["execution.checkpointing.externalized-checkpoint-retention"] = "RETAIN_ON_CANCELLATION",
            // A partition without records must not hold the watermark of the others back.
            ["table.exec.source.idle-timeout"] = Milliseconds(orchestration.IdleTimeout),
            ["table.local-time-zone"] = orchestration.TimeZone,
        };
        foreach (var (name, value) in Restarts(orchestration.MaxRetries)) settings[name] = value;
        return settings.Concat(orchestration.Flink.Where(option => !settings.ContainsKey(option.Key)))
            .Select(option => orchestration.Flink.TryGetValue(option.Key, out var own) ? new KeyValuePair<string, string>(option.Key, own) : option);
    }

    private static IEnumerable<KeyValuePair<string, string>> Restarts(int retries)
    {
        if (retries == 0) return [new("restart-strategy.type", "none")];
        return
        [
            new("restart-strategy.type", "exponential-delay"),
            new("restart-strategy.exponential-delay.initial-backoff", "1 s"),
            new("restart-strategy.exponential-delay.max-backoff", RestartDelayMax),
            new("restart-strategy.exponential-delay.backoff-multiplier", "2.0"),
            new("restart-strategy.exponential-delay.jitter-factor", "0.5"),
            new("restart-strategy.exponential-delay.attempts-before-reset-backoff", retries.ToString(CultureInfo.InvariantCulture)),
        ];
    }

    private static string Milliseconds(TimeSpan time) => $"{(long)time.TotalMilliseconds} ms";
}
