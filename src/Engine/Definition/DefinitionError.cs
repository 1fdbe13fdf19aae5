namespace Matih.Definition;

/// <summary>
/// One thing wrong with a definition. Messages never hold a secret: neither the value of a secret field nor what an
/// environment variable was replaced with.
/// </summary>
/// <param name="File">The file's name as the caller gave it, or <c>--set PATH</c>.</param>
/// <param name="Line">From 1; 0 for an override.</param>
/// <param name="Column">From 1; 0 for an override.</param>
/// <param name="Path">The key's way from the root, e.g. <c>sources.clicks.topic</c> or <c>transformations[0].sql</c>; empty for the file as a whole.</param>
/// <param name="Message">What was found, what is allowed, what to do.</param>
public sealed record DefinitionError(string File, int Line, int Column, string Path, string Message)
{
    public DefinitionPosition Position => new(File, Line, Column);

    /// <summary><c>file:line:column: path: message</c>.</summary>
    public override string ToString() => Path.Length == 0 ? $"{Position}: {Message}" : $"{Position}: {Path}: {Message}";
}
