using Matih.Definition;
using Matih.Flink;

namespace Matih.Hosting.Flink;

/// <summary>Flink refused a statement.</summary>
/// <param name="position">Where the definition's author wrote what is refused; null where it is a statement of ours.</param>
/// <param name="subject">The definition's part that the statement comes from.</param>
/// <param name="trace">Everything that Flink said.</param>
public sealed class FlinkRefusalException(DefinitionPosition? position, string subject, string cause, string trace) : Exception(cause)
{
    public DefinitionPosition? Position { get; } = position;

    public string Trace { get; } = trace;

    /// <summary>As for every error of a definition: <c>file:line:column: path: message</c>.</summary>
    public override string ToString() => Position is { } at ? $"{at}: {subject}: {Message}" : $"{subject}: {Message}";

    /// <summary>The same refusal, of something that the author of the definition did not write.</summary>
    internal FlinkRefusalException About(string what) => new(null, what, Message, Trace);

    internal static FlinkRefusalException Of(FlinkScript script, FlinkStatement statement, FlinkFailure failure) =>
        new(failure.Line == 0 ? null : statement.PositionAt(failure.Line, failure.Column), failure.Source is { } source ? $"sources.{source}" : statement.Subject, script.Mask(failure.Cause), script.Mask(failure.Trace));
}
