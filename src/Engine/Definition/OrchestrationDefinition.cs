using System.Collections.Immutable;

namespace Matih.Definition;

/// <summary>Where <c>matih deploy</c> sends a pipeline.</summary>
public enum DeployTarget
{
    /// <summary>This engine.</summary>
    Matih,
    /// <summary>A Flink SQL Gateway.</summary>
    Flink,
}

/// <summary>How a pipeline is run. Every property has a default, see <c>docs/definition.md</c>.</summary>
public sealed record OrchestrationDefinition
{
    public required DeployTarget Engine { get; init; }

    /// <summary>Time between commits.</summary>
    public required TimeSpan CheckpointInterval { get; init; }

    /// <summary>Lanes that read, decode and compute side by side.</summary>
    public required int Parallelism { get; init; }

    /// <summary>Records of one micro-batch; does not bound continuous runs.</summary>
    public required long MaxRecords { get; init; }

    /// <summary>A micro-batch ends when nothing came for so long.</summary>
    public required TimeSpan IdleTimeout { get; init; }

    /// <summary>Attempts after the first, before a run gives up on its environment.</summary>
    public required int MaxRetries { get; init; }

    /// <summary>How long attempts may fail in a row before a run gives up, whatever <see cref="MaxRetries"/> says.</summary>
    public required TimeSpan CommitFailureLimit { get; init; }

    /// <summary>The session's time zone: UTC or a region of the tz database.</summary>
    public string TimeZone { get; init; } = "UTC";

    /// <summary>Options of the Flink job, by Flink's names; they win over those that other keys give.</summary>
    public ImmutableSortedDictionary<string, string> Flink { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The ceiling of all buffers together.</summary>
    public required long MemoryBytesMax { get; init; }
}
