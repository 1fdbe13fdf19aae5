using System.Collections.Immutable;

namespace Matih.Definition;

/// <summary>Who a pipeline is.</summary>
/// <param name="Name">Part of the ledger's key and of refs in the table: letters, digits, <c>- _ .</c>, at most 100.</param>
/// <param name="Version">The author's own version, free text.</param>
/// <param name="Owner">Free text.</param>
/// <param name="Description">Free text.</param>
/// <param name="Labels">Free key-value pairs for operators.</param>
public sealed record MetadataDefinition(
    string Name, string? Version, string? Owner, string? Description, ImmutableSortedDictionary<string, string> Labels);
