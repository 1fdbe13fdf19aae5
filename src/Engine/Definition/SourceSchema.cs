using Matih.Batches;

namespace Matih.Definition;

/// <summary>What a source's <c>schema:</c> says its columns are.</summary>
public abstract record SourceSchema
{
    private SourceSchema() { }

    /// <summary>The columns themselves.</summary>
    public sealed record Columns(RowType Row) : SourceSchema;

    /// <summary>A schema of the registry.</summary>
    /// <param name="Id">By its number; null where it is a version of a subject.</param>
    /// <param name="Subject">Null takes the topic's own, <c>TOPIC-value</c>.</param>
    public sealed record Registered(int? Id, string? Subject) : SourceSchema
    {
        public override string ToString() => Id is { } id ? $"the schema of id {id}" : Subject is null ? "the topic's latest schema" : $"the latest schema of subject '{Subject}'";
    }

    /// <summary>A schema in a file.</summary>
    public sealed record InFile(string Path) : SourceSchema
    {
        public override string ToString() => $"the schema in {Path}";
    }
}
