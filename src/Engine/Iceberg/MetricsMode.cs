using Matih.Iceberg.Metadata;

namespace Matih.Iceberg;

/// <summary>How much a manifest says about a column. The family is closed.</summary>
/// <remarks>Source: Apache Iceberg documentation, "Configuration: write.metadata.metrics.default".</remarks>
internal abstract record MetricsMode
{
    private MetricsMode() { }

    public sealed record None : MetricsMode;
    public sealed record Counts : MetricsMode;

    /// <summary>Counts, and bounds of at most <paramref name="Length"/> code points or bytes.</summary>
    public sealed record Truncate(int Length) : MetricsMode;

    public sealed record Full : MetricsMode;

    /// <exception cref="UnsupportedTableException">The text is no mode.</exception>
    public static MetricsMode Parse(string text, string property) =>
        Find(text) ?? throw new UnsupportedTableException($"The table property {property} is '{text}'; expected none, counts, truncate(16) or full.");

    internal static bool IsMode(string text) => Find(text) is not null;

    private static MetricsMode? Find(string text) => text.Trim().ToLowerInvariant() switch
    {
        "none" => new None(),
        "counts" => new Counts(),
        "full" => new Full(),
        var lower when SchemaJson.Arguments(lower, "truncate(", ')') is [> 0 and var length] => new Truncate(length),
        _ => null,
    };
}
