namespace Matih.Definition;

/// <summary>Everything that a definition can depend on besides its own text.</summary>
public sealed record DefinitionInputs
{
    /// <summary>The value of an environment variable, or null where it is not set.</summary>
    public required Func<string, string?> Environment { get; init; }

    /// <summary>The content of a file named by <c>from_file</c> (an absolute path). May throw what file access throws.</summary>
    public required Func<string, string> ReadSecretFile { get; init; }

    /// <summary>The absolute directory that relative paths in the definition start from, and the default <c>./warehouse</c>.</summary>
    public required string BaseDirectory { get; init; }

    /// <summary>Overrides as <c>path=value</c>, applied in order to the text before it is checked.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>Replaces the warehouse of every sink's file catalog (<c>--warehouse</c>); null leaves it.</summary>
    public string? Warehouse { get; init; }
}
