using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Matih.Definition;

/// <summary>What reading a definition gave: a whole, checked definition, or every error found, by position.</summary>
/// <param name="Definition">Null exactly where there are errors.</param>
/// <param name="Errors">In the order of the file; overrides last.</param>
/// <param name="Warnings">What is allowed but probably not meant, in the same form.</param>
public sealed record DefinitionResult(
    PipelineDefinition? Definition, ImmutableArray<DefinitionError> Errors, ImmutableArray<DefinitionError> Warnings)
{
    [MemberNotNullWhen(true, nameof(Definition))]
    public bool IsValid => Definition is not null;
}
