using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using Matih.Definition;
using Matih.Engine.Simulation.World;
using Matih.Planning;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>One pipeline of a scenario: a topic, and one table or several.</summary>
internal sealed record PipelineSetup(
    string Name, string Topic, ImmutableArray<string> Tables, bool StartsAtLatest, bool SkipsLostOffsets, int CheckpointSeconds, int Parallelism, int MaxRetries, bool HasMembers,
    ImmutableSortedDictionary<string, string> TableProperties)
{
    private static readonly ConcurrentDictionary<string, (PipelineDefinition Definition, IReadOnlyList<PlannedFlow> Flows)> Planned = new(StringComparer.Ordinal);

    /// <summary>What people decide about the pipeline: policies, limits, answers.</summary>
    public PipelineHabits Habits { get; init; } = new();

    /// <summary>The consumer group where several pipelines share one; null for one of its own.</summary>
    public string? SharedGroup { get; init; }

    /// <summary>What the tables are partitioned by when they are created, as YAML.</summary>
    public string PartitionBy { get; init; } = "";

    /// <summary>Staged ranges that are as large go into the table as they are; null takes the engine's own limit.</summary>
    public long? SmallRangeBytes { get; init; }

    /// <summary>The ceiling of all buffers, small enough that rows are moved to scratch space; null takes the engine's own.</summary>
    public long? MemoryBytes { get; init; }

    public string Group => SharedGroup ?? $"{Habits.RenamedFrom ?? Name}-group";

    public FlowName Flow(int sink) => new(Name, SinkName(sink));

    public TableIdentifier Table(int sink) => TableIdentifier.Parse(Tables[sink]);

    public PipelineDefinition Definition => Planned.GetOrAdd(Yaml(), PlanOf).Definition;

    /// <summary>The flows, planned by the engine from YAML as any user's.</summary>
    public IReadOnlyList<PlannedFlow> Plan()
    {
        var (_, flows) = Planned.GetOrAdd(Yaml(), PlanOf);
        return [.. flows.Select(flow => flow with
        {
            Plan = flow.Plan with { SmallRangeBytes = SmallRangeBytes ?? flow.Plan.SmallRangeBytes, MemoryBytes = MemoryBytes ?? flow.Plan.MemoryBytes },
        })];
    }

    private static (PipelineDefinition, IReadOnlyList<PlannedFlow>) PlanOf(string text)
    {
        var read = DefinitionReader.Read("simulated.yaml", text, new DefinitionInputs
        {
            Environment = _ => null,
            ReadSecretFile = _ => throw new NotSupportedException(),
            BaseDirectory = "/simulated",
            Overrides = [],
            Warehouse = "/simulated",
        });
        if (!read.Errors.IsEmpty) throw new InvalidOperationException(string.Join("\n", read.Errors) + "\n" + text);
        var plan = PipelinePlanner.Plan(read.Definition!);
        return plan.Errors.IsEmpty ? (read.Definition!, plan.Flows) : throw new InvalidOperationException(string.Join("\n", plan.Errors) + "\n" + text);
    }

    private static string SinkName(int sink) => sink == 0 ? "lake" : string.Create(CultureInfo.InvariantCulture, $"lake{sink}");

    private string Yaml()
    {
        var properties = string.Join(", ", TableProperties.Select(pair => $"{pair.Key}: '{pair.Value}'"));
        var steps = string.Concat(Tables.Select((_, sink) => $$"""

              - name: rows{{sink}}
                type: sql_transform
                input: src
                sql: SELECT '{{Flow(sink)}}' AS flow, inc, `partition`, `offset`, id, id AS twin FROM { { input } } WHERE id >= 0
            """)).Replace("{ { input } }", "{{ input }}", StringComparison.Ordinal);
        var sinks = string.Concat(Tables.Select((table, sink) => $$"""

              {{SinkName(sink)}}: { type: iceberg, input: rows{{sink}}, table: {{table}}, mode: append, partition_by: [{{PartitionBy}}], properties: { {{properties}} } }
            """));
        return $$"""
            metadata: { name: {{Name}}, version: "1" }
            sources:
              src:
                type: kafka
                connection: localhost:9092
                topic: {{Topic}}
                consumer_group: {{Group}}
                format: json
                schema: "id BIGINT, inc INT"
                start_offset: {{(StartsAtLatest ? "latest" : "earliest")}}
                on_error: {{(Habits.FailsOnBadRecord ? "fail" : "skip")}}
                on_lost_offsets: {{(SkipsLostOffsets ? "skip" : "fail")}}
            transformations:{{steps}}
            sinks:{{sinks}}
            orchestration: { engine: matih, checkpoint_interval: {{CheckpointSeconds}}s, parallelism: {{Parallelism}}, max_retries: {{MaxRetries}} }
            """;
    }
}

/// <summary>A place where a pipeline's process runs, one at a time, and is started again when it ends.</summary>
internal sealed record ReplicaSetup(int Pipeline, string Host, TimeSpan Skew);

/// <summary>What stands before anything happens.</summary>
internal sealed record Setup(
    bool HasCatalogServer, bool TopicTellsId, bool HasWeakLists, int PartitionCount, ClientHabits Habits, ImmutableArray<PipelineSetup> Pipelines, ImmutableArray<ReplicaSetup> Replicas)
{
    /// <summary>What people do beside the actions.</summary>
    public PeopleSetup People { get; init; } = new();

    public override string ToString() =>
        $"catalog {(HasCatalogServer ? "server" : "files")}, {PartitionCount} partitions, topic {(TopicTellsId ? "tells" : "hides")} its id, client rewinds by {Habits.RewindsBy}{(Habits.SkipsRecords ? " and skips" : "")}{(Habits.ReadsOn ? " and reads on" : "")}; "
        + string.Join("; ", Pipelines.Select(item => $"{item.Name}: {item.Topic} -> {string.Join(", ", item.Tables)} from {(item.StartsAtLatest ? "latest" : "earliest")}, checkpoint {item.CheckpointSeconds} s, {item.MaxRetries} retries{(item.HasMembers ? ", members" : "")}{item.Habits.Describe()}, [{string.Join(", ", item.TableProperties.Select(pair => $"{pair.Key}={pair.Value}"))}], group {item.Group}, by [{item.PartitionBy}]{(item.SmallRangeBytes is { } bytes ? $", ranges of {bytes} bytes as they are" : "")}{(item.MemoryBytes is { } memory ? $", {memory} bytes of memory" : "")}"))
        + $"; replicas {string.Join(", ", Replicas.Select(item => $"{Pipelines[item.Pipeline].Name}@{item.Host}"))}{People.Describe()}";
}
