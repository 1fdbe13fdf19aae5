using System.Collections.Immutable;
using Matih.Batches;

namespace Matih.Definition;

/// <summary>An option of a connector.</summary>
/// <param name="Value">Not shown: it may be a password.</param>
/// <param name="Path">Where it stands, such as <c>sources.orders.options.password</c>.</param>
public sealed record ConnectorOption(string Name, Secret Value, string Path);

/// <summary>The event time of a source: the watermark is <paramref name="Delay"/> behind the column.</summary>
public sealed record WatermarkDefinition(string Column, TimeSpan Delay);

/// <summary>What a connector of Flink reads. This engine cannot run it.</summary>
public sealed record FlinkSourceDefinition
{
    public required string Name { get; init; }

    /// <summary>Flink's option <c>connector</c>.</summary>
    public required string Connector { get; init; }

    /// <summary>The connector's other options, in the order of the file.</summary>
    public required ImmutableArray<ConnectorOption> Options { get; init; }

    /// <summary>The columns, of any type of Flink's.</summary>
    public required RowType Schema { get; init; }

    /// <summary>Metadata of the connector by the columns that it fills.</summary>
    public required ImmutableSortedDictionary<string, string> Metadata { get; init; }

    /// <summary>The columns that identify a row; empty where none is said.</summary>
    public required ImmutableArray<string> PrimaryKey { get; init; }

    /// <summary>Null where none is said.</summary>
    public required WatermarkDefinition? Watermark { get; init; }

    public required DefinitionPosition Position { get; init; }

    /// <summary>Whether the source has an end, as far as options of Flink's own connectors say so.</summary>
    public bool HasEnd => Connector switch
    {
        "datagen" => IsGiven("number-of-rows"),
        "filesystem" => !IsGiven("source.monitor-interval"),
        _ => Options.Any(option => option.Name == "scan.bounded.mode" && option.Value.Reveal() != "unbounded"),
    };

    private bool IsGiven(string option) => Options.Any(candidate => candidate.Name == option);
}
