using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Matih.Definition;

/// <summary>The way to one sink: its source, the statements on the way in their order, the sink.</summary>
public sealed class FlowDefinition(
    string pipeline, SourceDefinition source, ImmutableArray<TransformationDefinition> transformations, SinkDefinition sink)
{
    private string? _hash;

    /// <summary>The pipeline's name.</summary>
    public string Pipeline { get; } = pipeline;

    public SourceDefinition Source { get; } = source;

    /// <summary>From the one that reads the source to the one that the sink takes; empty where the sink takes the source.</summary>
    public ImmutableArray<TransformationDefinition> Transformations { get; } = transformations;

    public SinkDefinition Sink { get; } = sink;

    /// <summary>
    /// SHA-256 (lower-case hex) over what decides which rows a record becomes and where they go: topic, format, schema,
    /// JSON options, statements, table, mode, partitioning. Connections, secrets, names of steps, policies and intervals do
    /// not count. White space at the end of a statement does not count either.
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

    public override string ToString() => string.Join(" -> ", Transformations.Select(step => step.Name).Prepend(Source.Name).Append(Sink.Name));
}
