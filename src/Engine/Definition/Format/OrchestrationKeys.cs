using System.Collections.Immutable;
using Matih.Definition.Shapes;

namespace Matih.Definition.Format;

/// <summary>Keys of <c>orchestration:</c>.</summary>
internal static class OrchestrationKeys
{
    public static readonly Key<DeployTarget> Engine = new("engine", new ChoiceShape<DeployTarget>([("matih", DeployTarget.Matih), ("flink", DeployTarget.Flink)]),
        "Where `matih deploy` sends the pipeline. `matih run` always runs it in its own process.")
    {
        DefaultText = "matih",
    };

    public static readonly Key<TimeSpan> CheckpointInterval = new("checkpoint_interval",
        new DurationShape(TimeSpan.FromMilliseconds(10), "10ms", TimeSpan.FromHours(6), "6h"),
        "Time between commits: how late a row may appear in the table, and how many files there are.")
    {
        Default = TimeSpan.FromSeconds(60),
        DefaultText = "60s",
    };

    public static readonly Key<long> Parallelism = new("parallelism", new IntegerShape(1, 1024), "Lanes that read, decode and compute side by side.") { Default = 4, DefaultText = "4" };

    public static readonly Key<long> MaxRecords = new("max_records", new IntegerShape(1, 1_000_000_000_000), "Records of one micro-batch (`--once`, functions); does not bound continuous runs.")
    {
        Default = 10_000,
        DefaultText = "10000",
    };

    public static readonly Key<TimeSpan> IdleTimeout = new("idle_timeout", new DurationShape(TimeSpan.FromMilliseconds(10), "10ms", TimeSpan.FromDays(1), "24h"),
        "A micro-batch ends when nothing came for so long.")
    {
        Default = TimeSpan.FromSeconds(300),
        DefaultText = "300s",
    };

    public static readonly Key<long> MaxRetries = new("max_retries", new IntegerShape(0, 1000), "Attempts after the first, before a run gives up on Kafka, catalog or store and ends with exit code 3. The waits between them double from 1 s up to 1 min, give or take half; a checkpoint that goes well starts the count again.")
    {
        Default = 3,
        DefaultText = "3",
    };

    public static readonly Key<TimeSpan> CommitFailureLimit = new("commit_failure_limit", new DurationShape(TimeSpan.FromSeconds(1), "1s", TimeSpan.FromDays(7), "7d"),
        "How long attempts may fail in a row before a run gives up with exit code 3, whatever `max_retries` says. `GET /health/ready` is 503 from the first failure on, and also when something has waited to be committed for so long after its checkpoint was due.")
    {
        Default = TimeSpan.FromMinutes(30),
        DefaultText = "30m",
    };

    public static readonly Key<long> Memory = new("memory", new SizeShape(32 << 20, "32MiB", 1L << 40, "1TiB"),
        "The ceiling of all buffers together; reaching it stops reading and closes the largest files.")
    {
        Default = 512L << 20,
        DefaultText = "512MiB",
    };

    public static readonly Key<string> TimeZone = new("time_zone", new TimeZoneShape(),
        "The session's time zone, in which SQL shows and reads TIMESTAMP_LTZ, and whose date CURRENT_DATE is: Flink's `table.local-time-zone`. `event_timestamp` is in UTC whatever it says.")
    {
        Default = "UTC",
        DefaultText = "UTC",
    };

    public static readonly Key<ImmutableArray<TextPair>> Flink = new("flink", new TextMapShape("a mapping of Flink's options to values", Grammars.Key),
        "Options of the Flink job by Flink's names, such as `state.backend.type`; they win over those that other keys of the definition give. Flink accepts an unknown name without a word.") { Default = [] };

    public static readonly KeySet Set = new("orchestration", "How the pipeline is run.",
        Engine, CheckpointInterval, Parallelism, MaxRecords, IdleTimeout, MaxRetries, CommitFailureLimit, Memory, TimeZone, Flink);
}
