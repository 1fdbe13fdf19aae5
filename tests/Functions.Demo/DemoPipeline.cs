using System.Globalization;
using System.Text;
using Matih.Fixtures;
using Matih.Functions.TestHost.Apps;

namespace Matih.Functions.Demo;

/// <summary>The pipeline of the demonstration: click events into a table in Blob storage, a commit every two seconds, asleep after four.</summary>
internal static class DemoPipeline
{
    public const string Table = "web.clicks";

    /// <summary>The column that tells one event from another.</summary>
    public const string IdColumn = "id";

    public const int PartitionCount = 4;

    public const string CheckpointInterval = "2s";

    public const string IdleTimeout = "4s";

    /// <summary>Longer than a demonstration: messages come without commits.</summary>
    private const string NoCheckpoint = "1h";

    private const string Definition = $$$"""
        metadata: { name: clicks, version: "1.0.0" }
        catalogs:
          lake: CATALOG
        sources:
          clicks:
            type: kafka
            connection: ${KAFKA_CONNECTION}
            topic: clicks
            consumer_group: clicks-fn
            format: json
        transformations:
          - name: parse
            type: sql_transform
            sql: |
              SELECT JSON_VALUE(value, '$.id') AS {{{IdColumn}}}, JSON_VALUE(value, '$.user') AS user_id, JSON_VALUE(value, '$.page') AS page
              FROM {{ input }}
        sinks:
          lake: { type: iceberg, table: {{{Table}}} }
        orchestration: TIMES
        """;

    /// <param name="hubStorage">Opens the storage of the task hub.</param>
    /// <param name="catalog">The catalog's entry.</param>
    public static PipelineSetup Setup(string hubStorage, string catalog) => Setup(hubStorage, catalog, "MatihDemo", CheckpointInterval, IdleTimeout);

    /// <summary>The same with a loop that waits, so that what a message costs is seen by itself.</summary>
    public static PipelineSetup WaitingSetup(string hubStorage, string catalog) => Setup(hubStorage, catalog, "MatihDemoWaiting", NoCheckpoint, NoCheckpoint);

    private static PipelineSetup Setup(string hubStorage, string catalog, string hub, string checkpointInterval, string idleTimeout) => new(hubStorage, hub)
    {
        Definition = Definition.Replace("CATALOG", catalog, StringComparison.Ordinal).Replace("TIMES", $"{{ checkpoint_interval: {checkpointInterval}, idle_timeout: {idleTimeout} }}", StringComparison.Ordinal),
        PartitionCount = PartitionCount,
        Value = Event,
    };

    private static byte[] Event(int number) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"id":"{{number}}","user":"u{{number * 7919L % 1000}}","page":"/products/{{number * 104729L % 20000}}"}"""));
}
