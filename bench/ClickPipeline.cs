using System.Globalization;
using Matih.Definition;
using Matih.Planning;

namespace Matih.Bench;

/// <summary>The definition of workload W1: five fields of the click events of topic <c>w1</c> into table <c>bench.w1</c>.</summary>
public static class ClickPipeline
{
    public const string Topic = "w1";

    private const string Text = """
        metadata: {{ name: w1, version: "1.0.0", owner: bench }}
        sources:
          clicks:
            type: kafka
            connection: {0}
            topic: w1
            consumer_group: {2}
            format: json
            start_offset: earliest
            schema:
              - {{ name: event_id, type: STRING }}
              - {{ name: user_id, type: STRING }}
              - {{ name: event_type, type: STRING }}
              - {{ name: page_url, type: STRING }}
              - {{ name: amount, type: DOUBLE }}
        transformations:
          - name: project
            type: sql_transform
            sql: |
              SELECT event_id, user_id, event_type, page_url, amount FROM {{{{ input }}}}
        sinks:
          lake:
            type: iceberg
            table: bench.w1
            mode: append
            partition_by: [{4}]
        orchestration: {{ checkpoint_interval: {3}, parallelism: {1} }}
        """;

    public static string Definition(string bootstrap, int parallelism, string group, string checkpointInterval, string partitionBy = "") =>
        string.Format(CultureInfo.InvariantCulture, Text, bootstrap, parallelism, group, checkpointInterval, partitionBy);

    /// <summary>The flow of a definition, for a run in this process.</summary>
    /// <param name="overrides">As <c>--set</c> takes them.</param>
    public static PlannedFlow Plan(string definition, string warehouse, params string[] overrides)
    {
        var read = DefinitionReader.Read("w1.yaml", definition, new DefinitionInputs
        {
            Environment = _ => null,
            ReadSecretFile = File.ReadAllText,
            BaseDirectory = warehouse,
            Overrides = overrides,
            Warehouse = warehouse,
        });
        return PipelinePlanner.Plan(read.Definition ?? throw new InvalidOperationException(string.Join('\n', read.Errors))).Flows.Single();
    }
}
