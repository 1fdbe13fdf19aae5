using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Matih.Definition;

/// <summary>The way to one sink: its source, the statements on the way in their order, the sink.</summary>
public sealed class FlowDefinition
{
    private readonly SourceDefinition? _source;
    private string? _hash;

    private FlowDefinition(string pipeline, ImmutableArray<TransformationDefinition> transformations, SinkDefinition sink)
    {
        Pipeline = pipeline;
        Transformations = transformations;
        Sink = sink;
    }

    public FlowDefinition(string pipeline, SourceDefinition source, ImmutableArray<TransformationDefinition> transformations, SinkDefinition sink)
        : this(pipeline, transformations, sink) => _source = source;

    /// <summary>A flow that only Flink can run.</summary>
    public FlowDefinition(string pipeline, FlinkSourceDefinition source, ImmutableArray<TransformationDefinition> transformations, SinkDefinition sink)
        : this(pipeline, transformations, sink) => FlinkSource = source;

    /// <summary>The pipeline's name.</summary>
    public string Pipeline { get; }

    /// <summary>The topic. A planned flow has one.</summary>
    /// <exception cref="InvalidOperationException">A connector of Flink reads the source.</exception>
    public SourceDefinition Source => _source ?? throw new InvalidOperationException($"Source {FlinkSource!.Name} is no topic: Flink's connector {FlinkSource.Connector} reads it.");

    /// <summary>Where a connector of Flink reads the source; null where it is a topic.</summary>
    public FlinkSourceDefinition? FlinkSource { get; }

    /// <summary>The source's name, whatever reads it.</summary>
    public string SourceName => _source?.Name ?? FlinkSource!.Name;

    /// <summary>From the one that reads the source to the one that the sink takes; empty where the sink takes the source.</summary>
    public ImmutableArray<TransformationDefinition> Transformations { get; }

    public SinkDefinition Sink { get; }

    /// <summary>The session's time zone: UTC or a region of the tz database.</summary>
    internal string TimeZone { get; init; } = "UTC";

    /// <summary>
    /// SHA-256 (lower-case hex) over what decides which rows a record becomes and where they go: topic, format, schema,
    /// JSON options, statements, the time zone where it is not UTC, table, mode, partitioning. Connections, secrets, names of steps, policies and intervals do
    /// not count. White space at the end of a statement does not count either. Only flows from a topic have one.
    /// </summary>
    public string Hash => _hash ??= ComputeHash();

    private string ComputeHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add("matih-flow-1");
        Add(Source.Topic);
        Add(Source.Format.ToString());
        Add(Source.Schema?.ToString() ?? "");
        Add(Source.Schema is null ? "" : Source.Json.ToString());
        Add(Transformations.Length.ToString(CultureInfo.InvariantCulture));
        foreach (var transformation in Transformations) Add(transformation.Sql.Text.TrimEnd());
        if (TimeZone != "UTC") Add($"time zone {TimeZone}");
        Add(Sink.Table.ToString());
        Add(Sink.Mode.ToString());
        foreach (var entry in Sink.PartitionBy) Add($"{entry.Transform} {entry.Parameter} {entry.Column}{(entry.FieldName is { } name ? $" as {name}" : "")}");
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        // Each part is preceded by its length, so that no two lists of parts give the same bytes.
        void Add(string part)
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            Span<byte> length = stackalloc byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }
    }

    /// <summary>The same flow from the source as it is known now.</summary>
    internal FlowDefinition From(SourceDefinition source) => new(Pipeline, source, Transformations, Sink) { TimeZone = TimeZone };

    public override string ToString() => string.Join(" -> ", Transformations.Select(step => step.Name).Prepend(SourceName).Append(Sink.Name));
}
